//! One transaction: what Apex and the wire ask of the database, with its limits, its savepoints and its undo log.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::access::Rights;
use super::catalog::Catalog;
use super::host::{
    Access, Bind, Currency, Fault, FieldAccess, Host, Job, ObjectAccess, QueryOutcome, Record, RowResult, SaveOp,
    SaveOptions, Spent, User, Value,
};
use super::org::{Org, World};
use super::reader::Reader;
use super::schema::Schema;
use super::store::{Change, Row, Store};
use super::{events, fault, jobs, save, soql};

pub const DML_STATEMENTS: u32 = 150;
pub const DML_ROWS: u32 = 10_000;
pub const QUERY_ROWS: u32 = 50_000;
pub const IMMEDIATE_PUBLISHES: u32 = 150;

/// Queries in one transaction.
pub fn query_limit(is_async: bool) -> u32 {
    if is_async { 200 } else { 100 }
}

/// Queueable jobs asked for in one transaction.
pub fn queueable_limit(is_async: bool) -> u32 {
    if is_async { 1 } else { 50 }
}

pub struct Transaction<'a> {
    pub(super) org: &'a Org,
    pub(super) world: &'a mut World,
    pub(super) user: User,
    pub(super) rights: Rights,
    /// The clock stands still within a transaction.
    pub(super) now: jiff::Timestamp,
    pub(super) spent: Spent,
    /// Triggers within triggers; 0 outside.
    pub(super) depth: usize,
    /// Records whose before trigger runs right now.
    pub(super) in_before_trigger: Vec<String>,
    /// The first object saved, and whether it is one of the org's setup objects.
    pub(super) first_saved: Option<(bool, String)>,
    /// Events to be published at commit.
    pub(super) events: Vec<Record>,
    changes: Vec<Change>,
    savepoints: Vec<Mark>,
    state: Option<Box<dyn Any>>,
}

/// How far the logs were.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    changes: usize,
    events: usize,
}

impl<'a> Transaction<'a> {
    pub(super) fn begin(org: &'a Org, world: &'a mut World, user: User, is_async: bool) -> Transaction<'a> {
        let rights = Rights::of(&org.catalog, &world.store, &user);
        let now = org.now();
        Transaction {
            org,
            world,
            user,
            rights,
            now,
            spent: Spent { is_async, ..Spent::default() },
            depth: 0,
            in_before_trigger: Vec::new(),
            first_saved: None,
            events: Vec::new(),
            changes: Vec::new(),
            savepoints: Vec::new(),
            state: None,
        }
    }

    /// Writes the changes down for good. Returns the events to publish and whether anything changed.
    pub(super) fn commit(self) -> Result<(Vec<Record>, bool), Fault> {
        let changed = !self.changes.is_empty();
        if let Some(journal) = &mut self.world.journal
            && changed
            && let Err(error) = journal.append(&self.org.catalog.schema, &self.world.store, &self.changes)
        {
            for change in self.changes.into_iter().rev() {
                self.world.store.undo(change);
            }
            return Err(fault::fault("System.UnexpectedException", error.to_string()));
        }
        Ok((self.events, changed))
    }

    /// Puts everything back. Returns what is published nevertheless: nothing, since immediate events have gone already.
    pub(super) fn undo(mut self) -> Vec<Record> {
        self.back_to(Mark { changes: 0, events: 0 });
        Vec::new()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { changes: self.changes.len(), events: self.events.len() }
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        while self.changes.len() > mark.changes {
            if let Some(change) = self.changes.pop() {
                self.world.store.undo(change);
            }
        }
        self.events.truncate(mark.events);
    }

    pub(super) fn put(&mut self, object: &str, id: &str, row: Option<Arc<Row>>) {
        if let Some(change) = self.world.store.put(object, id, row) {
            self.changes.push(change);
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.world.store
    }

    pub(super) fn catalog(&self) -> &'a Catalog {
        &self.org.catalog
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            catalog: &self.org.catalog,
            store: &self.world.store,
            user: &self.user,
            rights: &self.rights,
            now: self.now,
        }
    }

    pub(super) fn count_dml(&mut self, rows: usize) -> Result<(), Fault> {
        self.spent.dml_statements += 1;
        if self.spent.dml_statements > DML_STATEMENTS {
            return Err(fault::limit(format!("Too many DML statements: {}", self.spent.dml_statements)));
        }
        self.spent.dml_rows = self.spent.dml_rows.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        if self.spent.dml_rows > DML_ROWS {
            return Err(fault::limit(format!("Too many DML rows: {}", self.spent.dml_rows)));
        }
        Ok(())
    }

    fn count_query(&mut self) -> Result<(), Fault> {
        self.spent.queries += 1;
        if self.spent.queries > query_limit(self.spent.is_async) {
            return Err(fault::limit(format!("Too many SOQL queries: {}", self.spent.queries)));
        }
        Ok(())
    }

    fn count_query_rows(&mut self, rows: usize) -> Result<(), Fault> {
        self.spent.query_rows = self.spent.query_rows.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        if self.spent.query_rows > QUERY_ROWS {
            return Err(fault::limit(format!("Too many query rows: {}", self.spent.query_rows)));
        }
        Ok(())
    }
}

