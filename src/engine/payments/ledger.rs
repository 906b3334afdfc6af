//! A reading's traces: the ledger, the receipt, and what the org is told of payment and links.

use super::answers::source_of;
use super::facts::facts;
use super::records::{link_state, link_write, payment_write};
use super::seen::Read;
use super::{Error, Invoice, Payments, standing};
use crate::domain::SalesforceId;
use crate::domain::attempt::MethodKind;
use crate::domain::bank::Reason;
use crate::domain::payment::Payment;
use crate::engine::clock::wall_ms;
use crate::store::Tx;
use crate::store::attempts::Attempt;
use crate::store::outbox::Write;
use crate::store::payments::{LedgerPayment, Source};
use crate::store::receipts::Receipt;

impl Payments {
    #[expect(clippy::too_many_arguments, reason = "one reading and everything known around it")]
    pub(super) async fn write_ledger(
        &self,
        tx: &mut Tx,
        read: &Read,
        to: Payment,
        attempt: Option<&Attempt>,
        before: Option<&LedgerPayment>,
        invoice: Option<&Invoice>,
        invoice_id: Option<SalesforceId>,
        handed_out: Option<String>,
        now_ms: i64,
    ) -> Result<(), Error> {
        let link = attempt.map(|attempt| attempt.link.clone()).filter(|link| !link.is_empty());
        let mut payment = LedgerPayment {
            stripe_id: read.stripe_id.clone(),
            charge_id: read.charge_id.clone(),
            attempt_id: attempt.map(|attempt| attempt.id.clone()),
            invoice: invoice_id,
            account: read.account.clone(),
            link,
            kind: read.kind,
            source: match attempt {
                Some(_) => source_of(&read.metadata),
                None => Source::Elsewhere,
            },
            asked: read.asked,
            state: to,
            method_detail: read.method_detail.clone(),
            descriptor: read.descriptor.clone(),
            failure: match to {
                Payment::Declined => read.failure.clone(),
                // Its room is free, and why it failed is still worth knowing.
                Payment::Canceled => before.and_then(|before| before.failure.clone()),
                Payment::Settled { .. } if read.kind == MethodKind::BankAccount => {
                    read.aside.returned_for.as_deref().map(|code| Reason::from_code(code).for_clerk().to_owned())
                }
                _ => None,
            },
            received_s: read.received_s,
            disputed: read.aside.disputed,
            returned_s: read.aside.returned_s,
            receipt_number: before.and_then(|before| before.receipt_number.clone()),
        };
        let settles = matches!(to, Payment::Settled { .. }) && payment.receipt_number.is_none();
        if settles && payment.source != Source::Elsewhere {
            payment.receipt_number = match &handed_out {
                Some(number) => Some(number.clone()),
                None => Some(tx.next_receipt_number().await?),
            };
        }
        if before == Some(&payment) {
            return Ok(());
        }
        tx.set_payment(&payment, now_ms).await?;
        if let Some(number) = payment.receipt_number.clone().filter(|_| settles)
            && let Some(invoice) = invoice
        {
            let stands = standing(tx, invoice).await?;
            let others: Vec<LedgerPayment> = tx
                .payments_of(&invoice.id)
                .await?
                .into_iter()
                .filter(|one| one.stripe_id != payment.stripe_id)
                .collect();
            let said = facts(&number, &payment, invoice, &stands, &others, self.settings().test)?;
            let mail_to = match payment.link.as_deref().and_then(|link| crate::domain::LinkId::parse(link).ok()) {
                Some(link) => tx.link(&link).await?.and_then(|link| link.sent_to).or_else(|| invoice.email.clone()),
                None => invoice.email.clone(),
            };
            let receipt = Receipt {
                message_id: format!("<{}.receipt@{}>", number.to_lowercase(), self.settings().mail_domain),
                facts: serde_json::to_string(&said).map_err(|error| Error::Unbookable {
                    stripe_id: payment.stripe_id.clone(),
                    why: error.to_string(),
                })?,
                number,
                stripe_id: payment.stripe_id.clone(),
                mail_to,
                mailed_ms: None,
                filed_ms: None,
                attempts: 0,
            };
            tx.insert_receipt(&receipt, now_ms).await?;
        }
        if let Some(invoice) = invoice {
            self.write_links(tx, invoice, &payment, now_ms).await?;
        }
        tx.write_out(&payment_write(&payment)?, now_ms).await?;
        self.answer_request(tx, &payment, now_ms).await?;
        self.write_over_return(tx, &payment, now_ms).await
    }

    /// Open links show Paid once nothing is left, and Open again when money went back. The payment's own link is written
    /// in any case, so that the reference to it is found.
    async fn write_links(
        &self,
        tx: &mut Tx,
        invoice: &Invoice,
        payment: &LedgerPayment,
        now_ms: i64,
    ) -> Result<(), Error> {
        let paid = standing(tx, invoice).await?.balance()?.is_zero();
        for link in tx.open_links_of(&invoice.id).await? {
            let settled = matches!(payment.state, Payment::Settled { .. });
            if settled || payment.link.as_deref() == Some(link.id.as_str()) {
                let state = link_state(&link, paid, wall_ms());
                tx.write_out(&link_write(&link, state), now_ms).await?;
            }
        }
        Ok(())
    }

    async fn write_over_return(&self, tx: &mut Tx, payment: &LedgerPayment, now_ms: i64) -> Result<(), Error> {
        let over = payment.part().over_returned()?;
        if over.is_zero() {
            return Ok(());
        }
        let write = Write::payment_error(
            &format!("over-returned:{}", payment.stripe_id),
            "over_returned",
            &format!("Payment {} went back twice: {over} more was returned than had come in.", payment.stripe_id),
            "Ask the customer for it, or write it off; Stripe has taken it from your balance.",
        );
        Ok(tx.write_out(&write, now_ms).await?)
    }
}
