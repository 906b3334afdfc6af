//! Single records: create, read, update, delete and upsert; and events, which are created but never stored.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, Body, Refusal, error, row_errors};
use super::call::{Call, encode};
use super::select::Select;
use super::values::{file_bytes, is_file, record_json, to_value};
use crate::sandbox::org::host::{
    Access, Bind, Host, QueryOutcome, Record, RowError, RowResult, SaveOp, SaveOptions, Spent, Value,
};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind, Schema};

/// The object of a path segment, if the user may see it at all.
pub(super) fn object<'a>(host: &dyn Host, schema: &'a Schema, name: &str) -> Result<&'a Object, Refusal> {
    let object = schema.object(name).ok_or_else(Refusal::not_found)?;
    let access = host.object_access(&object.name);
    if access.read || access.create { Ok(object) } else { Err(Refusal::not_found()) }
}

/// `/sobjects/X`, `/sobjects/X/id` and `/sobjects/X/Key__c/value`.
pub(super) fn answer(host: &mut dyn Host, call: &Call) -> Result<Answer, Refusal> {
    let schema = host.schema();
    match (call.segments().as_slice(), &call.method) {
        (["sobjects", name], &Method::POST) => {
            let object = object(host, &schema, name)?;
            create(host, call, object)
        }
        (["sobjects", name, id], method) => {
            let object = object(host, &schema, name)?;
            let id = record_id::parse(id).ok_or_else(|| missing(object, id))?;
            match *method {
                Method::GET => read(host, call, object, "Id", Value::Id(id)),
                Method::PATCH => update(host, call, object, id),
                Method::DELETE => delete(host, object, id),
                _ => Err(Refusal::method(method)),
            }
        }
        (["sobjects", name, id, field], &Method::GET) if is_file(schema.object(name), field) => {
            let object = object(host, &schema, name)?;
            file(host, object, id, field)
        }
        (["sobjects", name, field, value], method) => {
            let object = object(host, &schema, name)?;
            let field = external_id(object, field)?;
            let value_in_field = to_value(field, &json!(value)).map_err(|error| Refusal::rows(vec![error]))?;
            match *method {
                Method::GET => read(host, call, object, &field.name, value_in_field),
                Method::PATCH | Method::POST => upsert(host, call, object, field, value_in_field),
                Method::DELETE => match find(host, object, field, &value_in_field)?.as_slice() {
                    [] => Err(missing(object, value)),
                    [id] => delete(host, object, id.clone()),
                    several => Ok(ambiguous(call, object, several)),
                },
                _ => Err(Refusal::method(method)),
            }
        }
        (_, method) => Err(Refusal::method(method)),
    }
}

fn create(host: &mut dyn Host, call: &Call, object: &Object) -> Result<Answer, Refusal> {
    let record = record(host, object, call.object()?, None).map_err(Refusal::rows)?;
    let result = match object.kind {
        ObjectKind::PlatformEvent { .. } => {
            may(host, object, SaveOp::Insert).map_err(|error| Refusal::rows(vec![error]))?;
            host.publish(vec![record]).pop()
        }
        _ => save(host, SaveOp::Insert, object, vec![Ok(record)], &options(false, None))?.pop(),
    };
    let result = succeeded(result)?;
    Ok(written(call, object, 201, &result, None))
}

fn update(host: &mut dyn Host, call: &Call, object: &Object, id: String) -> Result<Answer, Refusal> {
    let mut record = record(host, object, call.object()?, None).map_err(Refusal::rows)?;
    record.fields.insert("Id".to_owned(), Value::Id(id));
    succeeded(save(host, SaveOp::Update, object, vec![Ok(record)], &options(false, None))?.pop())?;
    Ok(Answer::empty())
}

fn delete(host: &mut dyn Host, object: &Object, id: String) -> Result<Answer, Refusal> {
    let mut record = Record { object: object.name.clone(), ..Record::default() };
    record.fields.insert("Id".to_owned(), Value::Id(id));
    succeeded(save(host, SaveOp::Delete, object, vec![Ok(record)], &options(false, None))?.pop())?;
    Ok(Answer::empty())
}

