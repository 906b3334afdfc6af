//! The payment page: from the link in the mail to the receipt.

mod about;
pub mod attempt;
pub mod bank;
pub mod code;
pub(in crate::web) mod form;
pub mod open;
pub mod page;
pub mod renew;
pub mod status;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::cookie::{self, Visitor};
use super::layout::Page;
use super::state::App;
use super::states::{self, Said};
use crate::domain::LinkId;
use crate::store::links::Link;

/// A state as a whole page.
pub fn say(app: &App, said: &Said, quote: Option<&str>) -> Response {
    let mut page = Page::new(&said.heading, said.body()).status(said.status);
    page.quote = quote;
    let mut response = page.respond(app);
    if let Some(seconds) = said.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Our fault: the log has the cause under the reference that the payer sees.
pub fn fault(app: &App, why: &str, nothing_charged: bool) -> Response {
    let reference: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    tracing::error!(reference, error = why, "a page failed");
    say(app, &states::our_fault(&reference, nothing_charged), None)
}

/// The visitor of a link's pages, or the page that is answered instead.
pub(super) async fn visitor(app: &App, link: &str, headers: &HeaderMap) -> Result<(Visitor, Link), Box<Response>> {
    visitor_of(app, link, headers, false).await
}

/// The same for a clerk's page, with `agent`.
pub(super) async fn visitor_of(
    app: &App,
    link: &str,
    headers: &HeaderMap,
    agent: bool,
) -> Result<(Visitor, Link), Box<Response>> {
    let unknown = || Box::new(say(app, &states::unknown(), None));
    let id = LinkId::parse(link).map_err(|_| unknown())?;
    let visitor =
        cookie::visitor(app, &id, headers).await.map_err(|error| Box::new(fault(app, &error.to_string(), true)))?;
    let Some(visitor) = visitor else { return Err(Box::new(say(app, &states::no_cookie(), None))) };
    let link =
        app.payments().store().link(&id).await.map_err(|error| Box::new(fault(app, &error.to_string(), true)))?;
    let link = link.ok_or_else(unknown)?;
    // A clerk's page is another one, with other rules.
    if !link.kind.opens(agent) {
        return Err(unknown());
    }
    Ok((visitor, link))
}

/// A 303: the browser reads the other page by GET, and a reload doesn't post again.
pub(in crate::web) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (axum::http::StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Whether our script asks, rather than a form.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}
