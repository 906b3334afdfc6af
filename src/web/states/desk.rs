//! What a clerk reads while taking a payment.

use super::super::state::App;
use super::{NOTHING, Said};
use crate::engine::payments::{AccountRefused, Refused};

/// A token that gets in no more.
pub fn token_over(used: bool) -> Said {
    let heading = if used { "This page was opened already" } else { "This page was not opened in time" };
    let happened = if used {
        "The address gets in once. Nothing was charged by opening it again."
    } else {
        "The address gets in for five minutes. Nothing was charged."
    };
    Said::new(410, heading, happened, "Press Take Payment on the invoice again.")
}

pub fn choose_method() -> Said {
    Said::new(422, "Choose what to charge", "Nothing was charged.", "Choose a stored card").at("method")
}

/// The bank wants to see the customer, who is on the phone.
pub fn bank_asks_customer() -> Said {
    Said::new(
        200,
        "The card's bank wants to hear from the customer",
        "It asks the customer to confirm in person, which can't be done on the phone. Nothing was charged.",
        "Go back to the invoice and press Send to the customer instead, or use another card.",
    )
}

/// The hour of a clerk's page is over.
pub fn page_ran_out() -> Said {
    Said::new(
        410,
        "This page has run out",
        "It works for an hour. Nothing is charged by it any more.",
        "Press Take Payment on the invoice again.",
    )
}

/// A bank account that is not verified.
pub fn account_refused(app: &App, no: &AccountRefused) -> Said {
    match no {
        AccountRefused::Payment(Refused::StripeDown) => Said::new(
            503,
            "Bank accounts can't be verified right now",
            format!("Stripe does not answer. {NOTHING}"),
            "Try again in some minutes, or send the customer the link.",
        ),
        AccountRefused::Payment(refused) => super::refused(app, refused),
        AccountRefused::Unknown => Said::new(
            422,
            "This bank account can't be used",
            format!("It was used before, or it is not one that was typed in on this page. {NOTHING}"),
            "Enter the numbers again.",
        )
        .at("routing"),
        AccountRefused::NoHolder => Said::new(
            422,
            "The account holder's name is missing",
            NOTHING,
            "Enter the numbers again, with the name as the bank knows it.",
        )
        .at("holder"),
        AccountRefused::Currency => Said::new(
            422,
            "Bank accounts are debited in US dollars only",
            NOTHING,
            "Go back and charge a card instead.",
        ),
        AccountRefused::NoAddress => Said::new(
            422,
            "There is no address to mail the authorisation to",
            NOTHING,
            "Fill Billing Email on the invoice or its account in Salesforce, then open this page again.",
        ),
        AccountRefused::OtherAddress => Said::new(
            409,
            "Salesforce has another e-mail address now",
            format!("Nothing was mailed. {NOTHING}"),
            "Look at the address below with the customer, then press again.",
        ),
        AccountRefused::Agree => Said::new(
            409,
            "The authorisation changed while you read it out",
            NOTHING,
            "Read it out again as it stands now.",
        ),
    }
}
