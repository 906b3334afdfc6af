//! What becomes of a request to take a payment, or to charge what is stored, told in its record.

use std::collections::HashMap;

use super::{Error, Payments};
use crate::domain::attempt::MethodKind;
use crate::domain::link::LinkKind;
use crate::domain::payment::Payment;
use crate::domain::{RequestId, SalesforceId};
use crate::engine::clock::wall_ms;
use crate::engine::links::message_id;
use crate::engine::receipts::money_words;
use crate::store::Tx;
use crate::store::attempts::AttemptState;
use crate::store::links::Link;
use crate::store::outbox::{Notice, Write, cut};
use crate::store::payments::{LedgerPayment, Source};
use crate::store::receipts::MailTrace;

/// Under these names an intent holds the id that its attempt is under: a clerk's request, a charge's, or a customer's link.
pub(super) const LINK_NAMES: [&str; 3] = [TAKEN, CHARGED, "q_link_id"];
pub(super) const TAKEN: &str = "q_request_id";
const CHARGED: &str = "q_charge_id";

pub(super) fn name_of(under: LinkKind) -> &'static str {
    match under {
        LinkKind::Agent => TAKEN,
        LinkKind::Charge => CHARGED,
        LinkKind::Mailed | LinkKind::Copied => "q_link_id",
    }
}

/// Who began an intent of ours. Its metadata outlives a database.
pub(super) fn source_of(metadata: &HashMap<String, String>) -> Source {
    match metadata {
        _ if metadata.contains_key(TAKEN) => Source::Desk,
        _ if metadata.contains_key(CHARGED) => Source::Charge,
        _ => Source::Link,
    }
}

const RAN_OUT: &str = "The page ran out after an hour and no payment was taken on it. Press Take Payment again.";
const RAN_OUT_MAILED: &str =
    "The page ran out after an hour and no payment was taken on it. The customer has a payment link.";

impl Payments {
    /// The request's record follows its payment: done once the money is there, open for another try after a decline.
    pub(super) async fn answer_request(&self, tx: &mut Tx, payment: &LedgerPayment, now_ms: i64) -> Result<(), Error> {
        let (taken, command) = match payment.source {
            Source::Desk => ("paid", "take"),
            Source::Charge => ("charged", "charge"),
            Source::Link | Source::Elsewhere => return Ok(()),
        };
        let Some(link) = payment.link.as_deref() else { return Ok(()) };
        let Some(request) = tx.desk_request(link).await? else { return Ok(()) };
        let debited = match payment.attempt_id.as_deref() {
            Some(attempt) => tx.verification(attempt).await?.is_some(),
            None => false,
        };
        // What becomes of a debit, the bank says days after the page was closed.
        let debited = debited || (payment.source == Source::Desk && payment.kind == MethodKind::BankAccount);
        let with = payment.method_detail.as_deref().map(|method| format!(" with {method}")).unwrap_or_default();
        // A field of a record is searched and filtered by what people type.
        let amount = money_words(payment.asked).replace('\u{a0}', " ");
        let (state, sentence) = match payment.state {
            // Sent back by the bank, weeks after the clerk was told that it was paid.
            Payment::Settled { part } if debited && part.kept()?.is_zero() => {
                let why = payment.failure.as_deref().unwrap_or("It went back to the customer.");
                ("Failed", format!("{amount}{with} was paid and went back. {why}"))
            }
            Payment::Settled { .. } => {
                tx.desk_request_done(link, wall_ms()).await?;
                ("Done", format!("{amount} was {taken}{with}."))
            }
            // Nobody has the page open any more on which another try could be made.
            Payment::Declined if debited => {
                let why = payment.failure.as_deref().unwrap_or("The bank gave no reason.");
                ("Failed", format!("{amount}{with} was sent back by the bank, nothing was charged. {why}"))
            }
            // One payment was taken on this page: what is declined after it takes nothing back.
            _ if request.done_ms.is_some() && !debited => return Ok(()),
            Payment::Processing => ("Working", format!("{amount}{with} is on its way.")),
            // What becomes of a charge then, its command says, or the letter about its debit.
            Payment::Declined if payment.source == Source::Charge => return Ok(()),
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
            .of(&format!("{command}:{link}"));
        Ok(tx.write_out(&write, now_ms).await?)
    }

    /// Answers a charge's request by what is booked under it. False where no money moves for it.
    pub async fn answer_charge(&self, invoice: &SalesforceId, request: &RequestId) -> Result<bool, Error> {
        let mut tx = self.store().begin().await?;
        let holds = |one: &LedgerPayment| {
            one.link.as_deref() == Some(request.as_str())
                && matches!(one.state, Payment::Processing | Payment::Settled { .. })
        };
        let Some(payment) = tx.payments_of(invoice).await?.into_iter().find(holds) else { return Ok(false) };
        self.answer_request(&mut tx, &payment, self.now_ms()).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(true)
    }

    /// The hour of an agent's page is over.
    pub(super) async fn desk_ran_out(&self, tx: &mut Tx, link: &Link) -> Result<(), Error> {
        let Some(request) = tx.desk_request(link.id.as_str()).await? else { return Ok(()) };
        if request.done_ms.is_some() || tx.verification_under(link.id.as_str()).await?.is_some() {
            return Ok(());
        }
        // A debit that the bank is working on answers the request by itself.
        let open = tx.open_attempts_of(&link.invoice).await?;
        if open.iter().any(|one| one.link == link.id.as_str() && one.state == AttemptState::Processing) {
            return Ok(());
        }
        let mailed = self.store().mail_trace(&message_id(link.id.as_str(), &self.settings().mail_domain)).await?;
        let (state, told, sentence) = match mailed {
            MailTrace::HandedOver => ("Sent", "sent", RAN_OUT_MAILED),
            MailTrace::None | MailTrace::InDoubt => ("Expired", "failed", RAN_OUT),
        };
        let notice = Notice {
            record_id: link.invoice.as_str().to_owned(),
            request_id: link.id.as_str().to_owned(),
            state: told.into(),
        };
        let write = Write::update("Payment_Request__c", &request.record_id)
            .with("State__c", state)
            .with("Sentence__c", sentence)
            .telling(notice)
            .of(&format!("take:{}", link.id));
        Ok(tx.write_out(&write, self.now_ms()).await?)
    }
}
