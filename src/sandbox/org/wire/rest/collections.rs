//! sObject Collections: up to 200 records written, up to 2,000 read, each with a result of its own.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, Refusal, error, row_errors};
use super::call::Call;
use super::select::Select;
use super::sobject;
use super::values::record_json;
use crate::sandbox::org::host::{Bind, Host, Record, RowError, RowResult, SaveOp, Value};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::{Object, ObjectKind, Schema};

const MOST_WRITTEN: usize = 200;
const MOST_READ: usize = 2_000;
const MOST_CHUNKS: usize = 10;
const ROLLED_BACK: &str =
    "Record rolled back because not all records were valid and the request was using AllOrNone header";

/// One row of a request: its object, and the record or what is wrong with it.
type Row<'a> = (&'a Object, Result<Record, Vec<RowError>>);

/// `/composite/sobjects…`. `whole` is an outer Composite's allOrNone, which overrides the call's own.
pub(super) fn answer(host: &mut dyn Host, call: &Call, whole: bool) -> Result<Answer, Refusal> {
    let schema = host.schema();
    match (call.segments().as_slice(), &call.method) {
        (["composite", "sobjects"], &Method::POST) => write(host, call, &schema, SaveOp::Insert, whole),
        (["composite", "sobjects"], &Method::PATCH) => write(host, call, &schema, SaveOp::Update, whole),
        (["composite", "sobjects"], &Method::DELETE) => delete(host, call, &schema, whole),
        (["composite", "sobjects", name], &Method::POST | &Method::GET) => {
            let object = sobject::object(host, &schema, name)?;
            retrieve(host, call, object)
        }
        (["composite", "sobjects", name, key], &Method::PATCH) => {
            let object = sobject::object(host, &schema, name)?;
            upsert(host, call, object, key, whole)
        }
        (_, method) => Err(Refusal::method(method)),
    }
}

fn records(call: &Call) -> Result<(Vec<&Map<String, Json>>, bool), Refusal> {
    let body = call.object()?;
    let malformed = |message: &str| Refusal::bad("JSON_PARSER_ERROR", message);
    let records = body.get("records").and_then(Json::as_array).ok_or_else(|| malformed("records must be an array"))?;
    if records.len() > MOST_WRITTEN {
        let message = format!("record limit reached. cannot submit more than {MOST_WRITTEN} records into this call");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let records: Option<Vec<_>> = records.iter().map(Json::as_object).collect();
    let all_or_none = body.get("allOrNone").and_then(Json::as_bool).unwrap_or(false);
    Ok((records.ok_or_else(|| malformed("each record must be an object"))?, all_or_none))
}

fn write(host: &mut dyn Host, call: &Call, schema: &Schema, operation: SaveOp, whole: bool) -> Result<Answer, Refusal> {
    let (bodies, all_or_none) = records(call)?;
    let mut rows = Vec::new();
    for body in bodies {
        let named = body.get("attributes").and_then(|attributes| attributes["type"].as_str()).unwrap_or_default();
        let object = sobject::object(host, schema, named)
            .map_err(|_| Refusal::bad("INVALID_TYPE", format!("sObject type '{named}' is not supported.")))?;
        let mut record = sobject::record(host, object, body, None);
        if operation == SaveOp::Update
            && let Ok(found) = &record
            && sobject::id_of(found).is_none()
        {
            record = Err(vec![error("MISSING_ARGUMENT", "Id not specified in an update call", &["Id"])]);
        }
        rows.push((object, record));
    }
    save(host, operation, rows, all_or_none || whole, false)
}

fn upsert(host: &mut dyn Host, call: &Call, object: &Object, key: &str, whole: bool) -> Result<Answer, Refusal> {
    let (bodies, all_or_none) = records(call)?;
    let key = sobject::external_id(object, key)?;
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let external = |body: &Map<String, Json>| {
        let value = body.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key.name)).map(|(_, value)| value)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let blank = value.is_null() || text.is_empty();
        (!blank).then(|| if key.case_sensitive { text } else { text.to_lowercase() })
    };
    for body in &bodies {
        if let Some(value) = external(body) {
            *named.entry(value).or_default() += 1;
        }
    }
    let mut rows = Vec::new();
    for body in bodies {
        let row = match external(body) {
            None => {
                let message = format!("{} not specified", key.name);
                Err(vec![error("MISSING_ARGUMENT", message, &[&key.name])])
            }
            // Both rows that name it fail: the org does not choose.
            Some(value) if named.get(&value).is_some_and(|times| *times > 1) => {
                let message = format!("Duplicate external id specified: {value}");
                Err(vec![error("DUPLICATE_VALUE", message, &[&key.name])])
            }
            Some(_) => sobject::record(host, object, body, Some(&key.name)),
        };
        rows.push((object, row));
    }
    let options = sobject::options(all_or_none || whole, Some(key.name.clone()));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let results = sobject::save(host, SaveOp::Upsert, object, rows, &options)?;
    Ok(finish(results, all_or_none || whole, true))
}

