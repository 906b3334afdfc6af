//! What a payment is, and what it becomes when Stripe was read again.

use super::{Money, MoneyError};

/// A payment as our ledger holds it. Seeing the same thing twice changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// An intent exists and nothing has moved. It holds its room.
    Open,
    /// The last try was declined. It still holds its room: whoever has the client secret can confirm again.
    Declined,
    /// Under way at the bank: not paid, and not open any more.
    Processing,
    /// Money came in; what is left of it may be nothing.
    Settled { part: Part },
    /// Nothing came in and nothing can.
    Canceled,
}

/// What came in and what went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub received: Money,
    /// Refunds that succeeded.
    pub refunded: Money,
    /// Disputes that were lost; an ACH return after success is one.
    pub lost: Money,
}

impl Part {
    pub fn received(received: Money) -> Self {
        let nothing = Money::zero(received.currency());
        Self { received, refunded: nothing, lost: nothing }
    }

    fn back(&self) -> Result<Money, MoneyError> {
        self.refunded.plus(self.lost)
    }

    /// The part that counts towards the invoice: received − refunded − lost, never below zero.
    pub fn kept(&self) -> Result<Money, MoneyError> {
        self.received.less_or_zero(self.back()?)
    }

    /// What went back beyond what had come: a refund and a bank's return of the same debit pay the customer twice.
    pub fn over_returned(&self) -> Result<Money, MoneyError> {
        self.back()?.less_or_zero(self.received)
    }
}

/// Stripe's status of an intent. An unknown one changes nothing and is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    pub fn from_stripe(name: &str) -> Option<Self> {
        Some(match name {
            "requires_payment_method" => Self::RequiresPaymentMethod,
            "requires_confirmation" => Self::RequiresConfirmation,
            "requires_action" => Self::RequiresAction,
            "processing" => Self::Processing,
            "requires_capture" => Self::RequiresCapture,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            _ => return None,
        })
    }

    /// Whether a cancel is allowed by our rules: never once the bank is at work.
    pub fn may_be_canceled(self) -> bool {
        matches!(self, Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction)
    }
}

/// What was read of an intent (or of a charge without one), server-side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntentSeen {
    pub status: IntentStatus,
    pub part: Part,
    /// The intent carries the error of a try that failed.
    pub declined: bool,
}

/// A pair that can't happen: money moved and we don't know why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that was {from:?} reads {:?} at Stripe; it is left as it is", seen.status)]
pub struct Unexpected {
    pub from: Payment,
    pub seen: IntentSeen,
}

/// What a payment becomes after Stripe was read again.
pub fn after(state: Payment, seen: &IntentSeen) -> Result<Payment, Unexpected> {
    use {IntentStatus as I, Payment as P};
    match (state, seen.status) {
        // kept = received - refunded - lost, never below zero: an ACH debit can come back weeks after it succeeded.
        (P::Open | P::Declined | P::Processing | P::Settled { .. }, I::Succeeded) => Ok(P::Settled { part: seen.part }),
        (P::Open | P::Declined | P::Processing, I::Processing | I::RequiresCapture) => Ok(P::Processing),
        // Declined still holds its room: whoever has the client secret can confirm again. Only `canceled` frees it.
        (P::Open | P::Declined | P::Processing, I::RequiresPaymentMethod) if seen.declined => Ok(P::Declined),
        // 3DS or another try after a decline.
        (P::Open | P::Declined, I::RequiresPaymentMethod | I::RequiresConfirmation | I::RequiresAction) => Ok(P::Open),
        (P::Open | P::Declined | P::Processing | P::Canceled, I::Canceled) => Ok(P::Canceled),
        (from, _) => Err(Unexpected { from, seen: *seen }), // settled, then processing: money went backwards
    }
}

impl Payment {
    /// Whether it takes room on the invoice.
    pub fn reserves(self) -> bool {
        matches!(self, Self::Open | Self::Declined | Self::Processing)
    }

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Declined => "declined",
            Self::Processing => "processing",
            Self::Settled { .. } => "settled",
            Self::Canceled => "canceled",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Currency;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::from_code("USD").expect("a currency")).expect("not negative")
    }

    fn seen(status: IntentStatus) -> IntentSeen {
        let received = if status == IntentStatus::Succeeded { usd(500) } else { usd(0) };
        IntentSeen { status, part: Part::received(received), declined: false }
    }

    #[test]
    fn success_settles_what_was_received() {
        let settled = Payment::Settled { part: Part::received(usd(500)) };
        assert_eq!(after(Payment::Open, &seen(IntentStatus::Succeeded)), Ok(settled));
        assert_eq!(after(Payment::Declined, &seen(IntentStatus::Succeeded)), Ok(settled));
        assert_eq!(after(Payment::Processing, &seen(IntentStatus::Succeeded)), Ok(settled));
    }

    #[test]
    fn a_decline_keeps_its_room_and_only_a_cancel_frees_it() {
        let declined = IntentSeen { declined: true, ..seen(IntentStatus::RequiresPaymentMethod) };
        let state = after(Payment::Open, &declined).expect("possible");
        assert_eq!(state, Payment::Declined);
        assert!(state.reserves());
        let state = after(state, &seen(IntentStatus::Canceled)).expect("possible");
        assert!(!state.reserves());
    }

    #[test]
    fn money_never_goes_backwards_in_silence() {
        let settled = Payment::Settled { part: Part::received(usd(500)) };
        for status in [IntentStatus::Processing, IntentStatus::Canceled, IntentStatus::RequiresPaymentMethod] {
            assert!(after(settled, &seen(status)).is_err(), "{status:?}");
        }
        assert!(after(Payment::Canceled, &seen(IntentStatus::Succeeded)).is_err());
    }

    #[test]
    fn an_ach_debit_that_was_refunded_and_returned_counts_nothing_and_shows_what_went_too_far() {
        let part = Part { received: usd(500), refunded: usd(500), lost: usd(500) };
        assert_eq!(part.kept(), Ok(usd(0)));
        assert_eq!(part.over_returned(), Ok(usd(500)));
    }

    fn any_status() -> impl Strategy<Value = IntentStatus> {
        use IntentStatus as I;
        prop_oneof![
            Just(I::RequiresPaymentMethod),
            Just(I::RequiresConfirmation),
            Just(I::RequiresAction),
            Just(I::Processing),
            Just(I::RequiresCapture),
            Just(I::Succeeded),
            Just(I::Canceled)
        ]
    }

    proptest! {
        #[test]
        fn seeing_the_same_thing_twice_changes_nothing(
            walk in proptest::collection::vec((any_status(), any::<bool>()), 1..12),
        ) {
            let mut state = Payment::Open;
            for (status, declined) in walk {
                let seen = IntentSeen { declined, ..seen(status) };
                if let Ok(once) = after(state, &seen) {
                    prop_assert_eq!(after(once, &seen), Ok(once));
                    state = once;
                }
            }
        }

        #[test]
        fn kept_and_over_returned_are_never_both_above_zero(
            received in 0_i64..1_000_000, refunded in 0_i64..1_000_000, lost in 0_i64..1_000_000,
        ) {
            let part = Part { received: usd(received), refunded: usd(refunded), lost: usd(lost) };
            let (kept, over) = (part.kept().unwrap().minor(), part.over_returned().unwrap().minor());
            prop_assert!(kept == 0 || over == 0);
            prop_assert_eq!(kept - over, received - refunded - lost);
        }
    }
}
