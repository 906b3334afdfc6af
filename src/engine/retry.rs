//! How long to wait before the next try. The only place that names the crate `backoff`.

use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;

/// After so many tries a command becomes a dead letter. With the delays below that is after about a day.
pub const MOST_ATTEMPTS: i64 = 30;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(3600);
const FACTOR: f64 = 2.0;
const JITTER: f64 = 0.3;

/// What comes after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait so long, then try again.
    Wait(Duration),
    /// Enough: it becomes a dead letter.
    GiveUp,
}

/// Decides after `attempts` failed tries (from 1). What the other side asked us to wait is waited at least.
pub fn after(attempts: i64, asked: Option<Duration>) -> Next {
    if attempts >= MOST_ATTEMPTS {
        return Next::GiveUp;
    }
    let wait = delay(attempts, FIRST, LONGEST);
    Next::Wait(asked.map_or(wait, |asked| wait.max(asked)))
}

/// The delay before try `attempts` + 1: doubling from `first`, never above `longest`, with jitter.
pub fn delay(attempts: i64, first: Duration, longest: Duration) -> Duration {
    let steps = i32::try_from(attempts.clamp(1, 40) - 1).unwrap_or(0);
    let middle = first.as_secs_f64() * FACTOR.powi(steps);
    let middle = Duration::from_secs_f64(middle.min(longest.as_secs_f64()));
    let mut policy = ExponentialBackoffBuilder::new()
        .with_initial_interval(middle)
        .with_multiplier(FACTOR)
        .with_randomization_factor(JITTER)
        .with_max_interval(longest)
        .with_max_elapsed_time(None)
        .build();
    policy.next_backoff().unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_an_hour_and_then_it_gives_up() {
        for (attempts, middle) in [(1, 2.0), (2, 4.0), (5, 32.0), (10, 1024.0)] {
            let Next::Wait(wait) = after(attempts, None) else { panic!("gave up after {attempts}") };
            let ratio = wait.as_secs_f64() / middle;
            assert!((0.69..=1.31).contains(&ratio), "{attempts}: {wait:?}");
        }
        let Next::Wait(wait) = after(29, None) else { panic!("gave up after 29") };
        assert!(wait <= LONGEST);
        assert_eq!(after(30, None), Next::GiveUp);
    }

    #[test]
    fn what_the_other_side_asks_for_is_waited() {
        assert_eq!(after(1, Some(Duration::from_secs(900))), Next::Wait(Duration::from_secs(900)));
    }
}
