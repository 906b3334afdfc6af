//! Charges: what a payment looks like where there is no intent, and the detail of one where there is.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::segment;
use super::list::{Created, Expandable, HasId};
use super::{Client, Customer, Error, Form, Priority};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Charge {
    pub id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub amount: i64,
    #[serde(default)]
    pub amount_captured: i64,
    #[serde(default)]
    pub amount_refunded: i64,
    #[serde(default)]
    pub currency: String,
    #[serde(default)]
    pub captured: bool,
    #[serde(default)]
    pub disputed: bool,
    /// Only the id: an intent is read by itself.
    #[serde(default)]
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub failure_code: Option<String>,
    #[serde(default)]
    pub calculated_statement_descriptor: Option<String>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    #[serde(default)]
    pub payment_method_details: Option<MethodDetails>,
    /// None until the money is there; an id unless it was asked for.
    #[serde(default)]
    pub balance_transaction: Option<Expandable<BalanceTransaction>>,
    #[serde(default)]
    pub livemode: bool,
}

impl HasId for Charge {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A movement on our balance at Stripe.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BalanceTransaction {
    pub id: String,
    #[serde(default)]
    pub created: i64,
}

impl HasId for BalanceTransaction {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Charge {
    /// When the money was there, in seconds. A bank debit is made days before that.
    pub fn received_s(&self) -> i64 {
        let moved = self.balance_transaction.as_ref().and_then(Expandable::object).map(|moved| moved.created);
        moved.filter(|at| *at > self.created).unwrap_or(self.created)
    }
}

/// How it was paid: the parts that a receipt may show.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct MethodDetails {
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub card: Option<CardDetails>,
    #[serde(default)]
    pub us_bank_account: Option<BankDetails>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CardDetails {
    #[serde(default)]
    pub brand: Option<String>,
    #[serde(default)]
    pub last4: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BankDetails {
    #[serde(default)]
    pub bank_name: Option<String>,
    #[serde(default)]
    pub last4: Option<String>,
}

impl MethodDetails {
    /// "Visa ending 4242", "Test Bank ending 6789", or Stripe's name of the kind.
    pub fn words(&self) -> String {
        let (name, last4) = match (&self.card, &self.us_bank_account) {
            (Some(card), _) => (brand_name(card.brand.as_deref().unwrap_or("card")), card.last4.as_deref()),
            (None, Some(bank)) => {
                (bank.bank_name.clone().unwrap_or_else(|| "Bank account".into()), bank.last4.as_deref())
            }
            (None, None) => (self.kind.replace('_', " "), None),
        };
        match last4 {
            Some(last4) => format!("{name} ending {last4}"),
            None => name,
        }
    }
}

/// A card brand as people write it.
pub(crate) fn brand_name(brand: &str) -> String {
    match brand {
        "visa" => "Visa".into(),
        "mastercard" => "Mastercard".into(),
        "amex" | "american_express" => "American Express".into(),
        "discover" => "Discover".into(),
        "diners" | "diners_club" => "Diners Club".into(),
        "jcb" => "JCB".into(),
        "unionpay" => "UnionPay".into(),
        "cartes_bancaires" => "Cartes Bancaires".into(),
        _ => "Card".into(),
    }
}

impl Client {
    pub async fn charge(&self, id: &str, priority: Priority) -> Result<Charge, Error> {
        let path = format!("/v1/charges/{}", segment(id));
        self.get("GET /v1/charges/{id}", &path, "", priority).await
    }

    pub async fn charges_created(&self, created: Created, priority: Priority) -> Result<Vec<Charge>, Error> {
        self.all("GET /v1/charges", "/v1/charges", created, "", priority).await
    }

    /// All charges of one intent: it may carry many failed ones.
    pub async fn charges_of(&self, intent: &str, priority: Priority) -> Result<Vec<Charge>, Error> {
        let more = Form::new().with("payment_intent", intent).into_body();
        self.all("GET /v1/charges", "/v1/charges", Created::default(), &more, priority).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_named_by_brand_and_last_four() {
        let details: MethodDetails =
            serde_json::from_str(r#"{"type":"card","card":{"brand":"amex","last4":"0005"}}"#).expect("readable");
        assert_eq!(details.words(), "American Express ending 0005");
    }
}
