//! The Avro schema of a platform event, as Salesforce writes it, and payloads in it.

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bigdecimal::ToPrimitive;
use md5::{Digest, Md5};
use serde_json::{Value as Json, json};

use crate::sandbox::org::host::{Record, Value};
use crate::sandbox::org::schema::{FieldKind, Object};

/// The schema of one definition of an event. Changing the definition makes another one, with another id.
pub struct EventSchema {
    /// 22 characters: the MD5 of the schema, in URL-safe Base64.
    pub id: String,
    /// The event's API name.
    pub event: String,
    /// As the Pub/Sub API's GetSchema gives it.
    pub json: String,
    parsed: apache_avro::Schema,
}

#[derive(Debug, thiserror::Error)]
#[error("the event {event} does not fit its schema")]
pub struct EncodeError {
    event: String,
    #[source]
    source: Box<apache_avro::Error>,
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the payload is not Avro of this schema")]
    Malformed(#[source] Box<apache_avro::Error>),
    #[error("the payload has {0} bytes too many")]
    Longer(usize),
}

impl EventSchema {
    /// The schema of an event object: the two system fields, then its own in the schema's order.
    pub fn of(object: &Object) -> Result<EventSchema, apache_avro::Error> {
        let mut fields = vec![
            json!({"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"}),
            json!({"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"}),
        ];
        for field in object.fields.values().filter(|field| field.name.ends_with("__c")) {
            let (avro, tag) = match &field.kind {
                FieldKind::Checkbox => ("boolean", "Boolean"),
                FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. } => {
                    ("double", "Double")
                }
                FieldKind::Date => ("long", "DateOnly"),
                FieldKind::DateTime => ("long", "DateTime"),
                _ => ("string", "Text"),
            };
            let doc = format!("Data:{tag}:{}", field_id(&object.name, &field.name));
            fields.push(json!({"name": field.name, "type": ["null", avro], "doc": doc, "default": null}));
        }
        let schema =
            json!({"type": "record", "name": object.name, "namespace": "com.sforce.eventbus", "fields": fields});
        EventSchema::parse(&schema.to_string())
    }

    /// A schema that was written down earlier.
    pub fn parse(json: &str) -> Result<EventSchema, apache_avro::Error> {
        let parsed = apache_avro::Schema::parse_str(json)?;
        let event = match &parsed {
            apache_avro::Schema::Record(record) => record.name.name().to_owned(),
            _ => String::new(),
        };
        let id = URL_SAFE_NO_PAD.encode(Md5::digest(json.as_bytes()));
        Ok(EventSchema { id, event, json: json.to_owned(), parsed })
    }

    /// As REST's `eventSchema` gives it: the id is in it.
    pub fn with_uuid(&self) -> Json {
        let mut schema: Json = serde_json::from_str(&self.json).unwrap_or(Json::Null);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("uuid".to_owned(), json!(self.id));
        }
        schema
    }

    /// The bare datum: no container header, no schema id.
    pub fn encode(&self, event: &Record, created_ms: i64, created_by: &str) -> Result<Vec<u8>, EncodeError> {
        let fail = |source: apache_avro::Error| EncodeError { event: self.event.clone(), source: Box::new(source) };
        let apache_avro::Schema::Record(record) = &self.parsed else {
            return Ok(Vec::new());
        };
        let values = record.fields.iter().map(|field| {
            let value = match field.name.as_str() {
                "CreatedDate" => Avro::Long(created_ms),
                "CreatedById" => Avro::String(created_by.to_owned()),
                name => match plain(event.fields.get(name), &field.schema) {
                    Some(value) => Avro::Union(1, Box::new(value)),
                    None => Avro::Union(0, Box::new(Avro::Null)),
                },
            };
            (field.name.clone(), value)
        });
        let value = Avro::Record(values.collect());
        let writer = GenericDatumWriter::builder(&self.parsed).build().map_err(fail)?;
        writer.write_value_to_vec(value).map_err(fail)
    }

    /// The payload as a browser sees it: unions opened, times as text.
    pub fn decode(&self, payload: &[u8]) -> Result<Json, DecodeError> {
        let malformed = |error: apache_avro::Error| DecodeError::Malformed(Box::new(error));
        let mut left = payload;
        let reader = GenericDatumReader::builder(&self.parsed).build().map_err(malformed)?;
        let value = reader.read_value(&mut left).map_err(malformed)?;
        if !left.is_empty() {
            return Err(DecodeError::Longer(left.len()));
        }
        let (Avro::Record(values), apache_avro::Schema::Record(record)) = (value, &self.parsed) else {
            return Ok(Json::Null);
        };
        let fields = values.into_iter().zip(&record.fields);
        Ok(fields.map(|((name, value), field)| (name, shown(value, field.doc.as_deref().unwrap_or("")))).collect())
    }
}

/// Fifteen characters that look like a custom field's id and stay the same for the same field.
fn field_id(object: &str, field: &str) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = Md5::digest(format!("{object}.{field}").as_bytes());
    let tail = digest.iter().take(10).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    format!("00NgL{}", tail.collect::<String>())
}

