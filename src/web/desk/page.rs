//! The clerk's page: what is owed, how much, with which card or bank account on file.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::pay::bank::BANK;
use super::super::pay::form::card_words;
use super::super::pay::{fault, say, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::parts;
use crate::domain::link::LinkUse;
use crate::domain::{Money, MoneyError};
use crate::engine::banks::{BankOnFile, WhyNot};
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

/// What the customer has on file.
struct OnFile {
    cards: Vec<PaymentMethod>,
    banks: Vec<BankOnFile>,
}

pub async fn page(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor_of(&app, &link, &headers, true).await {
        Ok((visitor, link)) => show(&app, &visitor, &link, None, &Chosen::default()).await,
        Err(response) => *response,
    }
}

/// What can be paid on the page now, or the page that says why nothing can.
pub(super) async fn offer(app: &App, link: &Link) -> Result<(Invoice, Money), Box<Response>> {
    let tell = |said: &Said, number: Option<&str>| Box::new(say(app, said, number));
    let invoice = match app.payments().known_invoice(&link.invoice).await {
        Ok(known) => known.invoice,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
            return Err(tell(&states::refused(app, &Refused::CannotCheck), None));
        }
        Err(Error::Org(OrgError::Missing { .. })) => return Err(tell(&states::withdrawn(app), None)),
        Err(error) => return Err(Box::new(fault(app, &error.to_string(), true))),
    };
    let standing = app.payments().standing(&invoice).await;
    let (balance, offered) = match standing.and_then(|standing| Ok((standing.balance()?, standing.offered()?))) {
        Ok(both) => both,
        Err(error) => return Err(Box::new(fault(app, &error.to_string(), true))),
    };
    let refusal = match link.usable(wall_ms()) {
        LinkUse::Pays if invoice.status != InvoiceStatus::Open => states::withdrawn(app),
        LinkUse::Pays if balance.is_zero() => states::refused(app, &Refused::NothingToPay),
        LinkUse::Pays if offered.is_zero() => Said::new(
            200,
            "A payment is on its way",
            "All that is owed is being moved by the bank already.",
            "Wait for it to arrive; the invoice in Salesforce shows it.",
        ),
        LinkUse::Pays => return Ok((invoice, offered)),
        LinkUse::Locked { .. } => states::link(app, link.usable(wall_ms())),
        LinkUse::Expired { .. } | LinkUse::Replaced | LinkUse::Revoked => states::page_ran_out(),
    };
    Err(tell(&refusal, Some(&invoice.number)))
}

