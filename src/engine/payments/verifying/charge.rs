//! Verified: the debit, once, if the whole authorised amount is still open.

use super::told::{CLOSED, NOT_OPEN, WITHDRAWN};
use super::{lock_name, told};
use crate::domain::attempt::MethodKind;
use crate::domain::bank::{BankState, Reason};
use crate::domain::link::LinkKind;
use crate::domain::mandate::KEPT_MS;
use crate::domain::payable::admit;
use crate::domain::verification::Stage;
use crate::engine::clock::wall_ms;
use crate::engine::payments::{self, Error, Invoice, InvoiceStatus, OrgError, Payments, standing};
use crate::store::attempts::{Attempt, AttemptState};
use crate::store::mandates::Mandate;
use crate::store::verifications::Verification;
use crate::stripe::{self, Form, Priority};

impl Payments {
    /// Decides with the invoice locked, and takes the room under the verification's own id.
    pub(super) async fn take_verified(&self, one: &Verification) -> Result<(), Error> {
        if !self.is_open() {
            // After a restore the debit may be at Stripe already; the first sweep adopts it.
            return Err(Error::NotOpen);
        }
        let invoice = match self.known_invoice(&one.invoice).await {
            Ok(known) => known.invoice,
            Err(Error::Org(OrgError::Missing { .. })) => return self.end(&one.id, Stage::Unpayable, WITHDRAWN).await,
            Err(error) => return Err(error),
        };
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&payments::lock_name(&invoice.id)).await?;
        tx.lock(&lock_name(&one.id)).await?;
        let Some(mut one) = tx.verification(&one.id).await?.filter(|one| one.stage == Stage::Verified) else {
            return Ok(());
        };
        if tx.attempt(&one.id).await?.is_none() {
            let no = if invoice.status != InvoiceStatus::Open {
                Some(WITHDRAWN)
            } else {
                let payable = standing(&mut tx, &invoice).await?.payable()?;
                admit(payable, one.amount).is_err().then_some(NOT_OPEN)
            };
            match no {
                Some(reason) => {
                    one.stage = Stage::Unpayable;
                    one.reason = Some(reason.to_owned());
                }
                None => {
                    tx.insert_attempt(&attempt(&one, now_ms)).await?;
                    tx.insert_mandate(&mandate(&one)).await?;
                    one.stage = Stage::Charging;
                }
            }
        } else {
            one.stage = Stage::Charging;
        }
        // From now on it leaves at Stripe like every bank that nobody asked to keep.
        tx.insert_bank_for_one_debit(&one, now_ms).await?;
        tx.set_verification(&one, now_ms).await?;
        tx.write_out(&told::write(&one), now_ms).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }

    /// Brings the attempt to Stripe and confirms it by id. However often it runs, one intent is made.
    pub(super) async fn order_debit(&self, one: &Verification, priority: Priority) -> Result<(), Error> {
        let Some(attempt) = self.store().attempt(&one.id).await? else {
            let why = "its attempt is not in the database".to_owned();
            return Err(Error::Unbookable { stripe_id: one.method.clone(), why });
        };
        if attempt.state != AttemptState::Open {
            return self.ordered(one, &attempt).await;
        }
        let mut tx = self.store().begin().await?;
        tx.touch_attempt(&attempt.id, self.now_ms()).await?;
        tx.commit().await?;
        let invoice = self.invoice_of(one).await?;
        let intent = match self.intent_of(&attempt, LinkKind::Agent, &invoice).await {
            Ok(intent) => intent,
            Err(Error::Stripe(error @ (stripe::Error::Refused { .. } | stripe::Error::Declined { .. }))) => {
                tracing::warn!(verification.id = %one.id, %error, "the debit of a verified account could not be made");
                let code = error.code().unwrap_or_default().to_owned();
                self.release(&attempt).await?;
                return self.end(&one.id, Stage::Unpayable, &code).await;
            }
            Err(error) => return Err(error),
        };
        let mut tx = self.store().begin().await?;
        let alive = tx.attempt_has_intent(&attempt.id, &intent.id, self.now_ms()).await?;
        tx.commit().await?;
        if !alive {
            return self.over_before_order(one, &intent.id).await;
        }
        // One that was refused by the bank is not tried again.
        let untried = matches!(intent.status.as_str(), "requires_payment_method" | "requires_confirmation");
        if untried
            && intent.last_payment_error.is_none()
            && let Some(code) = self.confirm_debit(one, &intent.id, priority).await?
        {
            return self.refused_at_order(one, &attempt, &code).await;
        }
        let booked = self.book_intent(&intent.id, priority).await?;
        if booked.intent.status == "requires_action" {
            return self.refused_at_order(one, &attempt, "bank_account_unverified").await;
        }
        match self.store().attempt(&one.id).await? {
            Some(attempt) if attempt.state != AttemptState::Open => self.ordered(one, &attempt).await,
            // Nothing came of the confirm yet: Stripe is asked again.
            _ => Err(stripe::Error::Busy { call: "POST /v1/payment_intents/{id}/confirm" }.into()),
        }
    }

    /// The mark that a confirm was sent is durable before it goes. Answers the code of a refusal of the order as such.
    async fn confirm_debit(
        &self,
        one: &Verification,
        intent: &str,
        priority: Priority,
    ) -> Result<Option<String>, Error> {
        let mut tx = self.store().begin().await?;
        let number = tx.confirm_leaves(&one.id, self.now_ms()).await?;
        tx.commit().await?;
        let Some(number) = number else { return Ok(None) };
        let form = Form::new().with("payment_method", &one.method).maybe("mandate", one.mandate.as_deref());
        let body = form.with("expand[]", "latest_charge").into_body();
        let key = format!("confirm:{}:{number}", one.id);
        let path = format!("/v1/payment_intents/{intent}/confirm");
        let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
        match self.stripe().confirm_intent(intent, &key, &effect.body, priority).await {
            Ok(intent) => {
                self.store().effect_done(&key, &intent.status, self.now_ms()).await?;
                Ok(None)
            }
            Err(stripe::Error::Refused { code, .. })
                if code != "payment_intent_unexpected_state" && code != "lock_timeout" =>
            {
                Ok(Some(code))
            }
            // Declined, or moved on meanwhile: the reading that follows tells.
            Err(stripe::Error::Declined { .. } | stripe::Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stripe took no order: the mandate was taken back, or the account is blocked. The room is free again.
    async fn refused_at_order(&self, one: &Verification, attempt: &Attempt, code: &str) -> Result<(), Error> {
        // As it stands now: its intent and the mark of the confirm are younger than what was read at first.
        let stands = self.store().attempt(&attempt.id).await?;
        self.release(stands.as_ref().unwrap_or(attempt)).await?;
        let wall = wall_ms();
        let mut tx = self.store().begin().await?;
        tx.end_mandates(&one.method, code, wall).await?;
        let trouble = Reason::from_code(code).trouble(true);
        tx.set_bank_state(&one.method, BankState::Ready.after_trouble(trouble), Some(code), self.now_ms()).await?;
        tx.commit().await?;
        match self.store().attempt(&one.id).await? {
            // It went through after all: Stripe's word about the intent decides.
            Some(attempt) if matches!(attempt.state, AttemptState::Processing | AttemptState::Settled) => {
                self.ordered(one, &attempt).await
            }
            _ => self.end(&one.id, Stage::Unpayable, code).await,
        }
    }

    /// The attempt holds no room any more: it was called off, or a sweep was quicker and found that the money has moved.
    async fn over_before_order(&self, one: &Verification, intent: &str) -> Result<(), Error> {
        match self.store().attempt(&one.id).await? {
            Some(attempt) if attempt.state == AttemptState::Settled => self.ordered(one, &attempt).await,
            _ => {
                self.cancel(&one.id, intent).await?;
                // Whatever the cancel said: what Stripe says now is booked, and decides.
                self.book_intent(intent, Priority::Background).await?;
                match self.store().attempt(&one.id).await? {
                    Some(attempt) => self.ordered(one, &attempt).await,
                    None => self.end(&one.id, Stage::Unpayable, CLOSED).await,
                }
            }
        }
    }

    /// The attempt has left its first state: what the bank says is told by the ladder.
    async fn ordered(&self, one: &Verification, attempt: &Attempt) -> Result<(), Error> {
        let booked = self.store().payment_of_attempt(&attempt.id).await?.is_some();
        if booked || matches!(attempt.state, AttemptState::Processing | AttemptState::Settled | AttemptState::Declined)
        {
            return self.end(&one.id, Stage::Charged, "ordered").await;
        }
        self.end(&one.id, Stage::Unpayable, CLOSED).await
    }

    async fn invoice_of(&self, one: &Verification) -> Result<Invoice, Error> {
        match self.copied_invoice(&one.invoice).await? {
            Some((_, invoice)) => Ok(invoice),
            None => Ok(self.known_invoice(&one.invoice).await?.invoice),
        }
    }
}

fn attempt(one: &Verification, now_ms: i64) -> Attempt {
    Attempt {
        id: one.id.clone(),
        press: format!("verified:{}", one.id),
        invoice: one.invoice.clone(),
        account: one.account.clone(),
        link: one.link.clone(),
        kind: MethodKind::BankAccount,
        amount: one.amount,
        save: false,
        method: Some(one.method.clone()),
        customer: one.customer.clone(),
        intent: None,
        state: AttemptState::Open,
        seen: None,
        secret_left: false,
        confirm_sent: false,
        confirms: 0,
        decline_code: None,
        started_ms: now_ms,
        touched_ms: now_ms,
    }
}

fn mandate(one: &Verification) -> Mandate {
    let accepted_ms = one.accepted_ms.unwrap_or_default();
    Mandate {
        attempt_id: one.id.clone(),
        bank_id: one.method.clone(),
        version: one.version.clone(),
        text: one.text.clone(),
        text_hash: one.text_hash.clone(),
        standing: 0,
        accepted_ms,
        address: one.address.clone().unwrap_or_else(|| "by telephone".to_owned()),
        user_agent: one.user_agent.clone().unwrap_or_default(),
        ended_ms: None,
        ended_why: None,
        forget_ms: wall_ms().saturating_add(KEPT_MS),
    }
}
