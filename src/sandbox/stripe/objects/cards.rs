//! The test cards: by number as typed into the card form, and by token as a server sends it.

use crate::sandbox::stripe::refusal::Refusal;

/// What a card does when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    Approve,
    Decline(Decline),
    /// Takes being stored, and declines when it is charged.
    DeclineWhenCharged,
    /// Asks for 3-D Secure each time.
    Authenticate,
    /// Asks for 3-D Secure unless it was set up for later use.
    AuthenticateOnce,
    AuthenticateThen(Decline),
    /// The charge succeeds and is disputed at once.
    Dispute(&'static str),
    /// The refund is pending, then succeeds.
    SlowRefund,
    /// The refund succeeds, then fails.
    FailingRefund,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    Generic,
    InsufficientFunds,
    Lost,
    Stolen,
    Expired,
    IncorrectCvc,
    Processing,
    Velocity,
    Fraudulent,
    IncorrectNumber,
}

impl Decline {
    /// Code, decline code, message, and what the network advises.
    pub fn parts(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Decline::Generic => ("card_declined", Some("generic_decline"), "Your card was declined."),
            Decline::InsufficientFunds => {
                ("card_declined", Some("insufficient_funds"), "Your card has insufficient funds.")
            }
            Decline::Lost => ("card_declined", Some("lost_card"), "Your card was declined."),
            Decline::Stolen => ("card_declined", Some("stolen_card"), "Your card was declined."),
            Decline::Fraudulent => ("card_declined", Some("fraudulent"), "Your card was declined."),
            Decline::Velocity => (
                "card_declined",
                Some("card_velocity_exceeded"),
                "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            ),
            Decline::Expired => ("expired_card", Some("expired_card"), "Your card has expired."),
            Decline::IncorrectCvc => {
                ("incorrect_cvc", Some("incorrect_cvc"), "Your card's security code is incorrect.")
            }
            Decline::Processing => (
                "processing_error",
                Some("processing_error"),
                "An error occurred while processing your card. Try again in a little bit.",
            ),
            Decline::IncorrectNumber => ("incorrect_number", None, "Your card number is incorrect."),
        }
    }

    pub fn refusal(self) -> Refusal {
        let (code, decline_code, message) = self.parts();
        let refusal = Refusal::card(code, decline_code, message);
        match self {
            Decline::IncorrectCvc => refusal.param("cvc"),
            Decline::Expired => refusal.param("exp_month"),
            Decline::IncorrectNumber => refusal.param("number"),
            _ => refusal,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Card {
    pub number: &'static str,
    /// The name after `pm_card_`.
    pub token: &'static str,
    pub brand: &'static str,
    pub funding: &'static str,
    pub country: &'static str,
    pub conduct: Conduct,
}

const fn visa(number: &'static str, token: &'static str, conduct: Conduct) -> Card {
    Card { number, token, brand: "visa", funding: "credit", country: "US", conduct }
}

const fn good(number: &'static str, token: &'static str, brand: &'static str, funding: &'static str) -> Card {
    Card { number, token, brand, funding, country: "US", conduct: Conduct::Approve }
}

pub const CARDS: &[Card] = &[
    good("4242424242424242", "visa", "visa", "credit"),
    good("4000056655665556", "visa_debit", "visa", "debit"),
    good("5555555555554444", "mastercard", "mastercard", "credit"),
    good("5200828282828210", "mastercard_debit", "mastercard", "debit"),
    good("5105105105105100", "mastercard_prepaid", "mastercard", "prepaid"),
    good("378282246310005", "amex", "amex", "credit"),
    good("6011111111111117", "discover", "discover", "credit"),
    good("3056930009020004", "diners", "diners", "credit"),
    good("3566002020360505", "jcb", "jcb", "credit"),
    good("6200000000000005", "unionpay", "unionpay", "credit"),
    Card { country: "GB", ..good("4000008260000000", "gb", "visa", "credit") },
    Card { country: "DE", ..good("4000002760000016", "de", "visa", "credit") },
    visa("4000000000000002", "chargeDeclined", Conduct::Decline(Decline::Generic)),
    visa("4000000000009995", "chargeDeclinedInsufficientFunds", Conduct::Decline(Decline::InsufficientFunds)),
    visa("4000000000009987", "chargeDeclinedLostCard", Conduct::Decline(Decline::Lost)),
    visa("4000000000009979", "chargeDeclinedStolenCard", Conduct::Decline(Decline::Stolen)),
    visa("4000000000000069", "chargeDeclinedExpiredCard", Conduct::Decline(Decline::Expired)),
    visa("4000000000000127", "chargeDeclinedIncorrectCvc", Conduct::Decline(Decline::IncorrectCvc)),
    visa("4000000000000119", "chargeDeclinedProcessingError", Conduct::Decline(Decline::Processing)),
    visa("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", Conduct::Decline(Decline::Velocity)),
    visa("4100000000000019", "radarBlock", Conduct::Decline(Decline::Fraudulent)),
    visa("4000000000000341", "chargeCustomerFail", Conduct::DeclineWhenCharged),
    visa("4000002760003184", "authenticationRequired", Conduct::Authenticate),
    visa("4000000000003220", "threeDSecure2Required", Conduct::Authenticate),
    visa("4000002500003155", "authenticationRequiredOnSetup", Conduct::AuthenticateOnce),
    visa("4000008400001629", "threeDSecureRequiredChargeDeclined", Conduct::AuthenticateThen(Decline::Generic)),
    visa(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        Conduct::AuthenticateThen(Decline::InsufficientFunds),
    ),
    visa("4000000000000259", "createDispute", Conduct::Dispute("fraudulent")),
    visa("4000000000002685", "createDisputeProductNotReceived", Conduct::Dispute("product_not_received")),
    visa("4000000000001976", "createDisputeInquiry", Conduct::Dispute("inquiry")),
    visa("4000000000007726", "pendingRefund", Conduct::SlowRefund),
    visa("4000000000005126", "refundFail", Conduct::FailingRefund),
];

pub fn by_token(token: &str) -> Option<&'static Card> {
    let name = token.strip_prefix("pm_card_")?;
    CARDS.iter().find(|card| card.token == name)
}

pub fn named(token: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.token == token)
}

/// The card that is declined with this decline code.
pub fn declining(code: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| matches!(card.conduct, Conduct::Decline(decline) if decline.parts().1 == Some(code)))
}

