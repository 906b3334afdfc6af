//! A payment that can't be booked: said in the org and in the list of dead letters, and tried again from both.

use super::records::payment_write;
use super::{Error, OrgError, Payments};
use crate::domain::{Command, CommandId, CommandKind};
use crate::engine::work::trouble;
use crate::store;
use crate::store::commands::Trouble;
use crate::store::hints::Hint;
use crate::store::outbox::Write;
use crate::stripe;

/// Begins the id of the command that books a payment; the payment's Stripe id follows.
pub const BOOK: &str = "book:";

impl Error {
    /// Whether trying again by itself can't help: somebody has to change something first.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Money(_)
            | Self::Unbookable { .. }
            | Self::Org(OrgError::Missing { .. } | OrgError::Unreadable { .. }) => true,
            Self::Stripe(error) => error.retry() == stripe::Retry::Never && !error.is_missing(),
            Self::NotOpen | Self::Store(_) | Self::Org(OrgError::TooSlow { .. } | OrgError::Failed(_)) => false,
        }
    }

    /// In words for the admin.
    pub fn trouble(&self, stripe_id: &str) -> Trouble {
        let (code, remedy) = match self {
            Self::Money(_) | Self::Unbookable { .. } => (
                "unbookable",
                "Compare the payment in the Stripe Dashboard with its Payment record and tell the operator, then press Retry.",
            ),
            Self::Org(OrgError::Missing { .. } | OrgError::Unreadable { .. }) => {
                ("invoice_unreadable", "Correct the invoice that is named, then press Retry.")
            }
            Self::Org(_) => ("salesforce_unreachable", "Press Retry once Salesforce answers again."),
            Self::NotOpen => ("not_open", "Press Retry once the daemon takes payments again."),
            Self::Stripe(_) => ("stripe", "Correct what Stripe names in the sentence, then press Retry."),
            Self::Store(_) => ("database", "Look at the daemon's database, then press Retry."),
        };
        trouble(code, format!("The payment {stripe_id} could not be booked: {self}."), remedy)
    }
}

impl Payments {
    /// A dead letter and a Payment Error, in one transaction.
    pub(super) async fn give_up_booking(&self, stripe_id: &str, error: &Error, attempts: i64) -> store::Result<()> {
        let Ok(id) = CommandId::parse(&format!("{BOOK}{stripe_id}")) else { return Ok(()) };
        let trouble = error.trouble(stripe_id);
        tracing::error!(stripe.id = stripe_id, code = %trouble.code, %error, attempts, "a payment can't be booked");
        metrics::counter!("quittance_commands_dead_total", "kind" => CommandKind::BookPayment.name()).increment(1);
        let org = self.settings().org.clone();
        let written = Write::payment_error(id.as_str(), &trouble.code, &trouble.sentence, &trouble.remedy);
        let command = Command { id, kind: CommandKind::BookPayment, record: org.clone(), lane: org };
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.bury(&command, &trouble, attempts, now_ms).await?;
        tx.write_out(&written, now_ms).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }

    /// The hint was followed. What had to be given up before is tried again as a whole, for Salesforce may have been what
    /// refused it.
    pub(super) async fn hint_ends_well(&self, hint: &Hint) -> store::Result<()> {
        let id = format!("{BOOK}{}", hint.stripe_id);
        let given_up = self.store().reading().await?.dead_letter(&id).await?.is_some();
        if given_up {
            let now_ms = self.now_ms();
            let mut tx = self.store().begin().await?;
            if tx.revive(&id, now_ms).await? {
                let error = Write::upsert("Payment_Error__c", "Command_Id__c", &id).with("State__c", "Resolved");
                tx.write_out(&error, now_ms).await?;
            }
            tx.commit().await?;
            self.house().commands_came.notify_waiters();
            self.outbox_filled();
        }
        self.store().hint_done(hint, self.now_ms()).await
    }

    /// Books it once more, and answers its record whole: what Salesforce refused before has to be written again even where
    /// Stripe says nothing new.
    pub async fn book_again(&self, stripe_id: &str) -> Result<Option<Write>, Error> {
        self.book_any(stripe_id).await?;
        let Some(payment) = self.store().payment(stripe_id).await? else { return Ok(None) };
        Ok(Some(payment_write(&payment)?))
    }
}
