//! Booking: Stripe is read, never believed second hand, and what it says becomes ledger, reservation and record at once.

use super::answers::LINK_NAMES;
use super::owner::Owner;
use super::records::link_write;
use super::seen::{Read, currency, failure_words, is_legacy, kind_of};
use super::{Error, Invoice, Payments, lock_name};
use crate::domain::attempt::MethodKind;
use crate::domain::bank::rung;
use crate::domain::payment::{IntentSeen, IntentStatus, Payment, after};
use crate::domain::{Money, SalesforceId};
use crate::engine::banks::Step;
use crate::engine::clock::wall_ms;
use crate::store::Tx;
use crate::store::attempts::{Attempt, AttemptState};
use crate::store::payments::LedgerPayment;
use crate::stripe::{PaymentIntent, Priority};

/// An intent that was read and booked, or that is not ours to book.
#[derive(Clone, Debug)]
pub struct Booked {
    pub intent: PaymentIntent,
    pub owner: Owner,
}

impl Payments {
    /// Reads an intent and books it.
    pub async fn book_intent(&self, id: &str, priority: Priority) -> Result<Booked, Error> {
        let mut canceled = false;
        loop {
            let number = self.readings().begin();
            let intent = self.stripe().intent(id, priority).await?;
            let owner = self.owner(&intent.metadata, intent.customer_id(), priority).await?;
            self.count(&owner, &intent.id, intent.status == "succeeded" || intent.status == "processing").await?;
            if let Owner::Us { account } = &owner {
                let read = self.read_of_intent(&intent, account.clone(), priority).await?;
                if let Some(read) = read {
                    let Some(turn) = self.readings().turn(id, number).await else { continue };
                    let closed = self.book(&read).await?;
                    turn.done();
                    // Once: whatever the cancel said, the reading after it tells what is true.
                    if let Some(attempt) = closed.filter(|_| !canceled) {
                        tracing::info!(attempt.id = %attempt, intent.id = id, "the intent of a closed attempt is found and canceled");
                        self.cancel(&attempt, id).await?;
                        canceled = true;
                        continue;
                    }
                }
            }
            return Ok(Booked { intent, owner });
        }
    }

    /// Reads a charge; one with an intent is booked as that intent.
    pub async fn book_charge(&self, id: &str, priority: Priority) -> Result<(), Error> {
        let charge = self.stripe().charge(id, priority).await?;
        if let Some(intent) = &charge.payment_intent {
            self.book_intent(intent, priority).await?;
            return Ok(());
        }
        let customer = charge.customer.as_ref().map(|customer| customer.id().to_owned());
        let owner = self.owner(&charge.metadata, customer.as_deref(), priority).await?;
        self.count(&owner, &charge.id, charge.status != "failed").await?;
        let Owner::Us { account } = owner else { return Ok(()) };
        let status = match charge.status.as_str() {
            "succeeded" if charge.captured => IntentStatus::Succeeded,
            "succeeded" | "pending" => IntentStatus::Processing,
            "failed" => IntentStatus::RequiresPaymentMethod,
            _ => return Ok(()),
        };
        let currency = currency(&charge.id, &charge.currency)?;
        let (part, aside) = self.part(&charge, currency, status == IntentStatus::Succeeded, priority).await?;
        let kind = kind_of(&charge);
        let read = Read {
            stripe_id: charge.id.clone(),
            charge_id: Some(charge.id.clone()),
            metadata: charge.metadata.clone(),
            account,
            customer,
            kind,
            asked: Money::from_stripe(charge.amount, currency)?,
            seen: IntentSeen { status, part, declined: charge.status == "failed" },
            status: charge.status.clone(),
            method_detail: charge.payment_method_details.as_ref().map(|details| details.words()),
            descriptor: charge.calculated_statement_descriptor.clone(),
            failure: charge.failure_code.as_deref().map(|code| failure_words(kind, Some(code), None)),
            decline_code: charge.failure_code.clone(),
            decline_key: None,
            created_s: charge.created,
            received_s: (status == IntentStatus::Succeeded).then(|| charge.received_s()),
            has_intent: false,
            method: None,
            legacy: is_legacy(&charge),
            aside,
        };
        self.book(&read).await?;
        Ok(())
    }

