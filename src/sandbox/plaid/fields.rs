//! The fields of one JSON request, taken one by one; what is left over at the end is unknown and refused.

use serde_json::{Map, Value};

use super::refusal::Refusal;

#[derive(Debug, Default)]
pub struct Fields {
    map: Map<String, Value>,
    /// The path in front of the names: `` or `user`.
    at: String,
}

type Taken<T> = Result<Option<T>, Refusal>;

impl Fields {
    pub fn parse(body: &[u8]) -> Result<Fields, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Fields { map, at: String::new() }),
            _ => Err(Refusal::request("INVALID_BODY", "body could not be parsed as JSON object")),
        }
    }

    fn name(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    fn wrong(&self, name: &str, what: &str) -> Refusal {
        Refusal::field(format!("{} must be {what}", self.name(name)))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, name: &str) -> Taken<String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Err(self.wrong(name, "a non-empty string")),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    pub fn required(&mut self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn missing(&self, name: &str) -> Refusal {
        let message = format!("the following required fields are missing: {}", self.name(name));
        Refusal::request("MISSING_FIELDS", message)
    }

    pub fn boolean(&mut self, name: &str) -> Taken<bool> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(yes)) => Ok(Some(yes)),
            Some(_) => Err(self.wrong(name, "a boolean")),
        }
    }

    pub fn choice(&mut self, name: &str, choices: &[&str]) -> Taken<String> {
        match self.text(name)? {
            Some(text) if !choices.contains(&text.as_str()) => {
                Err(self.wrong(name, &format!("one of {}", choices.join(", "))))
            }
            other => Ok(other),
        }
    }

    /// A list of texts, each one of `choices` where there are any.
    pub fn list(&mut self, name: &str, choices: &[&str]) -> Taken<Vec<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let texts: Option<Vec<String>> = value
            .as_array()
            .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>());
        let Some(texts) = texts else { return Err(self.wrong(name, "a list of strings")) };
        match texts.iter().find(|text| !choices.is_empty() && !choices.contains(&text.as_str())) {
            Some(_) => Err(self.wrong(name, &format!("a list out of {}", choices.join(", ")))),
            None => Ok(Some(texts)),
        }
    }

    pub fn child(&mut self, name: &str) -> Taken<Fields> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { map, at: self.name(name) })),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// Every field must have been taken.
    pub fn finish(self) -> Result<(), Refusal> {
        let names: Vec<String> = self.map.keys().map(|name| self.name(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let message = format!("the following fields are not recognized by this endpoint: {}", names.join(", "));
        Err(Refusal::request("UNKNOWN_FIELDS", message))
    }
}
