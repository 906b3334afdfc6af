//! What the clerk's pages have in common.

use maud::{Markup, html};

use super::super::states::Said;
use super::page::Chosen;
use crate::domain::{Money, MoneyError};
use crate::engine::receipts::money_words;
use crate::store::links::Link;

/// All of it, or another amount.
pub(super) fn amount(offered: Money, said: Option<&Said>, chosen: &Chosen) -> Result<Markup, MoneyError> {
    let currency = offered.currency();
    let minimum = Money::from_minor(currency.minimum_minor(), currency)?;
    let error = said.filter(|said| said.field == Some("amount"));
    let decimal = if currency.exponent() == 0 { "numeric" } else { "decimal" };
    Ok(html! {
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
    })
}

/// What every press carries: who presses, which press it is, and what the page said.
pub(super) fn hidden(csrf: &str, offered: Money, chosen: &Chosen) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(csrf);
        input type="hidden" name="press" value=(uuid::Uuid::new_v4());
        input type="hidden" name="shown" value=(offered.minor());
        input type="hidden" name="currency" value=(offered.currency().code());
        input type="hidden" name="continues" value=(chosen.continues);
    }
}

/// The press, and what a refusal offers beside it.
pub(super) fn presses(id: &str, said: Option<&Said>) -> Markup {
    html! {
        button type="submit" class="primary" id=(id) { "Take the payment" }
        @if said.is_some_and(|said| said.take_over) {
            button type="submit" name="take_over" value="yes" class="secondary" { "Stop the other payment and use this page" }
        }
        @if said.is_some_and(|said| said.again) {
            button type="submit" name="again" value="yes" class="secondary" { "Take the same amount again" }
        }
    }
}

/// The customer pays alone.
pub(super) fn send_instead(csrf: &str, link: &Link) -> Markup {
    html! {
        form method="post" action={ "/desk/" (link.id) "/send" } {
            input type="hidden" name="csrf" value=(csrf);
            button type="submit" class="secondary" id="send-instead" { "Send the customer a link" }
        }
    }
}