/// Finds the card that was typed. A number that is no test card is refused as the test mode refuses it.
pub fn by_number(typed: &str) -> Result<&'static Card, Refusal> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if digits.len() < 12 || digits.len() > 19 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            Refusal::card("invalid_number", None, "The card number is not a valid credit card number.").param("number")
        );
    }
    if !luhn(&digits) {
        return Err(Decline::IncorrectNumber.refusal());
    }
    CARDS.iter().find(|card| card.number == digits).ok_or_else(|| {
        let message = "Your card was declined. Your request was in test mode, but used a non test card.";
        Refusal::card("card_declined", Some("test_mode_live_card"), message)
    })
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0') * if at % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Checks the date and the code that were typed; `today` is (year, month).
pub fn typed_details(
    exp_month: i64,
    exp_year: i64,
    cvc: Option<&str>,
    brand: &str,
    today: (i64, i64),
) -> Result<i64, Refusal> {
    let year = if exp_year < 100 { 2000 + exp_year } else { exp_year };
    if !(1..=12).contains(&exp_month) {
        return Err(
            Refusal::card("invalid_expiry_month", None, "Your card's expiration month is invalid.").param("exp_month")
        );
    }
    if (year, exp_month) < today || year > today.0 + 50 {
        return Err(
            Refusal::card("invalid_expiry_year", None, "Your card's expiration year is invalid.").param("exp_year")
        );
    }
    if let Some(cvc) = cvc {
        let wanted = if brand == "amex" { 3..=4 } else { 3..=3 };
        if !wanted.contains(&cvc.len()) || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::card("invalid_cvc", None, "Your card's security code is invalid.").param("cvc"));
        }
    }
    Ok(year)
}

#[cfg(test)]
mod tests {
    use super::{CARDS, by_number, by_token, luhn, typed_details};

    #[test]
    fn every_test_card_is_a_possible_number_with_a_name_of_its_own() {
        for (at, card) in CARDS.iter().enumerate() {
            assert!(luhn(card.number), "{}", card.number);
            assert!(CARDS[..at].iter().all(|other| other.number != card.number && other.token != card.token));
        }
    }

    #[test]
    fn wrong_numbers_say_what_is_wrong() {
        let code = |number: &str| by_number(number).unwrap_err().code.clone().unwrap();
        assert_eq!(code("4242 4242 4242 4241"), "incorrect_number");
        assert_eq!(code("4242"), "invalid_number");
        assert_eq!(by_number("4111111111111111").unwrap_err().decline_code.as_deref(), Some("test_mode_live_card"));
        assert_eq!(by_number("4242 4242 4242 4242").unwrap().token, "visa");
        assert!(by_token("pm_card_nothing").is_none());
    }

    #[test]
    fn a_card_of_last_month_is_over() {
        let today = (2026, 11);
        assert_eq!(
            typed_details(10, 26, None, "visa", today).unwrap_err().code.as_deref(),
            Some("invalid_expiry_year")
        );
        assert_eq!(
            typed_details(13, 30, None, "visa", today).unwrap_err().code.as_deref(),
            Some("invalid_expiry_month")
        );
        assert_eq!(typed_details(11, 26, Some("12"), "visa", today).unwrap_err().code.as_deref(), Some("invalid_cvc"));
        assert_eq!(typed_details(11, 26, Some("123"), "visa", today).unwrap(), 2026);
    }
}
