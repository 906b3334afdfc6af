//! How far the sweeps have come.

use super::{Result, Store, execute, fetch_scalar};

const EVENTS: &str = "stripe_sweep_s";
const LISTING: &str = "stripe_listing_s";

impl Store {
    /// The start of the last sweep of events that went through, in seconds of the wall clock.
    pub async fn last_sweep_s(&self) -> Result<Option<i64>> {
        self.mark_s(EVENTS).await
    }

    pub async fn set_last_sweep_s(&self, seconds: i64) -> Result<()> {
        self.set_mark_s(EVENTS, seconds).await
    }

    /// The start of the last listing of payments that went through, in seconds of the wall clock.
    pub async fn last_listing_s(&self) -> Result<Option<i64>> {
        self.mark_s(LISTING).await
    }

    pub async fn set_last_listing_s(&self, seconds: i64) -> Result<()> {
        self.set_mark_s(LISTING, seconds).await
    }

    async fn mark_s(&self, name: &str) -> Result<Option<i64>> {
        let mut tx = self.reading().await?;
        let found = fetch_scalar!(&mut tx, String, "SELECT value FROM meta WHERE name = $1", name)?;
        Ok(found.and_then(|text| text.parse().ok()))
    }

    async fn set_mark_s(&self, name: &str, seconds: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
        execute!(&mut tx, sql, name, seconds.to_string())?;
        tx.commit().await
    }
}
