//! What is to be written to Salesforce.
//!
//! One row a record: writes to the same record coalesce, which also keeps their order. A row is taken by one sender at a time;
//! if more was merged while it was under way, its version has moved and it stays for another round.

use serde_json::{Map, Value};

use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional, fetch_scalar};

/// A write to one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// API name of the object.
    pub object: String,
    /// Which record.
    pub key: Key,
    /// Its fields.
    pub fields: Map<String, Value>,
    /// What the open components are told once Salesforce has confirmed.
    pub notice: Option<Notice>,
    /// The command that wanted it, for the Payment Error if Salesforce refuses.
    pub command: Option<String>,
    /// Whether it may wait to travel with others.
    pub bulk: bool,
}

/// How a record is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The org made it: updated by Id.
    Id(String),
    /// We make it: upserted by an external id.
    External {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
}

/// A Payment_Notice__e: no data, only what to read again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// The record that the component shows; blank: the record that was written.
    pub record_id: String,
    /// The request, or blank.
    pub request_id: String,
    /// sent, refused, processing, settled, declined, returned, failed.
    pub state: String,
}

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

/// A write that Salesforce refuses, for the list of what waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct RefusedWrite {
    /// Object and record.
    pub target: String,
    /// Why, in words.
    pub sentence: String,
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

#[derive(sqlx::FromRow)]
struct Merged {
    fields: String,
    notice: Option<String>,
    bulk: i64,
}

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

impl Write {
    /// An update of a record that the org made.
    pub fn update(object: &str, id: &str) -> Self {
        Self::new(object, Key::Id(id.to_owned()))
    }

    /// An upsert of a record that we make.
    pub fn upsert(object: &str, field: &str, value: &str) -> Self {
        Self::new(object, Key::External { field: field.to_owned(), value: value.to_owned() })
    }

    fn new(object: &str, key: Key) -> Self {
        Self { object: object.to_owned(), key, fields: Map::new(), notice: None, command: None, bulk: false }
    }

    /// Sets a field.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Tells the open components once it is written.
    pub fn telling(mut self, notice: Notice) -> Self {
        self.notice = Some(notice);
        self
    }

    /// Names the command.
    pub fn of(mut self, command: &str) -> Self {
        self.command = Some(command.to_owned());
        self
    }

    /// Lets it wait to travel with others.
    pub fn in_bulk(mut self) -> Self {
        self.bulk = true;
        self
    }

    /// The record in which an admin reads what went wrong, one for each command id.
    pub fn payment_error(command: &str, code: &str, sentence: &str, remedy: &str) -> Self {
        Self::upsert("Payment_Error__c", "Command_Id__c", command)
            .with("Code__c", cut(code, 40))
            .with("Sentence__c", cut(sentence, 255))
            .with("Remedy__c", cut(remedy, 255))
            .with("State__c", "Open")
            .with("Happened_At__c", now_text())
    }

    fn target(&self) -> String {
        match &self.key {
            Key::Id(id) => format!("{}/{id}", self.object),
            Key::External { field, value } => external_target(&self.object, field, value),
        }
    }

    /// The rows of the records that this one names by an external id: until they are written, it can't be.
    pub fn parents(&self) -> Vec<String> {
        let named = |(relation, key): (&String, &Value)| {
            let object = format!("{}__c", relation.strip_suffix("__r")?);
            let (field, value) = key.as_object()?.iter().next()?;
            Some(external_target(&object, field, value.as_str()?))
        };
        self.fields.iter().filter_map(named).collect()
    }
}

fn external_target(object: &str, field: &str, value: &str) -> String {
    format!("{object}/{field}/{value}")
}

/// Shortens to what a text field takes, which Salesforce counts in UTF-16 units.
pub fn cut(text: &str, most: usize) -> String {
    let mut units = 0;
    let mut out = String::new();
    for character in text.chars() {
        units += character.len_utf16();
        if units > most {
            break;
        }
        out.push(character);
    }
    out
}

fn now_text() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Tx {
    /// Queues a write, merged into what already waits for the same record: newer fields win, and who can't wait wins.
    pub async fn write_out(&mut self, write: &Write, now_ms: i64) -> Result<()> {
        let target = write.target();
        self.lock(&format!("outbox:{target}")).await?;
        let before = fetch_optional!(
            self,
            Merged,
            "SELECT fields, notice, bulk FROM outbox WHERE target = $1",
            target.as_str()
        )?;
        let notice =
            write.notice.as_ref().map(serde_json::to_string).transpose().map_err(|_| unreadable("a notice"))?;
        if let Some(before) = before {
            let mut fields = fields_of(&before.fields)?;
            fields.extend(write.fields.clone());
            execute!(
                self,
                "UPDATE outbox SET fields = $1, notice = $2, bulk = $3, command = COALESCE($4, command), version = version + 1,
                    attempts = 0, next_at_ms = $5
                 WHERE target = $6",
                Value::Object(fields).to_string(),
                notice.or(before.notice),
                before.bulk.min(i64::from(write.bulk)),
                write.command.as_deref(),
                now_ms,
                target.as_str()
            )?;
            return Ok(());
        }
        let number = self.take_numbers("outbox", 1).await?;
        let (key_field, record_key) = match &write.key {
            Key::Id(id) => (None, id.as_str()),
            Key::External { field, value } => (Some(field.as_str()), value.as_str()),
        };
        execute!(
            self,
            "INSERT INTO outbox (target, object, key_field, record_key, fields, notice, command, bulk, seq, version, attempts,
                next_at_ms, queued_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 0, $10, $10)",
            target.as_str(),
            write.object.as_str(),
            key_field,
            record_key,
            Value::Object(write.fields.clone()).to_string(),
            notice,
            write.command.as_deref(),
            i64::from(write.bulk),
            number,
            now_ms
        )?;
        Ok(())
    }

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

