//! Stored payment methods of a customer.

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, Expandable, HasId};
use super::{Client, Customer, Error, Form, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PaymentMethod {
    pub id: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Compared with the expected customer before an id that came from a browser is used.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    #[serde(default)]
    pub card: Option<Card>,
    #[serde(default)]
    pub us_bank_account: Option<BankDetails>,
    #[serde(default)]
    pub billing_details: Option<BillingDetails>,
    /// In seconds, by Stripe's clock.
    #[serde(default)]
    pub created: i64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BillingDetails {
    #[serde(default)]
    pub name: Option<String>,
}

impl HasId for PaymentMethod {
    fn id(&self) -> &str {
        &self.id
    }
}

impl PaymentMethod {
    pub fn belongs_to(&self, customer: &str) -> bool {
        self.customer.as_ref().is_some_and(|owner| owner.id() == customer)
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Card {
    #[serde(default)]
    pub brand: String,
    #[serde(default)]
    pub last4: String,
    #[serde(default)]
    pub exp_month: u32,
    #[serde(default)]
    pub exp_year: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BankDetails {
    #[serde(default)]
    pub bank_name: Option<String>,
    #[serde(default)]
    pub last4: Option<String>,
    #[serde(default)]
    pub routing_number: Option<String>,
    /// `company` or `individual`.
    #[serde(default)]
    pub account_holder_type: Option<String>,
    #[serde(default)]
    status_details: Option<BankStatus>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct BankStatus {
    /// Why the bank's network refuses further debits.
    #[serde(default)]
    blocked: Option<serde_json::Value>,
}

impl BankDetails {
    pub fn is_blocked(&self) -> bool {
        self.status_details.as_ref().is_some_and(|details| details.blocked.is_some())
    }
}

impl Client {
    /// The customer's stored bank accounts, those made from bank tokens not surely among them.
    pub async fn bank_methods_of(&self, customer: &str, priority: Priority) -> Result<Vec<PaymentMethod>, Error> {
        let path = format!("/v1/customers/{}/payment_methods", segment(customer));
        let more = Form::new().with("type", "us_bank_account").into_body();
        self.all("GET /v1/customers/{id}/payment_methods", &path, Created::default(), &more, priority).await
    }

    /// The customer's stored cards.
    pub async fn cards_of(&self, customer: &str, priority: Priority) -> Result<Vec<PaymentMethod>, Error> {
        let path = format!("/v1/customers/{}/payment_methods", segment(customer));
        let more = Form::new().with("type", "card").into_body();
        self.all("GET /v1/customers/{id}/payment_methods", &path, Created::default(), &more, priority).await
    }

    pub async fn payment_method(&self, id: &str, priority: Priority) -> Result<PaymentMethod, Error> {
        let path = format!("/v1/payment_methods/{}", segment(id));
        self.get("GET /v1/payment_methods/{id}", &path, "", priority).await
    }

    /// Detached is dead: it can be neither used nor attached again.
    pub async fn detach_payment_method(&self, id: &str, key: &str, priority: Priority) -> Result<PaymentMethod, Error> {
        let path = format!("/v1/payment_methods/{}/detach", segment(id));
        self.post("POST /v1/payment_methods/{id}/detach", &path, key, "", priority).await
    }
}
