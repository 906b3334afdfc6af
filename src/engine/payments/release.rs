//! Giving room back: an attempt is closed where nobody can confirm it, else canceled at Stripe, and Stripe's word decides.

use super::{Error, InvoiceStatus, Payments, lock_name, standing};
use crate::domain::SalesforceId;
use crate::domain::attempt::{IDLE_MS, Release};
use crate::domain::link::LinkKind;
use crate::domain::payable::Standing;
use crate::domain::payment::IntentStatus;
use crate::engine::clock::wall_ms;
use crate::store::attempts::Attempt;
use crate::store::effects::{SPENT, numbered};
use crate::stripe::{self, Form, Priority};

impl Payments {
    /// Tries to free an attempt's room. What came of it is in the database afterwards.
    pub async fn release(&self, attempt: &Attempt) -> Result<(), Error> {
        // As it stands now: whoever holds it may have read it before its intent was made or its confirm was sent.
        let Some(attempt) = self.store().attempt(&attempt.id).await? else { return Ok(()) };
        let attempt = &attempt;
        if attempt.reach().release(attempt.seen) == Release::Close {
            let mut tx = self.store().begin().await?;
            let closed = tx.close_attempt(&attempt.id).await?;
            tx.commit().await?;
            if closed {
                if let Some(intent) = &attempt.intent {
                    self.cancel(&attempt.id, intent).await?;
                }
                return Ok(());
            }
        }
        let Some(intent) = &attempt.intent else { return Ok(()) };
        let read = self.stripe().intent(intent, Priority::Customer).await?;
        let seen = IntentStatus::from_stripe(&read.status);
        let reach = crate::domain::attempt::Reach { secret_left: true, ..attempt.reach() };
        if reach.release(seen) == Release::Cancel {
            self.cancel(&attempt.id, intent).await?;
        }
        // Whatever the cancel said: the intent is read again and that is booked.
        self.book_intent(intent, Priority::Customer).await?;
        Ok(())
    }

    /// Asks Stripe to cancel. A refusal is no error: the reading afterwards tells what is true. A key that is spent on a
    /// failure is followed by a numbered one: to cancel twice does no more than once.
    pub(super) async fn cancel(&self, attempt: &str, intent: &str) -> Result<(), Error> {
        let body = Form::new().with("cancellation_reason", "abandoned").into_body();
        let path = format!("/v1/payment_intents/{intent}/cancel");
        for number in 0.. {
            let key = numbered(format!("cancel:{attempt}:{intent}"), number);
            let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            match self.stripe().cancel_intent(intent, &key, &effect.body, Priority::Customer).await {
                Ok(canceled) => return Ok(self.store().effect_done(&key, &canceled.status, self.now_ms()).await?),
                Err(error @ (stripe::Error::Refused { .. } | stripe::Error::Missing { .. })) => {
                    tracing::info!(intent.id = intent, error = %error, "the intent could not be canceled; it is read again");
                    return Ok(());
                }
                Err(error) => {
                    if error.is_kept() {
                        self.store().effect_done(&key, SPENT, self.now_ms()).await?;
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Cancels attempts that nobody touched for half an hour, and bank debits that failed. Answers how many were looked at.
    pub async fn release_idle(&self) -> Result<usize, Error> {
        let idle = self.store().idle_attempts(self.now_ms() - IDLE_MS, 50).await?;
        for attempt in &idle {
            if let Err(error) = self.release(attempt).await {
                tracing::warn!(attempt.id = %attempt.id, error = %error, "an idle attempt could not be released yet");
            }
        }
        Ok(idle.len())
    }

    /// Links that have run out: the org is told, and the card attempts under them end.
    pub async fn end_expired_links(&self) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let expired = tx.take_expired_links(wall_ms()).await?;
        for link in &expired {
            match link.kind {
                LinkKind::Agent => self.desk_ran_out(&mut tx, link).await?,
                LinkKind::Charge => {}
                LinkKind::Mailed | LinkKind::Copied => {
                    tx.write_out(&super::link_write(link, "Expired"), self.now_ms()).await?
                }
            }
        }
        tx.commit().await?;
        for link in &expired {
            self.release_link(link.id.as_str(), &link.invoice).await?;
        }
        Ok(())
    }

    /// Links whose day of being locked is over: the org is told that they pay again.
    pub async fn tell_unlocked_links(&self) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let unlocked = tx.take_unlocked_links(wall_ms()).await?;
        for link in unlocked.iter().filter(|link| link.kind.is_customers()) {
            let paid = match self.copied_invoice(&link.invoice).await? {
                Some((_, invoice)) => standing(&mut tx, &invoice).await?.balance()?.is_zero(),
                None => false,
            };
            let state = super::link_state(link, paid, wall_ms());
            tx.write_out(&super::link_write(link, state), self.now_ms()).await?;
        }
        tx.commit().await?;
        if !unlocked.is_empty() {
            self.outbox_filled();
        }
        Ok(())
    }

    /// The attempts under a link that was revoked or has expired.
    pub async fn release_link(&self, link: &str, invoice: &SalesforceId) -> Result<(), Error> {
        for attempt in self.store().open_attempts_of(invoice).await? {
            if attempt.link == link {
                self.release(&attempt).await?;
            }
        }
        Ok(())
    }

    /// What is open on an invoice whose total, currency or status changed: what no longer fits is canceled.
    pub async fn review(&self, id: &SalesforceId) -> Result<Standing, Error> {
        let invoice = self.read_invoice(id, std::time::Duration::from_secs(20)).await?;
        for attempt in self.store().open_attempts_of(id).await? {
            let stands = {
                let mut tx = self.store().begin().await?;
                tx.lock(&lock_name(id)).await?;
                standing(&mut tx, &invoice).await?
            };
            let withdrawn = invoice.status != InvoiceStatus::Open;
            let foreign = attempt.amount.currency() != invoice.total.currency();
            let too_much = !foreign && stands.settled.plus(stands.reserved)?.minor() > stands.total.minor();
            if withdrawn || foreign || too_much {
                self.release(&attempt).await?;
            }
        }
        self.standing(&invoice).await
    }
}
