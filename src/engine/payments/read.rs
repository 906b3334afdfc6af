//! What the payer is told about an attempt: only what was read at Stripe just now, or that we don't know.

use super::{Error, Payments};
use crate::domain::decline::Decline;
use crate::store::attempts::{Attempt, AttemptState};
use crate::stripe::{PaymentIntent, Priority};

/// How an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Booked.
    Paid { receipt: Option<String> },
    Processing,
    /// The bank wants to know it is the payer; the address of its page, where there is one.
    NeedsAction { redirect: Option<String> },
    Declined(Decline),
    /// Waits for the payer.
    Open,
    /// Over without a charge.
    Canceled,
    /// Stripe could not be asked; the money may have moved.
    Unknown,
}

/// An attempt with its outcome.
#[derive(Clone, Debug)]
pub struct Reading {
    pub attempt: Attempt,
    pub outcome: Outcome,
}

impl Payments {
    /// Reads the attempt's intent again, books what it says, and tells.
    pub async fn check(&self, attempt_id: &str) -> Result<Option<Reading>, Error> {
        let Some(attempt) = self.store().attempt(attempt_id).await? else { return Ok(None) };
        let outcome = match (&attempt.intent, attempt.state) {
            (_, AttemptState::Settled) => self.paid(attempt_id).await?,
            (_, AttemptState::Canceled | AttemptState::Closed) => Outcome::Canceled,
            (None, _) => Outcome::Open, // no intent is known, so no secret left: nobody can have paid
            (Some(intent), _) => match self.book_intent(intent, Priority::Customer).await {
                Ok(booked) => self.told(attempt_id, &booked.intent).await?,
                Err(Error::Stripe(error)) => {
                    tracing::warn!(attempt.id = attempt_id, error = %error, "the payer is told that the outcome is unknown");
                    if attempt.reach().cannot_have_charged() { Outcome::Open } else { Outcome::Unknown }
                }
                Err(error) => return Err(error),
            },
        };
        let attempt = self.store().attempt(attempt_id).await?.unwrap_or(attempt);
        Ok(Some(Reading { attempt, outcome }))
    }

    /// What the database says without asking Stripe, for a page that is only looked at.
    pub async fn known_outcome(&self, attempt: &Attempt) -> Result<Outcome, Error> {
        Ok(match attempt.state {
            AttemptState::Settled => self.paid(&attempt.id).await?,
            AttemptState::Canceled | AttemptState::Closed => Outcome::Canceled,
            AttemptState::Processing => Outcome::Processing,
            AttemptState::Open if attempt.reach().cannot_have_charged() => Outcome::Open,
            AttemptState::Open | AttemptState::Declined => Outcome::Unknown,
        })
    }

    async fn paid(&self, attempt_id: &str) -> Result<Outcome, Error> {
        let payment = self.store().payment_of_attempt(attempt_id).await?;
        Ok(Outcome::Paid { receipt: payment.and_then(|payment| payment.receipt_number) })
    }

    async fn told(&self, attempt_id: &str, intent: &PaymentIntent) -> Result<Outcome, Error> {
        Ok(match intent.status.as_str() {
            "succeeded" => self.paid(attempt_id).await?,
            "processing" | "requires_capture" => Outcome::Processing,
            "requires_action" => {
                let action = intent.next_action.as_ref();
                let redirect = action.and_then(|action| action.redirect_to_url.as_ref()).and_then(|to| to.url.clone());
                Outcome::NeedsAction { redirect }
            }
            "canceled" => Outcome::Canceled,
            _ => match &intent.last_payment_error {
                Some(error) => Outcome::Declined(Decline::from_codes(
                    error.code.as_deref(),
                    error.decline_code.as_deref(),
                    error.advice_code.as_deref(),
                )),
                None => Outcome::Open,
            },
        })
    }
}
