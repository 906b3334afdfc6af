//! Ids as types, so that an invoice's id is never handed over for a customer's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {expected}")]
pub struct IdError {
    found: String,
    expected: &'static str,
}

/// The Id of a Salesforce record, held in the 18-character form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SalesforceId(String);

/// The Id of the org itself.
pub type OrgId = SalesforceId;

impl SalesforceId {
    /// Takes 15 or 18 characters. The last three of 18 are computed anew, so that ids differing only there are equal.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            found: text.chars().take(40).collect(),
            expected: "a Salesforce Id of 15 or 18 letters and digits",
        };
        if !(text.len() == 15 || text.len() == 18) || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(wrong());
        }
        let base = &text[..15];
        let mut full = base.to_owned();
        for part in base.as_bytes().chunks(5) {
            let bits = part.iter().enumerate().fold(0_usize, |bits, (place, byte)| {
                if byte.is_ascii_uppercase() { bits | (1 << place) } else { bits }
            });
            full.push(char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]));
        }
        if text.len() == 18 && !full.eq_ignore_ascii_case(text) {
            return Err(wrong());
        }
        Ok(Self(full))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first three characters, which name the object.
    pub fn prefix(&self) -> &str {
        &self.0[..3]
    }
}

impl TryFrom<String> for SalesforceId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<SalesforceId> for String {
    fn from(id: SalesforceId) -> Self {
        id.0
    }
}

macro_rules! show {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

/// Declares an opaque id: printable ASCII, with a largest length and, where there is one, a prefix to begin with.
macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident, $expected:literal, $longest:literal, [$($prefix:literal),*];)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let prefixes: &[&str] = &[$($prefix),*];
                let begins = prefixes.is_empty() || prefixes.iter().any(|prefix| text.starts_with(prefix));
                let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
                if text.is_empty() || text.len() > $longest || !printable || !begins {
                    return Err(IdError { found: text.chars().take(40).collect(), expected: $expected });
                }
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        show!($name);
    )+};
}

show!(SalesforceId);
opaque! {
    /// Names a command; it is made by whoever published it and dedupes it.
    CommandId, "a command id of up to 255 printable characters", 255, [];
    /// A Stripe PaymentIntent.
    IntentId, "a PaymentIntent id (pi_…)", 255, ["pi_"];
    /// A Stripe Customer.
    CustomerId, "a Stripe Customer id (cus_…)", 255, ["cus_"];
    /// A Stripe Charge, of which the older ones begin with py_ too.
    ChargeId, "a Stripe charge id (ch_… or py_…)", 255, ["ch_", "py_"];
    /// The id of a Payment Request.
    RequestId, "a request id of up to 36 characters", 36, [];
    /// The id of a payment link, which is the request id of its send.
    LinkId, "a link id of up to 36 characters", 36, [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_become_the_eighteen_of_the_same_record() {
        let short = SalesforceId::parse("001D000000IqhSL").unwrap();
        assert_eq!(short.as_str(), "001D000000IqhSLIAZ");
        assert_eq!(SalesforceId::parse("001D000000IqhSLIAZ"), Ok(short.clone()));
        assert_eq!(SalesforceId::parse("001D000000IqhSLiaz"), Ok(short), "the check letters have no case");
        assert!(SalesforceId::parse("001D000000IqhSLIAA").is_err(), "a wrong check letter is a wrong id");
        for text in ["", "001", "001D000000Iqh'L", "001D000000IqhSLI", "001D000000Iqhäö"] {
            assert!(SalesforceId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        assert!(IntentId::parse("cus_1").is_err());
        assert!(CustomerId::parse("cus_1\n").is_err());
        assert!(CustomerId::parse("cus_1").is_ok());
        assert!(CommandId::parse(&"x".repeat(256)).is_err());
    }
}
