//! Keys that sign webhooks: ES256, each under its own id, the older ones kept until they expire.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fields::Fields;
use super::refusal::{Answer, Refusal};
use super::store::Kind;
use super::world::World;
use crate::sandbox::clock::machine_ms;

/// How long a key is still good after another took its place.
const GRACE_S: i64 = 7 * 86_400;

/// Makes a new signing key; the one before expires after a week.
pub fn rotate(world: &mut World) -> Answer {
    let now = machine_ms() / 1000;
    for key in world.store.all(Kind::Key).into_iter().cloned().collect::<Vec<_>>() {
        if key["expired_at"].is_null() {
            let mut key = key;
            key["expired_at"] = json!(now + GRACE_S);
            world.put(Kind::Key, key);
        }
    }
    let random = SystemRandom::new();
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| Refusal::server())?;
    let kid = uuid::Uuid::new_v4().to_string();
    let pkcs8 = URL_SAFE_NO_PAD.encode(document.as_ref());
    world.put(Kind::Key, json!({"id": kid, "pkcs8": pkcs8, "created_at": now, "expired_at": null}));
    Ok(json!({"key_id": kid}))
}

fn pair(key: &Value) -> Option<EcdsaKeyPair> {
    let pkcs8 = URL_SAFE_NO_PAD.decode(key["pkcs8"].as_str()?).ok()?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).ok()
}

/// The `Plaid-Verification` header of a body. Its time is the machine's: the receiver compares with its own clock.
pub fn sign(world: &World, body: &str) -> Option<String> {
    let key = world.store.all(Kind::Key).into_iter().rev().find(|key| key["expired_at"].is_null())?;
    let header = json!({"alg": "ES256", "kid": key["id"], "typ": "JWT"}).to_string();
    let claims =
        json!({"iat": machine_ms() / 1000, "request_body_sha256": hex::encode(Sha256::digest(body.as_bytes()))});
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = pair(key)?.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// `/webhook_verification_key/get`
pub fn get(world: &World, mut fields: Fields) -> Answer {
    let kid = fields.required("key_id")?;
    fields.finish()?;
    let unknown = || {
        Refusal::input(
            "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
            "invalid key_id provided. note that key_ids are specific to Plaid environments, and verification requests must be made to the same environment that the webhook was sent from",
        )
    };
    let key = world.find(Kind::Key, &kid).ok_or_else(unknown)?;
    let pair = pair(&key).ok_or_else(Refusal::server)?;
    // An uncompressed point: 0x04, then both coordinates.
    let point = pair.public_key().as_ref();
    let (x, y) = (&point[1..33], &point[33..65]);
    Ok(json!({"key": {
        "alg": "ES256", "created_at": key["created_at"], "crv": "P-256", "expired_at": key["expired_at"], "kid": kid,
        "kty": "EC", "use": "sig", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    }}))
}
