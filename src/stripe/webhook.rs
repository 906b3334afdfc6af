//! The signature of a webhook, over the raw bytes of its body.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far the signature's time may be from ours, on both sides, in seconds.
pub const TOLERANCE_S: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the Stripe-Signature header is missing or has no time")]
    Malformed,
    #[error("the Stripe-Signature header's time is more than {TOLERANCE_S} s away from ours: check the clock")]
    OutOfTime,
    #[error("no signature in the Stripe-Signature header fits: check stripe.webhook_secrets")]
    Wrong,
}

/// Accepts if any `v1` fits any of the secrets (two are valid while one is rolled). Every pair is compared in
/// constant time; unknown schemes are passed over.
pub fn verify(header: &str, body: &[u8], secrets: &[SecretString], now_s: i64) -> Result<(), SignatureError> {
    let mut time = None;
    let mut given: Vec<Vec<u8>> = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = value.parse::<i64>().ok().map(|seconds| (seconds, value)),
            Some(("v1", value)) => given.extend(hex::decode(value).ok()),
            _ => {}
        }
    }
    let (seconds, text) = time.ok_or(SignatureError::Malformed)?;
    if now_s.abs_diff(seconds) > TOLERANCE_S.unsigned_abs() {
        return Err(SignatureError::OutOfTime);
    }
    let mut fits = false;
    for secret in secrets.iter().map(|secret| secret.expose_secret()).filter(|secret| !secret.is_empty()) {
        for signature in &given {
            // An HMAC takes a key of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
            mac.update(text.as_bytes());
            mac.update(b".");
            mac.update(body);
            fits |= mac.verify_slice(signature).is_ok();
        }
    }
    if fits { Ok(()) } else { Err(SignatureError::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_764_000_000;

    fn sign(secret: &str, time: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
        mac.update(format!("{time}.{body}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    fn secrets(list: &[&str]) -> Vec<SecretString> {
        list.iter().map(|secret| SecretString::from(*secret)).collect()
    }

    #[test]
    fn a_signature_known_from_elsewhere_is_accepted() {
        // printf '1764000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let header = format!("t=1764000000,v1={}", sign("whsec_test", NOW, "{}"));
        assert_eq!(verify(&header, b"{}", &secrets(&["whsec_test"]), NOW), Ok(()));
    }

    #[test]
    fn the_second_signature_and_the_second_secret_count_too() {
        let header = format!("t={NOW},v1={},v1={},v0=zz", sign("whsec_x", NOW, "{}"), sign("whsec_new", NOW, "{}"));
        assert_eq!(verify(&header, b"{}", &secrets(&["whsec_old", "whsec_new"]), NOW), Ok(()));
    }

    #[test]
    fn one_changed_byte_or_no_secret_is_refused() {
        let header = format!("t={NOW},v1={}", sign("whsec_test", NOW, "{}"));
        assert_eq!(verify(&header, b"{ }", &secrets(&["whsec_test"]), NOW), Err(SignatureError::Wrong));
        assert_eq!(verify(&header, b"{}", &[], NOW), Err(SignatureError::Wrong));
        let empty = format!("t={NOW},v1={}", sign("", NOW, "{}"));
        assert_eq!(verify(&empty, b"{}", &secrets(&[""]), NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_time_too_old_or_too_new_is_refused_and_the_edge_is_not() {
        for (time, outcome) in [
            (NOW - 300, Ok(())),
            (NOW + 300, Ok(())),
            (NOW - 301, Err(SignatureError::OutOfTime)),
            (NOW + 301, Err(SignatureError::OutOfTime)),
        ] {
            let header = format!("t={time},v1={}", sign("whsec_test", time, "{}"));
            assert_eq!(verify(&header, b"{}", &secrets(&["whsec_test"]), NOW), outcome);
        }
    }

    #[test]
    fn garbage_is_no_panic() {
        for header in ["", "t", "t=,v1=", "t=abc", "v1=00", "t=1,t=2", "t=-9223372036854775808,v1=00"] {
            assert!(verify(header, b"{}", &secrets(&["whsec_test"]), NOW).is_err(), "{header}");
        }
    }
}
