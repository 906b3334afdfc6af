//! Link tokens: what a customer's browser opens Plaid Link with.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{Client, Error};

/// What a Link session is for.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    /// Shown by Link; cut to Plaid's 30 characters.
    pub company: &'a str,
    /// Stable for one customer, and no address or number of theirs.
    pub user: &'a str,
    pub webhook: Option<&'a str>,
    /// Where OAuth banks lead back to; https, and registered in the Plaid Dashboard.
    pub redirect_uri: Option<&'a str>,
    pub customization: Option<&'a str>,
    /// Update mode: the bank wants its customer to sign in again.
    pub access_token: Option<&'a str>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct LinkToken {
    pub link_token: SecretString,
    #[serde(default)]
    pub expiration: String,
}

impl Client {
    pub async fn create_link_token(&self, link: &NewLink<'_>) -> Result<LinkToken, Error> {
        let company: String = link.company.chars().take(30).collect();
        let mut body = json!({
            "client_name": company, "language": "en", "country_codes": ["US"], "user": {"client_user_id": link.user},
        });
        match link.access_token {
            // In update mode Plaid refuses products.
            Some(token) => body["access_token"] = token.into(),
            None => {
                body["products"] = json!(["auth"]);
                body["account_filters"] = json!({"depository": {"account_subtypes": ["checking", "savings"]}});
            }
        }
        for (name, value) in [
            ("webhook", link.webhook),
            ("redirect_uri", link.redirect_uri),
            ("link_customization_name", link.customization),
        ] {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        self.post("/link/token/create", &body).await
    }
}
