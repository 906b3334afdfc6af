//! An RSA public key out of what an admin uploads: an X.509 certificate, or a bare public key.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the text holds neither a certificate nor a public key in PEM form")]
    NotPem,
    #[error("the certificate or key is not well-formed DER")]
    Malformed,
}

/// What a client's assertions are checked with.
pub struct PublicKey(UnparsedPublicKey<Vec<u8>>);

impl PublicKey {
    pub fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        let info = match CertificateDer::from_pem_slice(text.as_bytes()) {
            Ok(certificate) => of_certificate(&certificate).ok_or(KeyError::Malformed)?.to_vec(),
            Err(_) => SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::NotPem)?.to_vec(),
        };
        let key = of_info(&info).ok_or(KeyError::Malformed)?;
        Ok(PublicKey(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.to_vec())))
    }

    /// Whether `signature` is RS256 of `message` by this key's owner.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature).is_ok()
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xA0;

/// One DER element: its tag, its content, its whole encoding, and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
    rest: &'a [u8],
}

fn element(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, after_tag) = input.split_first()?;
    let (&first, after_first) = after_tag.split_first()?;
    let (length, body) = if first < 0x80 {
        (usize::from(first), after_first)
    } else {
        let count = usize::from(first & 0x7F);
        if count == 0 || count > 4 {
            return None;
        }
        let length = after_first.get(..count)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, after_first.get(count..)?)
    };
    let content = body.get(..length)?;
    let rest = body.get(length..)?;
    Some(Element { tag, content, whole: input.get(..input.len() - rest.len())?, rest })
}

/// The SubjectPublicKeyInfo inside a certificate.
fn of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let to_be_signed = element(element(certificate)?.content)?;
    let mut next = element(to_be_signed.content)?;
    if next.tag == EXPLICIT_0 {
        next = element(next.rest)?;
    }
    if next.tag != INTEGER {
        return None;
    }
    // After the serial number: signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        next = element(next.rest)?;
    }
    let info = element(next.rest)?;
    (info.tag == SEQUENCE).then_some(info.whole)
}

/// The RSAPublicKey inside a SubjectPublicKeyInfo.
fn of_info(info: &[u8]) -> Option<&[u8]> {
    let algorithm = element(element(info)?.content)?;
    let key = element(algorithm.rest)?;
    // The first byte of a bit string counts its unused bits: none.
    (algorithm.tag == SEQUENCE && key.tag == BIT_STRING).then_some(key.content.get(1..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_key_is_refused_and_never_read_beyond_its_end() {
        let info = SubjectPublicKeyInfoDer::from_pem_slice(super::super::SANDBOX_PUBLIC_KEY.as_bytes()).unwrap();
        assert!(of_info(&info).is_some());
        for end in 0..info.len() {
            assert!(of_info(&info[..end]).is_none());
            assert!(of_certificate(&info[..end]).is_none());
        }
        assert!(matches!(PublicKey::from_pem("hello"), Err(KeyError::NotPem)));
    }
}