fn upsert(host: &mut dyn Host, call: &Call, object: &Object, key: &Field, value: Value) -> Result<Answer, Refusal> {
    let body = call.object()?;
    let repeated = body.keys().find(|name| name.eq_ignore_ascii_case(&key.name) || name.eq_ignore_ascii_case("Id"));
    if let Some(name) = repeated {
        let message = format!("The {name} field should not be specified in the sobject data.");
        return Err(Refusal::rows(vec![error("INVALID_FIELD", message, &[name])]));
    }
    let mut record = record(host, object, body, None).map_err(Refusal::rows)?;
    let found = if key.kind == FieldKind::Id { vec![value_text(&value)] } else { find(host, object, key, &value)? };
    let created = match found.as_slice() {
        [] if call.parameter("updateOnly") == Some("true") => return Err(missing(object, &value_text(&value))),
        [] => true,
        [id] => {
            record.fields.insert("Id".to_owned(), Value::Id(id.clone()));
            false
        }
        several => return Ok(ambiguous(call, object, several)),
    };
    if created {
        record.fields.insert(key.name.clone(), value);
    }
    let operation = if created { SaveOp::Insert } else { SaveOp::Update };
    let result = succeeded(save(host, operation, object, vec![Ok(record)], &options(false, None))?.pop())?;
    let older: bool = call.version.parse::<f64>().is_ok_and(|version| version < 46.0);
    if older && !created {
        return Ok(Answer::empty());
    }
    Ok(written(call, object, if created { 201 } else { 200 }, &result, Some(created)))
}

fn read(host: &mut dyn Host, call: &Call, object: &Object, key: &str, value: Value) -> Result<Answer, Refusal> {
    let asked: Vec<String> = match call.parameter("fields") {
        Some(fields) => fields.split(',').map(|field| field.trim().to_owned()).collect(),
        None => visible_fields(host, object).map(|field| field.name.clone()).collect(),
    };
    let wanted = value_text(&value);
    let rows = select(host, object, &asked, key, Bind::One(value))?;
    match rows.as_slice() {
        [] => Err(missing(object, &wanted)),
        [row] => {
            let select = Select::fields(asked.iter().map(String::as_str).chain(["Id"]));
            Ok(Answer::json(200, record_json(&host.schema(), &call.base(), row, Some(&select))))
        }
        several => {
            let ids: Vec<String> = several.iter().filter_map(|row| id_of(row).map(str::to_owned)).collect();
            Ok(ambiguous(call, object, &ids))
        }
    }
}

fn file(host: &mut dyn Host, object: &Object, id: &str, field: &str) -> Result<Answer, Refusal> {
    let id = record_id::parse(id).ok_or_else(|| missing(object, id))?;
    let rows = select(host, object, &[field.to_owned()], "Id", Bind::One(Value::Id(id.clone())))?;
    let row = rows.first().ok_or_else(|| missing(object, &id))?;
    let content = row.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value);
    let bytes = content.and_then(file_bytes).unwrap_or_default();
    Ok(Answer { status: 200, body: Body::Bytes(bytes), location: None, undo: false })
}

/// Fields that the user may read.
pub(super) fn visible_fields<'a>(host: &dyn Host, object: &'a Object) -> impl Iterator<Item = &'a Field> {
    let visible: Vec<&Field> =
        object.fields.values().filter(|field| host.field_access(&object.name, &field.name).readable).collect();
    visible.into_iter()
}

/// The rows where `key` is (or is one of) `value`. Field names are checked, because they are pasted into the query.
pub(super) fn select(
    host: &mut dyn Host,
    object: &Object,
    fields: &[String],
    key: &str,
    value: Bind,
) -> Result<Vec<Record>, Refusal> {
    let plain =
        |field: &&String| !field.is_empty() && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if let Some(odd) = fields.iter().find(|field| !plain(field)) {
        return Err(Refusal::bad("INVALID_FIELD", format!("No such column '{odd}' on entity '{}'", object.name)));
    }
    let mut list = vec!["Id"];
    list.extend(fields.iter().map(String::as_str).filter(|field| !field.eq_ignore_ascii_case("Id")));
    let operator = if matches!(value, Bind::Many(_)) { "IN" } else { "=" };
    let soql = format!("SELECT {} FROM {} WHERE {key} {operator} :b0", list.join(", "), object.name);
    rows(host, &soql, value, Access::User)
}

fn rows(host: &mut dyn Host, soql: &str, bind: Bind, access: Access) -> Result<Vec<Record>, Refusal> {
    let binds = BTreeMap::from([("b0".to_owned(), bind)]);
    // Apex's limits are not the API's.
    let spent = host.spent().clone();
    let outcome = host.query(soql, &binds, access, access == Access::User);
    *host.spent() = spent;
    match outcome? {
        QueryOutcome::Rows(rows) => Ok(rows),
        QueryOutcome::Count(_) => Ok(Vec::new()),
    }
}

/// Ids of the records whose external id is this value, as far as the user sees them.
fn find(host: &mut dyn Host, object: &Object, key: &Field, value: &Value) -> Result<Vec<String>, Refusal> {
    let found = select(host, object, &[], &key.name, Bind::One(value.clone()))?;
    Ok(found.iter().filter_map(|row| id_of(row).map(str::to_owned)).collect())
}

