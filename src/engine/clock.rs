//! Time for waiting.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds that never go back: not when the wall clock is set back, and not over a restart.
///
/// It begins at the later of the wall clock and the highest time that the database has seen, and goes on with the
/// machine's monotonic clock. It is for what waits (retries, ages); what a person reads is the wall clock's.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    begin_ms: i64,
    since: Instant,
}

impl SteadyClock {
    /// Starts at the later of both.
    pub fn start(wall_ms: i64, high_water_ms: i64) -> Self {
        Self { begin_ms: wall_ms.max(high_water_ms), since: Instant::now() }
    }

    /// Now, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.at(Instant::now())
    }

    fn at(&self, instant: Instant) -> i64 {
        let passed = instant.saturating_duration_since(self.since).as_millis();
        self.begin_ms.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// The wall clock in milliseconds since 1970, for what a person reads.
pub fn wall_ms() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    i64::try_from(passed).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wall_clock_set_back_does_not_set_it_back() {
        let clock = SteadyClock::start(1_000_000, 5_000_000);
        assert_eq!(clock.at(clock.since), 5_000_000);
        assert_eq!(clock.at(clock.since + Duration::from_secs(2)), 5_002_000);
        assert_eq!(SteadyClock::start(7_000_000, 5_000_000).begin_ms, 7_000_000);
    }
}
