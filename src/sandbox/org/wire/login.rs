//! `/services/oauth2` and the identity that tokens point to.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::oauth::Request;
use super::rest::parameters;
use super::shared::Shared;
use crate::sandbox::org::host::User;

pub(super) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if shared.faults.strikes("salesforce_down") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    shared.usage.count_login();
    let form = parameters(&String::from_utf8_lossy(&body));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let shared_login = host.starts_with("login.") || host.starts_with("test.");
    if shared_login && form.get("grant_type").is_some_and(|grant| grant == "client_credentials") {
        let body = json!({"error": "invalid_grant", "error_description": "request not supported on this domain"});
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    let request = Request {
        form: &form,
        authorization: headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()),
        login_url: &shared.login_url,
        audiences: &shared.audiences,
    };
    let reply = shared.clients.token(&request, &shared.sessions);
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = (status, axum::Json(reply.body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache, no-store"));
    response
}

/// Ends a session. Salesforce answers 200 with nothing, and refuses tokens that it does not know.
pub(super) async fn revoke(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let mut form = parameters(&String::from_utf8_lossy(&body));
    form.extend(parameters(&query.unwrap_or_default()));
    if form.get("token").is_some_and(|token| shared.sessions.revoke(token)) {
        return StatusCode::OK.into_response();
    }
    let body = json!({"error": "unsupported_token_type", "error_description": "this token is not known"});
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

pub(super) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match shared.session(&headers) {
        Some(session) => axum::Json(identity(&shared, &session.user)).into_response(),
        None => (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response(),
    }
}

/// `/id/{organization}/{user}`, where a token's `id` points to.
pub(super) async fn id(
    State(shared): State<Arc<Shared>>,
    Path((organization, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(session) = shared.session(&headers) else {
        return (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response();
    };
    if organization.get(..15) != shared.sessions.organization().get(..15) || user.get(..15) != session.user.id.get(..15)
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    axum::Json(identity(&shared, &session.user)).into_response()
}

fn identity(shared: &Shared, user: &User) -> serde_json::Value {
    let organization = shared.sessions.organization();
    json!({
        "sub": format!("{}/id/{organization}/{}", shared.login_url, user.id),
        "user_id": user.id,
        "organization_id": organization,
        "preferred_username": user.username,
        "username": user.username,
        "nickname": user.name,
        "name": user.name,
        "email": user.username,
        "email_verified": true,
        "zoneinfo": user.time_zone,
        "language": user.language,
        "active": true,
        "urls": {"rest": format!("{}/services/data/v{{version}}/", shared.login_url)},
    })
}