/// A field that records may be addressed by.
pub(super) fn external_id<'a>(object: &'a Object, name: &str) -> Result<&'a Field, Refusal> {
    let field = object.field(name).filter(|field| field.external_id || field.kind == FieldKind::Id);
    field.ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Refusal::new(404, "NOT_FOUND", message)
    })
}

pub(super) fn options(all_or_none: bool, external_id: Option<String>) -> SaveOptions {
    SaveOptions { all_or_none, access: Access::User, sharing: true, external_id }
}

/// Whether the user may do this with the object at all.
pub(super) fn may(host: &dyn Host, object: &Object, operation: SaveOp) -> Result<(), RowError> {
    let access = host.object_access(&object.name);
    let allowed = match operation {
        SaveOp::Insert => access.create,
        SaveOp::Update | SaveOp::Undelete => access.edit,
        SaveOp::Upsert => access.create && access.edit,
        SaveOp::Delete => access.delete,
    };
    let refused = || {
        let verb = format!("{operation:?}").to_lowercase();
        error("INSUFFICIENT_ACCESS_OR_READONLY", format!("The user may not {verb} {} records", object.name), &[])
    };
    if allowed { Ok(()) } else { Err(refused()) }
}

/// Saves the rows that could be read and keeps the errors of the others, in order. A fault of the statement as a whole
/// becomes each row's error.
pub(super) fn save(
    host: &mut dyn Host,
    operation: SaveOp,
    object: &Object,
    rows: Vec<Result<Record, Vec<RowError>>>,
    options: &SaveOptions,
) -> Result<Vec<RowResult>, Refusal> {
    let allowed = may(host, object, operation);
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for id in rows.iter().filter_map(|row| id_of(row.as_ref().ok()?)) {
        *named.entry(id.to_owned()).or_default() += 1;
    }
    let mut records = Vec::new();
    let mut results: Vec<Option<RowResult>> = Vec::new();
    for row in rows {
        let twice = row.as_ref().ok().and_then(id_of).filter(|id| named.get(*id).is_some_and(|times| *times > 1));
        if let Some(id) = twice {
            let message = format!("Duplicate id specified: {id}");
            results.push(Some(failed(vec![error("DUPLICATE_VALUE", message, &["Id"])])));
            continue;
        }
        match (row, &allowed) {
            (_, Err(error)) => results.push(Some(failed(vec![error.clone()]))),
            (Err(errors), _) => results.push(Some(failed(errors))),
            (Ok(record), Ok(())) => {
                records.push(record);
                results.push(None);
            }
        }
    }
    // Each call is a transaction of its own for Apex's limits, inside a Composite too.
    let is_async = host.spent().is_async;
    *host.spent() = Spent { is_async, ..Spent::default() };
    let count = records.len();
    let saved = match host.save(operation, &mut records, options) {
        Ok(saved) => saved,
        Err(fault) if !fault.rows.is_empty() => {
            let mut saved = vec![failed(Vec::new()); count];
            for (index, error) in fault.rows {
                if let Some(result) = saved.get_mut(index) {
                    result.errors.push(error);
                }
            }
            saved
        }
        Err(fault) => {
            let errors = Refusal::from(fault).errors;
            vec![failed(errors); count]
        }
    };
    let mut saved = saved.into_iter();
    let lost = || failed(vec![error("UNKNOWN_EXCEPTION", "The org gave no result for this row", &[])]);
    Ok(results.into_iter().map(|result| result.unwrap_or_else(|| saved.next().unwrap_or_else(lost))).collect())
}

pub(super) fn failed(errors: Vec<RowError>) -> RowResult {
    RowResult { id: None, success: false, created: false, errors }
}

fn succeeded(result: Option<RowResult>) -> Result<RowResult, Refusal> {
    match result {
        Some(result) if result.success => Ok(result),
        Some(result) => Err(Refusal::rows(result.errors)),
        None => Err(Refusal::new(500, "UNKNOWN_EXCEPTION", "The org gave no result")),
    }
}

fn written(call: &Call, object: &Object, status: u16, result: &RowResult, created: Option<bool>) -> Answer {
    let mut body = json!({"id": result.id, "success": true, "errors": row_errors(&result.errors)});
    if let Some(created) = created {
        body["created"] = json!(created);
    }
    let mut answer = Answer::json(status, body);
    if let (201, Some(id)) = (status, &result.id) {
        answer.location = Some(format!("{}/sobjects/{}/{id}", call.base(), object.name));
    }
    answer
}

