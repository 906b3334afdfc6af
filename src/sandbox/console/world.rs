//! What the console looks at.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::Value;

use super::super::daemon::Daemon;
use super::super::faults::Faults;
use super::super::load;
use super::super::mailbox::Mailbox;
use super::lightning::Lightning;

/// Everything around the console.
pub struct World {
    /// The stand-ins by their addresses, and a client that trusts the sandbox's own authority.
    pub outside: load::World,
    pub mailbox: Arc<Mailbox>,
    pub faults: Arc<Faults>,
    pub daemon: Arc<Daemon>,
    pub lightning: Lightning,
}

/// The world and what was seen of it: the ticks of the first page's list.
pub(super) struct Desk {
    pub(super) outside: load::World,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) faults: Arc<Faults>,
    pub(super) daemon: Arc<Daemon>,
    pub(super) lightning: Lightning,
    pub(super) mail_opened: AtomicBool,
    pub(super) receipt_seen: AtomicBool,
}

impl From<World> for Desk {
    fn from(World { outside, mailbox, faults, daemon, lightning }: World) -> Desk {
        let (mail_opened, receipt_seen) = (AtomicBool::new(false), AtomicBool::new(false));
        Desk { outside, mailbox, faults, daemon, lightning, mail_opened, receipt_seen }
    }
}

/// Something did not answer as it should. Shown on the page, in a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
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

impl Desk {
    pub(super) fn rest(&self, path: &str) -> String {
        let salesforce = &self.outside.endpoints.salesforce;
        format!("{}/services/data/v{}/{path}", salesforce.instance_url, salesforce.api_version)
    }

    fn admin(&self) -> &str {
        &self.outside.endpoints.salesforce.admin_token
    }

    /// Rows of a query, as an administrator sees them.
    pub(super) async fn query(&self, soql: &str) -> Result<Vec<Value>, Problem> {
        let url = self.rest("query");
        let request = self.outside.http.get(url).query(&[("q", soql)]).bearer_auth(self.admin());
        let answer = ask("The org", request).await?;
        Ok(answer["records"].as_array().cloned().unwrap_or_default())
    }

    pub(super) async fn count(&self, object: &str, filter: &str) -> Option<u64> {
        let url = self.rest("query");
        let soql = format!("SELECT COUNT() FROM {object}{filter}");
        let request = self.outside.http.get(url).query(&[("q", soql)]).bearer_auth(self.admin());
        ask("The org", request).await.ok()?["totalSize"].as_u64()
    }

    /// One record with all its fields.
    pub(super) async fn record(&self, object: &str, id: &str) -> Result<Value, Problem> {
        let url = self.rest(&format!("sobjects/{object}/{id}"));
        ask("The org", self.outside.http.get(url).bearer_auth(self.admin())).await
    }

    /// The bytes of a file kept in the org.
    pub(super) async fn file(&self, version: &str) -> Result<Vec<u8>, Problem> {
        let url = self.rest(&format!("sobjects/ContentVersion/{version}/VersionData"));
        let silent = |_| Problem::Silent { who: "The org" };
        let answer =
            self.outside.http.get(url).bearer_auth(self.admin()).timeout(LIMIT).send().await.map_err(silent)?;
        if !answer.status().is_success() {
            return Err(Problem::Refused { who: "The org", status: answer.status().as_u16() });
        }
        Ok(answer.bytes().await.map_err(silent)?.to_vec())
    }

    /// Calls an Apex method as the component behind the button would, with the clerk's rights.
    pub(super) async fn apex(&self, class: &str, method: &str, parameters: &Value) -> Result<Value, Problem> {
        let url = format!("{}/_sandbox/apex/{class}/{method}", self.outside.endpoints.salesforce.instance_url);
        ask(
            "The org",
            self.outside.http.post(url).bearer_auth(&self.outside.endpoints.salesforce.clerk_token).json(parameters),
        )
        .await
    }

    pub(super) async fn stripe(&self, path: &str) -> Result<Value, Problem> {
        ask("Stripe's stand-in", self.outside.http.get(format!("{}/{path}", self.outside.endpoints.stripe.control_url)))
            .await
    }
}

impl Desk {
    pub(super) async fn plaid(&self, path: &str) -> Result<Value, Problem> {
        let url = format!("{}/{path}", self.outside.endpoints.plaid.control_url);
        ask("Plaid's stand-in", self.outside.http.get(url)).await
    }

    /// Does something at Stripe from outside its API.
    pub(super) async fn press_stripe(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        let url = format!("{}/{path}", self.outside.endpoints.stripe.control_url);
        ask("Stripe's stand-in", self.outside.http.post(url).json(body)).await
    }

    pub(super) async fn press_plaid(&self, path: &str) -> Result<Value, Problem> {
        let url = format!("{}/{path}", self.outside.endpoints.plaid.control_url);
        ask("Plaid's stand-in", self.outside.http.post(url)).await
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
    // Apex answers an object, the REST API a list of them, Stripe an envelope, Plaid a longer name.
    let said = body["message"].as_str().or_else(|| body[0]["message"].as_str());
    let said = said.or_else(|| body["error"]["message"].as_str()).or_else(|| body["error_message"].as_str());
    Err(match said {
        Some(said) => Problem::Said(said.to_owned()),
        None => Problem::Refused { who, status: status.as_u16() },
    })
}
