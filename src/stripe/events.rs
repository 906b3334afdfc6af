//! Events: hints at objects to read again. Their bodies are never believed.

use serde::Deserialize;

use super::list::{Created, HasId};
use super::{Client, Error, Priority};

#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub id: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub livemode: bool,
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Data {
    #[serde(default)]
    object: Object,
    /// What an update changed, as it was before.
    #[serde(default)]
    previous_attributes: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Object {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    payment_intent: Option<serde_json::Value>,
    #[serde(default)]
    charge: Option<serde_json::Value>,
    #[serde(default)]
    customer: Option<serde_json::Value>,
}

impl HasId for Event {
    fn id(&self) -> &str {
        &self.id
    }
}

/// What to read again because of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    Intent(String),
    Charge(String),
    /// A bank account that is being verified.
    Setup(String),
    /// What this customer has stored.
    Customer(String),
    /// Something that moves no money of ours.
    Nothing,
}

impl Event {
    /// The intent is preferred to the charge: it is what we book by, and one payment names both.
    pub fn hint(&self) -> Hint {
        let id_in = |value: &Option<serde_json::Value>| match value {
            Some(serde_json::Value::String(id)) => Some(id.clone()),
            Some(value) => value.get("id").and_then(|id| id.as_str()).map(str::to_owned),
            None => None,
        };
        let object = &self.data.object;
        let Some(id) = object.id.clone() else { return Hint::Nothing };
        match object.object.as_deref() {
            Some("payment_intent") => Hint::Intent(id),
            Some("setup_intent") => Hint::Setup(id),
            Some("charge") => id_in(&object.payment_intent).map_or(Hint::Charge(id), Hint::Intent),
            Some("refund" | "dispute") => match (id_in(&object.payment_intent), id_in(&object.charge)) {
                (Some(intent), _) => Hint::Intent(intent),
                (None, Some(charge)) => Hint::Charge(charge),
                (None, None) => Hint::Nothing,
            },
            // A detached method names its customer only as it was before.
            Some("payment_method" | "bank_account" | "card") => {
                let before = self.data.previous_attributes.as_ref().and_then(|before| before.get("customer").cloned());
                id_in(&object.customer).or_else(|| id_in(&before)).map_or(Hint::Nothing, Hint::Customer)
            }
            // Our own updates of name and address are many, and move nothing that is stored.
            Some("customer") if self.kind == "customer.deleted" || self.moves_default() => Hint::Customer(id),
            _ => Hint::Nothing,
        }
    }

    fn moves_default(&self) -> bool {
        let before = self.data.previous_attributes.as_ref();
        before.is_some_and(|before| before.contains_key("invoice_settings") || before.contains_key("default_source"))
    }
}

impl Client {
    /// The events of a span of time, newest first; Stripe keeps them for 30 days.
    pub async fn events_created(&self, created: Created, priority: Priority) -> Result<Vec<Event>, Error> {
        self.all("GET /v1/events", "/v1/events", created, "", priority).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(object: &str) -> Hint {
        let text = format!(r#"{{"id":"evt_1","type":"x","data":{{"object":{object}}}}}"#);
        serde_json::from_str::<Event>(&text).expect("readable").hint()
    }

    #[test]
    fn every_money_event_leads_to_the_intent_if_there_is_one() {
        assert_eq!(hint(r#"{"object":"payment_intent","id":"pi_1"}"#), Hint::Intent("pi_1".into()));
        assert_eq!(hint(r#"{"object":"charge","id":"ch_1","payment_intent":"pi_1"}"#), Hint::Intent("pi_1".into()));
        assert_eq!(
            hint(r#"{"object":"refund","id":"re_1","payment_intent":{"id":"pi_1"},"charge":"ch_1"}"#),
            Hint::Intent("pi_1".into())
        );
        assert_eq!(hint(r#"{"object":"charge","id":"ch_1","payment_intent":null}"#), Hint::Charge("ch_1".into()));
        assert_eq!(hint(r#"{"object":"dispute","id":"dp_1","charge":"ch_1"}"#), Hint::Charge("ch_1".into()));
        assert_eq!(hint(r#"{"object":"customer","id":"cus_1"}"#), Hint::Nothing);
        assert_eq!(hint(r#"{"object":"setup_intent","id":"seti_1"}"#), Hint::Setup("seti_1".into()));
        assert_eq!(hint("{}"), Hint::Nothing);
    }

    #[test]
    fn what_is_stored_leads_to_its_customer_even_when_it_is_gone() {
        let event = |kind: &str, data: &str| {
            let text = format!(r#"{{"id":"evt_1","type":"{kind}","data":{data}}}"#);
            serde_json::from_str::<Event>(&text).expect("readable").hint()
        };
        let customer = Hint::Customer("cus_1".into());
        let method = r#"{"object":{"object":"payment_method","id":"pm_1","customer":"cus_1"}}"#;
        assert_eq!(event("payment_method.attached", method), customer);
        let detached = r#"{"object":{"object":"payment_method","id":"pm_1","customer":null},
            "previous_attributes":{"customer":"cus_1"}}"#;
        assert_eq!(event("payment_method.detached", detached), customer);
        let default = r#"{"object":{"object":"customer","id":"cus_1"},
            "previous_attributes":{"invoice_settings":{"default_payment_method":null}}}"#;
        assert_eq!(event("customer.updated", default), customer);
        let name = r#"{"object":{"object":"customer","id":"cus_1"},"previous_attributes":{"name":"Old"}}"#;
        assert_eq!(event("customer.updated", name), Hint::Nothing);
        assert_eq!(event("customer.deleted", r#"{"object":{"object":"customer","id":"cus_1"}}"#), customer);
    }
}
