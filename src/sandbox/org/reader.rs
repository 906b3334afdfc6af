//! Reading rows: stored fields, formula fields, and the way to a parent.

use std::sync::Arc;

use super::access::{self, Rights};
use super::catalog::Catalog;
use super::host::{Record, User, Value};
use super::org::Org;
use super::schema::{Field, FieldKind, Object};
use super::store::{Row, Store};

/// What reading needs to know: the org's metadata and rows, who reads, and when.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub catalog: &'a Catalog,
    pub store: &'a Store,
    pub user: &'a User,
    pub rights: &'a Rights,
    pub now: jiff::Timestamp,
}

impl<'a> Reader<'a> {
    /// A field's value as a query gives it: a formula computed, a checkbox never null.
    pub fn value(&self, object: &Object, row: &Row, field: &Field) -> Value {
        if field.formula.is_some() {
            return match self.catalog.formula(object, &field.name) {
                Some(formula) => formula.field_value(self, object, row, field),
                None => Value::Null,
            };
        }
        match row.get(&field.name) {
            Some(value) => value.clone(),
            None if field.kind == FieldKind::Checkbox => Value::Bool(false),
            None => Value::Null,
        }
    }

    /// The parent row behind a lookup field.
    pub fn parent(&self, row: &Row, lookup: &Field) -> Option<(&'a Object, &'a Arc<Row>)> {
        let Some(Value::Id(id)) = row.get(&lookup.name) else { return None };
        let FieldKind::Reference { to, .. } = &lookup.kind else { return None };
        to.iter().find_map(|object| {
            let row = self.store.row(object, id)?;
            Some((self.catalog.schema.object(object)?, row))
        })
    }

    /// All fields of a row.
    pub fn record(&self, object: &Object, row: &Row) -> Record {
        let mut record = Record { object: object.name.clone(), ..Record::default() };
        for field in object.fields.values() {
            match self.value(object, row, field) {
                Value::Null => {}
                value => {
                    record.fields.insert(field.name.clone(), value);
                }
            }
        }
        record
    }

    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.user.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// Today's date where the user is.
    pub fn today(&self) -> jiff::civil::Date {
        self.zone().to_datetime(self.now).date()
    }
}

/// A row's text field, empty when it has none.
pub fn text(row: &Row, field: &str) -> String {
    match row.get(field) {
        Some(Value::Text(text) | Value::Id(text)) => text.clone(),
        _ => String::new(),
    }
}

/// An active user by id.
pub fn user(_catalog: &Catalog, store: &Store, id: &str) -> Option<User> {
    let row = store.row("User", id)?;
    if row.get("IsActive") != Some(&Value::Bool(true)) {
        return None;
    }
    let first = text(row, "FirstName");
    let name = if first.is_empty() { text(row, "LastName") } else { format!("{first} {}", text(row, "LastName")) };
    let permission_sets = if access::is_administrator(store, id) { None } else { Some(access::assigned(store, id)) };
    Some(User {
        id: id.to_owned(),
        username: text(row, "Username"),
        name,
        permission_sets,
        time_zone: text(row, "TimeZoneSidKey"),
        language: text(row, "LanguageLocaleKey"),
    })
}

/// Every living record of an object, with nobody's rights in the way.
pub fn all_records(org: &Org, store: &Store, object: &str) -> Vec<Record> {
    let Some(object) = org.catalog.schema.object(object) else { return Vec::new() };
    let Some(table) = store.table(&object.name) else { return Vec::new() };
    let rights = Rights::everything();
    let user = system_user(&org.options.time_zone);
    let reader = Reader { catalog: &org.catalog, store, user: &user, rights: &rights, now: org.now() };
    table
        .rows()
        .filter(|(_, row)| row.get("IsDeleted") != Some(&Value::Bool(true)))
        .map(|(_, row)| reader.record(object, row))
        .collect()
}

/// Who acts before any user exists.
pub fn system_user(time_zone: &str) -> User {
    User {
        id: super::record_id::numbered("005", 1),
        username: super::seed::AUTOMATED_PROCESS.to_owned(),
        name: "Automated Process".to_owned(),
        permission_sets: None,
        time_zone: time_zone.to_owned(),
        language: "en_US".to_owned(),
    }
}
