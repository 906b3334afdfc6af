//! Keeps us under Stripe's rate limits, with a waiting customer before a backlog.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Priority;

/// Stripe counts at its own door, where our even spacing arrives with the network's jitter: 2% are left for that.
const SHARE: f64 = 0.98;
/// A timer that fires late by up to this much loses nothing: one call's worth, so that a second never holds two more than
/// its share.
const SLACK: Duration = Duration::from_millis(40);
const PER_ENDPOINT: f64 = 25.0;
const TOTAL_TEST: f64 = 25.0;
const TOTAL_LIVE: f64 = 100.0;

/// Spaces the calls of one daemon: 25 a second an endpoint, and 100 (live key) or 25 (test key) a second together.
pub struct Limiter {
    lanes: Mutex<Lanes>,
    /// How many customers wait for a slot; while one does, background calls stand back.
    customers: AtomicUsize,
    endpoint_step: Duration,
    total_step: Duration,
}

struct Lanes {
    next: Instant,
    endpoints: HashMap<&'static str, Lane>,
}

struct Lane {
    next: Instant,
    /// One background call at a time asks for a slot, so that they go in the order they came.
    queue: Arc<tokio::sync::Mutex<()>>,
}

impl Limiter {
    pub fn new(live: bool) -> Self {
        let total = if live { TOTAL_LIVE } else { TOTAL_TEST };
        Self {
            lanes: Mutex::new(Lanes { next: Instant::now(), endpoints: HashMap::new() }),
            customers: AtomicUsize::new(0),
            endpoint_step: Duration::from_secs_f64(1.0 / (PER_ENDPOINT * SHARE)),
            total_step: Duration::from_secs_f64(1.0 / (total * SHARE)),
        }
    }

    /// Returns when the call may go.
    pub async fn wait(&self, endpoint: &'static str, priority: Priority) {
        match priority {
            Priority::Customer => {
                let _waiting = Waiting::new(&self.customers);
                while let Err(until) = self.take(endpoint) {
                    tokio::time::sleep_until(until).await;
                }
            }
            Priority::Background => {
                let queue = self.queue(endpoint);
                let _turn = queue.lock().await;
                loop {
                    if self.customers.load(Ordering::Acquire) > 0 {
                        tokio::time::sleep(self.total_step).await;
                        continue;
                    }
                    match self.take(endpoint) {
                        Ok(()) => return,
                        Err(until) => tokio::time::sleep_until(until).await,
                    }
                }
            }
        }
    }

    /// Stripe said that we are too fast on this endpoint: nothing goes there before `pause` is over.
    pub fn pause(&self, endpoint: &'static str, pause: Duration) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + pause;
        let lane = lanes.lane(endpoint);
        lane.next = lane.next.max(until);
    }

    fn take(&self, endpoint: &'static str) -> Result<(), Instant> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let free = lanes.next.max(lanes.lane(endpoint).next);
        if free > now {
            return Err(free);
        }
        let base = |next: Instant| next.max(now.checked_sub(SLACK).unwrap_or(now));
        lanes.next = base(lanes.next) + self.total_step;
        let lane = lanes.lane(endpoint);
        lane.next = base(lane.next) + self.endpoint_step;
        Ok(())
    }

    fn queue(&self, endpoint: &'static str) -> Arc<tokio::sync::Mutex<()>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&lanes.lane(endpoint).queue)
    }
}

impl Lanes {
    fn lane(&mut self, endpoint: &'static str) -> &mut Lane {
        self.endpoints.entry(endpoint).or_insert_with(|| Lane { next: Instant::now(), queue: Arc::default() })
    }
}

/// Counts a waiting customer, also when the wait is dropped halfway.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn calls_in(window: Duration, limiter: &Limiter, endpoints: &[&'static str]) -> usize {
        let start = Instant::now();
        let mut done = 0;
        loop {
            limiter.wait(endpoints[done % endpoints.len()], Priority::Background).await;
            if start.elapsed() >= window {
                return done;
            }
            done += 1;
        }
    }

    #[tokio::test]
    async fn one_endpoint_takes_nearly_all_of_its_twenty_five_a_second_and_never_more() {
        let done = calls_in(Duration::from_secs(1), &Limiter::new(true), &["customers"]).await;
        assert!((20..=26).contains(&done), "{done}");
    }

    #[tokio::test]
    async fn with_a_test_key_all_endpoints_together_stay_under_twenty_five() {
        let done = calls_in(Duration::from_secs(1), &Limiter::new(false), &["customers", "intents", "charges"]).await;
        assert!((20..=26).contains(&done), "{done}");
    }

    #[tokio::test]
    async fn a_customer_goes_before_a_backlog() {
        let limiter = Arc::new(Limiter::new(false));
        let mut backlog = Vec::new();
        for _ in 0..20 {
            let limiter = Arc::clone(&limiter);
            backlog.push(tokio::spawn(async move { limiter.wait("customers", Priority::Background).await }));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        limiter.wait("intents", Priority::Customer).await;
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
        for call in backlog {
            call.await.expect("the backlog drains");
        }
    }
}
