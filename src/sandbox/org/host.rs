//! The seam between the org's database and the Apex that runs on it: what each asks of the other, and the values that
//! cross. The database (`Transaction`) implements [`Host`]; the Apex runtime implements [`Program`].

use std::any::Any;
use std::collections::BTreeMap;

use bigdecimal::BigDecimal;

/// A field's value as the org stores it. Currency, number and percent fields keep every digit they were given.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Text(String),
    /// Always 18 characters.
    Id(String),
    Number(BigDecimal),
    Date(jiff::civil::Date),
    /// Whole seconds once stored: the org drops milliseconds on save.
    DateTime(jiff::Timestamp),
}

/// One row, with field names in the schema's own spelling.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// API name, `AggregateResult` for rows of an aggregate query.
    pub object: String,
    pub fields: BTreeMap<String, Value>,
    /// Parents by relationship name (`Account__r`); `None` where the lookup is empty.
    pub parents: BTreeMap<String, Option<Box<Record>>>,
    /// Child rows by relationship name, for queries with a subquery.
    pub children: BTreeMap<String, Vec<Record>>,
    /// What `addError` put on the row.
    pub errors: Vec<RowError>,
    /// Whether the row came from a query: then reading a field that was not asked for is an error.
    pub queried: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RowError {
    /// `REQUIRED_FIELD_MISSING`, `FIELD_CUSTOM_VALIDATION_EXCEPTION`, …
    pub status_code: String,
    pub message: String,
    pub fields: Vec<String>,
}

/// The outcome for one row of a save, in the order of the rows.
#[derive(Clone, Debug)]
pub struct RowResult {
    pub id: Option<String>,
    pub success: bool,
    pub created: bool,
    pub errors: Vec<RowError>,
}

/// An exception as Apex would see it: `System.QueryException` and its text; for `System.DmlException` the rows too.
#[derive(Clone, Debug)]
pub struct Fault {
    pub exception: String,
    pub message: String,
    pub rows: Vec<(usize, RowError)>,
    /// `Class.Method: line 12`, outermost last.
    pub stack: Vec<String>,
    /// Limit and assertion failures end the transaction: no catch block sees them.
    pub uncatchable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    System,
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaveOp {
    Insert,
    Update,
    Upsert,
    Delete,
    Undelete,
}

#[derive(Clone, Debug)]
pub struct SaveOptions {
    pub all_or_none: bool,
    pub access: Access,
    /// Whether the rows are those the running user's sharing lets it see.
    pub sharing: bool,
    /// For an upsert: the external id field; `None` means the record's Id.
    pub external_id: Option<String>,
}

/// What a bind expression evaluated to.
#[derive(Clone, Debug)]
pub enum Bind {
    One(Value),
    Many(Vec<Value>),
}

pub enum QueryOutcome {
    Rows(Vec<Record>),
    /// `SELECT COUNT() FROM …`
    Count(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerOp {
    BeforeInsert,
    BeforeUpdate,
    BeforeDelete,
    AfterInsert,
    AfterUpdate,
    AfterDelete,
    AfterUndelete,
}

/// One firing of an object's triggers for one chunk of at most 200 rows (2,000 for platform events).
pub struct TriggerCall<'a> {
    pub object: &'a str,
    pub operation: TriggerOp,
    /// Writable in before triggers; errors land on the rows.
    pub new: Option<&'a mut Vec<Record>>,
    /// For deletes, errors land here.
    pub old: Option<&'a mut Vec<Record>>,
}

/// Work that Apex asked for, to run after this transaction as one of its own.
#[derive(Clone, Debug)]
pub enum Job {
    /// `Database.executeBatch(instance, scope)`; the instance is the runtime's own serialised form.
    Batch {
        class: String,
        instance: serde_json::Value,
        scope: usize,
    },
    Queueable {
        class: String,
        instance: serde_json::Value,
    },
    Scheduled {
        name: String,
        cron: String,
        class: String,
        instance: serde_json::Value,
    },
}

/// The user a transaction runs as.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub username: String,
    pub name: String,
    /// Permission sets by API name; `None` means a system administrator, who may do everything.
    pub permission_sets: Option<Vec<String>>,
    pub time_zone: String,
    pub language: String,
}

/// What the org says of its currencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Whether records carry a currency each.
    pub many: bool,
    /// The org's own, which its users have too.
    pub corporate: String,
}

/// Counters of one Apex transaction, enforced by whoever spends them.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    pub queries: u32,
    pub query_rows: u32,
    pub dml_statements: u32,
    pub dml_rows: u32,
    pub publish_immediate: u32,
    pub queueables: u32,
    /// Calls of `EventBus.publish`, and the events that they took.
    pub publish_calls: u32,
    pub events: u32,
    pub cpu_statements: u64,
    /// The most that was held at once, in bytes by a rule of thumb; less than a quarter of a megabyte may go unseen.
    pub heap: u64,
    pub is_async: bool,
}

