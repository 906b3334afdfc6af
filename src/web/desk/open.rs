//! /agent/{token}: opened by the button in Salesforce. A GET changes nothing; Continue uses the token up.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::pay::{fault, open, say, see_other};
use super::super::{cookie, layout::Page, state::App, states};
use crate::engine::clock::wall_ms;
use crate::store::links::Link;

#[derive(Deserialize)]
pub struct Continue {
    #[serde(default)]
    csrf: String,
}

/// GET (and HEAD)
pub async fn before(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (link, hash) = match open::find_one(&app, peer, &token, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if let Err(response) = still_good(&app, &link).await {
        return *response;
    }
    let body = html! {
        h1 { "Take a payment" }
        p class="lead" { "This page is for you alone, and opens once. Continue while the customer is on the phone." }
        form method="post" action={ "/agent/" (token) } {
            input type="hidden" name="csrf" value=(cookie::continue_csrf(&app, &hash));
            button type="submit" class="primary" { "Continue" }
        }
    };
    Page::new("Take a payment", body).respond(&app)
}

/// POST: of two presses one gets in.
pub async fn go_on(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Continue>,
) -> Response {
    let (link, hash) = match open::find_one(&app, peer, &token, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !cookie::same(&cookie::continue_csrf(&app, &hash), &form.csrf) {
        return say(&app, &states::page_too_old(), None);
    }
    match app.links.enter_desk(&link.id).await {
        Ok(true) => {}
        Ok(false) => {
            let used = still_good(&app, &link).await.err();
            return used.map_or_else(|| say(&app, &states::token_over(true), None), |response| *response);
        }
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    match cookie::sign_in(&app, &link.id, "/desk").await {
        Ok(cookie) => {
            let mut response = see_other(&format!("/desk/{}", link.id));
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

async fn still_good(app: &App, link: &Link) -> Result<(), Box<Response>> {
    let known = app.payments().store().desk_request(&link.id).await;
    match known.map_err(|error| Box::new(fault(app, &error.to_string(), true)))? {
        Some(request) if request.used_ms.is_some() => Err(Box::new(say(app, &states::token_over(true), None))),
        Some(request) if request.token_expires_ms > wall_ms() => Ok(()),
        _ => Err(Box::new(say(app, &states::token_over(false), None))),
    }
}
