//! The page on which a clerk takes down a bank account. Its numbers go from this browser to Stripe: their fields have no
//! name and stand in no form, and what is posted here is the id of what Stripe made of them.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::attempt::read_amount;
use super::super::pay::{fault, say, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::agree::review_url;
use crate::domain::link::LinkUse;
use crate::domain::{Currency, Money, MoneyError};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{AccountRefused, Error, Invoice, InvoiceStatus, OrgError, Refused};
use crate::engine::receipts::money_words;
use crate::store::links::Link;

/// What the form carries. There is no number of an account in it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Entered {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
}

/// GET /desk/{link}/account
pub async fn page(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor_of(&app, &link, &headers, true).await {
        Ok((visitor, link)) => show(&app, &visitor, &link, None, &Entered::default()).await,
        Err(response) => *response,
    }
}

/// POST /desk/{link}/account: leads to what is read out.
pub async fn entered(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(entered): Form<Entered>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let refuse = async |said: Said| show(&app, &visitor, &link, Some(&said), &entered).await;
    if !visitor.wrote(&entered.csrf) {
        return refuse(states::form_too_old()).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return refuse(states::too_many(wait)).await;
    }
    let part = match part(&entered) {
        Ok(part) => part,
        Err(said) => return refuse(*said).await,
    };
    match app.payments().account_review(&link, &entered.method, part).await {
        Ok(Ok(review)) => {
            let typed = part.is_some().then_some(entered.amount.as_str());
            see_other(&review_url(&link, &review.account.method, typed))
        }
        Ok(Err(no)) => refuse(states::account_refused(&app, &no)).await,
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

fn part(entered: &Entered) -> Result<Option<Money>, Box<Said>> {
    if entered.choice != "part" {
        return Ok(None);
    }
    let usd = Currency::from_code("USD").map_err(|_| Box::new(states::form_too_old()))?;
    read_amount(&entered.amount, usd).map(Some)
}

/// The page, with what was refused above.
pub(super) async fn show(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    said: Option<&Said>,
    entered: &Entered,
) -> Response {
    if link.usable(wall_ms()) != LinkUse::Pays {
        return say(app, &states::page_ran_out(), None);
    }
    let invoice = match app.payments().known_invoice(&link.invoice).await {
        Ok(known) => known.invoice,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
            return say(app, &states::refused(app, &Refused::CannotCheck), None);
        }
        Err(Error::Org(OrgError::Missing { .. })) => return say(app, &states::withdrawn(app), None),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let offered = match app.payments().standing(&invoice).await.and_then(|standing| Ok(standing.offered()?)) {
        Ok(offered) => offered,
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let number = invoice.number.as_str();
    if invoice.status != InvoiceStatus::Open {
        return say(app, &states::withdrawn(app), Some(number));
    }
    if offered.is_zero() {
        return say(app, &states::refused(app, &Refused::NothingToPay), Some(number));
    }
    if offered.currency().code() != "USD" {
        return say(app, &states::account_refused(app, &AccountRefused::Currency), Some(number));
    }
    match body(app, visitor, link, &invoice, offered, said, entered) {
        Ok(body) => {
            let title = match said {
                Some(said) => format!("Error: {} – A new bank account", said.heading),
                None => format!("A new bank account for {number}"),
            };
            let status = said.map_or(StatusCode::OK, |said| said.status);
            let scripts = [assets::ACCOUNT.path.as_str()];
            Page::new(&title, body).status(status).quoting(number).with_scripts(&scripts).with_stripe().respond(app)
        }
        Err(error) => fault(app, &error.to_string(), true),
    }
}

fn body(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    invoice: &Invoice,
    offered: Money,
    said: Option<&Said>,
    entered: &Entered,
) -> Result<Markup, MoneyError> {
    let minimum = Money::from_minor(offered.currency().minimum_minor(), offered.currency())?;
    let error = said.filter(|said| said.field == Some("amount"));
    let part = entered.choice == "part";
    Ok(html! {
        @if let Some(said) = said { (said.summary()) }
        div class="summary" id="numbers-summary" role="group" aria-labelledby="numbers-heading" tabindex="-1" hidden {
            h2 id="numbers-heading" {}
            p id="numbers-todo" {}
        }
        h1 tabindex="-1" autofocus[said.is_none()] { "A new bank account for " bdi { (invoice.number) } }
        p class="lead" { bdi { (invoice.account_name) } " owes " strong class="money" { (money_words(offered)) } "." }
        p { "Stripe verifies the account first: small deposits reach it in one or two business days, and the customer tells what they were. Then the payment goes on by itself." }
        noscript {
            div class="summary" {
                h2 { "Taking down a bank account needs JavaScript" }
                p { "The numbers go straight from this browser to Stripe, and that needs it." }
            }
        }
        section id="numbers" aria-labelledby="account-heading" data-publishable-key=(app.settings.publishable_key)
            data-email=(invoice.email.as_deref().unwrap_or_default()) {
            h2 id="account-heading" { "The account" }
            fieldset class="choice" {
                legend { "Whose account is it?" }
                label { input type="radio" id="company" checked; span { "A company's: the name on the account is a business" } }
                label { input type="radio" id="individual"; span { "A private person's: the name on it is a human being" } }
                p class="quiet" { "Ask. The rules for debits differ, and a wrong answer lets the bank take the money back." }
            }
            (field("holder", "Name on the account", "As the bank knows it", "text", "80", ""))
            (field("routing", "Routing number", "Nine digits, at the bottom left of a check", "numeric", "20", ""))
            (field("number", "Account number", "Up to 17 digits, beside the routing number", "numeric", "40", ""))
            (field("again", "Account number once more", "Have the customer say it again", "numeric", "40", ""))
            fieldset class="choice" {
                legend { "Kind of account" }
                label { input type="radio" id="checking" checked; span { "Checking" } }
                label { input type="radio" id="savings"; span { "Savings" } }
            }
        }
        form id="account" method="post" action={ "/desk/" (link.id) "/account" } novalidate {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="method" value="";
            fieldset class="choice" {
                legend { "How much does the customer pay?" }
                label { input type="radio" name="choice" value="full" checked[!part]; span { "All of it, " span class="money" { (money_words(offered)) } } }
                label { input type="radio" name="choice" value="part" checked[part]; span { "Another amount" } }
                div class="part" {
                    label for="amount" { "Amount in USD" }
                    p class="quiet" id="amount-hint" { "From " (money_words(minimum)) " to " (money_words(offered)) }
                    @if let Some(said) = error { p class="field-error" id="amount-error" { (said.to_do) } }
                    input type="text" id="amount" name="amount" value=(entered.amount) inputmode="decimal" autocomplete="off"
                        spellcheck="false" dir="ltr" maxlength="40" aria-invalid=[error.map(|_| "true")]
                        aria-describedby=(if error.is_some() { "amount-hint amount-error" } else { "amount-hint" });
                }
            }
            p id="progress" role="status" {}
            button type="submit" class="primary" id="account-button" { "Go on to the authorisation" }
        }
        p { a href={ "/desk/" (link.id) } { "Back to the payment" } }
        p class="quiet" { "The numbers go straight to Stripe. " bdi { (app.settings.company.name) } " sees the last four digits." }
    })
}

/// A field that is never posted.
fn field(id: &str, name: &str, hint: &str, mode: &str, longest: &str, value: &str) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (name) }
            p class="quiet" id={ (id) "-hint" } { (hint) }
            p class="field-error" id={ (id) "-error" } hidden {}
            input type="text" id=(id) value=(value) inputmode=(mode) autocomplete="off" autocorrect="off" spellcheck="false" dir="ltr"
                maxlength=(longest) aria-describedby={ (id) "-hint" };
        }
    }
}
