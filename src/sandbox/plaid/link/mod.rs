//! Link: the script that the payment page loads, the frame in which the customer finds the bank, and the bank's own page
//! for those that ask the customer to sign in there.

mod oauth;
mod session;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use super::refusal::Answer;
use super::server::Plaid;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Frames of the stand-in run nothing but the stand-in's own files.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action *; base-uri 'none'";

pub fn router() -> Router<Arc<Plaid>> {
    let asset = |kind: &'static str, body: &'static str| {
        get(async move |State(plaid): State<Arc<Plaid>>| {
            if plaid.faults.strikes("plaid_down") {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            page(kind, body.into_response())
        })
    };
    Router::new()
        .route("/link/v2/stable/link-initialize.js", asset(SCRIPT, include_str!("assets/link-initialize.js")))
        .route("/link/v2/stable/link.html", asset("text/html; charset=utf-8", include_str!("assets/link.html")))
        .route("/link/v2/stable/link.js", asset(SCRIPT, include_str!("assets/link.js")))
        .route("/link/v2/stable/link.css", asset(STYLE, include_str!("assets/link.css")))
        .route("/link/session/open", post(open))
        .route("/link/session/{id}", get(state))
        .route("/link/session/{id}/{act}", post(act))
        .route("/oauth/{state}", get(oauth::question).post(oauth::answered))
}

fn page(kind: &'static str, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn reply(answer: Answer) -> Response {
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(refusal.error())).into_response()
        }
    }
}

async fn open(State(plaid): State<Arc<Plaid>>, Json(wanted): Json<Value>) -> Response {
    reply(plaid.change(|world| session::open(world, &wanted)))
}

async fn state(State(plaid): State<Arc<Plaid>>, Path(id): Path<String>) -> Response {
    reply(plaid.change(|world| session::state(world, &id)))
}

async fn act(
    State(plaid): State<Arc<Plaid>>,
    Path((id, act)): Path<(String, String)>,
    Json(wanted): Json<Value>,
) -> Response {
    reply(plaid.change(|world| match act.as_str() {
        "sign_in" => session::sign_in(world, &id, &wanted),
        "oauth" => session::oauth(world, &id, &wanted),
        _ => session::finish(world, &id, &wanted),
    }))
}
