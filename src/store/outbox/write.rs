//! A write to one record, and how it is merged into what waits for the same record.

use serde_json::{Map, Value};

use super::{fields_of, unreadable};
use crate::store::{Result, Store, Tx, execute, fetch_optional};

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

#[derive(sqlx::FromRow)]
struct Merged {
    fields: String,
    notice: Option<String>,
    bulk: i64,
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
        // Held until this commits: a row that Salesforce confirms meanwhile is gone, and what is merged into it with it.
        let statement = self.either(
            "SELECT fields, notice, bulk FROM outbox WHERE target = $1",
            "SELECT fields, notice, bulk FROM outbox WHERE target = $1 FOR UPDATE",
        );
        let before = fetch_optional!(self, Merged, statement, target.as_str())?;
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
}

impl Store {
    /// Queues one write by itself.
    pub async fn write_out(&self, write: &Write, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.write_out(write, now_ms).await?;
        tx.commit().await
    }
}
