//! Access tokens: one for the process, fetched again when Salesforce says that it ended.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, RequestTokenError,
    StandardErrorResponse, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::Error;
use crate::domain::OrgId;

/// How we log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// OAuth client credentials: the app's Run As user.
    ClientCredentials {
        /// Consumer key.
        client_id: String,
        /// Consumer secret.
        client_secret: SecretString,
    },
    /// OAuth JWT bearer: a signed assertion.
    JwtBearer {
        /// Consumer key.
        client_id: String,
        /// The integration user.
        username: String,
        /// Who the assertion is for.
        audience: String,
        /// PEM of an RSA key.
        private_key: SecretString,
    },
}

/// A session.
pub struct Token {
    /// What is sent.
    pub access: SecretString,
    /// Where REST lives.
    pub instance_url: String,
    /// Whose it is.
    pub org_id: OrgId,
}

#[derive(Clone)]
struct Http(reqwest::Client);

impl<'c> oauth2::AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, reqwest::Error>> + Send + 'c>>;
    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.0.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await?.to_vec();
            let mut response = oauth2::HttpResponse::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fields {
    instance_url: String,
    id: String,
}
impl ExtraTokenFields for Fields {}
type Answer = StandardTokenResponse<Fields, BasicTokenType>;
type OAuth = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;
type Failure = RequestTokenError<reqwest::Error, StandardErrorResponse<BasicErrorResponseType>>;

/// Where tokens come from.
pub(super) struct Tokens {
    http: Http,
    token_url: String,
    login: Login,
    current: Mutex<Option<Arc<Token>>>,
}

impl Tokens {
    pub(super) fn new(http: reqwest::Client, login_url: &str, login: Login) -> Self {
        let token_url = format!("{}/services/oauth2/token", login_url.trim_end_matches('/'));
        Self { http: Http(http), token_url, login, current: Mutex::new(None) }
    }

    /// The token of this process; logs in where there is none.
    pub(super) async fn current(&self) -> Result<Arc<Token>, Error> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref() {
            return Ok(token.clone());
        }
        let token = Arc::new(self.fetch().await?);
        *current = Some(token.clone());
        Ok(token)
    }

    /// A token other than `ended`. Many calls may find at once that it ended; only one of them logs in.
    pub(super) async fn instead_of(&self, ended: &Arc<Token>) -> Result<Arc<Token>, Error> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| !Arc::ptr_eq(token, ended)) {
            return Ok(token.clone());
        }
        *current = None;
        let token = Arc::new(self.fetch().await?);
        *current = Some(token.clone());
        Ok(token)
    }

    async fn fetch(&self) -> Result<Token, Error> {
        let answer = match &self.login {
            Login::ClientCredentials { client_id, client_secret } => {
                let url = TokenUrl::new(self.token_url.clone())
                    .map_err(|_| Error::Settings("salesforce.login_url is not a URL".into()))?;
                let client: OAuth = Client::new(ClientId::new(client_id.clone()))
                    .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
                    .set_auth_type(AuthType::RequestBody)
                    .set_token_uri(url);
                client.exchange_client_credentials().request_async(&self.http).await
            }
            Login::JwtBearer { client_id, username, audience, private_key } => {
                let assertion = assertion(client_id, username, audience, private_key)?;
                self.post_assertion(&assertion).await
            }
        };
        let answer = answer.map_err(failed)?;
        let fields = answer.extra_fields();
        let org = fields.id.trim_end_matches('/').rsplit('/').nth(1).unwrap_or_default();
        let org_id = OrgId::parse(org).map_err(|error| Error::Unreadable { call: "login", why: error.to_string() })?;
        tracing::info!(org_id = %org_id, "logged in to Salesforce");
        Ok(Token {
            access: SecretString::from(answer.access_token().secret().clone()),
            instance_url: fields.instance_url.trim_end_matches('/').to_owned(),
            org_id,
        })
    }

    /// JWT bearer is not in the crate oauth2, which would send a second grant_type after its own.
    async fn post_assertion(&self, assertion: &str) -> Result<Answer, Failure> {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
        let sent = self.http.0.post(&self.token_url).form(&form).send().await;
        let answer = sent.map_err(|error| RequestTokenError::Request(error.without_url()))?;
        let good = answer.status().is_success();
        let body = answer.bytes().await.map_err(|error| RequestTokenError::Request(error.without_url()))?;
        let unreadable = |_| RequestTokenError::Other("an answer that is no JSON".into());
        if good {
            serde_json::from_slice(&body).map_err(unreadable)
        } else {
            let refusal = serde_json::from_slice(&body).map_err(unreadable)?;
            Err(RequestTokenError::ServerResponse(refusal))
        }
    }
}

