//! The REST transport: one pooled client, one token, one new token where it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::token::Tokens;
use super::{Class, Error, Login, Token};

/// The version that REST, the package and its Apex are pinned to.
pub const API_VERSION: &str = "66.0";

/// Where and as whom we call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// My Domain, or login.salesforce.com for JWT bearer.
    pub login_url: String,
    /// How we log in.
    pub login: Login,
    /// As https://api.pubsub.salesforce.com:7443.
    pub pubsub_url: String,
    /// PEM certificates to trust beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one answer may take.
    pub timeout: Duration,
}

/// Salesforce as the integration user sees it. Cheap to clone; all clones share one token.
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) tokens: Arc<Tokens>,
    pub(super) settings: Arc<Settings>,
    usage: Arc<Usage>,
    pub(super) schemas: Arc<super::avro::Schemas>,
    pub(super) channel: Arc<tokio::sync::Mutex<Option<tonic::transport::Channel>>>,
}

/// How many API calls of the day are used, as Salesforce said last.
#[derive(Debug, Default)]
pub struct Usage {
    used: AtomicI64,
    limit: AtomicI64,
    ours: AtomicI64,
}

impl Usage {
    /// Used and allowed; `None` before the first answer.
    pub fn today(&self) -> Option<(i64, i64)> {
        let limit = self.limit.load(Ordering::Relaxed);
        (limit > 0).then(|| (self.used.load(Ordering::Relaxed), limit))
    }

    /// Calls made by this process.
    pub fn ours(&self) -> i64 {
        self.ours.load(Ordering::Relaxed)
    }

    /// Whether more than nine tenths are used, so that only what a person waits for should go.
    pub fn is_short(&self) -> bool {
        self.today().is_some_and(|(used, limit)| used * 10 > limit * 9)
    }

    fn note(&self, header: &str) {
        // api-usage=18/15000, per-app-api-usage=17/250(appName=x)
        let Some(rest) = header.split(',').find_map(|part| part.trim().strip_prefix("api-usage=")) else { return };
        if let Some((used, limit)) = rest.split_once('/')
            && let (Ok(used), Ok(limit)) = (used.trim().parse(), limit.trim().parse())
        {
            self.used.store(used, Ordering::Relaxed);
            self.limit.store(limit, Ordering::Relaxed);
        }
    }
}

#[derive(Deserialize)]
struct RestError {
    #[serde(rename = "errorCode", default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    records: Vec<Value>,
    next_records_url: Option<String>,
}

