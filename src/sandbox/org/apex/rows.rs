//! sObjects to the database's records and back.

use std::sync::Arc;

use base64::Engine;
use bigdecimal::BigDecimal;

use super::ast::{Name, Type};
use super::eval::{Interp, Res, from_double};
use super::value::{SObj, Val};
use crate::sandbox::org::host::{Record, Value};

impl Interp<'_> {
    pub fn sobject_of(&self, record: &Record) -> Val {
        Val::sobject(sobject_of(record))
    }

    pub fn record_of(&self, row: &SObj) -> Res<Record> {
        let mut record = Record { object: row.object().to_owned(), errors: row.errors.clone(), ..Record::default() };
        record.queried = row.queried;
        for (name, value) in &row.fields {
            match value {
                Val::SObject(parent) => {
                    let parent = self.record_of(&parent.borrow())?;
                    record.parents.insert(name.to_string(), Some(Box::new(parent)));
                }
                Val::List(_) => {}
                Val::Null if self.is_relationship(row.object(), name) => {
                    record.parents.insert(name.to_string(), None);
                }
                value => {
                    record.fields.insert(name.to_string(), self.stored(value)?);
                }
            }
        }
        Ok(record)
    }

    fn is_relationship(&self, object: &str, name: &str) -> bool {
        self.schema.object(object).is_some_and(|object| object.field(name).is_none() && object.parent(name).is_some())
    }

    pub fn stored(&self, value: &Val) -> Res<Value> {
        Ok(match value {
            Val::Null => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Str(text) => Value::Text(text.to_string()),
            Val::Blob(bytes) => Value::Text(base64::engine::general_purpose::STANDARD.encode(&**bytes)),
            Val::Id(id) => Value::Id(id.to_string()),
            Val::Int(value) => Value::Number(BigDecimal::from(*value)),
            Val::Long(value) => Value::Number(BigDecimal::from(*value)),
            Val::Double(value) => Value::Number(from_double(*value)),
            Val::Dec(value) => Value::Number(value.clone()),
            Val::Date(date) => Value::Date(*date),
            Val::DateTime(at) => Value::DateTime(*at),
            other => return Err(self.unmodelled(format!("a field or bind of type {}", self.type_name(other)))),
        })
    }
}

fn sobject_of(record: &Record) -> SObj {
    let mut row = SObj::new(Arc::from(record.object.as_str()));
    row.queried = record.queried;
    row.errors = record.errors.clone();
    for (name, value) in &record.fields {
        row.fields.push((Name::from(name.as_str()), value_of(value)));
    }
    for (name, parent) in &record.parents {
        let parent = match parent {
            Some(parent) => Val::sobject(sobject_of(parent)),
            None => Val::Null,
        };
        row.fields.push((Name::from(name.as_str()), parent));
    }
    for (name, children) in &record.children {
        let of = children.first().map(|child| Name::from(child.object.as_str()));
        let children = children.iter().map(|child| Val::sobject(sobject_of(child))).collect();
        row.fields.push((Name::from(name.as_str()), Val::list(Arc::new(Type::SObject(of)), children)));
    }
    row
}

pub fn value_of(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(value) => Val::Bool(*value),
        Value::Text(text) => Val::str(text),
        Value::Id(id) => Val::Id(Arc::from(id.as_str())),
        Value::Number(value) => Val::Dec(value.clone()),
        Value::Date(date) => Val::Date(*date),
        Value::DateTime(at) => Val::DateTime(*at),
    }
}
