//! The account that our key belongs to.

use serde::Deserialize;

use super::{Client, Error, Priority};

#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    pub id: String,
    #[serde(default)]
    pub country: Option<String>,
    #[serde(default)]
    pub default_currency: Option<String>,
    #[serde(default)]
    pub charges_enabled: bool,
}

impl Client {
    /// Who we are at Stripe; the database is bound to the answer.
    pub async fn account(&self) -> Result<Account, Error> {
        self.get("GET /v1/account", "/v1/account", "", Priority::Customer).await
    }
}
