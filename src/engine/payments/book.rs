//! Booking: Stripe is read, never believed second hand, and what it says becomes ledger, reservation and record at once.

use super::facts::facts;
use super::records::{link_write, payment_write};
use super::{Error, Invoice, Payments, lock_name, standing};
use crate::domain::attempt::MethodKind;
use crate::domain::decline::Decline;
use crate::domain::payment::{IntentSeen, IntentStatus, Part, Payment, after};
use crate::domain::{Currency, Money, SalesforceId};
use crate::engine::clock::wall_ms;
use crate::store::Tx;
use crate::store::attempts::{Attempt, AttemptState};
use crate::store::outbox::Write;
use crate::store::payments::{LedgerPayment, Source};
use crate::store::receipts::Receipt;
use crate::stripe::{Charge, PaymentIntent, Priority};

/// An intent that was read and booked, or that is not ours to book.
#[derive(Clone, Debug)]
pub struct Booked {
    pub intent: PaymentIntent,
    pub owner: Owner,
}

/// Whose an object at Stripe is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This org's, for this account if it is known.
    Us { account: Option<SalesforceId> },
    /// Another org's on the same Stripe account: acknowledged, skipped and counted.
    AnotherOrg,
    /// Nobody says: counted and listed, not booked.
    Nobody,
}

/// One reading, in the ledger's words.
struct Read {
    stripe_id: String,
    charge_id: Option<String>,
    metadata: std::collections::HashMap<String, String>,
    account: Option<SalesforceId>,
    customer: Option<String>,
    kind: MethodKind,
    asked: Money,
    seen: IntentSeen,
    status: String,
    method_detail: Option<String>,
    descriptor: Option<String>,
    failure: Option<String>,
    decline_code: Option<String>,
    decline_key: Option<String>,
    created_s: i64,
    received_s: Option<i64>,
    has_intent: bool,
}

