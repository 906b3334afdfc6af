//! Saving, in the org's own order: system validation, before triggers, required fields and validation rules, write,
//! after triggers. Rows go in chunks of 200; a partial save fires its triggers anew for the rows that remain.

mod auto_number;
mod defaults;
mod delete;
mod draft;
mod file;
mod merge;
mod prepare;
mod rules;
mod triggers;
mod values;
mod write;

use std::collections::BTreeMap;

pub use auto_number::number_in;
pub use defaults::apply_defaults;
pub use merge::merge;
pub use values::{coerce, missing_fields, no_such_column};

use super::fault::{self, row_error};
use super::host::{Fault, Record, RowError, RowResult, SaveOp, SaveOptions, TriggerOp, Value};
use super::schema::{Object, ObjectKind};
use super::transaction::Transaction;
use super::{access, events, record_id};
use draft::Draft;

const CHUNK: usize = 200;
const PASSES: usize = 3;

/// What became of one row.
#[derive(Clone, Debug, Default)]
struct Outcome {
    id: Option<String>,
    created: bool,
    errors: Vec<RowError>,
}

pub fn save(
    transaction: &mut Transaction,
    op: SaveOp,
    rows: &mut [Record],
    options: &SaveOptions,
) -> Result<Vec<RowResult>, Fault> {
    check_list(op, rows)?;
    let start = transaction.mark();
    let mut outcomes = vec![Outcome::default(); rows.len()];
    if strikes(transaction, op) {
        for (row, outcome) in rows.iter().zip(&mut outcomes) {
            outcome.errors.push(super::org::locked(&id_of(row).unwrap_or_default()));
        }
    } else {
        for (object, places) in runs(rows) {
            for chunk in places.chunks(CHUNK) {
                if let Err(fault) = save_chunk(transaction, op, &object, rows, chunk, options, &mut outcomes) {
                    transaction.back_to(start);
                    return Err(fault);
                }
                let failed = chunk.iter().any(|place| !outcomes[*place].errors.is_empty());
                if failed && options.all_or_none {
                    break;
                }
            }
        }
    }
    let failed: Vec<(usize, Option<String>, RowError)> = outcomes
        .iter()
        .enumerate()
        .flat_map(|(place, outcome)| {
            let id = if op == SaveOp::Insert { None } else { id_of(&rows[place]) };
            outcome.errors.iter().map(move |error| (place, id.clone(), error.clone()))
        })
        .collect();
    if options.all_or_none && !failed.is_empty() {
        transaction.back_to(start);
        return Err(fault::dml(op, failed));
    }
    Ok(rows
        .iter_mut()
        .zip(outcomes)
        .map(|(row, outcome)| {
            let success = outcome.errors.is_empty();
            if success && let Some(id) = &outcome.id {
                row.fields.insert("Id".to_owned(), Value::Id(id.clone()));
            }
            let id = if success { outcome.id } else { None };
            RowResult { id, success, created: success && outcome.created, errors: outcome.errors }
        })
        .collect())
}

/// The fault of a locked row strikes a whole statement, and only what somebody asked for: no trigger's and no job's.
fn strikes(transaction: &Transaction, op: SaveOp) -> bool {
    let asked = transaction.depth == 0 && !transaction.spent.is_async && op != SaveOp::Insert;
    asked && transaction.org.options.faults.as_ref().is_some_and(|faults| faults.strikes("locked_row"))
}

/// What makes the statement fail as a whole, whatever its options.
fn check_list(op: SaveOp, rows: &[Record]) -> Result<(), Fault> {
    let mut seen = BTreeMap::new();
    for row in rows {
        if op != SaveOp::Insert
            && let Some(id) = id_of(row)
            && seen.insert(id.clone(), ()).is_some()
        {
            return Err(fault::fault("System.ListException", format!("Duplicate id in list: {id}")));
        }
    }
    Ok(())
}

/// The rows' places, by runs of one object.
fn runs(rows: &[Record]) -> Vec<(String, Vec<usize>)> {
    let mut runs: Vec<(String, Vec<usize>)> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        match runs.last_mut() {
            Some((object, places)) if object.eq_ignore_ascii_case(&row.object) => places.push(place),
            _ => runs.push((row.object.clone(), vec![place])),
        }
    }
    runs
}

/// The row's id with 18 characters; what is no id comes back as it is, to be refused where it is used.
fn id_of(row: &Record) -> Option<String> {
    let (_, value) = row.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("Id"))?;
    match value {
        Value::Id(id) | Value::Text(id) if !id.is_empty() => Some(record_id::parse(id).unwrap_or_else(|| id.clone())),
        _ => None,
    }
}

