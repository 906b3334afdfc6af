//! `/services/data`: the way of one HTTP request through session, allowance and faults to the API and back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::oauth::Session;
use super::rest::{Answer, Api, Call, Composite, Refusal, versions};
use super::shared::{Shared, no_session, parse, refused};
use crate::sandbox::tls::Peer;

/// URI and headers together may not be longer.
const LONGEST_HEAD: usize = 16_384;
const SLOW: Duration = Duration::from_secs(3);

pub(super) async fn list_versions() -> Response {
    axum::Json(versions()).into_response()
}

pub(super) async fn data(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if head + uri.to_string().len() > LONGEST_HEAD {
        return refused(&Refusal::new(414, "URI_TOO_LONG", "URI and headers together are longer than 16,384 bytes"));
    }
    let Some(session) = shared.session(&headers) else { return refused(&no_session()) };
    let call = match parse(method, &uri, &headers, &body) {
        Ok(call) => call,
        Err(refusal) => return shared.respond(Err(refusal)),
    };
    if !shared.usage.count(&session.user.username, Api::kind(&call), shared.bus.now()) {
        return shared.respond(Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")));
    }
    let strikes = |fault| !session.is_lasting() && shared.faults.strikes(fault);
    if strikes("salesforce_down") {
        return broken();
    }
    if strikes("too_many_requests") {
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
        return shared.respond(Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", message)));
    }
    if strikes("slow") {
        tokio::time::sleep(SLOW).await;
    }
    let breaks = strikes("server_error");
    // Half of the failures come before the effect, half after it: a client cannot know which.
    if breaks && rand::random::<bool>() {
        return broken();
    }
    let loses = strikes("lost_reply");
    let worker = Arc::clone(&shared);
    let outcome = tokio::task::spawn_blocking(move || perform(&worker, &session, &call)).await;
    if loses {
        peer.cut();
        return std::future::pending().await;
    }
    match outcome {
        Ok(_) if breaks => broken(),
        Ok(outcome) => shared.respond(outcome),
        Err(error) => {
            tracing::error!(%error, "a REST call failed inside the sandbox");
            shared.respond(Err(Refusal::new(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred")))
        }
    }
}

/// As a gateway in front of the org answers: no JSON.
fn broken() -> Response {
    let page = "<html><body><h1>503 Service Unavailable</h1></body></html>";
    (StatusCode::SERVICE_UNAVAILABLE, axum::response::Html(page)).into_response()
}

fn perform(shared: &Shared, session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let user = &session.user;
    if call.segments() != ["composite"] {
        return shared.transact(user, |host| shared.api.answer(host, call, false));
    }
    if call.method != Method::POST {
        return Err(Refusal::method(&call.method));
    }
    let composite = Composite::parse(call)?;
    if composite.all_or_none {
        shared.transact(user, |host| Ok(composite.run(|part| shared.api.answer(host, part, true))))
    } else {
        Ok(composite.run(|part| shared.transact(user, |host| shared.api.answer(host, part, false))))
    }
}
