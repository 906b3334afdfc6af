//! A verification goes on from where it stands.

use super::{HINT, PageLetter, forgotten, lock_name, page_letter, told};
use crate::domain::verification::{SetupStatus, Stage, Way, after};
use crate::engine::payments::{Error, Payments};
use crate::store::effects::{SPENT, numbered};
use crate::store::verifications::Verification;
use crate::stripe::{self, Created, Form, NewSetup, Priority, SetupIntent};

/// How far before its beginning its SetupIntent is looked for: our clock may run ahead of Stripe's.
const LOOK_BACK_S: i64 = 25 * 3_600;
/// More steps than it has.
const STEPS: usize = 8;

impl Payments {
    /// Does what is to be done next, as long as there is something. Answers how it stands then. A press and a hint take turns:
    /// each step may be made twice, yet of two at once the one would tell of what the other only began.
    pub async fn carry_on(&self, id: &str, priority: Priority) -> Result<Option<Verification>, Error> {
        let _turn = self.carrying().lock(id).await;
        for _ in 0..STEPS {
            let Some(one) = self.store().verification(id).await? else { return Ok(None) };
            match one.stage {
                Stage::Starting => self.set_up(&one, priority).await?,
                Stage::Waiting => self.read_setup(&one, priority).await?,
                Stage::Verified => self.take_verified(&one).await?,
                Stage::Charging => self.order_debit(&one, priority).await?,
                Stage::Stopped => self.cancel_setup(&one, priority).await?,
                Stage::Agreeing | Stage::Charged | Stage::Unpayable | Stage::Failed => return Ok(Some(one)),
            }
            let now = self.store().verification(id).await?;
            if now.as_ref().is_none_or(|now| now.stage == one.stage) {
                return Ok(now);
            }
        }
        Ok(self.store().verification(id).await?)
    }

    /// By the name of a hint, or by the SetupIntent that an event named.
    pub(in crate::engine::payments) async fn follow_verification(&self, name: &str) -> Result<(), Error> {
        if let Some(id) = name.strip_prefix(HINT) {
            return self.carry_on(id, Priority::Background).await.map(|_| ());
        }
        if let Some(one) = self.store().verification_of_setup(name).await? {
            return self.carry_on(&one.id, Priority::Background).await.map(|_| ());
        }
        let setup = self.stripe().setup(name, Priority::Background).await?;
        // One without our mark was made by somebody else.
        let Some(id) = forgotten::verification_of(&setup) else { return Ok(()) };
        match self.store().verification(id).await? {
            // It is being made by us at this moment.
            Some(one) => self.carry_on(&one.id, Priority::Background).await.map(|_| ()),
            None => self.end_forgotten(&setup, id).await,
        }
    }

    /// What is under way is to be looked at again.
    pub(in crate::engine::payments) async fn hint_verifications(&self) -> Result<(), Error> {
        let open = self.store().verifications_under_way().await?;
        let names: Vec<String> = open.iter().map(|id| format!("{HINT}{id}")).collect();
        Ok(self.store().hint_all(names.iter().map(String::as_str), self.now_ms()).await?)
    }

