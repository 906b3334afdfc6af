//! Firing the package's triggers around the write.

use super::draft::Draft;
use super::prepare;
use crate::sandbox::org::fault::{self, row_error};
use crate::sandbox::org::host::{Fault, Record, RowError, TriggerCall, TriggerOp, Value};
use crate::sandbox::org::schema::{FieldKind, Object};
use crate::sandbox::org::transaction::Transaction;

const DEEPEST: usize = 16;

/// Fires one operation. What the trigger throws becomes the error of every row, unless it ends the transaction.
pub fn fire(
    transaction: &mut Transaction,
    object: &Object,
    operation: TriggerOp,
    new: Option<&mut Vec<Record>>,
    old: Option<&mut Vec<Record>>,
) -> Result<Option<RowError>, Fault> {
    let program = transaction.org.program.clone();
    if !program.has_trigger(&object.name, operation) {
        return Ok(None);
    }
    if transaction.depth >= DEEPEST {
        return Err(fault::fault("System.DmlException", "Maximum trigger depth exceeded"));
    }
    transaction.depth += 1;
    let outcome = program.fire(transaction, TriggerCall { object: &object.name, operation, new, old });
    transaction.depth -= 1;
    match outcome {
        Ok(()) => Ok(None),
        Err(fault) if fault.uncatchable => Err(fault),
        Err(fault) => Ok(Some(thrown(object, operation, &fault))),
    }
}

fn thrown(object: &Object, operation: TriggerOp, fault: &Fault) -> RowError {
    let name = fault
        .stack
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("Trigger."))
        .map_or(object.name.as_str(), |rest| rest.split([':', ' ']).next().unwrap_or(rest));
    let mut message =
        format!("{name}: execution of {operation:?}\n\ncaused by: {}: {}", fault.exception, fault.message);
    if !fault.stack.is_empty() {
        message.push_str("\n\n");
        message.push_str(&fault.stack.join("\n"));
    }
    row_error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[])
}

/// Before triggers see good rows only, new ones and known ones apart; what they change is checked like any input.
pub fn before(transaction: &mut Transaction, object: &Object, drafts: &mut [Draft]) -> Result<(), Fault> {
    for (operation, is_new) in [(TriggerOp::BeforeInsert, true), (TriggerOp::BeforeUpdate, false)] {
        if !transaction.org.program.has_trigger(&object.name, operation) {
            continue;
        }
        let mut chosen: Vec<&mut Draft> =
            drafts.iter_mut().filter(|draft| draft.is_good() && draft.is_new() == is_new).collect();
        if chosen.is_empty() {
            continue;
        }
        let mut new: Vec<Record> = chosen.iter().map(|draft| transaction.reader().record(object, &draft.row)).collect();
        let mut old = olds(transaction, object, chosen.iter().map(|draft| &**draft));
        let busy = transaction.in_before_trigger.len();
        transaction.in_before_trigger.extend(chosen.iter().filter_map(|draft| draft.id.clone()));
        let outcome = fire(transaction, object, operation, Some(&mut new), old.as_mut());
        transaction.in_before_trigger.truncate(busy);
        let thrown = outcome?;
        for (draft, record) in chosen.iter_mut().zip(new) {
            take_over(object, draft, record);
            draft.errors.extend(thrown.clone());
        }
    }
    Ok(())
}

/// Brings what the trigger left in the record back into the draft.
fn take_over(object: &Object, draft: &mut Draft, record: Record) {
    for (name, value) in &record.fields {
        let Some(field) = object.field(name) else { continue };
        if !field.writable || field.kind == FieldKind::Id {
            continue;
        }
        if draft.row.get(&field.name).unwrap_or(&Value::Null) != value {
            prepare::set(field, value, draft);
        }
    }
    draft.errors.extend(record.errors);
}

/// After triggers see the rows as they were written.
pub fn after(transaction: &mut Transaction, object: &Object, drafts: &mut [Draft]) -> Result<(), Fault> {
    for (operation, is_new) in [(TriggerOp::AfterInsert, true), (TriggerOp::AfterUpdate, false)] {
        if !transaction.org.program.has_trigger(&object.name, operation) {
            continue;
        }
        let mut chosen: Vec<&mut Draft> =
            drafts.iter_mut().filter(|draft| draft.is_good() && draft.is_new() == is_new).collect();
        if chosen.is_empty() {
            continue;
        }
        let mut new: Vec<Record> = chosen.iter().map(|draft| transaction.reader().record(object, &draft.row)).collect();
        let mut old = olds(transaction, object, chosen.iter().map(|draft| &**draft));
        let thrown = fire(transaction, object, operation, Some(&mut new), old.as_mut())?;
        for (draft, record) in chosen.iter_mut().zip(new) {
            draft.errors.extend(record.errors);
            draft.errors.extend(thrown.clone());
        }
    }
    Ok(())
}

fn olds<'d>(
    transaction: &Transaction,
    object: &Object,
    drafts: impl Iterator<Item = &'d Draft>,
) -> Option<Vec<Record>> {
    let reader = transaction.reader();
    let rows: Vec<Record> =
        drafts.filter_map(|draft| draft.before.as_ref()).map(|row| reader.record(object, row)).collect();
    (!rows.is_empty()).then_some(rows)
}
