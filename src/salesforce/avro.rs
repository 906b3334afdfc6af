//! Event payloads: bare Avro data, read with the schema that wrote them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;

/// Schemas by id. An id always means the same schema, so nothing here grows old; a redeploy adds one.
#[derive(Default)]
pub(super) struct Schemas(Mutex<HashMap<String, Arc<Schema>>>);

impl Schemas {
    pub(super) fn get(&self, id: &str) -> Option<Arc<Schema>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(super) fn put(&self, id: &str, schema: Arc<Schema>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), schema);
    }
}

/// Reads one text field of an event. `None`: the field is null or the event has none of that name.
pub(super) fn text_field(schema: &Schema, payload: &[u8], field: &str) -> Result<Option<String>, String> {
    let reader = GenericDatumReader::builder(schema).build().map_err(|error| error.to_string())?;
    let mut rest = payload;
    let value = reader.read_value(&mut rest).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err(format!("{} bytes are left over", rest.len()));
    }
    let Value::Record(fields) = value else { return Err("it is no record".into()) };
    match fields.into_iter().find(|(name, _)| name == field).map(|(_, value)| value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Union(_, inner)) => match *inner {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(format!("{field} is no text")),
        },
        Some(_) => Err(format!("{field} is no text")),
    }
}

/// Writes an event of text fields. The two system fields have no default and must be supplied.
pub(super) fn event(schema: &Schema, user_id: &str, now_ms: i64, texts: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let Schema::Record(record) = schema else { return Err("the event's schema is no record".into()) };
    let mut fields = Vec::with_capacity(record.fields.len());
    for field in &record.fields {
        let text = texts.iter().find(|(name, _)| *name == field.name).map(|(_, text)| (*text).to_owned());
        let value = match (&*field.name, &field.schema, text) {
            ("CreatedDate", _, _) => Value::Long(now_ms),
            ("CreatedById", _, _) => Value::String(user_id.to_owned()),
            (_, Schema::Union(union), Some(text)) => {
                let place = union.variants().iter().position(|one| matches!(one, Schema::String));
                let place = place.ok_or_else(|| format!("{} is no text", field.name))?;
                Value::Union(u32::try_from(place).unwrap_or(0), Box::new(Value::String(text)))
            }
            (_, Schema::String, Some(text)) => Value::String(text),
            (_, Schema::Union(union), None) => {
                let place = union.variants().iter().position(|one| matches!(one, Schema::Null));
                let place = place.ok_or_else(|| format!("{} may not be blank", field.name))?;
                Value::Union(u32::try_from(place).unwrap_or(0), Box::new(Value::Null))
            }
            _ => return Err(format!("{} is of a kind that we do not write", field.name)),
        };
        fields.push((field.name.clone(), value));
    }
    for (name, _) in texts {
        if !record.fields.iter().any(|field| field.name == *name) {
            return Err(format!("the event has no field {name}; deploy the newest package"));
        }
    }
    let writer = GenericDatumWriter::builder(schema).build().map_err(|error| error.to_string())?;
    writer.write_value_to_vec(Value::Record(fields)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"Payment_Command__e","namespace":"com.sforce.eventbus","uuid":"x",
        "fields":[{"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},
        {"name":"CreatedById","type":"string","doc":"CreatedBy:EntityId"},
        {"name":"Commands__c","type":["null","string"],"doc":"Data:Text:00N","default":null},
        {"name":"New_Field__c","type":["null","double"],"doc":"Data:Double:00N","default":null}]}"#;

    fn schema() -> Schema {
        Schema::parse_str(SCHEMA).unwrap()
    }

    #[test]
    fn a_cut_off_event_is_refused_at_every_length() {
        let text = r#"{"v":1,"commands":[]} and some more text"#.repeat(5);
        let whole = event(&schema(), "005000000000001AAA", 1_795_455_600_000, &[("Commands__c", &text)]).unwrap();
        assert_eq!(text_field(&schema(), &whole, "Commands__c"), Ok(Some(text)));
        for length in 0..whole.len() {
            assert!(text_field(&schema(), &whole[..length], "Commands__c").is_err(), "{length} of {}", whole.len());
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(text_field(&schema(), &longer, "Commands__c"), Err("1 bytes are left over".into()));
    }

    #[test]
    fn a_blank_field_and_an_unknown_one_are_nothing() {
        let blank = event(&schema(), "005", 0, &[]).unwrap();
        assert_eq!(text_field(&schema(), &blank, "Commands__c"), Ok(None));
        assert_eq!(text_field(&schema(), &blank, "Other__c"), Ok(None));
        assert!(event(&schema(), "005", 0, &[("Other__c", "x")]).is_err());
    }
}
