//! Payment links: their tokens, and what a link may still do.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::LinkId;

/// The mailed token: HMAC-SHA-256(link key, link id) in base64url. It can be made again after a crash; the database
/// holds only its hash.
pub fn token(link_key: &[u8], link: &LinkId) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(keyed(link_key, "", link.as_str()))
}

/// The token of a mailed authorisation page. It follows from the address too: a page that was mailed to a wrong one is not
/// opened by the token of that mail once it went to another.
pub fn page_token(link_key: &[u8], verification: &str, address: &str) -> String {
    use base64::Engine;
    let text = format!("{verification}\0{address}");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(keyed(link_key, "authorise", &text))
}

/// What stands in the database and in `Token_Hash__c`: the hex SHA-256 of the token as text.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// HMAC-SHA-256 for one purpose, so that a value made for one can't be used for another.
pub fn keyed(key: &[u8], purpose: &str, text: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    if !purpose.is_empty() {
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
    }
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Whether a text could be a token at all: 256 bits in base64url. What is not is answered like an unknown one.
pub fn looks_like_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// How a link came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    Mailed,
    /// The clerk holds the token; we know its hash.
    Copied,
    /// A clerk's own page for one payment: no customer has it, and the org has no link record of it.
    Agent,
    /// What a charge of a stored method holds its room under: it has no page and no token, and the org has no link record of it.
    Charge,
}

impl LinkKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailed => "mailed",
            Self::Copied => "copied",
            Self::Agent => "agent",
            Self::Charge => "charge",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Mailed, Self::Copied, Self::Agent, Self::Charge].into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a customer may hold it, and so the org has a record of it.
    pub fn is_customers(self) -> bool {
        matches!(self, Self::Mailed | Self::Copied)
    }

    /// Whether its token opens a clerk's page, or a customer's.
    pub fn opens(self, agents_page: bool) -> bool {
        if agents_page { self == Self::Agent } else { self.is_customers() }
    }
}

/// What a link's row says; expiry and lock follow from times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Open,
    Replaced,
    Revoked,
}

impl LinkState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Replaced, Self::Revoked].into_iter().find(|state| state.name() == name)
    }
}

/// What a link may do at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkUse {
    /// It pays.
    Pays,
    /// Too many declines; it pays again at that time.
    Locked {
        until_ms: i64,
    },
    Expired {
        since_ms: i64,
    },
    Replaced,
    Revoked,
}

/// Ten declines lock a link for a day.
pub const DECLINES_TO_LOCK: i64 = 10;
pub const LOCK_MS: i64 = 24 * 60 * 60 * 1000;

/// What follows from a link's row. Expiry ends paying, never the receipt: the page asks what was paid before it asks this.
pub fn usable(state: LinkState, expires_at_ms: Option<i64>, locked_until_ms: Option<i64>, now_ms: i64) -> LinkUse {
    match (state, expires_at_ms, locked_until_ms) {
        (LinkState::Revoked, ..) => LinkUse::Revoked,
        (LinkState::Replaced, ..) => LinkUse::Replaced,
        (LinkState::Open, Some(at), _) if at <= now_ms => LinkUse::Expired { since_ms: at },
        (LinkState::Open, _, Some(until_ms)) if until_ms > now_ms => LinkUse::Locked { until_ms },
        (LinkState::Open, ..) => LinkUse::Pays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_again_from_key_and_id_and_from_nothing_else() {
        let link = LinkId::parse("0b8f7e6c-1111-4222-8333-444455556666").expect("an id");
        let other = LinkId::parse("0b8f7e6c-1111-4222-8333-444455556667").expect("an id");
        let made = token(b"a key of the house", &link);
        assert_eq!(made, token(b"a key of the house", &link));
        assert_ne!(made, token(b"another key", &link));
        assert_ne!(made, token(b"a key of the house", &other));
        assert!(looks_like_token(&made), "{made}");
    }

    #[test]
    fn the_token_of_an_authorisation_page_opens_nothing_else() {
        let id = "0b8f7e6c-1111-4222-8333-444455556666";
        let made = page_token(b"a key of the house", id, "jane@customers.example");
        assert!(looks_like_token(&made), "{made}");
        assert_eq!(made, page_token(b"a key of the house", id, "jane@customers.example"));
        assert_ne!(made, page_token(b"a key of the house", id, "june@customers.example"));
        assert_ne!(made, page_token(b"another key", id, "jane@customers.example"));
        assert_ne!(made, token(b"a key of the house", &LinkId::parse(id).expect("an id")));
    }

    #[test]
    fn the_token_and_its_hash_are_what_another_tool_computes() {
        // printf 'link-1' | openssl dgst -sha256 -hmac key -binary | basenc --base64url
        let link = LinkId::parse("link-1").expect("an id");
        assert_eq!(token(b"key", &link), "SxOedh8fZCe-93vsKQPL-nYQDw0VB7YOlDgYrKRtPyg");
        assert_eq!(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_is_no_token_is_seen_before_any_look_up() {
        for text in ["", "short", &"a".repeat(44), &format!("{}=", "a".repeat(42)), &format!("{}/", "a".repeat(42))] {
            assert!(!looks_like_token(text), "{text}");
        }
    }

    #[test]
    fn a_link_pays_until_it_is_revoked_replaced_expired_or_locked() {
        use {LinkState as S, LinkUse as U};
        assert_eq!(usable(S::Open, None, None, 100), U::Pays);
        assert_eq!(usable(S::Open, Some(100), None, 100), U::Expired { since_ms: 100 });
        assert_eq!(usable(S::Open, Some(101), Some(101), 100), U::Locked { until_ms: 101 });
        assert_eq!(usable(S::Open, Some(101), Some(100), 100), U::Pays);
        assert_eq!(usable(S::Revoked, Some(50), Some(200), 100), U::Revoked);
        assert_eq!(usable(S::Replaced, None, None, 100), U::Replaced);
    }
}
