//! Rate limits: a bucket for the whole account and one for each endpoint.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

/// Requests a second; 0 means no limit.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    pub global_per_s: u32,
    pub endpoint_per_s: u32,
    pub search_per_s: u32,
}

impl Default for RateLimits {
    /// What a test key gets.
    fn default() -> RateLimits {
        RateLimits { global_per_s: 25, endpoint_per_s: 25, search_per_s: 20 }
    }
}

impl RateLimits {
    pub const LIVE: RateLimits = RateLimits { global_per_s: 100, endpoint_per_s: 25, search_per_s: 20 };
    pub const NONE: RateLimits = RateLimits { global_per_s: 0, endpoint_per_s: 0, search_per_s: 0 };
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// How many tokens there are now; a second's worth at most.
    fn refill(&mut self, per_s: u32, now: Instant) -> f64 {
        let gained = now.duration_since(self.filled_at).as_secs_f64() * f64::from(per_s);
        self.tokens = (self.tokens + gained).min(f64::from(per_s));
        self.filled_at = now;
        self.tokens
    }
}

#[derive(Debug, Default)]
struct Use {
    taken: u64,
    refused: u64,
    first_ms: i64,
    last_ms: i64,
}

#[derive(Debug, Default)]
pub struct Rates {
    buckets: BTreeMap<String, Bucket>,
    uses: BTreeMap<String, Use>,
}

impl Rates {
    /// Takes one request to `endpoint`, or says which limit it breaks.
    pub fn take(&mut self, limits: RateLimits, endpoint: &str, now: Instant, unix_ms: i64) -> Result<(), &'static str> {
        let own = if endpoint.ends_with("search") { limits.search_per_s } else { limits.endpoint_per_s };
        let checks = [("*", limits.global_per_s, "global-rate"), (endpoint, own, "endpoint-rate")];
        let mut broken = None;
        for (name, per_s, reason) in checks.into_iter().filter(|(_, per_s, _)| *per_s > 0) {
            let bucket = self
                .buckets
                .entry(name.to_owned())
                .or_insert_with(|| Bucket { tokens: f64::from(per_s), filled_at: now });
            if bucket.refill(per_s, now) < 1.0 {
                broken = broken.or(Some(reason));
            }
        }
        for name in ["*", endpoint] {
            let count = self.uses.entry(name.to_owned()).or_default();
            if count.first_ms == 0 {
                count.first_ms = unix_ms;
            }
            count.last_ms = unix_ms;
            *(if broken.is_some() { &mut count.refused } else { &mut count.taken }) += 1;
        }
        if let Some(reason) = broken {
            return Err(reason);
        }
        for (name, _, _) in checks {
            if let Some(bucket) = self.buckets.get_mut(name) {
                bucket.tokens -= 1.0;
            }
        }
        Ok(())
    }

    /// Requests taken and refused by endpoint, `*` for all, with the times of the first and the last.
    pub fn counters(&self) -> Value {
        let one = |(name, count): (&String, &Use)| {
            let value = json!({"taken": count.taken, "refused": count.refused, "first_ms": count.first_ms,
                "last_ms": count.last_ms});
            (name.clone(), value)
        };
        Value::Object(self.uses.iter().map(one).collect())
    }
}

/// The endpoint of a request with its ids left out: `POST /v1/customers/{id}`.
pub fn endpoint(method: &str, path: &[&str]) -> String {
    let words = path.iter().enumerate().map(|(at, part)| if at % 2 == 1 && part.contains('_') { "{id}" } else { part });
    format!("{method} /v1/{}", words.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{RateLimits, Rates, endpoint};

    #[test]
    fn the_twenty_sixth_request_of_a_second_waits_for_the_next_token() {
        let mut rates = Rates::default();
        let start = Instant::now();
        for _ in 0..25 {
            rates.take(RateLimits::LIVE, "POST /v1/customers", start, 1).unwrap();
        }
        assert_eq!(rates.take(RateLimits::LIVE, "POST /v1/customers", start, 1), Err("endpoint-rate"));
        assert_eq!(rates.take(RateLimits::LIVE, "POST /v1/refunds", start, 1), Ok(()));
        assert_eq!(rates.take(RateLimits::LIVE, "POST /v1/customers", start + Duration::from_millis(41), 1), Ok(()));
        assert_eq!(rates.counters()["POST /v1/customers"]["refused"], 1);
    }

    #[test]
    fn a_test_key_shares_twenty_five_among_all_endpoints() {
        let mut rates = Rates::default();
        let start = Instant::now();
        for at in 0..25 {
            rates.take(RateLimits::default(), if at % 2 == 0 { "GET /v1/a" } else { "GET /v1/b" }, start, 1).unwrap();
        }
        assert_eq!(rates.take(RateLimits::default(), "GET /v1/c", start, 1), Err("global-rate"));
    }

    #[test]
    fn an_endpoint_is_named_without_its_ids() {
        assert_eq!(endpoint("POST", &["payment_intents", "pi_1", "confirm"]), "POST /v1/payment_intents/{id}/confirm");
        assert_eq!(endpoint("GET", &["customers", "search"]), "GET /v1/customers/search");
    }
}