fn save_chunk(
    transaction: &mut Transaction,
    op: SaveOp,
    object_name: &str,
    rows: &[Record],
    chunk: &[usize],
    options: &SaveOptions,
    outcomes: &mut [Outcome],
) -> Result<(), Fault> {
    let catalog = transaction.catalog();
    let refuse = |outcomes: &mut [Outcome], error: RowError| {
        for place in chunk {
            outcomes[*place].errors.push(error.clone());
        }
    };
    let Some(object) = catalog.schema.object(object_name) else {
        refuse(outcomes, row_error("INVALID_TYPE", format!("sObject type '{object_name}' is not supported."), &[]));
        return Ok(());
    };
    match object.kind {
        ObjectKind::CustomMetadata => {
            refuse(outcomes, row_error("INVALID_TYPE", format!("DML not allowed on {}", object.name), &[]));
            return Ok(());
        }
        ObjectKind::PlatformEvent { .. } => {
            let records = chunk.iter().map(|place| rows[*place].clone()).collect();
            for (place, result) in chunk.iter().zip(events::publish(transaction, records)) {
                outcomes[*place].id = result.id;
                outcomes[*place].created = result.created;
                if !result.success {
                    outcomes[*place].errors = result.errors;
                }
            }
            return Ok(());
        }
        ObjectKind::Standard | ObjectKind::Custom => {}
    }
    if let Some(error) = mixed(transaction, object) {
        refuse(outcomes, error);
        return Ok(());
    }
    let mut live: Vec<usize> = chunk.to_vec();
    for pass in 1..=PASSES {
        let start = transaction.mark();
        let spent = transaction.spent.clone();
        for place in &live {
            outcomes[*place] = Outcome::default();
        }
        match op {
            SaveOp::Delete => delete::delete(transaction, object, rows, &live, options, outcomes)?,
            SaveOp::Undelete => delete::undelete(transaction, object, rows, &live, outcomes)?,
            _ => insert_or_update(transaction, op, object, rows, &live, options, outcomes)?,
        }
        let failed = live.iter().filter(|place| !outcomes[**place].errors.is_empty()).count();
        if failed == 0 || options.all_or_none || !has_triggers(transaction, object, op) {
            return Ok(());
        }
        transaction.back_to(start);
        live.retain(|place| outcomes[*place].errors.is_empty());
        if live.is_empty() {
            return Ok(());
        }
        // The rows that remain are saved anew, with limits as they were and statics as they are.
        transaction.spent = spent;
        if pass == PASSES {
            let message = "Too many batch retries in the presence of Apex triggers and partial failures.";
            let error = row_error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[]);
            for place in &live {
                outcomes[*place] = Outcome { errors: vec![error.clone()], ..Outcome::default() };
            }
        }
    }
    Ok(())
}

fn has_triggers(transaction: &Transaction, object: &Object, op: SaveOp) -> bool {
    use TriggerOp::{AfterDelete, AfterInsert, AfterUndelete, AfterUpdate, BeforeDelete, BeforeInsert, BeforeUpdate};
    let operations: &[TriggerOp] = match op {
        SaveOp::Insert => &[BeforeInsert, AfterInsert],
        SaveOp::Update => &[BeforeUpdate, AfterUpdate],
        SaveOp::Upsert => &[BeforeInsert, AfterInsert, BeforeUpdate, AfterUpdate],
        SaveOp::Delete => &[BeforeDelete, AfterDelete],
        SaveOp::Undelete => &[AfterUndelete],
    };
    operations.iter().any(|operation| transaction.org.program.has_trigger(&object.name, *operation))
}

/// Users and their rights may not be saved in one transaction with other records.
fn mixed(transaction: &mut Transaction, object: &Object) -> Option<RowError> {
    let is_setup = access::is_mixed_dml_object(&object.name);
    match &transaction.first_saved {
        None => {
            transaction.first_saved = Some((is_setup, object.name.clone()));
            None
        }
        Some((first, _)) if *first == is_setup => None,
        Some((_, original)) => Some(row_error(
            "MIXED_DML_OPERATION",
            format!(
                "DML operation on setup object is not permitted after you have updated a non-setup object (or vice \
                 versa): {}, original object: {original}",
                object.name
            ),
            &[],
        )),
    }
}

/// One pass over the rows of a chunk.
fn insert_or_update(
    transaction: &mut Transaction,
    op: SaveOp,
    object: &Object,
    rows: &[Record],
    live: &[usize],
    options: &SaveOptions,
    outcomes: &mut [Outcome],
) -> Result<(), Fault> {
    let mut drafts = prepare::drafts(transaction, op, object, rows, live, options);
    triggers::before(transaction, object, &mut drafts)?;
    for draft in &mut drafts {
        if draft.is_good() {
            rules::check(transaction, object, draft);
        }
    }
    // With all or none, nothing more is done once a row has failed.
    let stop = options.all_or_none && drafts.iter().any(|draft| !draft.is_good());
    if !stop {
        for draft in drafts.iter_mut().filter(|draft| draft.is_good()) {
            write::write(transaction, object, draft);
        }
        if !(options.all_or_none && drafts.iter().any(|draft| !draft.is_good())) {
            triggers::after(transaction, object, &mut drafts)?;
        }
    }
    for Draft { place, id, before, errors, .. } in drafts {
        outcomes[place] = Outcome { id, created: before.is_none(), errors };
    }
    Ok(())
}

#[cfg(test)]
mod tests;
