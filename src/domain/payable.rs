//! What may be paid: total − settled − reserved, and which amounts the page takes.

use std::collections::HashSet;

use super::{Money, MoneyError};

/// A payment's part in an invoice, by the id that makes it the same payment in our ledger and in the org: the
/// PaymentIntent's, else the charge's. Payments entered by hand have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub stripe_id: Option<String>,
    pub kept: Money,
}

/// The union of our ledger and the org's payments. Where both know one, the ledger's last reading of Stripe wins.
/// Payments in another currency than the invoice's are left out: they can't be added, and are booked without it.
pub fn settled(total: Money, ledger: &[Counted], org: &[Counted]) -> Result<Money, MoneyError> {
    let known: HashSet<&str> = ledger.iter().filter_map(|part| part.stripe_id.as_deref()).collect();
    let only_in_org = org.iter().filter(|part| !part.stripe_id.as_deref().is_some_and(|id| known.contains(id)));
    ledger
        .iter()
        .chain(only_in_org)
        .filter(|part| part.kept.currency() == total.currency())
        .try_fold(Money::zero(total.currency()), |sum, part| sum.plus(part.kept))
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub total: Money,
    pub settled: Money,
    /// Taken by attempts that are not over.
    pub reserved: Money,
    /// The part of it that banks are moving already: days pass until it settles or fails, and nothing can call it off.
    pub on_its_way: Money,
}

impl Standing {
    /// What is still owed, payments in flight not deducted.
    pub fn balance(&self) -> Result<Money, MoneyError> {
        self.total.less_or_zero(self.settled)
    }

    /// What may be paid now.
    pub fn payable(&self) -> Result<Money, MoneyError> {
        self.balance()?.less_or_zero(self.reserved)
    }

    /// What a page offers as all of it: what is owed and not on its way. An attempt that can still be called off is not
    /// deducted, for it may give way.
    pub fn offered(&self) -> Result<Money, MoneyError> {
        self.balance()?.less_or_zero(self.on_its_way)
    }

    /// What was paid beyond the total.
    pub fn credit(&self) -> Result<Money, MoneyError> {
        self.settled.less_or_zero(self.total)
    }
}

/// Why an amount can't be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPayable {
    #[error("nothing is left to pay")]
    Nothing,
    #[error("the smallest card payment is {minimum}")]
    TooSmall { minimum: Money },
    #[error("{payable} is left to pay")]
    TooLarge { payable: Money },
    /// The largest charge that Stripe takes at once.
    #[error("the largest card payment is {maximum}")]
    AboveMaximum { maximum: Money },
    /// What would be left could never be paid by card. The nearest amounts that can be: less, or all.
    #[error("{rest} would be left, which is too little to pay by card")]
    RestTooSmall { rest: Money, down: Option<Money>, up: Money },
    /// Stripe wants the last decimal of some currencies to be 0.
    #[error("the last decimal has to be 0")]
    OffStep { down: Option<Money>, up: Money },
    #[error(transparent)]
    Money(#[from] AmountFault),
}

/// Arithmetic that can't be done; a sign of wrong data, not of a wrong wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amounts of this invoice can't be added or compared")]
pub struct AmountFault;

impl From<MoneyError> for NotPayable {
    fn from(_: MoneyError) -> Self {
        Self::Money(AmountFault)
    }
}