    /// Asks Stripe to verify. Key and body are stored before; the same again finds what was made.
    async fn set_up(&self, one: &Verification, priority: Priority) -> Result<(), Error> {
        let Some(accepted_ms) = one.accepted_ms else { return Ok(()) };
        let metadata = [
            ("sf_org_id", self.settings().org.as_str()),
            ("sf_account_id", one.account.as_str()),
            ("sf_invoice_id", one.invoice.as_str()),
            ("sf_invoice_number", one.invoice_number.as_str()),
            (crate::engine::payments::answers::TAKEN, one.link.as_str()),
            ("q_verification_id", one.id.as_str()),
        ];
        let description = format!("Invoice {}", one.invoice_number);
        let body = NewSetup {
            customer: &one.customer,
            payment_method: &one.method,
            accepted_s: accepted_ms.div_euclid(1_000),
            online: one.address.as_deref().map(|address| (address, one.user_agent.as_deref().unwrap_or("unknown"))),
            description: &description,
            metadata: &metadata,
        }
        .body();
        for number in 0.. {
            let key = numbered(format!("seti:{}", one.id), number);
            let effect = self.store().effect_begin(&key, "POST", "/v1/setup_intents", &body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            if (effect.is_stale(self.now_ms()) || number > 0)
                && let Some(found) = self.find_setup(one, priority).await?
            {
                return self.seen(&one.id, &found).await;
            }
            match self.stripe().create_setup(&key, &effect.body, priority).await {
                Ok(setup) => {
                    self.store().effect_done(&key, &setup.id, self.now_ms()).await?;
                    return self.seen(&one.id, &setup).await;
                }
                Err(
                    error @ (stripe::Error::Refused { .. }
                    | stripe::Error::Declined { .. }
                    | stripe::Error::Missing { .. }),
                ) => {
                    let code = error.code().filter(|code| !code.is_empty()).unwrap_or("refused").to_owned();
                    tracing::warn!(verification.id = %one.id, %error, "Stripe refused to verify a bank account");
                    return self.end(&one.id, Stage::Failed, &code).await;
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

    async fn find_setup(&self, one: &Verification, priority: Priority) -> Result<Option<SetupIntent>, Error> {
        let since = Created::since(one.accepted_ms.unwrap_or_default() / 1_000 - LOOK_BACK_S);
        let made = self.stripe().setups_of(&one.customer, since, priority).await?;
        Ok(made.into_iter().find(|setup| setup.metadata.get("q_verification_id") == Some(&one.id)))
    }

    async fn read_setup(&self, one: &Verification, priority: Priority) -> Result<(), Error> {
        let Some(setup) = &one.setup else { return Ok(()) };
        let setup = self.stripe().setup(setup, priority).await?;
        self.seen(&one.id, &setup).await
    }

    /// What Stripe says becomes stage and record at once. The same reading twice changes nothing.
    pub(super) async fn seen(&self, id: &str, setup: &SetupIntent) -> Result<(), Error> {
        let status = SetupStatus::from_stripe(&setup.status, setup.last_setup_error.is_some());
        self.change(id, |one| {
            one.setup = Some(setup.id.clone());
            one.mandate = setup.mandate.clone().or_else(|| one.mandate.take());
            if let Some(deposits) = setup.microdeposits() {
                one.way = Way::from_name(&deposits.microdeposit_type);
                one.hosted_url = deposits.hosted_verification_url.clone();
                one.arrives_s = deposits.arrival_date;
                if one.tries_left.is_none() {
                    one.tries_left = one.way.map(Way::tries);
                }
            }
            one.stage = after(one.stage, status);
            if one.stage == Stage::Failed && one.reason.is_none() {
                one.reason = setup.error_code().map(str::to_owned);
            }
        })
        .await
    }

    pub(super) async fn end(&self, id: &str, stage: Stage, code: &str) -> Result<(), Error> {
        self.change(id, |one| {
            if one.stage.is_under_way() {
                one.stage = stage;
                one.reason = Some(code.to_owned());
            }
        })
        .await
    }

    /// Changes it in one transaction with what the org is told.
    pub(super) async fn change(&self, id: &str, decide: impl FnOnce(&mut Verification)) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&lock_name(id)).await?;
        let Some(before) = tx.verification(id).await? else { return Ok(()) };
        let mut one = before.clone();
        decide(&mut one);
        if one == before {
            return Ok(());
        }
        tx.set_verification(&one, now_ms).await?;
        if told::sentence(&one) != told::sentence(&before) && one.stage != Stage::Charged {
            tx.write_out(&told::write(&one), now_ms).await?;
        }
        let asks = |one: &Verification| one.stage == Stage::Waiting && one.way.is_some();
        if asks(&one)
            && !asks(&before)
            && let Some(letter) = page_letter(&one, PageLetter::Deposits, &one.id, &self.settings().mail_domain, now_ms)
        {
            tx.insert_bank_letter(&letter, now_ms).await?;
        }
        // One that was stopped while Stripe made it is canceled there.
        let stopped_late = one.stage == Stage::Stopped && one.setup != before.setup;
        if stopped_late || (one.stage != before.stage && one.stage.is_under_way()) {
            tx.hint(&format!("{HINT}{id}"), now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_filled();
        self.nudge();
        Ok(())
    }

    /// After a Stop. That it was canceled at Stripe too is noted as the reason.
    async fn cancel_setup(&self, one: &Verification, priority: Priority) -> Result<(), Error> {
        let (Some(setup), None) = (&one.setup, &one.reason) else { return Ok(()) };
        let key = format!("seti-cancel:{}", one.id);
        // Where it succeeded or ended meanwhile: what is stopped here is debited by nobody.
        if !self.cancel_at_stripe(setup, &key, "requested_by_customer", priority).await?
            && self.stripe().setup(setup, priority).await?.status == "succeeded"
        {
            self.forget_method(one, priority).await?;
        }
        self.change(&one.id, |one| one.reason = Some("canceled".to_owned())).await
    }

    /// Answers whether Stripe canceled it. To cancel twice does no more than once, so a key that is spent on a failure is followed
    /// by a numbered one.
    pub(super) async fn cancel_at_stripe(
        &self,
        setup: &str,
        key: &str,
        reason: &str,
        priority: Priority,
    ) -> Result<bool, Error> {
        let body = Form::new().with("cancellation_reason", reason).into_body();
        let path = format!("/v1/setup_intents/{setup}/cancel");
        for number in 0.. {
            let key = numbered(key.to_owned(), number);
            let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            return match self.stripe().cancel_setup(setup, &key, &effect.body, priority).await {
                Ok(_) => Ok(true),
                Err(stripe::Error::Refused { .. } | stripe::Error::Missing { .. }) => Ok(false),
                Err(error) => {
                    if error.is_kept() {
                        self.store().effect_done(&key, SPENT, self.now_ms()).await?;
                    }
                    Err(error.into())
                }
            };
        }
        Ok(false)
    }

    /// A method that is of no use any more is taken from its customer.
    pub(super) async fn forget_method(&self, one: &Verification, priority: Priority) -> Result<(), Error> {
        match self.stripe().detach_payment_method(&one.method, &format!("detach:{}", one.id), priority).await {
            Ok(_) | Err(stripe::Error::Refused { .. } | stripe::Error::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
