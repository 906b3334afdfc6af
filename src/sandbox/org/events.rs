//! Publishing platform events.

use super::fault::row_error;
use super::host::{Record, RowError, RowResult, Value};
use super::schema::ObjectKind;
use super::transaction::Transaction;
use super::{access, record_id, save};

const DML_STATEMENTS: u32 = 150;

/// Checks each event and queues the good ones: at commit, or at once, as the event's definition says. Success is
/// reported as in the org: with an `OPERATION_ENQUEUED` entry whose message is the event's UUID.
pub fn publish(transaction: &mut Transaction, records: Vec<Record>) -> Vec<RowResult> {
    if records.is_empty() {
        return Vec::new();
    }
    let catalog = transaction.catalog();
    let is_immediate = |record: &Record| {
        catalog
            .schema
            .object(&record.object)
            .is_some_and(|object| object.kind == ObjectKind::PlatformEvent { after_commit: false })
    };
    let within_limit = if records.iter().any(is_immediate) {
        transaction.count_immediate_publish()
    } else {
        transaction.spent.dml_statements += 1;
        transaction.spent.dml_statements <= DML_STATEMENTS
    };
    if !within_limit {
        let error = row_error("LIMIT_EXCEEDED", "This transaction has published as often as it may", &[]);
        return records.iter().map(|_| failure(vec![error.clone()])).collect();
    }
    let results: Vec<RowResult> = records.into_iter().map(|record| publish_one(transaction, record)).collect();
    let good = results.iter().filter(|result| result.success).count();
    transaction.spent.publish_calls += 1;
    transaction.spent.events = transaction.spent.events.saturating_add(u32::try_from(good).unwrap_or(u32::MAX));
    results
}

fn publish_one(transaction: &mut Transaction, record: Record) -> RowResult {
    let catalog = transaction.catalog();
    let Some(object) = catalog.schema.object(&record.object) else {
        let message = format!("sObject type '{}' is not supported.", record.object);
        return failure(vec![row_error("INVALID_TYPE", message, &[])]);
    };
    let ObjectKind::PlatformEvent { after_commit } = object.kind else {
        let message = format!("{} is no platform event and can't be published", object.name);
        return failure(vec![row_error("INVALID_TYPE", message, &[])]);
    };
    let given_uuid = match record.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("EventUuid")) {
        Some((_, Value::Text(uuid))) => Some(uuid.clone()),
        _ => None,
    };
    let mut event = Record { object: object.name.clone(), ..Record::default() };
    let mut errors: Vec<RowError> = Vec::new();
    for (name, value) in &record.fields {
        if is_filled_by_bus(name) {
            continue;
        }
        let Some(field) = object.field(name) else {
            errors.push(save::no_such_column(name, &object.name));
            continue;
        };
        match save::coerce(field, value) {
            Ok(Value::Null) => {}
            Ok(value) => {
                event.fields.insert(field.name.clone(), value);
            }
            Err(error) => errors.push(error),
        }
    }
    save::apply_defaults(&transaction.reader(), object, &record, &mut event.fields);
    let missing: Vec<&str> = object
        .fields
        .values()
        .filter(|field| field.required && field.writable && !event.fields.contains_key(&field.name))
        .map(|field| field.name.as_str())
        .filter(|name| !is_filled_by_bus(name) && !access::SYSTEM_FIELDS.contains(name))
        .collect();
    if !missing.is_empty() {
        errors.push(save::missing_fields(&missing));
    }
    if !errors.is_empty() {
        return failure(errors);
    }
    let uuid = given_uuid.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    event.fields.insert("EventUuid".to_owned(), Value::Text(uuid.clone()));
    event.fields.insert("CreatedDate".to_owned(), Value::DateTime(transaction.now));
    event.fields.insert("CreatedById".to_owned(), Value::Id(transaction.user.id.clone()));
    if after_commit {
        transaction.events.push(event);
    } else {
        transaction.org.outbox().push_back(event);
    }
    RowResult {
        id: Some(record_id::numbered(&object.key_prefix, 0)),
        success: true,
        created: true,
        errors: vec![row_error("OPERATION_ENQUEUED", uuid, &[])],
    }
}

fn is_filled_by_bus(name: &str) -> bool {
    ["EventUuid", "ReplayId", "CreatedDate", "CreatedById", "Id"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn failure(errors: Vec<RowError>) -> RowResult {
    RowResult { id: None, success: false, created: false, errors }
}
