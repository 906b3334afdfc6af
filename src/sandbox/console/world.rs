//! What the console looks at.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::super::faults::Faults;
use super::super::mailbox::Mailbox;

/// The daemon as a process that can be killed and started.
pub trait Sidecar: Send + Sync + 'static {
    /// Its process id while it runs.
    fn pid(&self) -> BoxFuture<'_, Option<u32>>;
    /// `kill -9`.
    fn kill(&self) -> BoxFuture<'_, ()>;
    /// Starts it where it does not run, and waits until it is ready. The error is a sentence.
    fn start(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// Everything around the console, by its addresses.
pub struct World {
    /// Trusts the sandbox's own authority.
    pub http: reqwest::Client,
    /// As `https://localhost:1234`.
    pub instance_url: String,
    /// As `66.0`.
    pub api_version: String,
    /// Reads every record.
    pub admin_token: String,
    /// Presses the quick action's buttons, with a clerk's rights.
    pub clerk_token: String,
    /// As `http://127.0.0.1:1234/_sandbox`.
    pub stripe_control_url: String,
    /// Where the customer pays.
    pub page_url: String,
    pub mailbox: Arc<Mailbox>,
    pub faults: Arc<Faults>,
    pub sidecar: Arc<dyn Sidecar>,
    /// Ticks of the first page's list; begin as `false`.
    pub mail_opened: AtomicBool,
    pub receipt_seen: AtomicBool,
}

/// Something did not answer as it should. Shown on the page, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{who} does not answer. Is the sandbox still starting?")]
    Silent { who: &'static str },
    /// What an Apex method or the REST API said, in its own words.
    #[error("{0}")]
    Said(String),
    #[error("{who} answered {status}")]
    Refused { who: &'static str, status: u16 },
}

/// How long a page waits for a stand-in.
const LIMIT: Duration = Duration::from_secs(15);

impl World {
    /// Rows of a query, as an administrator sees them.
    pub(super) async fn query(&self, soql: &str) -> Result<Vec<Value>, Problem> {
        let url = format!("{}/services/data/v{}/query", self.instance_url, self.api_version);
        let request = self.http.get(url).query(&[("q", soql)]).bearer_auth(&self.admin_token);
        let answer = ask("The org", request).await?;
        Ok(answer["records"].as_array().cloned().unwrap_or_default())
    }

    pub(super) async fn count(&self, object: &str, filter: &str) -> Option<u64> {
        let url = format!("{}/services/data/v{}/query", self.instance_url, self.api_version);
        let soql = format!("SELECT COUNT() FROM {object}{filter}");
        let request = self.http.get(url).query(&[("q", soql)]).bearer_auth(&self.admin_token);
        ask("The org", request).await.ok()?["totalSize"].as_u64()
    }

    /// One record with all its fields.
    pub(super) async fn record(&self, object: &str, id: &str) -> Result<Value, Problem> {
        let url = format!("{}/services/data/v{}/sobjects/{object}/{id}", self.instance_url, self.api_version);
        ask("The org", self.http.get(url).bearer_auth(&self.admin_token)).await
    }

    /// The bytes of a file kept in the org.
    pub(super) async fn file(&self, version: &str) -> Result<Vec<u8>, Problem> {
        let url = format!(
            "{}/services/data/v{}/sobjects/ContentVersion/{version}/VersionData",
            self.instance_url, self.api_version
        );
        let silent = |_| Problem::Silent { who: "The org" };
        let answer = self.http.get(url).bearer_auth(&self.admin_token).timeout(LIMIT).send().await.map_err(silent)?;
        if !answer.status().is_success() {
            return Err(Problem::Refused { who: "The org", status: answer.status().as_u16() });
        }
        Ok(answer.bytes().await.map_err(silent)?.to_vec())
    }

    /// Calls an Apex method as the component behind the button would, with the clerk's rights.
    pub(super) async fn apex(&self, class: &str, method: &str, parameters: &Value) -> Result<Value, Problem> {
        let url = format!("{}/_sandbox/apex/{class}/{method}", self.instance_url);
        ask("The org", self.http.post(url).bearer_auth(&self.clerk_token).json(parameters)).await
    }

    pub(super) async fn stripe(&self, path: &str) -> Result<Value, Problem> {
        ask("Stripe's stand-in", self.http.get(format!("{}/{path}", self.stripe_control_url))).await
    }
}

async fn ask(who: &'static str, request: reqwest::RequestBuilder) -> Result<Value, Problem> {
    let silent = |_| Problem::Silent { who };
    let answer = request.timeout(LIMIT).send().await.map_err(silent)?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(&answer.bytes().await.map_err(silent)?).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    // Apex answers an object, the REST API a list of them.
    let said = body["message"].as_str().or_else(|| body[0]["message"].as_str());
    Err(match said {
        Some(said) => Problem::Said(said.to_owned()),
        None => Problem::Refused { who, status: status.as_u16() },
    })
}
