//! Plaid's webhooks: a JWT in the `Plaid-Verification` header, signed with ES256 by a key that Plaid is asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Client, Error};

/// How old a signature may be, and how far its time may lie ahead of ours, in seconds.
pub const TOLERANCE_S: i64 = 300;
/// So many keys are remembered. Plaid rotates them rarely; a flood of made-up ids must not fill the memory.
const KEYS_KEPT: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the Plaid-Verification header is missing or is no signed token")]
    Malformed,
    #[error("the Plaid-Verification header is signed with {0:?}; only ES256 is taken")]
    Algorithm(String),
    #[error("Plaid doesn't know the key of the Plaid-Verification header")]
    UnknownKey,
    #[error("the key of the Plaid-Verification header has run out")]
    ExpiredKey,
    #[error("the signature in the Plaid-Verification header does not fit")]
    Signature,
    #[error("the Plaid-Verification header's time is more than {TOLERANCE_S} s away from ours: check the clock")]
    OutOfTime,
    #[error("the body is not the one that was signed")]
    Body,
    /// Plaid could not be asked for the key; it sends the webhook again.
    #[error("the key of a webhook could not be fetched: {0}")]
    NoKey(#[source] Error),
}

/// A key as Plaid publishes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Key {
    #[serde(default)]
    pub alg: String,
    #[serde(default)]
    pub crv: String,
    pub kid: String,
    pub x: String,
    pub y: String,
    /// Seconds since 1970, once it was replaced.
    #[serde(default)]
    pub expired_at: Option<i64>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    request_body_sha256: String,
}

/// The keys seen so far, by id. Shared by all handlers.
#[derive(Clone, Default)]
pub struct Keys(Arc<Mutex<HashMap<String, Key>>>);

impl Keys {
    /// Checks one webhook. `now_s` is the wall clock's.
    pub async fn verify(&self, plaid: &Client, header: &str, body: &[u8], now_s: i64) -> Result<(), Refusal> {
        let token = Token::read(header)?;
        let kid = token.header.kid.clone();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&kid).cloned();
        let key = match known {
            Some(key) => key,
            None => {
                // Before Plaid is asked: what is out of time or about another body is refused without a call.
                token.fits(body, now_s)?;
                let key = plaid.verification_key(&kid).await.map_err(|error| match error {
                    Error::Refused { .. } | Error::Gone { .. } | Error::Unsupported { .. } => Refusal::UnknownKey,
                    other => Refusal::NoKey(other),
                })?;
                let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if keys.len() >= KEYS_KEPT {
                    keys.clear();
                }
                keys.insert(kid, key.clone());
                key
            }
        };
        token.signed_by(&key, now_s)?;
        token.fits(body, now_s)
    }
}

struct Token<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    fn read(text: &'a str) -> Result<Self, Refusal> {
        let (signed, signature) = text.trim().rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed);
        let header: Header = serde_json::from_slice(&part(header)?).map_err(|_| Refusal::Malformed)?;
        if header.alg != "ES256" {
            return Err(Refusal::Algorithm(header.alg.chars().take(20).collect()));
        }
        let claims = serde_json::from_slice(&part(claims)?).map_err(|_| Refusal::Malformed)?;
        Ok(Self { header, claims, signed, signature: part(signature)? })
    }

    fn fits(&self, body: &[u8], now_s: i64) -> Result<(), Refusal> {
        if now_s.abs_diff(self.claims.iat) > TOLERANCE_S.unsigned_abs() {
            return Err(Refusal::OutOfTime);
        }
        let hash = hex::encode(Sha256::digest(body));
        let same: bool =
            subtle::ConstantTimeEq::ct_eq(hash.as_bytes(), self.claims.request_body_sha256.as_bytes()).into();
        if same { Ok(()) } else { Err(Refusal::Body) }
    }

    fn signed_by(&self, key: &Key, now_s: i64) -> Result<(), Refusal> {
        if key.alg != "ES256" || key.crv != "P-256" {
            return Err(Refusal::Algorithm(format!("{} {}", key.alg, key.crv)));
        }
        // What was signed before the key ran out stays good for as long as any signature does.
        if key.expired_at.is_some_and(|at| self.claims.iat > at || now_s - at > TOLERANCE_S) {
            return Err(Refusal::ExpiredKey);
        }
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::UnknownKey);
        let point = [vec![4], part(&key.x)?, part(&key.y)?].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| Refusal::Signature)
    }
}

impl Client {
    async fn verification_key(&self, kid: &str) -> Result<Key, Error> {
        #[derive(Deserialize)]
        struct Answer {
            key: Key,
        }
        let answer: Answer = self.post("/webhook_verification_key/get", &json!({ "key_id": kid })).await?;
        Ok(answer.key)
    }
}

/// What a webhook says: a hint, by which a bank is looked up.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    #[serde(default)]
    pub webhook_type: String,
    #[serde(default)]
    pub webhook_code: String,
    #[serde(default)]
    pub item_id: Option<String>,
    #[serde(default)]
    error: Option<EventError>,
}