/// Whether `wanted` may be paid while `payable` is open.
pub fn admit(payable: Money, wanted: Money) -> Result<(), NotPayable> {
    let currency = payable.currency();
    if wanted.currency() != currency {
        return Err(NotPayable::Money(AmountFault));
    }
    let money = |minor: i64| Money::from_minor(minor, currency);
    let minimum = currency.minimum_minor().max(currency.step_minor());
    if payable.is_zero() {
        return Err(NotPayable::Nothing);
    }
    if wanted.minor() > payable.minor() {
        return Err(NotPayable::TooLarge { payable });
    }
    if wanted.minor() < minimum {
        return Err(NotPayable::TooSmall { minimum: money(minimum)? });
    }
    if wanted.minor() > currency.maximum_minor() {
        return Err(NotPayable::AboveMaximum { maximum: money(currency.maximum_minor())? });
    }
    let step = currency.step_minor();
    if wanted.minor() % step != 0 {
        let down = wanted.minor() / step * step;
        let up = down.checked_add(step).ok_or(AmountFault)?;
        let fits = |minor: i64| admit(payable, Money::from_minor(minor, currency).ok()?).ok().map(|()| minor);
        return match (fits(down), fits(up)) {
            (down, Some(up)) => {
                let down = down.map(money).transpose()?;
                Err(NotPayable::OffStep { down, up: money(up)? })
            }
            (Some(down), None) => Err(NotPayable::OffStep { down: None, up: money(down)? }),
            (None, None) => Err(NotPayable::OffStep { down: None, up: money(up)? }),
        };
    }
    let rest = payable.less(wanted)?;
    if !rest.is_zero() && rest.minor() < minimum {
        let down = payable.minor() - minimum;
        let down = down / step * step;
        let down = if down >= minimum { Some(money(down)?) } else { None };
        return Err(NotPayable::RestTooSmall { rest, down, up: payable });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Currency;

    fn money(minor: i64, code: &str) -> Money {
        Money::from_minor(minor, Currency::from_code(code).expect("a currency")).expect("not negative")
    }

    fn usd(minor: i64) -> Money {
        money(minor, "USD")
    }

    fn part(id: Option<&str>, kept: Money) -> Counted {
        Counted { stripe_id: id.map(str::to_owned), kept }
    }

    #[test]
    fn one_payment_known_to_both_counts_once_and_as_the_ledger_reads_it() {
        let ledger = [part(Some("pi_1"), usd(300))];
        let org =
            [part(Some("pi_1"), usd(500)), part(Some("pi_2"), usd(200)), part(None, usd(50)), part(None, usd(50))];
        assert_eq!(settled(usd(1_000), &ledger, &org), Ok(usd(600)));
    }

    #[test]
    fn a_payment_in_another_currency_is_not_added() {
        assert_eq!(settled(usd(1_000), &[part(Some("pi_1"), money(300, "EUR"))], &[]), Ok(usd(0)));
    }

    #[test]
    fn a_total_lowered_below_what_is_settled_is_a_credit_and_nothing_to_pay() {
        let standing = Standing { total: usd(400), settled: usd(500), reserved: usd(0), on_its_way: usd(0) };
        assert_eq!(standing.payable(), Ok(usd(0)));
        assert_eq!(standing.credit(), Ok(usd(100)));
    }

    #[test]
    fn all_of_it_is_what_is_not_on_its_way_yet() {
        let standing = Standing { total: usd(1_000), settled: usd(200), reserved: usd(500), on_its_way: usd(300) };
        assert_eq!(standing.balance(), Ok(usd(800)));
        assert_eq!(standing.offered(), Ok(usd(500)), "an attempt of 200 may give way, a debit of 300 can't");
        assert_eq!(standing.payable(), Ok(usd(300)));
    }

    #[test]
    fn an_amount_is_taken_or_told_why_not() {
        let table = [
            (10_000, 10_000, Ok(())),
            (10_000, 5_000, Ok(())),
            (10_000, 49, Err(NotPayable::TooSmall { minimum: usd(50) })),
            (10_000, 0, Err(NotPayable::TooSmall { minimum: usd(50) })),
            (10_000, 10_001, Err(NotPayable::TooLarge { payable: usd(10_000) })),
            (10_000, 9_980, Err(NotPayable::RestTooSmall { rest: usd(20), down: Some(usd(9_950)), up: usd(10_000) })),
            (80, 60, Err(NotPayable::RestTooSmall { rest: usd(20), down: None, up: usd(80) })),
            (20, 20, Err(NotPayable::TooSmall { minimum: usd(50) })),
            (0, 50, Err(NotPayable::Nothing)),
        ];
        for (payable, wanted, outcome) in table {
            assert_eq!(admit(usd(payable), usd(wanted)), outcome, "{wanted} of {payable}");
        }
    }

    #[test]
    fn three_decimal_currencies_are_paid_in_tens() {
        let kwd = |minor| money(minor, "KWD");
        assert_eq!(admit(kwd(10_000), kwd(5_124)), Err(NotPayable::OffStep { down: Some(kwd(5_120)), up: kwd(5_130) }));
        assert_eq!(admit(kwd(10_000), kwd(5_120)), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_admitted_never_overpays_and_never_strands_a_rest(
            payable in 0_i64..2_000, wanted in 0_i64..2_500,
        ) {
            if admit(usd(payable), usd(wanted)).is_ok() {
                let rest = payable - wanted;
                prop_assert!(wanted >= 50);
                prop_assert!(rest == 0 || rest >= 50);
            }
        }

        #[test]
        fn the_amounts_offered_instead_are_themselves_admitted(
            payable in 1_i64..20_000, wanted in 0_i64..20_000, code in prop_oneof![Just("USD"), Just("KWD"), Just("JPY")],
        ) {
            match admit(money(payable, code), money(wanted, code)) {
                Err(NotPayable::RestTooSmall { down, up, .. }) => {
                    for offer in down.into_iter().chain((up.minor() % up.currency().step_minor() == 0).then_some(up)) {
                        prop_assert_eq!(admit(money(payable, code), offer), Ok(()), "{} of {}", offer, payable);
                    }
                }
                Err(NotPayable::OffStep { down: Some(down), .. }) => {
                    prop_assert_eq!(admit(money(payable, code), down), Ok(()));
                }
                _ => {}
            }
        }

        #[test]
        fn any_order_of_attempts_pays_at_most_the_total(
            total in 50_i64..100_000, wishes in proptest::collection::vec(1_i64..60_000, 0..20), freed in any::<u32>(),
        ) {
            let mut standing = Standing { total: usd(total), settled: usd(0), reserved: usd(0), on_its_way: usd(0) };
            for (place, wish) in wishes.into_iter().enumerate() {
                if admit(standing.payable().unwrap(), usd(wish)).is_err() { continue; }
                standing.reserved = standing.reserved.plus(usd(wish)).unwrap();
                if freed >> (place % 32) & 1 == 1 { // declined and canceled, or settled
                    standing.reserved = standing.reserved.less(usd(wish)).unwrap();
                } else if place % 2 == 0 {
                    standing.reserved = standing.reserved.less(usd(wish)).unwrap();
                    standing.settled = standing.settled.plus(usd(wish)).unwrap();
                }
                let taken = standing.settled.plus(standing.reserved).unwrap();
                prop_assert!(taken.minor() <= total);
            }
        }
    }
}
