//! "Send a new link": on the page of a mailed link that ran out or was replaced, while the invoice still owes.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::limits::What;
use super::super::{cookie, layout::Page, state::App, states};
use super::{fault, open, say, see_other, visitor};
use crate::domain::link::LinkUse;
use crate::domain::payable::Standing;
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Invoice, InvoiceStatus};
use crate::store::links::Link;

#[derive(Deserialize)]
pub struct Ask {
    #[serde(default)]
    csrf: String,
}

/// The button, where another link would be of use. `page` is the address of the page that it stands on.
pub(super) fn offer(link: &Link, invoice: &Invoice, standing: &Standing, page: &str, csrf: &str) -> Option<Markup> {
    let owes = invoice.status == InvoiceStatus::Open && standing.balance().is_ok_and(|balance| !balance.is_zero());
    if !owes || !link.is_renewable(wall_ms()) {
        return None;
    }
    let again = matches!(link.usable(wall_ms()), LinkUse::Replaced);
    Some(html! {
        form method="post" action={ (page) "/renew" } {
            input type="hidden" name="csrf" value=(csrf);
            button type="submit" class="primary" { @if again { "Send it again" } @else { "Send a new link" } }
        }
    })
}

/// The page of a link that doesn't pay.
pub(super) fn ended(
    app: &App,
    usage: LinkUse,
    renewal: Option<Markup>,
    number: &str,
    history: Option<Markup>,
) -> Response {
    let said = states::ended_link(app, usage, renewal.is_some());
    let body = html! {
        (said.body())
        @if let Some(renewal) = renewal { (renewal) }
        @if let Some(history) = history { (history) }
    };
    let mut response = Page::new(&said.heading, body).status(said.status).quoting(number).respond(app);
    if let Some(seconds) = said.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// POST /p/{token}/renew
pub async fn by_token(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Ask>,
) -> Response {
    let (link, hash) = match open::find(&app, peer, &token, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let wrote = cookie::same(&cookie::continue_csrf(&app, &hash), &form.csrf);
    renew(&app, &link, wrote, &format!("/p/{token}")).await
}

/// POST /pay/{link}/renew
pub async fn by_visitor(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Ask>,
) -> Response {
    match visitor(&app, &link, &headers).await {
        Ok((visitor, link)) => renew(&app, &link, visitor.wrote(&form.csrf), &format!("/pay/{}", link.id)).await,
        Err(response) => *response,
    }
}

/// The wish is durable before it is answered; what comes of it is not told.
async fn renew(app: &App, link: &Link, wrote: bool, page: &str) -> Response {
    if !wrote {
        let mut said = states::form_too_old();
        said.to_do = "Open the link again, then press the button once more.".to_owned();
        let body = html! { (said.body()) p { a class="button primary" href=(page) { "Open the link" } } };
        return Page::new(&said.heading, body).status(said.status).respond(app);
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return say(app, &states::too_many(wait), None);
    }
    match app.links.ask_renewal(link).await {
        Ok(()) => see_other(&format!("{page}/renew")),
        Err(error) => fault(app, &error.to_string(), true),
    }
}

/// GET /p/{token}/renew: after the press.
pub async fn told(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match open::find(&app, peer, &token, &headers).await {
        Ok(_) => say(&app, &states::renewed(&app), None),
        Err(response) => *response,
    }
}

/// GET /pay/{link}/renew
pub async fn told_visitor(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor(&app, &link, &headers).await {
        Ok(_) => say(&app, &states::renewed(&app), None),
        Err(response) => *response,
    }
}
