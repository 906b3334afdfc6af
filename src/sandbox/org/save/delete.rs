//! Into the bin and out of it. Children follow their master without triggers; lookups are emptied, or hold the parent.

use std::sync::Arc;

use super::{Outcome, id_of, prepare, triggers, write};
use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{Access, Fault, Record, RowError, SaveOptions, TriggerOp, Value};
use crate::sandbox::org::schema::{Field, FieldKind, Object, OnDelete};
use crate::sandbox::org::store::Row;
use crate::sandbox::org::transaction::Transaction;

/// A note on rows that went into the bin with their parent: whose.
const BINNED_WITH: &str = "_binned_with";

struct Doomed {
    place: usize,
    id: String,
    row: Arc<Row>,
}

pub fn delete(
    transaction: &mut Transaction,
    object: &Object,
    rows: &[Record],
    live: &[usize],
    options: &SaveOptions,
    outcomes: &mut [Outcome],
) -> Result<(), Fault> {
    let mut doomed = Vec::new();
    for place in live {
        match doom(transaction, object, &rows[*place], options) {
            Ok((id, row)) => doomed.push(Doomed { place: *place, id, row }),
            Err(error) => outcomes[*place].errors.push(error),
        }
    }
    fire(transaction, object, TriggerOp::BeforeDelete, &doomed, outcomes)?;
    doomed.retain(|one| outcomes[one.place].errors.is_empty());
    for one in &doomed {
        if let Err(error) = check_children(transaction, object, &one.id) {
            outcomes[one.place].errors.push(error);
            continue;
        }
        bin(transaction, object, &one.id, None);
        outcomes[one.place].id = Some(one.id.clone());
    }
    doomed.retain(|one| outcomes[one.place].errors.is_empty());
    fire(transaction, object, TriggerOp::AfterDelete, &doomed, outcomes)
}

fn doom(
    transaction: &Transaction,
    object: &Object,
    record: &Record,
    options: &SaveOptions,
) -> Result<(String, Arc<Row>), RowError> {
    let Some(id) = id_of(record) else {
        return Err(row_error("MISSING_ARGUMENT", "Id not specified in a delete call", &[]));
    };
    let Some(row) = transaction.store().row(&object.name, &id) else {
        return Err(row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]));
    };
    if row.get("IsDeleted") == Some(&Value::Bool(true)) {
        return Err(row_error("ENTITY_IS_DELETED", "entity is deleted", &[]));
    }
    prepare::check_lock(transaction, &id, row)?;
    let rights = &transaction.rights;
    let may = options.access == Access::System || rights.object(transaction.catalog(), &object.name).delete;
    let sees = !(options.sharing || options.access == Access::User)
        || rights.sees(transaction.catalog(), object, row, &transaction.user);
    if !may || !sees {
        let message = "insufficient access rights on object id";
        return Err(row_error("INSUFFICIENT_ACCESS_OR_READONLY", message, &[]));
    }
    Ok((id, row.clone()))
}

fn fire(
    transaction: &mut Transaction,
    object: &Object,
    operation: TriggerOp,
    doomed: &[Doomed],
    outcomes: &mut [Outcome],
) -> Result<(), Fault> {
    if doomed.is_empty() || !transaction.org.program.has_trigger(&object.name, operation) {
        return Ok(());
    }
    let mut old: Vec<Record> = doomed
        .iter()
        .map(|one| {
            // After the delete the row may carry what the delete wrote, such as the winner of a merge.
            let row = transaction.store().row(&object.name, &one.id).unwrap_or(&one.row);
            transaction.reader().record(object, row)
        })
        .collect();
    let thrown = triggers::fire(transaction, object, operation, None, Some(&mut old))?;
    for (one, record) in doomed.iter().zip(old) {
        outcomes[one.place].errors.extend(record.errors);
        outcomes[one.place].errors.extend(thrown.clone());
    }
    Ok(())
}

/// Living children of a record, with the lookup that leads to it.
pub fn children<'a>(transaction: &Transaction<'a>, object: &Object, id: &str) -> Vec<(&'a Object, &'a Field, String)> {
    let schema = &transaction.catalog().schema;
    let mut found = Vec::new();
    for child in schema.objects() {
        for field in child.fields.values() {
            let FieldKind::Reference { to, .. } = &field.kind else { continue };
            if to.contains(&object.name) {
                let ids = prepare::living(transaction, child, field, &Value::Id(id.to_owned()));
                found.extend(ids.into_iter().map(|child_id| (child, field, child_id)));
            }
        }
    }
    found
}

