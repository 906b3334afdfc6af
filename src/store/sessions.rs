//! Sessions behind the cookie, and one-time codes. Only keyed hashes are stored.

use sqlx::FromRow;

use super::{Error, Result, Store, execute, fetch_all, fetch_optional, fetch_scalar};
use crate::domain::LinkId;

/// Somebody who pressed Continue on a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub link: LinkId,
    /// A one-time code was given: stored methods show until then.
    pub verified_until_ms: Option<i64>,
}

/// What came of a code that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    Right,
    Wrong,
    /// It was the right one once, or all are used up.
    RanOut,
}

#[derive(FromRow)]
struct Row {
    link_id: String,
    verified_until_ms: Option<i64>,
}

#[derive(FromRow)]
struct CodeRow {
    code_id: String,
    code_hash: String,
    expires_ms: i64,
    wrong: i64,
    used: i64,
}

/// After so many wrong tries a code is dead.
const TRIES: i64 = 5;
/// Codes sent, and wrong tries made, in an hour, before no more are sent for the link.
const SENT_AN_HOUR: i64 = 5;
const WRONG_AN_HOUR: i64 = 10;
const HOUR_MS: i64 = 3_600_000;

impl Store {
    pub async fn open_session(&self, session_hash: &str, link: &LinkId, now_ms: i64, expires_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "DELETE FROM sessions WHERE expires_ms <= $1", now_ms)?;
        let sql = "INSERT INTO sessions (session_hash, link_id, made_ms, expires_ms) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING";
        execute!(&mut tx, sql, session_hash, link.as_str(), now_ms, expires_ms)?;
        tx.commit().await
    }

    pub async fn session(&self, session_hash: &str, now_ms: i64) -> Result<Option<Session>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT link_id, verified_until_ms FROM sessions WHERE session_hash = $1 AND expires_ms > $2";
        let row = fetch_optional!(&mut tx, Row, sql, session_hash, now_ms)?;
        row.map(|row| {
            let link = LinkId::parse(&row.link_id)
                .map_err(|_| Error::Unreadable { what: "a link id", found: row.link_id.clone() })?;
            Ok(Session { link, verified_until_ms: row.verified_until_ms })
        })
        .transpose()
    }

    /// Removes what can decide nothing any more: sessions that ended, codes of another day, declines of another month. A
    /// decline is kept that long because a reading that names it again must not count it anew.
    pub async fn forget_visits(&self, now_ms: i64) -> Result<u64> {
        const DAY_MS: i64 = 24 * HOUR_MS;
        let mut tx = self.begin().await?;
        let gone = execute!(&mut tx, "DELETE FROM sessions WHERE expires_ms <= $1", now_ms)?
            + execute!(&mut tx, "DELETE FROM codes WHERE sent_ms < $1 AND expires_ms < $2", now_ms - DAY_MS, now_ms)?
            + execute!(&mut tx, "DELETE FROM declines WHERE at_ms < $1", now_ms - 35 * DAY_MS)?;
        tx.commit().await?;
        Ok(gone)
    }

    /// Records a code before it is mailed. Answers false where too many were sent or mistyped: then none goes.
    pub async fn record_code(
        &self,
        code_id: &str,
        link: &LinkId,
        code_hash: &str,
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        tx.lock(&format!("codes:{link}")).await?;
        let since = now_ms - HOUR_MS;
        let sql = "SELECT COUNT(*) FROM codes WHERE link_id = $1 AND sent_ms > $2";
        let sent = fetch_scalar!(&mut tx, i64, sql, link.as_str(), since)?.unwrap_or(0);
        let sql = "SELECT CAST(COALESCE(SUM(wrong), 0) AS BIGINT) FROM codes WHERE link_id = $1 AND sent_ms > $2";
        let wrong = fetch_scalar!(&mut tx, i64, sql, link.as_str(), since)?.unwrap_or(0);
        if sent >= SENT_AN_HOUR || wrong >= WRONG_AN_HOUR {
            return Ok(false);
        }
        execute!(
            &mut tx,
            "INSERT INTO codes (code_id, link_id, code_hash, sent_ms, expires_ms, wrong, used) VALUES ($1, $2, $3, $4, $5, 0, 0)",
            code_id,
            link.as_str(),
            code_hash,
            now_ms,
            expires_ms
        )?;
        tx.commit().await?;
        Ok(true)
    }

    /// Tries a code. A new code doesn't end an older one inside its own time: people type the first of two mails.
    pub async fn try_code(
        &self,
        session_hash: &str,
        link: &LinkId,
        code_hash: &str,
        now_ms: i64,
        verified_until_ms: i64,
    ) -> Result<CodeOutcome> {
        let mut tx = self.begin().await?;
        tx.lock(&format!("codes:{link}")).await?;
        let sql = "SELECT code_id, code_hash, expires_ms, wrong, used FROM codes WHERE link_id = $1 AND sent_ms > $2";
        let codes = fetch_all!(&mut tx, CodeRow, sql, link.as_str(), now_ms - HOUR_MS)?;
        let same = |code: &&CodeRow| {
            bool::from(subtle::ConstantTimeEq::ct_eq(code.code_hash.as_bytes(), code_hash.as_bytes()))
        };
        let alive = |code: &&CodeRow| code.used == 0 && code.expires_ms > now_ms && code.wrong < TRIES;
        let live: Vec<&CodeRow> = codes.iter().filter(alive).collect();
        let outcome = if let Some(code) = live.iter().copied().find(same) {
            execute!(&mut tx, "UPDATE codes SET used = 1 WHERE code_id = $1", code.code_id.as_str())?;
            let sql = "UPDATE sessions SET verified_until_ms = $2 WHERE session_hash = $1";
            execute!(&mut tx, sql, session_hash, verified_until_ms)?;
            CodeOutcome::Right
        } else {
            for code in &live {
                execute!(&mut tx, "UPDATE codes SET wrong = wrong + 1 WHERE code_id = $1", code.code_id.as_str())?;
            }
            if live.is_empty() || codes.iter().any(|code| same(&code)) {
                CodeOutcome::RanOut
            } else {
                CodeOutcome::Wrong
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_code_works_once_within_its_time_and_not_after_five_wrong_tries() {
        on_both(async |store| {
            let link = LinkId::parse("link-1").unwrap();
            store.open_session("s", &link, 0, 100_000).await.unwrap();
            assert!(store.record_code("c1", &link, "right", 1_000, 50_000).await.unwrap());
            assert_eq!(store.try_code("s", &link, "wrong", 2_000, 90_000).await.unwrap(), CodeOutcome::Wrong);
            assert_eq!(store.session("s", 2_000).await.unwrap().unwrap().verified_until_ms, None);
            assert_eq!(store.try_code("s", &link, "right", 2_000, 90_000).await.unwrap(), CodeOutcome::Right);
            assert_eq!(store.session("s", 2_000).await.unwrap().unwrap().verified_until_ms, Some(90_000));
            assert_eq!(store.try_code("s", &link, "right", 2_000, 90_000).await.unwrap(), CodeOutcome::RanOut);

            assert!(store.record_code("c2", &link, "second", 3_000, 50_000).await.unwrap());
            for _ in 0..5 {
                store.try_code("s", &link, "wrong", 3_000, 90_000).await.unwrap();
            }
            assert_eq!(store.try_code("s", &link, "second", 3_000, 90_000).await.unwrap(), CodeOutcome::RanOut);

            assert!(store.record_code("c3", &link, "third", 4_000, 50_000).await.unwrap());
            assert_eq!(store.try_code("s", &link, "third", 50_000, 90_000).await.unwrap(), CodeOutcome::RanOut);
        })
        .await;
    }

    #[tokio::test]
    async fn no_more_than_five_codes_go_out_in_an_hour() {
        on_both(async |store| {
            let link = LinkId::parse("link-1").unwrap();
            for number in 0..5 {
                assert!(store.record_code(&format!("c{number}"), &link, "x", 1_000, 50_000).await.unwrap());
            }
            assert!(!store.record_code("c5", &link, "x", 2_000, 50_000).await.unwrap());
            assert!(store.record_code("c6", &link, "x", 1_001 + HOUR_MS, 5_000_000).await.unwrap());
        })
        .await;
    }

    #[tokio::test]
    async fn a_session_ends() {
        on_both(async |store| {
            let link = LinkId::parse("link-1").unwrap();
            store.open_session("s", &link, 0, 1_000).await.unwrap();
            assert!(store.session("s", 999).await.unwrap().is_some());
            assert!(store.session("s", 1_000).await.unwrap().is_none());
            assert!(store.session("t", 0).await.unwrap().is_none());
        })
        .await;
    }

    #[tokio::test]
    async fn what_can_decide_nothing_any_more_is_removed_and_the_rest_stays() {
        on_both(async |store| {
            const DAY_MS: i64 = 24 * HOUR_MS;
            let link = LinkId::parse("link-1").unwrap();
            store.open_session("old", &link, 0, DAY_MS).await.unwrap();
            assert!(store.record_code("old", &link, "x", 0, HOUR_MS).await.unwrap());
            let mut tx = store.begin().await.unwrap();
            tx.count_decline_once(&link, "ch_old", 0).await.unwrap();
            tx.count_decline_once(&link, "ch_new", 10 * DAY_MS).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.forget_visits(HOUR_MS).await.unwrap(), 0);
            assert_eq!(store.forget_visits(2 * DAY_MS).await.unwrap(), 2);
            assert_eq!(store.forget_visits(36 * DAY_MS).await.unwrap(), 1);
        })
        .await;
    }
}
