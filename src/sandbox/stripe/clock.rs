//! The stand-in's clock: the machine's own, moved forward by whoever drives the sandbox.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, shifted. A fixed clock stands still until it is advanced.
#[derive(Debug)]
pub struct Clock {
    shift_ms: AtomicI64,
    fixed: bool,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { shift_ms: AtomicI64::new(0), fixed: false }
    }
}

impl Clock {
    /// A clock for tests that starts at `unix_s`.
    pub fn fixed(unix_s: i64) -> Clock {
        Clock { shift_ms: AtomicI64::new(unix_s * 1000), fixed: true }
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
