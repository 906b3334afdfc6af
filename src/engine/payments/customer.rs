//! The Stripe Customer that a payment is made under.

use super::{Error, Invoice, Payments};
use crate::stripe::{Form, Priority};

impl Payments {
    /// The Account's Customer. A payment whose Account has none yet makes it, with name and metadata only; the account's
    /// own sync fills in the rest.
    pub(super) async fn customer_of(&self, invoice: &Invoice) -> Result<String, Error> {
        let known = self.store().customer(invoice.account.as_str()).await?;
        if let Some(id) = known.customer_id.or_else(|| invoice.customer.clone()) {
            return Ok(id);
        }
        let key = format!("customer-for-payment:{}:{}", invoice.account, known.generation);
        let body = Form::new()
            .with("name", invoice.account_name.chars().take(256).collect::<String>())
            .metadata("sf_org_id", self.settings().org.as_str())
            .metadata("sf_account_id", invoice.account.as_str())
            .into_body();
        let effect = self.store().effect_begin(&key, "POST", "/v1/customers", &body, self.now_ms()).await?;
        if let Some(id) = effect.answer {
            return Ok(id);
        }
        let customer = self.stripe().create_customer(&key, &effect.body, Priority::Customer).await?;
        self.store().effect_done(&key, &customer.id, self.now_ms()).await?;
        self.store().know_customer(invoice.account.as_str(), &customer.id, None).await?;
        Ok(customer.id)
    }
}
