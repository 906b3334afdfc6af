//! The clock of Stripe, Plaid and the banks behind them: the machine's own, moved forward by whoever drives the sandbox.
//!
//! What moves with it: when bank debits settle, fail and come back, when micro-deposits arrive and expire, when refunds
//! arrive, idempotency keys expire after 24 hours, link and public tokens end, and every time that Stripe's objects and
//! events carry. What can't: the daemon, the org and the mailbox live on the machine's clock, so that the time in a
//! webhook's signature, and the pauses between its tries, are the machine's, because the receiver compares them with its
//! own. Two things follow. After a leap the daemon sees events from its future, which it must take as they are. And a
//! leap of a day makes Stripe forget keys that the daemon still counts on for hours: don't leap while a request of the
//! daemon is being retried, unless that is what is to be seen.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, shifted. A fixed clock stands still until it is advanced.
#[derive(Debug, Default)]
pub struct Clock {
    shift_ms: AtomicI64,
    fixed: bool,
    movable: bool,
}

impl Clock {
    /// A clock for tests that starts at `unix_s`.
    pub fn fixed(unix_s: i64) -> Clock {
        Clock { shift_ms: AtomicI64::new(unix_s * 1000), fixed: true, movable: true }
    }

    /// The machine's time until it is advanced.
    pub fn movable() -> Clock {
        Clock { movable: true, ..Clock::default() }
    }

    /// Whether a person may advance it.
    pub fn can_move(&self) -> bool {
        self.movable
    }

    pub fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    pub fn now_ms(&self) -> i64 {
        let machine = if self.fixed { 0 } else { machine_ms() };
        machine + self.shift_ms.load(Ordering::SeqCst)
    }

    pub fn advance_s(&self, seconds: i64) {
        self.shift_ms.fetch_add(seconds.saturating_mul(1000), Ordering::SeqCst);
    }

    /// How far the clock was moved, to be kept over a restart.
    pub fn shift_s(&self) -> i64 {
        if self.fixed { 0 } else { self.shift_ms.load(Ordering::SeqCst) / 1000 }
    }
}

/// The machine's own time, for what others check against theirs: signatures and logs.
pub fn machine_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
