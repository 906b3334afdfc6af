//! Files that go to Salesforce, one upload each, once the record they belong to is there.

use super::{Result, Tx, execute, fetch_all};

/// A file and the record that it belongs to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OutgoingFile {
    /// Names it here; a second one under the same name is ignored.
    pub id: String,
    /// Object of the record.
    pub parent_object: String,
    /// External id field by which the record is found.
    pub parent_key_field: String,
    /// Its value.
    pub parent_key: String,
    /// What the clerk reads.
    pub title: String,
    /// With extension; by it and the record an earlier upload is found again.
    pub file_name: String,
    /// The bytes.
    pub content: Vec<u8>,
    /// Failed tries.
    pub attempts: i64,
}

impl Tx {
    /// Queues a file.
    pub async fn send_file(&mut self, file: &OutgoingFile, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "INSERT INTO files (id, parent_object, parent_key_field, parent_key, title, file_name, content, attempts,
                next_at_ms, queued_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8) ON CONFLICT (id) DO NOTHING",
            file.id.as_str(),
            file.parent_object.as_str(),
            file.parent_key_field.as_str(),
            file.parent_key.as_str(),
            file.title.as_str(),
            file.file_name.as_str(),
            file.content.as_slice(),
            now_ms
        )?;
        Ok(())
    }

    /// Files whose turn it is.
    pub async fn files_due(&mut self, limit: i64, now_ms: i64) -> Result<Vec<OutgoingFile>> {
        fetch_all!(
            self,
            OutgoingFile,
            "SELECT id, parent_object, parent_key_field, parent_key, title, file_name, content, attempts FROM files
             WHERE uploaded_ms IS NULL AND next_at_ms <= $1 ORDER BY queued_ms LIMIT $2",
            now_ms,
            limit
        )
    }

    /// It is there: the bytes are not kept a second time.
    pub async fn file_uploaded(&mut self, id: &str, document: &str, now_ms: i64) -> Result<()> {
        let empty: &[u8] = &[];
        execute!(
            self,
            "UPDATE files SET uploaded_ms = $1, document = $2, content = $3 WHERE id = $4",
            now_ms,
            document,
            empty,
            id
        )?;
        Ok(())
    }

    /// It goes again later.
    pub async fn file_again(&mut self, id: &str, next_at_ms: i64) -> Result<()> {
        execute!(self, "UPDATE files SET attempts = attempts + 1, next_at_ms = $1 WHERE id = $2", next_at_ms, id)?;
        Ok(())
    }

    /// Tries a file again that was refused. Answers whether there is one.
    pub async fn retry_file(&mut self, id: &str, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE files SET uploaded_ms = NULL, document = NULL, attempts = 0, next_at_ms = $1
                   WHERE id = $2 AND LENGTH(content) > 0";
        Ok(execute!(self, sql, now_ms, id)? > 0)
    }

    /// It can't go as things are; its bytes are kept for a Retry.
    pub async fn file_refused(&mut self, id: &str, why: &str, now_ms: i64) -> Result<()> {
        execute!(self, "UPDATE files SET uploaded_ms = $1, document = $2 WHERE id = $3", now_ms, why, id)?;
        Ok(())
    }
}
