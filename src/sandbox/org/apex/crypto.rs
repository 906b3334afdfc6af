//! Crypto, EncodingUtil and UUID.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::eval::{Interp, Res};
use super::value::{Native, Val};

impl Interp<'_> {
    /// `Crypto.…`.
    pub fn crypto(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        let blob = |bytes: &[u8]| Val::Blob(Rc::new(bytes.to_vec()));
        Ok(match (name, args) {
            ("generatedigest", [Val::Str(algorithm), Val::Blob(data)]) => {
                match &*algorithm.to_uppercase().replace('-', "") {
                    "SHA256" => blob(&Sha256::digest(&**data)),
                    "SHA512" => blob(&Sha512::digest(&**data)),
                    "SHA1" => blob(&Sha1::digest(&**data)),
                    "MD5" => blob(&md5::Md5::digest(&**data)),
                    _ => {
                        let text = format!("{algorithm} MessageDigest not available");
                        return Err(self.throw("System.SecurityException", text));
                    }
                }
            }
            ("generatemac", [Val::Str(algorithm), Val::Blob(data), Val::Blob(key)]) => {
                if !algorithm.eq_ignore_ascii_case("hmacSHA256") {
                    return Err(self.unmodelled(format!("Crypto.generateMac with {algorithm}")));
                }
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
                    return Err(self.throw("System.SecurityException", "Invalid key"));
                };
                mac.update(data);
                blob(&mac.finalize().into_bytes())
            }
            ("generateaeskey", [Val::Int(bits @ (128 | 192 | 256))]) => {
                let key: Vec<u8> = (0..bits / 8).map(|_| rand::random()).collect();
                blob(&key)
            }
            ("getrandomlong", []) => Val::Long(rand::random()),
            ("getrandominteger", []) => Val::Int(rand::random()),
            (_, [Val::Null, ..] | [_, Val::Null, ..]) => return Err(self.null_argument()),
            _ => return Err(self.unmodelled(format!("Crypto.{name} with {} arguments", args.len()))),
        })
    }

    /// `EncodingUtil.…`.
    pub fn encoding(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        Ok(match (name, args) {
            ("converttohex", [Val::Blob(data)]) => Val::str(hex::encode(&**data)),
            ("convertfromhex", [Val::Str(text)]) => match hex::decode(&**text) {
                Ok(bytes) => Val::Blob(Rc::new(bytes)),
                Err(_) => return Err(self.throw("System.InvalidParameterValueException", "Invalid hex string")),
            },
            ("base64encode", [Val::Blob(data)]) => Val::str(STANDARD.encode(&**data)),
            ("base64decode", [Val::Str(text)]) => match STANDARD.decode(text.as_bytes()) {
                Ok(bytes) => Val::Blob(Rc::new(bytes)),
                Err(_) => return Err(self.throw("System.StringException", "Unrecognized base64 character")),
            },
            ("urlencode", [Val::Str(text), Val::Str(_)]) => {
                let mut out = String::new();
                for byte in text.bytes() {
                    match byte {
                        b' ' => out.push('+'),
                        b if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => out.push(char::from(b)),
                        b => out.push_str(&format!("%{b:02X}")),
                    }
                }
                Val::str(out)
            }
            ("urldecode", [Val::Str(text), Val::Str(_)]) => {
                let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
                while let Some((first, tail)) = rest.split_first() {
                    rest = tail;
                    match (first, tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok())) {
                        (b'+', _) => bytes.push(b' '),
                        (b'%', Some(hex)) => match u8::from_str_radix(hex, 16) {
                            Ok(byte) => {
                                bytes.push(byte);
                                rest = &tail[2..];
                            }
                            Err(_) => return Err(self.throw("System.IllegalArgumentException", "bad escape")),
                        },
                        (b, _) => bytes.push(*b),
                    }
                }
                Val::str(String::from_utf8_lossy(&bytes))
            }
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return Err(self.unmodelled(format!("EncodingUtil.{name} with {} arguments", args.len()))),
        })
    }

    /// `UUID.…`.
    pub fn uuid(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("randomuuid", []) => Ok(Val::native(Native::Uuid(uuid::Uuid::new_v4().to_string()))),
            ("fromstring", [Val::Str(text)]) => match uuid::Uuid::parse_str(text) {
                Ok(id) => Ok(Val::native(Native::Uuid(id.to_string()))),
                Err(_) => Err(self.throw("System.IllegalArgumentException", format!("Invalid UUID string: {text}"))),
            },
            _ => Err(self.unmodelled(format!("UUID.{name}"))),
        }
    }
}
