//! The press of Send the customer a link: the letter goes out by the queue, whatever becomes of this page.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::{fault, say, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use crate::domain::link::LinkUse;
use crate::engine::clock::wall_ms;
use crate::engine::links::Instead;
use crate::engine::payments::Error;
use crate::store::links::Link;

#[derive(Deserialize)]
pub struct Send {
    #[serde(default)]
    csrf: String,
}

/// POST /desk/{link}/send
pub async fn send(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Send>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        return say(&app, &states::page_too_old(), None);
    }
    if link.usable(wall_ms()) != LinkUse::Pays {
        return say(&app, &states::page_ran_out(), None);
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return say(&app, &states::too_many(wait), None);
    }
    match address(&app, &link).await {
        Ok(None) => return say(&app, &states::no_address(), None),
        Ok(Some(_)) => {}
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    match app.links.ask_instead(&link, Instead::Pressed).await {
        Ok(()) => see_other(&format!("/desk/{}/send", link.id)),
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

/// GET /desk/{link}/send: after the press.
pub async fn sent(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let (_, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    match app.links.asked_instead(&link).await {
        Ok(true) => {}
        Ok(false) => return see_other(&format!("/desk/{}", link.id)),
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    let said = match address(&app, &link).await {
        Ok(Some(to)) => Said::new(
            200,
            "The customer gets a link",
            format!("It is on its way to {to}. Nothing was charged by this page."),
            "Stay on the phone while the customer opens it; the invoice in Salesforce shows what happens. From one page one letter \
             goes out: if it does not arrive, press Send Payment Link on the invoice.",
        ),
        Ok(None) => states::no_address(),
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    let body = html! {
        (said.body())
        p { a class="button" href={ "/desk/" (link.id) } { "Back to the payment" } }
    };
    Page::new(&said.heading, body).respond(&app)
}

/// Where the letter goes, by what is known of the invoice.
pub(super) async fn address(app: &App, link: &Link) -> Result<Option<String>, Error> {
    let known = match app.payments().copied_invoice(&link.invoice).await? {
        Some((_, invoice)) => invoice,
        None => app.payments().known_invoice(&link.invoice).await?.invoice,
    };
    Ok(known.email)
}
