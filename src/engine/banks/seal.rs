//! Plaid's access tokens never run out, so that the database holds them only sealed, with a key that it doesn't hold.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretString};

use crate::domain::link::keyed;

pub(super) struct Seal(Option<LessSafeKey>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a bank login in the database can't be opened: links.key was changed since")]
pub(super) struct Broken;

impl Seal {
    pub(super) fn new(key: &SecretString) -> Self {
        let bytes = keyed(key.expose_secret().as_bytes(), "bank logins", "aes-256-gcm");
        Self(UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new))
    }

    /// `of` binds the sealed text to its row: it can't be opened under another.
    pub(super) fn close(&self, text: &SecretString, of: &str) -> Result<String, Broken> {
        use rand::Rng;
        let nonce = rand::rng().random::<[u8; NONCE_LEN]>();
        let mut sealed = text.expose_secret().as_bytes().to_vec();
        let key = self.0.as_ref().ok_or(Broken)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(of), &mut sealed)
            .map_err(|_| Broken)?;
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    pub(super) fn open(&self, sealed: &str, of: &str) -> Result<SecretString, Broken> {
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| Broken)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Broken)?;
        let mut text = text.to_vec();
        let key = self.0.as_ref().ok_or(Broken)?;
        let open = key.open_in_place(nonce, Aad::from(of), &mut text).map_err(|_| Broken)?;
        Ok(SecretString::from(String::from_utf8(open.to_vec()).map_err(|_| Broken)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_under_the_same_row_and_else_not() {
        let seal = Seal::new(&SecretString::from("0123456789abcdef0123456789abcdef"));
        let sealed = seal.close(&SecretString::from("access-sandbox-1"), "row-1").expect("sealed");
        assert!(!sealed.contains("access"));
        assert_eq!(seal.open(&sealed, "row-1").expect("opened").expose_secret(), "access-sandbox-1");
        assert_eq!(seal.open(&sealed, "row-2").err(), Some(Broken));
        let other = Seal::new(&SecretString::from("another key of the house, as long"));
        assert_eq!(other.open(&sealed, "row-1").err(), Some(Broken));
        assert_eq!(seal.open("", "row-1").err(), Some(Broken));
    }
}
