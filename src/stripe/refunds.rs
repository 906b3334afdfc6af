//! Refunds. We make none yet; those made elsewhere change what an invoice still owes.

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, HasId};
use super::{Client, Error, Form, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Refund {
    pub id: String,
    /// Counts only while `succeeded`; it may turn `failed` afterwards, and the money is back.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub amount: i64,
    #[serde(default)]
    pub currency: String,
    #[serde(default)]
    pub charge: Option<String>,
    #[serde(default)]
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub created: i64,
}

impl HasId for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Refund {
    pub fn succeeded(&self) -> bool {
        self.status.as_deref() == Some("succeeded")
    }
}

impl Client {
    pub async fn refund(&self, id: &str, priority: Priority) -> Result<Refund, Error> {
        let path = format!("/v1/refunds/{}", segment(id));
        self.get("GET /v1/refunds/{id}", &path, "", priority).await
    }

    pub async fn refunds_of_charge(&self, charge: &str, priority: Priority) -> Result<Vec<Refund>, Error> {
        let more = Form::new().with("charge", charge).into_body();
        self.all("GET /v1/refunds", "/v1/refunds", Created::default(), &more, priority).await
    }

    pub async fn refunds_created(&self, created: Created, priority: Priority) -> Result<Vec<Refund>, Error> {
        self.all("GET /v1/refunds", "/v1/refunds", created, "", priority).await
    }
}
