//! How far the sweep has come.

use super::{Result, Store, execute, fetch_scalar};

const NAME: &str = "stripe_sweep_s";

impl Store {
    /// The start of the last sweep that went through, in seconds of the wall clock.
    pub async fn last_sweep_s(&self) -> Result<Option<i64>> {
        let mut tx = self.reading().await?;
        let found = fetch_scalar!(&mut tx, String, "SELECT value FROM meta WHERE name = $1", NAME)?;
        Ok(found.and_then(|text| text.parse().ok()))
    }

    pub async fn set_last_sweep_s(&self, seconds: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
        execute!(&mut tx, sql, NAME, seconds.to_string())?;
        tx.commit().await
    }
}
