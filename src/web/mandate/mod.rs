//! The customer's page of a bank account that was taken down on the phone: reached by mail, it takes the authorisation, and
//! days later what the statement shows.

pub mod open;
pub mod page;
pub mod press;

use axum::http::HeaderMap;
use axum::response::Response;

use super::cookie::{self, Visitor};
use super::pay::{fault, say};
use super::state::App;
use super::states;
use crate::domain::LinkId;
use crate::store::verifications::Verification;

/// Under what a browser is signed in to the page: it follows from the token, so that who came by a mail to another address
/// is signed in no more once the page was mailed elsewhere.
fn session_of(token_hash: &str) -> Option<LinkId> {
    LinkId::parse(token_hash.get(..36)?).ok()
}

/// Who is there, or the page that is answered instead.
async fn guard(app: &App, id: &str, headers: &HeaderMap) -> Result<(Visitor, Verification), Box<Response>> {
    let failed = |error: crate::store::Error| Box::new(fault(app, &error.to_string(), true));
    let one = app.payments().store().verification(id).await.map_err(failed)?;
    let session = one.as_ref().and_then(|one| session_of(one.token_hash.as_deref()?));
    let (Some(one), Some(session)) = (one, session) else {
        return Err(Box::new(say(app, &states::unknown(), None)));
    };
    match cookie::visitor(app, &session, headers).await.map_err(failed)? {
        Some(visitor) => Ok((visitor, one)),
        None => Err(Box::new(say(app, &states::no_cookie(), None))),
    }
}