    /// One reading into ledger, reservation, receipt and outbox, in one transaction. The same reading twice changes nothing.
    /// Answers the attempt where it is closed and its intent could still be confirmed.
    async fn book(&self, read: &Read) -> Result<Option<String>, Error> {
        let named = |name: &str| read.metadata.get(name).and_then(|id| SalesforceId::parse(id).ok());
        let invoice_id = named("sf_invoice_id");
        // For the receipt's words; read before the transaction, since nothing outside is asked inside one.
        let invoice = match &invoice_id {
            Some(id) => self.invoice_for_booking(id, read.seen.status).await?,
            None => None,
        };
        let handed_out = match read.seen.status {
            IntentStatus::Succeeded => self.receipt_number_in_org(&read.stripe_id, read.received_s).await?,
            _ => None,
        };
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&match &invoice_id {
            Some(id) => lock_name(id),
            None => format!("payment:{}", read.stripe_id),
        })
        .await?;
        let attempt = self.attempt_for(&mut tx, read, invoice_id.as_ref(), now_ms).await?;
        let before = tx.payment(&read.stripe_id).await?;
        let from = match (&attempt, &before) {
            (_, Some(LedgerPayment { state: state @ Payment::Settled { .. }, .. })) => *state,
            (Some(attempt), _) => match attempt.state {
                AttemptState::Declined => Payment::Declined,
                AttemptState::Processing => Payment::Processing,
                AttemptState::Canceled => Payment::Canceled,
                // Closed: nobody should have been able to confirm it; if somebody did, the money is there all the same.
                AttemptState::Open | AttemptState::Settled | AttemptState::Closed => Payment::Open,
            },
            (None, Some(before)) => before.state,
            (None, None) => Payment::Open,
        };
        let to = match after(from, &read.seen) {
            Ok(to) => to,
            Err(unexpected) => {
                return Err(Error::Unbookable { stripe_id: read.stripe_id.clone(), why: unexpected.to_string() });
            }
        };
        if let Some(attempt) = &attempt {
            self.move_attempt(&mut tx, attempt, to, read, now_ms).await?;
        }
        // An open intent is nobody's business in the org until money moves or is refused.
        let worth_a_record = match to {
            Payment::Processing | Payment::Declined | Payment::Settled { .. } => true,
            Payment::Open => false,
            Payment::Canceled => before.is_some(),
        };
        if worth_a_record {
            self.write_ledger(
                &mut tx,
                read,
                to,
                attempt.as_ref(),
                before.as_ref(),
                invoice.as_ref(),
                invoice_id,
                handed_out,
                now_ms,
            )
            .await?;
        }
        if read.kind == MethodKind::BankAccount {
            let failed = |payment: &Option<LedgerPayment>| payment.as_ref().is_some_and(|one| one.failure.is_some());
            let step = Step {
                stripe_id: &read.stripe_id,
                attempt: attempt.as_ref(),
                bank: attempt.as_ref().and_then(|attempt| attempt.method.as_deref()).or(read.method.as_deref()),
                from: rung(&from, failed(&before)),
                to: rung(&to, failed(&before)),
                amount: read.asked,
                code: read.aside.returned_for.as_deref().or(read.decline_code.as_deref()),
                method: read.method_detail.as_deref(),
                legacy: read.legacy,
                invoice: invoice.as_ref(),
            };
            self.climb(&mut tx, &step, now_ms).await?;
        }
        if let (Some(attempt), Some(method), Payment::Settled { .. }) = (&attempt, &read.method, &to)
            && attempt.save
        {
            // Stripe stores the card with the payment; what was agreed to goes with it.
            tx.consent_is_given(&attempt.id, method, &attempt.customer, attempt.account.as_str()).await?;
            tx.hint(&attempt.customer, now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_filled();
        self.nudge(); // a receipt may be due
        let closed = attempt.filter(|attempt| attempt.state == AttemptState::Closed);
        Ok(closed.filter(|_| read.seen.status.may_be_canceled()).map(|attempt| attempt.id))
    }

    async fn invoice_for_booking(&self, id: &SalesforceId, status: IntentStatus) -> Result<Option<Invoice>, Error> {
        if let Some((_, invoice)) = self.copied_invoice(id).await? {
            return Ok(Some(invoice));
        }
        if status != IntentStatus::Succeeded {
            return Ok(None);
        }
        match self.read_invoice(id, std::time::Duration::from_secs(10)).await {
            Ok(invoice) => Ok(Some(invoice)),
            Err(Error::Org(super::OrgError::Missing { .. } | super::OrgError::Unreadable { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The attempt that this intent belongs to. One that this database doesn't know (it was restored) is adopted, and
    /// holds its room from now on.
    async fn attempt_for(
        &self,
        tx: &mut Tx,
        read: &Read,
        invoice: Option<&SalesforceId>,
        now_ms: i64,
    ) -> Result<Option<Attempt>, Error> {
        let Some(id) = read.metadata.get("q_attempt_id").filter(|_| read.has_intent) else { return Ok(None) };
        if let Some(attempt) = tx.attempt(id).await? {
            // Metadata can be copied in the Dashboard: only one intent is the attempt's.
            return match &attempt.intent {
                Some(known) if *known != read.stripe_id => Ok(None),
                Some(_) => Ok(Some(attempt)),
                None => {
                    tx.attempt_has_intent(id, &read.stripe_id, now_ms).await?;
                    Ok(Some(Attempt { intent: Some(read.stripe_id.clone()), ..attempt }))
                }
            };
        }
        let (Some(invoice), Some(account)) = (invoice, &read.account) else { return Ok(None) };
        if read.asked.is_zero() || read.status == "canceled" {
            return Ok(None);
        }
        let attempt = Attempt {
            id: id.clone(),
            press: format!("adopted:{id}"),
            invoice: invoice.clone(),
            account: account.clone(),
            link: LINK_NAMES.iter().find_map(|name| read.metadata.get(*name)).cloned().unwrap_or_default(),
            kind: read.kind,
            amount: read.asked,
            save: false,
            method: None,
            customer: read.customer.clone().unwrap_or_default(),
            intent: Some(read.stripe_id.clone()),
            state: AttemptState::Open,
            seen: IntentStatus::from_stripe(&read.status),
            // What the lost database knew is lost: somebody may hold the secret.
            secret_left: true,
            confirm_sent: true,
            confirms: 100,
            decline_code: None,
            started_ms: read.created_s.saturating_mul(1000),
            touched_ms: now_ms,
        };
        tracing::warn!(attempt.id = %id, intent.id = %read.stripe_id, "an attempt that this database doesn't know is adopted");
        tx.insert_attempt(&attempt).await?;
        Ok(Some(attempt))
    }

    async fn move_attempt(
        &self,
        tx: &mut Tx,
        attempt: &Attempt,
        to: Payment,
        read: &Read,
        now_ms: i64,
    ) -> Result<(), Error> {
        let state = match to {
            Payment::Open if attempt.state == AttemptState::Closed => AttemptState::Closed,
            Payment::Open => AttemptState::Open,
            Payment::Declined => AttemptState::Declined,
            Payment::Processing => AttemptState::Processing,
            Payment::Settled { .. } => AttemptState::Settled,
            Payment::Canceled => AttemptState::Canceled,
        };
        tx.set_attempt(&attempt.id, state, &read.status, read.decline_code.as_deref()).await?;
        if to == Payment::Declined
            && let Some(key) = &read.decline_key
            && let Ok(link) = crate::domain::LinkId::parse(&attempt.link)
            && tx.count_decline_once(&link, key, wall_ms()).await?
            && let Some(link) = tx.link(&link).await?
        {
            tracing::warn!(link.id = %link.id, "ten declines: the link is locked for a day");
            if link.kind.is_customers() {
                tx.write_out(&link_write(&link, "Locked"), now_ms).await?;
            }
        }
        Ok(())
    }
}
