//! The sweep: what a webhook missed, what was made elsewhere, and, at start, what this database has forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Payments};
use crate::domain::Money;
use crate::domain::payment::{IntentStatus, Payment};
use crate::stripe::{Created, Hint, PaymentIntent, Priority};

/// How far a sweep looks back beyond the last one, in seconds: events are listed by a clock that is not ours.
const OVERLAP_S: i64 = 3_600;
/// Without a mark of an earlier sweep: what Stripe keeps events for.
const FARTHEST_S: i64 = 30 * 86_400;

/// What a listing compares in any case: younger than this.
const RECENT_S: i64 = 2 * 86_400;
/// A debit takes four business days, over a weekend and holidays at most nine. One older than this is read by itself, or a
/// single one that hangs would make every listing longer.
const OVERDUE_S: i64 = 14 * 86_400;

/// With a pause that grows to a quarter of an hour: about a day.
const MOST_TRIES: i64 = 100;
/// A mark of the future was made by a clock that was set back since: it says nothing about what was seen.
fn swept_until(mark_s: Option<i64>, now_s: i64) -> Option<i64> {
    mark_s.map(|mark| if mark > now_s + 60 { now_s - FARTHEST_S } else { mark })
}

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Objects read again.
    pub read: usize,
    /// Readings that failed and stand as hints, to be tried again.
    pub failed: usize,
}

