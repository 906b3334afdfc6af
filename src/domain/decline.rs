//! Why a card was declined, as what the payer is told. Fraud, loss and theft read like any decline without a reason.

/// A family of decline codes: one sentence for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    Funds,
    /// Something typed was wrong.
    Detail(Field),
    Expired,
    NotForThis,
    Limit,
    NoReason,
    Passing,
    Duplicate,
    Authentication,
}

/// The card detail that the bank could not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Number,
    SecurityCode,
    Expiry,
    Postcode,
    Any,
}

impl Decline {
    /// By Stripe's codes: the decline code says more than the code, and advice decides where both are generic.
    pub fn from_codes(code: Option<&str>, decline_code: Option<&str>, advice: Option<&str>) -> Self {
        let specific = decline_code.filter(|code| !code.is_empty());
        match specific.or(code).unwrap_or_default() {
            "insufficient_funds" => Self::Funds,
            "incorrect_number" | "invalid_number" => Self::Detail(Field::Number),
            "incorrect_cvc" | "invalid_cvc" => Self::Detail(Field::SecurityCode),
            "invalid_expiry_month" | "invalid_expiry_year" => Self::Detail(Field::Expiry),
            "incorrect_zip" | "incorrect_address" => Self::Detail(Field::Postcode),
            "expired_card" => Self::Expired,
            "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => Self::Limit,
            "duplicate_transaction" => Self::Duplicate,
            "card_not_supported"
            | "currency_not_supported"
            | "transaction_not_allowed"
            | "service_not_allowed"
            | "not_permitted"
            | "restricted_card"
            | "invalid_amount"
            | "invalid_account"
            | "new_account_information_available" => Self::NotForThis,
            "authentication_required" | "approve_with_id" | "payment_intent_authentication_failure" => {
                Self::Authentication
            }
            "issuer_not_available" | "processing_error" | "reenter_transaction" | "try_again_later" => Self::Passing,
            // These must not be told apart from a decline without a reason, whatever the advice says.
            "lost_card" | "stolen_card" | "pickup_card" | "fraudulent" | "merchant_blacklist" => Self::NoReason,
            "generic_decline" | "card_declined" | "do_not_honor" => match advice {
                Some("try_again_later") => Self::Passing,
                Some("confirm_card_data") => Self::Detail(Field::Any),
                _ => Self::NoReason,
            },
            _ => Self::NoReason,
        }
    }

    /// What the clerk reads in Salesforce. It says no more than the payer was told.
    pub fn for_clerk(self) -> &'static str {
        match self {
            Self::Funds => "The bank declined: not enough available.",
            Self::Detail(_) => "The bank could not match a card detail that was typed.",
            Self::Expired => "The card has expired.",
            Self::NotForThis => "The card can't be used for this kind of payment.",
            Self::Limit => "The card's limit was reached.",
            Self::NoReason => "The bank declined without a reason that it passes on.",
            Self::Passing => "The bank could not be reached.",
            Self::Duplicate => "The bank took it for a duplicate of a payment just made.",
            Self::Authentication => "The bank could not confirm that it was the card's holder.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fraud_loss_and_theft_read_like_a_decline_without_a_reason() {
        let plain = Decline::from_codes(Some("card_declined"), Some("generic_decline"), None);
        for code in ["lost_card", "stolen_card", "pickup_card", "fraudulent", "merchant_blacklist", "brand_new_code"] {
            let told = Decline::from_codes(Some("card_declined"), Some(code), Some("do_not_try_again"));
            assert_eq!(told, plain, "{code}");
            assert_eq!(
                Decline::from_codes(Some("card_declined"), Some(code), Some("try_again_later")),
                plain,
                "{code}"
            );
        }
    }

    #[test]
    fn codes_lead_to_their_family() {
        let family = |code, decline| Decline::from_codes(Some(code), decline, None);
        assert_eq!(family("card_declined", Some("insufficient_funds")), Decline::Funds);
        assert_eq!(family("incorrect_cvc", None), Decline::Detail(Field::SecurityCode));
        assert_eq!(family("expired_card", Some("")), Decline::Expired);
        assert_eq!(family("payment_intent_authentication_failure", None), Decline::Authentication);
        assert_eq!(Decline::from_codes(None, None, None), Decline::NoReason);
        assert_eq!(Decline::from_codes(Some("card_declined"), None, Some("try_again_later")), Decline::Passing);
    }
}
