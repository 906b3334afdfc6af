//! Disputes. A bank's return of an ACH debit after success is one too, lost from the start.

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, HasId};
use super::{Client, Error, Form, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Dispute {
    pub id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub amount: i64,
    #[serde(default)]
    pub currency: String,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub charge: Option<String>,
    #[serde(default)]
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub created: i64,
}

impl HasId for Dispute {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Dispute {
    pub fn lost(&self) -> bool {
        self.status == "lost"
    }

    /// The bank has asked, and nobody knows yet how it ends.
    pub fn undecided(&self) -> bool {
        matches!(
            self.status.as_str(),
            "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review"
        )
    }
}

impl Client {
    pub async fn dispute(&self, id: &str, priority: Priority) -> Result<Dispute, Error> {
        let path = format!("/v1/disputes/{}", segment(id));
        self.get("GET /v1/disputes/{id}", &path, "", priority).await
    }

    pub async fn disputes_of_charge(&self, charge: &str, priority: Priority) -> Result<Vec<Dispute>, Error> {
        let more = Form::new().with("charge", charge).into_body();
        self.all("GET /v1/disputes", "/v1/disputes", Created::default(), &more, priority).await
    }

    pub async fn disputes_created(&self, created: Created, priority: Priority) -> Result<Vec<Dispute>, Error> {
        self.all("GET /v1/disputes", "/v1/disputes", created, "", priority).await
    }
}
