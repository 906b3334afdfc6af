//! What the customer reads on the statement, told by a clerk; and a verification that is stopped.

use super::HINT;
use crate::domain::verification::{Stage, Way};
use crate::engine::payments::{Error, Payments};
use crate::store::effects::{Effect, SPENT, numbered};
use crate::store::verifications::Verification;
use crate::stripe::{self, Form, Priority};

/// The values of the deposits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// In cents.
    Amounts(i64, i64),
    Code(String),
}

/// What Stripe made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// How it stands says the verification.
    Taken,
    Wrong {
        left: i64,
    },
    /// It waits for another kind of values, or for none any more.
    NotAsked,
    /// Stripe doesn't answer; nothing is known to be spent.
    StripeDown,
}

impl Payments {
    /// Tells Stripe. The same press again is the same try: Stripe keeps its answer under the key.
    pub async fn tell_deposits(&self, one: &Verification, press: &str, values: &Values) -> Result<Told, Error> {
        let way = match values {
            Values::Amounts(..) => Way::Amounts,
            Values::Code(_) => Way::Code,
        };
        let (Some(setup), Stage::Waiting, true) = (&one.setup, one.stage, one.way == Some(way)) else {
            return Ok(Told::NotAsked);
        };
        let body = match values {
            Values::Amounts(first, second) => {
                Form::new().with("amounts[]", first.to_string()).with("amounts[]", second.to_string())
            }
            Values::Code(code) => Form::new().with("descriptor_code", code),
        };
        let path = format!("/v1/setup_intents/{setup}/verify_microdeposits");
        let body = body.into_body();
        for number in 0.. {
            let key = numbered(format!("deposits:{}:{press}", one.id), number);
            let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            if effect.is_stale(self.now_ms()) {
                return Ok(Told::NotAsked);
            }
            // Where Stripe failed over the last key, the values may have been right all the same.
            if number > 0 && !self.still_asks(one).await? {
                return Ok(Told::Taken);
            }
            return self.tell_once(one, way, setup, &key, &effect).await;
        }
        Ok(Told::StripeDown)
    }

    /// Reads at Stripe whether the deposits are still to be told.
    async fn still_asks(&self, one: &Verification) -> Result<bool, Error> {
        let now = self.carry_on(&one.id, Priority::Customer).await?;
        Ok(now.is_some_and(|now| now.stage == Stage::Waiting && now.way == one.way))
    }

    async fn tell_once(
        &self,
        one: &Verification,
        way: Way,
        setup: &str,
        key: &str,
        effect: &Effect,
    ) -> Result<Told, Error> {
        match self.stripe().verify_setup(setup, key, &effect.body, Priority::Customer).await {
            Ok(setup) => {
                self.store().effect_done(key, &setup.status, self.now_ms()).await?;
                self.seen(&one.id, &setup).await?;
                Ok(Told::Taken)
            }
            Err(stripe::Error::Refused { code, message, .. }) => {
                let first = effect.answered_ms.is_none();
                self.store().effect_done(key, &code, self.now_ms()).await?;
                self.wrong(one, way, &code, &message, first).await
            }
            Err(stripe::Error::Declined { code, .. }) => {
                let first = effect.answered_ms.is_none();
                self.store().effect_done(key, &code, self.now_ms()).await?;
                self.wrong(one, way, &code, "", first).await
            }
            Err(error) => {
                tracing::warn!(verification.id = %one.id, %error, "the deposits could not be told to Stripe");
                // The same press again asks under another key: this one answers with its failure for a day.
                if error.is_kept() {
                    self.store().effect_done(key, SPENT, self.now_ms()).await?;
                }
                Ok(Told::StripeDown)
            }
        }
    }

    async fn wrong(&self, one: &Verification, way: Way, code: &str, message: &str, first: bool) -> Result<Told, Error> {
        let mismatch = code.ends_with("_mismatch") || code.ends_with("_amounts_invalid");
        if mismatch {
            // The customer may have tried on Stripe's page too: its word about what is left goes before our count.
            let told = message.split(|sign: char| !sign.is_ascii_digit()).find_map(|number| number.parse::<i64>().ok());
            let told = told.filter(|left| *left <= way.tries());
            let counted = one.tries_left.unwrap_or(way.tries()) - i64::from(first);
            let left = told.unwrap_or(counted).max(0);
            self.change(&one.id, |one| one.tries_left = Some(left)).await?;
            return Ok(Told::Wrong { left });
        }
        // Too many tries, too late, or told by somebody else: the intent says how it stands.
        self.carry_on(&one.id, Priority::Customer).await?;
        Ok(Told::Taken)
    }

    /// The customer takes it back. What is stopped before the debit is ordered is never debited.
    pub async fn stop_verification(&self, one: &Verification) -> Result<(), Error> {
        self.change(&one.id, |one| {
            if one.stage.may_stop() {
                one.stage = Stage::Stopped;
            }
        })
        .await?;
        // At Stripe too, and if that fails now, later.
        self.store().hint_all([format!("{HINT}{}", one.id).as_str()], self.now_ms()).await?;
        self.nudge();
        Ok(())
    }
}
