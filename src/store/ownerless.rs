//! Payments at Stripe that belong to nobody we know: neither they nor their customer name an org. `status` lists them; none is
//! booked.

use super::{Result, Store, execute, fetch_all, fetch_scalar};

impl Store {
    /// Notes one, or that it was seen again.
    pub async fn note_ownerless(&self, stripe_id: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO ownerless (stripe_id, seen_ms) VALUES ($1, $2)
                   ON CONFLICT (stripe_id) DO UPDATE SET seen_ms = $2";
        execute!(&mut tx, sql, stripe_id, now_ms)?;
        tx.commit().await
    }

    /// It has an owner after all: somebody gave its customer to an account.
    pub async fn has_owner(&self, stripe_id: &str) -> Result<()> {
        let known = {
            let mut tx = self.reading().await?;
            fetch_scalar!(&mut tx, String, "SELECT stripe_id FROM ownerless WHERE stripe_id = $1", stripe_id)?
        };
        if known.is_none() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        execute!(&mut tx, "DELETE FROM ownerless WHERE stripe_id = $1", stripe_id)?;
        tx.commit().await
    }

    /// How many there are, and the ids of those seen last.
    pub async fn ownerless(&self, limit: i64) -> Result<(i64, Vec<String>)> {
        let mut tx = self.reading().await?;
        let count = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM ownerless")?.unwrap_or(0);
        let sql = "SELECT stripe_id FROM ownerless ORDER BY seen_ms DESC, stripe_id LIMIT $1";
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql, limit)?;
        Ok((count, rows.into_iter().map(|row| row.0).collect()))
    }

    /// Those that no sweep has named since then: what we have never again to decide about.
    pub async fn forget_ownerless(&self, before_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = execute!(&mut tx, "DELETE FROM ownerless WHERE seen_ms < $1", before_ms)?;
        tx.commit().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn what_nobody_owns_is_listed_once_until_somebody_does() {
        on_both(async |store| {
            store.note_ownerless("pi_1", 10).await.unwrap();
            store.note_ownerless("ch_2", 20).await.unwrap();
            store.note_ownerless("pi_1", 30).await.unwrap();
            assert_eq!(store.ownerless(10).await.unwrap(), (2, vec!["pi_1".to_owned(), "ch_2".to_owned()]));
            store.has_owner("pi_1").await.unwrap();
            store.has_owner("pi_9").await.unwrap();
            assert_eq!(store.ownerless(10).await.unwrap(), (1, vec!["ch_2".to_owned()]));
            assert_eq!(store.forget_ownerless(20).await.unwrap(), 0);
            assert_eq!(store.forget_ownerless(21).await.unwrap(), 1);
        })
        .await;
    }
}
