//! What a clerk reads while taking a payment.

use super::Said;

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
