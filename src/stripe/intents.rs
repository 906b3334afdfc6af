//! PaymentIntents: made unconfirmed, stored, then confirmed.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, Expandable, HasId};
use super::{Charge, Client, Error, Form, Priority};

/// An intent as read. The client secret is a `SecretString`: its holder can finish the payment.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentIntent {
    pub id: String,
    /// As Stripe spells it; a status that we don't know is kept.
    pub status: String,
    #[serde(default)]
    pub amount: i64,
    #[serde(default)]
    pub amount_received: i64,
    pub currency: String,
    #[serde(default)]
    pub customer: Option<Expandable<super::Customer>>,
    #[serde(default)]
    pub payment_method: Option<Expandable<super::PaymentMethod>>,
    #[serde(default)]
    pub latest_charge: Option<Expandable<Charge>>,
    #[serde(default)]
    pub last_payment_error: Option<PaymentError>,
    #[serde(default)]
    pub next_action: Option<NextAction>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub canceled_at: Option<i64>,
    #[serde(default)]
    pub livemode: bool,
    #[serde(default)]
    pub client_secret: Option<secrecy::SecretString>,
    /// What Stripe made of our `allowed_payment_method_types`: it drops in silence what doesn't fit.
    #[serde(default)]
    pub payment_method_types: Vec<String>,
}

impl HasId for PaymentIntent {
    fn id(&self) -> &str {
        &self.id
    }
}

impl PaymentIntent {
    pub fn customer_id(&self) -> Option<&str> {
        self.customer.as_ref().map(Expandable::id)
    }

    pub fn charge(&self) -> Option<&Charge> {
        self.latest_charge.as_ref().and_then(Expandable::object)
    }

