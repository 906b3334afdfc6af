//! From what the caller gave to drafts: which row is meant, which fields may be set, and their values in order.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::{coerce, defaults, id_of, no_such_column};
use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{Access, Record, RowError, SaveOp, SaveOptions, Value};
use crate::sandbox::org::schema::{Field, FieldKind, Object};
use crate::sandbox::org::store::Row;
use crate::sandbox::org::transaction::Transaction;

pub fn drafts(
    transaction: &Transaction,
    op: SaveOp,
    object: &Object,
    rows: &[Record],
    live: &[usize],
    options: &SaveOptions,
) -> Vec<Draft> {
    let repeated = repeated_external_ids(object, rows, live, options);
    live.iter()
        .map(|place| {
            let record = &rows[*place];
            let mut draft = Draft {
                place: *place,
                id: None,
                before: None,
                row: Row::new(),
                given: BTreeSet::new(),
                errors: Vec::new(),
            };
            if let Err(error) = target(transaction, op, object, record, options, &repeated, &mut draft) {
                draft.errors.push(error);
                return draft;
            }
            if let Err(error) = permitted(transaction, object, &draft, options) {
                draft.errors.push(error);
                return draft;
            }
            set_fields(transaction, object, record, options, &mut draft);
            set_parents(transaction, object, record, &mut draft);
            if draft.is_new() {
                defaults::apply_defaults(&transaction.reader(), object, record, &mut draft.row);
            }
            draft
        })
        .collect()
}

/// External ids that stand twice in one upsert: both rows fail.
fn repeated_external_ids(object: &Object, rows: &[Record], live: &[usize], options: &SaveOptions) -> BTreeSet<String> {
    let Some(field) = options.external_id.as_ref().and_then(|name| object.field(name)) else { return BTreeSet::new() };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for place in live {
        if let Some(Value::Text(text)) = given(&rows[*place], &field.name) {
            let key = if field.case_sensitive { text.clone() } else { text.to_lowercase() };
            *counts.entry(key).or_default() += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(key, _)| key).collect()
}

fn given<'a>(record: &'a Record, name: &str) -> Option<&'a Value> {
    record.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Finds the row that is meant, or leaves the draft a new one.
fn target(
    transaction: &Transaction,
    op: SaveOp,
    object: &Object,
    record: &Record,
    options: &SaveOptions,
    repeated: &BTreeSet<String>,
    draft: &mut Draft,
) -> Result<(), RowError> {
    let id = id_of(record);
    match op {
        SaveOp::Insert if id.is_some() => {
            let message = "cannot specify Id in an insert call";
            return Err(row_error("INVALID_FIELD_FOR_INSERT_UPDATE", message, &["Id"]));
        }
        SaveOp::Insert => return Ok(()),
        SaveOp::Update if id.is_none() => {
            return Err(row_error("MISSING_ARGUMENT", "Id not specified in an update call", &[]));
        }
        _ => {}
    }
    let external =
        options.external_id.as_deref().filter(|name| op == SaveOp::Upsert && !name.eq_ignore_ascii_case("Id"));
    if let Some(name) = external
        && id.is_none()
    {
        let Some(field) = object.field(name).filter(|field| field.external_id) else {
            let message = format!("{name} is not an external id of {}", object.name);
            return Err(row_error("INVALID_FIELD", message, &[name]));
        };
        let value = coerce(field, given(record, name).unwrap_or(&Value::Null))?;
        let key = match &value {
            Value::Null => {
                return Err(row_error("MISSING_ARGUMENT", format!("{} not specified", field.name), &[]));
            }
            Value::Text(text) if field.case_sensitive => text.clone(),
            Value::Text(text) => text.to_lowercase(),
            _ => String::new(),
        };
        if repeated.contains(&key) {
            let message = format!("Duplicate external id specified: {key}");
            return Err(row_error("DUPLICATE_VALUE", message, &[&field.name]));
        }
        let found = living(transaction, object, field, &value);
        return match found.as_slice() {
            [] => Ok(()),
            [only] => existing(transaction, object, only, draft),
            several => {
                let message = format!("{} records match", several.len());
                Err(row_error("DUPLICATE_EXTERNAL_ID", message, &[&field.name]))
            }
        };
    }
    match id {
        Some(id) => existing(transaction, object, &id, draft),
        None => Ok(()),
    }
}

/// Ids of rows outside the bin whose field has this value.
pub fn living(transaction: &Transaction, object: &Object, field: &Field, value: &Value) -> Vec<String> {
    let Some(table) = transaction.store().table(&object.name) else { return Vec::new() };
    let is_living = |id: &String| table.row(id).is_some_and(|row| row.get("IsDeleted") != Some(&Value::Bool(true)));
    table.find(&field.name, value).unwrap_or_default().into_iter().filter(is_living).collect()
}

fn existing(transaction: &Transaction, object: &Object, id: &str, draft: &mut Draft) -> Result<(), RowError> {
    let Some(row) = transaction.store().row(&object.name, id) else {
        return Err(row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]));
    };
    if row.get("IsDeleted") == Some(&Value::Bool(true)) {
        return Err(row_error("ENTITY_IS_DELETED", "entity is deleted", &[]));
    }
    if transaction.in_before_trigger.iter().any(|busy| busy == id) {
        let message = format!(
            "Object (id = {id}) is currently in trigger {}, therefore it cannot recursively update itself",
            object.name
        );
        return Err(row_error("SELF_REFERENCE_FROM_TRIGGER", message, &[]));
    }
    check_lock(transaction, id, row)?;
    draft.id = Some(id.to_owned());
    draft.before = Some(row.clone());
    draft.row = Row::clone(row);
    Ok(())
}