#[derive(Clone, Debug, Deserialize)]
struct EventError {
    #[serde(default)]
    error_code: String,
}

/// What becomes of a bank login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemNews {
    LoginRequired,
    LoginRepaired,
    /// The customer or the bank took the permission back.
    Revoked,
    Nothing,
}

impl Event {
    pub fn news(&self) -> ItemNews {
        match (self.webhook_type.as_str(), self.webhook_code.as_str()) {
            ("ITEM", "ERROR") => match self.error.as_ref().map(|error| error.error_code.as_str()) {
                Some("ITEM_LOGIN_REQUIRED") => ItemNews::LoginRequired,
                Some("USER_PERMISSION_REVOKED" | "ACCESS_NOT_GRANTED") => ItemNews::Revoked,
                _ => ItemNews::Nothing,
            },
            ("ITEM", "PENDING_DISCONNECT" | "PENDING_EXPIRATION") => ItemNews::LoginRequired,
            ("ITEM", "LOGIN_REPAIRED") => ItemNews::LoginRepaired,
            ("ITEM", "USER_PERMISSION_REVOKED" | "USER_ACCOUNT_REVOKED") => ItemNews::Revoked,
            _ => ItemNews::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    const NOW: i64 = 1_764_000_000;
    const BODY: &[u8] = br#"{"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"i1"}"#;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
            Self(pair.expect("a key"))
        }

        fn key(&self) -> Key {
            let point = self.0.public_key().as_ref();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let (x, y) = (part(&point[1..33]), part(&point[33..]));
            Key { alg: "ES256".into(), crv: "P-256".into(), kid: "k1".into(), x, y, expired_at: None }
        }

        fn sign(&self, alg: &str, iat: i64, body: &[u8]) -> String {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"k1","typ":"JWT"}}"#));
            let hash = hex::encode(Sha256::digest(body));
            let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"iat":{iat},"request_body_sha256":"{hash}"}}"#));
            let signed = format!("{header}.{claims}");
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn check(header: &str, key: &Key, body: &[u8]) -> Result<(), Refusal> {
        let token = Token::read(header)?;
        token.signed_by(key, NOW)?;
        token.fits(body, NOW)
    }

    #[test]
    fn what_plaid_signed_is_taken_and_one_changed_byte_is_not() {
        let signer = Signer::new();
        let header = signer.sign("ES256", NOW - 10, BODY);
        assert!(check(&header, &signer.key(), BODY).is_ok());
        assert!(matches!(check(&header, &signer.key(), b"{}"), Err(Refusal::Body)));
        assert!(matches!(check(&header, &Signer::new().key(), BODY), Err(Refusal::Signature)));
        let mut bent = header.into_bytes();
        let last = bent.len() - 2;
        bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).expect("text");
        assert!(check(&bent, &signer.key(), BODY).is_err());
    }

    #[test]
    fn another_algorithm_an_old_signature_and_an_old_key_are_refused() {
        let signer = Signer::new();
        for alg in ["none", "HS256", "RS256"] {
            let refused = check(&signer.sign(alg, NOW, BODY), &signer.key(), BODY);
            assert!(matches!(refused, Err(Refusal::Algorithm(_))), "{alg}");
        }
        for (iat, taken) in [(NOW - 300, true), (NOW - 301, false), (NOW + 300, true), (NOW + 301, false)] {
            assert_eq!(check(&signer.sign("ES256", iat, BODY), &signer.key(), BODY).is_ok(), taken, "{iat}");
        }
        let old = Key { expired_at: Some(NOW - 1000), ..signer.key() };
        assert!(matches!(check(&signer.sign("ES256", NOW, BODY), &old, BODY), Err(Refusal::ExpiredKey)));
    }

    #[test]
    fn garbage_is_no_panic() {
        let signer = Signer::new();
        for header in ["", ".", "..", "a.b.c", "e30.e30.", "é.é.é"] {
            assert!(check(header, &signer.key(), BODY).is_err(), "{header}");
        }
    }

    #[test]
    fn events_are_news_of_a_login_or_nothing() {
        let news = |text: &str| serde_json::from_str::<Event>(text).expect("readable").news();
        let error = r#"{"webhook_type":"ITEM","webhook_code":"ERROR","error":{"error_code":"ITEM_LOGIN_REQUIRED"}}"#;
        assert_eq!(news(error), ItemNews::LoginRequired);
        assert_eq!(news(r#"{"webhook_type":"ITEM","webhook_code":"USER_PERMISSION_REVOKED"}"#), ItemNews::Revoked);
        assert_eq!(news(r#"{"webhook_type":"ITEM","webhook_code":"LOGIN_REPAIRED"}"#), ItemNews::LoginRepaired);
        assert_eq!(news(r#"{"webhook_type":"AUTH","webhook_code":"DEFAULT_UPDATE"}"#), ItemNews::Nothing);
        assert_eq!(news("{}"), ItemNews::Nothing);
    }
}
