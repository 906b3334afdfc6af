//! Items: one customer's login at one bank.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Error};

/// One account behind a login.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Account {
    pub account_id: String,
    /// The last digits, as the bank shows them.
    #[serde(default)]
    pub mask: Option<String>,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub subtype: Option<String>,
    /// `None` is verified at once; anything else can't be charged yet.
    #[serde(default)]
    pub verification_status: Option<String>,
}

impl Account {
    /// Whether it can be debited today.
    pub fn is_debitable(&self) -> bool {
        let verified = matches!(
            self.verification_status.as_deref(),
            None | Some("automatically_verified" | "manually_verified" | "database_insights_pass")
        );
        self.kind == "depository" && matches!(self.subtype.as_deref(), Some("checking" | "savings")) && verified
    }
}

#[derive(Deserialize)]
struct Accounts {
    #[serde(default)]
    accounts: Vec<Account>,
    #[serde(default)]
    item: Item,
}

#[derive(Default, Deserialize)]
struct Item {
    #[serde(default)]
    institution_name: Option<String>,
}

impl Client {
    /// The accounts that the customer chose, with the bank's name: read from Plaid, for the browser can say anything.
    pub async fn accounts(&self, access_token: &SecretString) -> Result<(Option<String>, Vec<Account>), Error> {
        let body = json!({ "access_token": access_token.expose_secret() });
        let read: Accounts = self.post("/accounts/get", &body).await?;
        Ok((read.item.institution_name, read.accounts))
    }

    /// Ends the access for good. One that is gone already is as good as removed.
    pub async fn remove_item(&self, access_token: &SecretString) -> Result<(), Error> {
        let body = json!({ "access_token": access_token.expose_secret() });
        match self.post::<Value>("/item/remove", &body).await {
            Ok(_) | Err(Error::Gone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether our keys work, without touching anybody's bank: any bank's public entry is read.
    pub async fn check_keys(&self) -> Result<(), Error> {
        let body = json!({ "institution_id": "ins_109508", "country_codes": ["US"] });
        match self.post::<Value>("/institutions/get_by_id", &body).await {
            // The keys were good enough for a refusal that isn't about them.
            Ok(_) | Err(Error::Refused { .. } | Error::Gone { .. } | Error::Unsupported { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checking_and_savings_accounts_that_are_verified_at_once_are_debited() {
        let account = |text: &str| serde_json::from_str::<Account>(text).expect("readable").is_debitable();
        assert!(account(r#"{"account_id":"a","type":"depository","subtype":"checking"}"#));
        assert!(account(r#"{"account_id":"a","type":"depository","subtype":"savings","verification_status":null}"#));
        assert!(!account(r#"{"account_id":"a","type":"depository","subtype":"cd"}"#));
        assert!(!account(r#"{"account_id":"a","type":"credit","subtype":"credit card"}"#));
        let pending = r#"{"account_id":"a","type":"depository","subtype":"checking","verification_status":"pending_manual_verification"}"#;
        assert!(!account(pending));
    }
}
