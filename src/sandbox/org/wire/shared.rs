//! What every door of the org shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::oauth::{Clients, Session, Sessions};
use super::rest::{Answer, Api, Body, Call, Refusal};
use super::usage::Usage;
use crate::sandbox::faults::Faults;
use crate::sandbox::org::Org;
use crate::sandbox::org::bus::Bus;
use crate::sandbox::org::host::{Fault, Host, Program, User};

pub(super) struct Shared {
    pub org: Arc<Org>,
    pub program: Arc<dyn Program>,
    pub bus: Arc<Bus>,
    pub faults: Arc<Faults>,
    pub sessions: Arc<Sessions>,
    pub clients: Arc<Clients>,
    pub usage: Arc<Usage>,
    pub api: Api,
    /// Where clients reach this org: what tokens give as `instance_url`.
    pub login_url: String,
    /// Everything that an assertion's `aud` may say.
    pub audiences: Vec<String>,
}

impl Shared {
    /// The session of `Authorization: Bearer …`; `OAuth …` is the older word for it.
    pub fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
        if known { self.sessions.find(token.trim()) } else { None }
    }

    /// As [`Shared::session`]; browsers that cannot set a header give the token as a parameter.
    pub fn session_or_parameter(&self, headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Option<Session> {
        let by_parameter = || self.sessions.find(parameters.get("access_token")?);
        self.session(headers).or_else(by_parameter)
    }

    /// Runs work in a transaction, which is kept only if its answer is good.
    pub fn transact(
        &self,
        user: &User,
        work: impl FnOnce(&mut dyn Host) -> Result<Answer, Refusal>,
    ) -> Result<Answer, Refusal> {
        let mut outcome = None;
        let ran = self.org.run(user, |transaction| {
            let answer = work(transaction);
            let keep = matches!(&answer, Ok(answer) if !answer.undo);
            outcome = Some(answer);
            if keep { Ok(()) } else { Err(undone()) }
        });
        match (outcome, ran) {
            (Some(Ok(answer)), Err(fault)) if !answer.undo => Err(fault.into()),
            (Some(outcome), _) => outcome,
            (None, Err(fault)) => Err(fault.into()),
            (None, Ok(())) => Err(Refusal::new(500, "UNKNOWN_EXCEPTION", "The transaction gave no answer")),
        }
    }

    /// `api-usage=18/15000`
    pub fn limit_info(&self) -> String {
        let (used, allowed) = self.usage.api(self.bus.now());
        format!("api-usage={used}/{allowed}")
    }

    /// Whether a call of this path is a file's content or other bytes.
    pub fn respond(&self, outcome: Result<Answer, Refusal>) -> Response {
        let mut response = match outcome {
            Ok(answer) => {
                let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = match answer.body {
                    Body::None => status.into_response(),
                    Body::Json(json) => (status, axum::Json(json)).into_response(),
                    Body::Bytes(bytes) => {
                        (status, [(header::CONTENT_TYPE, "application/octetstream")], bytes).into_response()
                    }
                };
                if let Some(Ok(location)) = answer.location.map(|location| location.parse()) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Err(refusal) => refused(&refusal),
        };
        if let Ok(value) = self.limit_info().parse() {
            response.headers_mut().insert("Sforce-Limit-Info", value);
        }
        response
    }
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(refusal.body())).into_response()
}

pub(super) fn no_session() -> Refusal {
    Refusal::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
}

/// A call's headers, with lower-case names.
pub(super) fn header_map(headers: &HeaderMap) -> BTreeMap<String, String> {
    let pairs = headers.iter();
    pairs.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}

/// A REST call with its body, or why it is none.
pub(super) fn parse(method: http::Method, uri: &http::Uri, headers: &HeaderMap, body: &[u8]) -> Result<Call, Refusal> {
    let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
    let mut call = Call::parse(method, target)?;
    call.headers = header_map(headers);
    if !body.is_empty() {
        let kind = call.headers.get(header::CONTENT_TYPE.as_str()).map(String::as_str).unwrap_or("application/json");
        if !kind.to_lowercase().contains("json") {
            let message = format!("Content type {kind} is not taken here; send application/json");
            return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
        }
        let malformed =
            |error: serde_json::Error| Refusal::bad("JSON_PARSER_ERROR", format!("The body is not JSON: {error}"));
        call.body = Some(serde_json::from_slice(body).map_err(malformed)?);
    }
    Ok(call)
}

/// Tells the org to take the transaction back; nobody sees it.
fn undone() -> Fault {
    Fault {
        exception: "System.UnexpectedException".to_owned(),
        message: String::from("the call was refused"),
        rows: Vec::new(),
        stack: Vec::new(),
        uncatchable: true,
    }
}