impl Payments {
    /// Reads an intent and books it.
    pub async fn book_intent(&self, id: &str, priority: Priority) -> Result<Booked, Error> {
        loop {
            let number = self.readings().begin();
            let intent = self.stripe().intent(id, priority).await?;
            let owner = self.owner(&intent.metadata, intent.customer_id(), priority).await?;
            self.count(&owner, &intent.id, intent.status == "succeeded" || intent.status == "processing").await?;
            if let Owner::Us { account } = &owner {
                let read = self.read_of_intent(&intent, account.clone(), priority).await?;
                if let Some(read) = read {
                    let Some(turn) = self.readings().turn(id, number).await else { continue };
                    self.book(&read).await?;
                    turn.done();
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
        let part = self.part(&charge, currency, status == IntentStatus::Succeeded, priority).await?;
        let read = Read {
            stripe_id: charge.id.clone(),
            charge_id: Some(charge.id.clone()),
            metadata: charge.metadata.clone(),
            account,
            customer,
            kind: kind_of(&charge),
            asked: Money::from_stripe(charge.amount, currency)?,
            seen: IntentSeen { status, part, declined: charge.status == "failed" },
            status: charge.status.clone(),
            method_detail: charge.payment_method_details.as_ref().map(|details| details.words()),
            descriptor: charge.calculated_statement_descriptor.clone(),
            failure: charge.failure_code.as_deref().map(|code| failure_words(Some(code), None)),
            decline_code: charge.failure_code.clone(),
            decline_key: None,
            created_s: charge.created,
            received_s: (status == IntentStatus::Succeeded).then_some(charge.created),
            has_intent: false,
        };
        self.book(&read).await
    }

    /// Its own `sf_org_id`, else its customer's; a customer without one is ours if the org knows its id.
    async fn owner(
        &self,
        metadata: &std::collections::HashMap<String, String>,
        customer: Option<&str>,
        priority: Priority,
    ) -> Result<Owner, Error> {
        let account_in = |metadata: &std::collections::HashMap<String, String>| {
            metadata.get("sf_account_id").and_then(|id| SalesforceId::parse(id).ok())
        };
        let is_us = |org: &str| SalesforceId::parse(org).is_ok_and(|org| org == self.settings().org);
        if let Some(org) = metadata.get("sf_org_id") {
            return Ok(if is_us(org) { Owner::Us { account: account_in(metadata) } } else { Owner::AnotherOrg });
        }
        let Some(customer) = customer else { return Ok(Owner::Nobody) };
        match self.stripe().customer(customer, priority).await {
            Ok(found) => {
                if let Some(org) = found.metadata.get("sf_org_id") {
                    let account = account_in(&found.metadata);
                    return Ok(if is_us(org) { Owner::Us { account } } else { Owner::AnotherOrg });
                }
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
        // An id that somebody typed into the Account.
        let soql =
            format!("SELECT Id FROM Account WHERE Stripe_Customer_Id__c = {} LIMIT 1", super::org::quoted(customer));
        let accounts = self.org().query(&soql, std::time::Duration::from_secs(20)).await?;
        let account = accounts.first().and_then(|record| super::org::text(record, "Id"));
        Ok(match account.and_then(|id| SalesforceId::parse(&id).ok()) {
            Some(account) => Owner::Us { account: Some(account) },
            None => Owner::Nobody,
        })
    }

    /// Counts a reading. Money that nobody owns is kept for `status` to list.
    async fn count(&self, owner: &Owner, stripe_id: &str, money: bool) -> Result<(), Error> {
        let name = match owner {
            Owner::Us { .. } => "us",
            Owner::AnotherOrg => "another_org",
            Owner::Nobody => "nobody",
        };
        metrics::counter!("quittance_stripe_objects_read_total", "owner" => name).increment(1);
        match owner {
            Owner::Nobody if money => self.store().note_ownerless(stripe_id, self.now_ms()).await?,
            Owner::Nobody => {}
            Owner::Us { .. } | Owner::AnotherOrg => self.store().has_owner(stripe_id).await?,
        }
        Ok(())
    }

    async fn read_of_intent(
        &self,
        intent: &PaymentIntent,
        account: Option<SalesforceId>,
        priority: Priority,
    ) -> Result<Option<Read>, Error> {
        let Some(status) = IntentStatus::from_stripe(&intent.status) else {
            tracing::error!(intent.id = %intent.id, status = %intent.status, "Stripe names a status that we don't know");
            return Ok(None);
        };
        let currency = currency(&intent.id, &intent.currency)?;
        let charge = match (intent.charge(), intent.charge_id()) {
            (Some(charge), _) => Some(charge.clone()),
            (None, Some(id)) => Some(self.stripe().charge(id, priority).await?),
            (None, None) => None,
        };
        let part = match (&charge, status) {
            (Some(charge), IntentStatus::Succeeded) => {
                let received = Money::from_stripe(intent.amount_received, currency)?;
                Part { received, ..self.part(charge, currency, true, priority).await? }
            }
            (None, IntentStatus::Succeeded) => Part::received(Money::from_stripe(intent.amount_received, currency)?),
            _ => Part::received(Money::zero(currency)),
        };
        let error = intent.last_payment_error.as_ref();
        let failed_charge = error.and_then(|error| error.charge.clone());
        Ok(Some(Read {
            stripe_id: intent.id.clone(),
            charge_id: intent.charge_id().map(str::to_owned),
            metadata: intent.metadata.clone(),
            account,
            customer: intent.customer_id().map(str::to_owned),
            kind: charge.as_ref().map_or(MethodKind::Card, kind_of),
            asked: Money::from_stripe(intent.amount, currency)?,
            seen: IntentSeen { status, part, declined: error.is_some() },
            status: intent.status.clone(),
            method_detail: charge
                .as_ref()
                .and_then(|charge| charge.payment_method_details.as_ref())
                .map(|it| it.words()),
            descriptor: charge.as_ref().and_then(|charge| charge.calculated_statement_descriptor.clone()),
            failure: error.map(|error| failure_words(error.code.as_deref(), error.decline_code.as_deref())),
            decline_code: error.and_then(|error| error.decline_code.clone().or_else(|| error.code.clone())),
            decline_key: failed_charge
                .or_else(|| error.map(|_| format!("{}:{}", intent.id, intent.charge_id().unwrap_or("none")))),
            created_s: intent.created,
            received_s: charge.as_ref().filter(|_| status == IntentStatus::Succeeded).map(|charge| charge.created),
            has_intent: true,
        }))
    }

    /// What came by a charge and what went back. Lists are read only where the charge says that there is something.
    async fn part(
        &self,
        charge: &Charge,
        currency: Currency,
        succeeded: bool,
        priority: Priority,
    ) -> Result<Part, Error> {
        let zero = Money::zero(currency);
        if !succeeded {
            return Ok(Part::received(zero));
        }
        let captured = if charge.amount_captured > 0 { charge.amount_captured } else { charge.amount };
        let mut part = Part::received(Money::from_stripe(captured, currency)?);
        if charge.amount_refunded > 0 {
            for refund in self.stripe().refunds_of_charge(&charge.id, priority).await? {
                if refund.succeeded() {
                    part.refunded = part.refunded.plus(Money::from_stripe(refund.amount, currency)?)?;
                }
            }
        }
        if charge.disputed {
            for dispute in self.stripe().disputes_of_charge(&charge.id, priority).await? {
                // A dispute may be in the bank's own currency; then the whole charge is what was lost.
                if dispute.lost() {
                    let same = dispute.currency.eq_ignore_ascii_case(currency.code());
                    let amount = if same { dispute.amount } else { charge.amount };
                    part.lost = part.lost.plus(Money::from_stripe(amount, currency)?)?;
                }
            }
        }
        Ok(part)
    }

    /// One reading into ledger, reservation, receipt and outbox, in one transaction. The same reading twice changes nothing.
    async fn book(&self, read: &Read) -> Result<(), Error> {
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
        tx.commit().await?;
        self.outbox_filled();
        self.nudge(); // a receipt may be due
        Ok(())
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
            link: read.metadata.get("q_link_id").cloned().unwrap_or_default(),
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
            tx.write_out(&link_write(&link, "Locked"), now_ms).await?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one reading and everything known around it")]
    async fn write_ledger(
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
            source: if attempt.is_some() { Source::Link } else { Source::Elsewhere },
            asked: read.asked,
            state: to,
            method_detail: read.method_detail.clone(),
            descriptor: read.descriptor.clone(),
            failure: if to == Payment::Declined { read.failure.clone() } else { None },
            received_s: read.received_s,
            receipt_number: before.and_then(|before| before.receipt_number.clone()),
        };
        let settles = matches!(to, Payment::Settled { .. }) && payment.receipt_number.is_none();
        if settles && payment.source == Source::Link {
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
            if matches!(link.usable(wall_ms()), crate::domain::link::LinkUse::Locked { .. }) && !paid {
                continue;
            }
            let settled = matches!(payment.state, Payment::Settled { .. });
            if settled || payment.link.as_deref() == Some(link.id.as_str()) {
                let expired = matches!(link.usable(wall_ms()), crate::domain::link::LinkUse::Expired { .. });
                let state = match (paid, expired) {
                    (true, _) => "Paid",
                    (false, true) => "Expired",
                    (false, false) => "Open",
                };
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

fn kind_of(charge: &Charge) -> MethodKind {
    charge
        .payment_method_details
        .as_ref()
        .and_then(|details| MethodKind::from_stripe(&details.kind))
        .unwrap_or(MethodKind::Card)
}

fn failure_words(code: Option<&str>, decline_code: Option<&str>) -> String {
    Decline::from_codes(code, decline_code, None).for_clerk().to_owned()
}

fn currency(stripe_id: &str, code: &str) -> Result<Currency, Error> {
    Currency::from_code(code)
        .map_err(|error| Error::Unbookable { stripe_id: stripe_id.to_owned(), why: error.to_string() })
}
