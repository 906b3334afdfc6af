//! How much, with what, Pay: the form of the payment page.

use maud::{Markup, html};

use super::super::cookie::Visitor;
use super::super::state::App;
use super::super::states::Said;
use super::bank::BANK;
use super::page::{Shown, Typed};
use crate::domain::bank::BankState;
use crate::domain::consent::card_text;
use crate::domain::{Money, MoneyError};
use crate::engine::receipts::money_words;
use crate::store::banks::Bank;
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
    let offered = shown.standing.offered()?;
    // Nothing is full about a rest that goes beside what is on its way.
    let all = if shown.standing.on_its_way.is_zero() { "Full balance, " } else { "All that is not on its way yet, " };
    let currency = offered.currency();
    let minimum = Money::from_minor(currency.minimum_minor(), currency)?;
    let field_error = said.filter(|said| said.field == Some("amount"));
    let decimal = if currency.exponent() == 0 { "numeric" } else { "decimal" };
    let stored = !shown.cards.is_empty();
    let offers_bank = app.payments().banks().is_some() && currency.code() == "USD";
    // What was picked, if it is still there to be picked.
    let picked = typed.method.as_deref().filter(|method| {
        let bank = method.strip_prefix(BANK);
        bank.is_some_and(|bank| offers_bank && (bank == "new" || shown.banks.iter().any(|one| one.id == bank)))
            || shown.cards.iter().any(|card| card.id == *method)
    });
    // A bank that was chosen a moment ago and is not stored is chosen again.
    let lost_bank =
        offers_bank && picked.is_none() && typed.method.as_deref().is_some_and(|method| method.starts_with(BANK));
    let new_bank = lost_bank || picked == Some("bank:new");
    let new_card = picked.is_none() && !new_bank;
    let describedby = if field_error.is_some() { "amount-hint amount-error" } else { "amount-hint" };
    let path = format!("/pay/{}", link.id);
    Ok(html! {
        form id="pay" method="post" action={ (path) "/attempts" } novalidate
            data-publishable-key=(app.settings.publishable_key)
            data-currency=(currency.stripe_code()) data-code=(currency.code())
            data-exponent=(currency.exponent()) data-factor=(currency.stripe_factor())
            data-balance=(offered.minor()) data-balance-words=(money_words(offered))
            data-company=(app.settings.company.name) {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="press" value=(uuid::Uuid::new_v4());
            input type="hidden" name="shown" value=(offered.minor());
            input type="hidden" name="currency" value=(currency.code());
            input type="hidden" name="continues" value=(typed.continues.as_deref().unwrap_or_default());
            fieldset class="choice" {
                legend { "How much do you want to pay?" }
                label { input type="radio" name="choice" value="full" checked[!typed.part]; span { (all) span class="money" { (money_words(offered)) } } }
                label { input type="radio" name="choice" value="part" checked[typed.part]; span { "Another amount" } }
                div class="part" {
                    label for="amount" { "Amount in " (currency.code()) }
                    p class="quiet" id="amount-hint" { "From " (money_words(minimum)) " to " (money_words(offered)) }
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
                @if stored || offers_bank {
                    @for card in &shown.cards { (stored_card(card, typed)) }
                    @for bank in &shown.banks { (stored_bank(bank, picked)) }
                    label { input type="radio" name="method" value="new" checked[new_card]; span { @if stored { "A new card" } @else { "Card" } } }
                    @if offers_bank {
                        label { input type="radio" name="method" value="bank:new" checked[new_bank];
                            span { @if shown.banks.is_empty() { "Bank account (ACH)" } @else { "A new bank account (ACH)" } } }
                    }
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
                        span { (card_text(&app.settings.company.name)) } }
                }
                @if offers_bank { (new_bank_part(app, new_bank)) }
            }
            button type="submit" class="primary" id="pay-button" { "Pay " span id="pay-amount" class="money" { (money_words(offered)) } }
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
                button type="submit" class="link" {
                    @if offers_bank { "Use a card or bank you stored before" } @else { "Use a card you stored before" }
                }
            }
        } @else if stored || !shown.banks.is_empty() {
            details {
                summary { @if shown.banks.is_empty() { "Remove a stored card" } @else { "Remove a stored card or bank" } }
                @for bank in &shown.banks {
                    form method="post" action={ (path) "/methods/remove" } class="row" {
                        input type="hidden" name="csrf" value=(visitor.csrf);
                        input type="hidden" name="method" value={ (BANK) (bank.id) };
                        span { (bank.words()) }
                        button type="submit" class="link" { "Remove " span class="hidden-text" { (bank.words()) } }
                    }
                }
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
            p class="quiet" { @if offers_bank { "No card or bank is stored for this account." } @else { "No card is stored for this account." } }
        }
    })
}

fn stored_card(card: &PaymentMethod, typed: &Typed) -> Markup {
    html! {
        label { input type="radio" name="method" value=(card.id) checked[typed.method.as_deref() == Some(card.id.as_str())];
            span { (card_words(card)) } }
    }
}

/// One that can't be debited says why, and can't be picked.
fn stored_bank(bank: &Bank, picked: Option<&str>) -> Markup {
    let value = format!("{BANK}{}", bank.id);
    let note = match bank.state {
        BankState::Ready => None,
        BankState::NeedsAuthorisation => Some("needs a new authorisation"),
        BankState::NeedsLogin => Some("your bank wants you to sign in again"),
        BankState::Blocked | BankState::Leaving | BankState::Gone => Some("can't be debited any more"),
    };
    let usable = bank.state.may_pay() || bank.state == BankState::NeedsLogin;
    html! {
        label {
            input type="radio" name="method" value=(value) checked[picked == Some(value.as_str()) && usable] disabled[!usable]
                data-login[bank.state == BankState::NeedsLogin];
            span { bdi { (bank.words()) } @if let Some(note) = note { " – " (note) } }
        }
    }
}

/// What a new bank takes. The window of Plaid opens at the press.
fn new_bank_part(app: &App, picked: bool) -> Markup {
    let company = &app.settings.company.name;
    let script = app.settings.banks.as_ref().map(|banks| banks.js_url.as_str()).unwrap_or_default();
    html! {
        div id="new-bank" hidden[!picked] data-script=(script) {
            p { "You choose your bank and account in a window of Plaid. " bdi { (company) }
                " sees neither your password nor your account number. You read and give the authorisation on the next page." }
            label class="consent" { input type="checkbox" name="save_bank" value="yes";
                span { "Keep this bank account for my next payments to " bdi { (company) }
                    ". It is shown only after a code sent to the e-mail address on record, and can be removed on this page." } }
        }
    }
}

pub(in crate::web) fn card_words(card: &PaymentMethod) -> String {
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
