//! Registered clients and the token endpoint.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use subtle::ConstantTimeEq;

use super::jwt::{Assertion, INVALID_ASSERTION, Refusal};
use super::pem::PublicKey;
use super::sessions::Sessions;
use crate::sandbox::org::host::User;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// An external client app of the org.
pub struct Client {
    pub id: String,
    /// For the client credentials flow; `None` if the app does not offer it.
    pub secret: Option<String>,
    /// For the JWT flow; `None` if the app does not offer it.
    pub key: Option<PublicKey>,
    /// The user as whom client credentials run.
    pub run_as: Option<String>,
    /// Usernames that an admin approved beforehand; others are refused in the JWT flow.
    pub approved: Vec<String>,
}

/// How a username becomes a user of the org.
pub type FindUser = Arc<dyn Fn(&str) -> Option<User> + Send + Sync>;

/// The clients that the org knows.
pub struct Clients {
    clients: Mutex<BTreeMap<String, Arc<Client>>>,
    find_user: FindUser,
}

/// A request to the token endpoint.
pub struct Request<'a> {
    pub form: &'a BTreeMap<String, String>,
    /// The `Authorization` header, for clients that put their secret there.
    pub authorization: Option<&'a str>,
    /// Where the request came in: what `instance_url` and `id` will say.
    pub login_url: &'a str,
    /// All audiences that stand for this org.
    pub audiences: &'a [String],
}

/// Status and JSON of the token endpoint's answer.
pub struct Reply {
    pub status: u16,
    pub body: Json,
}

impl Clients {
    pub fn new(find_user: FindUser) -> Clients {
        Clients { clients: Mutex::default(), find_user }
    }

    pub fn register(&self, client: Client) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.insert(client.id.clone(), Arc::new(client));
    }

    fn find(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// `POST /services/oauth2/token`
    pub fn token(&self, request: &Request<'_>, sessions: &Sessions) -> Reply {
        let (grant, user) = match request.form.get("grant_type").map(String::as_str) {
            Some(JWT_BEARER) => (JWT_BEARER, self.bearer(request, sessions)),
            Some(CLIENT_CREDENTIALS) => (CLIENT_CREDENTIALS, self.credentials(request)),
            _ => ("", Err(("unsupported_grant_type", "grant type not supported"))),
        };
        match user {
            Ok(user) => {
                let session = sessions.start(user);
                let mut body = json!({
                    "access_token": session.token,
                    "scope": "api id",
                    "instance_url": request.login_url,
                    "id": format!("{}/id/{}/{}", request.login_url, sessions.organization(), session.user.id),
                    "token_type": "Bearer",
                });
                if grant == CLIENT_CREDENTIALS {
                    // Nobody checks the signature; it is there because the real answer has one.
                    body["signature"] = json!(STANDARD.encode(rand::random::<[u8; 32]>()));
                    body["issued_at"] = json!(sessions.now().as_millisecond().to_string());
                }
                Reply { status: 200, body }
            }
            Err((error, description)) => {
                Reply { status: 400, body: json!({"error": error, "error_description": description}) }
            }
        }
    }

    fn bearer(&self, request: &Request<'_>, sessions: &Sessions) -> Result<User, Refusal> {
        let assertion = Assertion::parse(request.form.get("assertion").ok_or(INVALID_ASSERTION)?)?;
        let client = self.find(assertion.issuer()).ok_or(("invalid_client_id", "client identifier invalid"))?;
        let key = client.key.as_ref().ok_or(("unsupported_grant_type", "grant type not supported"))?;
        let username = assertion.check(key, request.audiences, sessions.now())?;
        let user = (self.find_user)(username).ok_or(("invalid_grant", "authentication failure"))?;
        if !client.approved.iter().any(|approved| approved.eq_ignore_ascii_case(username)) {
            return Err(("invalid_grant", "user hasn't approved this consumer"));
        }
        Ok(user)
    }

    fn credentials(&self, request: &Request<'_>) -> Result<User, Refusal> {
        let basic = request.authorization.and_then(from_basic);
        let (id, secret) = basic
            .or_else(|| Some((request.form.get("client_id")?.clone(), request.form.get("client_secret")?.clone())))
            .ok_or(("invalid_client", "invalid client credentials"))?;
        let client = self.find(&id).ok_or(("invalid_client_id", "client identifier invalid"))?;
        let expected = client.secret.as_ref().ok_or(("unsupported_grant_type", "grant type not supported"))?;
        if !bool::from(expected.as_bytes().ct_eq(secret.as_bytes())) {
            return Err(("invalid_client", "invalid client credentials"));
        }
        let nobody = ("invalid_grant", "no client credentials user enabled");
        (self.find_user)(client.run_as.as_ref().ok_or(nobody)?).ok_or(nobody)
    }
}

