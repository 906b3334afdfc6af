//! How often one address, link or token may ask. Kept in memory: it slows guessing down, it decides about no money.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

pub struct Limits {
    clock: DefaultClock,
    /// Any page, by address.
    pages: DefaultKeyedRateLimiter<String>,
    /// Presses of Pay, by link.
    pay: DefaultKeyedRateLimiter<String>,
    /// Unknown tokens, by address: each may cost a call to Salesforce.
    unknown: DefaultKeyedRateLimiter<String>,
    /// The same, all together.
    look_ups: DefaultKeyedRateLimiter<String>,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Page,
    Pay,
    UnknownToken,
    LookUp,
}

impl Default for Limits {
    fn default() -> Self {
        let a_minute =
            |count: u32| RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)));
        Self {
            clock: DefaultClock::default(),
            pages: a_minute(240),
            pay: a_minute(20),
            unknown: a_minute(20),
            look_ups: a_minute(120),
        }
    }
}

impl Limits {
    /// Takes one; else how long to wait.
    pub fn take(&self, what: What, key: &str) -> Result<(), Duration> {
        let limiter = match what {
            What::Page => &self.pages,
            What::Pay => &self.pay,
            What::UnknownToken => &self.unknown,
            What::LookUp => &self.look_ups,
        };
        if limiter.len() > 50_000 {
            limiter.retain_recent();
        }
        limiter.check_key(&key.to_owned()).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_link_is_slowed_down_and_another_is_not() {
        let limits = Limits::default();
        let taken = (0..30).filter(|_| limits.take(What::Pay, "a").is_ok()).count();
        assert_eq!(taken, 20);
        assert!(limits.take(What::Pay, "b").is_ok());
    }
}
