//! Webhook events, and what is to be read again at Stripe because of them or of a sweep.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::FromRow;

use super::together::Together;
use super::{Error, Result, Store, Tx, execute, fetch_all};

/// One object to read again.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Hint {
    /// PaymentIntent or charge id.
    pub stripe_id: String,
    pub version: i64,
    pub attempts: i64,
    pub asked_ms: i64,
}

/// A webhook event that wants to become durable.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    event_id: String,
    stripe_id: Option<String>,
    now_ms: i64,
}

pub(super) type Arrivals = Together<Arrival, Result<bool>>;

impl Store {
    /// Makes an event durable: its id, so that a repeat is known, and what it hints at. Answers whether it was new. Events
    /// that come at the same time share one commit.
    pub async fn record_event_once(&self, event_id: &str, stripe_id: Option<&str>, now_ms: i64) -> Result<bool> {
        let arrival = Arrival { event_id: event_id.to_owned(), stripe_id: stripe_id.map(str::to_owned), now_ms };
        self.arrivals.commit(arrival, |arrivals| self.record_events(arrivals)).await
    }

    async fn record_events(&self, arrivals: Vec<Arrival>) -> Vec<Result<bool>> {
        let error = match self.try_record_events(&arrivals).await {
            Ok(new) => return new.into_iter().map(Ok).collect(),
            Err(error) => error,
        };
        // One that the database refuses must not take the others along. Where it does not answer, asking again won't help.
        if arrivals.len() > 1 && error.is_refusal() {
            let mut each = Vec::with_capacity(arrivals.len());
            for arrival in &arrivals {
                let alone = self.try_record_events(std::slice::from_ref(arrival)).await;
                each.push(alone.map(|new| new.first() == Some(&true)));
            }
            return each;
        }
        let why = error.to_string();
        arrivals.iter().map(|_| Err(Error::Together { why: why.clone() })).collect()
    }

    /// All of them in one transaction, in the order of their ids, so that two sidecars can't wait for each other.
    async fn try_record_events(&self, arrivals: &[Arrival]) -> Result<Vec<bool>> {
        let mut order: Vec<usize> = (0..arrivals.len()).collect();
        order.sort_by(|one, other| arrivals[*one].event_id.cmp(&arrivals[*other].event_id));
        let mut new = vec![false; arrivals.len()];
        let mut hints = BTreeMap::new();
        let mut tx = self.begin().await?;
        for at in order {
            let arrival = &arrivals[at];
            let sql = "INSERT INTO webhook_events (event_id, received_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            new[at] = execute!(&mut tx, sql, arrival.event_id.as_str(), arrival.now_ms)? > 0;
            if let (true, Some(stripe_id)) = (new[at], &arrival.stripe_id) {
                hints.insert(stripe_id.as_str(), arrival.now_ms);
            }
        }
        for (stripe_id, now_ms) in hints {
            tx.hint(stripe_id, now_ms).await?;
        }
        tx.commit().await?;
        Ok(new)
    }

    /// Hints at many objects at once.
    pub async fn hint_all(&self, stripe_ids: impl IntoIterator<Item = &str>, now_ms: i64) -> Result<()> {
        let stripe_ids: BTreeSet<&str> = stripe_ids.into_iter().collect();
        let mut tx = self.begin().await?;
        for stripe_id in stripe_ids {
            tx.hint(stripe_id, now_ms).await?;
        }
        tx.commit().await
    }

