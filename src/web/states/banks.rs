//! What is said around bank payments.

use super::super::state::App;
use super::{NOTHING, Said};
use crate::domain::bank::Reason;
use crate::engine::banks::{BankRefused, NotChosen};

/// A bank that is not debited.
pub fn bank_refused(app: &App, refusal: &BankRefused) -> Said {
    let company = &app.settings.company.name;
    match refusal {
        BankRefused::Unknown => Said::new(
            422,
            "This bank account can't be used here any more",
            NOTHING,
            "Choose your bank again, or pay by card.",
        )
        .at("method"),
        BankRefused::NotUsable => Said::new(
            422,
            "This bank account can't be debited",
            format!("Your bank has closed or blocked it for debits. {NOTHING}"),
            "Choose another bank account, or pay by card.",
        )
        .at("method"),
        BankRefused::Agree => {
            let mut said = Said::new(
                409,
                "The authorisation changed while you were here",
                NOTHING,
                "Read it again below, then authorise the payment.",
            );
            said.reload = true;
            said
        }
        BankRefused::Currency => {
            Said::new(422, "Bank payments work in US dollars only", NOTHING, "Pay by card instead.").at("method")
        }
        BankRefused::NotEnabled => Said::new(
            503,
            "Bank payments are not available right now",
            format!("The cause is on our side, and {company} has been told. {NOTHING}"),
            "Pay by card instead.",
        )
        .at("method"),
    }
}

/// A debit that was refused as it was ordered, or that failed.
pub fn bank_declined(code: &str) -> Said {
    let reason = Reason::from_code(code);
    let why = format!("The reason: {}. {NOTHING}", reason.for_customer());
    Said::new(402, "This bank payment was refused", why, "Pay by card, or from another bank account.").at("method")
}

/// A visit to the bank that came to nothing.
pub fn not_chosen(app: &App, no: &NotChosen) -> Said {
    match no {
        NotChosen::Off | NotChosen::NotEnabled => bank_refused(app, &BankRefused::NotEnabled),
        NotChosen::PlaidDown => Said::new(
            503,
            "Banks can't be reached right now",
            format!("The service that connects us with banks does not answer. {NOTHING}"),
            "Pay by card, or try again in some minutes.",
        )
        .at("method"),
        NotChosen::StripeDown => Said::new(
            503,
            "Your bank could not be connected right now",
            format!("Our payment provider does not answer. {NOTHING}"),
            "Try again in some minutes.",
        )
        .at("method"),
        NotChosen::Spent => Said::new(
            409,
            "The connection with your bank has run out",
            format!("It works once and not for long. {NOTHING}"),
            "Choose your bank again.",
        )
        .at("method"),
        NotChosen::Unsupported => Said::new(
            422,
            "This account can't be debited",
            format!("It has to be a checking or savings account that your bank confirms at once. {NOTHING}"),
            "Choose another account, or pay by card.",
        )
        .at("method"),
        NotChosen::Login { .. } => {
            Said::new(409, "Your bank wants you to sign in again", NOTHING, "Sign in at your bank, then go on here.")
                .at("method")
        }
    }
}
