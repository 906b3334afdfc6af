//! What is due is taken by one sender at a time, and goes when Salesforce has confirmed it.

use std::collections::HashSet;

use super::{Key, Write, fields_of, unreadable};
use crate::store::{Error, Result, Tx, execute, fetch_all, fetch_optional, fetch_scalar};

/// A row under way.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Names the row.
    pub target: String,
    /// The write as merged so far.
    pub write: Write,
    /// Which merge that is.
    pub version: i64,
    /// Failed tries.
    pub attempts: i64,
    /// Why Salesforce refused it before, if it did; a Payment Error tells of it.
    pub refused: Option<String>,
}

/// What lies in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// Rows due now.
    pub due: i64,
    /// Since when the oldest of them waits; 0 where there is none.
    pub oldest_ms: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    target: String,
    object: String,
    key_field: Option<String>,
    record_key: String,
    fields: String,
    notice: Option<String>,
    command: Option<String>,
    bulk: i64,
    seq: i64,
    version: i64,
    attempts: i64,
    refused: Option<String>,
}

impl Tx {
    /// What is due: interactive or bulk.
    pub async fn outbox_waiting(&mut self, bulk: bool, now_ms: i64) -> Result<Waiting> {
        let waiting = fetch_optional!(
            self,
            Waiting,
            "SELECT COUNT(*) AS due, COALESCE(MIN(queued_ms), 0) AS oldest_ms FROM outbox
             WHERE claimed_by IS NULL AND bulk = $1 AND next_at_ms <= $2",
            i64::from(bulk),
            now_ms
        )?;
        Ok(waiting.unwrap_or(Waiting { due: 0, oldest_ms: 0 }))
    }

    /// How many rows are on their way, without those that Salesforce refuses.
    pub async fn outbox_depth(&mut self) -> Result<i64> {
        Ok(fetch_scalar!(self, i64, "SELECT COUNT(*) FROM outbox WHERE refused IS NULL")?.unwrap_or(0))
    }

    /// Whether one of these rows is still to be written.
    pub async fn any_unwritten(&mut self, targets: &[String]) -> Result<bool> {
        for target in targets {
            let sql = "SELECT COUNT(*) FROM outbox WHERE target = $1";
            if fetch_scalar!(self, i64, sql, target.as_str())?.unwrap_or(0) > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes up to `limit` rows that are due, interactive ones first; bulk ones only if they may go.
    pub async fn take_outgoing(
        &mut self,
        sidecar: &str,
        with_bulk: bool,
        limit: i64,
        now_ms: i64,
    ) -> Result<Vec<Outgoing>> {
        let statement = self.either(
            "UPDATE outbox SET claimed_by = $1 WHERE target IN (SELECT target FROM outbox WHERE claimed_by IS NULL
                AND bulk <= $2 AND next_at_ms <= $3 ORDER BY bulk, seq LIMIT $4)
             RETURNING target, object, key_field, record_key, fields, notice, command, bulk, seq, version, attempts, refused",
            "UPDATE outbox SET claimed_by = $1 WHERE target IN (SELECT target FROM outbox WHERE claimed_by IS NULL
                AND bulk <= $2 AND next_at_ms <= $3 ORDER BY bulk, seq LIMIT $4 FOR UPDATE SKIP LOCKED)
             RETURNING target, object, key_field, record_key, fields, notice, command, bulk, seq, version, attempts, refused",
        );
        let mut rows = fetch_all!(self, Row, statement, sidecar, i64::from(with_bulk), now_ms, limit)?;
        rows.sort_by_key(|row| row.seq);
        rows.into_iter().map(outgoing).collect()
    }

