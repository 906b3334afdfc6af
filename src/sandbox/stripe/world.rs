//! The stand-in's world between two requests, and what every object needs: ids, time, views, events.

use std::sync::Arc;

use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Map, Value, json};

use super::clock::Clock;
use super::ledger::{Kind, Ledger};
use super::refusal::{Answer, Refusal};

/// The API version whose shapes are answered.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Who asks, for the duration of one request.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub request_id: Option<String>,
    pub idempotency_key: Option<String>,
    /// A browser with the publishable key: it may touch only what its client secret opens.
    pub publishable: bool,
}

pub struct World {
    pub ledger: Ledger,
    pub clock: Arc<Clock>,
    pub caller: Caller,
    pub account_id: String,
    /// `http://127.0.0.1:PORT`, once the address is known.
    pub base_url: String,
    /// How far search lags behind.
    pub search_lag_s: i64,
}

impl World {
    pub fn new_id(&self, kind: Kind) -> String {
        format!("{}{}", kind.prefix(), random_text(if kind == Kind::Customer { 14 } else { 24 }))
    }

    pub fn now_s(&self) -> i64 {
        self.clock.now_s()
    }

    /// The document with its private fields, to be changed and put back.
    pub fn load(&self, kind: Kind, id: &str) -> Answer {
        self.ledger.get(kind, id).cloned().ok_or_else(|| Refusal::no_such(kind.name(), id))
    }

    /// The document that a parameter names.
    pub fn named(&self, kind: Kind, id: &str, param: &str) -> Answer {
        self.ledger.get(kind, id).cloned().ok_or_else(|| Refusal::no_such_param(kind.name(), id, param))
    }

    pub fn put(&mut self, kind: Kind, mut document: Value) {
        document["_changed"] = json!(self.now_s());
        self.ledger.put(kind, document);
    }

    /// The object as the API shows it.
    pub fn show(&self, kind: Kind, id: &str) -> Answer {
        self.ledger.get(kind, id).map(public).ok_or_else(|| Refusal::no_such(kind.name(), id))
    }

    /// Records an event about an object and queues its deliveries.
    pub fn emit(&mut self, kind: &str, object: &Value, previous: Option<Value>) {
        let id = self.new_id(Kind::Event);
        let mut data = Map::new();
        data.insert("object".to_owned(), public(object));
        if let Some(previous) = previous {
            data.insert("previous_attributes".to_owned(), previous);
        }
        let endpoints: Vec<String> = self
            .ledger
            .oldest_first(Kind::WebhookEndpoint)
            .filter(|endpoint| endpoint["status"] == "enabled" && wants(endpoint, kind))
            .filter_map(|endpoint| endpoint["id"].as_str().map(str::to_owned))
            .collect();
        let event = json!({
            "id": id,
            "object": "event",
            "account": Value::Null,
            "api_version": API_VERSION,
            "created": self.now_s(),
            "data": data,
            "livemode": false,
            "pending_webhooks": endpoints.len(),
            "request": {
                "id": self.caller.request_id,
                "idempotency_key": self.caller.idempotency_key,
            },
            "type": kind,
        });
        self.ledger.put(Kind::Event, event);
        for endpoint in endpoints {
            let delivery = json!({
                "id": self.new_id(Kind::Delivery),
                "event": id,
                "endpoint": endpoint,
                "state": "waiting",
                "attempts": [],
                "next_at_ms": self.clock.now_ms(),
            });
            self.ledger.put(Kind::Delivery, delivery);
        }
    }

    /// Emits an event about a document as it stands.
    pub fn emit_about(&mut self, kind: &str, of: Kind, id: &str) {
        if let Some(object) = self.ledger.get(of, id).cloned() {
            self.emit(kind, &object, None);
        }
    }

    /// Something that happens by itself at a later time.
    pub fn schedule(&mut self, at_s: i64, what: &str, object: &str, detail: Value) {
        let timer = json!({
            "id": self.new_id(Kind::Timer), "at_s": at_s, "what": what, "object": object, "detail": detail,
        });
        self.ledger.put(Kind::Timer, timer);
    }
}

fn wants(endpoint: &Value, kind: &str) -> bool {
    let enabled = endpoint["enabled_events"].as_array();
    enabled.is_some_and(|events| events.iter().any(|event| event == "*" || event == kind))
}

/// Without the fields that start with an underscore.
pub fn public(document: &Value) -> Value {
    match document {
        Value::Object(map) => {
            let shown = map.iter().filter(|(key, _)| !key.starts_with('_'));
            Value::Object(shown.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

pub fn random_text(length: usize) -> String {
    rand::rng().sample_iter(&Alphanumeric).take(length).map(char::from).collect()
}

/// The id in a field, if it holds one.
pub fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object[field].as_str()
}

/// A list of ids or names as a JSON array.
pub fn nullable(text: Option<String>) -> Value {
    text.filter(|text| !text.is_empty()).map_or(Value::Null, Value::String)
}