    /// Takes hints that are due, and puts them off, so that another sidecar reads others meanwhile.
    pub async fn take_hints(&self, limit: i64, now_ms: i64, again_ms: i64) -> Result<Vec<Hint>> {
        let mut tx = self.begin().await?;
        let sql = tx.either(
            "UPDATE hints SET next_at_ms = $3, attempts = attempts + 1 WHERE stripe_id IN
                 (SELECT stripe_id FROM hints WHERE next_at_ms <= $1 ORDER BY next_at_ms LIMIT $2)
             RETURNING stripe_id, version, attempts, asked_ms",
            "UPDATE hints SET next_at_ms = $3, attempts = attempts + 1 WHERE stripe_id IN
                 (SELECT stripe_id FROM hints WHERE next_at_ms <= $1 ORDER BY next_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING stripe_id, version, attempts, asked_ms",
        );
        let hints = fetch_all!(&mut tx, Hint, sql, now_ms, limit, again_ms)?;
        tx.commit().await?;
        Ok(hints)
    }

    /// The object was read and booked. A hint that came meanwhile stays.
    pub async fn hint_done(&self, hint: &Hint, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM hints WHERE stripe_id = $1 AND version = $2";
        if execute!(&mut tx, sql, hint.stripe_id.as_str(), hint.version)? == 0 {
            let sql = "UPDATE hints SET next_at_ms = $2, attempts = 0 WHERE stripe_id = $1";
            execute!(&mut tx, sql, hint.stripe_id.as_str(), now_ms)?;
        }
        tx.commit().await
    }

    /// It could not be read or booked; again at that time.
    pub async fn hint_again(&self, hint: &Hint, at_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE hints SET next_at_ms = $2 WHERE stripe_id = $1 AND version = $3";
        execute!(&mut tx, sql, hint.stripe_id.as_str(), at_ms, hint.version)?;
        tx.commit().await
    }

    /// Stripe resends for three days and keeps events for thirty; ids older than that can't come again.
    pub async fn forget_events(&self, before_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = execute!(&mut tx, "DELETE FROM webhook_events WHERE received_ms < $1", before_ms)?;
        tx.commit().await?;
        Ok(gone)
    }
}

impl Tx {
    /// Something happened to this object at Stripe, or may have.
    pub async fn hint(&mut self, stripe_id: &str, now_ms: i64) -> Result<()> {
        let sql = "INSERT INTO hints (stripe_id, version, attempts, next_at_ms, asked_ms) VALUES ($1, 1, 0, $2, $2)
                   ON CONFLICT (stripe_id) DO UPDATE SET version = hints.version + 1, next_at_ms = $2";
        execute!(self, sql, stripe_id, now_ms)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_repeated_event_hints_once() {
        on_both(async |store| {
            assert!(store.record_event_once("evt_1", Some("pi_1"), 10).await.unwrap());
            let hints = store.take_hints(10, 10, 1_000).await.unwrap();
            assert_eq!(hints.len(), 1);
            assert!(!store.record_event_once("evt_1", Some("pi_1"), 11).await.unwrap());
            store.hint_done(&hints[0], 12).await.unwrap();
            assert_eq!(store.take_hints(10, 5_000, 9_000).await.unwrap(), []);
        })
        .await;
    }

    #[tokio::test]
    async fn events_that_come_at_once_are_each_answered_for_itself() {
        on_both(async |store| {
            assert!(store.record_event_once("evt_07", Some("pi_old"), 1).await.unwrap());
            let mut posts = tokio::task::JoinSet::new();
            for number in 0..50 {
                let store = store.clone();
                posts.spawn(async move {
                    let (event, intent) = (format!("evt_{number:02}"), format!("pi_{}", number % 5));
                    (number, store.record_event_once(&event, Some(&intent), 10).await.unwrap())
                });
            }
            let repeated: Vec<i32> =
                posts.join_all().await.into_iter().filter(|(_, new)| !new).map(|(number, _)| number).collect();
            assert_eq!(repeated, [7]);
            assert_eq!(store.take_hints(100, 10, 1_000).await.unwrap().len(), 6);
        })
        .await;
    }

    #[tokio::test]
    async fn a_hint_that_comes_while_the_object_is_read_leads_to_another_reading() {
        on_both(async |store| {
            store.record_event_once("evt_1", Some("pi_1"), 10).await.unwrap();
            let first = store.take_hints(10, 10, 1_000).await.unwrap();
            assert_eq!(store.take_hints(10, 10, 1_000).await.unwrap(), [], "it is taken");
            store.record_event_once("evt_2", Some("pi_1"), 20).await.unwrap();
            store.hint_done(&first[0], 30).await.unwrap();
            assert_eq!(store.take_hints(10, 30, 1_000).await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_hint_whose_reader_died_is_taken_again() {
        on_both(async |store| {
            store.hint_all(["pi_1", "ch_2"], 10).await.unwrap();
            assert_eq!(store.take_hints(10, 10, 1_000).await.unwrap().len(), 2);
            let again = store.take_hints(10, 1_000, 2_000).await.unwrap();
            assert_eq!(again.iter().map(|hint| hint.attempts).collect::<Vec<_>>(), [2, 2]);
        })
        .await;
    }
}
