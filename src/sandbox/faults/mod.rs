//! Faults that the stand-ins can be asked to show, each switched on by name with a rate and one shared seed, so that a
//! run can be repeated.
//!
//! A stand-in asks [`Faults::strikes`] at the place where the fault would bite; what the fault does is written there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Every fault by name. The name is what `--fault`, the console and the control address take.
pub const ALL: &[(&str, &str)] = &[
    ("lost_reply", "The request takes effect, and its answer never arrives"),
    ("too_many_requests", "429: the caller is asked to slow down"),
    ("server_error", "500 or 503, before or after the effect"),
    ("slow", "The answer takes seconds"),
    ("dropped_stream", "The event stream breaks off"),
    ("expired_token", "The Salesforce session ends early"),
    ("corrupted_replay_id", "The bus no longer knows the replay id"),
    ("duplicate_webhook", "Stripe or Plaid delivers an event twice"),
    ("reordered_webhook", "Stripe or Plaid delivers events in another order"),
    ("lost_webhook", "Stripe or Plaid never delivers an event"),
    ("unlisted_events", "Stripe's list of events is empty"),
    ("duplicate_event", "The bus delivers an event twice"),
    ("lost_event", "The bus loses an event"),
    ("locked_row", "Salesforce answers UNABLE_TO_LOCK_ROW"),
    ("salesforce_down", "Salesforce answers 503 to everything the sidecar asks, and its event stream breaks off"),
    ("stripe_down", "Stripe answers 503 to everything, with no effect"),
    ("plaid_down", "Plaid answers 503 to everything, with no effect"),
    ("refused_mail", "The mail server answers 451, try again later"),
    ("lost_mail_reply", "The mail server takes a letter, and its answer never arrives"),
];

#[derive(Debug, thiserror::Error)]
#[error("no fault is called {0:?}; the names are {names}", names = ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))]
pub struct UnknownFault(pub String);

/// Which faults are on, and the dice.
pub struct Faults {
    state: Mutex<State>,
}

struct State {
    dice: StdRng,
    rates: BTreeMap<&'static str, f64>,
    struck: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub fn new(seed: u64) -> Faults {
        Faults {
            state: Mutex::new(State {
                dice: StdRng::seed_from_u64(seed),
                rates: BTreeMap::new(),
                struck: BTreeMap::new(),
            }),
        }
    }

    /// `rate` is the share of occasions on which the fault strikes, 0 (off) to 1.
    pub fn set(&self, name: &str, rate: f64) -> Result<(), UnknownFault> {
        let Some((name, _)) = ALL.iter().find(|(known, _)| *known == name) else {
            return Err(UnknownFault(name.to_owned()));
        };
        self.state().rates.insert(name, rate.clamp(0.0, 1.0));
        Ok(())
    }

    /// Throws the dice for one occasion.
    pub fn strikes(&self, name: &'static str) -> bool {
        let mut state = self.state();
        let rate = state.rates.get(name).copied().unwrap_or(0.0);
        let strikes = rate > 0.0 && state.dice.random_bool(rate);
        if strikes {
            *state.struck.entry(name).or_default() += 1;
        }
        strikes
    }

    /// Name, what it does, rate, and how often it struck.
    pub fn list(&self) -> Vec<(&'static str, &'static str, f64, u64)> {
        let state = self.state();
        let get = |name| (state.rates.get(name).copied().unwrap_or(0.0), state.struck.get(name).copied().unwrap_or(0));
        ALL.iter()
            .map(|(name, what)| {
                let (rate, struck) = get(*name);
                (*name, *what, rate, struck)
            })
            .collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
