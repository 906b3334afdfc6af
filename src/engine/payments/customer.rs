//! The Stripe Customer that a payment is made under.

use super::{Error, Invoice, Payments};
use crate::engine::customers::{self, plain_body};
use crate::stripe::Priority;

impl Payments {
    /// The Account's Customer, if it has one.
    pub async fn customer_id(&self, invoice: &Invoice) -> Result<Option<String>, Error> {
        let known = self.store().customer(invoice.account.as_str()).await?;
        Ok(known.customer_id.or_else(|| invoice.customer.clone()))
    }

    /// The Account's Customer. A payment whose Account has none yet makes it, with name and metadata only; the account's
    /// own sync fills in the rest.
    pub(in crate::engine) async fn customer_of(&self, invoice: &Invoice) -> Result<String, Error> {
        let account = invoice.account.as_str();
        let known = self.store().customer(account).await?;
        if let Some(id) = known.customer_id.clone().or_else(|| invoice.customer.clone()) {
            return Ok(id);
        }
        let body = plain_body(&invoice.account_name, self.settings().org.as_str(), account);
        match customers::create(self.house(), self.stripe(), account, &known, &body, 0, Priority::Customer).await {
            Ok((id, _)) => Ok(id),
            Err(customers::Error::Stripe(error)) => Err(error.into()),
            Err(customers::Error::Store(error)) => Err(error.into()),
        }
    }
}