fn from_basic(header: &str) -> Option<(String, String)> {
    let (scheme, coded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::{SignedDuration, Timestamp};
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
    use rustls_pki_types::PrivatePkcs8KeyDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;
    use crate::sandbox::faults::Faults;

    const NOW: &str = "2026-11-23T10:00:00Z";

    fn user(username: &str) -> Option<User> {
        (username == "robot@example.com").then(|| User {
            id: "005xx0000000001AAA".into(),
            username: username.into(),
            name: "Robot".into(),
            permission_sets: Some(vec![]),
            time_zone: "UTC".into(),
            language: "en_US".into(),
        })
    }

    fn clients() -> Clients {
        let clients = Clients::new(Arc::new(user));
        clients.register(Client {
            id: "3MVG9".into(),
            secret: Some("s3cret".into()),
            key: Some(PublicKey::from_pem(super::super::SANDBOX_PUBLIC_KEY).unwrap()),
            run_as: Some("robot@example.com".into()),
            approved: vec!["robot@example.com".into()],
        });
        clients
    }

    fn sessions() -> Sessions {
        let clock = Arc::new(|| NOW.parse::<Timestamp>().unwrap());
        Sessions::new("00Dxx0000001gERAAY", SignedDuration::from_hours(2), clock, Arc::new(Faults::new(1)))
    }

    fn assertion(claims: Json) -> String {
        let key = PrivatePkcs8KeyDer::from_pem_slice(super::super::SANDBOX_PRIVATE_KEY.as_bytes()).unwrap();
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let signed = format!("{}.{}", part(r#"{"alg":"RS256"}"#.into()), part(claims.to_string()));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn ask(pairs: &[(&str, &str)], authorization: Option<&str>) -> Reply {
        let form = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let audiences = ["https://login.salesforce.com".to_owned(), "https://localhost:7".to_owned()];
        let request = Request { form: &form, authorization, login_url: "https://localhost:7", audiences: &audiences };
        clients().token(&request, &sessions())
    }

    fn bearer(claims: Json) -> Reply {
        ask(&[("grant_type", JWT_BEARER), ("assertion", &assertion(claims))], None)
    }

    fn claims() -> Json {
        let exp = NOW.parse::<Timestamp>().unwrap().as_second() + 180;
        json!({"iss": "3MVG9", "sub": "robot@example.com", "aud": "https://login.salesforce.com", "exp": exp})
    }

    #[test]
    fn a_signed_assertion_buys_a_session_without_expiry_or_refresh_token() {
        let reply = bearer(claims());
        assert_eq!(reply.status, 200, "{}", reply.body);
        let body = reply.body;
        assert!(body["access_token"].as_str().unwrap().starts_with("00Dxx0000001gER!"));
        assert_eq!(body["id"], "https://localhost:7/id/00Dxx0000001gERAAY/005xx0000000001AAA");
        assert_eq!(body.get("refresh_token").or(body.get("expires_in")), None);
    }

    #[test]
    fn the_expiry_may_be_a_string_but_neither_past_nor_far() {
        let with = |exp: Json| {
            let mut claims = claims();
            claims["exp"] = exp;
            bearer(claims)
        };
        let now = NOW.parse::<Timestamp>().unwrap().as_second();
        assert_eq!(with(json!((now + 180).to_string())).status, 200);
        assert_eq!(with(json!(now - 1)).body["error_description"], "expired authorization code");
        assert_eq!(with(json!(now + 3600)).body["error"], "invalid_grant");
        assert_eq!(with(Json::Null).body["error"], "invalid_grant");
    }

    #[test]
    fn each_wrong_claim_has_salesforces_own_words() {
        let wrong = |name: &str, value: &str| {
            let mut claims = claims();
            claims[name] = json!(value);
            let body = bearer(claims).body;
            (body["error"].as_str().unwrap().to_owned(), body["error_description"].as_str().unwrap().to_owned())
        };
        let pair = |error: &str, text: &str| (error.to_owned(), text.to_owned());
        assert_eq!(wrong("aud", "https://test.salesforce.com"), pair("invalid_grant", "audience is invalid"));
        assert_eq!(wrong("iss", "nobody"), pair("invalid_client_id", "client identifier invalid"));
        assert_eq!(wrong("sub", "ghost@example.com"), pair("invalid_grant", "authentication failure"));
    }

    #[test]
    fn a_changed_assertion_is_refused() {
        let good = assertion(claims());
        let mut parts: Vec<&str> = good.split('.').collect();
        let mut forged = claims();
        forged["sub"] = json!("admin@example.com");
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        parts[1] = &forged;
        let reply = ask(&[("grant_type", JWT_BEARER), ("assertion", &parts.join("."))], None);
        assert_eq!((reply.status, &reply.body["error_description"]), (400, &json!("invalid assertion")));
        assert_eq!(ask(&[("grant_type", JWT_BEARER), ("assertion", "a.b")], None).status, 400);
    }

    #[test]
    fn client_credentials_come_in_the_form_or_as_basic() {
        let form = [("grant_type", "client_credentials"), ("client_id", "3MVG9"), ("client_secret", "s3cret")];
        assert_eq!(ask(&form, None).status, 200);
        let basic = format!("Basic {}", STANDARD.encode("3MVG9:s3cret"));
        let reply = ask(&form[..1], Some(&basic));
        assert_eq!(reply.status, 200);
        assert!(reply.body["issued_at"].is_string() && reply.body["signature"].is_string());
        let wrong = [form[0], form[1], ("client_secret", "other")];
        assert_eq!(
            ask(&wrong, None).body,
            json!({"error": "invalid_client", "error_description": "invalid client credentials"})
        );
        assert_eq!(ask(&[("grant_type", "password")], None).body["error"], "unsupported_grant_type");
    }

    #[test]
    fn an_idle_session_ends_and_a_used_one_goes_on() {
        let now = Arc::new(Mutex::new(NOW.parse::<Timestamp>().unwrap()));
        let clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().unwrap())
        };
        let sessions =
            Sessions::new("00Dxx0000001gERAAY", SignedDuration::from_hours(2), clock, Arc::new(Faults::new(1)));
        let session = sessions.start(user("robot@example.com").unwrap());
        let wait = |hours: f64| *now.lock().unwrap() += SignedDuration::from_secs_f64(hours * 3600.0);
        wait(1.5);
        assert!(sessions.find(&session.token).is_some());
        wait(1.5);
        assert!(sessions.find(&session.token).is_some());
        wait(2.5);
        assert!(sessions.find(&session.token).is_none());
        assert!(!session.ended.is_cancelled(), "a live stream would have ended with the idle session");
    }
}
