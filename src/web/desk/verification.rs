//! How far a bank account is verified, and what the customer reads on the statement, entered by a clerk.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::deposits::{self, Read, Who};
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::{fault, say, see_other, visitor_of, wants_json};
use super::super::state::App;
use super::super::states::{self, Said};
use crate::domain::link::LinkUse;
use crate::domain::verification::{Mail, Stage};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Told, sentence};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::store::verifications::Verification;
use crate::stripe::Priority;

/// GET /desk/{link}/verifications/{id}
pub async fn page(State(app): State<App>, Path((link, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match guard(&app, &link, &id, &headers).await {
        Ok((_, _, one)) if wants_json(&headers) => Json(json!({ "mark": mark(&one) })).into_response(),
        Ok((visitor, link, one)) => show(&app, &visitor, &link, &one, None, &Read::default()).await,
        Err(response) => *response,
    }
}

/// POST /desk/{link}/verifications/{id}
pub async fn deposits(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(read): Form<Read>,
) -> Response {
    let (visitor, link, one) = match guard(&app, &link, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let refuse = async |said: Said, one: &Verification| show(&app, &visitor, &link, one, Some(&said), &read).await;
    if let Err(said) = may_act(&app, &visitor, &link, &read.csrf) {
        return refuse(*said, &one).await;
    }
    if uuid::Uuid::parse_str(&read.press).is_err() {
        return refuse(states::form_too_old(), &one).await;
    }
    let values = match deposits::values(&one, &read) {
        Ok(values) => values,
        Err(said) => return refuse(*said, &one).await,
    };
    let told = match app.payments().tell_deposits(&one, &read.press, &values).await {
        Ok(told) => told,
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    match told {
        Told::Taken => {
            if let Err(error) = app.payments().carry_on(&one.id, Priority::Customer).await {
                tracing::warn!(verification.id = %one.id, %error, "a verified account waits to be debited");
            }
            see_other(&format!("/desk/{}/verifications/{}", link.id, one.id))
        }
        Told::Wrong { left } => {
            let one = match app.payments().store().verification(&one.id).await {
                Ok(now) => now.unwrap_or(one),
                Err(error) => return fault(&app, &error.to_string(), true),
            };
            refuse(deposits::wrong(&one, left, Who::Clerk), &one).await
        }
        Told::NotAsked => see_other(&format!("/desk/{}/verifications/{}", link.id, one.id)),
        Told::StripeDown => refuse(deposits::not_known(), &one).await,
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Stop {
    #[serde(default)]
    csrf: String,
}

/// POST …/stop: the customer takes it back.
pub async fn stop(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Stop>,
) -> Response {
    let (visitor, link, one) = match guard(&app, &link, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if let Err(said) = may_act(&app, &visitor, &link, &form.csrf) {
        return show(&app, &visitor, &link, &one, Some(&said), &Read::default()).await;
    }
    match app.payments().stop_verification(&one).await {
        Ok(()) => see_other(&format!("/desk/{}/verifications/{}", link.id, one.id)),
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

/// Any clerk who may take payments on the invoice goes on with what another began.
pub(super) async fn guard(
    app: &App,
    link: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<(Visitor, Link, Verification), Box<Response>> {
    let (visitor, link) = visitor_of(app, link, headers, true).await?;
    match app.payments().store().verification(id).await {
        Ok(Some(one)) if one.invoice == link.invoice => Ok((visitor, link, one)),
        Ok(_) => Err(Box::new(say(app, &states::unknown(), None))),
        Err(error) => Err(Box::new(fault(app, &error.to_string(), true))),
    }
}

pub(super) fn may_act(app: &App, visitor: &Visitor, link: &Link, csrf: &str) -> Result<(), Box<Said>> {
    if !visitor.wrote(csrf) {
        return Err(Box::new(states::form_too_old()));
    }
    if link.usable(wall_ms()) != LinkUse::Pays {
        return Err(Box::new(states::page_ran_out()));
    }
    app.limits.take(What::Pay, link.id.as_str()).map_err(|wait| Box::new(states::too_many(wait)))
}

/// The page, with what was refused above it.
pub(super) async fn show(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    one: &Verification,
    said: Option<&Said>,
    read: &Read,
) -> Response {
    let heading = match one.stage {
        Stage::Agreeing => "Waiting for the customer",
        Stage::Starting | Stage::Waiting => "The account is being verified",
        Stage::Verified | Stage::Charging | Stage::Charged => "The account is verified",
        Stage::Unpayable => "Nothing was charged",
        Stage::Failed => "The account could not be verified",
        Stage::Stopped => "The verification was stopped",
    };
    let at = format!("/desk/{}/verifications/{}", link.id, one.id);
    let asks = one.stage == Stage::Waiting && one.way.is_some();
    // A page on which values are typed is not taken away while they are.
    let follows = one.stage.is_under_way() && !asks;
    let mail_to = if one.stage.may_mail() { address(app, one).await } else { None };
    let body = html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { (heading) }
        p class="lead" { (sentence(one)) }
        dl {
            div { dt { "Invoice" } dd { bdi { (one.invoice_number) } } }
            div { dt { "Amount" } dd class="money" { (money_words(one.amount)) } }
            div { dt { "Account" } dd { bdi { (one.words()) } } }
            div { dt { "Held by" } dd { bdi { (one.holder) } } }
        }
        @if one.stage == Stage::Agreeing {
            p { "The customer opens the link in the mail, reads the authorisation, and presses " strong { "I authorise this debit" }
                ". This page shows it by itself. You can close it: Take Payment on the invoice leads back here, for 24 hours." }
        }
        @if asks { (ask(&at, visitor, one, said, read)) }
        @if follows { p { a class="button" id="follow" data-mark=(mark(one)) href=(at) { "Look again" } } }
        @if matches!(one.stage, Stage::Starting | Stage::Waiting) {
            p { "You can close this page. Take Payment on the invoice leads back here, in days too. Deposits that nobody tells end after ten days." }
        }
        @if let Some(address) = &mail_to {
            form method="post" action={ (at) "/mail" } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                input type="hidden" name="press" value=(uuid::Uuid::new_v4());
                input type="hidden" name="mail_to" value=(address);
                button type="submit" class="secondary" id="mail-again" { "Mail the page to " bdi { (address) } @if one.mail_to.is_some() { " again" } }
            }
        }
        @if one.stage.may_stop() {
            form method="post" action={ (at) "/stop" } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                button type="submit" class="secondary" { "The customer takes it back: stop" }
            }
        } @else {
            p { a class="button" href={ "/desk/" (link.id) } { "Back to the payment" } }
        }
    };
    let title = match said {
        Some(said) => format!("Error: {} – {heading}", said.heading),
        None => heading.to_owned(),
    };
    let scripts = [assets::FOLLOW.path.as_str()];
    let mut page =
        Page::new(&title, body).quoting(&one.invoice_number).with_scripts(if follows { &scripts } else { &[] });
    if let Some(said) = said {
        page = page.status(said.status);
    }
    page.respond(app)
}

/// What the page that follows compares.
fn mark(one: &Verification) -> String {
    format!("{} {}", one.stage.name(), one.mail.map(Mail::name).unwrap_or_default())
}

/// Where the customer's page would be mailed: what Salesforce says, else where it was mailed last. It is read again at the press.
async fn address(app: &App, one: &Verification) -> Option<String> {
    match app.payments().known_invoice(&one.invoice).await {
        Ok(known) => known.invoice.email,
        Err(_) => one.mail_to.clone(),
    }
}

fn ask(at: &str, visitor: &Visitor, one: &Verification, said: Option<&Said>, read: &Read) -> Markup {
    html! {
        (deposits::form(at, &visitor.csrf, one, said, read, Who::Clerk))
        @if let Some(url) = &one.hosted_url {
            p { "The customer can do this alone on the mailed page, or on "
                a href=(url) target="_blank" rel="noopener noreferrer" { "Stripe's page" } "." }
        }
    }
}
