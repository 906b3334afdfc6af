//! An invoice's money through any history: cards, bank debits, declines, returns, refunds, disputes, edits and payments by
//! hand, told by signals that come twice, late, in another order, or answered from a reading that is older than the last.
//!
//! The world is what truly happened; the house is what our rules make of what it was told. One hundred thousand histories
//! are walked; one that breaks a rule is cut down to the fewest steps that still break it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::attempt::{MethodKind, Reach, Release};
use super::bank::{Letter, Rung, letter, rung};
use super::payable::{Counted, Standing, admit, settled};
use super::payment::{IntentSeen, IntentStatus, Part, Payment, after};
use super::{Currency, Money};

const HISTORIES: u32 = 100_000;

fn usd(minor: i64) -> Money {
    static USD: LazyLock<Currency> = LazyLock::new(|| Currency::from_code("USD").expect("a currency"));
    Money::from_minor(minor, *USD).expect("not negative")
}

/// One thing that happens. `usize` picks one of the payments so far.
#[derive(Clone, Debug)]
enum Happens {
    /// A payer presses Pay for so many cents.
    Press(MethodKind, i64),
    /// The payer's card or bank says yes, or a bank debit goes on its way.
    Confirm(usize),
    /// The card declines, or the bank refuses at once.
    Decline(usize),
    /// A debit under way arrives, or is refused after days.
    Arrives(usize),
    Fails(usize),
    /// So many cents are sent back from Stripe's dashboard; a refund sent before fails after all.
    Refund(usize, i64),
    RefundFails(usize),
    /// A bank or a card network takes the money back; a dispute is opened and won.
    Lost(usize),
    DisputeWon(usize),
    /// Somebody reads the payment at Stripe now, and the answer is booked.
    Told(usize),
    /// Somebody reads it now; the answer arrives with the second such step.
    Asked(usize),
    Answered(usize),
    /// Idle, revoked or reviewed: we try to free the room.
    Release(usize),
    /// A clerk changes the total, or enters or deletes cash.
    Total(i64),
    Cash(i64),
    CashDeleted(usize),
    /// The outbox reaches the org: it counts what the ledger says now.
    Written,
}

/// A payment as it truly stands at Stripe.
#[derive(Clone, Debug)]
struct Truth {
    kind: MethodKind,
    amount: i64,
    status: IntentStatus,
    declined: bool,
    refunds: Vec<i64>,
    lost: i64,
}

impl Truth {
    fn back(&self) -> i64 {
        self.refunds.iter().sum::<i64>() + self.lost
    }

    fn received(&self) -> i64 {
        if self.status == IntentStatus::Succeeded { self.amount } else { 0 }
    }

    fn seen(&self) -> IntentSeen {
        let received = self.received();
        let part = Part { received: usd(received), refunded: usd(self.refunds.iter().sum()), lost: usd(self.lost) };
        let part = if received == 0 { Part::received(usd(0)) } else { part };
        IntentSeen { status: self.status, part, declined: self.declined }
    }

    /// Whether money may still come in by it.
    fn is_live(&self) -> bool {
        !matches!(self.status, IntentStatus::Succeeded | IntentStatus::Canceled)
    }
}

/// What we know of it.
#[derive(Clone, Debug)]
struct Known {
    state: Payment,
    /// It failed once: kept when its room is freed.
    failed: bool,
    seen: Option<IntentStatus>,
    reach: Reach,
    last_booked: u64,
    letters: Vec<Letter>,
}

#[derive(Default)]
struct House {
    total: i64,
    truth: Vec<Truth>,
    known: Vec<Known>,
    /// Answers on their way: which payment, in which order it was asked, and what it said.
    answers: Vec<(usize, u64, IntentSeen)>,
    asked: u64,
    cash: BTreeMap<usize, i64>,
    entered: usize,
    /// What the org counts of ours.
    org: BTreeMap<usize, Money>,
}

impl House {
    fn ledger(&self) -> Vec<Counted> {
        let counted = |(id, known): (usize, &Known)| match known.state {
            Payment::Settled { part } => {
                Some(Counted { stripe_id: Some(id.to_string()), kept: part.kept().expect("reckoned") })
            }
            _ => None,
        };
        self.known.iter().enumerate().filter_map(counted).collect()
    }

