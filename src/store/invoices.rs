//! Copies of invoices as last read from Salesforce.

use sqlx::FromRow;

use super::{Result, Store, execute, fetch_optional};
use crate::domain::SalesforceId;

#[derive(FromRow)]
struct Row {
    read_ms: i64,
    copy: String,
}

impl Store {
    /// Keeps what was read, as JSON of the engine's.
    pub async fn keep_invoice(&self, invoice: &SalesforceId, copy: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO invoices (invoice_id, read_ms, copy) VALUES ($1, $2, $3)
                   ON CONFLICT (invoice_id) DO UPDATE SET read_ms = $2, copy = $3";
        execute!(&mut tx, sql, invoice.as_str(), now_ms, copy)?;
        tx.commit().await
    }

    /// The copy and when it was read.
    pub async fn invoice_copy(&self, invoice: &SalesforceId) -> Result<Option<(i64, String)>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(
            &mut tx,
            Row,
            "SELECT read_ms, copy FROM invoices WHERE invoice_id = $1",
            invoice.as_str()
        )?;
        Ok(row.map(|row| (row.read_ms, row.copy)))
    }
}