fn failed(failure: Failure) -> Error {
    match failure {
        RequestTokenError::ServerResponse(refusal) => Error::Login {
            code: refusal.error().to_string(),
            description: refusal.error_description().cloned().unwrap_or_default(),
            passing: false,
        },
        RequestTokenError::Request(source) => Error::NoAnswer { call: "login", source },
        // a gateway's HTML while Salesforce is down
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Error::Login {
            code: "unreadable".into(),
            description: "the login server answered with something that is no token".into(),
            passing: true,
        },
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
}

/// Three minutes is what Salesforce allows.
const ASSERTION_LIFE_S: u64 = 170;

fn assertion(client_id: &str, username: &str, audience: &str, private_key: &SecretString) -> Result<String, Error> {
    let key = signing_key(private_key)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = Claims { iss: client_id, sub: username, aud: audience, exp: now + ASSERTION_LIFE_S };
    let claims = serde_json::to_vec(&claims).map_err(|error| Error::Settings(error.to_string()))?;
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    let mut text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| Error::Settings("salesforce.private_key could not sign".into()))?;
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

fn signing_key(pem: &SecretString) -> Result<RsaKeyPair, Error> {
    let wrong =
        |why: &str| Error::Settings(format!("salesforce.private_key is {why}; expected an RSA private key in PEM"));
    match PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| wrong("not PEM"))? {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(wrong("not an RSA key")),
    }
    .map_err(|_| wrong("not an RSA key that can sign"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

    use super::*;

    fn key() -> SecretString {
        let output = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
            .output()
            .expect("openssl makes a key for this test; install it: apt-get install openssl");
        SecretString::from(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn an_assertion_names_app_user_and_audience_for_three_minutes_and_its_signature_holds() {
        let pem = key();
        let text = assertion("3MVG9", "robot@acme.example", "https://login.salesforce.com", &pem).unwrap();
        let (signed, signature) = text.rsplit_once('.').unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["iss"], &claims["sub"]), (&"3MVG9".into(), &"robot@acme.example".into()));
        assert_eq!(claims["aud"], "https://login.salesforce.com");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((now + 160..=now + 180).contains(&claims["exp"].as_u64().unwrap()));
        let pair = signing_key(&pem).unwrap();
        let public: RsaPublicKeyComponents<Vec<u8>> = RsaPublicKeyComponents::from(pair.public());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("it verifies");
        let forged = signed.replace('.', "x.");
        assert!(public.verify(&RSA_PKCS1_2048_8192_SHA256, forged.as_bytes(), &signature).is_err());
    }

    #[test]
    fn a_key_that_cannot_sign_is_named_with_its_setting() {
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            let error = assertion("c", "u", "a", &SecretString::from(text)).unwrap_err();
            assert!(error.to_string().starts_with("salesforce.private_key is"), "{error}");
        }
    }

    #[tokio::test]
    async fn the_assertion_is_posted_once_and_a_refusal_is_told_with_its_remedy() {
        use axum::extract::Form;
        use axum::response::IntoResponse;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let org = url.clone();
        let answer = move |Form(form): Form<std::collections::HashMap<String, String>>| async move {
            assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
            if form.len() != 2 || form["assertion"].split('.').count() != 3 {
                let refusal = serde_json::json!({"error": "invalid_grant", "error_description": "audience is invalid"});
                return (axum::http::StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
            }
            let good = serde_json::json!({"access_token": "t", "token_type": "Bearer", "instance_url": org,
                "id": format!("{org}/id/00D000000000001EAA/005000000000001AAA")});
            axum::Json(good).into_response()
        };
        let router = axum::Router::new().route("/services/oauth2/token", axum::routing::post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let login =
            Login::JwtBearer { client_id: "c".into(), username: "u".into(), audience: "a".into(), private_key: key() };
        let tokens = Tokens::new(reqwest::Client::new(), &url, login);
        assert_eq!(tokens.current().await.unwrap().org_id.as_str(), "00D000000000001EAA");
        let refused = failed(tokens.post_assertion("none").await.unwrap_err());
        assert!(matches!(&refused, Error::Login { code, passing: false, .. } if code == "invalid_grant"));
        assert!(refused.remedy().contains("salesforce.audience"), "{}", refused.remedy());
    }
}
