//! What can go wrong at Plaid, as decisions for the caller.

use serde::Deserialize;

/// One variant is one decision.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sent, or perhaps sent, and no answer. The card is offered meanwhile.
    #[error("Plaid gave no answer to {call}")]
    NoAnswer {
        call: &'static str,
        #[source]
        source: reqwest::Error,
    },
    /// Plaid, or the bank behind it, fails for now.
    #[error("Plaid failed at {call} ({code}, request {request_id})")]
    Down { call: &'static str, code: String, request_id: String },
    #[error("Plaid asks us to slow down at {call} (request {request_id})")]
    TooFast { call: &'static str, request_id: String },
    /// The bank wants its customer to sign in again: Link in update mode.
    #[error("the bank wants its customer to sign in again (request {request_id})")]
    LoginRequired { request_id: String },
    /// A public token that was used, has run out or was never issued: the customer chooses the bank again.
    #[error("the token from Plaid was used already or has run out (request {request_id})")]
    TokenSpent { request_id: String },
    /// This account can't be debited: not a checking or savings account, or not verified at once.
    #[error("this account can't be debited ({code}, request {request_id})")]
    Unsupported { code: String, request_id: String },
    /// The item is gone: its customer or its bank took the permission back.
    #[error("Plaid no longer knows this bank ({code}, request {request_id})")]
    Gone { code: String, request_id: String },
    /// Plaid's account is not linked with the Stripe account, or not enabled for it.
    #[error(
        "Plaid makes no Stripe tokens for us ({code}: {message}; request {request_id}). In the Plaid Dashboard, under Developers, \
         Integrations, connect the Stripe account; then write to plaid-referral@stripe.com (cc partnerships@plaid.com) with the \
         account's acct_ id and ask for Plaid tokens with PaymentIntents"
    )]
    NotEnabled { code: String, message: String, request_id: String },
    #[error(
        "Plaid doesn't accept our keys ({code}): check plaid.client_id, plaid.secret and that they belong to plaid.api_url"
    )]
    NotAllowed { code: String },
    #[error("Plaid refused {call}: {message} ({code}, request {request_id})")]
    Refused { call: &'static str, code: String, message: String, request_id: String },
    #[error("Plaid answered {call} with something that we can't read")]
    Unreadable {
        call: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Whether the same may work in a minute, with nothing changed.
    pub fn passes(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Down { .. } | Self::TooFast { .. })
    }
}

#[derive(Debug, Default, Deserialize)]
struct Body {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    request_id: String,
}

/// Reads an answer that isn't 2xx. The code decides; messages may change.
pub(super) fn read(call: &'static str, status: u16, body: &[u8]) -> Error {
    let Body { error_type, error_code: code, error_message: message, request_id } =
        serde_json::from_slice(body).unwrap_or_default();
    let for_stripe = call.starts_with("/processor/");
    match (code.as_str(), error_type.as_str()) {
        ("ITEM_LOGIN_REQUIRED" | "PENDING_DISCONNECT" | "PENDING_EXPIRATION", _) => Error::LoginRequired { request_id },
        ("INVALID_PUBLIC_TOKEN", _) => Error::TokenSpent { request_id },
        (
            "INVALID_ACCOUNT_ID" | "NO_ACCOUNTS" | "NO_AUTH_ACCOUNTS" | "PRODUCT_NOT_READY" | "INVALID_ACCOUNT_TYPE",
            _,
        )
        | ("PRODUCTS_NOT_SUPPORTED", "ITEM_ERROR") => Error::Unsupported { code, request_id },
        ("ITEM_NOT_FOUND" | "INVALID_ACCESS_TOKEN" | "ACCESS_NOT_GRANTED" | "USER_PERMISSION_REVOKED", _) => {
            Error::Gone { code, request_id }
        }
        ("INVALID_API_KEYS" | "UNAUTHORIZED_ENVIRONMENT", _) => Error::NotAllowed { code },
        ("INVALID_PRODUCT" | "PRODUCT_NOT_ENABLED" | "UNAUTHORIZED_ROUTE_ACCESS" | "INCORRECT_INTEGRATION", _)
        | (_, "PARTNER_ERROR")
            if for_stripe =>
        {
            Error::NotEnabled { code, message, request_id }
        }
        (_, "RATE_LIMIT_EXCEEDED") => Error::TooFast { call, request_id },
        (_, "API_ERROR" | "INSTITUTION_ERROR") => Error::Down { call, code, request_id },
        _ if status == 429 => Error::TooFast { call, request_id },
        _ if status >= 500 => {
            Error::Down { call, code: if code.is_empty() { status.to_string() } else { code }, request_id }
        }
        _ if status == 401 || status == 403 => Error::NotAllowed { code },
        _ => Error::Refused { call, code, message, request_id },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(call: &'static str, status: u16, kind: &str, code: &str) -> Error {
        let body = format!(
            r#"{{"error_type":"{kind}","error_code":"{code}","error_message":"words","request_id":"r1","display_message":null}}"#
        );
        read(call, status, body.as_bytes())
    }

    #[test]
    fn what_the_customer_or_the_admin_has_to_do_is_told_apart() {
        let exchange = "/item/public_token/exchange";
        let token = "/processor/stripe/bank_account_token/create";
        assert!(matches!(answer(exchange, 400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN"), Error::TokenSpent { .. }));
        assert!(matches!(answer(token, 400, "ITEM_ERROR", "ITEM_LOGIN_REQUIRED"), Error::LoginRequired { .. }));
        assert!(matches!(answer(token, 400, "INVALID_INPUT", "INVALID_ACCOUNT_ID"), Error::Unsupported { .. }));
        assert!(matches!(answer(token, 400, "INVALID_INPUT", "INVALID_API_KEYS"), Error::NotAllowed { .. }));
        let error = answer(token, 400, "INVALID_INPUT", "INVALID_PRODUCT");
        assert!(error.to_string().contains("plaid-referral@stripe.com"), "{error}");
        assert!(matches!(answer("/link/token/create", 400, "INVALID_INPUT", "INVALID_PRODUCT"), Error::Refused { .. }));
    }

    #[test]
    fn what_passes_by_itself_is_known_with_and_without_a_body() {
        assert!(answer("/link/token/create", 500, "API_ERROR", "INTERNAL_SERVER_ERROR").passes());
        assert!(answer("/link/token/create", 400, "INSTITUTION_ERROR", "INSTITUTION_DOWN").passes());
        assert!(answer("/link/token/create", 429, "RATE_LIMIT_EXCEEDED", "AUTH_LIMIT").passes());
        assert!(read("/link/token/create", 502, b"<html>").passes());
        assert!(!answer("/link/token/create", 400, "INVALID_REQUEST", "UNKNOWN_FIELDS").passes());
    }
}
