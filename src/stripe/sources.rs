//! Bank accounts made from bank tokens. Each reads as a payment method under the same id.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, HasId};
use super::{Client, Error, Form, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BankSource {
    pub id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub fingerprint: Option<String>,
    #[serde(default)]
    pub last4: String,
    #[serde(default)]
    pub bank_name: Option<String>,
    #[serde(default)]
    pub routing_number: Option<String>,
    #[serde(default)]
    pub account_holder_name: Option<String>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

impl HasId for BankSource {
    fn id(&self) -> &str {
        &self.id
    }
}

impl BankSource {
    /// Only then may it be debited.
    pub fn is_verified(&self) -> bool {
        self.status == "verified"
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    bank_account: Option<TokenBank>,
}

#[derive(Deserialize)]
struct TokenBank {
    #[serde(default)]
    fingerprint: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    #[serde(default)]
    deleted: bool,
}

impl Client {
    pub async fn create_source(
        &self,
        customer: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<BankSource, Error> {
        let path = format!("/v1/customers/{}/sources", segment(customer));
        self.post("POST /v1/customers/{id}/sources", &path, key, body, priority).await
    }

    /// The customer's bank accounts.
    pub async fn bank_sources(&self, customer: &str, priority: Priority) -> Result<Vec<BankSource>, Error> {
        let path = format!("/v1/customers/{}/sources", segment(customer));
        let more = Form::new().with("object", "bank_account").into_body();
        self.all("GET /v1/customers/{id}/sources", &path, Created::default(), &more, priority).await
    }

    /// Which account a bank token stands for: its fingerprint, by which an account that is stored already is known.
    pub async fn bank_token_fingerprint(&self, token: &str, priority: Priority) -> Result<Option<String>, Error> {
        let path = format!("/v1/tokens/{}", segment(token));
        let read: Token = self.get("GET /v1/tokens/{id}", &path, "", priority).await?;
        Ok(read.bank_account.and_then(|bank| bank.fingerprint))
    }

    /// Takes the account from its customer for good. One that is gone already is as good as taken.
    pub async fn delete_source(&self, customer: &str, id: &str, priority: Priority) -> Result<(), Error> {
        let path = format!("/v1/customers/{}/sources/{}", segment(customer), segment(id));
        match self.delete::<Deleted>("DELETE /v1/customers/{id}/sources/{id}", &path, priority).await {
            Ok(answer) => {
                debug_assert!(answer.deleted);
                Ok(())
            }
            Err(Error::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
