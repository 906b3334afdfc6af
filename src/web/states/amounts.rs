//! Amounts that can't be paid, with those that can.

use super::{NOTHING, Said};
use crate::domain::payable::NotPayable;
use crate::engine::receipts::money_words;

/// An amount that can't be paid.
pub fn amount(no: &NotPayable) -> Said {
    let field = |heading: &str, to_do: String| Said::new(422, heading, NOTHING, to_do).at("amount");
    match no {
        NotPayable::Nothing => Said::new(200, "Nothing to pay", "Nothing is left to pay on this invoice.", ""),
        NotPayable::TooSmall { minimum } => {
            let mut said = field("Amount too small", format!("The smallest card payment is {}", money_words(*minimum)));
            said.offers.push(*minimum);
            said
        }
        NotPayable::TooLarge { payable } => {
            let mut said =
                field("Amount too large", format!("{} is left to pay. Enter that or less", money_words(*payable)));
            said.offers.push(*payable);
            said
        }
        NotPayable::AboveMaximum { maximum } => {
            let mut said = field("Amount too large", format!("The largest card payment is {}", money_words(*maximum)));
            said.offers.push(*maximum);
            said
        }
        NotPayable::RestTooSmall { rest, down, up } => {
            let text = match down {
                Some(down) => format!(
                    "{} would be left, too little to pay by card. Enter {} or {}",
                    money_words(*rest),
                    money_words(*down),
                    money_words(*up)
                ),
                None => format!(
                    "{} would be left, too little to pay by card. Enter {}",
                    money_words(*rest),
                    money_words(*up)
                ),
            };
            let mut said = field("The rest would be too small", text);
            said.offers.extend(down.iter().chain([up]));
            said
        }
        NotPayable::OffStep { down, up } => {
            let text = match down {
                Some(down) => {
                    format!("The last decimal has to be 0. Enter {} or {}", money_words(*down), money_words(*up))
                }
                None => format!("The last decimal has to be 0. Enter {}", money_words(*up)),
            };
            let mut said = field("Amount can't be paid by card", text);
            said.offers.extend(down.iter().chain([up]));
            said
        }
        NotPayable::Money(_) => Said::new(500, "Something on our side failed", NOTHING, "Call us about this invoice."),
    }
}
