//! What the payment page says about the invoice: what is owed and why, and what was paid.

use maud::{Markup, html};

use super::super::state::App;
use super::page::Shown;
use crate::domain::MoneyError;
use crate::domain::payment::Payment;
use crate::engine::clock::wall_ms;
use crate::engine::payments::Freshness;
use crate::engine::receipts::{date_words, money_words, time_words};
use crate::store::links::Link;
use crate::store::payments::LedgerPayment;

/// What is owed.
pub(super) fn summary(app: &App, shown: &Shown) -> Result<Markup, MoneyError> {
    let invoice = &shown.invoice;
    let left = shown.standing.offered()?;
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
                @if shown.standing.settled.is_zero() { span class="money" { (money_words(left)) } " " }
                span class="quiet due" {
                    @if let Some(due) = invoice.due { "due " (date_words(due)) @if overdue { " · overdue" } }
                }
            }
            @if let Some(what) = &invoice.description { p dir="auto" class="wrap" { (what) } }
            dl {
                // Where it is not in the heading.
                @if !shown.standing.settled.is_zero() { div { dt { "Invoice" } dd { bdi { (invoice.number) } } } }
                div { dt { "For" } dd { bdi class="wrap" { (invoice.account_name) } } }
                @for (label, text) in &invoice.extras {
                    div { dt class="wrap" { (label) } dd { bdi class="wrap" { (text) } } }
                }
                div { dt { "Total" } dd class="money" { (money_words(shown.standing.total)) } }
                @if !shown.standing.settled.is_zero() {
                    div { dt { "Already paid" } dd class="money" { (money_words(shown.standing.settled)) } }
                }
                @if !reserved.is_zero() {
                    div { dt { "In progress" } dd class="money" { (money_words(reserved)) } }
                }
                @if left != shown.standing.total {
                    div { dt { "Left to pay" } dd class="money" { (money_words(left)) } }
                }
            }
            @if let Freshness::Copy { age_ms } = shown.freshness {
                p class="quiet" { "Amounts as of " (time_words(wall_ms() - age_ms, &app.settings.zone)) }
            }
        }
    })
}

/// The payments that were made, with their receipts.
pub(super) fn history(link: &Link, shown: &Shown) -> Result<Markup, MoneyError> {
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
                            @if !payment.disputed.is_zero() { " · under review by the bank" }
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