/// A lock on the row or on one of its parents.
pub fn check_lock(transaction: &Transaction, id: &str, row: &Row) -> Result<(), RowError> {
    let locks = &transaction.world.locks;
    if locks.is_empty() {
        return Ok(());
    }
    let held = |id: &str| locks.get(id).is_some_and(|until| *until > transaction.now);
    let parent = row.values().find_map(|value| match value {
        Value::Id(parent) if held(parent) => Some(parent),
        _ => None,
    });
    match parent {
        Some(parent) => Err(super::super::org::locked(parent)),
        None if held(id) => Err(super::super::org::locked(id)),
        None => Ok(()),
    }
}

/// In user mode the user needs the right to the object, and under sharing to the row.
fn permitted(transaction: &Transaction, object: &Object, draft: &Draft, options: &SaveOptions) -> Result<(), RowError> {
    let rights = &transaction.rights;
    let catalog = transaction.catalog();
    if options.access == Access::User {
        let whole = rights.object(catalog, &object.name);
        if !(if draft.is_new() { whole.create } else { whole.edit }) {
            let message = format!("Access to entity '{}' denied", object.name);
            return Err(row_error("INSUFFICIENT_ACCESS_OR_READONLY", message, &[]));
        }
    }
    if (options.sharing || options.access == Access::User)
        && let Some(row) = &draft.before
        && !rights.sees(catalog, object, row, &transaction.user)
    {
        let message = "insufficient access rights on object id";
        return Err(row_error("INSUFFICIENT_ACCESS_OR_READONLY", message, &[]));
    }
    Ok(())
}

fn set_fields(transaction: &Transaction, object: &Object, record: &Record, options: &SaveOptions, draft: &mut Draft) {
    let mut refused: Vec<&str> = Vec::new();
    for (name, value) in &record.fields {
        let Some(field) = object.field(name) else {
            draft.errors.push(no_such_column(name, &object.name));
            continue;
        };
        if field.kind == FieldKind::Id {
            continue;
        }
        if !field.writable {
            // A queried row brings its formulas along; they are not meant to be set.
            if !record.queried && *value != Value::Null {
                refused.push(&field.name);
            }
            continue;
        }
        let is_same =
            draft.before.as_ref().is_some_and(|before| before.get(&field.name).unwrap_or(&Value::Null) == value);
        if options.access == Access::User
            && !(record.queried && is_same)
            && !transaction.rights.field_of(transaction.catalog(), object, field).editable
        {
            refused.push(&field.name);
            continue;
        }
        draft.given.insert(field.name.clone());
        set(field, value, draft);
    }
    if !refused.is_empty() {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
             read/write for your profile or permission set.",
            refused.join(", ")
        );
        draft.errors.push(row_error("INVALID_FIELD_FOR_INSERT_UPDATE", message, &refused));
    }
}

/// Puts one value into the draft, or the reason why not.
pub fn set(field: &Field, value: &Value, draft: &mut Draft) {
    match coerce(field, value) {
        Ok(Value::Null) => {
            draft.row.remove(&field.name);
        }
        Ok(value) => {
            draft.row.insert(field.name.clone(), value);
        }
        Err(error) => draft.errors.push(error),
    }
}

/// Parents that are named by their external id: `Parent__r: {Ext__c: x}`.
fn set_parents(transaction: &Transaction, object: &Object, record: &Record, draft: &mut Draft) {
    for (relationship, parent) in &record.parents {
        let Some(lookup) = object.parent(relationship) else {
            draft.errors.push(no_such_column(relationship, &object.name));
            continue;
        };
        let Some(parent) = parent.as_ref().filter(|parent| !parent.queried && !record.queried) else { continue };
        let FieldKind::Reference { to, .. } = &lookup.kind else { continue };
        let named = to.iter().find(|name| parent.object.is_empty() || parent.object.eq_ignore_ascii_case(name));
        let Some(target) = named.or(to.first()).and_then(|name| transaction.catalog().schema.object(name)) else {
            continue;
        };
        match parent_id(transaction, target, parent) {
            Ok(id) => {
                draft.given.insert(lookup.name.clone());
                draft.row.insert(lookup.name.clone(), Value::Id(id));
            }
            Err(error) => draft.errors.push(error),
        }
    }
}

fn parent_id(transaction: &Transaction, target: &Object, parent: &Record) -> Result<String, RowError> {
    let Some((name, value)) = parent.fields.iter().next().filter(|_| parent.fields.len() == 1) else {
        let message = format!("a {} is named by exactly one external id", target.name);
        return Err(row_error("INVALID_FIELD", message, &[]));
    };
    let field = target.field(name).ok_or_else(|| no_such_column(name, &target.name))?;
    if field.kind == FieldKind::Id {
        return match coerce(field, value)? {
            Value::Id(id) => Ok(id),
            _ => Err(row_error("MISSING_ARGUMENT", "Id not specified", &[])),
        };
    }
    if !field.external_id {
        let message = format!("{} is not an external id of {}", field.name, target.name);
        return Err(row_error("INVALID_FIELD", message, &[&field.name]));
    }
    let value = coerce(field, value)?;
    match living(transaction, target, field, &value).as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            let shown = match &value {
                Value::Text(text) => text.to_lowercase(),
                Value::Number(number) => number.to_plain_string(),
                _ => String::new(),
            };
            let message = format!(
                "Foreign key external ID: {shown} not found for field {} in entity {}",
                field.name, target.name
            );
            Err(row_error("INVALID_FIELD", message, &[]))
        }
        several => {
            let message = format!("{} records match", several.len());
            Err(row_error("DUPLICATE_EXTERNAL_ID", message, &[&field.name]))
        }
    }
}
