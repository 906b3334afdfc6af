//! Idempotency keys: the first answer is kept for 24 hours and given again.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ledger::Kind;
use super::refusal::Refusal;
use super::world::{World, text};

const KEPT_S: i64 = 24 * 3600;
const LONGEST: usize = 255;

/// An answer given before.
#[derive(Debug)]
pub struct Kept {
    pub status: u16,
    pub body: Value,
    pub request_id: String,
}

/// What a request asks, so that the same key with something else can be told.
pub fn digest(method: &str, path: &str, body: &str) -> String {
    hex::encode(Sha256::digest(format!("{method} {path}\n{body}").as_bytes()))
}

/// The kept answer for a key, if there is one that is still valid.
pub fn find(world: &mut World, key: &str, digest: &str) -> Result<Option<Kept>, Refusal> {
    if key.is_empty() || key.chars().count() > LONGEST {
        return Err(Refusal::key_reused(format!("Idempotency keys have 1 to {LONGEST} characters.")));
    }
    let id = id(key);
    let Some(call) = world.ledger.get(Kind::IdempotentCall, &id) else { return Ok(None) };
    if call["at_s"].as_i64().is_none_or(|at| world.clock.now_s() - at >= KEPT_S) {
        world.ledger.remove(Kind::IdempotentCall, &id);
        return Ok(None);
    }
    if text(call, "digest") != Some(digest) {
        return Err(Refusal::key_reused(format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        )));
    }
    Ok(Some(Kept {
        status: call["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(500),
        body: call["body"].clone(),
        request_id: text(call, "request_id").unwrap_or_default().to_owned(),
    }))
}

pub fn keep(world: &mut World, key: &str, digest: &str, status: u16, body: &Value, request_id: &str) {
    let call = json!({"id": id(key), "digest": digest, "status": status, "body": body, "at_s": world.now_s(),
        "request_id": request_id});
    world.ledger.put(Kind::IdempotentCall, call);
}

fn id(key: &str) -> String {
    format!("{}{key}", Kind::IdempotentCall.prefix())
}
