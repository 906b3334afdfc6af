//! Links, and the declines that lock them.

use sqlx::FromRow;

use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional, fetch_scalar};
use crate::domain::link::{DECLINES_TO_LOCK, LOCK_MS, LinkKind, LinkState, LinkUse, usable};
use crate::domain::{LinkId, SalesforceId};

/// A link's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub id: LinkId,
    pub token_hash: String,
    pub kind: LinkKind,
    pub invoice: SalesforceId,
    pub sent_to: Option<String>,
    pub note: Option<String>,
    pub state: LinkState,
    pub made_ms: i64,
    pub changed_ms: i64,
    pub expires_ms: Option<i64>,
    pub locked_until_ms: Option<i64>,
}

impl Link {
    /// What it may do at a moment of the wall clock.
    pub fn usable(&self, now_ms: i64) -> LinkUse {
        usable(self.state, self.expires_ms, self.locked_until_ms, now_ms)
    }
}

#[derive(FromRow)]
struct Row {
    link_id: String,
    token_hash: String,
    kind: String,
    invoice_id: String,
    sent_to: Option<String>,
    note: Option<String>,
    state: String,
    made_ms: i64,
    changed_ms: i64,
    expires_ms: Option<i64>,
    locked_until_ms: Option<i64>,
}

impl TryFrom<Row> for Link {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |what, found: &str| Error::Unreadable { what, found: found.to_owned() };
        Ok(Self {
            id: LinkId::parse(&row.link_id).map_err(|_| unreadable("a link id", &row.link_id))?,
            token_hash: row.token_hash,
            kind: LinkKind::from_name(&row.kind).ok_or_else(|| unreadable("a kind of link", &row.kind))?,
            invoice: SalesforceId::parse(&row.invoice_id).map_err(|_| unreadable("an invoice id", &row.invoice_id))?,
            sent_to: row.sent_to,
            note: row.note,
            state: LinkState::from_name(&row.state).ok_or_else(|| unreadable("a link's state", &row.state))?,
            made_ms: row.made_ms,
            changed_ms: row.changed_ms,
            expires_ms: row.expires_ms,
            locked_until_ms: row.locked_until_ms,
        })
    }
}

impl Store {
    /// By the hash of its token.
    pub async fn link_by_token_hash(&self, token_hash: &str) -> Result<Option<Link>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(&mut tx, Row, "SELECT * FROM links WHERE token_hash = $1", token_hash)?;
        row.map(Link::try_from).transpose()
    }

    /// By its id.
    pub async fn link(&self, id: &LinkId) -> Result<Option<Link>> {
        let mut tx = self.reading().await?;
        tx.link(id).await
    }

    /// The open links of an invoice that a customer may hold.
    pub async fn open_links_of(&self, invoice: &SalesforceId) -> Result<Vec<Link>> {
        let mut tx = self.reading().await?;
        tx.open_links_of(invoice).await
    }
}

impl Tx {
    /// Open links that have run out since they were last looked at. Looking marks them.
    pub async fn take_expired_links(&mut self, now_ms: i64) -> Result<Vec<Link>> {
        let sql = "UPDATE links SET changed_ms = $1
                   WHERE state = 'open' AND expires_ms <= $1 AND changed_ms < expires_ms RETURNING *";
        fetch_all!(self, Row, sql, now_ms)?.into_iter().map(Link::try_from).collect()
    }

    /// Open links whose lock has ended. Taking them ends the lock for good.
    pub async fn take_unlocked_links(&mut self, now_ms: i64) -> Result<Vec<Link>> {
        let sql = "UPDATE links SET locked_until_ms = NULL, changed_ms = $1
                   WHERE state = 'open' AND locked_until_ms <= $1 RETURNING *";
        fetch_all!(self, Row, sql, now_ms)?.into_iter().map(Link::try_from).collect()
    }

