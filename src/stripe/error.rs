//! What can go wrong at Stripe, as decisions for the caller.

use std::time::Duration;

use serde::Deserialize;

use super::PaymentIntent;

/// One variant is one decision; [`Error::retry`] says which.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sent, or perhaps sent, and no answer: the same key and the same body again, until it is known.
    #[error("Stripe gave no answer to {call}; it may or may not have happened")]
    NoAnswer {
        call: &'static str,
        #[source]
        source: reqwest::Error,
    },
    /// A 5xx answer says nothing about what happened. `kept` is Stripe's replay of a failure that it stored under the key:
    /// the first call has ended, and this key will never say anything else.
    #[error("Stripe failed at {call} with status {status} (request {request_id}); it may or may not have happened")]
    Failed { call: &'static str, status: u16, request_id: String, kept: bool },
    /// The rate limit. Nothing happened.
    #[error("Stripe asks us to slow down at {call}; we wait {} ms", after.as_millis())]
    TooFast { call: &'static str, after: Duration },
    /// Another call holds the object or the key. Nothing happened by this one.
    #[error("Stripe is busy with the same object at {call}; we try again")]
    Busy { call: &'static str },
    /// The card was declined. The intent, if given, is back in `requires_payment_method` and can still be confirmed.
    #[error("the payment was declined ({code})")]
    Declined {
        code: String,
        decline_code: Option<String>,
        advice_code: Option<String>,
        intent: Option<Box<PaymentIntent>>,
    },
    /// The request can't be done as it is; doing it again doesn't help.
    #[error("Stripe refused {call}: {message} ({code}, request {request_id})")]
    Refused {
        call: &'static str,
        code: String,
        param: Option<String>,
        message: String,
        request_id: String,
        intent: Option<Box<PaymentIntent>>,
    },
    /// The same key was used with another body: a mistake of ours, never to be solved by a new key.
    #[error("Stripe knows the idempotency key of {call} with other parameters (request {request_id})")]
    KeyReused { call: &'static str, request_id: String },
    #[error("Stripe doesn't accept our key for {call} (status {status}): check stripe.secret_key and what it may do")]
    NotAllowed { call: &'static str, status: u16 },
    #[error("Stripe doesn't know what {call} names: {message}")]
    Missing { call: &'static str, message: String },
    #[error("Stripe answered {call} with something that we can't read")]
    Unreadable {
        call: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

/// Whether the same call (same key, same body) may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same key and bytes again, after at least this long.
    SameKey {
        after: Duration,
    },
    Never,
}

impl Error {
    pub fn retry(&self) -> Retry {
        match self {
            Self::NoAnswer { .. } | Self::Failed { .. } => Retry::SameKey { after: Duration::from_millis(500) },
            // An answer that we can't read was given for this key; asking again gives the same effect, once.
            Self::Unreadable { .. } => Retry::SameKey { after: Duration::from_secs(5) },
            Self::TooFast { after, .. } => Retry::SameKey { after: *after },
            Self::Busy { .. } => Retry::SameKey { after: Duration::from_millis(300) },
            Self::Declined { .. }
            | Self::Refused { .. }
            | Self::KeyReused { .. }
            | Self::NotAllowed { .. }
            | Self::Missing { .. } => Retry::Never,
        }
    }

    /// Whether a write that ended so may have taken effect.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Failed { .. } | Self::Unreadable { .. })
    }

    /// Whether the key is spent on a failure that Stripe keeps. Only then, and after looking at what is there, may another
    /// key do the same work.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Failed { kept: true, .. })
    }

    /// The intent that Stripe sent along with the error.
    pub fn intent(&self) -> Option<&PaymentIntent> {
        match self {
            Self::Declined { intent, .. } | Self::Refused { intent, .. } => intent.as_deref(),
            _ => None,
        }
    }

    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// The code of a refusal, as `payment_intent_unexpected_state`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Declined { code, .. } | Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    error: Body,
}

#[derive(Debug, Default, Deserialize)]
struct Body {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    advice_code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    param: Option<String>,
    #[serde(default)]
    payment_intent: Option<Box<PaymentIntent>>,
}

/// The headers that decide.
pub(super) struct Heads {
    pub should_retry: Option<bool>,
    pub rate_limited: bool,
    pub replayed: bool,
    pub request_id: String,
}

/// Reads an answer that isn't 2xx. `Stripe-Should-Retry` wins over the status, except over a declined card.
pub(super) fn read(call: &'static str, status: u16, heads: &Heads, body: &[u8]) -> Error {
    let error = serde_json::from_slice::<Envelope>(body).unwrap_or_default().error;
    let code = error.code.unwrap_or_default();
    let request_id = heads.request_id.clone();
    let message = error.message.unwrap_or_default();
    match status {
        402 if error.kind == "card_error" || !code.is_empty() => Error::Declined {
            code,
            decline_code: error.decline_code,
            advice_code: error.advice_code,
            intent: error.payment_intent,
        },
        _ if error.kind == "idempotency_error" && code != "idempotency_key_in_use" && status != 409 => {
            Error::KeyReused { call, request_id }
        }
        429 if code == "lock_timeout" && !heads.rate_limited => Error::Busy { call },
        429 => Error::TooFast { call, after: Duration::from_secs(1) },
        409 | 424 => Error::Busy { call },
        500.. => Error::Failed { call, status, request_id, kept: heads.replayed },
        _ if heads.should_retry == Some(true) => Error::Busy { call },
        401 | 403 => Error::NotAllowed { call, status },
        404 => Error::Missing { call, message },
        _ => Error::Refused { call, code, param: error.param, message, request_id, intent: error.payment_intent },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Error {
        answer_replayed(status, body, false)
    }

    fn answer_replayed(status: u16, body: &str, replayed: bool) -> Error {
        let heads = Heads { should_retry: None, rate_limited: false, replayed, request_id: "req_1".into() };
        read("POST /v1/payment_intents", status, &heads, body.as_bytes())
    }

    #[test]
    fn a_500_is_asked_again_with_the_same_key_and_may_have_happened() {
        let error = answer(500, r#"{"error":{"type":"api_error"}}"#);
        assert!(error.may_have_happened());
        assert!(matches!(error.retry(), Retry::SameKey { .. }));
    }

    #[test]
    fn only_a_replayed_500_spends_its_key() {
        assert!(!answer(500, "").is_kept());
        assert!(answer_replayed(500, "", true).is_kept());
    }

    #[test]
    fn a_decline_is_never_retried_and_keeps_its_codes() {
        let error = answer(
            402,
            r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds",
                "payment_intent":{"id":"pi_1","status":"requires_payment_method","amount":500,"currency":"usd"}}}"#,
        );
        assert_eq!(error.retry(), Retry::Never);
        assert_eq!(error.intent().map(|intent| intent.id.as_str()), Some("pi_1"));
        let Error::Declined { decline_code, .. } = error else { panic!("{error:?}") };
        assert_eq!(decline_code.as_deref(), Some("insufficient_funds"));
    }

    #[test]
    fn a_reused_key_is_our_bug_and_a_key_in_use_is_a_wait() {
        let reused = answer(400, r#"{"error":{"type":"idempotency_error","message":"other parameters"}}"#);
        assert!(matches!(reused, Error::KeyReused { .. }));
        let in_use = answer(409, r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#);
        assert!(matches!(in_use, Error::Busy { .. }));
    }

    #[test]
    fn a_429_is_a_limit_or_a_lock() {
        assert!(matches!(answer(429, r#"{"error":{"code":"rate_limit"}}"#), Error::TooFast { .. }));
        assert!(matches!(answer(429, r#"{"error":{"code":"lock_timeout"}}"#), Error::Busy { .. }));
    }

    #[test]
    fn a_body_that_is_no_json_still_decides_by_status() {
        assert!(matches!(answer(502, "<html>"), Error::Failed { status: 502, .. }));
        assert!(matches!(answer(404, ""), Error::Missing { .. }));
        assert!(matches!(answer(401, ""), Error::NotAllowed { status: 401, .. }));
    }
}
