//! The sandbox's own door: what the console and the Lightning components in it need, and no real org has over REST.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use super::events;
use super::rest::{Refusal, parameters, record_json};
use super::shared::{Shared, no_session, refused};
use crate::sandbox::org::host::Fault;

/// The base of record addresses in what the console reads.
const BASE: &str = "/services/data/v66.0";

/// Works on its own too, so that the console can mount it under its own address.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_sandbox/apex/{class}/{method}", post(apex))
        .route("/_sandbox/jobs/run", post(run_jobs))
        .route("/_sandbox/schedules/run", post(run_schedules))
        .route("/_sandbox/org/records/{object}", get(records))
        .route("/_sandbox/org/counters", get(counters))
        .route("/_sandbox/events", get(events::stream))
        .route("/_sandbox/me", get(me))
        .with_state(shared)
}

/// An exposed Apex method, as a Lightning component calls it.
async fn apex(
    State(shared): State<Arc<Shared>>,
    Path((class, method)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parameters = parameters(&query.unwrap_or_default());
    let Some(session) = shared.session_or_parameter(&headers, &parameters) else { return refused(&no_session()) };
    let given: Json = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(given) => given,
        Err(error) => {
            let refusal = Refusal::bad("JSON_PARSER_ERROR", format!("The parameters are not JSON: {error}"));
            return refused(&refusal);
        }
    };
    let called = tokio::task::spawn_blocking(move || {
        if !shared.org.may_call(&session.user, &class) {
            let message = format!("You do not have access to the Apex class named '{class}'.");
            return Err(json!({"exceptionType": "System.NoAccessException", "message": message, "stackTrace": ""}));
        }
        let program = Arc::clone(&shared.program);
        let result = shared.org.run(&session.user, |host| program.invoke(host, &class, &method, &given));
        result.map_err(|fault| lightning_error(&fault))
    });
    match called.await {
        Ok(Ok(result)) => axum::Json(result).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(error)).into_response(),
        Err(error) => {
            tracing::error!(%error, "an Apex call failed inside the sandbox");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What a component's `catch` gets as `error.body`.
fn lightning_error(fault: &Fault) -> Json {
    json!({
        "exceptionType": fault.exception,
        "isUserDefinedException": !fault.exception.starts_with("System."),
        "message": fault.message,
        "stackTrace": fault.stack.join("\n"),
    })
}

async fn run_jobs(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    run(shared, &headers, |shared| json!({"ran": shared.org.run_jobs()})).await
}

async fn run_schedules(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    run(shared, &headers, |shared| json!({"ran": shared.org.due_schedules(shared.org.now())})).await
}

async fn run(shared: Arc<Shared>, headers: &HeaderMap, work: fn(&Shared) -> Json) -> Response {
    if shared.session(headers).is_none() {
        return refused(&no_session());
    }
    match tokio::task::spawn_blocking(move || work(&shared)).await {
        Ok(json) => axum::Json(json).into_response(),
        Err(error) => {
            tracing::error!(%error, "a job failed inside the sandbox");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Every record of an object, as an administrator sees them.
async fn records(State(shared): State<Arc<Shared>>, Path(object): Path<String>, headers: HeaderMap) -> Response {
    if shared.session(&headers).is_none() {
        return refused(&no_session());
    }
    let schema = shared.org.schema();
    let rows = shared.org.records(&object);
    let rows: Vec<Json> = rows.iter().map(|row| record_json(&schema, BASE, row, None)).collect();
    axum::Json(rows).into_response()
}

/// Who is signed in, and which custom permissions they hold: what the platform tells a component when it loads.
async fn me(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(session) = shared.session(&headers) else { return refused(&no_session()) };
    let user = &session.user;
    let name = user.name.clone();
    let permissions = shared.org.custom_permissions(user);
    axum::Json(json!({"id": user.id, "username": user.username, "name": name, "customPermissions": permissions}))
        .into_response()
}

async fn counters(State(shared): State<Arc<Shared>>) -> Response {
    let (published, pubsub, browsers) = shared.bus.counts();
    let mut counters = shared.usage.json();
    counters["events"] = json!({"published": published, "delivered_pubsub": pubsub, "delivered_browser": browsers});
    axum::Json(counters).into_response()
}
