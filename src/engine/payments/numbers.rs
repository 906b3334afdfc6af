//! Receipt numbers that were handed out before this database was restored: the org still has them.

use std::time::Duration;

use super::org::{quoted, text};
use super::{Error, Payments};

/// Salesforce is waited for this long at a start.
const LIMIT: Duration = Duration::from_secs(3);

impl Payments {
    /// Goes on after the last number that the org has.
    pub(super) async fn learn_receipt_numbers(&self) -> Result<(), Error> {
        let soql = "SELECT Receipt_Number__c FROM Payment__c WHERE Receipt_Number__c != null \
            ORDER BY Receipt_Number__c DESC LIMIT 1";
        let found = self.org().query(soql, LIMIT).await?;
        let Some(last) = found.first().and_then(|record| text(record, "Receipt_Number__c")) else { return Ok(()) };
        let mut tx = self.store().begin().await?;
        tx.skip_receipt_numbers(&last).await?;
        Ok(tx.commit().await?)
    }

    /// The number under which the org has a payment that this database doesn't know as settled. Asked only of money that
    /// came before Pay was opened: a restored database may have forgotten it, and what comes later is new.
    pub(super) async fn receipt_number_in_org(
        &self,
        stripe_id: &str,
        received_s: Option<i64>,
    ) -> Result<Option<String>, Error> {
        if received_s.is_some_and(|received_s| received_s > self.opened_s()) {
            return Ok(None);
        }
        if self.store().payment(stripe_id).await?.is_some_and(|payment| payment.receipt_number.is_some()) {
            return Ok(None);
        }
        let soql = format!(
            "SELECT Receipt_Number__c FROM Payment__c WHERE Stripe_Payment_Id__c = {} LIMIT 1",
            quoted(stripe_id)
        );
        Ok(match self.org().query(&soql, LIMIT).await {
            Ok(found) => found.first().and_then(|record| text(record, "Receipt_Number__c")),
            Err(error) => {
                tracing::warn!(stripe.id = stripe_id, %error, "the payment's receipt number could not be looked up");
                None
            }
        })
    }
}
