//! How the API is used: a count of calls by user and kind, and the daily allowance.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What sort of call it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Query,
    Retrieve,
    Collection,
    Composite,
    Read,
    Write,
    Describe,
    Other,
}

/// Counted calls.
pub struct Usage {
    state: Mutex<State>,
    allowed: u64,
}

#[derive(Default)]
struct State {
    calls: BTreeMap<String, BTreeMap<Kind, u64>>,
    /// Calls by minute, oldest first.
    minutes: VecDeque<(i64, u64)>,
    logins: u64,
}

impl Usage {
    /// `allowed` calls in a rolling day.
    pub fn new(allowed: u64) -> Usage {
        Usage { state: Mutex::default(), allowed }
    }

    /// Counts a call; false if the day's allowance was used up before.
    pub fn count(&self, username: &str, kind: Kind, now: Timestamp) -> bool {
        let mut state = self.state();
        if state.used(now) >= self.allowed {
            return false;
        }
        *state.calls.entry(username.to_owned()).or_default().entry(kind).or_default() += 1;
        let this = now.as_second() / 60;
        match state.minutes.back_mut() {
            Some((minute, count)) if *minute == this => *count += 1,
            _ => state.minutes.push_back((this, 1)),
        }
        true
    }

    pub fn count_login(&self) {
        self.state().logins += 1;
    }

    /// Calls of the rolling day, and how many there may be.
    pub fn api(&self, now: Timestamp) -> (u64, u64) {
        (self.state().used(now), self.allowed)
    }

    /// Everything counted since the start, by username and kind.
    pub fn json(&self) -> Json {
        let state = self.state();
        let by_user = state.calls.iter().map(|(user, kinds)| {
            let mut counts: serde_json::Map<String, Json> =
                kinds.iter().map(|(kind, count)| (format!("{kind:?}").to_lowercase(), json!(count))).collect();
            counts.insert("total".to_owned(), json!(kinds.values().sum::<u64>()));
            (user.clone(), Json::Object(counts))
        });
        json!({"calls": by_user.collect::<serde_json::Map<_, _>>(), "logins": state.logins})
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn used(&mut self, now: Timestamp) -> u64 {
        let oldest = (now - DAY).as_second() / 60;
        while self.minutes.front().is_some_and(|(minute, _)| *minute <= oldest) {
            self.minutes.pop_front();
        }
        self.minutes.iter().map(|(_, count)| count).sum()
    }
}
