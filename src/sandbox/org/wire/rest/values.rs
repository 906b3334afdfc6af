//! Field values between JSON and the org.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::{BigDecimal, ToPrimitive};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::answer::error;
use super::select::{Item, Select};
use crate::sandbox::org::host::{Record, RowError, Value};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind, Schema};

/// A JSON value for a field of this kind.
pub(super) fn to_value(field: &Field, json: &Json) -> Result<Value, RowError> {
    let unfit = || {
        let kind = match &field.kind {
            FieldKind::Checkbox => "boolean",
            FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. } => "double",
            FieldKind::Date => "date",
            FieldKind::DateTime => "datetime",
            _ => "string",
        };
        error("JSON_PARSER_ERROR", format!("Cannot deserialize instance of {kind} from {json}"), &[&field.name])
    };
    let value = match (&field.kind, json) {
        (_, Json::Null) => Value::Null,
        (FieldKind::Checkbox, Json::Bool(value)) => Value::Bool(*value),
        (FieldKind::Checkbox, Json::String(text)) => match text.to_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(unfit()),
        },
        (FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }, Json::Number(number)) => {
            Value::Number(number.to_string().parse::<BigDecimal>().map_err(|_| unfit())?)
        }
        (FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }, Json::String(text)) => {
            Value::Number(text.parse::<BigDecimal>().map_err(|_| unfit())?)
        }
        (FieldKind::Date, Json::String(text)) => {
            let day = text.get(..10).unwrap_or(text);
            Value::Date(day.parse().map_err(|_| unfit())?)
        }
        (FieldKind::DateTime, Json::String(text)) => Value::DateTime(moment(text).ok_or_else(unfit)?),
        (FieldKind::Id | FieldKind::Reference { .. }, Json::String(text)) if !text.is_empty() => {
            let id = record_id::parse(text);
            let malformed = || {
                let message = format!("{}: id value of incorrect type: {text}", field.label);
                error("MALFORMED_ID", message, &[&field.name])
            };
            Value::Id(id.ok_or_else(malformed)?)
        }
        // The org keeps no empty text: it is the same as none.
        (_, Json::String(text)) if text.is_empty() => Value::Null,
        (_, Json::String(text)) => Value::Text(text.clone()),
        _ => return Err(unfit()),
    };
    Ok(value)
}

/// ISO 8601 with any of the offsets that clients write: `Z`, `+00:00`, `+0000`.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// A date-time as REST gives it: milliseconds, and no colon in the offset.
fn moment_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

fn to_json(value: &Value, field: Option<&Field>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Text(text) | Value::Id(text) => json!(text),
        Value::Number(number) => number_json(number, field),
        Value::Date(date) => json!(date.to_string()),
        Value::DateTime(at) => json!(moment_text(*at)),
    }
}

/// Custom numbers are doubles and keep a decimal point (`5.0`); counts, and standard numbers without decimals, are
/// integers.
fn number_json(number: &BigDecimal, field: Option<&Field>) -> Json {
    let whole = match field {
        None => number.is_integer(),
        Some(field) => !field.name.ends_with("__c") && matches!(field.kind, FieldKind::Number { scale: 0, .. }),
    };
    match (whole, number.to_i64(), number.to_f64()) {
        (true, Some(whole), _) => json!(whole),
        (_, _, Some(double)) => json!(double),
        _ => json!(number.to_string()),
    }
}

