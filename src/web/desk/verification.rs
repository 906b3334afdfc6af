//! How far a bank account is verified, and what the customer reads on the statement, entered by a clerk.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::{fault, say, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use crate::domain::link::LinkUse;
use crate::domain::verification::{Stage, Way, read_code, read_deposit};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Told, Values, sentence};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::store::verifications::Verification;
use crate::stripe::Priority;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Read {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    first: String,
    #[serde(default)]
    second: String,
    #[serde(default)]
    code: String,
}

/// GET /desk/{link}/verifications/{id}
pub async fn page(State(app): State<App>, Path((link, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match guard(&app, &link, &id, &headers).await {
        Ok((visitor, link, one)) => show(&app, &visitor, &link, &one, None, &Read::default()),
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
    let refuse = |said: Said, one: &Verification| show(&app, &visitor, &link, one, Some(&said), &read);
    if let Err(said) = may_act(&app, &visitor, &link, &read.csrf) {
        return refuse(*said, &one);
    }
    if uuid::Uuid::parse_str(&read.press).is_err() {
        return refuse(states::form_too_old(), &one);
    }
    let values = match values(&one, &read) {
        Ok(values) => values,
        Err(said) => return refuse(*said, &one),
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
            refuse(wrong(&one, left), &one)
        }
        Told::NotAsked => see_other(&format!("/desk/{}/verifications/{}", link.id, one.id)),
        Told::StripeDown => refuse(
            Said::new(
                503,
                "Stripe does not answer",
                "It is not known yet whether this try was counted. Nothing was charged.",
                "Press again in a minute; the same press is the same try.",
            ),
            &one,
        ),
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
        return show(&app, &visitor, &link, &one, Some(&said), &Read::default());
    }
    match app.payments().stop_verification(&one).await {
        Ok(()) => see_other(&format!("/desk/{}/verifications/{}", link.id, one.id)),
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

/// Any clerk who may take payments on the invoice goes on with what another began.
async fn guard(
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

fn may_act(app: &App, visitor: &Visitor, link: &Link, csrf: &str) -> Result<(), Box<Said>> {
    if !visitor.wrote(csrf) {
        return Err(Box::new(states::form_too_old()));
    }
    if link.usable(wall_ms()) != LinkUse::Pays {
        return Err(Box::new(states::page_ran_out()));
    }
    app.limits.take(What::Pay, link.id.as_str()).map_err(|wait| Box::new(states::too_many(wait)))
}

fn values(one: &Verification, read: &Read) -> Result<Values, Box<Said>> {
    let said = |heading: &str, to_do: &str, field: &'static str| {
        Box::new(Said::new(422, heading, "No try was used up. Nothing was charged.", to_do).at(field))
    };
    match one.way {
        Some(Way::Code) => read_code(&read.code).map(Values::Code).ok_or_else(|| {
            said("That is no such code", "Enter the six characters beside the deposit; they begin with SM", "code")
        }),
        _ => {
            let cents = |text: &str, field| {
                read_deposit(text).ok_or_else(|| {
                    said("A deposit is between $0.01 and $0.99", "Enter both amounts, as 0.32 and 0.45", field)
                })
            };
            Ok(Values::Amounts(cents(&read.first, "first")?, cents(&read.second, "second")?))
        }
    }
}

fn wrong(one: &Verification, left: i64) -> Said {
    let (what, field) = match one.way {
        Some(Way::Code) => ("The code is not the one beside the deposit", "code"),
        _ => ("The amounts are not those of the deposits", "first"),
    };
    let tries = crate::engine::payments::tries_left(left);
    Said::new(422, what, format!("Nothing was charged. {tries}"), "Have the customer look at the statement again")
        .at(field)
}

fn show(app: &App, visitor: &Visitor, link: &Link, one: &Verification, said: Option<&Said>, read: &Read) -> Response {
    let heading = match one.stage {
        Stage::Agreeing => "Waiting for the customer",
        Stage::Starting | Stage::Waiting => "The account is being verified",
        Stage::Verified | Stage::Charging | Stage::Charged => "The account is verified",
        Stage::Unpayable => "Nothing was charged",
        Stage::Failed => "The account could not be verified",
        Stage::Stopped => "The verification was stopped",
    };
    let asks = one.stage == Stage::Waiting && one.way.is_some();
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
        @if asks { (ask(visitor, link, one, said, read)) }
        @if matches!(one.stage, Stage::Starting | Stage::Waiting) {
            p { "You can close this page. Take Payment on the invoice leads back here, in days too. Deposits that nobody tells end after ten days." }
        }
        @if one.stage.may_stop() {
            form method="post" action={ "/desk/" (link.id) "/verifications/" (one.id) "/stop" } {
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
    let mut page = Page::new(&title, body).quoting(&one.invoice_number);
    if let Some(said) = said {
        page = page.status(said.status);
    }
    page.respond(app)
}

fn ask(visitor: &Visitor, link: &Link, one: &Verification, said: Option<&Said>, read: &Read) -> Markup {
    let left = one.tries_left.map(crate::engine::payments::tries_left);
    let code = one.way == Some(Way::Code);
    // Where it isn't known whether a try was counted, the next press is the same one.
    let unknown = said.is_some_and(|said| said.status == StatusCode::SERVICE_UNAVAILABLE);
    let press = if unknown { read.press.clone() } else { uuid::Uuid::new_v4().to_string() };
    html! {
        form method="post" action={ "/desk/" (link.id) "/verifications/" (one.id) } novalidate {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="press" value=(press);
            fieldset {
                legend { "What the customer reads on the statement" }
                @if code {
                    (field("code", "Code beside the deposit of $0.01", "Six characters that begin with SM", &read.code, said))
                } @else {
                    (field("first", "First deposit", "In dollars, as 0.32", &read.first, said))
                    (field("second", "Second deposit", "In dollars, as 0.45", &read.second, said))
                }
                @if let Some(left) = left { p { (left) } }
            }
            button type="submit" class="primary" id="tell" { "Verify the account" }
        }
        @if let Some(url) = &one.hosted_url {
            p { "The customer can do this alone on "
                a href=(url) target="_blank" rel="noopener noreferrer" { "Stripe's page" }
                "; Stripe mails its address where its e-mails are switched on." }
        }
    }
}

fn field(id: &'static str, name: &str, hint: &str, value: &str, said: Option<&Said>) -> Markup {
    let error = said.filter(|said| said.field == Some(id));
    html! {
        div class="field" {
            label for=(id) { (name) }
            p class="quiet" id={ (id) "-hint" } { (hint) }
            @if let Some(said) = error { p class="field-error" id={ (id) "-error" } { (said.to_do) } }
            input type="text" id=(id) name=(id) value=(value) autocomplete="off" spellcheck="false" dir="ltr" maxlength="20"
                inputmode=(if id == "code" { "text" } else { "decimal" })
                aria-invalid=[error.map(|_| "true")]
                aria-describedby=(if error.is_some() { format!("{id}-hint {id}-error") } else { format!("{id}-hint") });
        }
    }
}
