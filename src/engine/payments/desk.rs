//! What becomes of a clerk's request to take a payment, told in its record.

use super::{Error, Payments};
use crate::domain::payment::Payment;
use crate::engine::clock::wall_ms;
use crate::engine::receipts::money_words;
use crate::store::Tx;
use crate::store::links::Link;
use crate::store::outbox::{Notice, Write, cut};
use crate::store::payments::{LedgerPayment, Source};

/// Under this name an intent that a clerk began holds the request's id, where a customer's holds its link's.
pub(super) const REQUEST: &str = "q_request_id";

const RAN_OUT: &str = "The page ran out after an hour and no payment was taken on it. Press Take Payment again.";

impl Payments {
    /// The request's record follows its payment: done once the money is there, open for another try after a decline.
    pub(super) async fn answer_desk(&self, tx: &mut Tx, payment: &LedgerPayment, now_ms: i64) -> Result<(), Error> {
        if payment.source != Source::Desk {
            return Ok(());
        }
        let Some(link) = payment.link.as_deref() else { return Ok(()) };
        let Some(request) = tx.desk_request(link).await? else { return Ok(()) };
        let verified = match payment.attempt_id.as_deref() {
            Some(attempt) => tx.verification(attempt).await?.is_some(),
            None => false,
        };
        let with = payment.method_detail.as_deref().map(|method| format!(" with {method}")).unwrap_or_default();
        // A field of a record is searched and filtered by what people type.
        let amount = money_words(payment.asked).replace('\u{a0}', " ");
        let (state, sentence) = match payment.state {
            // Sent back by the bank, weeks after the clerk was told that it was paid.
            Payment::Settled { part } if verified && part.kept()?.is_zero() => {
                let why = payment.failure.as_deref().unwrap_or("It went back to the customer.");
                ("Failed", format!("{amount}{with} was paid and went back. {why}"))
            }
            Payment::Settled { .. } => {
                tx.desk_request_done(link, wall_ms()).await?;
                ("Done", format!("{amount} was paid{with}."))
            }
            // Nobody has the page open any more on which another try could be made.
            Payment::Declined if verified => {
                let why = payment.failure.as_deref().unwrap_or("The bank gave no reason.");
                ("Failed", format!("{amount}{with} was sent back by the bank, nothing was charged. {why}"))
            }
            // One payment was taken on this page: what is declined after it takes nothing back.
            _ if request.done_ms.is_some() && !verified => return Ok(()),
            Payment::Processing => ("Working", format!("{amount}{with} is on its way.")),
            Payment::Declined => {
                let why = payment.failure.as_deref().unwrap_or("The bank gave no reason.");
                ("Working", format!("{amount}{with} was declined, nothing was charged. {why}"))
            }
            Payment::Open | Payment::Canceled => return Ok(()),
        };
        // The payment's own notice carries the request's id, so the component reads the request again.
        let write = Write::update("Payment_Request__c", &request.record_id)
            .with("State__c", state)
            .with("Sentence__c", cut(&sentence, 255))
            .of(&format!("take:{link}"));
        Ok(tx.write_out(&write, now_ms).await?)
    }

    /// The hour of an agent's page is over.
    pub(super) async fn desk_ran_out(&self, tx: &mut Tx, link: &Link) -> Result<(), Error> {
        let Some(request) = tx.desk_request(link.id.as_str()).await? else { return Ok(()) };
        if request.done_ms.is_some() || tx.verification_under(link.id.as_str()).await?.is_some() {
            return Ok(());
        }
        let notice = Notice {
            record_id: link.invoice.as_str().to_owned(),
            request_id: link.id.as_str().to_owned(),
            state: "failed".into(),
        };
        let write = Write::update("Payment_Request__c", &request.record_id)
            .with("State__c", "Expired")
            .with("Sentence__c", RAN_OUT)
            .telling(notice)
            .of(&format!("take:{}", link.id));
        Ok(tx.write_out(&write, self.now_ms()).await?)
    }
}
