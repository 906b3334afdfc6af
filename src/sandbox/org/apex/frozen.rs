//! Values between transactions: a job's instance and a batch's rows as JSON, with their types.

use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::ast::Type;
use super::eval::{Interp, Res};
use super::value::{Native, SObj, Val};

impl Interp<'_> {
    pub fn freeze(&self, value: &Val) -> Res<Json> {
        Ok(match value {
            Val::Null => Json::Null,
            Val::Bool(value) => json!(value),
            Val::Str(text) => json!(&**text),
            Val::Int(value) => json!({"integer": value}),
            Val::Long(value) => json!({"long": value}),
            Val::Double(value) => json!({"double": value}),
            Val::Dec(value) => json!({"decimal": super::eval::decimal_text(value)}),
            Val::Id(id) => json!({"id": &**id}),
            Val::Date(date) => json!({"date": date.to_string()}),
            Val::DateTime(at) => json!({"datetime": at.to_string()}),
            Val::Blob(bytes) => json!({"blob": hex::encode(&**bytes)}),
            Val::List(list) => {
                let items = list.items.borrow().iter().map(|item| self.freeze(item)).collect::<Res<Vec<_>>>()?;
                json!({"list": items, "of": self.type_text(&list.element)})
            }
            Val::Set(set) => {
                let items = set.store.keys().iter().map(|item| self.freeze(item)).collect::<Res<Vec<_>>>()?;
                json!({"set": items, "of": self.type_text(&set.element)})
            }
            Val::Map(map) => {
                let mut pairs = Vec::new();
                for (key, value) in map.store.pairs() {
                    pairs.push(json!([self.freeze(&key)?, self.freeze(&value)?]));
                }
                json!({"map": pairs, "key": self.type_text(&map.key), "value": self.type_text(&map.value)})
            }
            Val::SObject(row) => {
                let row = row.borrow();
                let mut fields = Vec::new();
                for (name, value) in &row.fields {
                    fields.push(json!([&**name, self.freeze(value)?]));
                }
                json!({"sobject": row.object(), "fields": fields, "queried": row.queried})
            }
            Val::Object(instance) if instance.exception.is_none() => {
                let fields =
                    instance.fields.borrow().iter().map(|field| self.freeze(field)).collect::<Res<Vec<_>>>()?;
                json!({"object": &*self.runtime.class(instance.class).name, "fields": fields})
            }
            Val::Enum(class, at) => json!({"enum": &*self.runtime.class(*class).name, "at": at}),
            Val::PlatformEnum(of, constant) => json!({"platform": &**of, "constant": &**constant}),
            Val::SObjectType(object) => json!({"sobjecttype": &**object}),
            Val::Native(native) if matches!(&**native, Native::Uuid(_)) => match &**native {
                Native::Uuid(text) => json!({"uuid": text}),
                _ => Json::Null,
            },
            other => {
                return Err(self.unmodelled(format!("a {} kept between transactions", self.type_name(other))));
            }
        })
    }

    pub fn thaw(&self, json: &Json) -> Res<Val> {
        let broken = || self.unmodelled(format!("a job's state {json}"));
        let object = match json {
            Json::Null => return Ok(Val::Null),
            Json::Bool(value) => return Ok(Val::Bool(*value)),
            Json::String(text) => return Ok(Val::str(text)),
            Json::Object(object) => object,
            _ => return Err(broken()),
        };
        let of = |name: &str| self.type_named(object.get(name).and_then(Json::as_str).unwrap_or("ANY"));
        let items = |name: &str| -> Res<Option<Vec<Val>>> {
            match object.get(name).and_then(Json::as_array) {
                Some(items) => items.iter().map(|item| self.thaw(item)).collect::<Res<Vec<_>>>().map(Some),
                None => Ok(None),
            }
        };
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        if let Some(value) = object.get("integer").and_then(Json::as_i64) {
            return Ok(Val::Int(value as i32));
        }
        if let Some(value) = object.get("long").and_then(Json::as_i64) {
            return Ok(Val::Long(value));
        }
        if let Some(value) = object.get("double").and_then(Json::as_f64) {
            return Ok(Val::Double(value));
        }
        if let Some(text) = text("decimal") {
            return bigdecimal::BigDecimal::from_str(text).map(Val::Dec).map_err(|_| broken());
        }
        if let Some(id) = text("id") {
            return Ok(Val::Id(Arc::from(id)));
        }
        if let Some(text) = text("date") {
            return text.parse().map(Val::Date).map_err(|_| broken());
        }
        if let Some(text) = text("datetime") {
            return text.parse().map(Val::DateTime).map_err(|_| broken());
        }
        if let Some(text) = text("blob") {
            return hex::decode(text).map(|bytes| Val::Blob(Rc::new(bytes))).map_err(|_| broken());
        }
        if let Some(text) = text("uuid") {
            return Ok(Val::native(Native::Uuid(text.to_owned())));
        }
        if let Some(items) = items("list")? {
            return Ok(Val::list(of("of"), items));
        }
        if let Some(items) = items("set")? {
            return Ok(Val::set(of("of"), items));
        }
        if let Some(pairs) = object.get("map").and_then(Json::as_array) {
            let mut entries = Vec::new();
            for pair in pairs {
                let (Some(key), Some(value)) = (pair.get(0), pair.get(1)) else { return Err(broken()) };
                entries.push((self.thaw(key)?, self.thaw(value)?));
            }
            return Ok(Val::map(of("key"), of("value"), entries));
        }
        if let (Some(name), Some(fields)) = (text("sobject"), object.get("fields").and_then(Json::as_array)) {
            let mut row = SObj::new(Arc::from(name));
            row.queried = object.get("queried").and_then(Json::as_bool).unwrap_or(false);
            for field in fields {
                let (Some(name), Some(value)) = (field.get(0).and_then(Json::as_str), field.get(1)) else {
                    return Err(broken());
                };
                row.fields.push((Arc::from(name), self.thaw(value)?));
            }
            return Ok(Val::sobject(row));
        }
        if let (Some(name), Some(fields)) = (text("object"), items("fields")?) {
            let Some(class) = self.runtime.class_named(name) else { return Err(broken()) };
            let instance = self.blank(class.id);
            if instance.fields.borrow().len() == fields.len() {
                *instance.fields.borrow_mut() = fields;
                return Ok(Val::Object(instance));
            }
            return Err(broken());
        }
        if let (Some(name), Some(at)) = (text("enum"), object.get("at").and_then(Json::as_u64)) {
            let Some(class) = self.runtime.class_named(name) else { return Err(broken()) };
            return Ok(Val::Enum(class.id, at as usize));
        }
        if let (Some(of), Some(constant)) = (text("platform"), text("constant")) {
            return Ok(Val::platform_enum(of, constant));
        }
        if let Some(object) = text("sobjecttype") {
            return Ok(Val::SObjectType(Arc::from(object)));
        }
        Err(broken())
    }

    /// The type that [`Interp::type_text`] wrote.
    fn type_named(&self, text: &str) -> Arc<Type> {
        let inner = |start: &str| text.strip_prefix(start).and_then(|rest| rest.strip_suffix('>'));
        Arc::new(match text {
            "ANY" => Type::Object,
            "Boolean" => Type::Boolean,
            "Integer" => Type::Integer,
            "Long" => Type::Long,
            "Double" => Type::Double,
            "Decimal" => Type::Decimal,
            "String" => Type::String,
            "Id" => Type::Id,
            "Date" => Type::Date,
            "Datetime" => Type::Datetime,
            "SObject" => Type::SObject(None),
            _ => {
                if let Some(element) = inner("List<") {
                    return Arc::new(Type::List(self.type_named(element)));
                }
                if let Some(element) = inner("Set<") {
                    return Arc::new(Type::Set(self.type_named(element)));
                }
                if let Some((key, value)) = inner("Map<").and_then(|pair| pair.split_once(',')) {
                    return Arc::new(Type::Map(self.type_named(key), self.type_named(value)));
                }
                match self.runtime.class_named(text) {
                    Some(class) => Type::Class(class.id),
                    None if self.schema.object(text).is_some() => Type::SObject(Some(Arc::from(text))),
                    None => Type::Object,
                }
            }
        })
    }

    /// An instance as a copy: what a job sees of the object that was handed in.
    pub fn thaw_instance(&self, json: &Json) -> Res<Rc<super::value::Instance>> {
        match self.thaw(json)? {
            Val::Object(instance) => Ok(instance),
            _ => Err(self.unmodelled("a job whose instance is no object")),
        }
    }
}
