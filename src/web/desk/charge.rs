//! The press of Take the payment, and what came of it.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::attempt::read_amount;
use super::super::pay::status::declined;
use super::super::pay::{fault, say, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::page::{Chosen, show};
use crate::domain::{Currency, LinkId, Money};
use crate::engine::payments::{Choice, Error, Method, Outcome, Wish};
use crate::engine::receipts::money_words;
use crate::store::attempts::Attempt;
use crate::store::links::Link;

/// The form as posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Pressed {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    shown: i64,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    continues: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    take_over: String,
    #[serde(default)]
    again: String,
}

#[derive(Deserialize)]
pub struct Check {
    #[serde(default)]
    csrf: String,
}

/// POST /desk/{link}
pub async fn charge(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let chosen = Chosen {
        part: pressed.choice == "part",
        amount: pressed.amount.clone(),
        method: pressed.method.clone(),
        continues: pressed.continues.clone(),
    };
    let refuse = async |said: Said| show(&app, &visitor, &link, Some(&said), &chosen).await;
    if !visitor.wrote(&pressed.csrf) {
        return refuse(states::form_too_old()).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return refuse(states::too_many(wait)).await;
    }
    let wish = match wish(&pressed, &link.id) {
        Ok(wish) => wish,
        Err(said) => return refuse(*said).await,
    };
    let started = match app.payments().start(&wish).await {
        Ok(Ok(started)) => started,
        Ok(Err(refused)) => return refuse(states::refused(&app, &refused)).await,
        Err(error) => {
            let nothing = !matches!(&error, Error::Stripe(error) if error.may_have_happened());
            return fault(&app, &error.to_string(), nothing);
        }
    };
    if let Err(error) = app.payments().confirm_stored(&started).await {
        // It may have happened: what is read next says what is true.
        tracing::warn!(attempt.id = %started.attempt.id, %error, "a confirm has no known outcome yet");
    }
    settle(&app, &visitor, &link, &started.attempt.id, chosen.clone()).await
}

/// POST …/attempts/{attempt}: asks Stripe again.
pub async fn check(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Check>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        return say(&app, &states::page_too_old(), None);
    }
    match own(&app, &link, &id).await {
        Ok(_) => settle(&app, &visitor, &link, &id, Chosen::default()).await,
        Err(response) => *response,
    }
}

/// Reads the intent, books it, and leads to the page that tells. What the bank wants of the customer can't be done by the
/// clerk, so that attempt gives its room back at once.
async fn settle(app: &App, visitor: &Visitor, link: &Link, id: &str, chosen: Chosen) -> Response {
    let told = || see_other(&format!("/desk/{}/attempts/{id}", link.id));
    let reading = match app.payments().check(id).await {
        Ok(Some(reading)) => reading,
        Ok(None) => return say(app, &states::unknown(), None),
        Err(error) => {
            tracing::error!(attempt.id = id, %error, "a clerk's attempt could not be read");
            return told();
        }
    };
    match &reading.outcome {
        Outcome::NeedsAction { .. } => {
            let freed = app.payments().release(&reading.attempt).await;
            let after = app.payments().check(id).await;
            match (freed, after) {
                (Ok(()), Ok(Some(after))) if after.outcome == Outcome::Canceled => {
                    show(app, visitor, link, Some(&states::bank_asks_customer()), &chosen).await
                }
                _ => told(),
            }
        }
        Outcome::Declined(decline) => {
            let said = declined(&reading.attempt, *decline);
            let chosen = Chosen { continues: id.to_owned(), ..chosen };
            show(app, visitor, link, Some(&said), &chosen).await
        }
        _ => told(),
    }
}

/// GET …/attempts/{attempt}: what we know without asking Stripe.
pub async fn outcome(State(app): State<App>, Path((link, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let attempt = match own(&app, &link, &id).await {
        Ok(attempt) => attempt,
        Err(response) => return *response,
    };
    let outcome = match app.payments().known_outcome(&attempt).await {
        Ok(outcome) => outcome,
        Err(error) => return fault(&app, &error.to_string(), false),
    };
    let amount = money_words(attempt.amount);
    let said = match &outcome {
        Outcome::Paid { receipt } => {
            let receipt =
                receipt.as_ref().map(|number| format!("Receipt {number}")).unwrap_or_else(|| "The receipt".into());
            Said::new(
                200,
                "Payment taken",
                format!("{amount} was paid. {receipt} goes to the customer by e-mail."),
                "The invoice in Salesforce shows it in a moment. You can close this page.",
            )
        }
        Outcome::Processing => Said::new(
            200,
            "The payment is on its way",
            format!("{amount} is being processed."),
            "The invoice in Salesforce shows when it has arrived.",
        ),
        Outcome::Canceled => Said::new(200, "Nothing was charged", "This attempt ended without a payment.", ""),
        Outcome::Open | Outcome::Unknown | Outcome::NeedsAction { .. } | Outcome::Declined(_) => {
            states::checking(attempt.amount)
        }
    };
    let waits = !matches!(outcome, Outcome::Paid { .. } | Outcome::Processing | Outcome::Canceled);
    let body = html! {
        (said.body())
        @if waits {
            form method="post" action={ "/desk/" (link.id) "/attempts/" (attempt.id) } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                button type="submit" class="primary" { "Check now" }
            }
        } @else if !matches!(outcome, Outcome::Paid { .. }) {
            p { a class="button" href={ "/desk/" (link.id) } { "Back to the payment" } }
        }
    };
    Page::new(&said.heading, body).respond(&app)
}

async fn own(app: &App, link: &Link, id: &str) -> Result<Attempt, Box<Response>> {
    match app.payments().store().attempt(id).await {
        Ok(Some(attempt)) if attempt.link == link.id.as_str() => Ok(attempt),
        Ok(_) => Err(Box::new(say(app, &states::unknown(), None))),
        Err(error) => Err(Box::new(fault(app, &error.to_string(), false))),
    }
}

fn wish(pressed: &Pressed, link: &LinkId) -> Result<Wish, Box<Said>> {
    let old = || Box::new(states::form_too_old());
    let currency = Currency::from_code(&pressed.currency).map_err(|_| old())?;
    let shown = Money::from_minor(pressed.shown, currency).map_err(|_| old())?;
    if uuid::Uuid::parse_str(&pressed.press).is_err() {
        return Err(old());
    }
    if pressed.method.is_empty() {
        return Err(Box::new(states::choose_method()));
    }
    let part = pressed.choice == "part";
    Ok(Wish {
        press: pressed.press.clone(),
        link: link.clone(),
        choice: if part { Choice::Part(read_amount(&pressed.amount, currency)?) } else { Choice::Full },
        shown,
        method: Method::Stored(pressed.method.clone()),
        save: false,
        continues: Some(pressed.continues.clone()).filter(|id| !id.is_empty()),
        take_over: pressed.take_over == "yes",
        again: pressed.again == "yes",
    })
}
