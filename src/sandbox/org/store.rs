//! The rows of every object, with indexes on what is looked up often. Rows are shared and never changed in place, so
//! that undoing a transaction only puts the former rows back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::host::Value;
use super::record_id;
use super::schema::{FieldKind, Object, Schema};

/// A stored row: fields in the schema's spelling, nulls left out. Names that begin with `_` are the org's own notes and
/// are seen by no query.
pub type Row = BTreeMap<String, Value>;

/// All tables, by lower-case object name.
#[derive(Default)]
pub struct Store {
    tables: HashMap<String, Table>,
}

pub struct Table {
    object: String,
    key_prefix: String,
    rows: BTreeMap<String, Arc<Row>>,
    indexes: HashMap<String, Index>,
    last_number: u64,
    counters: BTreeMap<String, u64>,
}

struct Index {
    case_sensitive: bool,
    ids: HashMap<String, BTreeSet<String>>,
}

/// A row as it was before a change, to put back.
pub struct Change {
    pub object: String,
    pub id: String,
    pub before: Option<Arc<Row>>,
}

impl Store {
    pub fn new(schema: &Schema) -> Store {
        let tables = schema.objects().map(|object| (object.name.to_lowercase(), Table::new(object))).collect();
        Store { tables }
    }

    pub fn table(&self, object: &str) -> Option<&Table> {
        match self.tables.get(object) {
            Some(table) => Some(table),
            None => self.tables.get(&object.to_lowercase()),
        }
    }

    pub fn table_mut(&mut self, object: &str) -> Option<&mut Table> {
        self.tables.get_mut(&object.to_lowercase())
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    pub fn row(&self, object: &str, id: &str) -> Option<&Arc<Row>> {
        self.table(object)?.rows.get(id)
    }

    /// Writes or (with `None`) removes a row; returns the change to undo it with.
    pub fn put(&mut self, object: &str, id: &str, row: Option<Arc<Row>>) -> Option<Change> {
        let table = self.table_mut(object)?;
        let before = table.put(id, row);
        Some(Change { object: table.object.clone(), id: id.to_owned(), before })
    }

    pub fn undo(&mut self, change: Change) {
        if let Some(table) = self.table_mut(&change.object) {
            table.put(&change.id, change.before);
        }
    }
}

impl Table {
    fn new(object: &Object) -> Table {
        let mut indexes = HashMap::new();
        for field in object.fields.values() {
            let looked_up = field.unique
                || field.external_id
                || matches!(field.kind, FieldKind::Reference { .. })
                || matches!(field.name.as_str(), "Name" | "Username" | "DeveloperName" | "Status");
            if looked_up && field.formula.is_none() && !matches!(field.kind, FieldKind::LongText { .. }) {
                let index = Index { case_sensitive: field.case_sensitive, ids: HashMap::new() };
                indexes.insert(field.name.clone(), index);
            }
        }
        Table {
            object: object.name.clone(),
            key_prefix: object.key_prefix.clone(),
            rows: BTreeMap::new(),
            indexes,
            last_number: 0,
            counters: BTreeMap::new(),
        }
    }

    pub fn object(&self) -> &str {
        &self.object
    }

    /// In the order in which they were made.
    pub fn rows(&self) -> impl Iterator<Item = (&String, &Arc<Row>)> {
        self.rows.iter()
    }

    pub fn row(&self, id: &str) -> Option<&Arc<Row>> {
        self.rows.get(id)
    }

    /// A row with its id, both as long-lived as the table.
    pub fn entry(&self, id: &str) -> Option<(&String, &Arc<Row>)> {
        self.rows.get_key_value(id)
    }

    pub fn next_id(&mut self) -> String {
        self.last_number += 1;
        record_id::numbered(&self.key_prefix, self.last_number)
    }

    /// The next number of an auto-number field. Like an id it is not given back when the transaction is undone.
    pub fn next_count(&mut self, field: &str) -> u64 {
        let counter = self.counters.entry(field.to_owned()).or_default();
        *counter += 1;
        *counter
    }

    pub fn raise_count(&mut self, field: &str, to: u64) {
        let counter = self.counters.entry(field.to_owned()).or_default();
        *counter = (*counter).max(to);
    }

    /// The rows whose field has this value, or `None` when the field has no index.
    pub fn find(&self, field: &str, value: &Value) -> Option<Vec<String>> {
        let index = self.indexes.get(field)?;
        let Some(key) = index_key(value, index.case_sensitive) else { return Some(Vec::new()) };
        Some(index.ids.get(&key).map(|ids| ids.iter().cloned().collect()).unwrap_or_default())
    }

    fn put(&mut self, id: &str, row: Option<Arc<Row>>) -> Option<Arc<Row>> {
        if let Some(number) = record_id::number_of(id) {
            self.last_number = self.last_number.max(number);
        }
        let before = match &row {
            Some(row) => self.rows.insert(id.to_owned(), row.clone()),
            None => self.rows.remove(id),
        };
        for (field, index) in &mut self.indexes {
            let former = before.as_ref().and_then(|row| row.get(field));
            let latter = row.as_ref().and_then(|row| row.get(field));
            if former == latter {
                continue;
            }
            if let Some(key) = former.and_then(|value| index_key(value, index.case_sensitive))
                && let Some(ids) = index.ids.get_mut(&key)
            {
                ids.remove(id);
                if ids.is_empty() {
                    index.ids.remove(&key);
                }
            }
            if let Some(key) = latter.and_then(|value| index_key(value, index.case_sensitive)) {
                index.ids.entry(key).or_default().insert(id.to_owned());
            }
        }
        before
    }
}

/// What two values must share to be found by each other; `None` for null.
fn index_key(value: &Value, case_sensitive: bool) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) if case_sensitive => Some(text.clone()),
        Value::Text(text) => Some(text.to_lowercase()),
        Value::Id(id) => Some(id.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.normalized().to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::DateTime(time) => Some(time.as_second().to_string()),
    }
}