fn ambiguous(call: &Call, object: &Object, ids: &[String]) -> Answer {
    let uris = ids.iter().map(|id| json!(format!("{}/sobjects/{}/{}", call.base(), object.name, encode(id))));
    Answer::json(300, Json::Array(uris.collect()))
}

fn missing(object: &Object, key: &str) -> Refusal {
    let message = format!("Provided external ID field does not exist or is not accessible: {key} of {}", object.name);
    Refusal::new(404, "NOT_FOUND", message)
}

pub(super) fn id_of(record: &Record) -> Option<&str> {
    match record.fields.get("Id") {
        Some(Value::Id(id) | Value::Text(id)) => Some(id),
        _ => None,
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Id(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// A record out of a JSON body, or everything that is wrong with it. `key` is the external id of an upsert, which needs
/// no edit right when it only finds.
pub(super) fn record(
    host: &mut dyn Host,
    object: &Object,
    body: &Map<String, Json>,
    key: Option<&str>,
) -> Result<Record, Vec<RowError>> {
    let schema = host.schema();
    let mut record = Record { object: object.name.clone(), ..Record::default() };
    let mut errors = Vec::new();
    for (name, json) in body {
        if name == "attributes" {
            continue;
        }
        let outcome = match (object.field(name), object.parent(name)) {
            (Some(field), _) => value_of(host, object, field, json, key),
            (None, Some(lookup)) if body.contains_key(&lookup.name) => {
                let message = format!("{} and {name} can't both be given", lookup.name);
                Err(error("INVALID_FIELD", message, &[&lookup.name]))
            }
            (None, Some(lookup)) => parent(host, &schema, object, lookup, json),
            (None, None) => Err(no_such_column(object, name)),
        };
        match outcome {
            Ok((name, value)) => {
                record.fields.insert(name, value);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(record) } else { Err(errors) }
}

fn no_such_column(object: &Object, name: &str) -> RowError {
    error("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name), &[])
}

fn value_of(
    host: &dyn Host,
    object: &Object,
    field: &Field,
    json: &Json,
    key: Option<&str>,
) -> Result<(String, Value), RowError> {
    let is_key = field.kind == FieldKind::Id || key == Some(field.name.as_str());
    let access = host.field_access(&object.name, &field.name);
    if !is_key && !access.readable && !access.editable {
        return Err(no_such_column(object, &field.name));
    }
    if !is_key && (!access.editable || !field.writable) {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            field.name
        );
        return Err(error("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[&field.name]));
    }
    Ok((field.name.clone(), to_value(field, json)?))
}

/// `{"Account__r": {"Key__c": "x"}}`: the lookup to the parent with that external id.
fn parent(
    host: &mut dyn Host,
    schema: &Schema,
    object: &Object,
    lookup: &Field,
    json: &Json,
) -> Result<(String, Value), RowError> {
    let invalid = |message: String| error("INVALID_FIELD", message, &[&lookup.name]);
    let FieldKind::Reference { to, .. } = &lookup.kind else {
        return Err(no_such_column(object, &lookup.name));
    };
    let given =
        json.as_object().ok_or_else(|| invalid(format!("{} needs an object with an external id", lookup.name)))?;
    let named = given.get("attributes").and_then(|attributes| attributes["type"].as_str());
    let target = named.or_else(|| to.first().map(String::as_str)).and_then(|name| schema.object(name));
    let target = target.ok_or_else(|| invalid(format!("{} needs attributes with a type", lookup.name)))?;
    let mut keys = given.iter().filter(|(name, _)| *name != "attributes");
    let (Some((key, value)), None) = (keys.next(), keys.next()) else {
        return Err(invalid(format!("{} needs exactly one external id field", lookup.name)));
    };
    let key = external_id(target, key).map_err(|_| no_such_column(target, key))?;
    let access = host.field_access(&object.name, &lookup.name);
    if !access.editable {
        return Err(no_such_column(object, &lookup.name));
    }
    let value = to_value(key, value)?;
    let shown = value_text(&value);
    let found = find(host, target, key, &value).map_err(|refusal| {
        refusal.errors.into_iter().next().unwrap_or_else(|| invalid(String::from("the parent can't be looked up")))
    })?;
    match found.as_slice() {
        [id] => Ok((lookup.name.clone(), Value::Id(id.clone()))),
        [] => Err(error(
            "INVALID_FIELD",
            format!("Foreign key external ID: {shown} not found for field {} in entity {}", key.name, target.name),
            &[],
        )),
        _ => Err(error(
            "DUPLICATE_EXTERNAL_ID",
            format!(
                "Foreign key external ID: {shown} found more than once for field {} in entity {}",
                key.name, target.name
            ),
            &[],
        )),
    }
}
