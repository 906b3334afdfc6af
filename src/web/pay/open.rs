//! /p/{token}: what a mail scanner sees too. A GET changes nothing; a person presses Continue.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::limits::What;
use super::super::{cookie, layout::Page, state::App, states};
use super::{fault, renew, say, see_other};
use crate::domain::link::{LinkUse, looks_like_token, token_hash};
use crate::engine::clock::wall_ms;
use crate::engine::receipts::{date_words, money_words};
use crate::store::links::Link;

#[derive(Deserialize)]
pub struct Continue {
    #[serde(default)]
    csrf: String,
}

/// GET (and HEAD) /p/{token}
pub async fn before(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (link, hash) = match find(&app, peer, &token, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let known = match app.payments().known_invoice(&link.invoice).await {
        Ok(known) => Some(known.invoice),
        Err(error) => {
            tracing::warn!(link.id = %link.id, error = %error, "the invoice could not be read for the first page");
            None
        }
    };
    let usage = link.usable(wall_ms());
    let company = &app.settings.company.name;
    let Some(invoice) = known else {
        if usage == LinkUse::Pays {
            return say(&app, &states::refused(&app, &crate::engine::payments::Refused::CannotCheck), None);
        }
        return say(&app, &states::link(&app, usage), None);
    };
    let standing = match app.payments().standing(&invoice).await {
        Ok(standing) => standing,
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    let paid = standing.balance().is_ok_and(|balance| balance.is_zero()) && !standing.settled.is_zero();
    // Expiry ends paying, never the receipt.
    let shows = paid || matches!(usage, LinkUse::Pays | LinkUse::Locked { .. });
    if !shows {
        let renewal =
            renew::offer(&link, &invoice, &standing, &format!("/p/{token}"), &cookie::continue_csrf(&app, &hash));
        return renew::ended(&app, usage, renewal, &invoice.number, None);
    }
    let csrf = cookie::continue_csrf(&app, &hash);
    let body = html! {
        h1 { "Invoice " bdi { (invoice.number) } " from " bdi { (company) } }
        @if paid {
            p class="lead" { "This invoice is paid. Continue to see it and its receipts." }
        } @else {
            p class="lead" {
                bdi { (company) } " sent you this invoice; "
                strong class="money" { (standing.balance().map(money_words).unwrap_or_default()) }
                " is open"
                @if let Some(due) = invoice.due { ", due " (date_words(due)) }
                "."
            }
            p { "Continue to see it and pay." }
        }
        form method="post" action={ "/p/" (token) } {
            input type="hidden" name="csrf" value=(csrf);
            button type="submit" class="primary" { "Continue" }
        }
    };
    let title = format!("Invoice {}", invoice.number);
    Page::new(&title, body).quoting(&invoice.number).respond(&app)
}

/// POST /p/{token}: a mailed link survives it, so a scanner that posts forms breaks nothing.
pub async fn go_on(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Continue>,
) -> Response {
    let (link, hash) = match find(&app, peer, &token, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !cookie::same(&cookie::continue_csrf(&app, &hash), &form.csrf) {
        let mut said = states::form_too_old();
        said.to_do = "Open the invoice again to go on.".to_owned();
        let body = html! { (said.body()) p { a class="button primary" href={ "/p/" (token) } { "Open the invoice" } } };
        return Page::new(&said.heading, body).status(said.status).respond(&app);
    }
    match cookie::sign_in(&app, &link.id, "/pay").await {
        Ok(cookie) => {
            let mut response = see_other(&format!("/pay/{}", link.id));
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

pub(super) async fn find(
    app: &App,
    peer: SocketAddr,
    token: &str,
    headers: &HeaderMap,
) -> Result<(Link, String), Box<Response>> {
    find_one(app, peer, token, headers, false).await
}

/// The link of a token; `agent` for a clerk's.
pub(in crate::web) async fn find_one(
    app: &App,
    peer: SocketAddr,
    token: &str,
    headers: &HeaderMap,
    agent: bool,
) -> Result<(Link, String), Box<Response>> {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let client = app.client(peer.ip(), forwarded).to_string();
    let slow = |wait| Box::new(say(app, &states::too_many(wait), None));
    let unknown = || Box::new(say(app, &states::unknown(), None));
    app.limits.take(What::Page, &client).map_err(slow)?;
    if !looks_like_token(token) {
        app.limits.take(What::UnknownToken, &client).map_err(slow)?;
        return Err(unknown());
    }
    let hash = token_hash(token);
    let found = app.payments().store().link_by_token_hash(&hash).await;
    match found.map_err(|error| Box::new(fault(app, &error.to_string(), true)))? {
        // A clerk's token opens no customer's page, nor the other way round.
        Some(link) if !link.kind.opens(agent) => Err(unknown()),
        Some(link) => Ok((link, hash)),
        None => {
            // The event may be late or lost; the org knows the hash of a copied link.
            app.limits.take(What::UnknownToken, &client).map_err(slow)?;
            if app.limits.take(What::LookUp, "all").is_err() {
                return Err(unknown());
            }
            match app.links.look_up(&hash).await {
                Ok(Some(link)) if link.kind.opens(agent) => Ok((link, hash)),
                Ok(_) => Err(unknown()),
                Err(error) => {
                    tracing::warn!(error = %error, "an unknown token could not be looked up");
                    Err(unknown())
                }
            }
        }
    }
}