impl Payments {
    /// On every start: the intents created since the last durable write (an hour before it, to be sure). Those of ours that
    /// this database doesn't know are adopted; then Pay opens. What else may have moved meanwhile is read again after that,
    /// so that a crash or a backlog keeps no customer waiting.
    pub async fn sweep_at_start(&self) -> Result<SweepReport, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        if let Err(error) = self.learn_receipt_numbers().await {
            // In an outage of Salesforce Pay opens all the same; only a restored database could number a receipt twice.
            tracing::warn!(%error, "the receipts that Salesforce has could not be looked up");
        }
        let last_s = swept_until(self.store().last_sweep_s().await?, now_s).unwrap_or(now_s - FARTHEST_S);
        let created = Created::since((last_s - OVERLAP_S).min(now_s - OVERLAP_S));
        let mut moved = BTreeSet::new();
        let mut adopted = 0;
        for intent in self.stripe().intents_created(created, Priority::Background).await? {
            match self.store().seen_of_intent(&intent.id).await? {
                Some(seen) if seen.as_deref() == Some(intent.status.as_str()) => {}
                None if self.is_our_attempt(&intent) => match self.book_any(&intent.id).await {
                    Ok(()) => adopted += 1,
                    // It can't hold room, so it keeps nobody from paying; the hint tells of it again.
                    Err(Error::Unbookable { .. }) => {
                        moved.insert(intent.id);
                    }
                    Err(error) => return Err(error),
                },
                _ => {
                    moved.insert(intent.id);
                }
            }
        }
        self.opens();
        tracing::info!(adopted, moved = moved.len(), "Pay is open");
        self.store().hint_all(moved.iter().map(String::as_str), self.now_ms()).await?;
        let returned = self.returned_since(created).await?;
        self.store().hint_all(returned.iter().map(String::as_str), self.now_ms()).await?;
        self.hint_verifications().await?;
        self.hint_forgotten_verifications(created).await?;
        self.nudge();
        let events = self.sweep_events().await?;
        Ok(SweepReport { read: adopted + events.read, failed: events.failed })
    }

    fn is_our_attempt(&self, intent: &PaymentIntent) -> bool {
        let org = intent.metadata.get("sf_org_id").map(String::as_str);
        org == Some(self.settings().org.as_str()) && intent.metadata.contains_key("q_attempt_id")
    }

    /// Payments whose charges, refunds and disputes of late don't agree with the ledger.
    async fn returned_since(&self, created: Created) -> Result<BTreeSet<String>, Error> {
        let background = Priority::Background;
        let mut ids = BTreeSet::new();
        for charge in self.stripe().charges_created(created, background).await? {
            let id = charge.payment_intent.clone().unwrap_or_else(|| charge.id.clone());
            let booked = match self.store().payment(&id).await? {
                Some(payment) => {
                    let part = payment.part();
                    let refunded = Money::from_stripe(charge.amount_refunded, part.refunded.currency());
                    charge.status == "failed" || (refunded == Ok(part.refunded) && !charge.disputed)
                }
                None => charge.status == "failed" && charge.payment_intent.is_some(),
            };
            if !booked {
                ids.insert(id);
            }
        }
        for refund in self.stripe().refunds_created(created, background).await? {
            ids.extend(refund.payment_intent.or(refund.charge));
        }
        for dispute in self.stripe().disputes_created(created, background).await? {
            ids.extend(dispute.payment_intent.or(dispute.charge));
        }
        Ok(ids)
    }

    /// Every 15 minutes and on Sync Now: the events since the last sweep, with overlap; what they name is read again, and
    /// so is every payment that somebody may be waiting for. A debit under way is neither: its end is an event.
    pub async fn sweep_events(&self) -> Result<SweepReport, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        let since = swept_until(self.store().last_sweep_s().await?, now_s).unwrap_or(now_s - 86_400) - OVERLAP_S;
        let events =
            self.stripe().events_created(Created::since(since.max(now_s - FARTHEST_S)), Priority::Background).await?;
        let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for event in &events {
            match event.hint() {
                // Events in the overlap were booked before; only new ones are read again.
                Hint::Intent(id) | Hint::Charge(id) if !self.store().knows_event(&event.id).await? => {
                    named.entry(id).or_default().push(&event.id);
                }
                // What is stored or being verified moves no money: it is read when the money is done.
                Hint::Setup(id) | Hint::Customer(id) => {
                    self.store().record_event_once(&event.id, Some(&id), self.now_ms()).await?;
                }
                Hint::Intent(_) | Hint::Charge(_) | Hint::Nothing => {}
            }
        }
        for id in self.store().unfinished_intents().await? {
            named.entry(id).or_default();
        }
        let mut report = SweepReport { read: named.len(), failed: 0 };
        for (id, events) in named {
            report.failed += self.read_all([id]).await?.failed;
            // Only now: an event noted before its object was read would be lost by a crash in between.
            for event in events {
                self.store().record_event_once(event, None, self.now_ms()).await?;
            }
        }
        self.store().set_last_sweep_s(now_s).await?;
        Ok(report)
    }

    /// Whether the last listing is a night ago. The mark is kept, so that a daemon that is started again every day lists too.
    pub(super) async fn listing_is_due(&self) -> Result<bool, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        let every_s = i64::try_from(self.settings().listing_every.as_secs()).unwrap_or(i64::MAX);
        Ok(self.store().last_listing_s().await?.is_none_or(|last_s| last_s > now_s || now_s - last_s >= every_s))
    }

    /// After outages and once a night: the objects themselves by creation, a hundred a page, from the oldest debit under way
    /// on. What they say is held against the ledger; only what differs is read. Refunds and disputes name payments of any age.
    pub async fn sweep_objects(&self) -> Result<SweepReport, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        let overdue_s = now_s - OVERDUE_S;
        let oldest_ms = self.store().oldest_debit_ms(overdue_s * 1000).await?;
        let recent_s = now_s - RECENT_S;
        let created = Created::since(oldest_ms.map_or(recent_s, |ms| recent_s.min(ms / 1000 - OVERLAP_S)));
        let mut ids = BTreeSet::new();
        for intent in self.stripe().intents_created(created, Priority::Background).await? {
            if self.has_moved(&intent, recent_s).await? {
                ids.insert(intent.id);
            }
        }
        ids.extend(self.returned_since(Created::since(recent_s)).await?);
        ids.extend(self.store().unfinished_intents().await?);
        self.hint_verifications().await?;
        ids.extend(self.store().debits_before(overdue_s * 1000).await?);
        let customers = self.store().customers_with_methods().await?;
        self.store().hint_all(customers.iter().map(String::as_str), self.now_ms()).await?;
        let report = self.read_all(ids).await?;
        self.store().set_last_listing_s(now_s).await?;
        Ok(report)
    }

    /// Whether Stripe says something else than the ledger. What the ledger doesn't know may belong to nobody here; an earlier
    /// listing has looked at it unless it is recent.
    async fn has_moved(&self, intent: &PaymentIntent, recent_s: i64) -> Result<bool, Error> {
        if let Some(seen) = self.store().seen_of_intent(&intent.id).await? {
            return Ok(seen.as_deref() != Some(intent.status.as_str()));
        }
        Ok(match self.store().payment(&intent.id).await? {
            Some(payment) => match IntentStatus::from_stripe(&intent.status) {
                Some(IntentStatus::Succeeded) => !matches!(payment.state, Payment::Settled { .. }),
                Some(IntentStatus::Processing) => payment.state != Payment::Processing,
                Some(IntentStatus::Canceled) => payment.state != Payment::Canceled,
                _ => true,
            },
            None => intent.created >= recent_s,
        })
    }

    async fn read_all(&self, ids: impl IntoIterator<Item = String>) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        let mut again = Vec::new();
        for id in ids {
            report.read += 1;
            if let Err(error) = self.book_any(&id).await {
                tracing::warn!(stripe.id = %id, error = %error, "a payment could not be read; it is tried again");
                report.failed += 1;
                again.push(id);
            }
        }
        if !again.is_empty() {
            self.store().hint_all(again.iter().map(String::as_str), self.now_ms()).await?;
        }
        Ok(report)
    }

    /// By what the id names.
    pub async fn book_any(&self, id: &str) -> Result<(), Error> {
        if id.starts_with("cus_") {
            self.mirror_methods(id).await
        } else if id.starts_with("seti_") || id.starts_with(super::verifying::HINT) {
            self.follow_verification(id).await
        } else if id.starts_with("ch_") || id.starts_with("py_") {
            self.book_charge(id, Priority::Background).await
        } else {
            self.book_intent(id, Priority::Background).await.map(|_| ())
        }
    }

    /// Reads again what webhooks and failed sweeps hinted at. Answers how many hints were taken.
    pub async fn follow_hints(&self) -> Result<usize, Error> {
        const AT_ONCE: i64 = 16;
        const READER_DIED_MS: i64 = 120_000;
        let now_ms = self.now_ms();
        let hints = self.store().take_hints(&self.sidecar(), AT_ONCE, now_ms, now_ms + READER_DIED_MS).await?;
        let work = hints.iter().map(|hint| async move {
            match self.book_any(&hint.stripe_id).await {
                Ok(()) => self.hint_ends_well(hint).await,
                Err(Error::Stripe(error)) if error.is_missing() => {
                    tracing::warn!(stripe.id = %hint.stripe_id, "Stripe doesn't know what an event named");
                    self.store().hint_done(hint, self.now_ms()).await
                }
                Err(error) if error.is_final() || hint.attempts >= MOST_TRIES => {
                    self.give_up_booking(&hint.stripe_id, &error, hint.attempts).await?;
                    self.store().hint_done(hint, self.now_ms()).await
                }
                Err(error) => {
                    let wait = crate::engine::retry::delay(
                        hint.attempts,
                        std::time::Duration::from_secs(1),
                        std::time::Duration::from_secs(900),
                    );
                    tracing::warn!(stripe.id = %hint.stripe_id, error = %error, wait_ms = wait.as_millis(), "booking is tried again");
                    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(900_000);
                    self.store().hint_again(hint, self.now_ms() + wait_ms).await
                }
            }
        });
        for done in futures_util::future::join_all(work).await {
            done?;
        }
        Ok(hints.len())
    }
}