/// A row as a query answers it. `select` gives the order of the fields and whether the id was asked for.
pub fn record_json(schema: &Schema, base: &str, record: &Record, select: Option<&Select>) -> Json {
    let object = schema.object(&record.object);
    let mut json = Map::new();
    json.insert("attributes".to_owned(), attributes(base, record));
    let field_json = |name: &str, value: &Value| {
        let field = object.and_then(|object| object.field(name));
        // A file's content is never in a row: the row says where to fetch it.
        if let (Some(id), true) = (record_id_of(record), is_file(object, name)) {
            return json!(format!("{base}/sobjects/{}/{id}/{name}", record.object));
        }
        to_json(value, field)
    };
    for item in select.map(|select| select.items.as_slice()).unwrap_or_default() {
        match item {
            Item::Field(asked) => {
                let found = record.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
                let declared = object.and_then(|object| object.field(asked)).map(|field| field.name.as_str());
                match found {
                    Some((name, value)) => {
                        json.insert(name.clone(), field_json(name, value));
                    }
                    None if record.object != "AggregateResult" => {
                        json.insert(declared.unwrap_or(asked).to_owned(), Json::Null);
                    }
                    None => {}
                }
            }
            Item::Parent(asked, inner) => {
                let found = record.parents.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
                let name = found.map_or(asked, |(name, _)| name);
                let parent = found.and_then(|(_, parent)| parent.as_deref());
                let parent = parent.map_or(Json::Null, |parent| record_json(schema, base, parent, Some(inner)));
                json.insert(name.clone(), parent);
            }
            Item::Children(asked, inner) => {
                let found = record.children.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
                let name = found.map_or(asked, |(name, _)| name);
                let rows = found.map(|(_, rows)| rows.as_slice()).unwrap_or_default();
                let rows: Vec<Json> = rows.iter().map(|row| record_json(schema, base, row, Some(inner))).collect();
                let children = match rows.is_empty() {
                    true => Json::Null,
                    false => json!({"totalSize": rows.len(), "done": true, "records": rows}),
                };
                json.insert(name.clone(), children);
            }
        }
    }
    // Aliases of functions, and everything where the select list could not be read.
    for (name, value) in &record.fields {
        let unasked_id = name == "Id" && select.is_some_and(|select| !select.items.is_empty());
        if !json.contains_key(name) && !unasked_id {
            json.insert(name.clone(), field_json(name, value));
        }
    }
    for (name, parent) in &record.parents {
        if !json.contains_key(name) {
            let parent = parent.as_deref().map_or(Json::Null, |parent| record_json(schema, base, parent, None));
            json.insert(name.clone(), parent);
        }
    }
    Json::Object(json)
}

fn attributes(base: &str, record: &Record) -> Json {
    match record_id_of(record) {
        Some(id) if record.object != "AggregateResult" => {
            json!({"type": record.object, "url": format!("{base}/sobjects/{}/{id}", record.object)})
        }
        _ => json!({"type": record.object}),
    }
}

fn record_id_of(record: &Record) -> Option<&str> {
    match record.fields.get("Id") {
        Some(Value::Id(id) | Value::Text(id)) => Some(id),
        _ => None,
    }
}

/// Whether a field holds a file's content.
pub(super) fn is_file(object: Option<&Object>, field: &str) -> bool {
    object.is_some_and(|object| {
        object.kind == ObjectKind::Standard
            && object.name == "ContentVersion"
            && field.eq_ignore_ascii_case("VersionData")
    })
}

/// A file's bytes, from the Base64 that it was sent as.
pub(super) fn file_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) => STANDARD.decode(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind) -> Field {
        Field {
            name: name.into(),
            label: name.into(),
            kind,
            required: false,
            unique: false,
            case_sensitive: false,
            external_id: false,
            default_formula: None,
            formula: None,
            blank_as_zero: false,
            writable: true,
        }
    }

    #[test]
    fn times_have_milliseconds_and_an_offset_without_a_colon() {
        let kind = field("At__c", FieldKind::DateTime);
        for text in ["2026-11-23T13:59:58Z", "2026-11-23T14:59:58+01:00", "2026-11-23T13:59:58.000+0000"] {
            let value = to_value(&kind, &json!(text)).unwrap();
            assert_eq!(to_json(&value, Some(&kind)), "2026-11-23T13:59:58.000+0000", "{text}");
        }
        assert_eq!(to_value(&kind, &json!("tomorrow")).unwrap_err().status_code, "JSON_PARSER_ERROR");
    }

    #[test]
    fn numbers_keep_their_decimals_and_texts_are_not_numbers() {
        let kind = field("Amount__c", FieldKind::Number { precision: 15, scale: 3 });
        let through = |json: Json| to_json(&to_value(&kind, &json).unwrap(), Some(&kind)).to_string();
        assert_eq!(through(json!(12.345)), "12.345");
        assert_eq!(through(json!("100")), "100.0");
        assert_eq!(through(json!(123456789012.001)), "123456789012.001");
        assert!(to_value(&kind, &json!("1,5")).is_err());
        let text = field("Note__c", FieldKind::Text { length: 10 });
        assert!(to_value(&text, &json!(5)).is_err());
        assert_eq!(to_value(&text, &json!("")).unwrap(), Value::Null);
    }
}
