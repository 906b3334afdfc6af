//! The sweep: what a webhook missed, what was made elsewhere, and, at start, what this database has forgotten.

use std::collections::BTreeSet;

use super::{Error, Payments};
use crate::stripe::{Created, Hint, Priority};

/// How far a sweep looks back beyond the last one, in seconds: events are listed by a clock that is not ours.
const OVERLAP_S: i64 = 3_600;
/// Without a mark of an earlier sweep: what Stripe keeps events for.
const FARTHEST_S: i64 = 30 * 86_400;

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
    /// On every start: the objects created since the last durable write (an hour before it, to be sure), whatever the
    /// events say; intents of ours that are not known are adopted. Then Pay opens.
    pub async fn sweep_at_start(&self) -> Result<SweepReport, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        let last_s = swept_until(self.store().last_sweep_s().await?, now_s).unwrap_or(now_s - FARTHEST_S);
        let report = self.sweep_objects((last_s - OVERLAP_S).min(now_s - OVERLAP_S)).await?;
        let events = self.sweep_events().await?;
        self.opens();
        tracing::info!(read = report.read + events.read, failed = report.failed + events.failed, "Pay is open");
        Ok(SweepReport { read: report.read + events.read, failed: report.failed + events.failed })
    }

    /// Every 15 minutes and on Sync Now: the events since the last sweep, with overlap; what they name is read again, and
    /// so is every payment that is not over.
    pub async fn sweep_events(&self) -> Result<SweepReport, Error> {
        let now_s = crate::engine::clock::wall_ms() / 1000;
        let since = swept_until(self.store().last_sweep_s().await?, now_s).unwrap_or(now_s - 86_400) - OVERLAP_S;
        let events =
            self.stripe().events_created(Created::since(since.max(now_s - FARTHEST_S)), Priority::Background).await?;
        let mut ids = BTreeSet::new();
        for event in &events {
            match event.hint() {
                Hint::Intent(id) | Hint::Charge(id) => {
                    // Events in the overlap were booked before; only new ones are read again.
                    if self.store().record_event_once(&event.id, None, self.now_ms()).await? {
                        ids.insert(id);
                    }
                }
                Hint::Nothing => {}
            }
        }
        ids.extend(self.store().unfinished_intents().await?);
        let report = self.read_all(ids).await?;
        self.store().set_last_sweep_s(now_s).await?;
        Ok(report)
    }

    /// At start, after outages and once a night: the objects themselves by creation. Refunds and disputes name payments of
    /// any age.
    pub async fn sweep_objects(&self, since_s: i64) -> Result<SweepReport, Error> {
        let created = Created::since(since_s);
        let background = Priority::Background;
        let mut ids = BTreeSet::new();
        ids.extend(self.stripe().intents_created(created, background).await?.into_iter().map(|intent| intent.id));
        for charge in self.stripe().charges_created(created, background).await? {
            ids.insert(charge.payment_intent.unwrap_or(charge.id));
        }
        for refund in self.stripe().refunds_created(created, background).await? {
            ids.extend(refund.payment_intent.or(refund.charge));
        }
        for dispute in self.stripe().disputes_created(created, background).await? {
            ids.extend(dispute.payment_intent.or(dispute.charge));
        }
        ids.extend(self.store().unfinished_intents().await?);
        self.read_all(ids).await
    }

    async fn read_all(&self, ids: BTreeSet<String>) -> Result<SweepReport, Error> {
        let mut report = SweepReport { read: ids.len(), failed: 0 };
        let mut again = Vec::new();
        for id in ids {
            if let Err(error) = self.book_any(&id).await {
                tracing::warn!(stripe.id = %id, error = %error, "a payment could not be read; it is tried again");
                report.failed += 1;
                again.push(id);
            }
        }
        self.store().hint_all(again.iter().map(String::as_str), self.now_ms()).await?;
        Ok(report)
    }

    /// By what the id names.
    pub async fn book_any(&self, id: &str) -> Result<(), Error> {
        if id.starts_with("ch_") || id.starts_with("py_") {
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
        let hints = self.store().take_hints(AT_ONCE, now_ms, now_ms + READER_DIED_MS).await?;
        let work = hints.iter().map(|hint| async move {
            match self.book_any(&hint.stripe_id).await {
                Ok(()) => self.store().hint_done(hint, self.now_ms()).await,
                Err(Error::Stripe(error)) if error.is_missing() => {
                    tracing::warn!(stripe.id = %hint.stripe_id, "Stripe doesn't know what an event named");
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
