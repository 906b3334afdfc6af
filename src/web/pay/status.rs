//! An attempt's own page: under way, paid, declined, unknown. Only what was read at Stripe is told.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::state::App;
use super::super::states::{self, Said};
use super::attempt::{refusal_json, said_json};
use super::{fault, say, see_other, visitor, wants_json};
use crate::domain::attempt::MethodKind;
use crate::engine::payments::Outcome;
use crate::engine::receipts::{date_words, money_words, time_words};
use crate::store::attempts::Attempt;
use crate::store::links::Link;

#[derive(Deserialize)]
pub struct Check {
    #[serde(default)]
    csrf: String,
}

/// GET …/return: the way back from the bank. Stripe puts the client secret into this address, so it is left at once.
pub async fn back(Path((link, attempt)): Path<(String, String)>) -> Response {
    see_other(&format!("/pay/{link}/attempts/{attempt}?back"))
}

/// GET: what we know without asking Stripe. The script, or a press, asks.
pub async fn page(State(app): State<App>, Path((link, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let attempt = match own(&app, &link, &id).await {
        Ok(attempt) => attempt,
        Err(response) => return *response,
    };
    match app.payments().known_outcome(&attempt).await {
        Ok(outcome) => outcome_page(&app, &visitor, &link, &attempt, &outcome).await,
        Err(error) => fault(&app, &error.to_string(), false),
    }
}

/// POST …/check: reads the intent at Stripe, books it, and tells.
pub async fn check(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Check>,
) -> Response {
    let json = wants_json(&headers);
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(_) if json => return refusal_json(&states::no_cookie(), None),
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        let said = states::page_too_old();
        return if json { refusal_json(&said, None) } else { say(&app, &said, None) };
    }
    if own(&app, &link, &id).await.is_err() {
        return say(&app, &states::unknown(), None);
    }
    let reading = match app.payments().check(&id).await {
        Ok(Some(reading)) => reading,
        Ok(None) => return say(&app, &states::unknown(), None),
        Err(error) if json => {
            tracing::error!(attempt.id = %id, error = %error, "an attempt could not be read");
            return Json(json!({ "state": "unknown" })).into_response();
        }
        Err(error) => return fault(&app, &error.to_string(), false),
    };
    let url = format!("/pay/{}/attempts/{id}", link.id);
    if json {
        return Json(told(&reading.outcome, &reading.attempt, &url, &link)).into_response();
    }
    match &reading.outcome {
        Outcome::NeedsAction { redirect: Some(to) } => see_other(to),
        Outcome::Declined(_) | Outcome::Canceled | Outcome::Open => see_other(&format!("/pay/{}?from={id}", link.id)),
        outcome => outcome_page(&app, &visitor, &link, &reading.attempt, outcome).await,
    }
}

fn told(outcome: &Outcome, attempt: &Attempt, url: &str, link: &Link) -> Value {
    let again = format!("/pay/{}?from={}", link.id, attempt.id);
    match outcome {
        Outcome::Paid { .. } => json!({ "state": "paid", "url": url }),
        Outcome::Processing => json!({ "state": "processing", "url": url }),
        Outcome::NeedsAction { redirect } => json!({ "state": "action", "redirect": redirect, "url": url }),
        Outcome::Declined(decline) => {
            let mut said = said_json(&declined(attempt, *decline));
            said["state"] = "declined".into();
            said["again"] = again.into();
            said
        }
        Outcome::Open => json!({ "state": "open", "again": again }),
        Outcome::Canceled => json!({ "state": "canceled", "again": again }),
        Outcome::Unknown => json!({ "state": "unknown", "url": url }),
    }
}

/// A decline in the words of what was paid with.
pub(in crate::web) fn declined(attempt: &Attempt, decline: crate::domain::decline::Decline) -> Said {
    match attempt.kind {
        MethodKind::Card => states::declined(decline),
        MethodKind::BankAccount => states::bank_declined(attempt.decline_code.as_deref().unwrap_or_default()),
    }
}

async fn own(app: &App, link: &Link, id: &str) -> Result<Attempt, Box<Response>> {
    match app.payments().store().attempt(id).await {
        Ok(Some(attempt)) if attempt.link == link.id.as_str() => Ok(attempt),
        Ok(_) => Err(Box::new(say(app, &states::unknown(), None))),
        Err(error) => Err(Box::new(fault(app, &error.to_string(), false))),
    }
}

async fn outcome_page(app: &App, visitor: &Visitor, link: &Link, attempt: &Attempt, outcome: &Outcome) -> Response {
    let invoice = match app.payments().copied_invoice(&link.invoice).await {
        Ok(found) => found.map(|(_, invoice)| invoice),
        Err(error) => return fault(app, &error.to_string(), false),
    };
    let number = invoice.as_ref().map(|invoice| invoice.number.clone());
    let quoting = number.as_deref();
    if let Outcome::Paid { receipt } = outcome {
        let left = match &invoice {
            Some(invoice) => match app.payments().standing(invoice).await {
                Ok(standing) => standing.balance().ok(),
                Err(error) => return fault(app, &error.to_string(), false),
            },
            None => None,
        };
        let payment = app.payments().store().payment_of_attempt(&attempt.id).await.ok().flatten();
        if let Some(back) = payment.as_ref().and_then(|payment| states::went_back(app, payment)) {
            let body = html! {
                (back.body())
                @if let Some(receipt) = receipt { (receipt_part(link, receipt)) }
                p { a class="button" href={ "/pay/" (link.id) } { "Back to the invoice" } }
            };
            return page_of(app, &back.heading, body, quoting);
        }
        let method = payment.as_ref().and_then(|payment| payment.method_detail.clone());
        let when =
            payment.as_ref().and_then(|payment| payment.received_s).map(|s| time_words(s * 1000, &app.settings.zone));
        let due = invoice.as_ref().and_then(|invoice| invoice.due);
        let body = html! {
            h1 tabindex="-1" autofocus { "Payment received" }
            p class="lead" {
                strong class="money" { (money_words(attempt.amount)) } " was paid"
                @if let Some(method) = &method { " with " bdi { (method) } }
                @if let Some(when) = &when { " on " (when) }
                ". "
                @match left {
                    Some(left) if !left.is_zero() => {
                        strong class="money" { (money_words(left)) } " stays due" @if let Some(due) = due { " on " (date_words(due)) } "."
                    }
                    _ => "Nothing is left to pay."
                }
            }
            @if left.is_some_and(|left| !left.is_zero()) { p { "Keep the receipt. This link also works for the rest." } }
            @else { p { "Keep the receipt; a copy goes out by e-mail." } }
            @if let Some(receipt) = receipt { (receipt_part(link, receipt)) }
            @if left.is_some_and(|left| !left.is_zero()) { p { a href={ "/pay/" (link.id) } { "Pay the rest" } } }
        };
        return page_of(app, "Payment received", body, quoting);
    }
    let said = match outcome {
        Outcome::Processing if attempt.kind == MethodKind::BankAccount => Said::new(
            200,
            "Your bank payment is on its way",
            format!(
                "{} will be debited from your bank account. That usually takes 4 business days; until the money has arrived the \
                 invoice shows it as in progress.",
                money_words(attempt.amount)
            ),
            "You don't need to do anything. A confirmation is on its way to you by e-mail, and the receipt follows when the money \
             has arrived.",
        ),
        Outcome::Processing => Said::new(
            200,
            "Your payment is on its way",
            format!(
                "{} is being processed by the bank; until then the invoice shows it as in progress.",
                money_words(attempt.amount)
            ),
            "You don't need to do anything. We e-mail you when it has arrived.",
        ),
        Outcome::Declined(decline) => declined(attempt, *decline),
        Outcome::Open | Outcome::Canceled => {
            Said::new(200, "This payment was not finished", "Nothing was charged.", "Start again when you are ready.")
        }
        Outcome::NeedsAction { .. } => states::bank_asks(),
        Outcome::Unknown | Outcome::Paid { .. } => states::checking(attempt.amount),
    };
    let waits = matches!(outcome, Outcome::Unknown | Outcome::NeedsAction { .. });
    let body = html! {
        (said.body())
        @if waits || matches!(outcome, Outcome::Open) {
            form id="check" method="post" action={ "/pay/" (link.id) "/attempts/" (attempt.id) "/check" } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                button type="submit" class="primary" {
                    @if matches!(outcome, Outcome::NeedsAction { .. }) { "Go on with your bank" } @else { "Check now" }
                }
            }
            p id="progress" role="status" {}
        } @else {
            p { a class="button" href={ "/pay/" (link.id) "?from=" (attempt.id) } { "Back to the invoice" } }
        }
    };
    let scripts = [assets::STATUS.path.as_str()];
    let mut page = Page::new(&said.heading, body).with_scripts(if waits { &scripts } else { &[] });
    page.quote = quoting;
    page.respond(app)
}

fn page_of(app: &App, title: &str, body: Markup, quote: Option<&str>) -> Response {
    let mut page = Page::new(title, body);
    page.quote = quote;
    page.respond(app)
}

/// The PDF in the page, with a way to keep it for those whose browser doesn't show it.
fn receipt_part(link: &Link, number: &str) -> Markup {
    let path = format!("/pay/{}/receipts/{number}.pdf", link.id);
    html! {
        p { a class="button primary" href={ (path) "?download=1" } { "Download receipt (PDF)" } }
        iframe class="receipt" src={ (path) "#navpanes=0&view=FitH" } title={ "Receipt " (number) } {}
    }
}
