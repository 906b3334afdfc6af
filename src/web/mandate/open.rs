//! /m/{token}: what a mail scanner sees too. A GET changes nothing; a person presses Continue.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::limits::What;
use super::super::pay::{fault, say, see_other};
use super::super::{cookie, layout::Page, state::App, states};
use super::session_of;
use crate::domain::LinkId;
use crate::domain::link::{looks_like_token, token_hash};
use crate::domain::verification::Stage;
use crate::engine::receipts::money_words;
use crate::store::verifications::Verification;

#[derive(Deserialize)]
pub struct Continue {
    #[serde(default)]
    csrf: String,
}

/// A page by its token.
struct Found {
    one: Verification,
    hash: String,
    session: LinkId,
}

/// GET (and HEAD) /m/{token}
pub async fn before(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Found { one, hash, .. } = match find(&app, peer, &token, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let company = &app.settings.company.name;
    let amount = money_words(one.amount);
    let body = html! {
        h1 { "A bank payment to " bdi { (company) } }
        p class="lead" { strong class="money" { (amount) } " for invoice " bdi { (one.invoice_number) } "." }
        @match one.stage {
            Stage::Agreeing => p { "Continue to read what you are asked to authorise. Nothing is debited by that." },
            Stage::Waiting => p { "Continue to enter what your bank statement shows." },
            _ => p { "Continue to see how it stands." },
        }
        form method="post" action={ "/m/" (token) } {
            input type="hidden" name="csrf" value=(cookie::continue_csrf(&app, &hash));
            button type="submit" class="primary" { "Continue" }
        }
    };
    Page::new("A bank payment", body).quoting(&one.invoice_number).respond(&app)
}

/// POST /m/{token}: a scanner that posts forms breaks nothing.
pub async fn go_on(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Continue>,
) -> Response {
    let Found { one, hash, session } = match find(&app, peer, &token, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !cookie::same(&cookie::continue_csrf(&app, &hash), &form.csrf) {
        let mut said = states::form_too_old();
        said.to_do = "Open the page again to go on.".to_owned();
        let body = html! { (said.body()) p { a class="button primary" href={ "/m/" (token) } { "Open the page" } } };
        return Page::new(&said.heading, body).status(said.status).respond(&app);
    }
    let path = format!("/mandate/{}", one.id);
    match cookie::sign_in_at(&app, &session, &path).await {
        Ok(cookie) => {
            let mut response = see_other(&path);
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

async fn find(app: &App, peer: SocketAddr, token: &str, headers: &HeaderMap) -> Result<Found, Box<Response>> {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let client = app.client(peer.ip(), forwarded).to_string();
    let slow = |wait| Box::new(say(app, &states::too_many(wait), None));
    app.limits.take(What::Page, &client).map_err(slow)?;
    if looks_like_token(token) {
        let hash = token_hash(token);
        let one = app.payments().store().verification_by_token(&hash).await;
        let one = one.map_err(|error| Box::new(fault(app, &error.to_string(), true)))?;
        if let (Some(one), Some(session)) = (one, session_of(&hash)) {
            return Ok(Found { one, hash, session });
        }
    }
    app.limits.take(What::UnknownToken, &client).map_err(slow)?;
    Err(Box::new(say(app, &states::unknown(), None)))
}
