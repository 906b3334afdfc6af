//! Bearer assertions (RFC 7523) as Salesforce takes them: RS256, a few claims, five minutes at most.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::pem::PublicKey;

/// How far ahead `exp` may lie. Clients take three or five minutes; a few seconds are for the clocks.
const LONGEST_S: i64 = 300 + 30;

/// What is wrong with an assertion, in the words that the token endpoint uses.
pub(super) type Refusal = (&'static str, &'static str);

pub(super) const INVALID_ASSERTION: Refusal = ("invalid_grant", "invalid assertion");
const EXPIRED: Refusal = ("invalid_grant", "expired authorization code");
const WRONG_AUDIENCE: Refusal = ("invalid_grant", "audience is invalid");

/// An assertion taken apart; nothing in it is proven before [`Assertion::check`].
pub(super) struct Assertion {
    signed: String,
    signature: Vec<u8>,
    claims: Json,
}

impl Assertion {
    pub fn parse(text: &str) -> Result<Assertion, Refusal> {
        let (signed, signature) = text.rsplit_once('.').ok_or(INVALID_ASSERTION)?;
        let (header, claims) = signed.split_once('.').ok_or(INVALID_ASSERTION)?;
        // Some libraries pad their Base64; RFC 7515 says not to.
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| INVALID_ASSERTION);
        let json =
            |part| -> Result<Json, Refusal> { serde_json::from_slice(&bytes(part)?).map_err(|_| INVALID_ASSERTION) };
        if json(header)?["alg"] != "RS256" {
            return Err(INVALID_ASSERTION);
        }
        Ok(Assertion { signed: signed.to_owned(), signature: bytes(signature)?, claims: json(claims)? })
    }

    /// The consumer key of the client that says it wrote this.
    pub fn issuer(&self) -> &str {
        self.claims["iss"].as_str().unwrap_or_default()
    }

    /// The username, once signature, audience and time are good.
    pub fn check(&self, key: &PublicKey, audiences: &[String], now: Timestamp) -> Result<&str, Refusal> {
        if !key.signed(self.signed.as_bytes(), &self.signature) {
            return Err(INVALID_ASSERTION);
        }
        let named = match &self.claims["aud"] {
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            one => one.as_str().map(|one| vec![one]).unwrap_or_default(),
        };
        if !named.iter().any(|aud| audiences.iter().any(|ours| ours == aud.trim_end_matches('/'))) {
            return Err(WRONG_AUDIENCE);
        }
        // Some clients write the time as a decimal string.
        let expires = match &self.claims["exp"] {
            Json::String(text) => text.parse::<f64>().ok(),
            number => number.as_f64(),
        };
        let ahead_s = expires.ok_or(INVALID_ASSERTION)? as i64 - now.as_second();
        match ahead_s {
            ..=0 => Err(EXPIRED),
            1..=LONGEST_S => self.claims["sub"].as_str().ok_or(INVALID_ASSERTION),
            _ => Err(INVALID_ASSERTION),
        }
    }
}
