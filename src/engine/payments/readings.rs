//! Readings of one payment in the order in which they were begun: an answer that was under way while a later one was booked
//! may be the older truth, and must not be booked over it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

const STRIPES: usize = 64;
/// Beyond so many, what a stripe remembers is forgotten: those readings are long over.
const KEPT: usize = 2_000;

/// Which reading of each payment was booked last.
pub(super) struct Readings {
    next: AtomicU64,
    booked: Vec<Arc<Mutex<HashMap<String, u64>>>>,
}

/// The right to book one reading; while it is held, no other reading of the same payment is booked.
pub(super) struct Turn {
    booked: OwnedMutexGuard<HashMap<String, u64>>,
    id: String,
    number: u64,
}

impl Readings {
    pub(super) fn new() -> Self {
        Self { next: AtomicU64::new(1), booked: (0..STRIPES).map(|_| Arc::default()).collect() }
    }

    /// Before the question is put to Stripe.
    pub(super) fn begin(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// After the answer. `None`: another one was booked since this was begun. Which of the two answers is the younger can't be
    /// told from their beginnings, so Stripe must be asked again.
    pub(super) async fn turn(&self, id: &str, number: u64) -> Option<Turn> {
        let place = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let booked = Arc::clone(&self.booked[place % STRIPES]).lock_owned().await;
        if booked.get(id).is_some_and(|last| *last > number) {
            return None;
        }
        // Whatever was begun till now may have been answered before this was.
        Some(Turn { booked, id: id.to_owned(), number: self.next.load(Ordering::Relaxed) })
    }
}

impl Turn {
    /// It is booked.
    pub(super) fn done(mut self) {
        if self.booked.len() >= KEPT {
            self.booked.clear();
        }
        let id = std::mem::take(&mut self.id);
        self.booked.insert(id, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_begun_later_may_be_the_older_one_and_is_asked_for_again_too() {
        let readings = Readings::new();
        let (first, second) = (readings.begin(), readings.begin());
        readings.turn("pi_1", first).await.expect("the first to come").done();
        assert!(readings.turn("pi_1", second).await.is_none());
        assert!(readings.turn("pi_1", readings.begin()).await.is_some());
    }

    #[tokio::test]
    async fn an_answer_begun_before_the_one_that_was_booked_is_asked_for_again() {
        let readings = Readings::new();
        let (slow, fast) = (readings.begin(), readings.begin());
        readings.turn("pi_1", fast).await.expect("the first to come").done();
        assert!(readings.turn("pi_1", slow).await.is_none());
        assert!(readings.turn("pi_2", slow).await.is_some(), "another payment's order is its own");
        assert!(readings.turn("pi_1", readings.begin()).await.is_some());
    }
}