impl Host for Transaction<'_> {
    fn query(
        &mut self,
        soql: &str,
        binds: &BTreeMap<String, Bind>,
        access: Access,
        sharing: bool,
    ) -> Result<QueryOutcome, Fault> {
        self.count_query()?;
        let answer = soql::run(&self.reader(), &self.world.locks, soql, binds, access, sharing)?;
        self.count_query_rows(answer.rows_read)?;
        Ok(answer.outcome)
    }

    fn save(&mut self, op: SaveOp, rows: &mut Vec<Record>, options: &SaveOptions) -> Result<Vec<RowResult>, Fault> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.count_dml(rows.len())?;
        save::save(self, op, rows, options)
    }

    fn publish(&mut self, records: Vec<Record>) -> Vec<RowResult> {
        events::publish(self, records)
    }

    fn savepoint(&mut self) -> Result<usize, Fault> {
        self.count_dml(0)?;
        self.savepoints.push(self.mark());
        Ok(self.savepoints.len() - 1)
    }

    fn rollback(&mut self, savepoint: usize) -> Result<(), Fault> {
        self.count_dml(0)?;
        let Some(mark) = self.savepoints.get(savepoint).copied() else {
            return Err(fault::fault("System.TypeException", "Savepoint does not exist"));
        };
        self.back_to(mark);
        self.savepoints.truncate(savepoint + 1);
        Ok(())
    }

    fn waiting_events(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.events)
    }

    fn enqueue(&mut self, job: Job) -> Result<String, Fault> {
        jobs::enqueue(self, job)
    }

    fn schema(&self) -> Arc<Schema> {
        self.org.catalog.schema.clone()
    }

    fn user(&self) -> User {
        self.user.clone()
    }

    fn set_user(&mut self, user: User) -> User {
        // runAs lifts the rule against mixing setup and other records.
        self.first_saved = None;
        self.rights = Rights::of(&self.org.catalog, &self.world.store, &user);
        std::mem::replace(&mut self.user, user)
    }

    fn event_user(&self) -> User {
        let store = &self.world.store;
        let name = Value::Text(super::seed::AUTOMATED_PROCESS.to_owned());
        let ids = store.table("User").and_then(|table| table.find("Username", &name)).unwrap_or_default();
        ids.iter()
            .find_map(|id| super::reader::user(&self.org.catalog, store, id))
            .unwrap_or_else(|| super::reader::system_user(&self.org.options.time_zone))
    }

    fn has_permission(&self, name: &str) -> bool {
        self.rights.has_permission(name)
    }

    fn now(&self) -> jiff::Timestamp {
        self.now
    }

    fn currency(&self) -> Currency {
        Currency { many: self.org.options.multi_currency, corporate: super::seed::CORPORATE_CURRENCY.to_owned() }
    }

    fn spent(&mut self) -> &mut Spent {
        &mut self.spent
    }

    fn runtime_state(&mut self) -> &mut Option<Box<dyn Any>> {
        &mut self.state
    }

    fn merge(
        &mut self,
        winner: &mut Record,
        losers: &[String],
        options: &SaveOptions,
    ) -> Result<Vec<RowResult>, Fault> {
        self.count_dml(1 + losers.len())?;
        save::merge(self, winner, losers, options)
    }

    fn object_access(&self, object: &str) -> ObjectAccess {
        self.rights.object(&self.org.catalog, object)
    }

    fn field_access(&self, object: &str, field: &str) -> FieldAccess {
        self.rights.field(&self.org.catalog, object, field)
    }

    fn abort_job(&mut self, id: &str) -> bool {
        jobs::abort(self, id)
    }
}

impl Transaction<'_> {
    /// Whether one more immediate publish is within the limit.
    pub(super) fn count_immediate_publish(&mut self) -> bool {
        self.spent.publish_immediate += 1;
        self.spent.publish_immediate <= IMMEDIATE_PUBLISHES
    }
}
