//! JSON both ways. A reader and writer of its own, because Decimals keep their digits.

mod document;
mod generator;

use std::cell::RefCell;
use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;

pub use document::Document;
use document::{pretty, quoted, read};
pub use generator::Generator;

use super::ast::{ClassKind, Type};
use super::eval::{Interp, Res, decimal_text};
use super::sobjects::field_type;
use super::value::{SObj, Val};

impl Interp<'_> {
    /// `JSON.…`.
    pub fn json(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        match (name, args.as_slice()) {
            ("serialize", [value]) => self.serialized(value, false),
            ("serialize", [value, Val::Bool(suppress)]) => self.serialized(value, *suppress),
            ("serializepretty", [value, ..]) => {
                let mut text = String::new();
                self.write_json(&mut text, value, false)?;
                let document = read(&text).map_err(|_| self.unmodelled("this value as JSON"))?;
                let mut out = String::new();
                pretty(&mut out, &document, 0);
                Ok(Val::str(out))
            }
            ("deserialize" | "deserializestrict", [Val::Str(text), Val::Type(of)]) => {
                let document = self.read_json(text)?;
                let of = of.clone();
                self.typed(&document, &of, name == "deserializestrict")
            }
            ("deserializeuntyped", [Val::Str(text)]) => {
                let document = self.read_json(text)?;
                self.untyped(&document)
            }
            ("creategenerator", [_]) => {
                Ok(Val::native(super::value::Native::JsonGenerator(RefCell::new(Generator::default()))))
            }
            (_, [Val::Null, ..]) => Err(self.null_argument()),
            _ => Err(self.unmodelled(format!("JSON.{name} with {} arguments", args.len()))),
        }
    }

    fn serialized(&mut self, value: &Val, suppress: bool) -> Res<Val> {
        let mut text = String::new();
        self.write_json(&mut text, value, suppress)?;
        Ok(Val::str(text))
    }

    pub fn read_json(&self, text: &str) -> Res<Document> {
        read(text).map_err(|at| {
            let before = &text[..at];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
            let message = match text[at..].chars().next() {
                Some(c) => format!(
                    "Unexpected character ('{c}' (code {})): was expecting a valid JSON value at input location \
                     [{line},{column}]",
                    c as u32
                ),
                None => format!("Unexpected end-of-input at input location [{line},{column}]"),
            };
            self.throw("System.JSONException", message)
        })
    }

    pub fn write_json(&mut self, out: &mut String, value: &Val, suppress: bool) -> Res<()> {
        match value {
            Val::Null => out.push_str("null"),
            Val::Bool(_) | Val::Int(_) | Val::Long(_) | Val::Double(_) => {
                let text = self.text(value)?;
                out.push_str(&text);
            }
            Val::Dec(value) => out.push_str(&decimal_text(value)),
            Val::Str(text) | Val::Id(text) => quoted(out, text),
            Val::DateTime(at) => quoted(out, &Interp::iso(*at)),
            Val::Blob(bytes) => {
                use base64::Engine;
                quoted(out, &base64::engine::general_purpose::STANDARD.encode(&**bytes));
            }
            Val::Date(_) | Val::Time(_) | Val::Enum(..) | Val::PlatformEnum(..) => {
                let text = self.text(value)?;
                quoted(out, &text);
            }
            Val::List(list) => {
                let items = list.items.borrow().clone();
                self.write_items(out, &items, suppress)?;
            }
            Val::Set(set) => self.write_items(out, &set.store.keys(), suppress)?,
            Val::Map(map) => {
                out.push('{');
                for (at, (key, value)) in map.store.pairs().iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    let key = self.text(key)?;
                    quoted(out, &key);
                    out.push(':');
                    self.write_json(out, value, suppress)?;
                }
                out.push('}');
            }
            Val::SObject(row) => {
                let row = row.borrow().clone();
                self.write_sobject(out, &row, suppress)?;
            }
            Val::Object(instance) if instance.exception.is_none() => {
                out.push('{');
                let mut first = true;
                let mut classes = vec![instance.class];
                while let Some(parent) = classes.last().and_then(|class| self.runtime.parent(*class)) {
                    classes.push(parent);
                }
                let runtime = self.runtime;
                for class in classes.into_iter().rev() {
                    for field in &runtime.class(class).fields {
                        if field.is_transient {
                            continue;
                        }
                        let value = self.instance_get(instance, &field.name)?;
                        if suppress && value.is_null() {
                            continue;
                        }
                        if !std::mem::take(&mut first) {
                            out.push(',');
                        }
                        quoted(out, &field.name);
                        out.push(':');
                        self.write_json(out, &value, suppress)?;
                    }
                }
                out.push('}');
            }
            other => return Err(self.unmodelled(format!("a {} as JSON", self.type_name(other)))),
        }
        Ok(())
    }

    fn write_items(&mut self, out: &mut String, items: &[Val], suppress: bool) -> Res<()> {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.write_json(out, item, suppress)?;
        }
        out.push(']');
        Ok(())
    }

    fn write_sobject(&mut self, out: &mut String, row: &SObj, suppress: bool) -> Res<()> {
        out.push_str("{\"attributes\":{\"type\":");
        quoted(out, row.object());
        if let Some(id) = row.id() {
            let _ = write!(out, ",\"url\":\"/services/data/v66.0/sobjects/{}/{id}\"", row.object());
        }
        out.push('}');
        for (name, value) in &row.fields {
            // A queried null is left out, an assigned one is written.
            if row.queried && value.is_null() {
                continue;
            }
            out.push(',');
            quoted(out, name);
            out.push(':');
            match value {
                Val::List(children) => {
                    let children = children.items.borrow().clone();
                    let _ = write!(out, "{{\"totalSize\":{},\"done\":true,\"records\":", children.len());
                    self.write_items(out, &children, suppress)?;
                    out.push('}');
                }
                value => self.write_json(out, value, suppress)?,
            }
        }
        out.push('}');
        Ok(())
    }

    pub fn untyped(&mut self, document: &Document) -> Res<Val> {
        Ok(match document {
            Document::Null => Val::Null,
            Document::Bool(value) => Val::Bool(*value),
            Document::Text(text) => Val::str(text),
            Document::Number(text) => {
                if text.contains(['.', 'e', 'E']) {
                    Val::Dec(BigDecimal::from_str(text).unwrap_or_default())
                } else if let Ok(value) = text.parse() {
                    Val::Int(value)
                } else if let Ok(value) = text.parse() {
                    Val::Long(value)
                } else {
                    let message = format!("For input string: \"{text}\" at [line:1, column:1]");
                    return Err(self.throw("System.JSONException", message));
                }
            }
            Document::Array(items) => {
                let items = items.iter().map(|item| self.untyped(item)).collect::<Res<_>>()?;
                Val::list(Arc::new(Type::Object), items)
            }
            Document::Object(pairs) => {
                let mut entries = Vec::new();
                for (name, value) in pairs {
                    entries.push((Val::str(name), self.untyped(value)?));
                }
                Val::map(Arc::new(Type::String), Arc::new(Type::Object), entries)
            }
        })
    }

    /// A document as a declared type.
    pub fn typed(&mut self, document: &Document, of: &Type, strict: bool) -> Res<Val> {
        Ok(match (document, of) {
            (Document::Null, _) => Val::Null,
            (_, Type::Object) => self.untyped(document)?,
            (Document::Bool(value), Type::Boolean) => Val::Bool(*value),
            (Document::Number(text), Type::Integer) => match text.parse() {
                Ok(value) => Val::Int(value),
                Err(_) => return Err(self.bad_json("Illegal value for primitive")),
            },
            (Document::Number(text), Type::Long) => match text.parse() {
                Ok(value) => Val::Long(value),
                Err(_) => return Err(self.bad_json("Illegal value for primitive")),
            },
            (Document::Number(text), Type::Double) => Val::Double(text.parse().unwrap_or(f64::NAN)),
            (Document::Number(text), Type::Decimal) => Val::Dec(BigDecimal::from_str(text).unwrap_or_default()),
            (Document::Text(text), Type::Integer | Type::Long | Type::Double | Type::Decimal) => {
                let document = Document::Number(text.clone());
                match BigDecimal::from_str(text) {
                    Ok(_) => self.typed(&document, of, strict)?,
                    Err(_) => return Err(self.bad_json("Illegal value for primitive")),
                }
            }
            (Document::Text(text), Type::String) => Val::str(text),
            (Document::Number(text), Type::String) => Val::str(text),
            (Document::Bool(value), Type::String) => Val::str(value.to_string()),
            (Document::Text(text), Type::Id) => self.id(text)?,
            (Document::Text(text), Type::Date) => match text.get(..10).unwrap_or(text).parse() {
                Ok(date) => Val::Date(date),
                Err(_) => return Err(self.bad_json(&format!("Invalid date: {text}"))),
            },
            (Document::Text(text), Type::Datetime) => {
                // `+0000` as well as `Z` and `+00:00`.
                let fixed = text.strip_suffix("+0000").map_or_else(|| text.clone(), |rest| format!("{rest}Z"));
                match fixed.parse() {
                    Ok(at) => Val::DateTime(at),
                    Err(_) => return Err(self.bad_json(&format!("Invalid date/time: {text}"))),
                }
            }
            (Document::Text(text), Type::Blob) => {
                use base64::Engine;
                match base64::engine::general_purpose::STANDARD.decode(text) {
                    Ok(bytes) => Val::Blob(std::rc::Rc::new(bytes)),
                    Err(_) => return Err(self.bad_json("Illegal value for primitive")),
                }
            }
            (Document::Array(items), Type::List(element)) => {
                let items = items.iter().map(|item| self.typed(item, element, strict)).collect::<Res<_>>()?;
                Val::list(element.clone(), items)
            }
            (Document::Array(items), Type::Set(element)) => {
                let items = items.iter().map(|item| self.typed(item, element, strict)).collect::<Res<Vec<_>>>()?;
                Val::set(element.clone(), items)
            }
            (Document::Object(pairs), Type::Map(key, value)) => {
                let mut entries = Vec::new();
                for (name, held) in pairs {
                    let name = self.coerce(Val::str(name), key)?;
                    entries.push((name, self.typed(held, value, strict)?));
                }
                Val::map(key.clone(), value.clone(), entries)
            }
            (Document::Object(pairs), Type::SObject(of)) => self.typed_sobject(pairs, of.as_deref())?,
            (Document::Text(text), Type::Class(class)) if self.runtime.class(*class).kind == ClassKind::Enum => {
                let constants = &self.runtime.class(*class).constants;
                match constants.iter().position(|constant| constant.eq_ignore_ascii_case(text)) {
                    Some(at) => Val::Enum(*class, at),
                    None => return Err(self.bad_json(&format!("Invalid enum value: {text}"))),
                }
            }
            (Document::Object(pairs), Type::Class(class)) => {
                let declared = self.runtime.class(*class);
                if declared.is_abstract || declared.kind != ClassKind::Class {
                    return Err(self.bad_json(&format!("Apex Type unsupported in JSON: {}", declared.name)));
                }
                // No constructor runs.
                let instance = self.blank(*class);
                for (name, held) in pairs {
                    let runtime = self.runtime;
                    match runtime.instance_field(*class, name) {
                        Some((_, field)) => {
                            let value = self.typed(held, &field.of, strict)?;
                            self.instance_set(&instance, name, value)?;
                        }
                        None if strict => {
                            return Err(self.bad_json(&format!("Unexpected attribute: {name}")));
                        }
                        None => {}
                    }
                }
                Val::Object(instance)
            }
            (document, of) => {
                let _ = document;
                return Err(self.bad_json(&format!("Illegal value for primitive of type {}", self.type_text(of))));
            }
        })
    }

    fn bad_json(&self, text: &str) -> super::eval::Thrown {
        self.throw("System.JSONException", text)
    }

    fn typed_sobject(&mut self, pairs: &[(String, Document)], of: Option<&str>) -> Res<Val> {
        let named = pairs.iter().find(|(name, _)| name == "attributes").and_then(|(_, attributes)| match attributes {
            Document::Object(inner) => inner.iter().find(|(name, _)| name == "type").map(|(_, of)| of),
            _ => None,
        });
        let object = match (of, named) {
            (Some(of), _) => of.to_owned(),
            (None, Some(Document::Text(of))) => of.clone(),
            _ => match pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("sobjectType")) {
                Some((_, Document::Text(of))) => of.clone(),
                _ => return Err(self.bad_json("an sObject without its type")),
            },
        };
        let row = self.blank_sobject(&object)?;
        let schema = self.schema.clone();
        for (name, held) in pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "attributes" | "sobjectType")) {
            let Some(own) = schema.object(&object) else { continue };
            if let Some(field) = own.field(name) {
                let value = self.typed(held, &field_type(&field.kind), false)?;
                row.borrow_mut().set(Arc::from(field.name.as_str()), value);
            } else if let (Some(parent), Document::Object(inner)) = (own.parent(name), held) {
                let to = match &parent.kind {
                    crate::sandbox::org::schema::FieldKind::Reference { to, .. } => to.first().cloned(),
                    _ => None,
                };
                let value = self.typed_sobject(inner, to.as_deref())?;
                row.borrow_mut().set(Arc::from(name.as_str()), value);
            } else {
                let text = format!("No such column '{name}' on sobject of type {object}");
                return Err(self.bad_json(&text));
            }
        }
        Ok(Val::SObject(row))
    }
}
