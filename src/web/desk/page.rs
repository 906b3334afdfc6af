//! The clerk's page: what is owed, how much, with which card on file.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::pay::form::card_words;
use super::super::pay::{fault, say, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use crate::domain::link::LinkUse;
use crate::domain::{Money, MoneyError};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Invoice, InvoiceStatus, OrgError, Refused, sentence};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::store::verifications::Verification;
use crate::stripe::{PaymentMethod, Priority};

/// What the clerk chose, kept through every refusal.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    pub part: bool,
    pub amount: String,
    pub method: String,
    pub continues: String,
}

pub async fn page(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor_of(&app, &link, &headers, true).await {
        Ok((visitor, link)) => show(&app, &visitor, &link, None, &Chosen::default()).await,
        Err(response) => *response,
    }
}

/// The page, with what was refused above the form.
pub async fn show(app: &App, visitor: &Visitor, link: &Link, said: Option<&Said>, chosen: &Chosen) -> Response {
    let invoice = match app.payments().known_invoice(&link.invoice).await {
        Ok(known) => known.invoice,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
            return say(app, &states::refused(app, &Refused::CannotCheck), None);
        }
        Err(Error::Org(OrgError::Missing { .. })) => return say(app, &states::withdrawn(app), None),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let (balance, offered) = match app
        .payments()
        .standing(&invoice)
        .await
        .and_then(|standing| Ok((standing.balance()?, standing.offered()?)))
    {
        Ok(both) => both,
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let number = invoice.number.as_str();
    let refusal = match link.usable(wall_ms()) {
        LinkUse::Pays if invoice.status != InvoiceStatus::Open => Some(states::withdrawn(app)),
        LinkUse::Pays if balance.is_zero() => Some(states::refused(app, &Refused::NothingToPay)),
        LinkUse::Pays if offered.is_zero() => Some(Said::new(
            200,
            "A payment is on its way",
            "All that is owed is being moved by the bank already.",
            "Wait for it to arrive; the invoice in Salesforce shows it.",
        )),
        LinkUse::Pays => None,
        LinkUse::Locked { .. } => Some(states::link(app, link.usable(wall_ms()))),
        LinkUse::Expired { .. } | LinkUse::Replaced | LinkUse::Revoked => Some(states::page_ran_out()),
    };
    if let Some(said) = refusal {
        return say(app, &said, Some(number));
    }
    let cards = match &invoice.customer {
        Some(customer) => match app.payments().stripe().cards_of(customer, Priority::Customer).await {
            Ok(cards) => cards,
            Err(error) => {
                tracing::warn!(link.id = %link.id, %error, "stored cards could not be read for a clerk");
                return say(app, &states::refused(app, &Refused::StripeDown), Some(number));
            }
        },
        None => Vec::new(),
    };
    let verifying = match app.payments().store().verifications_of(&invoice.id).await {
        Ok(all) => account_parts(link, &all, offered),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    match body(app, visitor, link, &invoice, offered, &cards, said, chosen) {
        Ok(body) => {
            let body = html! { (body) (verifying) };
            let title = match said {
                Some(said) => format!("Error: {} – Take a payment", said.heading),
                None => format!("Take a payment for {number}"),
            };
            let status = said.map_or(StatusCode::OK, |said| said.status);
            Page::new(&title, body).status(status).quoting(number).respond(app)
        }
        Err(error) => fault(app, &error.to_string(), true),
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a part of one page")]
fn body(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    invoice: &Invoice,
    offered: Money,
    cards: &[PaymentMethod],
    said: Option<&Said>,
    chosen: &Chosen,
) -> Result<Markup, MoneyError> {
    let currency = offered.currency();
    let minimum = Money::from_minor(currency.minimum_minor(), currency)?;
    let error = said.filter(|said| said.field == Some("amount"));
    let decimal = if currency.exponent() == 0 { "numeric" } else { "decimal" };
    Ok(html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { "Take a payment for " bdi { (invoice.number) } }
        p class="lead" { bdi { (invoice.account_name) } " owes " strong class="money" { (money_words(offered)) } "." }
        @if cards.is_empty() {
            p { "No card is on file for this customer." }
            p { "Go back to the invoice and press Send to the customer instead." }
        } @else {
            form method="post" action={ "/desk/" (link.id) } novalidate {
                input type="hidden" name="csrf" value=(visitor.csrf);
                input type="hidden" name="press" value=(uuid::Uuid::new_v4());
                input type="hidden" name="shown" value=(offered.minor());
                input type="hidden" name="currency" value=(currency.code());
                input type="hidden" name="continues" value=(chosen.continues);
                fieldset class="choice" {
                    legend { "How much does the customer pay?" }
                    label { input type="radio" name="choice" value="full" checked[!chosen.part]; span { "All of it, " span class="money" { (money_words(offered)) } } }
                    label { input type="radio" name="choice" value="part" checked[chosen.part]; span { "Another amount" } }
                    div class="part" {
                        label for="amount" { "Amount in " (currency.code()) }
                        p class="quiet" id="amount-hint" { "From " (money_words(minimum)) " to " (money_words(offered)) }
                        @if let Some(said) = error { p class="field-error" id="amount-error" { (said.to_do) } }
                        input type="text" id="amount" name="amount" value=(chosen.amount) inputmode=(decimal) autocomplete="off"
                            spellcheck="false" dir="ltr" maxlength="40" aria-invalid=[error.map(|_| "true")]
                            aria-describedby=(if error.is_some() { "amount-hint amount-error" } else { "amount-hint" });
                    }
                }
                fieldset class="choice" id="method" tabindex="-1" {
                    legend { "Charge" }
                    @for card in cards {
                        label { input type="radio" name="method" value=(card.id) checked[chosen.method == card.id]; span { (card_words(card)) } }
                    }
                }
                p { "Say the amount and the card's last four digits, and have the customer agree, before you press." }
                button type="submit" class="primary" id="take-button" { "Take the payment" }
                @if said.is_some_and(|said| said.take_over) {
                    button type="submit" name="take_over" value="yes" class="secondary" { "Stop the other payment and use this page" }
                }
                @if said.is_some_and(|said| said.again) {
                    button type="submit" name="again" value="yes" class="secondary" { "Take the same amount again" }
                }
            }
        }
        p class="quiet" { bdi { (app.settings.company.name) } " sees a card's last four digits, never its number." }
    })
}

/// The accounts that are being verified for this invoice, and the way to a new one.
fn account_parts(link: &Link, all: &[Verification], offered: Money) -> Markup {
    let waiting: Vec<&Verification> = all.iter().filter(|one| one.stage.is_under_way()).collect();
    html! {
        @if !waiting.is_empty() {
            section class="notice" aria-labelledby="verifying" {
                h2 id="verifying" { "Being verified" }
                ul class="history" {
                    @for one in waiting {
                        li { (sentence(one)) " "
                            a href={ "/desk/" (link.id) "/verifications/" (one.id) } { "Open " bdi { (one.words()) } } }
                    }
                }
            }
        }
        @if offered.currency().code() == "USD" {
            p { a class="button" href={ "/desk/" (link.id) "/account" } { "Take a new bank account" } }
        }
    }
}
