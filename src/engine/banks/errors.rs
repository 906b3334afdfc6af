//! What the admin has to do something about, as a Payment Error.

use crate::engine::payments::{Error, Payments};
use crate::store::outbox::Write;

/// One for the whole account, however many customers meet it.
pub(super) const NOT_ENABLED: &str = "bank:not-enabled";

impl Payments {
    /// Stripe takes no Plaid tokens from us, or Plaid makes none: the admin is told whom to write to.
    pub(super) async fn tell_not_enabled(&self, why: &str) -> Result<(), Error> {
        tracing::error!(why, "bank payments are not enabled between Plaid and Stripe");
        let sentence = format!("Customers can't pay by bank: Stripe does not take bank accounts from Plaid. {why}");
        let remedy = "Connect the Stripe account in the Plaid Dashboard, then write to plaid-referral@stripe.com (cc \
            partnerships@plaid.com) with its acct_ id and ask for Plaid tokens with PaymentIntents. Cards work meanwhile.";
        self.tell(&Write::payment_error(NOT_ENABLED, "bank_not_enabled", &sentence, remedy)).await
    }

    async fn tell(&self, write: &Write) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.write_out(write, now_ms).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }
}

/// A debit went down Stripe's older path, which has no mandate of ours and is being taken away.
pub(super) fn legacy(stripe_id: &str) -> Write {
    Write::payment_error(
        &format!("legacy-ach:{stripe_id}"),
        "legacy_ach",
        &format!(
            "Payment {stripe_id} was debited by Stripe's older ACH path (ach_debit), without a mandate that we hold."
        ),
        "Look in the Stripe Dashboard what charged the customer's default source (an invoice or a subscription), and give it a \
         default payment method instead. The payment itself is booked.",
    )
}
