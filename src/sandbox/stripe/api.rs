//! `/v1`: who asks, how often, whether it was asked before, and what may go wrong on the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use serde_json::{Value, json};

use super::clock::machine_ms;
use super::idempotency::{self, Kept};
use super::masking::masked;
use super::refusal::{Answer, Refusal};
use super::server::{Stripe, lock};
use super::wire::expand::expand;
use super::wire::params::Params;
use super::world::{API_VERSION, Caller, World, random_text};
use super::{rates, routes};
use crate::sandbox::listen::HangUp;

const BODY_LIMIT: usize = 1024 * 1024;

pub fn router() -> Router<Arc<Stripe>> {
    Router::new().route("/v1/{*rest}", any(handle))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Secret,
    Publishable,
}

/// One request with everything that decides its answer.
struct Call {
    method: String,
    path: String,
    query: String,
    body: String,
    request_id: String,
    idempotency_key: Option<String>,
    key: Option<Key>,
}

/// What is sent, and what the log says about it.
struct Outcome {
    status: u16,
    body: Value,
    replayed_from: Option<String>,
    limited: Option<&'static str>,
    should_retry: Option<bool>,
    fault: Option<&'static str>,
    hang_up: bool,
}

impl Outcome {
    fn of(answer: &Answer) -> Outcome {
        let (status, body) = match answer {
            Ok(body) => (200, body.clone()),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        let should_retry = (status == 409 || status == 429).then_some(true);
        Outcome { status, body, replayed_from: None, limited: None, should_retry, fault: None, hang_up: false }
    }

    fn refused(refusal: Refusal) -> Outcome {
        Outcome::of(&Err(refusal))
    }
}

async fn handle(State(stripe): State<Arc<Stripe>>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    if parts.method == "OPTIONS" {
        return cors(StatusCode::NO_CONTENT.into_response());
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return cors(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: String::new(),
        request_id: format!("req_{}", random_text(14)),
        idempotency_key: header("idempotency-key"),
        key: None,
    };
    let version = header("stripe-version");
    let outcome = match prepare(&stripe, &mut call, &parts.headers, &body, version.as_deref()) {
        Ok(params) => decide(&stripe, &call, params).await,
        Err(refusal) => Outcome::refused(refusal),
    };
    let entry = json!({
        "at_ms": machine_ms(), "method": call.method, "path": call.path, "query": call.query, "body": masked(&call.body),
        "idempotency_key": call.idempotency_key, "stripe_version": version, "user_agent": header("user-agent"),
        "key": match call.key { Some(Key::Secret) => "secret", Some(Key::Publishable) => "publishable", None => "none" },
        "status": outcome.status, "request_id": call.request_id, "replayed": outcome.replayed_from.is_some(),
        "rate_limited_reason": outcome.limited, "fault": outcome.fault, "answered": !outcome.hang_up,
        "error_code": outcome.body["error"]["code"], "duration_ms": started.elapsed().as_millis() as u64,
    });
    lock(&stripe.log).add(entry);
    respond(&call, outcome, version)
}

fn prepare(
    stripe: &Stripe,
    call: &mut Call,
    headers: &HeaderMap,
    body: &Bytes,
    version: Option<&str>,
) -> Result<Params, Refusal> {
    call.body = String::from_utf8(body.to_vec()).map_err(|_| Refusal::invalid("The body is not UTF-8."))?;
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = if call.method == "POST" { &call.body } else { &call.query };
    let mut params = Params::parse(text);
    let in_body = params.as_mut().ok().and_then(|params| params.filled("key").ok().flatten());
    call.key = Some(authenticate(stripe, headers, in_body)?);
    if !call.body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::invalid(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
        ));
    }
    if call.method == "GET" && !call.body.is_empty() {
        return Err(Refusal::invalid("A GET request can't carry a body."));
    }
    if let Some(version) = version.filter(|version| !plausible_version(version)) {
        return Err(Refusal::invalid(format!("Invalid Stripe API version: {version}")));
    }
    params
}

