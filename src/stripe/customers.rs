//! Customers: the Accounts of the org.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, Expandable, HasId};
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
    #[serde(default)]
    invoice_settings: Option<InvoiceSettings>,
    #[serde(default)]
    default_source: Option<Expandable<Named>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Expandable<Named>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Named {
    id: String,
}

impl HasId for Named {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Customer {
    /// What Stripe charges where nothing else is said: the default of invoices goes before the older default source.
    pub fn default_method(&self) -> Option<&str> {
        let chosen = self.invoice_settings.as_ref().and_then(|settings| settings.default_payment_method.as_ref());
        chosen.or(self.default_source.as_ref()).map(Expandable::id)
    }
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
