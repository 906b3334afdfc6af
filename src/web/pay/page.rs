//! GET /pay/{link}: the invoice, how much, with what, Pay.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::state::App;
use super::super::states::Said;
use super::super::{assets, states};
use super::{fault, say, visitor};
use crate::domain::link::LinkUse;
use crate::domain::payable::Standing;
use crate::domain::payment::Payment;
use crate::domain::{Money, MoneyError};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Freshness, Invoice, InvoiceStatus, KnownInvoice, OrgError, Refused};
use crate::engine::receipts::{date_words, money_words, time_words};
use crate::store::attempts::{Attempt, AttemptState};
use crate::store::links::Link;
use crate::store::payments::LedgerPayment;
use crate::stripe::{PaymentMethod, Priority};

/// What a page before this one hands over.
#[derive(Debug, Default, Deserialize)]
pub struct Ask {
    /// The attempt that the payer was at.
    #[serde(default)]
    pub from: Option<String>,
}

/// What was typed, kept through every refusal.
#[derive(Debug, Default, Clone)]
pub struct Typed {
    pub part: bool,
    pub amount: String,
    pub save: bool,
    pub method: Option<String>,
    pub continues: Option<String>,
}

/// Everything that the page shows.
pub struct Shown {
    pub invoice: Invoice,
    pub freshness: Freshness,
    pub standing: Standing,
    pub payments: Vec<LedgerPayment>,
    pub open: Vec<Attempt>,
    pub cards: Vec<PaymentMethod>,
}

pub async fn page(
    State(app): State<App>,
    Path(link): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let mut typed = Typed::default();
    let mut said = None;
    if let Some(from) = &ask.from
        && let Ok(Some(attempt)) = app.payments().store().attempt(from).await
        && attempt.link == link.id.as_str()
    {
        typed = typed_of(&attempt);
        if attempt.state == AttemptState::Declined {
            let code = attempt.decline_code.as_deref();
            said = Some(states::declined(crate::domain::decline::Decline::from_codes(code, code, None)));
        }
    }
    show(&app, &visitor, &link, said.as_ref(), typed).await
}

fn typed_of(attempt: &Attempt) -> Typed {
    Typed {
        part: true,
        amount: attempt.amount.to_decimal(),
        save: attempt.save,
        method: attempt.method.clone(),
        continues: attempt.state.reserves().then(|| attempt.id.clone()),
    }
}

/// The page, with a summary above the form where something was refused.
pub async fn show(app: &App, visitor: &Visitor, link: &Link, said: Option<&Said>, typed: Typed) -> Response {
    let shown = match gather(app, visitor, link).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(refused)) => return say(app, &states::refused(app, &refused), None),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let number = shown.invoice.number.clone();
    match answer(app, visitor, link, said, &typed, &shown) {
        Ok(response) => response,
        Err(error) => fault(app, &format!("invoice {number}: {error}"), true),
    }
}

async fn gather(app: &App, visitor: &Visitor, link: &Link) -> Result<Result<Shown, Refused>, Error> {
    let payments = app.payments();
    let KnownInvoice { invoice, freshness } = match payments.known_invoice(&link.invoice).await {
        Ok(known) => known,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => return Ok(Err(Refused::CannotCheck)),
        Err(Error::Org(OrgError::Missing { .. })) => return Ok(Err(Refused::Withdrawn)),
        Err(error) => return Err(error),
    };
    let standing = payments.standing(&invoice).await?;
    let store = payments.store();
    let cards = match (&invoice.customer, visitor.verified) {
        (Some(customer), true) => {
            payments.stripe().cards_of(customer, Priority::Customer).await.unwrap_or_else(|error| {
                tracing::warn!(link.id = %link.id, error = %error, "stored cards could not be read");
                Vec::new()
            })
        }
        _ => Vec::new(),
    };
    Ok(Ok(Shown {
        payments: store.payments_of(&invoice.id).await?,
        open: store.open_attempts_of(&invoice.id).await?,
        invoice,
        freshness,
        standing,
        cards,
    }))
}

