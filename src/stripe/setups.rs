//! SetupIntents: a bank account is verified without a payment.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, HasId};
use super::{Client, Error, Form, Priority};

/// A SetupIntent as read. Its client secret is left out: nobody of ours needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct SetupIntent {
    pub id: String,
    pub status: String,
    /// In seconds since 1970.
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub customer: Option<String>,
    #[serde(default)]
    pub payment_method: Option<String>,
    #[serde(default)]
    pub mandate: Option<String>,
    #[serde(default)]
    pub next_action: Option<NextSetupAction>,
    #[serde(default)]
    pub last_setup_error: Option<SetupError>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

impl HasId for SetupIntent {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct NextSetupAction {
    #[serde(default)]
    verify_with_microdeposits: Option<Microdeposits>,
}

/// The deposits that wait to be told.
#[derive(Clone, Debug, Deserialize)]
pub struct Microdeposits {
    /// `amounts` or `descriptor_code`.
    pub microdeposit_type: String,
    #[serde(default)]
    pub arrival_date: Option<i64>,
    /// Stripe's own page on which the customer tells them.
    #[serde(default)]
    pub hosted_verification_url: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct SetupError {
    #[serde(default)]
    pub code: Option<String>,
}

impl SetupIntent {
    pub fn microdeposits(&self) -> Option<&Microdeposits> {
        self.next_action.as_ref().and_then(|action| action.verify_with_microdeposits.as_ref())
    }

    pub fn error_code(&self) -> Option<&str> {
        self.last_setup_error.as_ref().and_then(|error| error.code.as_deref())
    }
}

/// What a verification asks Stripe for. The body follows from it alone.
#[derive(Clone, Debug)]
pub struct NewSetup<'a> {
    pub customer: &'a str,
    pub payment_method: &'a str,
    /// In seconds since 1970.
    pub accepted_s: i64,
    /// Address and user agent of who accepted on a page; nothing where it was agreed to on the phone.
    pub online: Option<(&'a str, &'a str)>,
    pub description: &'a str,
    pub metadata: &'a [(&'a str, &'a str)],
}

impl NewSetup<'_> {
    pub fn body(&self) -> String {
        let mut form = Form::new()
            .with("customer", self.customer)
            .with("payment_method", self.payment_method)
            .with("allowed_payment_method_types[]", "us_bank_account")
            .with("payment_method_options[us_bank_account][verification_method]", "microdeposits")
            .with("usage", "off_session")
            .with("description", self.description)
            .with("confirm", "true")
            .with("mandate_data[customer_acceptance][type]", if self.online.is_some() { "online" } else { "offline" })
            .with("mandate_data[customer_acceptance][accepted_at]", self.accepted_s.to_string());
        if let Some((address, agent)) = self.online {
            form = form
                .with("mandate_data[customer_acceptance][online][ip_address]", address)
                .with("mandate_data[customer_acceptance][online][user_agent]", agent);
        }
        for (name, value) in self.metadata {
            form = form.metadata(name, value);
        }
        form.into_body()
    }
}

impl Client {
    pub async fn create_setup(&self, key: &str, body: &str, priority: Priority) -> Result<SetupIntent, Error> {
        self.post("POST /v1/setup_intents", "/v1/setup_intents", key, body, priority).await
    }

    pub async fn setup(&self, id: &str, priority: Priority) -> Result<SetupIntent, Error> {
        let path = format!("/v1/setup_intents/{}", segment(id));
        self.get("GET /v1/setup_intents/{id}", &path, "", priority).await
    }

    pub async fn setups_created(&self, created: Created, priority: Priority) -> Result<Vec<SetupIntent>, Error> {
        self.all("GET /v1/setup_intents", "/v1/setup_intents", created, "", priority).await
    }

    pub async fn setups_of(
        &self,
        customer: &str,
        created: Created,
        priority: Priority,
    ) -> Result<Vec<SetupIntent>, Error> {
        let more = Form::new().with("customer", customer).into_body();
        self.all("GET /v1/setup_intents", "/v1/setup_intents", created, &more, priority).await
    }

    /// Tells Stripe what the customer read on the statement. A wrong value is a refusal, and costs one of the tries.
    pub async fn verify_setup(
        &self,
        id: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<SetupIntent, Error> {
        let path = format!("/v1/setup_intents/{}/verify_microdeposits", segment(id));
        self.post("POST /v1/setup_intents/{id}/verify_microdeposits", &path, key, body, priority).await
    }

    /// A refusal (it succeeded meanwhile) is a reason to read it again.
    pub async fn cancel_setup(
        &self,
        id: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<SetupIntent, Error> {
        let path = format!("/v1/setup_intents/{}/cancel", segment(id));
        self.post("POST /v1/setup_intents/{id}/cancel", &path, key, body, priority).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companys_word_on_the_phone_is_an_offline_mandate_with_its_time() {
        let setup = NewSetup {
            customer: "cus_1",
            payment_method: "pm_1",
            accepted_s: 1_800_000_000,
            online: None,
            description: "Invoice INV-1",
            metadata: &[("q_verification_id", "v-1")],
        };
        assert_eq!(
            setup.body(),
            "customer=cus_1&payment_method=pm_1&allowed_payment_method_types[]=us_bank_account\
             &payment_method_options[us_bank_account][verification_method]=microdeposits&usage=off_session\
             &description=Invoice+INV-1&confirm=true&mandate_data[customer_acceptance][type]=offline\
             &mandate_data[customer_acceptance][accepted_at]=1800000000&metadata[q_verification_id]=v-1"
        );
    }

    #[test]
    fn the_deposits_are_read_and_the_client_secret_is_not() {
        let text = r#"{"id":"seti_1","status":"requires_action","client_secret":"seti_1_secret_x","mandate":"mandate_1",
            "next_action":{"type":"verify_with_microdeposits","verify_with_microdeposits":{"arrival_date":1800000000,
            "hosted_verification_url":"https://payments.stripe.com/x","microdeposit_type":"amounts"}}}"#;
        let setup: SetupIntent = serde_json::from_str(text).expect("readable");
        assert_eq!(setup.microdeposits().map(|told| told.microdeposit_type.as_str()), Some("amounts"));
        assert!(!format!("{setup:?}").contains("secret_x"));
    }
}
