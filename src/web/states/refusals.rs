//! Refusals before anything reached the bank.

use super::super::state::App;
use super::{NOTHING, Said, amount, link, unknown, withdrawn};
use crate::engine::payments::Refused;
use crate::engine::receipts::{money_words, time_words};

/// A refusal before anything reached the bank.
pub fn refused(app: &App, refusal: &Refused) -> Said {
    let company = &app.settings.company.name;
    match refusal {
        Refused::NotYet => Said::new(
            503,
            "Payments start again in a moment",
            "We have just restarted and are checking what was paid meanwhile. Nothing was charged.",
            "Try again in a minute; what you entered is still here.",
        )
        .retry(30),
        Refused::Bank(no) => super::bank_refused(app, no),
        Refused::UnknownLink => unknown(),
        Refused::Link(usage) => link(app, *usage),
        Refused::CannotCheck => Said::new(
            503,
            "We can't check this invoice right now",
            format!("We don't take a payment without knowing what is due. {NOTHING}"),
            format!("Try again in some minutes, or call {company}."),
        )
        .retry(60),
        Refused::Withdrawn => withdrawn(app),
        Refused::NothingToPay => {
            let mut said = Said::new(
                200,
                "This invoice was just paid",
                "Nothing is left to pay. You were not charged by this page.",
                "You don't need to do anything.",
            );
            said.reload = true;
            said
        }
        Refused::Changed { left } => {
            let mut said = Said::new(
                409,
                "The invoice changed while you were here",
                format!("{} is left to pay now. {NOTHING}", money_words(*left)),
                "Look at the new amount, then pay.",
            );
            said.reload = true;
            said
        }
        Refused::Amount(no) => amount(no),
        Refused::UnderWay { amount, started_ms, .. } => {
            let minutes = (app.payments().now_ms() - started_ms).max(0) / 60_000;
            let when = match minutes {
                0 => "just now".to_owned(),
                1 => "a minute ago".to_owned(),
                more => format!("{more} minutes ago"),
            };
            let mut said = Said::new(
                409,
                "A payment is already under way",
                format!("{} was started {when}, from another window or person.", money_words(*amount)),
                "Wait for its result here, or stop it and pay here.",
            );
            said.take_over = true;
            said
        }
        Refused::Duplicate { amount, at_ms, method } => {
            let with = method.as_ref().map(|method| format!(" with {method}")).unwrap_or_default();
            let at = time_words(*at_ms, &app.settings.zone);
            let mut said = Said::new(
                409,
                "A payment of the same amount was just made",
                format!("{} was paid{with} on {at}. This press charged nothing.", money_words(*amount)),
                "If that was the payment you meant, you are done. To pay the same amount once more, say so below.",
            );
            said.again = true;
            said
        }
        // A clerk reads the second of these in other words.
        Refused::UnknownMethod | Refused::NotTyped => Said::new(
            422,
            "This stored card can't be used any more",
            NOTHING,
            "Choose another card, or enter a new one.",
        )
        .at("method"),
        Refused::StripeDown => Said::new(
            503,
            "Card payments are not available right now",
            format!("Our payment provider does not answer. {NOTHING}"),
            format!("Try again in some minutes, or call {company}."),
        )
        .retry(60),
        Refused::StripeRefused { code } => {
            tracing::error!(code, "Stripe refused to make a payment; the operator has to look");
            Said::new(500, "Something on our side failed", NOTHING, format!("Try again; if it stays, call {company}."))
        }
    }
}