    /// Salesforce has confirmed these, each with its record's id: one statement for all that nobody is told of. Answers the
    /// targets of those that were no longer ours.
    pub async fn confirmed_all(
        &mut self,
        sidecar: &str,
        sent: &[(&Outgoing, &str)],
        now_ms: i64,
    ) -> Result<Vec<String>> {
        let quiet: Vec<(&str, i64)> = sent
            .iter()
            .filter(|(row, _)| row.write.notice.is_none() && row.refused.is_none())
            .map(|(row, _)| (row.target.as_str(), row.version))
            .collect();
        let statement = self.either(
            "DELETE FROM outbox WHERE claimed_by = $1 AND (target, version) IN
                (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($2)) RETURNING target",
            "DELETE FROM outbox WHERE claimed_by = $1 AND (target, version) IN
                (SELECT one ->> 0, (one ->> 1)::bigint FROM jsonb_array_elements($2::jsonb) AS one) RETURNING target",
        );
        let listed = serde_json::to_string(&quiet).map_err(|_| unreadable("the rows that are written"))?;
        let gone: Vec<(String,)> = fetch_all!(self, (String,), statement, sidecar, listed)?;
        let gone: HashSet<&str> = gone.iter().map(|(target,)| target.as_str()).collect();
        let mut lost = Vec::new();
        for (row, record_id) in sent.iter().filter(|(row, _)| !gone.contains(row.target.as_str())) {
            match self.confirmed(sidecar, row, record_id, now_ms).await {
                Err(Error::Lost { .. }) => lost.push(row.target.clone()),
                other => other?,
            }
        }
        Ok(lost)
    }

    /// Salesforce has confirmed: the row is gone, unless more was merged meanwhile. Its notice is queued.
    pub async fn confirmed(&mut self, sidecar: &str, sent: &Outgoing, record_id: &str, now_ms: i64) -> Result<()> {
        let gone = execute!(
            self,
            "DELETE FROM outbox WHERE target = $1 AND claimed_by = $2 AND version = $3",
            sent.target.as_str(),
            sidecar,
            sent.version
        )?;
        if gone == 0 {
            let kept = execute!(
                self,
                "UPDATE outbox SET claimed_by = NULL WHERE target = $1 AND claimed_by = $2",
                sent.target.as_str(),
                sidecar
            )?;
            if kept == 0 {
                return Err(Error::Lost { what: format!("the write to {}", sent.target) });
            }
        }
        if let Some(notice) = &sent.write.notice {
            let record = if notice.record_id.is_empty() { record_id } else { &notice.record_id };
            self.queue_notice(record, &notice.request_id, &notice.state, now_ms).await?;
        }
        // What was refused before is written now, so its error is mended.
        if sent.refused.is_some() {
            let mended =
                Write::upsert("Payment_Error__c", "Command_Id__c", &sent.error_id()).with("State__c", "Resolved");
            self.write_out(&mended, now_ms).await?;
            execute!(self, "UPDATE outbox SET refused = NULL WHERE target = $1", sent.target.as_str())?;
        }
        Ok(())
    }

    /// It failed in a way that may pass: it goes again at `next_at_ms`.
    pub async fn send_again(&mut self, sidecar: &str, sent: &Outgoing, next_at_ms: i64, failed: bool) -> Result<()> {
        execute!(
            self,
            "UPDATE outbox SET claimed_by = NULL, next_at_ms = $1, attempts = attempts + $2 WHERE target = $3 AND claimed_by = $4",
            next_at_ms,
            i64::from(failed),
            sent.target.as_str(),
            sidecar
        )?;
        Ok(())
    }
}

fn outgoing(row: Row) -> Result<Outgoing> {
    let notice = row.notice.as_deref().map(serde_json::from_str).transpose().map_err(|_| unreadable("a notice"))?;
    let key = match row.key_field {
        Some(field) => Key::External { field, value: row.record_key },
        None => Key::Id(row.record_key),
    };
    let fields = fields_of(&row.fields)?;
    let write = Write { object: row.object, key, fields, notice, command: row.command, bulk: row.bulk != 0 };
    let (version, attempts, refused) = (row.version, row.attempts, row.refused);
    Ok(Outgoing { target: row.target, write, version, attempts, refused })
}

impl Outgoing {
    /// The Command_Id__c of the Payment Error that tells of its refusal; Retry finds the write by it.
    pub fn error_id(&self) -> String {
        format!("write:{}", self.target)
    }
}
