//! Customers: the Accounts of the org.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, HasId};
use super::{Client, Error, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Customer {
    pub id: String,
    /// A deleted customer is answered with 200 and this mark.
    #[serde(default)]
    pub deleted: bool,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub livemode: bool,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

impl HasId for Customer {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Client {
    pub async fn create_customer(&self, key: &str, body: &str, priority: Priority) -> Result<Customer, Error> {
        self.post("POST /v1/customers", "/v1/customers", key, body, priority).await
    }

    pub async fn update_customer(
        &self,
        id: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<Customer, Error> {
        self.post("POST /v1/customers/{id}", &format!("/v1/customers/{}", segment(id)), key, body, priority).await
    }

    pub async fn customer(&self, id: &str, priority: Priority) -> Result<Customer, Error> {
        self.get("GET /v1/customers/{id}", &format!("/v1/customers/{}", segment(id)), "", priority).await
    }

    /// All customers made in a span of time, for finding one of ours by its metadata: the list is consistent, the
    /// search lags.
    pub async fn customers_created(&self, created: Created, priority: Priority) -> Result<Vec<Customer>, Error> {
        self.all("GET /v1/customers", "/v1/customers", created, "", priority).await
    }
}