    pub async fn link(&mut self, id: &LinkId) -> Result<Option<Link>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM links WHERE link_id = $1", id.as_str())?;
        row.map(Link::try_from).transpose()
    }

    /// The open links of an invoice that a customer may hold.
    pub async fn open_links_of(&mut self, invoice: &SalesforceId) -> Result<Vec<Link>> {
        let sql = "SELECT * FROM links WHERE invoice_id = $1 AND state = 'open' AND kind IN ('mailed', 'copied') ORDER BY made_ms, link_id";
        fetch_all!(self, Row, sql, invoice.as_str())?.into_iter().map(Link::try_from).collect()
    }

    /// Makes the link unless it is there; the same send twice makes one.
    pub async fn record_link_once(&mut self, link: &Link) -> Result<()> {
        execute!(
            self,
            "INSERT INTO links (link_id, token_hash, kind, invoice_id, sent_to, note, state, made_ms, changed_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            link.id.as_str(),
            link.token_hash.as_str(),
            link.kind.name(),
            link.invoice.as_str(),
            link.sent_to.as_deref(),
            link.note.as_deref(),
            link.state.name(),
            link.made_ms,
            link.changed_ms,
            link.expires_ms,
        )?;
        Ok(())
    }

    /// Ends an open link. Answers whether it was open.
    pub async fn end_link(&mut self, id: &LinkId, state: LinkState, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE links SET state = $2, changed_ms = $3 WHERE link_id = $1 AND state = 'open'";
        Ok(execute!(self, sql, id.as_str(), state.name(), now_ms)? > 0)
    }

    /// A re-send of the same link may move its expiry.
    pub async fn extend_link(&mut self, id: &LinkId, expires_ms: Option<i64>, now_ms: i64) -> Result<()> {
        let sql = "UPDATE links SET expires_ms = $2, changed_ms = $3 WHERE link_id = $1 AND state = 'open'";
        execute!(self, sql, id.as_str(), expires_ms, now_ms)?;
        Ok(())
    }

    /// Counts a decline once, and locks the link for a day at the tenth within a day. Answers whether it locked now.
    pub async fn count_decline_once(&mut self, id: &LinkId, decline_key: &str, now_ms: i64) -> Result<bool> {
        let sql = "INSERT INTO declines (decline_key, link_id, at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        if execute!(self, sql, decline_key, id.as_str(), now_ms)? == 0 {
            return Ok(false);
        }
        // The lock lasts as long as the span that is counted, so the day after begins at none.
        let count = fetch_scalar!(
            self,
            i64,
            "SELECT COUNT(*) FROM declines WHERE link_id = $1 AND at_ms > $2",
            id.as_str(),
            now_ms - LOCK_MS
        )?;
        if count.unwrap_or(0) < DECLINES_TO_LOCK {
            return Ok(false);
        }
        let sql = "UPDATE links SET locked_until_ms = $2, changed_ms = $3
                   WHERE link_id = $1 AND (locked_until_ms IS NULL OR locked_until_ms <= $3)";
        Ok(execute!(self, sql, id.as_str(), now_ms + LOCK_MS, now_ms)? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    fn link(id: &str) -> Link {
        Link {
            id: LinkId::parse(id).unwrap(),
            token_hash: format!("hash of {id}"),
            kind: LinkKind::Mailed,
            invoice: SalesforceId::parse("a00D000000IqhSL").unwrap(),
            sent_to: Some("payer@example.com".into()),
            note: None,
            state: LinkState::Open,
            made_ms: 1_000,
            changed_ms: 1_000,
            expires_ms: None,
            locked_until_ms: None,
        }
    }

    #[tokio::test]
    async fn the_same_send_twice_makes_one_link_and_a_revoked_one_stays_revoked() {
        on_both(async |store| {
            let link = link("link-1");
            for _ in 0..2 {
                let mut tx = store.begin().await.unwrap();
                tx.record_link_once(&link).await.unwrap();
                tx.commit().await.unwrap();
            }
            assert_eq!(store.link_by_token_hash("hash of link-1").await.unwrap(), Some(link.clone()));
            assert_eq!(store.link_by_token_hash("hash of nothing").await.unwrap(), None);
            let mut tx = store.begin().await.unwrap();
            assert!(tx.end_link(&link.id, LinkState::Revoked, 2_000).await.unwrap());
            assert!(!tx.end_link(&link.id, LinkState::Replaced, 3_000).await.unwrap());
            tx.record_link_once(&link).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.link(&link.id).await.unwrap().unwrap().state, LinkState::Revoked);
            assert_eq!(store.open_links_of(&link.invoice).await.unwrap(), []);
        })
        .await;
    }

    #[tokio::test]
    async fn a_link_that_ran_out_is_told_of_once() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            tx.record_link_once(&Link { expires_ms: Some(5_000), ..link("link-1") }).await.unwrap();
            tx.record_link_once(&link("link-2")).await.unwrap();
            assert_eq!(tx.take_expired_links(4_999).await.unwrap(), []);
            assert_eq!(tx.take_expired_links(5_000).await.unwrap().len(), 1);
            assert_eq!(tx.take_expired_links(6_000).await.unwrap(), []);
        })
        .await;
    }

    #[tokio::test]
    async fn ten_declines_lock_for_a_day_and_the_same_decline_counts_once() {
        on_both(async |store| {
            let link = link("link-1");
            let mut tx = store.begin().await.unwrap();
            tx.record_link_once(&link).await.unwrap();
            for number in 0..9 {
                for _ in 0..2 {
                    assert!(!tx.count_decline_once(&link.id, &format!("ch_{number}"), 5_000).await.unwrap());
                }
            }
            assert!(tx.count_decline_once(&link.id, "ch_9", 5_000).await.unwrap(), "the tenth locks");
            tx.commit().await.unwrap();
            let link = store.link(&link.id).await.unwrap().unwrap();
            assert_eq!(link.usable(5_000), LinkUse::Locked { until_ms: 5_000 + LOCK_MS });
            assert_eq!(link.usable(5_001 + LOCK_MS), LinkUse::Pays);
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tx.take_unlocked_links(4_999 + LOCK_MS).await.unwrap(), []);
            assert_eq!(tx.take_unlocked_links(5_000 + LOCK_MS).await.unwrap().len(), 1);
            assert_eq!(tx.take_unlocked_links(6_000 + LOCK_MS).await.unwrap(), [], "it is told of once");
        })
        .await;
    }
}
