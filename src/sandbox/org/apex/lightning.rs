//! `@AuraEnabled` and `@InvocableMethod` calls from outside: parameters by name, results as a component gets them.

use serde_json::{Map, Number, Value as Json};

use super::Runtime;
use super::ast::{Sharing, Type};
use super::eval::{Interp, Res};
use super::json::Document;
use super::value::Val;
use crate::sandbox::org::host::{Fault, Host};

pub fn invoke(
    runtime: &Runtime,
    host: &mut dyn Host,
    class: &str,
    method: &str,
    parameters: &Json,
) -> Result<Json, Fault> {
    let mut interp = Interp::new(runtime, host);
    let outcome = interp.lightning(class, method, parameters);
    outcome.map_err(|thrown| interp.fault_of(thrown))
}

impl Interp<'_> {
    fn lightning(&mut self, class: &str, name: &str, parameters: &Json) -> Res<Json> {
        let runtime = self.runtime;
        let Some(declared) = runtime.class_named(class) else {
            return Err(self.throw("System.NoAccessException", format!("No apex class named {class}")));
        };
        let found = declared.methods.get(&name.to_lowercase()).into_iter().flatten().find(|method| {
            method.is_static
                && (method.annotation("auraenabled").is_some() || method.annotation("invocablemethod").is_some())
        });
        let Some(method) = found else {
            let text = format!("No apex action available for {class}.{name}");
            return Err(self.throw("System.NoAccessException", text));
        };
        let mut args = Vec::new();
        for (name, of) in &method.params {
            let given = match (parameters, method.params.len()) {
                (Json::Object(given), _) => given.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)),
                _ => None,
            };
            // A parameter that isn't sent is null; an Invocable's list may come bare.
            let given = match (given, parameters) {
                (Some((_, value)), _) => value,
                (None, list @ Json::Array(_)) if method.params.len() == 1 => list,
                _ => &Json::Null,
            };
            args.push(self.typed(&Document::from(given), of, false)?);
        }
        let cacheable =
            method.annotation("auraenabled").is_some_and(|given| given.arguments.contains("cacheable=true"));
        self.state.read_only.set(cacheable);
        // `inherited sharing` at the way in from a component enforces it.
        self.sharing = declared.sharing == Some(Sharing::Inherited);
        let result = self.invoke(method, None, args);
        self.state.read_only.set(false);
        let result = result?;
        match method.returns {
            Type::Void => Ok(Json::Null),
            _ => self.component_json(&result),
        }
    }

    /// As a component receives it: sObjects and objects without what is null, numbers as numbers.
    pub fn component_json(&mut self, value: &Val) -> Res<Json> {
        Ok(match value {
            Val::Null => Json::Null,
            Val::Bool(value) => Json::Bool(*value),
            Val::Int(value) => Json::from(*value),
            Val::Long(value) => Json::from(*value),
            Val::Double(value) => Json::from(*value),
            Val::Dec(value) => {
                // Through the text, so that 0.1 stays 0.1.
                let text = value.normalized().to_plain_string();
                let number = match text.parse::<i64>() {
                    Ok(whole) => Some(Number::from(whole)),
                    Err(_) => text.parse::<f64>().ok().and_then(Number::from_f64),
                };
                number.map_or(Json::Null, Json::Number)
            }
            Val::DateTime(at) => Json::String(Interp::iso(*at)),
            Val::List(list) => {
                let items = list.items.borrow().clone();
                Json::Array(items.iter().map(|item| self.component_json(item)).collect::<Res<_>>()?)
            }
            Val::Set(set) => {
                Json::Array(set.store.keys().iter().map(|item| self.component_json(item)).collect::<Res<_>>()?)
            }
            Val::Map(map) => {
                let mut pairs = Map::new();
                for (key, value) in map.store.pairs() {
                    let key = self.text(&key)?;
                    pairs.insert(key, self.component_json(&value)?);
                }
                Json::Object(pairs)
            }
            Val::SObject(row) => {
                let row = row.borrow().clone();
                let mut pairs = Map::new();
                for (name, value) in &row.fields {
                    if !value.is_null() {
                        pairs.insert(name.to_string(), self.component_json(value)?);
                    }
                }
                Json::Object(pairs)
            }
            Val::Object(instance) if instance.exception.is_none() => {
                let runtime = self.runtime;
                let mut pairs = Map::new();
                let mut heir = Some(instance.class);
                while let Some(class) = heir {
                    for field in &runtime.class(class).fields {
                        if !field.annotations.iter().any(|annotation| annotation.name == "auraenabled") {
                            continue;
                        }
                        let value = self.instance_get(instance, &field.name)?;
                        if !value.is_null() {
                            pairs.insert(field.name.to_string(), self.component_json(&value)?);
                        }
                    }
                    heir = runtime.parent(class);
                }
                Json::Object(pairs)
            }
            other => Json::String(self.text(other)?),
        })
    }
}