impl Store {
    /// Queues one write by itself.
    pub async fn write_out(&self, write: &Write, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.write_out(write, now_ms).await?;
        tx.commit().await
    }
}

fn unreadable(what: &'static str) -> Error {
    Error::Unreadable { what, found: String::new() }
}

fn fields_of(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| unreadable("the fields of a write"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    async fn queue(store: &Store, write: Write) {
        store.write_out(&write, 1_000).await.unwrap();
    }

    async fn take(store: &Store, with_bulk: bool) -> Vec<Outgoing> {
        let mut tx = store.begin().await.unwrap();
        let rows = tx.take_outgoing("me", with_bulk, 100, 1_000).await.unwrap();
        tx.commit().await.unwrap();
        rows
    }

    #[tokio::test]
    async fn writes_to_one_record_travel_together_and_who_cannot_wait_takes_the_others_along() {
        on_both(async |store| {
            queue(&store, Write::update("Account", "001").with("A__c", 1).with("B__c", 1).in_bulk()).await;
            queue(&store, Write::update("Account", "002").with("A__c", 1).in_bulk()).await;
            queue(&store, Write::update("Account", "001").with("B__c", 2)).await;
            let rows = take(&store, false).await;
            assert_eq!(rows.len(), 1, "the other one may wait");
            assert_eq!(Value::Object(rows[0].write.fields.clone()), serde_json::json!({"A__c": 1, "B__c": 2}));
            assert_eq!(take(&store, true).await.len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_merged_under_way_goes_another_round() {
        on_both(async |store| {
            let notice = Notice { record_id: String::new(), request_id: "r".into(), state: "sent".into() };
            queue(&store, Write::upsert("Payment__c", "Key__c", "pi_1").with("A__c", 1).telling(notice)).await;
            let first = take(&store, false).await;
            queue(&store, Write::upsert("Payment__c", "Key__c", "pi_1").with("A__c", 2)).await;
            assert!(take(&store, true).await.is_empty(), "it is under way");
            let mut tx = store.begin().await.unwrap();
            tx.confirmed("me", &first[0], "a03", 1_000).await.unwrap();
            assert_eq!(tx.notices(10).await.unwrap()[0].record_id, "a03");
            tx.commit().await.unwrap();
            let second = take(&store, false).await;
            assert_eq!(second[0].write.fields["A__c"], 2);
            let mut tx = store.begin().await.unwrap();
            tx.confirmed("me", &second[0], "a03", 1_000).await.unwrap();
            assert_eq!(tx.outbox_depth().await.unwrap(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_refused_write_stays_until_it_is_asked_for_and_its_error_ends_with_it() {
        on_both(async |store| {
            queue(&store, Write::update("Account", "001").with("A__c", 1)).await;
            let rows = take(&store, false).await;
            let error = Write::payment_error(&rows[0].error_id(), "refused", "A rule refused it.", "Change the rule.");
            let mut tx = store.begin().await.unwrap();
            tx.refused("me", &rows[0], &error, "A rule refused it.", 9_000, 1_000).await.unwrap();
            assert_eq!(tx.outbox_depth().await.unwrap(), 1, "the error alone is on its way");
            tx.commit().await.unwrap();
            let rows = take(&store, false).await;
            assert_eq!(rows.len(), 1, "the refused one waits");
            assert_eq!(rows[0].write.fields["Sentence__c"], "A rule refused it.");
            let mut tx = store.begin().await.unwrap();
            tx.confirmed("me", &rows[0], "a05", 1_000).await.unwrap();
            assert_eq!(tx.refused_writes(10).await.unwrap()[0].target, "Account/001");
            assert!(!tx.retry_refused("Account/002", 1_000).await.unwrap());
            assert!(tx.retry_refused("Account/001", 1_000).await.unwrap());
            assert!(tx.retry_refused("Account/001", 1_000).await.unwrap(), "twice is no more than once");
            tx.commit().await.unwrap();
            let again = take(&store, false).await;
            assert_eq!((again.len(), again[0].write.fields["A__c"].as_i64()), (1, Some(1)));
            let mut tx = store.begin().await.unwrap();
            tx.confirmed("me", &again[0], "001", 1_000).await.unwrap();
            tx.commit().await.unwrap();
            let mended = take(&store, false).await;
            assert_eq!((mended.len(), &mended[0].write.fields["State__c"]), (1, &Value::from("Resolved")));
        })
        .await;
    }

    #[test]
    fn a_text_is_cut_where_salesforce_counts() {
        assert_eq!(cut("aé😀b", 3), "aé");
        assert_eq!(cut("aé😀b", 4), "aé😀");
    }
}