fn plausible_version(version: &str) -> bool {
    let (date, train) = version.split_once('.').unwrap_or((version, "x"));
    let digits = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    digits && !train.is_empty() && train.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn authenticate(stripe: &Stripe, headers: &HeaderMap, in_body: Option<String>) -> Result<Key, Refusal> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = match header.and_then(|value| value.split_once(' ')) {
        Some(("Bearer", key)) => Some(key.trim().to_owned()),
        Some(("Basic", encoded)) => base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|pair| pair.split(':').next().map(str::to_owned)),
        _ => in_body,
    };
    match given {
        Some(key) if key == stripe.options.secret_key => Ok(Key::Secret),
        Some(key) if key == stripe.options.publishable_key => Ok(Key::Publishable),
        Some(key) => {
            let shown: String = key.chars().take(8).collect();
            Err(Refusal::unauthorised(format!("Invalid API Key provided: {shown}***")))
        }
        None => Err(Refusal::unauthorised(
            "You did not provide an API key. Provide your API key in the Authorization header, using Bearer auth.",
        )),
    }
}

/// Limits, idempotency and faults around the act itself.
async fn decide(stripe: &Arc<Stripe>, call: &Call, params: Params) -> Outcome {
    let segments: Vec<&str> = call.path.trim_start_matches("/v1/").split('/').collect();
    let secret = call.key == Some(Key::Secret);
    if stripe.faults.strikes("stripe_down") {
        return Outcome { fault: Some("stripe_down"), ..Outcome::refused(Refusal::server(503)) };
    }
    if secret {
        let endpoint = rates::endpoint(&call.method, &segments);
        let limits = *lock(&stripe.rate_limits);
        if let Err(reason) = lock(&stripe.rates).take(limits, &endpoint, Instant::now(), machine_ms()) {
            return Outcome { limited: Some(reason), ..Outcome::refused(Refusal::rate_limited()) };
        }
        if stripe.faults.strikes("too_many_requests") {
            return too_many(call, segments.len() > 1);
        }
    }
    let key = call.idempotency_key.clone().filter(|_| secret && call.method == "POST");
    let digest = idempotency::digest(&call.method, &call.path, &call.body);
    // Whoever works on the same key or the same object at this moment is in the way.
    let object = (call.method != "GET" && segments.len() > 1).then(|| format!("object {}", segments[1]));
    let busy_key = key.as_ref().map(|key| format!("key {key}"));
    {
        let mut busy = lock(&stripe.busy);
        if busy_key.as_ref().is_some_and(|name| busy.contains(name)) {
            return Outcome::refused(Refusal::key_in_use(key.as_deref().unwrap_or_default()));
        }
        if object.as_ref().is_some_and(|name| busy.contains(name)) {
            return Outcome::refused(Refusal::lock_timeout());
        }
        busy.extend(busy_key.iter().chain(&object).cloned());
    }
    // Given back however it ends: a client that dies over a slow answer takes its call along.
    let _held = Held { stripe, names: busy_key.into_iter().chain(object).collect() };
    carry_out(stripe, call, params, &segments, key.as_deref(), &digest).await
}

/// The key and the object of a call that is under way.
struct Held<'a> {
    stripe: &'a Stripe,
    names: Vec<String>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut busy = lock(&self.stripe.busy);
        for name in &self.names {
            busy.remove(name);
        }
    }
}

fn too_many(call: &Call, on_object: bool) -> Outcome {
    // Odd and even request ids take turns, so that both kinds are seen.
    let odd = call.request_id.bytes().next_back().is_some_and(|byte| byte % 2 == 1);
    let fault = Some("too_many_requests");
    if odd && on_object && call.method == "POST" {
        return Outcome { fault, ..Outcome::refused(Refusal::lock_timeout()) };
    }
    let limited = Some(if odd { "global-concurrency" } else { "endpoint-rate" });
    Outcome { fault, limited, ..Outcome::refused(Refusal::rate_limited()) }
}

/// How a server error behaves towards the effect and the key.
#[derive(Clone, Copy, PartialEq)]
enum Broken {
    /// 500, nothing happened, and the key remembers the 500.
    Before,
    /// 500 although it happened, and the key remembers the 500.
    After,
    /// 503 from in front of Stripe: nothing happened and nothing is remembered.
    GatewayBefore,
    /// 503 on the way back: it happened, and the key remembers the true answer.
    GatewayAfter,
}

