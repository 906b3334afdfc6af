//! How many events the org may still deliver: the sum over every API subscriber in a rolling 24 hours.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Through which interface an event left the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    PubSub,
    Browser,
}

pub(super) struct Allowance {
    pub per_day: u64,
    /// One entry a minute, oldest first.
    minutes: VecDeque<(i64, u64)>,
    totals: BTreeMap<Door, u64>,
}

impl Allowance {
    pub fn new(per_day: u64) -> Allowance {
        Allowance { per_day, minutes: VecDeque::new(), totals: BTreeMap::new() }
    }

    /// What may still be delivered now.
    pub fn left(&mut self, now: Timestamp) -> u64 {
        let oldest = (now - WINDOW).as_second() / 60;
        while self.minutes.front().is_some_and(|(minute, _)| *minute <= oldest) {
            self.minutes.pop_front();
        }
        let used: u64 = self.minutes.iter().map(|(_, count)| count).sum();
        self.per_day.saturating_sub(used)
    }

    pub fn spend(&mut self, now: Timestamp, door: Door, events: u64) {
        *self.totals.entry(door).or_default() += events;
        let this = now.as_second() / 60;
        match self.minutes.back_mut() {
            Some((minute, count)) if *minute == this => *count += events,
            _ => self.minutes.push_back((this, events)),
        }
    }

    /// Delivered since the start, by door.
    pub fn total(&self, door: Door) -> u64 {
        self.totals.get(&door).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_doors_share_one_allowance_which_comes_back_after_a_day() {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut allowance = Allowance::new(10);
        allowance.spend(start, Door::PubSub, 4);
        allowance.spend(start + SignedDuration::from_hours(1), Door::Browser, 6);
        assert_eq!(allowance.left(start + SignedDuration::from_hours(2)), 0);
        assert_eq!(allowance.left(start + SignedDuration::from_hours(24) + SignedDuration::from_mins(1)), 4);
        assert_eq!((allowance.total(Door::PubSub), allowance.total(Door::Browser)), (4, 6));
    }
}