    fn standing(&self) -> Standing {
        let ours = self.org.iter().map(|(id, kept)| Counted { stripe_id: Some(id.to_string()), kept: *kept });
        let by_hand = self.cash.values().map(|minor| Counted { stripe_id: None, kept: usd(*minor) });
        let org: Vec<Counted> = ours.chain(by_hand).collect();
        let settled = settled(usd(self.total), &self.ledger(), &org).expect("one currency");
        let reserved = self.known.iter().zip(&self.truth).filter(|(known, _)| known.state.reserves());
        let reserved = reserved.map(|(_, truth)| truth.amount).sum();
        let moving = self.known.iter().zip(&self.truth).filter(|(known, _)| known.state == Payment::Processing);
        let on_its_way = moving.map(|(_, truth)| truth.amount).sum();
        Standing { total: usd(self.total), settled, reserved: usd(reserved), on_its_way: usd(on_its_way) }
    }

    fn ask(&mut self, at: usize) -> (usize, u64, IntentSeen) {
        self.asked += 1;
        (at, self.asked, self.truth[at].seen())
    }

    /// An answer older than the one booked last is asked for again, never booked.
    fn book(&mut self, (at, asked, seen): (usize, u64, IntentSeen)) -> Result<(), String> {
        if self.known[at].last_booked > asked {
            let again = self.ask(at);
            return self.book(again);
        }
        let kind = self.truth[at].kind;
        let known = &mut self.known[at];
        let from = known.state;
        let to = after(from, &seen).map_err(|unexpected| unexpected.to_string())?;
        known.last_booked = asked;
        known.seen = Some(seen.status);
        if kind == MethodKind::BankAccount {
            let step = (rung(&from, known.failed), rung(&to, known.failed));
            known.letters.extend(letter(step.0, step.1, false));
        }
        known.failed |= to == Payment::Declined;
        known.state = to;
        Ok(())
    }

    fn told(&mut self, at: usize) -> Result<(), String> {
        let answer = self.ask(at);
        self.book(answer)
    }

    fn step(&mut self, happens: &Happens) -> Result<(), String> {
        use IntentStatus as I;
        let count = self.truth.len();
        let pick = |at: &usize| if count == 0 { None } else { Some(at % count) };
        match happens {
            Happens::Press(kind, minor) => self.press(*kind, *minor)?,
            Happens::Confirm(at) => {
                if let Some(one) = pick(at).map(|at| &mut self.truth[at])
                    && matches!(one.status, I::RequiresPaymentMethod | I::RequiresConfirmation | I::RequiresAction)
                {
                    one.declined = false;
                    one.status = if one.kind == MethodKind::Card { I::Succeeded } else { I::Processing };
                }
            }
            Happens::Decline(at) => {
                if let Some(one) = pick(at).map(|at| &mut self.truth[at])
                    && matches!(one.status, I::RequiresPaymentMethod | I::RequiresConfirmation)
                {
                    (one.status, one.declined) = (I::RequiresPaymentMethod, true);
                }
            }
            Happens::Arrives(at) | Happens::Fails(at) => {
                if let Some(one) = pick(at).map(|at| &mut self.truth[at])
                    && one.status == I::Processing
                {
                    let arrives = matches!(happens, Happens::Arrives(_));
                    one.declined = !arrives;
                    one.status = if arrives { I::Succeeded } else { I::RequiresPaymentMethod };
                }
            }
            Happens::Refund(at, minor) => {
                if let Some(one) = pick(at).map(|at| &mut self.truth[at]) {
                    let left = one.received() - one.refunds.iter().sum::<i64>();
                    if left > 0 {
                        one.refunds.push(minor % left + 1);
                    }
                }
            }
            Happens::RefundFails(at) => {
                if let Some(one) = pick(at).map(|at| &mut self.truth[at]) {
                    one.refunds.pop();
                }
            }
            Happens::Lost(at) => {
                // A bank returns the whole debit, refunded before or not.
                if let Some(one) = pick(at).map(|at| &mut self.truth[at])
                    && one.status == I::Succeeded
                {
                    one.lost = one.amount;
                }
            }
            // Open or won, a dispute takes nothing from the figures.
            Happens::DisputeWon(at) => {
                if let Some(at) = pick(at) {
                    self.told(at)?;
                }
            }
            Happens::Told(at) => {
                if let Some(at) = pick(at) {
                    self.told(at)?;
                }
            }
            Happens::Asked(at) => {
                if let Some(at) = pick(at) {
                    let answer = self.ask(at);
                    self.answers.push(answer);
                }
            }
            Happens::Answered(at) => {
                if !self.answers.is_empty() {
                    let answer = self.answers.remove(at % self.answers.len());
                    self.book(answer)?;
                }
            }
            Happens::Release(at) => {
                if let Some(at) = pick(at) {
                    self.release(at)?;
                }
            }
            Happens::Total(minor) => self.total = *minor,
            Happens::Cash(minor) => {
                self.cash.insert(self.entered, *minor);
                self.entered += 1;
            }
            Happens::CashDeleted(at) => {
                if self.entered > 0 {
                    self.cash.remove(&(at % self.entered));
                }
            }
            Happens::Written => {
                for counted in self.ledger() {
                    let id = counted.stripe_id.and_then(|id| id.parse().ok()).expect("ours");
                    self.org.insert(id, counted.kept);
                }
            }
        }
        Ok(())
    }