fn on_delete(field: &Field) -> OnDelete {
    match &field.kind {
        FieldKind::Reference { on_delete, .. } => *on_delete,
        _ => OnDelete::SetNull,
    }
}

fn check_children(transaction: &Transaction, object: &Object, id: &str) -> Result<(), RowError> {
    for (child, field, child_id) in children(transaction, object, id) {
        match on_delete(field) {
            OnDelete::Restrict => {
                let message = format!(
                    "Your attempt to delete {id} could not be completed because it is associated with the following \
                     {}: {child_id}",
                    child.plural_label
                );
                return Err(row_error("DELETE_FAILED", message, &[]));
            }
            OnDelete::Cascade => check_children(transaction, child, &child_id)?,
            OnDelete::SetNull => {}
        }
    }
    Ok(())
}

/// Marks a row as deleted and deals with its children.
pub fn bin(transaction: &mut Transaction, object: &Object, id: &str, with: Option<&str>) {
    let mut fields = vec![("IsDeleted", Value::Bool(true))];
    if let Some(with) = with {
        fields.push((BINNED_WITH, Value::Text(with.to_owned())));
    }
    transaction.amend(&object.name, id, &fields);
    for (child, field, child_id) in children(transaction, object, id) {
        match on_delete(field) {
            OnDelete::Cascade => bin(transaction, child, &child_id, Some(with.unwrap_or(id))),
            _ => transaction.amend(&child.name, &child_id, &[(&field.name, Value::Null)]),
        }
    }
}

pub fn undelete(
    transaction: &mut Transaction,
    object: &Object,
    rows: &[Record],
    live: &[usize],
    outcomes: &mut [Outcome],
) -> Result<(), Fault> {
    let mut restored = Vec::new();
    for place in live {
        match restore(transaction, object, &rows[*place]) {
            Ok(id) => {
                outcomes[*place].id = Some(id.clone());
                restored.push((*place, id));
            }
            Err(error) => outcomes[*place].errors.push(error),
        }
    }
    if restored.is_empty() || !transaction.org.program.has_trigger(&object.name, TriggerOp::AfterUndelete) {
        return Ok(());
    }
    let mut new: Vec<Record> = restored
        .iter()
        .filter_map(|(_, id)| transaction.store().row(&object.name, id))
        .map(|row| transaction.reader().record(object, row))
        .collect();
    let thrown = triggers::fire(transaction, object, TriggerOp::AfterUndelete, Some(&mut new), None)?;
    for ((place, _), record) in restored.iter().zip(new) {
        outcomes[*place].errors.extend(record.errors);
        outcomes[*place].errors.extend(thrown.clone());
    }
    Ok(())
}

fn restore(transaction: &mut Transaction, object: &Object, record: &Record) -> Result<String, RowError> {
    let Some(id) = id_of(record) else {
        return Err(row_error("MISSING_ARGUMENT", "Id not specified in an undelete call", &[]));
    };
    let row = transaction.store().row(&object.name, &id).cloned();
    let Some(row) = row.filter(|row| row.get("IsDeleted") == Some(&Value::Bool(true))) else {
        return Err(row_error("UNDELETE_FAILED", "Entity is not in the recycle bin", &[]));
    };
    write::unique(transaction, object, Some(&id), &row)?;
    let fields = [("IsDeleted", Value::Bool(false)), (BINNED_WITH, Value::Null), ("MasterRecordId", Value::Null)];
    transaction.amend(&object.name, &id, &fields);
    let mut followers = Vec::new();
    for table in transaction.store().tables() {
        for (child, row) in table.rows() {
            if row.get(BINNED_WITH) == Some(&Value::Text(id.clone())) {
                followers.push((table.object().to_owned(), child.clone()));
            }
        }
    }
    for (object, child) in followers {
        transaction.amend(&object, &child, &[("IsDeleted", Value::Bool(false)), (BINNED_WITH, Value::Null)]);
    }
    Ok(id)
}
