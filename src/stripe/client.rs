//! The transport: one pooled connection, one version, the rate limit, and inline retries for a waiting customer.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::error::{Heads, read};
use super::list::{Created, HasId, List};
use super::{Error, Limiter, Retry};

/// The version that every request names; the webhook endpoint is made with the same.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Where and as whom we call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://api.stripe.com`, or a stand-in's address for a test key.
    pub api_url: String,
    pub secret_key: SecretString,
    /// PEM certificates to trust beside the system's, as a proxy that looks into TLS needs.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one answer may take.
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(
        "stripe.secret_key is a live key, and stripe.api_url is {0}: a live key goes only to https://api.stripe.com"
    )]
    LiveKeyElsewhere(String),
    #[error("stripe.secret_key has characters that can't stand in a header: copy it again")]
    Key,
    #[error("tls.ca_file holds no PEM certificate")]
    Certificates(#[source] reqwest::Error),
    #[error("the HTTPS client could not be made")]
    Http(#[source] reqwest::Error),
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person looks at a page: first in line, and retried on the spot for some seconds.
    Customer,
    /// A backlog: one try a call; the durable queue does the rest.
    Background,
}

/// Stripe's REST API as one key sees it. Cheap to clone; all clones share one rate limit.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    authorization: HeaderValue,
    limiter: Arc<Limiter>,
    live: bool,
}

/// A customer's page is answered within this long, whatever Stripe does.
const CUSTOMER_DEADLINE: Duration = Duration::from_secs(12);
const CUSTOMER_TRIES: u32 = 4;

impl Client {
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let key = settings.secret_key.expose_secret();
        let live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        let base = settings.api_url.trim_end_matches('/');
        if live && base != "https://api.stripe.com" {
            return Err(SettingsError::LiveKeyElsewhere(base.to_owned()));
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| SettingsError::Key)?;
        authorization.set_sensitive(true);
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
        Ok(Self { http, base: base.into(), authorization, limiter: Arc::new(Limiter::new(live)), live })
    }

    /// Whether the key is a live one.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// A write. `key` and `body` were stored before; a repeat gives the same bytes of both.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<T, Error> {
        let build = || {
            self.http
                .post(format!("{}{path}", self.base))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("Idempotency-Key", key)
                .body(body.to_owned())
        };
        self.patiently(call, priority, build).await
    }

    /// A removal: the same again finds nothing.
    pub(super) async fn delete<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        priority: Priority,
    ) -> Result<T, Error> {
        let build = || self.http.delete(format!("{}{path}", self.base));
        self.patiently(call, priority, build).await
    }

    /// A read. `query` is an encoded form, or empty.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        query: &str,
        priority: Priority,
    ) -> Result<T, Error> {
        let mark = if query.is_empty() { "" } else { "?" };
        let build = || self.http.get(format!("{}{path}{mark}{query}", self.base));
        self.patiently(call, priority, build).await
    }

    /// Every page of a list by creation time.
    pub(super) async fn all<T: DeserializeOwned + HasId>(
        &self,
        call: &'static str,
        path: &str,
        created: Created,
        more: &str,
        priority: Priority,
    ) -> Result<Vec<T>, Error> {
        let mut found: Vec<T> = Vec::new();
        loop {
            let after = found.last().map(|last| last.id().to_owned());
            let mut query = created.query(after.as_deref()).into_body();
            if !more.is_empty() {
                query.push('&');
                query.push_str(more);
            }
            let page: List<T> = self.get(call, path, &query, priority).await?;
            let more_to_come = page.has_more && !page.data.is_empty();
            found.extend(page.data);
            if !more_to_come {
                return Ok(found);
            }
        }
    }

    async fn patiently<T: DeserializeOwned>(
        &self,
        call: &'static str,
        priority: Priority,
        build: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + CUSTOMER_DEADLINE;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.once(call, priority, build()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Retry::SameKey { after } = error.retry() else { return Err(error) };
            // Doubling, so that four tries don't meet the same fault four times in a second.
            let pause = after * 2_u32.pow(tries - 1);
            let waits = priority == Priority::Customer && tries < CUSTOMER_TRIES && Instant::now() + pause < deadline;
            if !waits {
                return Err(error);
            }
            tracing::debug!(call, tries, error = %error, "Stripe is asked again with the same key");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        call: &'static str,
        priority: Priority,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Error> {
        self.limiter.wait(call, priority).await;
        let no_answer = |source: reqwest::Error| Error::NoAnswer { call, source: source.without_url() };
        let answer = request
            .header(AUTHORIZATION, self.authorization.clone())
            .header("Stripe-Version", API_VERSION)
            .send()
            .await
            .map_err(no_answer)?;
        let status = answer.status().as_u16();
        let head = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let heads = Heads {
            should_retry: head("Stripe-Should-Retry").and_then(|value| value.parse().ok()),
            rate_limited: head("Stripe-Rate-Limited-Reason").is_some(),
            replayed: head("Idempotent-Replayed").is_some_and(|value| value == "true"),
            request_id: head("Request-Id").unwrap_or_default(),
        };
        let body = answer.bytes().await.map_err(no_answer)?;
        metrics::counter!("quittance_stripe_calls_total", "call" => call, "status" => status.to_string()).increment(1);
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|source| Error::Unreadable { call, source });
        }
        let error = read(call, status, &heads, &body);
        if let Error::TooFast { after, .. } = &error {
            self.limiter.pause(call, *after);
        }
        Err(error)
    }
}

/// An id as part of a path. Ids come from Stripe, yet a slash or a query mark in one must not lead elsewhere.
pub(super) fn segment(id: &str) -> String {
    id.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')).collect()
}
