//! Receipt numbers that were handed out before this database was restored: the org still has them.

use std::time::Duration;

use super::org::{quoted, text};
use super::{Error, Payments};

/// Salesforce is waited for this long at a start.
const LIMIT: Duration = Duration::from_secs(10);

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

    /// The number under which the org has a payment. Asked only while the first sweep runs: afterwards what we don't know
    /// is new.
    pub(super) async fn receipt_number_in_org(&self, stripe_id: &str) -> Option<String> {
        if self.is_open() {
            return None;
        }
        let soql = format!(
            "SELECT Receipt_Number__c FROM Payment__c WHERE Stripe_Payment_Id__c = {} LIMIT 1",
            quoted(stripe_id)
        );
        match self.org().query(&soql, LIMIT).await {
            Ok(found) => found.first().and_then(|record| text(record, "Receipt_Number__c")),
            Err(error) => {
                tracing::warn!(stripe.id = stripe_id, %error, "the payment's receipt number could not be looked up");
                None
            }
        }
    }
}
