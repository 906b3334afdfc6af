//! The transport: JSON by POST, with our keys in headers so that no body holds them.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, read};

/// The only version that there is.
pub const API_VERSION: &str = "2020-09-14";

/// Where and as whom we call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://production.plaid.com`, `https://sandbox.plaid.com`, or a stand-in's address.
    pub api_url: String,
    pub client_id: String,
    pub secret: SecretString,
    /// PEM certificates to trust beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one answer may take. A customer waits for it.
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("plaid.client_id or plaid.secret has characters that can't stand in a header: copy it again")]
    Key,
    #[error("tls.ca_file holds no PEM certificate")]
    Certificates(#[source] reqwest::Error),
    #[error("the HTTPS client could not be made")]
    Http(#[source] reqwest::Error),
}

/// Plaid's REST API as one client id sees it. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    client_id: HeaderValue,
    secret: HeaderValue,
}

impl Client {
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let client_id = HeaderValue::try_from(settings.client_id.as_str()).map_err(|_| SettingsError::Key)?;
        let mut secret = HeaderValue::try_from(settings.secret.expose_secret()).map_err(|_| SettingsError::Key)?;
        secret.set_sensitive(true);
        let mut http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &settings.ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(SettingsError::Certificates)?;
            http = http.tls_certs_merge(certificates);
        }
        let http = http.build().map_err(SettingsError::Http)?;
        Ok(Self { http, base: settings.api_url.trim_end_matches('/').into(), client_id, secret })
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        call: &'static str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        let no_answer = |source: reqwest::Error| Error::NoAnswer { call, source: source.without_url() };
        let answer = self
            .http
            .post(format!("{}{call}", self.base))
            .header("PLAID-CLIENT-ID", self.client_id.clone())
            .header("PLAID-SECRET", self.secret.clone())
            .header("Plaid-Version", API_VERSION)
            .json(body)
            .send()
            .await
            .map_err(no_answer)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(no_answer)?;
        metrics::counter!("quittance_plaid_calls_total", "call" => call, "status" => status.to_string()).increment(1);
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|source| Error::Unreadable { call, source });
        }
        Err(read(call, status, &body))
    }
}
