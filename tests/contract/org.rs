//! An org with the package's metadata and Apex, and somebody who hears its events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use quittance::sandbox::org::apex::Runtime;
use quittance::sandbox::org::host::{Access, Fault, Host, QueryOutcome, Record, RowResult, SaveOp, SaveOptions, Value};
use quittance::sandbox::org::{EventSink, Org, OrgOptions};

#[derive(Default)]
pub struct Heard(Mutex<Vec<Record>>);

impl EventSink for Heard {
    fn publish(&self, event: Record) {
        self.0.lock().expect("the list").push(event);
    }
}

pub struct Package {
    pub org: Arc<Org>,
    heard: Arc<Heard>,
}

impl Package {
    pub fn deployed() -> Package {
        let dirs = [super::root().join("force-app")];
        let runtime = Arc::new(Runtime::load(&dirs).unwrap_or_else(|error| panic!("{error}")));
        let heard = Arc::new(Heard::default());
        let options = OrgOptions {
            clerk_permission_sets: named(&["Quittance_Clerk", "Quittance_Charging_Clerk", "Quittance_Invoice_Clerk"]),
            integration_permission_sets: named(&["Quittance_Integration", "Quittance_Invoice_Integration"]),
            ..OrgOptions::default()
        };
        let org = Org::open(&dirs, runtime, heard.clone(), options).unwrap_or_else(|error| panic!("{error}"));
        Package { org, heard }
    }

    /// As the user would over the API: with their own rights.
    pub fn save(&self, user: &str, op: SaveOp, key: Option<&str>, record: Record) -> Result<RowResult, Fault> {
        self.save_with(Access::User, user, op, key, record)
    }

    /// As a component's controller does for the user, in system mode.
    pub fn insert_by_apex(&self, user: &str, record: Record) -> String {
        let saved = self.save_with(Access::System, user, SaveOp::Insert, None, record);
        saved.unwrap_or_else(|fault| panic!("{user}: {}", fault.message)).id.expect("an id")
    }

    fn save_with(
        &self,
        access: Access,
        user: &str,
        op: SaveOp,
        key: Option<&str>,
        record: Record,
    ) -> Result<RowResult, Fault> {
        let who = self.org.user(user).unwrap_or_else(|| panic!("no user {user}"));
        let options = SaveOptions {
            all_or_none: true,
            access,
            sharing: true,
            external_id: key.filter(|key| *key != "Id").map(str::to_owned),
        };
        let mut rows = vec![record];
        self.org.run(&who, |transaction| transaction.save(op, &mut rows, &options)).map(|mut results| results.remove(0))
    }

    pub fn insert(&self, user: &str, record: Record) -> String {
        let what = format!("{record:?}");
        let saved = self.save(user, SaveOp::Insert, None, record);
        let saved = saved.unwrap_or_else(|fault| panic!("{user} inserts {what}: {}", fault.message));
        saved.id.expect("an id")
    }

    pub fn query(&self, user: &str, soql: &str) -> Result<Vec<Record>, Fault> {
        let who = self.org.user(user).unwrap_or_else(|| panic!("no user {user}"));
        let rows = self.org.run(&who, |transaction| transaction.query(soql, &BTreeMap::new(), Access::User, true))?;
        match rows {
            QueryOutcome::Rows(rows) => Ok(rows),
            QueryOutcome::Count(_) => panic!("{soql} counts"),
        }
    }

    /// The events since the last call.
    pub fn heard(&self) -> Vec<Record> {
        std::mem::take(&mut *self.heard.0.lock().expect("the list"))
    }
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn record(object: &str, fields: &[(&str, Value)]) -> Record {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Record { object: object.to_owned(), fields, ..Record::default() }
}

pub fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn id(text: &str) -> Value {
    Value::Id(text.to_owned())
}

/// A text field, empty for null.
pub fn text<'r>(record: &'r Record, field: &str) -> &'r str {
    match record.fields.get(field) {
        Some(Value::Text(text) | Value::Id(text)) => text,
        _ => "",
    }
}
