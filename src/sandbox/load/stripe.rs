//! Stripe's side as its dashboard shows it.

use serde_json::Value;

use super::{Error, World};

impl World {
    /// The stand-in's whole state: customers, payment intents, charges, refunds, disputes, events.
    pub async fn stripe_state(&self) -> Result<Value, Error> {
        self.json("Stripe's state", self.http.get(format!("{}/state", self.endpoints.stripe.control_url))).await
    }

    pub async fn stripe_control(&self, action: &str, body: &Value) -> Result<Value, Error> {
        let url = format!("{}/{action}", self.endpoints.stripe.control_url);
        self.json(action, self.http.post(url).json(body)).await
    }
}
