//! From what Link hands over to what Stripe takes.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{Client, Error};

/// The permanent access to one bank login. It never runs out: a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchanged {
    pub access_token: SecretString,
    pub item_id: String,
}

#[derive(Deserialize)]
struct BankToken {
    stripe_bank_account_token: String,
}

impl Client {
    /// A public token works once, for 30 minutes.
    pub async fn exchange(&self, public_token: &str) -> Result<Exchanged, Error> {
        self.post("/item/public_token/exchange", &json!({ "public_token": public_token })).await
    }

    /// A bank-account token (`btok_…`) that Stripe takes once.
    pub async fn stripe_token(&self, access_token: &SecretString, account_id: &str) -> Result<String, Error> {
        let body = json!({ "access_token": access_token.expose_secret(), "account_id": account_id });
        let made: BankToken = self.post("/processor/stripe/bank_account_token/create", &body).await?;
        Ok(made.stripe_bank_account_token)
    }
}
