//! What load balancers and Prometheus ask.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::state::App;

/// GET /healthz: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// GET /readyz: it can do its work.
pub async fn readyz(State(app): State<App>) -> Response {
    let missing = (app.not_ready)();
    let sweep = (!app.payments().is_open()).then(|| "the first sweep of Stripe has not run through yet".to_owned());
    match missing.or(sweep) {
        None => "ready\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

/// GET /metrics
pub async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.metrics)()).into_response()
}
