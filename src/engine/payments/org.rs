//! The few things that taking payments reads from Salesforce.

use std::time::Duration;

use serde_json::Value;

/// Salesforce as the money side needs it: records by a query.
#[derive(Clone)]
pub struct Org {
    client: crate::salesforce::Client,
}

/// Salesforce could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    #[error("Salesforce gave no answer within {} s", after.as_secs())]
    TooSlow { after: Duration },
    #[error("Salesforce could not be read: {0}")]
    Failed(String),
    #[error("Salesforce has no {object} {id}")]
    Missing { object: String, id: String },
    #[error("{object} {id} can't be understood: {why}")]
    Unreadable { object: String, id: String, why: String },
}

impl Org {
    pub fn new(client: crate::salesforce::Client) -> Self {
        Self { client }
    }

    /// The records of a query. Values in it are ids that were parsed, or quoted by [`quoted`].
    pub async fn query(&self, soql: &str, limit: Duration) -> Result<Vec<Value>, OrgError> {
        match tokio::time::timeout(limit, self.client.query(soql)).await {
            Ok(Ok(records)) => Ok(records),
            Ok(Err(error)) => Err(OrgError::Failed(error.to_string())),
            Err(_) => Err(OrgError::TooSlow { after: limit }),
        }
    }
}

pub use crate::salesforce::soql_text as quoted;

/// A text field; blank is none.
pub fn text(record: &Value, field: &str) -> Option<String> {
    record
        .pointer(&format!("/{}", field.replace('.', "/")))
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
