//! An attempt to pay: it takes room on the invoice before Stripe hears of it.

use super::payment::IntentStatus;

/// How it is paid. Cards and banks book, wait and come back in the same states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    Card,
    BankAccount,
}

impl MethodKind {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankAccount => "bank_account",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Card, Self::BankAccount].into_iter().find(|kind| kind.name() == name)
    }

    /// By Stripe's type of a payment method.
    pub fn from_stripe(kind: &str) -> Option<Self> {
        match kind {
            "card" => Some(Self::Card),
            "us_bank_account" | "ach_debit" => Some(Self::BankAccount),
            _ => None,
        }
    }

    /// Stripe's type of a payment method.
    pub fn at_stripe(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankAccount => "us_bank_account",
        }
    }

    /// The picklist value of `Payment__c.Method__c`.
    pub fn in_salesforce(self) -> &'static str {
        match self {
            Self::Card => "Card",
            Self::BankAccount => "Bank Account",
        }
    }
}

/// How far an attempt has come, as far as money could have moved by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub kind: MethodKind,
    /// The client secret left us, or was about to.
    pub secret_left: bool,
    /// A confirm of ours was sent, or was about to be.
    pub confirm_sent: bool,
}

/// What may be done to free an attempt's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Nobody can confirm it: it is closed in our own database, and its intent canceled when found.
    Close,
    /// Its intent has to be canceled at Stripe, and what Stripe then says decides.
    Cancel,
    /// Not at all: the bank is at work.
    Never,
}

impl Reach {
    /// `seen` is the intent's last reading, if it has an intent.
    pub fn release(self, seen: Option<IntentStatus>) -> Release {
        if !self.secret_left && !self.confirm_sent {
            return Release::Close;
        }
        match (self.kind, seen) {
            (MethodKind::Card, Some(status)) if status.may_be_canceled() => Release::Cancel,
            // Confirmed by us alone, so that nothing can be under way at the bank. Micro-deposits (an action) stay.
            (
                MethodKind::BankAccount,
                Some(IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation),
            ) => Release::Cancel,
            _ => Release::Never,
        }
    }

    /// Whether "nothing was charged" is proven without asking Stripe.
    pub fn cannot_have_charged(self) -> bool {
        !self.secret_left && !self.confirm_sent
    }
}

/// Attempts that nobody touched for this long, and that no bank is working on, are canceled.
pub const IDLE_MS: i64 = 30 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_attempt_that_nobody_can_confirm_is_closed_without_asking_stripe() {
        let fresh = Reach { kind: MethodKind::Card, secret_left: false, confirm_sent: false };
        assert_eq!(fresh.release(None), Release::Close);
        assert!(fresh.cannot_have_charged());
        let handed_out = Reach { secret_left: true, ..fresh };
        assert_eq!(handed_out.release(Some(IntentStatus::RequiresAction)), Release::Cancel);
        assert_eq!(handed_out.release(Some(IntentStatus::Processing)), Release::Never);
        assert_eq!(handed_out.release(Some(IntentStatus::Succeeded)), Release::Never);
        assert!(!handed_out.cannot_have_charged());
        let bank = Reach { kind: MethodKind::BankAccount, ..handed_out };
        assert_eq!(bank.release(Some(IntentStatus::RequiresAction)), Release::Never, "micro-deposits stay");
        assert_eq!(bank.release(Some(IntentStatus::Processing)), Release::Never, "the bank is at work");
        assert_eq!(bank.release(Some(IntentStatus::RequiresPaymentMethod)), Release::Cancel, "it failed");
        assert_eq!(bank.release(None), Release::Never, "what Stripe made of the confirm is not known");
    }
}
