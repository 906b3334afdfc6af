//! One-row facts: whose database this is, and how far the steady clock had come.

use super::{Result, Store, Tx, execute, fetch_scalar};

impl Tx {
    /// Reads a fact.
    pub async fn meta(&mut self, name: &str) -> Result<Option<String>> {
        fetch_scalar!(self, String, "SELECT value FROM meta WHERE name = $1", name)
    }

    /// Writes a fact.
    pub async fn set_meta(&mut self, name: &str, value: &str) -> Result<()> {
        execute!(
            self,
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value
        )?;
        Ok(())
    }

    /// Removes a fact.
    pub async fn unset_meta(&mut self, name: &str) -> Result<()> {
        execute!(self, "DELETE FROM meta WHERE name = $1", name)?;
        Ok(())
    }

    pub(super) async fn raise_high_water(&mut self, now_ms: i64) -> Result<()> {
        let before = self.meta("high_water_ms").await?.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        if now_ms > before { self.set_meta("high_water_ms", &now_ms.to_string()).await } else { Ok(()) }
    }
}

/// What does not fit the database that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// org, Stripe account or mode.
    pub what: &'static str,
    /// What the database belongs to.
    pub stamped: String,
    /// What the configuration leads to.
    pub found: String,
}

/// Whose database this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The org's 18 characters.
    pub org_id: String,
    /// Stripe's acct_ id.
    pub stripe_account: String,
    /// Whether real money moves.
    pub livemode: bool,
}

impl Store {
    /// How far the steady clock had come when it was last written down.
    pub async fn high_water_ms(&self) -> Result<i64> {
        let mut tx = self.reading().await?;
        Ok(tx.meta("high_water_ms").await?.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Stamps a new database; answers what does not fit a stamped one.
    pub async fn stamp(&self, stamp: &Stamp) -> Result<Vec<Mismatch>> {
        let mode = if stamp.livemode { "live" } else { "test" };
        let facts = [("org", &*stamp.org_id), ("Stripe account", &*stamp.stripe_account), ("Stripe mode", mode)];
        let mut tx = self.begin().await?;
        let mut wrong = Vec::new();
        for (what, found) in facts {
            let name = format!("stamp:{what}");
            match tx.meta(&name).await? {
                None => tx.set_meta(&name, found).await?,
                Some(stamped) if stamped == found => {}
                Some(stamped) => wrong.push(Mismatch { what, stamped, found: found.to_owned() }),
            }
        }
        if wrong.is_empty() {
            tx.commit().await?;
        }
        Ok(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_database_belongs_to_one_org_and_one_account_and_one_mode() {
        on_both(async |store| {
            let mut stamp = Stamp { org_id: "00D1".into(), stripe_account: "acct_1".into(), livemode: false };
            assert_eq!(store.stamp(&stamp).await.unwrap(), []);
            assert_eq!(store.stamp(&stamp).await.unwrap(), []);
            stamp.livemode = true;
            let wrong = store.stamp(&stamp).await.unwrap();
            assert_eq!(wrong, [Mismatch { what: "Stripe mode", stamped: "test".into(), found: "live".into() }]);
        })
        .await;
    }

    #[tokio::test]
    async fn the_high_water_only_rises() {
        on_both(async |store| {
            store.register_sidecar("me", 0).await.unwrap();
            store.beat("me", 9_000).await.unwrap();
            store.beat("me", 3_000).await.unwrap();
            assert_eq!(store.high_water_ms().await.unwrap(), 9_000);
        })
        .await;
    }
}
