//! What a bank's refusal is called.

use super::{NOTHING, Said};
use crate::domain::decline::{Decline, Field};

/// A declined card. The words stand on a reading of the intent as not succeeded.
pub fn declined(decline: Decline) -> Said {
    let said = |heading: &str, happened: &str, to_do: &str| Said::new(200, heading, happened, to_do);
    match decline {
        Decline::Funds => {
            said("Your bank declined: not enough available", NOTHING, "Pay a smaller amount, or use another card.")
        }
        Decline::Detail(field) => {
            let what = match field {
                Field::Number => "card number",
                Field::SecurityCode => "security code",
                Field::Expiry => "expiry date",
                Field::Postcode => "postcode",
                Field::Any => "card details",
            };
            said(
                &format!("Check the {what}"),
                "The bank could not match it. Nothing was charged. Your bank may show the amount as pending; it goes away by itself.",
                "Correct it and pay again.",
            )
        }
        Decline::Expired => said("This card has expired", NOTHING, "Use another card."),
        Decline::NotForThis => said(
            "This card can't be used for this payment",
            "Its bank does not allow this kind of payment. Nothing was charged.",
            "Use another card, or ask the bank that issued it.",
        ),
        Decline::Limit => {
            said("Your card's limit was reached", NOTHING, "Use another card, pay a smaller amount, or try tomorrow.")
        }
        Decline::NoReason => said(
            "Your bank declined the payment",
            "It gave us no reason we can pass on. Nothing was charged.",
            "Use another card, or call the number on the back of this one.",
        ),
        Decline::Passing => said("The bank could not be reached", NOTHING, "Try again in a minute."),
        Decline::Duplicate => said(
            "A payment of the same amount was just made",
            "To keep you from paying twice, your bank stopped this one.",
            "Look at your payments below before you pay again.",
        ),
        Decline::Authentication => said(
            "Your bank could not confirm it was you",
            "The payment was stopped and nothing was charged.",
            "Try once more, or use another card.",
        ),
    }
}