    fn press(&mut self, kind: MethodKind, minor: i64) -> Result<(), String> {
        let payable = self.standing().payable().map_err(|error| error.to_string())?;
        if admit(payable, usd(minor)).is_err() {
            return Ok(());
        }
        // Never overpaid: what came in and what may still come in, less what we were told went back, leaves room for it.
        let may_come: i64 = self.truth.iter().filter(|one| one.is_live()).map(|one| one.amount).sum();
        let came: i64 = self.truth.iter().map(Truth::received).sum();
        let back_known: i64 = self
            .known
            .iter()
            .map(|known| match known.state {
                Payment::Settled { part } => part.received.minor() - part.kept().expect("reckoned").minor(),
                _ => 0,
            })
            .sum();
        let cash: i64 = self.cash.values().sum();
        if came - back_known + may_come + cash + minor > self.total {
            return Err(format!(
                "{minor} was let in with {came} come, {back_known} gone back, {may_come} under way and {cash} in cash, of {}",
                self.total
            ));
        }
        let status = IntentStatus::RequiresPaymentMethod;
        let secret_left = kind == MethodKind::Card;
        self.truth.push(Truth { kind, amount: minor, status, declined: false, refunds: Vec::new(), lost: 0 });
        self.known.push(Known {
            state: Payment::Open,
            failed: false,
            seen: None,
            reach: Reach { kind, secret_left, confirm_sent: !secret_left },
            last_booked: 0,
            letters: Vec::new(),
        });
        Ok(())
    }

    /// As the engine does: Stripe is read, asked to cancel where that is allowed, and read again.
    fn release(&mut self, at: usize) -> Result<(), String> {
        if !self.known[at].state.reserves() {
            return Ok(());
        }
        let seen = self.truth[at].status;
        if self.known[at].reach.release(Some(seen)) == Release::Cancel && self.truth[at].is_live() {
            self.truth[at].status = IntentStatus::Canceled;
        }
        self.told(at)
    }

    /// Once everything is told, the figures are what the money says.
    fn ends_right(&mut self) -> Result<(), String> {
        while let Some(answer) = self.answers.pop() {
            self.book(answer)?;
        }
        for at in 0..self.truth.len() {
            self.told(at)?;
            let before = self.standing();
            self.told(at)?;
            if self.standing() != before {
                return Err(format!("payment {at} told twice moved the figures"));
            }
        }
        let kept: i64 = self.truth.iter().map(|one| (one.received() - one.back()).max(0)).sum();
        let cash: i64 = self.cash.values().sum();
        let stands = self.standing();
        if stands.settled.minor() != kept + cash {
            return Err(format!("{} is settled, and {kept} + {cash} is there", stands.settled.minor()));
        }
        self.step(&Happens::Written)?;
        if self.standing() != stands {
            return Err("what the org counts of ours was counted twice".into());
        }
        let live: i64 = self.truth.iter().filter(|one| one.is_live()).map(|one| one.amount).sum();
        if stands.reserved.minor() != live {
            return Err(format!("{} is reserved, and {live} may still come", stands.reserved.minor()));
        }
        for (at, (known, truth)) in self.known.iter().zip(&self.truth).enumerate() {
            let over = match known.state {
                Payment::Settled { part } => part.over_returned().expect("reckoned").minor(),
                _ => 0,
            };
            let truly = (truth.back() - truth.received()).max(0);
            if over != truly {
                return Err(format!("payment {at}: {over} over-returned in the ledger, {truly} in truth"));
            }
            for kind in [Letter::Started, Letter::Failed, Letter::Returned] {
                // A debit that failed may be confirmed anew by nobody: each letter goes once.
                let times = known.letters.iter().filter(|one| **one == kind).count();
                if times > 1 && truth.kind == MethodKind::BankAccount && kind == Letter::Returned {
                    return Err(format!("payment {at}: told {times} times that it came back"));
                }
            }
            if truth.kind == MethodKind::BankAccount && truth.lost > 0 && !known.letters.contains(&Letter::Returned) {
                return Err(format!("payment {at} came back and nobody was told"));
            }
            if rung(&known.state, known.failed) == Rung::Settled && truth.lost > 0 {
                return Err(format!("payment {at} came back and shows as settled"));
            }
        }
        // The status that a clerk sees follows from the figures alone.
        let balance = stands.balance().map_err(|error| error.to_string())?.minor();
        let credit = stands.credit().map_err(|error| error.to_string())?.minor();
        let paid = kept + cash >= self.total;
        if (balance == 0) != paid
            || (credit > 0) != (kept + cash > self.total)
            || balance - credit != self.total - kept - cash
        {
            return Err(format!("{balance} is left and {credit} is a credit, of {} with {}", self.total, kept + cash));
        }
        Ok(())
    }
}

