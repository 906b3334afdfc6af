//! The REST API: who asks, what may go wrong on the way, and the log of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::fields::Fields;
use super::refusal::{Answer, Refusal};
use super::server::{Plaid, lock};
use super::world::random;
use super::{endpoints, stripe_tokens};
use crate::sandbox::clock::machine_ms;
use crate::sandbox::listen::HangUp;

const BODY_LIMIT: usize = 256 * 1024;
const VERSION: &str = "2020-09-14";
/// Secrets that the log holds only the beginning of.
const SECRETS: &[&str] = &["secret", "access_token", "public_token", "link_token"];

/// Everything that no other route takes.
pub async fn handle(State(plaid): State<Arc<Plaid>>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let request_id = random(15);
    let mut fault = None;
    let mut lost = false;
    let answer = if parts.method == "POST" {
        decide(&plaid, &path, &parts.headers, &body, &mut fault, &mut lost).await
    } else {
        Err(Refusal::request("INVALID_HTTP_METHOD", "every endpoint takes POST"))
    };
    let (status, mut shown) = match answer {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.error()),
    };
    shown["request_id"] = json!(request_id);
    let entry = json!({
        "at_ms": machine_ms(), "method": parts.method.as_str(), "path": path, "body": masked(&body), "status": status,
        "plaid_version": parts.headers.get("plaid-version").and_then(|value| value.to_str().ok()),
        "user_agent": parts.headers.get("user-agent").and_then(|value| value.to_str().ok()),
        "keys_in": if parts.headers.contains_key("plaid-secret") { "headers" } else { "body" },
        "request_id": request_id, "fault": fault, "answered": !lost, "error_code": shown["error_code"],
        "duration_ms": started.elapsed().as_millis() as u64,
    });
    lock(&plaid.log).add(entry);
    let mut response = Response::new(Body::from(shown.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("plaid-request-id", value);
    }
    if lost {
        response.extensions_mut().insert(HangUp);
    }
    response
}

async fn decide(
    plaid: &Arc<Plaid>,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
    fault: &mut Option<&'static str>,
    lost: &mut bool,
) -> Answer {
    let mut strikes = |name: &'static str| {
        let strikes = plaid.faults.strikes(name);
        if strikes {
            *fault = Some(name);
        }
        strikes
    };
    if strikes("plaid_down") {
        return Err(Refusal::down());
    }
    let fields = authenticated(plaid, headers, body)?;
    if strikes("too_many_requests") {
        return Err(Refusal::too_many());
    }
    if strikes("slow") {
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
    let broken = strikes("server_error");
    // Half of the server errors come before the effect, half after it.
    if broken && machine_ms() % 2 == 0 {
        return Err(Refusal::server());
    }
    let answer = if path == "/processor/stripe/bank_account_token/create" {
        match plaid.change(|world| stripe_tokens::prepare(world, fields)) {
            Ok(wanted) => stripe_tokens::ask(&plaid.client, plaid.options.stripe_control_url.as_deref(), &wanted).await,
            Err(refusal) => Err(refusal),
        }
    } else {
        plaid.change(|world| endpoints::act(world, path, fields))
    };
    if broken {
        return Err(Refusal::server());
    }
    *lost = strikes("lost_reply");
    answer
}

/// The fields without client id and secret, which stand in headers or in the body.
fn authenticated(plaid: &Plaid, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Refusal::request("INVALID_HEADERS", "the Content-Type must be application/json"));
    }
    let version = headers.get("plaid-version").and_then(|value| value.to_str().ok());
    if version.is_some_and(|version| version != VERSION) {
        return Err(Refusal::request("INVALID_HEADERS", format!("the stand-in speaks Plaid-Version {VERSION} only")));
    }
    let mut fields = Fields::parse(body)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let in_body = (fields.text("client_id")?, fields.text("secret")?);
    let id = header("plaid-client-id").or(in_body.0);
    let secret = header("plaid-secret").or(in_body.1);
    let (Some(id), Some(secret)) = (id, secret) else {
        let message = "the following required fields are missing: client_id, secret";
        return Err(Refusal::request("MISSING_FIELDS", message));
    };
    if id != plaid.options.client_id || secret != plaid.options.secret {
        return Err(Refusal::input("INVALID_API_KEYS", "invalid client_id or secret provided"));
    }
    Ok(fields)
}

/// The body as the log keeps it, with the keys and tokens cut short.
fn masked(body: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    for name in SECRETS {
        if let Some(text) = body[*name].as_str() {
            let beginning: String = text.chars().take(16).collect();
            body[*name] = json!(format!("{beginning}…"));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_never_reach_the_log() {
        let masked = super::masked(br#"{"access_token":"access-sandbox-12345678-1234","account_id":"a"}"#);
        assert_eq!(masked, serde_json::json!({"access_token": "access-sandbox-1…", "account_id": "a"}));
    }
}
