//! Bank accounts and the ladder of an ACH debit: initiated, processing, settled, and, days or weeks later, returned.
//!
//! The steps themselves are those of every payment ([`after`](super::payment::after)); here is what they mean for the
//! bank, its mandate, and who is told.

use super::payment::Payment;

/// Where a customer's bank account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankState {
    Ready,
    /// A debit came back: the mandate is over, and the customer has to give a new one.
    NeedsAuthorisation,
    /// The bank wants its customer to sign in again (Plaid's update mode).
    NeedsLogin,
    /// Closed, restricted or blocked: it can't be debited any more.
    Blocked,
    /// Being removed, once nothing is under way from it.
    Leaving,
    Gone,
}

impl BankState {
    const ALL: [Self; 6] =
        [Self::Ready, Self::NeedsAuthorisation, Self::NeedsLogin, Self::Blocked, Self::Leaving, Self::Gone];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsAuthorisation => "needs_authorisation",
            Self::NeedsLogin => "needs_login",
            Self::Blocked => "blocked",
            Self::Leaving => "leaving",
            Self::Gone => "gone",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether a debit may be made of it now.
    pub fn may_pay(self) -> bool {
        matches!(self, Self::Ready | Self::NeedsAuthorisation)
    }

    /// What a bank becomes when a debit of it failed or came back. What is worse already stays.
    pub fn after_trouble(self, trouble: Trouble) -> Self {
        match (self, trouble) {
            (Self::Leaving | Self::Gone | Self::Blocked, _) | (_, Trouble::None) => self,
            (_, Trouble::NotUsable) => Self::Blocked,
            (Self::Ready | Self::NeedsAuthorisation | Self::NeedsLogin, Trouble::NewAuthorisation) => {
                Self::NeedsAuthorisation
            }
        }
    }
}

/// What a failure means for the account that it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    NewAuthorisation,
    NotUsable,
}

/// Why a debit failed or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Funds,
    Closed,
    NoAccount,
    NotAuthorised,
    Restricted,
    Deactivated,
    WeeklyLimit,
    WrongDetails,
    BankCannot,
    Mandate,
    Unverified,
    Currency,
    Other,
}

impl Reason {
    /// By Stripe's failure code, a dispute's reason, or the bank network's return code.
    pub fn from_code(code: &str) -> Self {
        match code {
            "insufficient_funds" | "R01" | "R09" => Self::Funds,
            "account_closed" | "R02" => Self::Closed,
            "no_account" | "R03" => Self::NoAccount,
            "incorrect_account_details" | "invalid_account_number" | "R04" => Self::WrongDetails,
            "debit_not_authorized" | "customer_initiated" | "R05" | "R07" | "R08" | "R10" | "R11" | "R29" | "R31" => {
                Self::NotAuthorised
            }
            "bank_account_restricted" | "payment_method_bank_account_blocked" | "R16" | "R20" => Self::Restricted,
            "tokenized_account_number_deactivated" => Self::Deactivated,
            "charge_exceeds_weekly_limit" | "charge_exceeds_source_limit" | "charge_exceeds_transaction_limit" => {
                Self::WeeklyLimit
            }
            "bank_cannot_process" => Self::BankCannot,
            "payment_intent_mandate_invalid" | "mandate_invalid" => Self::Mandate,
            "bank_account_unverified" => Self::Unverified,
            "invalid_currency" => Self::Currency,
            _ => Self::Other,
        }
    }

    /// What the clerk reads on the Payment.
    pub fn for_clerk(self) -> &'static str {
        match self {
            Self::Funds => "The bank sent it back: not enough in the account.",
            Self::Closed => "The bank account is closed.",
            Self::NoAccount => "The bank finds no such account.",
            Self::NotAuthorised => {
                "The customer told the bank that this debit was not authorised. Ask before you debit this account again."
            }
            Self::Restricted => "The bank does not allow debits of this account.",
            Self::Deactivated => "The customer or the bank took back the permission given through Plaid.",
            Self::WeeklyLimit => "The payment is above the weekly limit for debits of this account.",
            Self::WrongDetails => "The bank could not match the account's details.",
            Self::BankCannot => "The bank could not carry out the debit.",
            Self::Mandate => "The authorisation for this account has ended; the customer has to give a new one.",
            Self::Unverified => "The bank account was not verified.",
            Self::Currency => "The account can't be debited in this currency.",
            Self::Other => "The bank sent it back without a reason that it passes on.",
        }
    }

    /// What the customer reads in the letter.
    pub fn for_customer(self) -> &'static str {
        match self {
            Self::Funds => "not enough in the account",
            Self::Closed => "the account is closed",
            Self::NoAccount => "the bank finds no such account",
            Self::NotAuthorised => "the debit was reported as not authorised",
            Self::Restricted => "the bank does not allow debits of this account",
            Self::Deactivated => "the permission to debit this account was taken back",
            Self::WeeklyLimit => "above the weekly limit for debits of this account",
            Self::WrongDetails => "the account's details could not be matched",
            Self::BankCannot => "the bank could not carry it out",
            Self::Mandate => "the authorisation has ended",
            Self::Unverified => "the account was not verified",
            Self::Currency => "the account can't be debited in this currency",
            Self::Other => "the bank gave none",
        }
    }

    /// What it means for the account. `returned`: the debit had succeeded before, so Stripe has ended the mandate.
    pub fn trouble(self, returned: bool) -> Trouble {
        match self {
            Self::Closed | Self::NoAccount | Self::Restricted | Self::Deactivated => Trouble::NotUsable,
            Self::NotAuthorised | Self::Mandate => Trouble::NewAuthorisation,
            _ if returned => Trouble::NewAuthorisation,
            _ => Trouble::None,
        }
    }
}

