//! The stand-in's world between two requests: documents, time, ids, and webhooks to be sent.

use std::sync::Arc;

use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Map, Value, json};

use super::store::{Kind, Store};
use crate::sandbox::clock::Clock;

pub struct World {
    pub store: Store,
    pub clock: Arc<Clock>,
    pub base_url: String,
    /// Origins that the dashboard knows as redirect addresses.
    pub redirect_origins: Vec<String>,
}

impl World {
    pub fn now_s(&self) -> i64 {
        self.clock.now_s()
    }

    pub fn find(&self, kind: Kind, id: &str) -> Option<Value> {
        self.store.get(kind, id).cloned()
    }

    pub fn put(&mut self, kind: Kind, value: Value) {
        self.store.put(kind, value);
    }

    /// Queues a webhook for whoever the item's address names; nobody hears where there is none.
    pub fn tell(&mut self, item: &Value, kind: &str, code: &str, more: Value) -> bool {
        let Some(url) = item["webhook"].as_str() else { return false };
        let mut body = Map::new();
        body.insert("webhook_type".to_owned(), json!(kind));
        body.insert("webhook_code".to_owned(), json!(code));
        body.insert("item_id".to_owned(), item["id"].clone());
        body.insert("environment".to_owned(), json!("sandbox"));
        body.extend(more.as_object().cloned().unwrap_or_default());
        let delivery = json!({"id": random(24), "url": url, "body": Value::Object(body).to_string(), "attempts": 0,
            "next_at_ms": crate::sandbox::clock::machine_ms()});
        self.put(Kind::Delivery, delivery);
        true
    }
}

/// A time as Plaid writes it.
pub fn iso(unix_s: i64) -> String {
    jiff::Timestamp::from_second(unix_s).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

pub fn random(length: usize) -> String {
    rand::rng().sample_iter(&Alphanumeric).take(length).map(char::from).collect()
}

/// `public-sandbox-…` and the like.
pub fn token(what: &str) -> String {
    format!("{what}-sandbox-{}", uuid::Uuid::new_v4())
}