fn delete(host: &mut dyn Host, call: &Call, schema: &Schema, whole: bool) -> Result<Answer, Refusal> {
    let missing = || Refusal::bad("MISSING_ARGUMENT", "The ids parameter is required");
    let ids: Vec<&str> = call.parameter("ids").ok_or_else(missing)?.split(',').map(str::trim).collect();
    if ids.len() > MOST_WRITTEN {
        let message = format!("record limit reached. cannot submit more than {MOST_WRITTEN} records into this call");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let all_or_none = call.parameter("allOrNone") == Some("true");
    let mut rows = Vec::new();
    for id in ids {
        let malformed = || Refusal::bad("MALFORMED_ID", format!("bad id {id}"));
        let id = record_id::parse(id).ok_or_else(malformed)?;
        let object = schema.object_by_prefix(&id).ok_or_else(malformed)?;
        let mut record = Record { object: object.name.clone(), ..Record::default() };
        record.fields.insert("Id".to_owned(), Value::Id(id));
        rows.push((object, Ok(record)));
    }
    save(host, SaveOp::Delete, rows, all_or_none || whole, false)
}

/// Saves rows of several objects: each run of the same object is one statement.
fn save(
    host: &mut dyn Host,
    operation: SaveOp,
    rows: Vec<Row<'_>>,
    all_or_none: bool,
    created: bool,
) -> Result<Answer, Refusal> {
    let mut chunks: Vec<(&Object, Vec<Result<Record, Vec<RowError>>>)> = Vec::new();
    for (object, row) in rows {
        match chunks.last_mut() {
            Some((last, chunk)) if last.name == object.name => chunk.push(row),
            _ => chunks.push((object, vec![row])),
        }
    }
    if chunks.len() > MOST_CHUNKS {
        let message =
            format!("Cannot have more than {MOST_CHUNKS} chunks in a single operation; rearrange the data by type");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let options = sobject::options(all_or_none, None);
    let mut results = Vec::new();
    for (object, chunk) in chunks {
        if let (ObjectKind::PlatformEvent { .. }, SaveOp::Insert) = (&object.kind, operation) {
            results.extend(publish(host, object, chunk));
        } else {
            results.extend(sobject::save(host, operation, object, chunk, &options)?);
        }
    }
    Ok(finish(results, all_or_none, created))
}

fn publish(host: &mut dyn Host, object: &Object, rows: Vec<Result<Record, Vec<RowError>>>) -> Vec<RowResult> {
    let allowed = sobject::may(host, object, SaveOp::Insert);
    let outcome = rows.into_iter().map(|row| match (row, &allowed) {
        (_, Err(error)) => sobject::failed(vec![error.clone()]),
        (Err(errors), _) => sobject::failed(errors),
        (Ok(event), Ok(())) => host.publish(vec![event]).pop().unwrap_or_else(|| sobject::failed(Vec::new())),
    });
    outcome.collect()
}

/// Results in request order. With all or none, one failure is everybody's.
fn finish(results: Vec<RowResult>, all_or_none: bool, created: bool) -> Answer {
    let undo = all_or_none && results.iter().any(|result| !result.success);
    let innocent = row_errors(&[error("ALL_OR_NONE_OPERATION_ROLLED_BACK", ROLLED_BACK, &[])]);
    let results = results.into_iter().map(|result| {
        if result.success && !undo {
            let mut json = json!({"id": result.id, "success": true, "errors": row_errors(&result.errors)});
            if created {
                json["created"] = json!(result.created);
            }
            return json;
        }
        let errors =
            if result.success || result.errors.is_empty() { innocent.clone() } else { row_errors(&result.errors) };
        json!({"success": false, "errors": errors})
    });
    let mut answer = Answer::json(200, Json::Array(results.collect()));
    answer.undo = undo;
    answer
}

fn retrieve(host: &mut dyn Host, call: &Call, object: &Object) -> Result<Answer, Refusal> {
    let (ids, fields): (Vec<String>, Vec<String>) = if call.method == Method::GET {
        let list =
            |name| call.parameter(name).unwrap_or_default().split(',').map(|part| part.trim().to_owned()).collect();
        (list("ids"), list("fields"))
    } else {
        let body = call.object()?;
        let list = |name: &str| -> Option<Vec<String>> {
            body.get(name)?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let malformed = || Refusal::bad("JSON_PARSER_ERROR", "ids and fields must be arrays of texts");
        (list("ids").ok_or_else(malformed)?, list("fields").ok_or_else(malformed)?)
    };
    if ids.len() > MOST_READ {
        let message = format!("record limit reached. cannot retrieve more than {MOST_READ} records in this call");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let malformed = |id: &String| Refusal::bad("MALFORMED_ID", format!("bad id {id}"));
    let ids: Vec<String> =
        ids.iter().map(|id| record_id::parse(id).ok_or_else(|| malformed(id))).collect::<Result<_, _>>()?;
    let wanted = Bind::Many(ids.iter().map(|id| Value::Id(id.clone())).collect());
    let rows = sobject::select(host, object, &fields, "Id", wanted)?;
    let select = Select::fields(fields.iter().map(String::as_str).chain(["Id"]));
    let schema = host.schema();
    let mut found: BTreeMap<&str, Json> = BTreeMap::new();
    for row in &rows {
        if let Some(id) = sobject::id_of(row) {
            found.insert(id, record_json(&schema, &call.base(), row, Some(&select)));
        }
    }
    let records = ids.iter().map(|id| found.get(id.as_str()).cloned().unwrap_or(Json::Null));
    Ok(Answer::json(200, Json::Array(records.collect())))
}