/// One step out of one number: a hundred thousand histories are made in seconds, and what is printed are the steps.
fn happens(number: u32) -> Happens {
    use Happens as H;
    let at = (number / 40) as usize % 6;
    let minor = i64::from(number / 240);
    let kind = if (number / 240).is_multiple_of(2) { MethodKind::Card } else { MethodKind::BankAccount };
    match number % 40 {
        0..6 => H::Press(kind, 50 + minor % 5_950),
        6..12 => H::Confirm(at),
        12..14 => H::Decline(at),
        14..18 => H::Arrives(at),
        18 => H::Fails(at),
        19..21 => H::Refund(at, minor % 6_000),
        21 => H::RefundFails(at),
        22..24 => H::Lost(at),
        24 => H::DisputeWon(at),
        25..29 => H::Told(at),
        29..31 => H::Asked(at),
        31..33 => H::Answered(at),
        33..35 => H::Release(at),
        35 => H::Total(minor % 9_000),
        36 => H::Cash(1 + minor % 3_000),
        37 => H::CashDeleted(at),
        _ => H::Written,
    }
}

fn walk(total: i64, history: &[Happens]) -> Result<(), String> {
    let mut house = House { total, ..House::default() };
    for (number, step) in history.iter().enumerate() {
        house.step(step).map_err(|error| format!("step {number}, {step:?}: {error}"))?;
    }
    house.ends_right()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: HISTORIES, max_shrink_iters: 20_000, ..ProptestConfig::default() })]
    #[test]
    fn any_history_ends_in_the_figures_that_the_money_says(
        total in 50_i64..9_000,
        numbers in proptest::collection::vec(any::<u32>(), 0..24),
    ) {
        let history: Vec<Happens> = numbers.into_iter().map(happens).collect();
        if let Err(broken) = walk(total, &history) {
            return Err(TestCaseError::fail(format!("{broken}\nof {total}: {history:#?}")));
        }
    }
}

#[test]
fn a_card_and_a_debit_make_an_invoice_paid_and_the_return_reopens_it() {
    use Happens as H;
    let (card, bank) = (MethodKind::Card, MethodKind::BankAccount);
    let mut house = House { total: 5_000, ..House::default() };
    let steps = [H::Press(card, 2_500), H::Confirm(0), H::Told(0), H::Press(bank, 2_500), H::Confirm(1), H::Told(1)];
    steps.iter().for_each(|step| house.step(step).expect("possible"));
    assert_eq!(house.standing().payable().expect("reckoned"), usd(0), "in flight counts against the balance");
    house.step(&H::Press(card, 50)).expect("possible");
    assert_eq!(house.truth.len(), 2, "and nothing more is let in");
    [H::Arrives(1), H::Told(1)].iter().for_each(|step| house.step(step).expect("possible"));
    assert_eq!(house.standing().balance().expect("reckoned"), usd(0));
    [H::Refund(1, 999), H::Lost(1), H::Told(1), H::Told(1)].iter().for_each(|step| house.step(step).expect("possible"));
    assert_eq!(house.standing().balance().expect("reckoned"), usd(2_500), "it is due again, once");
    let Payment::Settled { part } = house.known[1].state else { panic!("settled before") };
    assert_eq!(part.over_returned().expect("reckoned"), usd(1_000), "a return after a refund is right to the cent");
    assert_eq!(house.known[1].letters, [Letter::Started, Letter::Returned]);
    house.ends_right().expect("the figures");
}
