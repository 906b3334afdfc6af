//! How much, with what, Pay: the form of the payment page.

use maud::{Markup, html};

use super::super::cookie::Visitor;
use super::super::state::App;
use super::super::states::Said;
use super::page::{Shown, Typed};
use crate::domain::{Money, MoneyError};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::stripe::PaymentMethod;

/// Filled by the script; it is there from the start.
pub(super) fn empty_summary() -> Markup {
    html! {
        div class="summary" id="summary" role="group" aria-labelledby="summary-heading" tabindex="-1" hidden {
            h2 id="summary-heading" {}
            p id="summary-happened" {}
            p id="summary-todo" {}
        }
    }
}

pub(super) fn form(
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
            button type="submit" name="again" value="yes" class="secondary" id="pay-again" hidden[!said.is_some_and(|said| said.again)] {
                "Pay the same amount again"
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