async fn carry_out(
    stripe: &Arc<Stripe>,
    call: &Call,
    params: Params,
    segments: &[&str],
    key: Option<&str>,
    digest: &str,
) -> Outcome {
    let slow = stripe.faults.strikes("slow");
    if slow {
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    let broken =
        stripe.faults.strikes("server_error").then(|| match call.request_id.bytes().next_back().unwrap_or(0) % 4 {
            0 => Broken::Before,
            1 => Broken::After,
            2 => Broken::GatewayBefore,
            _ => Broken::GatewayAfter,
        });
    let mut outcome = if broken == Some(Broken::GatewayBefore) {
        Outcome { fault: Some("server_error"), ..Outcome::refused(Refusal::server(503)) }
    } else {
        stripe.change(|world| execute(world, call, params, segments, key, digest, broken))
    };
    if segments == ["events"] && outcome.status == 200 && stripe.faults.strikes("unlisted_events") {
        outcome.fault = Some("unlisted_events");
        outcome.body["data"] = json!([]);
        outcome.body["has_more"] = json!(false);
    }
    if broken == Some(Broken::GatewayAfter) {
        outcome = Outcome { fault: Some("server_error"), ..Outcome::refused(Refusal::server(503)) };
    }
    if slow {
        outcome.fault = outcome.fault.or(Some("slow"));
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    if stripe.faults.strikes("lost_reply") {
        outcome.fault = Some("lost_reply");
        outcome.hang_up = true;
    }
    outcome
}

fn execute(
    world: &mut World,
    call: &Call,
    params: Params,
    segments: &[&str],
    key: Option<&str>,
    digest: &str,
    broken: Option<Broken>,
) -> Outcome {
    if let Some(key) = key {
        match idempotency::find(world, key, digest) {
            Err(refusal) => return Outcome::refused(refusal),
            Ok(Some(Kept { status, body, request_id })) => {
                let should_retry = (status >= 500).then_some(false);
                let replayed_from = Some(request_id);
                return Outcome {
                    status,
                    body,
                    replayed_from,
                    limited: None,
                    should_retry,
                    fault: None,
                    hang_up: false,
                };
            }
            Ok(None) => {}
        }
    }
    world.caller = Caller {
        request_id: Some(call.request_id.clone()),
        idempotency_key: key.map(str::to_owned),
        publishable: call.key == Some(Key::Publishable),
    };
    let answer =
        if broken == Some(Broken::Before) { Err(Refusal::server(500)) } else { perform(world, call, params, segments) };
    // What failed validation never began to execute, so its key stays free; everything else is remembered.
    let began = answer.as_ref().err().is_none_or(|refusal| refusal.executed || refusal.status >= 500);
    let mut outcome = Outcome::of(&answer);
    if began && matches!(broken, Some(Broken::Before | Broken::After)) {
        outcome = Outcome::refused(Refusal::server(500));
        outcome.fault = Some("server_error");
    }
    if let Some(key) = key.filter(|_| began) {
        idempotency::keep(world, key, digest, outcome.status, &outcome.body, &call.request_id);
        if outcome.status >= 500 {
            // The same key would only hear the same again.
            outcome.should_retry = Some(false);
        }
    }
    outcome
}

fn perform(world: &mut World, call: &Call, mut params: Params, segments: &[&str]) -> Answer {
    let paths = params.list("expand")?.unwrap_or_default();
    let mut answer = routes::act(world, &call.method, segments, params)?;
    expand(world, &mut answer, &paths).map_err(Refusal::executed)?;
    Ok(answer)
}

fn respond(call: &Call, outcome: Outcome, version: Option<String>) -> Response {
    let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(outcome.body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/json");
    set("cache-control", "no-cache, no-store");
    set("request-id", &call.request_id);
    set("stripe-version", version.as_deref().unwrap_or(API_VERSION));
    if let Some(key) = call.idempotency_key.as_deref().filter(|_| call.method == "POST") {
        set("idempotency-key", key);
    }
    if let Some(original) = &outcome.replayed_from {
        set("idempotent-replayed", "true");
        set("original-request", original);
    }
    if let Some(reason) = outcome.limited {
        set("stripe-rate-limited-reason", reason);
    }
    if let Some(retry) = outcome.should_retry {
        set("stripe-should-retry", if retry { "true" } else { "false" });
    }
    if outcome.status == 401 {
        set("www-authenticate", "Bearer realm=\"Stripe\"");
    }
    if outcome.hang_up {
        response.extensions_mut().insert(HangUp);
    }
    cors(response)
}

/// Browsers may read the answers, as they may at Stripe.
pub(super) fn cors(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    headers.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
    headers.insert(
        "access-control-allow-headers",
        HeaderValue::from_static("authorization, content-type, stripe-version"),
    );
    headers.insert("access-control-expose-headers", HeaderValue::from_static("Request-Id, Stripe-Should-Retry"));
    response
}
