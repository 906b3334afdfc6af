//! Merging: the losers' children move to the winner, the losers go to the bin and name the winner, then the winner is
//! saved. Triggers: delete on the losers, then update on the winner.

use super::{Outcome, delete, id_of, save, triggers};
use crate::sandbox::org::fault::{self, row_error};
use crate::sandbox::org::host::{Fault, Record, RowResult, SaveOp, SaveOptions, TriggerOp, Value};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::Object;
use crate::sandbox::org::transaction::Transaction;

const MOST_LOSERS: usize = 2;

pub fn merge(
    transaction: &mut Transaction,
    winner: &mut Record,
    losers: &[String],
    options: &SaveOptions,
) -> Result<Vec<RowResult>, Fault> {
    let catalog = transaction.catalog();
    let Some(object) = catalog.schema.object(&winner.object).filter(|object| object.field("MasterRecordId").is_some())
    else {
        return Err(fault::fault("System.DmlException", format!("{} can't be merged", winner.object)));
    };
    if losers.is_empty() || losers.len() > MOST_LOSERS {
        let message = format!("A merge takes from one to {MOST_LOSERS} records into another, not {}", losers.len());
        return Err(fault::fault("System.ListException", message));
    }
    let start = transaction.mark();
    let outcome = merge_rows(transaction, object, winner, losers, options);
    let failed = match &outcome {
        Ok(results) => results.iter().any(|result| !result.success),
        Err(_) => true,
    };
    if failed {
        transaction.back_to(start);
    }
    outcome
}

fn merge_rows(
    transaction: &mut Transaction,
    object: &Object,
    winner: &mut Record,
    losers: &[String],
    options: &SaveOptions,
) -> Result<Vec<RowResult>, Fault> {
    let refused = |error| match options.all_or_none {
        true => Err(fault::dml(SaveOp::Update, vec![(0, None, error)])),
        false => Ok(vec![RowResult { id: None, success: false, created: false, errors: vec![error] }]),
    };
    let Some(winner_id) = id_of(winner) else {
        return refused(row_error("MISSING_ARGUMENT", "Id not specified in a merge call", &[]));
    };
    let mut ids = Vec::new();
    for loser in losers {
        let id = record_id::parse(loser).filter(|id| *id != winner_id);
        let living = id.filter(|id| {
            let row = transaction.store().row(&object.name, id);
            row.is_some_and(|row| row.get("IsDeleted") != Some(&Value::Bool(true)))
        });
        match living {
            Some(id) => ids.push(id),
            None => return refused(row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[])),
        }
    }
    let mut outcome = Outcome::default();
    fire(transaction, object, TriggerOp::BeforeDelete, &ids, &mut outcome)?;
    for id in &ids {
        for (child, field, child_id) in delete::children(transaction, object, id) {
            transaction.amend(&child.name, &child_id, &[(&field.name, Value::Id(winner_id.clone()))]);
        }
        transaction.amend(&object.name, id, &[("MasterRecordId", Value::Id(winner_id.clone()))]);
        delete::bin(transaction, object, id, None);
    }
    fire(transaction, object, TriggerOp::AfterDelete, &ids, &mut outcome)?;
    if let Some(error) = outcome.errors.into_iter().next() {
        return refused(error);
    }
    save(transaction, SaveOp::Update, std::slice::from_mut(winner), options)
}

fn fire(
    transaction: &mut Transaction,
    object: &Object,
    operation: TriggerOp,
    ids: &[String],
    outcome: &mut Outcome,
) -> Result<(), Fault> {
    let reader = transaction.reader();
    let mut old: Vec<Record> = ids
        .iter()
        .filter_map(|id| transaction.store().row(&object.name, id))
        .map(|row| reader.record(object, row))
        .collect();
    let thrown = triggers::fire(transaction, object, operation, None, Some(&mut old))?;
    outcome.errors.extend(thrown);
    outcome.errors.extend(old.into_iter().flat_map(|record| record.errors));
    Ok(())
}