impl Client {
    /// Makes the client; nothing is called yet.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &settings.ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| Error::Settings("tls.ca_file holds no PEM certificate".into()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http =
            builder.build().map_err(|error| Error::Settings(format!("the HTTPS client could not be made: {error}")))?;
        let tokens = Arc::new(Tokens::new(http.clone(), &settings.login_url, settings.login.clone()));
        Ok(Self {
            http,
            tokens,
            settings: Arc::new(settings),
            usage: Arc::default(),
            schemas: Arc::default(),
            channel: Arc::default(),
        })
    }

    /// The session, logging in where there is none.
    pub async fn session(&self) -> Result<Arc<Token>, Error> {
        self.tokens.current().await
    }

    /// API calls used.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// One REST call; `path` begins with a slash after the version. A 401 is answered with one new token and one more try.
    pub(super) async fn rest(
        &self,
        call: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let token = self.tokens.current().await?;
        match self.rest_with(call, &token, method.clone(), path, body).await {
            Err(error) if error.wants_new_token() => {
                let token = self.tokens.instead_of(&token).await?;
                self.rest_with(call, &token, method, path, body).await
            }
            answer => answer,
        }
    }

    /// A read that fails in passing, and at once, is tried again at once: somebody may wait for it, and a command would come
    /// back only after seconds.
    async fn read(&self, call: &'static str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        const PAUSES_MS: [u64; 2] = [50, 250];
        let began = std::time::Instant::now();
        for pause_ms in PAUSES_MS {
            match self.rest(call, method.clone(), path, body).await {
                Err(error) if error.class() == Class::Retry && began.elapsed() < Duration::from_secs(1) => {
                    tracing::debug!(%error, call, "Salesforce is asked again");
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
                answer => return answer,
            }
        }
        self.rest(call, method, path, body).await
    }

    async fn rest_with(
        &self,
        call: &'static str,
        token: &Token,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let url = if path.starts_with("/services/") {
            format!("{}{path}", token.instance_url)
        } else {
            format!("{}/services/data/v{API_VERSION}{path}", token.instance_url)
        };
        let mut request = self.http.request(method, url).bearer_auth(token.access.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.usage.ours.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("quittance_salesforce_calls_total", "call" => call).increment(1);
        let no_answer = |error: reqwest::Error| Error::NoAnswer { call, source: error.without_url() };
        let answer = request.send().await.map_err(no_answer)?;
        if let Some(header) = answer.headers().get("Sforce-Limit-Info").and_then(|value| value.to_str().ok()) {
            self.usage.note(header);
        }
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(no_answer)?;
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).map_err(|error| Error::Unreadable { call, why: error.to_string() });
        }
        let errors: Vec<RestError> = serde_json::from_slice(&bytes).unwrap_or_default();
        let first = errors.into_iter().next().unwrap_or(RestError { code: String::new(), message: String::new() });
        let code = if first.code.is_empty() && status.as_u16() < 500 {
            format!("HTTP_{}", status.as_u16())
        } else {
            first.code
        };
        let message = if first.message.is_empty() { "no reason given".to_owned() } else { first.message };
        Err(Error::Answer { call, status: status.as_u16(), code, message })
    }

    /// All rows of a query. Put values into it with [`soql_text`].
    pub async fn query(&self, soql: &str) -> Result<Vec<Value>, Error> {
        let encoded: String = form_encoded(soql);
        let mut rows = Vec::new();
        let mut path = format!("/query?q={encoded}");
        loop {
            let answer = self.read("query", Method::GET, &path, None).await?;
            let page: Page = serde_json::from_value(answer)
                .map_err(|error| Error::Unreadable { call: "query", why: error.to_string() })?;
            rows.extend(page.records);
            match page.next_records_url {
                Some(next) => path = next,
                None => return Ok(rows),
            }
        }
    }

    /// Up to 2,000 records of one object by Id, in the order asked for; `None` for one that is deleted or not visible.
    pub async fn retrieve(
        &self,
        object: &str,
        ids: &[String],
        fields: &[&str],
    ) -> Result<Vec<Option<Map<String, Value>>>, Error> {
        let body = serde_json::json!({ "ids": ids, "fields": fields });
        let path = format!("/composite/sobjects/{object}");
        let answer = self.read("retrieve", Method::POST, &path, Some(&body)).await?;
        let rows: Vec<Option<Map<String, Value>>> = serde_json::from_value(answer)
            .map_err(|error| Error::Unreadable { call: "retrieve", why: error.to_string() })?;
        if rows.len() != ids.len() {
            return Err(Error::Unreadable {
                call: "retrieve",
                why: format!("{} rows for {} ids", rows.len(), ids.len()),
            });
        }
        Ok(rows)
    }

    /// What an object is made of.
    pub async fn describe(&self, object: &str) -> Result<Value, Error> {
        self.read("describe", Method::GET, &format!("/sobjects/{object}/describe"), None).await
    }

    /// The org's allocations: name to `{Max, Remaining}`.
    pub async fn limits(&self) -> Result<Value, Error> {
        self.rest("limits", Method::GET, "/limits", None).await
    }
}

/// A text as a SOQL literal with its quotes.
pub fn soql_text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => {
                literal.push('\\');
                literal.push(character);
            }
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

pub(super) fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_literal() {
        assert_eq!(soql_text(r"O'Brien\"), r"'O\'Brien\\'");
        assert_eq!(form_encoded("a b+ü"), "a%20b%2B%C3%BC");
    }

    #[test]
    fn the_usage_header_is_read() {
        let usage = Usage::default();
        assert_eq!(usage.today(), None);
        usage.note("api-usage=14000/15000, per-app-api-usage=17/250(appName=x)");
        assert_eq!(usage.today(), Some((14_000, 15_000)));
        assert!(usage.is_short());
    }
}
