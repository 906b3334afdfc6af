//! The write itself: unique values, the id, the auto-numbers, who and when.

use std::sync::Arc;

use super::draft::Draft;
use super::{auto_number, file, prepare};
use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{RowError, Value};
use crate::sandbox::org::schema::{FieldKind, Object};
use crate::sandbox::org::store::Row;
use crate::sandbox::org::transaction::Transaction;

pub fn write(transaction: &mut Transaction, object: &Object, draft: &mut Draft) {
    if let Err(error) = unique(transaction, object, draft.id.as_deref(), &draft.row) {
        draft.errors.push(error);
        return;
    }
    let now = Value::DateTime(jiff::Timestamp::from_second(transaction.now.as_second()).unwrap_or(transaction.now));
    let user = Value::Id(transaction.user.id.clone());
    let mut system =
        vec![("LastModifiedDate", now.clone()), ("LastModifiedById", user.clone()), ("SystemModstamp", now.clone())];
    if draft.is_new() {
        system.extend([("CreatedDate", now), ("CreatedById", user.clone()), ("IsDeleted", Value::Bool(false))]);
        if !draft.row.contains_key("OwnerId") {
            system.push(("OwnerId", user));
        }
        number(transaction, object, &mut draft.row);
    }
    for (name, value) in system {
        if object.field(name).is_some() {
            draft.row.insert(name.to_owned(), value);
        }
    }
    if draft.is_new()
        && object.name == "ContentVersion"
        && let Err(error) = file::complete(transaction, &mut draft.row)
    {
        draft.errors.push(error);
        return;
    }
    let id = match &draft.id {
        Some(id) => id.clone(),
        None => {
            let Some(table) = transaction.world.store.table_mut(&object.name) else { return };
            table.next_id()
        }
    };
    draft.row.insert("Id".to_owned(), Value::Id(id.clone()));
    transaction.put(&object.name, &id, Some(Arc::new(draft.row.clone())));
    if draft.is_new() && object.name == "ContentVersion" {
        file::publish(transaction, &id, &draft.row);
    }
    draft.id = Some(id);
}

/// No other living row has the value of a unique field.
pub fn unique(transaction: &Transaction, object: &Object, id: Option<&str>, row: &Row) -> Result<(), RowError> {
    for field in object.fields.values().filter(|field| field.unique) {
        let Some(value) = row.get(&field.name) else { continue };
        let others = prepare::living(transaction, object, field, value);
        if let Some(other) = others.iter().find(|other| Some(other.as_str()) != id) {
            let message = format!("duplicate value found: {} duplicates value on record with id: {other}", field.name);
            return Err(row_error("DUPLICATE_VALUE", message, &[]));
        }
    }
    Ok(())
}

fn number(transaction: &mut Transaction, object: &Object, row: &mut Row) {
    let today = transaction.reader().today();
    for field in object.fields.values() {
        let FieldKind::AutoNumber { format } = &field.kind else { continue };
        let Some(table) = transaction.world.store.table_mut(&object.name) else { continue };
        let number = table.next_count(&field.name);
        row.insert(field.name.clone(), Value::Text(auto_number::shown(format, number, today)));
    }
}
