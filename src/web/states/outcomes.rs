//! What became of an invoice or a payment, where no bank gave a reason.

use super::super::state::App;
use super::{NOTHING, Said};
use crate::domain::Money;
use crate::engine::receipts::money_words;

pub fn withdrawn(app: &App) -> Said {
    let company = &app.settings.company.name;
    Said::new(
        200,
        "Nothing to pay",
        format!("{company} has withdrawn this invoice."),
        format!("Contact {company} if you did not expect that."),
    )
}

/// Our own fault. `charged` is None where it isn't known.
pub fn our_fault(reference: &str, nothing_charged: bool) -> Said {
    let money = if nothing_charged { NOTHING } else { "We are checking whether you were charged." };
    Said::new(
        500,
        "Something on our side failed",
        format!("{money} Reference {reference}."),
        "Try again; if it stays, quote the reference.",
    )
}

/// The intent was read, and the bank wants to see the payer.
pub fn bank_asks() -> Said {
    Said::new(
        200,
        "Confirm with your bank",
        "Your bank wants to know it is you. Nothing has been charged yet.",
        "Follow your bank's steps, on its page or in its app.",
    )
}

/// A result that we don't know.
pub fn checking(amount: Money) -> Said {
    Said::new(
        200,
        "We are checking your payment",
        format!("Your bank has not answered yet, so we don't know whether {} was taken.", money_words(amount)),
        "Don't pay again: this page shows the result, and we e-mail it.",
    )
}