/// The rung on which a bank payment stands, as panel, record and letters name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    Initiated,
    Processing,
    Settled,
    /// It had settled, and the bank took it back.
    Returned,
    /// The bank refused it before it settled.
    Failed,
    /// Nothing was sent to the bank.
    Canceled,
}

/// `failed`: the last reading carried a failure.
pub fn rung(payment: &Payment, failed: bool) -> Rung {
    match payment {
        Payment::Open => Rung::Initiated,
        Payment::Processing => Rung::Processing,
        Payment::Declined => Rung::Failed,
        Payment::Canceled if failed => Rung::Failed,
        Payment::Canceled => Rung::Canceled,
        Payment::Settled { part } if part.lost.is_zero() => Rung::Settled,
        Payment::Settled { .. } => Rung::Returned,
    }
}

/// A letter to the customer about a bank payment. The receipt is another's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// On its way, with a copy of the mandate.
    Started,
    Failed,
    Returned,
}

impl Letter {
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Started, Self::Failed, Self::Returned].into_iter().find(|letter| letter.name() == name)
    }
}

/// Which letter a step calls for. A debit that is refused on the page is told there, by no letter; one of which the failure
/// is read when `nobody_waits` on a page any more, after an outage of days, is told by the letter alone.
pub fn letter(from: Rung, to: Rung, nobody_waits: bool) -> Option<Letter> {
    match (from, to) {
        (from, to) if from == to => None,
        (_, Rung::Processing) => Some(Letter::Started),
        (Rung::Processing, Rung::Failed) => Some(Letter::Failed),
        (Rung::Initiated, Rung::Failed) if nobody_waits => Some(Letter::Failed),
        (_, Rung::Returned) => Some(Letter::Returned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payment::Part;
    use crate::domain::{Currency, Money};

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::from_code("USD").expect("a currency")).expect("not negative")
    }

    #[test]
    fn a_return_ends_the_authorisation_and_a_closed_account_is_not_asked_again() {
        for code in ["insufficient_funds", "bank_cannot_process", "something_new"] {
            assert_eq!(Reason::from_code(code).trouble(true), Trouble::NewAuthorisation, "{code}");
            assert_eq!(Reason::from_code(code).trouble(false), Trouble::None, "{code}");
        }
        for code in ["account_closed", "no_account", "R16", "tokenized_account_number_deactivated"] {
            assert_eq!(Reason::from_code(code).trouble(true), Trouble::NotUsable, "{code}");
        }
        assert_eq!(Reason::from_code("debit_not_authorized").trouble(false), Trouble::NewAuthorisation);
    }

    #[test]
    fn what_is_worse_already_stays() {
        use {BankState as S, Trouble as T};
        assert_eq!(S::Ready.after_trouble(T::NewAuthorisation), S::NeedsAuthorisation);
        assert_eq!(S::Blocked.after_trouble(T::NewAuthorisation), S::Blocked);
        assert_eq!(S::Gone.after_trouble(T::NotUsable), S::Gone);
        assert_eq!(S::NeedsAuthorisation.after_trouble(T::NotUsable), S::Blocked);
        assert_eq!(S::Ready.after_trouble(T::None), S::Ready);
        for state in S::ALL {
            assert_eq!(S::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn each_step_is_told_once_and_by_its_own_letter() {
        let settled = Payment::Settled { part: Part::received(usd(2500)) };
        let returned = Payment::Settled { part: Part { lost: usd(2500), ..Part::received(usd(2500)) } };
        let ladder = [Payment::Open, Payment::Processing, settled, returned];
        let rungs: Vec<Rung> = ladder.iter().map(|step| rung(step, false)).collect();
        assert_eq!(rungs, [Rung::Initiated, Rung::Processing, Rung::Settled, Rung::Returned]);
        let letters: Vec<_> = rungs.windows(2).map(|pair| letter(pair[0], pair[1], false)).collect();
        assert_eq!(letters, [Some(Letter::Started), None, Some(Letter::Returned)]);
        assert_eq!(letter(Rung::Processing, Rung::Failed, false), Some(Letter::Failed));
        assert_eq!(letter(Rung::Initiated, Rung::Failed, false), None, "the page said it");
        assert_eq!(letter(Rung::Initiated, Rung::Failed, true), Some(Letter::Failed), "nobody was there to read it");
        assert_eq!(letter(Rung::Returned, Rung::Returned, true), None);
        assert_eq!(rung(&Payment::Canceled, true), Rung::Failed, "its room is freed, and it failed all the same");
        assert_eq!(letter(Rung::Failed, Rung::Failed, true), None);
    }

    #[test]
    fn every_reason_says_something_to_clerk_and_customer() {
        for code in ["R01", "R02", "R03", "R04", "R10", "R16", "R29", "charge_exceeds_weekly_limit", ""] {
            let reason = Reason::from_code(code);
            assert!(reason.for_clerk().ends_with('.') && !reason.for_customer().is_empty(), "{code}");
        }
    }
}
