//! Notices that wait to be published.

use crate::store::{Result, Tx, execute, fetch_all};

/// A notice that waits to be published.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct QueuedNotice {
    /// Its EventUuid.
    pub id: String,
    /// Record.
    pub record_id: String,
    /// Request.
    pub request_id: String,
    /// State.
    pub state: String,
}

impl Tx {
    /// Queues a notice without a write.
    pub async fn queue_notice(&mut self, record_id: &str, request_id: &str, state: &str, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "INSERT INTO notices (id, record_id, request_id, state, queued_ms) VALUES ($1, $2, $3, $4, $5)",
            uuid::Uuid::new_v4().to_string(),
            record_id,
            request_id,
            state,
            now_ms
        )?;
        Ok(())
    }

    /// Notices to publish, the oldest first.
    pub async fn notices(&mut self, limit: i64) -> Result<Vec<QueuedNotice>> {
        fetch_all!(
            self,
            QueuedNotice,
            "SELECT id, record_id, request_id, state FROM notices ORDER BY queued_ms, id LIMIT $1",
            limit
        )
    }

    /// A notice that was published, or is too old to tell anybody anything.
    pub async fn forget_notice(&mut self, id: &str) -> Result<()> {
        execute!(self, "DELETE FROM notices WHERE id = $1", id)?;
        Ok(())
    }

    /// Forgets notices queued before a time: the components have long re-read their records.
    pub async fn forget_notices_before(&mut self, before_ms: i64) -> Result<()> {
        execute!(self, "DELETE FROM notices WHERE queued_ms < $1", before_ms)?;
        Ok(())
    }
}
