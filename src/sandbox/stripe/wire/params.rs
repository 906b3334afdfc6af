//! The parameters of one request, taken one by one; what is left over at the end is unknown and refused.

use serde_json::{Map, Value};

use super::form;
use crate::sandbox::stripe::refusal::Refusal;

#[derive(Debug, Default)]
pub struct Params {
    map: Map<String, Value>,
    /// The path in front of the names, for error messages: `` or `payment_method_data`.
    at: String,
}

type Taken<T> = Result<Option<T>, Refusal>;

impl Params {
    pub fn parse(text: &str) -> Result<Params, Refusal> {
        Ok(Params { map: form::parse(text)?, at: String::new() })
    }

    /// One parameter alone, to look at it without taking it.
    pub fn clone_of(&self, name: &str) -> Params {
        let map = self.map.get(name).map(|value| (name.to_owned(), value.clone())).into_iter().collect();
        Params { map, at: self.at.clone() }
    }

    pub fn forget(&mut self, name: &str) {
        self.map.remove(name);
    }

    /// The name as the caller wrote it.
    pub fn name(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.at) }
    }

    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// A text as given; an empty one means "clear this field".
    pub fn text(&mut self, name: &str) -> Taken<String> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= 5000 => Ok(Some(text)),
            Some(Value::String(_)) => Err(Refusal::parameter(
                "parameter_invalid_string_too_long",
                self.name(name),
                format!("Invalid string: {} must be at most 5000 characters", self.name(name)),
            )),
            Some(_) => Err(Refusal::invalid(format!("Invalid string: {}", self.name(name))).param(self.name(name))),
        }
    }

    /// A text where empty is the same as absent.
    pub fn filled(&mut self, name: &str) -> Taken<String> {
        match self.text(name)? {
            Some(text) if text.is_empty() => Err(Refusal::parameter(
                "parameter_invalid_empty",
                self.name(name),
                format!("You passed an empty string for '{}'. Leave it out instead.", self.name(name)),
            )),
            other => Ok(other),
        }
    }

    pub fn required(&mut self, name: &str) -> Result<String, Refusal> {
        self.filled(name)?.ok_or_else(|| Refusal::missing(&self.name(name)))
    }

    pub fn integer(&mut self, name: &str) -> Taken<i64> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let plain =
            !text.is_empty() && text.strip_prefix('-').unwrap_or(&text).bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain => Ok(Some(number)),
            _ => Err(Refusal::parameter(
                "parameter_invalid_integer",
                self.name(name),
                format!("Invalid integer: {text}"),
            )),
        }
    }

    pub fn boolean(&mut self, name: &str) -> Taken<bool> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Refusal::invalid(format!("Invalid boolean: {other}")).param(self.name(name))),
        }
    }

    pub fn choice(&mut self, name: &str, choices: &[&str]) -> Taken<String> {
        match self.text(name)? {
            Some(text) if !choices.contains(&text.as_str()) => {
                Err(Refusal::invalid(format!("Invalid {}: must be one of {}", self.name(name), choices.join(", ")))
                    .param(self.name(name)))
            }
            other => Ok(other),
        }
    }

    /// A list of texts.
    pub fn list(&mut self, name: &str) -> Taken<Vec<String>> {
        let invalid = |at: String| Refusal::invalid(format!("Invalid array: {at}")).param(at);
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Vec::new())),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(invalid(self.name(name))),
                });
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(invalid(self.name(name))),
        }
    }

    pub fn child(&mut self, name: &str) -> Taken<Params> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Params { map, at: self.name(name) })),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(_) => Err(Refusal::parameter("parameter_invalid_object", self.name(name), "Invalid object")),
        }
    }

    /// Parts named in `names`, each a text, as the object that goes into an answer. Empty texts become null.
    pub fn object(&mut self, name: &str, names: &[&str]) -> Taken<Map<String, Value>> {
        let Some(mut child) = self.child(name)? else { return Ok(None) };
        let mut out = Map::new();
        for part in names {
            let value = child.text(part)?.filter(|text| !text.is_empty());
            out.insert((*part).to_owned(), value.map_or(Value::Null, Value::String));
        }
        child.finish()?;
        Ok(Some(out))
    }

    /// Metadata as given; an empty value deletes its key.
    pub fn metadata(&mut self) -> Taken<Map<String, Value>> {
        let map = match self.map.remove("metadata") {
            None => return Ok(None),
            Some(Value::Object(map)) => map,
            Some(Value::String(text)) if text.is_empty() => return Ok(Some(Map::new())),
            Some(_) => return Err(Refusal::invalid("Invalid hash: metadata").param("metadata")),
        };
        for (key, value) in &map {
            let at = format!("metadata[{key}]");
            let Value::String(text) = value else {
                return Err(Refusal::invalid(format!("Metadata values must be strings, but {at} is not.")).param(at));
            };
            if key.chars().count() > 40 {
                return Err(Refusal::invalid("Metadata keys can have up to 40 characters.").param(at));
            }
            if text.chars().count() > 500 {
                return Err(Refusal::invalid("Metadata values can have up to 500 characters.").param(at));
            }
        }
        if map.len() > 50 {
            return Err(Refusal::invalid("Metadata can have up to 50 keys.").param("metadata"));
        }
        Ok(Some(map))
    }

    /// Every parameter must have been taken.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) if name == "payment_method_types" => Err(Refusal::parameter(
                "payment_method_types_no_longer_supported",
                self.name(name),
                "payment_method_types can no longer be set. Use allowed_payment_method_types instead.",
            )),
            Some(name) => Err(Refusal::unknown_parameter(&self.name(name))),
        }
    }
}

/// Merges metadata into what is there: by key, empty deletes.
pub fn merge_metadata(object: &mut Value, metadata: Option<Map<String, Value>>) -> Result<(), Refusal> {
    let Some(new) = metadata else { return Ok(()) };
    let mut merged = object["metadata"].as_object().cloned().unwrap_or_default();
    if new.is_empty() {
        merged.clear();
    }
    for (key, value) in new {
        if value.as_str() == Some("") {
            merged.shift_remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
    if merged.len() > 50 {
        return Err(Refusal::invalid("Metadata can have up to 50 keys.").param("metadata"));
    }
    object["metadata"] = Value::Object(merged);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn what_nobody_takes_is_an_unknown_parameter() {
        let mut params = Params::parse("name=A&address[line1]=x&address[planet]=y").unwrap();
        assert_eq!(params.text("name").unwrap().as_deref(), Some("A"));
        let refusal = params.object("address", &["line1"]).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("parameter_unknown"));
        assert_eq!(refusal.param.as_deref(), Some("address[planet]"));
    }

    #[test]
    fn the_retired_name_says_what_replaces_it() {
        let refusal = Params::parse("payment_method_types[]=card").unwrap().finish().unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("payment_method_types_no_longer_supported"));
    }

    #[test]
    fn only_plain_integers_are_integers() {
        for bad in ["1.0", "1e3", "+1", "", "12a", "99999999999999999999"] {
            let mut params = Params::parse(&format!("amount={bad}").replace('+', "%2B")).unwrap();
            assert!(params.integer("amount").is_err(), "{bad}");
        }
    }
}