fn answer(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    said: Option<&Said>,
    typed: &Typed,
    shown: &Shown,
) -> Result<Response, MoneyError> {
    let number = &shown.invoice.number;
    let balance = shown.standing.balance()?;
    let credit = shown.standing.credit()?;
    let settled = shown.standing.settled;
    let processing = shown.open.iter().find(|attempt| attempt.state == AttemptState::Processing);
    if shown.invoice.status != InvoiceStatus::Open {
        let mut body = states::withdrawn(app).body();
        body = html! { (body) (history(link, shown)?) };
        return Ok(Page::new("Nothing to pay", body).quoting(number).respond(app));
    }
    if !credit.is_zero() {
        let company = &app.settings.company.name;
        let body = html! {
            h1 tabindex="-1" autofocus { "Nothing to pay" }
            p class="lead" { "You have paid " strong class="money" { (money_words(credit)) } " more than is due; " bdi { (company) } " keeps it as your credit." }
            (history(link, shown)?)
        };
        return Ok(Page::new("Nothing to pay", body).quoting(number).respond(app));
    }
    if balance.is_zero() {
        let heading = if settled.is_zero() { "Nothing to pay" } else { "This invoice is paid" };
        let body = html! {
            h1 tabindex="-1" autofocus { (heading) }
            p class="lead" { strong class="money" { (money_words(shown.standing.total)) } " was paid in full." }
            p { "You don't need to do anything." }
            (history(link, shown)?)
        };
        return Ok(Page::new(heading, body).quoting(number).respond(app));
    }
    match link.usable(wall_ms()) {
        LinkUse::Pays => {}
        other => {
            let said = states::link(app, other);
            let body = html! { (said.body()) (history(link, shown)?) };
            let mut response = Page::new(&said.heading, body).status(said.status).quoting(number).respond(app);
            if let Some(seconds) = said.retry_after_s {
                response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
            }
            return Ok(response);
        }
    }
    let covered = shown.standing.payable()?.is_zero();
    if let Some(attempt) = processing.filter(|_| covered) {
        let said = Said::new(
            200,
            "A payment is on its way",
            format!(
                "{} is being processed by the bank; until it arrives the invoice shows it as in progress.",
                money_words(attempt.amount)
            ),
            "You don't need to do anything. We e-mail you when it has arrived.",
        );
        let body = html! { (said.body()) (history(link, shown)?) };
        return Ok(Page::new(&said.heading, body).quoting(number).respond(app));
    }
    let heading = if settled.is_zero() {
        format!("Pay invoice {number}")
    } else {
        format!("{} left to pay", money_words(balance))
    };
    let title = match said {
        Some(said) => format!("Error: {} – {heading}", said.heading),
        None => heading.clone(),
    };
    let body = html! {
        @if let Some(said) = said { (said.summary()) }
        @else { (empty_summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { (heading) }
        div class="sides" {
            (summary(app, shown)?)
            div {
                (form(app, visitor, link, said, typed, shown)?)
                (history(link, shown)?)
            }
        }
    };
    let status = said.map_or(axum::http::StatusCode::OK, |said| said.status);
    let scripts = [assets::PAY.path.as_str()];
    Ok(Page::new(&title, body).status(status).quoting(number).with_scripts(&scripts).with_stripe().respond(app))
}

/// Filled by the script; it is there from the start.
fn empty_summary() -> Markup {
    html! {
        div class="summary" id="summary" role="group" aria-labelledby="summary-heading" tabindex="-1" hidden {
            h2 id="summary-heading" {}
            p id="summary-happened" {}
            p id="summary-todo" {}
        }
    }
}

fn summary(app: &App, shown: &Shown) -> Result<Markup, MoneyError> {
    let invoice = &shown.invoice;
    let balance = shown.standing.balance()?;
    let reserved = shown.standing.reserved;
    let overdue =
        invoice.due.is_some_and(|due| jiff::Timestamp::now().to_zoned_datetime(app.settings.zone.clone()).date() > due);
    Ok(html! {
        section class="facts" aria-label="Invoice" {
            @if !shown.standing.settled.is_zero() {
                p class="lead" { span class="money" { (money_words(shown.standing.settled)) } " of "
                    span class="money" { (money_words(shown.standing.total)) } " has been paid." }
            }
            p class="amount" {
                @if shown.standing.settled.is_zero() { span class="money" { (money_words(balance)) } " " }
                span class="quiet due" {
                    @if let Some(due) = invoice.due { "due " (date_words(due)) @if overdue { " · overdue" } }
                }
            }
            @if let Some(what) = &invoice.description { p dir="auto" class="wrap" { (what) } }
            dl {
                // Where it is not in the heading.
                @if !shown.standing.settled.is_zero() { div { dt { "Invoice" } dd { bdi { (invoice.number) } } } }
                div { dt { "For" } dd { bdi class="wrap" { (invoice.account_name) } } }
                div { dt { "Total" } dd class="money" { (money_words(shown.standing.total)) } }
                @if !shown.standing.settled.is_zero() {
                    div { dt { "Already paid" } dd class="money" { (money_words(shown.standing.settled)) } }
                }
                @if !reserved.is_zero() {
                    div { dt { "In progress" } dd class="money" { (money_words(reserved)) } }
                }
                @if balance != shown.standing.total {
                    div { dt { "Left to pay" } dd class="money" { (money_words(balance)) } }
                }
            }
            @if let Freshness::Copy { age_ms } = shown.freshness {
                p class="quiet" { "Amounts as of " (time_words(wall_ms() - age_ms, &app.settings.zone)) }
            }
        }
    })
}

fn form(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    said: Option<&Said>,
    typed: &Typed,
    shown: &Shown,
) -> Result<Markup, MoneyError> {
    let balance = shown.standing.balance()?;
    let currency = balance.currency();
    let minimum = Money::from_minor(currency.minimum_minor(), currency)?;
    let field_error = said.filter(|said| said.field == Some("amount"));
    let decimal = if currency.exponent() == 0 { "numeric" } else { "decimal" };
    let stored = !shown.cards.is_empty();
    let new_card = typed.method.is_none();
    let describedby = if field_error.is_some() { "amount-hint amount-error" } else { "amount-hint" };
    let path = format!("/pay/{}", link.id);
    Ok(html! {
        form id="pay" method="post" action={ (path) "/attempts" } novalidate
            data-publishable-key=(app.settings.publishable_key)
            data-currency=(currency.stripe_code()) data-code=(currency.code())
            data-exponent=(currency.exponent()) data-factor=(currency.stripe_factor())
            data-balance=(balance.minor()) data-balance-words=(money_words(balance))
            data-company=(app.settings.company.name) {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="press" value=(uuid::Uuid::new_v4());
            input type="hidden" name="shown" value=(balance.minor());
            input type="hidden" name="currency" value=(currency.code());
            input type="hidden" name="continues" value=(typed.continues.as_deref().unwrap_or_default());
            fieldset class="choice" {
                legend { "How much do you want to pay?" }
                label { input type="radio" name="choice" value="full" checked[!typed.part]; span { "Full balance, " span class="money" { (money_words(balance)) } } }
                label { input type="radio" name="choice" value="part" checked[typed.part]; span { "Another amount" } }
                div class="part" {
                    label for="amount" { "Amount in " (currency.code()) }
                    p class="quiet" id="amount-hint" { "From " (money_words(minimum)) " to " (money_words(balance)) }
                    p class="field-error" id="amount-error" hidden[field_error.is_none()] {
                        @if let Some(said) = field_error { (said.to_do) }
                    }
                    p id="amount-offers" class="offers" {
                        @if let Some(said) = field_error {
                            @for offer in &said.offers {
                                button type="submit" name="offer" value=(offer.to_decimal()) formaction={ (path) "/attempts" } class="link" { "Use " (money_words(*offer)) } " "
                            }
                        }
                    }
                    input type="text" id="amount" name="amount" value=(typed.amount) inputmode=(decimal) autocomplete="off"
                        spellcheck="false" enterkeyhint="done" dir="ltr" maxlength="40" aria-describedby=(describedby)
                        aria-invalid=[field_error.map(|_| "true")];
                    p id="rest" role="status" class="quiet" {}
                }
            }
            fieldset class="choice" id="method" tabindex="-1" {
                legend { "Pay with" }
                @if stored {
                    @for card in &shown.cards { (stored_card(card, typed)) }
                    label { input type="radio" name="method" value="new" checked[new_card]; span { "A new card" } }
                } @else {
                    input type="hidden" name="method" value="new";
                }
                div id="new-card" {
                    noscript {
                        div class="summary" {
                            h2 { "Card payment needs JavaScript" }
                            p { "Your card details go straight to Stripe, and that needs it." }
                            p { "Turn it on, or pay by phone or bank transfer." }
                        }
                    }
                    p id="card-loading" role="status" {}
                    div id="card-frame" class="card-frame" {}
                    label class="consent" { input type="checkbox" name="save" value="yes" checked[typed.save];
                        span { "Store this card with Stripe for my next payments to " bdi { (app.settings.company.name) }
                            ". It is shown only after a code sent to the e-mail address on record, and can be removed on this page." } }
                }
            }
            button type="submit" class="primary" id="pay-button" { "Pay " span id="pay-amount" class="money" { (money_words(balance)) } }
            @if said.is_some_and(|said| said.take_over) {
                button type="submit" name="take_over" value="yes" class="secondary" id="take-over" { "Use this window instead" }
            } @else {
                button type="submit" name="take_over" value="yes" class="secondary" id="take-over" hidden { "Use this window instead" }
            }
            p id="progress" role="status" {}
            p class="quiet" { "Card details go straight to Stripe; " bdi { (app.settings.company.name) } " never sees them."
                @if let Some(suffix) = &app.payments().settings().statement_descriptor_suffix {
                    " Your card statement will show “" bdi { (suffix) } "”."
                }
            }
        }
        @if !visitor.verified {
            form method="post" action={ (path) "/code" } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                button type="submit" class="link" { "Use a card you stored before" }
            }
        } @else if stored {
            details {
                summary { "Remove a stored card" }
                @for card in &shown.cards {
                    form method="post" action={ (path) "/methods/remove" } class="row" {
                        input type="hidden" name="csrf" value=(visitor.csrf);
                        input type="hidden" name="method" value=(card.id);
                        span { (card_words(card)) }
                        button type="submit" class="link" { "Remove " span class="hidden-text" { (card_words(card)) } }
                    }
                }
            }
        } @else {
            p class="quiet" { "No card is stored for this account." }
        }
    })
}

fn stored_card(card: &PaymentMethod, typed: &Typed) -> Markup {
    html! {
        label { input type="radio" name="method" value=(card.id) checked[typed.method.as_deref() == Some(card.id.as_str())];
            span { (card_words(card)) } }
    }
}

fn card_words(card: &PaymentMethod) -> String {
    match &card.card {
        Some(card) => format!(
            "{} ending {}, expires {:02}/{}",
            crate::stripe::brand_name(&card.brand),
            card.last4,
            card.exp_month,
            card.exp_year
        ),
        None => "Card".to_owned(),
    }
}

/// The payments that were made, with their receipts.
fn history(link: &Link, shown: &Shown) -> Result<Markup, MoneyError> {
    let made: Vec<&LedgerPayment> =
        shown.payments.iter().filter(|payment| matches!(payment.state, Payment::Settled { .. })).collect();
    Ok(html! {
        @if !made.is_empty() {
            section aria-labelledby="history" {
                h2 id="history" { "Payments" }
                ul class="history" {
                    @for payment in made {
                        li {
                            span class="money" { (money_words(payment.part().received)) }
                            @if let Some(day) = payment.received_s.and_then(|s| jiff::Timestamp::from_second(s).ok()) {
                                ", " (day.strftime("%-d %B %Y").to_string())
                            }
                            @if let Some(method) = &payment.method_detail { ", " bdi { (method) } }
                            @if !payment.part().refunded.is_zero() { " · " (money_words(payment.part().refunded)) " was refunded" }
                            @if !payment.part().lost.is_zero() { " · came back" }
                            @if let Some(number) = &payment.receipt_number {
                                " · " a href={ "/pay/" (link.id) "/receipts/" (number) ".pdf?download=1" } { "Receipt " (number) " (PDF)" }
                            }
                        }
                    }
                }
            }
        }
    })
}