fn plain(value: Option<&Value>, schema: &apache_avro::Schema) -> Option<Avro> {
    let wanted = match schema {
        apache_avro::Schema::Union(union) => union.variants().get(1)?,
        other => other,
    };
    Some(match (value?, wanted) {
        (Value::Null, _) => return None,
        (Value::Bool(value), _) => Avro::Boolean(*value),
        (Value::Text(text) | Value::Id(text), _) => Avro::String(text.clone()),
        (Value::Number(number), _) => Avro::Double(number.to_f64()?),
        (Value::Date(date), _) => {
            let midnight = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
            Avro::Long(midnight.as_millisecond())
        }
        (Value::DateTime(at), _) => Avro::Long(at.as_millisecond()),
    })
}

fn shown(value: Avro, doc: &str) -> Json {
    match value {
        Avro::Union(_, inner) => shown(*inner, doc),
        Avro::Boolean(value) => json!(value),
        Avro::Double(value) => json!(value),
        Avro::String(text) => json!(text),
        Avro::Long(ms) => match jiff::Timestamp::from_millisecond(ms) {
            Ok(at) if doc.contains("DateOnly") => json!(at.strftime("%Y-%m-%d").to_string()),
            Ok(at) => json!(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
            Err(_) => json!(ms),
        },
        _ => Json::Null,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sandbox::org::schema::{Field, ObjectKind};

    pub(crate) fn event_object(name: &str, fields: &[(&str, FieldKind)]) -> Object {
        let mut object = Object {
            name: name.to_owned(),
            label: name.to_owned(),
            plural_label: name.to_owned(),
            key_prefix: "e01".to_owned(),
            kind: ObjectKind::PlatformEvent { after_commit: true },
            fields: Default::default(),
            validation_rules: Vec::new(),
        };
        for (field, kind) in fields {
            object.add(Field {
                name: (*field).to_owned(),
                label: (*field).to_owned(),
                kind: kind.clone(),
                required: false,
                unique: false,
                case_sensitive: false,
                external_id: false,
                default_formula: None,
                formula: None,
                blank_as_zero: false,
                writable: true,
            });
        }
        object
    }

    fn demo() -> EventSchema {
        EventSchema::of(&event_object(
            "Quit_Demo__e",
            &[
                ("Amount__c", FieldKind::Number { precision: 15, scale: 3 }),
                ("At__c", FieldKind::DateTime),
                ("Day__c", FieldKind::Date),
                ("Order_Number__c", FieldKind::Text { length: 255 }),
                ("Urgent__c", FieldKind::Checkbox),
            ],
        ))
        .unwrap()
    }

    #[test]
    fn system_fields_are_plain_and_the_events_own_are_unions_with_null() {
        let schema: Json = serde_json::from_str(&demo().json).unwrap();
        assert_eq!(schema["namespace"], "com.sforce.eventbus");
        assert_eq!(schema["fields"][0], json!({"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"}));
        assert_eq!(schema["fields"][2]["type"], json!(["null", "double"]));
        assert!(schema["fields"][2]["doc"].as_str().unwrap().starts_with("Data:Double:00NgL"));
        assert_eq!(schema["fields"][2]["default"], Json::Null);
        assert_eq!(schema["fields"][6]["type"], json!(["null", "boolean"]));
    }

    #[test]
    fn the_schema_id_has_22_characters_and_changes_with_the_definition() {
        let other = EventSchema::of(&event_object("Quit_Demo__e", &[("New__c", FieldKind::Date)])).unwrap();
        assert_eq!(demo().id.len(), 22);
        assert_eq!(demo().id, demo().id);
        assert_ne!(demo().id, other.id);
    }

    #[test]
    fn what_was_encoded_is_read_back_and_a_prefix_is_not() {
        let schema = demo();
        let mut event = Record { object: "Quit_Demo__e".into(), ..Record::default() };
        event.fields.insert("Amount__c".into(), Value::Number("12.345".parse().unwrap()));
        event.fields.insert("Order_Number__c".into(), Value::Text("A-1 é".into()));
        event.fields.insert("Day__c".into(), Value::Date(jiff::civil::date(2026, 11, 23)));
        event.fields.insert("At__c".into(), Value::DateTime("2026-11-23T13:59:58Z".parse().unwrap()));
        let payload = schema.encode(&event, 1_790_000_000_123, "005xx0000000001AAA").unwrap();
        let seen = schema.decode(&payload).unwrap();
        assert_eq!(seen["Amount__c"], json!(12.345));
        assert_eq!(seen["Order_Number__c"], "A-1 é");
        assert_eq!(seen["Day__c"], "2026-11-23");
        assert_eq!(seen["At__c"], "2026-11-23T13:59:58.000Z");
        assert_eq!(seen["Urgent__c"], Json::Null);
        assert_eq!(seen["CreatedById"], "005xx0000000001AAA");
        for end in 0..payload.len() {
            assert!(schema.decode(&payload[..end]).is_err(), "{end} bytes were taken for a whole event");
        }
        assert!(matches!(schema.decode(&[payload, vec![0]].concat()), Err(DecodeError::Longer(1))));
    }
}