/// What running Apex may ask of the org, inside one transaction. Implemented by the org's `Transaction`.
pub trait Host {
    /// `soql` is the query's text with each bind expression replaced by `:b0`, `:b1`, …; `binds` has their values by
    /// that name without the colon. Counts one query and its rows.
    fn query(
        &mut self,
        soql: &str,
        binds: &BTreeMap<String, Bind>,
        access: Access,
        sharing: bool,
    ) -> Result<QueryOutcome, Fault>;

    /// Runs the whole save procedure (triggers included). After an insert the rows carry their Id. With `all_or_none`
    /// the first failing row is a `System.DmlException` and the statement is undone. Counts one DML statement.
    fn save(&mut self, op: SaveOp, rows: &mut Vec<Record>, options: &SaveOptions) -> Result<Vec<RowResult>, Fault>;

    /// Queues platform events by their publish behaviour. Never fails as a whole.
    fn publish(&mut self, events: Vec<Record>) -> Vec<RowResult>;

    /// Counts one DML statement, as the rollback does.
    fn savepoint(&mut self) -> Result<usize, Fault>;
    fn rollback(&mut self, savepoint: usize) -> Result<(), Fault>;

    /// Takes the events that would be published at commit: a test's own bus delivers them before.
    fn waiting_events(&mut self) -> Vec<Record>;

    fn enqueue(&mut self, job: Job) -> Result<String, Fault>;

    fn schema(&self) -> std::sync::Arc<super::schema::Schema>;
    fn user(&self) -> User;
    /// `System.runAs`; returns who it was before.
    fn set_user(&mut self, user: User) -> User;
    /// As whom event triggers run.
    fn event_user(&self) -> User;
    /// A custom permission of the running user.
    fn has_permission(&self, name: &str) -> bool;
    fn now(&self) -> jiff::Timestamp;
    fn currency(&self) -> Currency;
    fn spent(&mut self) -> &mut Spent;

    /// Where the runtime keeps what lives as long as the transaction (class statics). Starts as `None`.
    fn runtime_state(&mut self) -> &mut Option<Box<dyn Any>>;

    /// `Database.merge`: the losers' children move to the winner, the losers go to the bin. Counts one DML statement.
    fn merge(
        &mut self,
        winner: &mut Record,
        losers: &[String],
        options: &SaveOptions,
    ) -> Result<Vec<RowResult>, Fault> {
        let _ = (losers, options);
        Err(Fault {
            exception: "System.DmlException".to_owned(),
            message: format!("{} can't be merged here", winner.object),
            rows: Vec::new(),
            stack: Vec::new(),
            uncatchable: false,
        })
    }

    /// What the running user may do with an object's records.
    fn object_access(&self, object: &str) -> ObjectAccess {
        let _ = object;
        ObjectAccess::ALL
    }

    /// What the running user may do with a field.
    fn field_access(&self, object: &str, field: &str) -> FieldAccess {
        let _ = (object, field);
        FieldAccess { readable: true, editable: true }
    }

    /// `System.abortJob`, for scheduled jobs and queued ones. False when the org knows no such job.
    fn abort_job(&mut self, id: &str) -> bool {
        let _ = id;
        false
    }
}

/// What a user may do with an object's records, by the permission sets they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectAccess {
    pub create: bool,
    pub read: bool,
    pub edit: bool,
    pub delete: bool,
    pub view_all: bool,
    pub modify_all: bool,
}

impl ObjectAccess {
    pub const ALL: ObjectAccess =
        ObjectAccess { create: true, read: true, edit: true, delete: true, view_all: true, modify_all: true };
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldAccess {
    pub readable: bool,
    pub editable: bool,
}

/// What the org asks of the package's Apex. Implemented by the runtime in `apex/`.
pub trait Program: Send + Sync {
    fn has_trigger(&self, object: &str, operation: TriggerOp) -> bool;
    fn fire(&self, host: &mut dyn Host, call: TriggerCall<'_>) -> Result<(), Fault>;

    /// An `@AuraEnabled` static method, as a Lightning component calls it: parameters by name, result as JSON.
    fn invoke(
        &self,
        host: &mut dyn Host,
        class: &str,
        method: &str,
        parameters: &serde_json::Value,
    ) -> Result<serde_json::Value, Fault>;

    /// One transaction's worth of a job; returns the transactions that follow (a batch's next chunk, its `finish`).
    fn run_job(&self, host: &mut dyn Host, job: Job, step: JobStep) -> Result<Vec<(Job, JobStep)>, Fault>;
}

/// Where a job stands.
#[derive(Clone, Debug)]
pub enum JobStep {
    Start,
    /// A batch's chunk of record ids (or rows as JSON) still to be handed to `execute`.
    Execute(Vec<serde_json::Value>),
    Finish,
}
