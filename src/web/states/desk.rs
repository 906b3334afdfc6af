//! What a clerk reads while taking a payment.

use super::super::state::App;
use super::{NOTHING, Said};
use crate::engine::banks::BankRefused;
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
    Said::new(422, "Choose what to charge", "Nothing was charged.", "Choose a stored card or bank account").at("method")
}

/// The card's bank wants to see the customer, who is on the phone. The link goes out by itself, where there is an address.
pub fn bank_asks_customer(mailed_to: Option<&str>) -> Said {
    let to_do = match mailed_to {
        Some(to) => format!(
            "A payment link is on its way to {to}: the customer can pay there while you are on the phone. Or use another card."
        ),
        None => format!("Use another card. {NO_ADDRESS}"),
    };
    let happened = "It asks the customer to confirm in person, which can't be done on the phone. Nothing was charged.";
    Said::new(200, "The card's bank wants to hear from the customer", happened, to_do)
}

const NO_ADDRESS: &str = "To send a payment link, fill Billing Email on the invoice or its account first.";

/// There is nowhere to send a link to.
pub fn no_address() -> Said {
    Said::new(422, "There is no e-mail address to send a link to", NOTHING, NO_ADDRESS)
}

/// No administrator has turned it on.
pub fn cards_are_off() -> Said {
    Said::new(
        404,
        "Cards are not typed in here",
        format!("The customer types a new card, on the page of a payment link. {NOTHING}"),
        "Go back and press Send the customer a link.",
    )
}

/// Stripe took no order for it.
pub fn not_made() -> Said {
    Said::new(409, "The payment was not made", NOTHING, "Try again, or choose another way to pay.")
}

/// Stripe takes no phone orders from this account.
pub fn moto_refused() -> Said {
    Said::new(
        503,
        "Cards can't be charged on the phone right now",
        format!("Stripe does not take phone orders from this account. Your administrator has been told. {NOTHING}"),
        "Press Send the customer a link.",
    )
}

/// A refusal in the words for somebody who charges for another.
pub fn refused_at_desk(app: &App, refusal: &Refused) -> Said {
    match refusal {
        Refused::Bank(no) => bank_refused_at_desk(no),
        Refused::StripeDown => Said::new(
            503,
            "Payments can't be taken right now",
            format!("Stripe does not answer. {NOTHING}"),
            "Try again in some minutes, or send the customer a link.",
        ),
        Refused::NotTyped => Said::new(
            422,
            "This card can't be used",
            format!("It was used before, or it is not one that was typed on this page just now. {NOTHING}"),
            "Type the card again.",
        ),
        refusal => super::refused(app, refusal),
    }
}

/// A stored bank that is not debited.
pub fn bank_refused_at_desk(no: &BankRefused) -> Said {
    let (heading, to_do) = match no {
        BankRefused::Unknown => ("This bank account is not on file any more", "Choose another way to pay."),
        BankRefused::NotUsable => {
            ("This bank account can't be debited", "Its bank allows no debits now. Choose another way to pay.")
        }
        BankRefused::Agree => (
            "This bank account can't be debited on the phone",
            "The customer has to authorise it again, on the page of a link: press Send the customer a link.",
        ),
        BankRefused::Currency => ("Bank accounts are debited in US dollars only", "Choose a card."),
        BankRefused::NotEnabled => (
            "Bank payments are not available right now",
            "Your administrator has been told. Choose a card, or send the customer a link.",
        ),
    };
    Said::new(422, heading, NOTHING, to_do).at("method")
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