/// The page, with what was refused above the form.
pub async fn show(app: &App, visitor: &Visitor, link: &Link, said: Option<&Said>, chosen: &Chosen) -> Response {
    let (invoice, offered) = match offer(app, link).await {
        Ok(offer) => offer,
        Err(response) => return *response,
    };
    let number = invoice.number.as_str();
    let on_file = match on_file(app, &invoice, offered).await {
        Ok(on_file) => on_file,
        Err(Error::Stripe(error)) => {
            tracing::warn!(link.id = %link.id, %error, "stored cards could not be read for a clerk");
            return say(app, &states::refused_at_desk(app, &Refused::StripeDown), Some(number));
        }
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let verifying = match app.payments().store().verifications_of(&invoice.id).await {
        Ok(all) => verifying_part(link, &all),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    match body(app, visitor, link, &invoice, offered, &on_file, said, chosen) {
        Ok(body) => {
            let body = html! { (body) (verifying) (other_ways(app, visitor, link, offered)) };
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

async fn on_file(app: &App, invoice: &Invoice, offered: Money) -> Result<OnFile, Error> {
    let Some(customer) = app.payments().customer_id(invoice).await? else {
        return Ok(OnFile { cards: Vec::new(), banks: Vec::new() });
    };
    let cards = app.payments().stripe().cards_of(&customer, Priority::Customer).await?;
    let banks = match offered.currency().code() {
        "USD" => app.payments().banks_on_file(&customer).await?,
        _ => Vec::new(),
    };
    Ok(OnFile { cards, banks })
}

#[expect(clippy::too_many_arguments, reason = "each is a part of one page")]
fn body(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    invoice: &Invoice,
    offered: Money,
    on_file: &OnFile,
    said: Option<&Said>,
    chosen: &Chosen,
) -> Result<Markup, MoneyError> {
    Ok(html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { "Take a payment for " bdi { (invoice.number) } }
        p class="lead" { bdi { (invoice.account_name) } " owes " strong class="money" { (money_words(offered)) } "." }
        @if on_file.cards.is_empty() && on_file.banks.is_empty() {
            p { "No card and no bank account is on file for this customer." }
        } @else {
            form method="post" action={ "/desk/" (link.id) } novalidate {
                (parts::hidden(&visitor.csrf, offered, chosen))
                (parts::amount(offered, said, chosen)?)
                fieldset class="choice" id="method" tabindex="-1" {
                    legend { "Charge" }
                    @for card in &on_file.cards { (card_choice(card, chosen)) }
                    @for bank in &on_file.banks { (bank_choice(bank, chosen)) }
                }
                p { "Say the amount and the last four digits of the card or the account, and have the customer agree, before you press." }
                (parts::presses("take-button", said))
            }
        }
        p class="quiet" { bdi { (app.settings.company.name) } " sees the last four digits of a card or an account, never its number." }
    })
}

/// One that has run out says so, and can't be picked.
fn card_choice(card: &PaymentMethod, chosen: &Chosen) -> Markup {
    let over = card.card.as_ref().is_some_and(|card| has_expired(card.exp_year, card.exp_month, wall_ms()));
    html! {
        label {
            input type="radio" name="method" value=(card.id) checked[!over && chosen.method == card.id] disabled[over];
            span { (card_words(card)) @if over { " – has expired" } }
        }
    }
}

/// A card works through the last day of its month, wherever that day ends last.
fn has_expired(year: u32, month: u32, now_ms: i64) -> bool {
    // The day of the furthest west.
    let Ok(now) = jiff::Timestamp::from_millisecond(now_ms.saturating_sub(12 * 3_600_000)) else { return false };
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    (i64::from(year), i64::from(month)) < (i64::from(today.year()), i64::from(today.month()))
}

/// One that can't be debited on the phone says why, and can't be picked.
fn bank_choice(on_file: &BankOnFile, chosen: &Chosen) -> Markup {
    let value = format!("{BANK}{}", on_file.bank.id);
    let why_not = on_file.why_not.map(|why| match why {
        WhyNot::Authorise => "the customer has to authorise it again, on the page of a link",
        WhyNot::OrderedOnly => "the customer authorised only debits that they order themselves, on the page of a link",
        WhyNot::Login => "its bank wants the customer to sign in again, on the page of a link",
        WhyNot::Blocked => "its bank allows no debits",
    });
    html! {
        label {
            input type="radio" name="method" value=(value) checked[why_not.is_none() && chosen.method == value]
                disabled[why_not.is_some()];
            span { bdi { (on_file.bank.words()) }
                @match why_not { Some(why) => { " – " (why) } None => ", bank account (takes about 4 business days)" } }
        }
    }
}

/// The accounts that are being verified for this invoice.
fn verifying_part(link: &Link, all: &[Verification]) -> Markup {
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
    }
}

/// What is not on file yet, and the customer who pays alone.
fn other_ways(app: &App, visitor: &Visitor, link: &Link, offered: Money) -> Markup {
    let cards = app.payments().settings().desk.take_cards;
    html! {
        section aria-labelledby="other-ways" {
            h2 id="other-ways" { "Another way to pay" }
            @if cards { p { a class="button" href={ "/desk/" (link.id) "/card" } { "Take a new card" } } }
            @if offered.currency().code() == "USD" {
                p { a class="button" href={ "/desk/" (link.id) "/account" } { "Take a new bank account" } }
            }
            @if !cards { p { "A new card is typed in by the customer, on the page of a payment link." } }
            (parts::send_instead(&visitor.csrf, link))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_expired;

    #[test]
    fn a_card_is_over_once_its_month_is_over_everywhere() {
        // 2026-12-01 00:00 UTC.
        let december = 1_796_083_200_000;
        let hour = 3_600_000;
        assert!(!has_expired(2026, 11, december), "it is November still in the west");
        assert!(has_expired(2026, 11, december + 12 * hour));
        assert!(!has_expired(2026, 12, december + 12 * hour));
        assert!(has_expired(2025, 12, december));
    }
}
