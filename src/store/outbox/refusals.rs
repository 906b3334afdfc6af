//! Writes that Salesforce refuses: they stay until somebody has mended what they are refused for.

use super::{Outgoing, Write, unreadable};
use crate::store::{Result, Tx, execute, fetch_all};

/// A write that Salesforce refuses, for the list of what waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct RefusedWrite {
    /// Object and record.
    pub target: String,
    /// Why, in words.
    pub sentence: String,
}

impl Tx {
    /// Salesforce refuses it as it is. It stays, and goes again at `next_at_ms` or when somebody asks for it; the Payment
    /// Error that says so goes ahead of it.
    pub async fn refused(
        &mut self,
        sidecar: &str,
        sent: &Outgoing,
        error: &Write,
        sentence: &str,
        next_at_ms: i64,
        now_ms: i64,
    ) -> Result<()> {
        let kept = execute!(
            self,
            "UPDATE outbox SET claimed_by = NULL, refused = $1, next_at_ms = $2, attempts = attempts + 1
             WHERE target = $3 AND claimed_by = $4 AND version = $5",
            sentence,
            next_at_ms,
            sent.target.as_str(),
            sidecar,
            sent.version
        )?;
        if kept == 0 {
            // more was merged, which may mend it
            return self.send_again(sidecar, sent, now_ms, false).await;
        }
        self.write_out(error, now_ms).await
    }

    /// Sends a write again now without some of its fields. Answers false where it has none of them, and does nothing.
    pub async fn send_without(&mut self, sidecar: &str, sent: &Outgoing, leave: &[&str], now_ms: i64) -> Result<bool> {
        let mut fields = sent.write.fields.clone();
        fields.retain(|name, _| !leave.contains(&name.as_str()));
        if fields.len() == sent.write.fields.len() {
            return Ok(false);
        }
        let text = serde_json::to_string(&fields).map_err(|_| unreadable("a write"))?;
        let changed = execute!(
            self,
            "UPDATE outbox SET fields = $1, version = version + 1, claimed_by = NULL, next_at_ms = $2
             WHERE target = $3 AND claimed_by = $4 AND version = $5",
            text,
            now_ms,
            sent.target.as_str(),
            sidecar,
            sent.version
        )?;
        if changed == 0 {
            // more was merged, which may mend it
            self.send_again(sidecar, sent, now_ms, true).await?;
        }
        Ok(true)
    }

    /// Sends a refused write again now. Answers whether there is one; one that is under way counts.
    pub async fn retry_refused(&mut self, target: &str, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE outbox SET next_at_ms = $1, attempts = 0 WHERE target = $2 AND refused IS NOT NULL";
        Ok(execute!(self, sql, now_ms, target)? > 0)
    }

    /// Gives a refused write up for good. Answers whether there was one.
    pub async fn discard_refused(&mut self, target: &str) -> Result<bool> {
        let sql = "DELETE FROM outbox WHERE target = $1 AND refused IS NOT NULL AND claimed_by IS NULL";
        Ok(execute!(self, sql, target)? > 0)
    }

    /// The writes that Salesforce refuses.
    pub async fn refused_writes(&mut self, limit: i64) -> Result<Vec<RefusedWrite>> {
        fetch_all!(
            self,
            RefusedWrite,
            "SELECT target, refused AS sentence FROM outbox WHERE refused IS NOT NULL ORDER BY target LIMIT $1",
            limit
        )
    }
}