    pub fn charge_id(&self) -> Option<&str> {
        self.latest_charge.as_ref().map(Expandable::id)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct PaymentError {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub decline_code: Option<String>,
    #[serde(default)]
    pub advice_code: Option<String>,
    #[serde(default)]
    pub charge: Option<String>,
    #[serde(default)]
    pub param: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NextAction {
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub redirect_to_url: Option<RedirectToUrl>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RedirectToUrl {
    #[serde(default)]
    pub url: Option<String>,
}

/// What an attempt asks Stripe for. The body follows from it alone.
#[derive(Clone, Debug)]
pub struct NewIntent<'a> {
    /// In Stripe's units, see [`super::to_stripe`].
    pub amount: i64,
    /// ISO 4217, any case.
    pub currency: &'a str,
    pub customer: &'a str,
    /// `card` or `us_bank_account`: the one that the payer chose.
    pub method_type: &'a str,
    /// A stored method that the payer chose.
    pub payment_method: Option<&'a str>,
    /// The payer ticked the box: the method may be used again.
    pub save: bool,
    pub description: &'a str,
    /// What follows the account's prefix on the payer's card statement; Stripe refuses it for banks.
    pub statement_descriptor_suffix: Option<&'a str>,
    pub metadata: &'a [(&'a str, &'a str)],
}

impl NewIntent<'_> {
    /// Unconfirmed, one type only. No `receipt_email`: we mail our own receipt, and Stripe's would be a second.
    pub fn body(&self) -> String {
        let mut form = Form::new()
            .with("amount", self.amount.to_string())
            .with("currency", self.currency.to_lowercase())
            .with("customer", self.customer)
            .with("allowed_payment_method_types[]", self.method_type)
            .maybe("payment_method", self.payment_method)
            .with("description", self.description)
            .maybe("statement_descriptor_suffix", self.statement_descriptor_suffix);
        if self.save {
            // On session: the payer is present whenever our page uses it again, with a one-time code.
            form = form.with("setup_future_usage", "off_session");
        }
        for (name, value) in self.metadata {
            form = form.metadata(name, value);
        }
        form.with("expand[]", "latest_charge").into_body()
    }
}

const EXPANDED: &str = "expand[]=latest_charge.balance_transaction";

impl Client {
    pub async fn create_intent(&self, key: &str, body: &str, priority: Priority) -> Result<PaymentIntent, Error> {
        self.post("POST /v1/payment_intents", "/v1/payment_intents", key, body, priority).await
    }

    /// The intent as it is now, with its latest charge.
    pub async fn intent(&self, id: &str, priority: Priority) -> Result<PaymentIntent, Error> {
        let path = format!("/v1/payment_intents/{}", segment(id));
        self.get("GET /v1/payment_intents/{id}", &path, EXPANDED, priority).await
    }

    /// Confirms by id. Called only after the intent's id and the intention to confirm are stored.
    pub async fn confirm_intent(
        &self,
        id: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<PaymentIntent, Error> {
        let path = format!("/v1/payment_intents/{}/confirm", segment(id));
        self.post("POST /v1/payment_intents/{id}/confirm", &path, key, body, priority).await
    }

    /// Cancels. A refusal (it succeeded meanwhile) is a reason to read it again.
    pub async fn cancel_intent(
        &self,
        id: &str,
        key: &str,
        body: &str,
        priority: Priority,
    ) -> Result<PaymentIntent, Error> {
        let path = format!("/v1/payment_intents/{}/cancel", segment(id));
        self.post("POST /v1/payment_intents/{id}/cancel", &path, key, body, priority).await
    }

    pub async fn intents_created(&self, created: Created, priority: Priority) -> Result<Vec<PaymentIntent>, Error> {
        // Expanding inside a list needs the list's own name in front.
        let more = "expand[]=data.latest_charge";
        self.all("GET /v1/payment_intents", "/v1/payment_intents", created, more, priority).await
    }

    pub async fn intents_of(
        &self,
        customer: &str,
        created: Created,
        priority: Priority,
    ) -> Result<Vec<PaymentIntent>, Error> {
        let more = Form::new().with("customer", customer).with("expand[]", "data.latest_charge").into_body();
        self.all("GET /v1/payment_intents", "/v1/payment_intents", created, &more, priority).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_asked_for_unconfirmed_with_cards_only_and_our_metadata() {
        let intent = NewIntent {
            amount: 12_400,
            currency: "USD",
            customer: "cus_1",
            method_type: "card",
            payment_method: None,
            save: true,
            description: "Invoice INV-1042",
            statement_descriptor_suffix: Some("INVOICE"),
            metadata: &[("sf_org_id", "00D000000000001AAA"), ("q_attempt_id", "a-1")],
        };
        assert_eq!(
            intent.body(),
            "amount=12400&currency=usd&customer=cus_1&allowed_payment_method_types[]=card\
             &description=Invoice+INV-1042&statement_descriptor_suffix=INVOICE&setup_future_usage=off_session\
             &metadata[sf_org_id]=00D000000000001AAA&metadata[q_attempt_id]=a-1&expand[]=latest_charge"
        );
    }

    #[test]
    fn fields_and_values_that_we_do_not_know_are_no_error() {
        let text = r#"{"id":"pi_1","object":"payment_intent","status":"a_new_status","amount":5,"currency":"usd",
            "latest_charge":{"id":"ch_1","novelty":[1]},"customer":"cus_1","next_action":{"type":"new","new":{}}}"#;
        let intent: PaymentIntent = serde_json::from_str(text).expect("it is read leniently");
        assert_eq!(intent.status, "a_new_status");
        assert_eq!(intent.charge().map(|charge| charge.id.as_str()), Some("ch_1"));
        assert_eq!(intent.customer_id(), Some("cus_1"));
    }

    #[test]
    fn the_client_secret_does_not_show_in_debug_output() {
        let text =
            r#"{"id":"pi_1","status":"requires_payment_method","currency":"usd","client_secret":"pi_1_secret_x"}"#;
        let intent: PaymentIntent = serde_json::from_str(text).expect("readable");
        assert!(!format!("{intent:?}").contains("secret_x"));
    }
}
