//! What a step on the ladder means beside the ledger: for the bank, its mandate, and the customer's letters.

use serde::{Deserialize, Serialize};

use super::errors::legacy;
use crate::domain::bank::{Letter, Reason, Rung, Trouble, letter};
use crate::domain::mandate::KEPT_MS;
use crate::domain::{LinkId, Money};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Invoice, Payments, Sum, standing};
use crate::store::Tx;
use crate::store::attempts::Attempt;
use crate::store::bank_letters::BankLetter;
use crate::store::banks::Bank;
use crate::store::mandates::Mandate;

/// Longer than anybody waits on a page for a debit to be taken.
const PAGE_MS: i64 = 3_600_000;

/// One step, as booking saw it.
pub(in crate::engine) struct Step<'a> {
    pub stripe_id: &'a str,
    pub attempt: Option<&'a Attempt>,
    /// The bank at Stripe.
    pub bank: Option<&'a str>,
    pub from: Rung,
    pub to: Rung,
    pub amount: Money,
    /// The code of the failure or of the return.
    pub code: Option<&'a str>,
    pub method: Option<&'a str>,
    /// It went down Stripe's older path.
    pub legacy: bool,
    pub invoice: Option<&'a Invoice>,
}

/// What a letter says, fixed when the step is booked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub link_id: String,
    pub invoice_number: String,
    pub what_for: Option<String>,
    pub due: Option<jiff::civil::Date>,
    pub customer_name: String,
    pub amount: Sum,
    pub bank: String,
    pub reason: String,
    pub left: Sum,
    pub at_ms: i64,
    /// The copy to keep: word for word, with when it was given.
    pub mandate: Option<String>,
    pub given_ms: Option<i64>,
    pub routing: Option<String>,
    pub test: bool,
}

impl Payments {
    /// In the transaction that books the step. The same step again does nothing.
    pub(in crate::engine) async fn climb(&self, tx: &mut Tx, step: &Step<'_>, now_ms: i64) -> Result<(), Error> {
        if step.from == step.to {
            return Ok(());
        }
        let wall = wall_ms();
        if step.legacy && matches!(step.to, Rung::Processing | Rung::Settled) {
            tx.write_out(&legacy(step.stripe_id), now_ms).await?;
        }
        let mandate = match step.attempt {
            Some(attempt) => tx.mandate(&attempt.id).await?,
            None => None,
        };
        match step.to {
            Rung::Processing | Rung::Settled => {
                if let Some(mandate) = &mandate {
                    tx.keep_mandate(&mandate.attempt_id, wall.saturating_add(KEPT_MS)).await?;
                    if mandate.standing != 0 && mandate.ended_ms.is_none() {
                        tx.mandate_in_force(&mandate.bank_id, &mandate.attempt_id, now_ms).await?;
                    }
                }
                // One that was given at an earlier payment counts its two years from its last debit.
                if let Some(bank) = step.bank
                    && let Some(given) = tx.bank(bank).await?.and_then(|bank| bank.mandate)
                {
                    tx.keep_mandate(&given, wall.saturating_add(KEPT_MS)).await?;
                }
            }
            Rung::Failed | Rung::Returned => {
                let code = step.code.unwrap_or_default();
                let trouble = Reason::from_code(code).trouble(step.to == Rung::Returned);
                if trouble != Trouble::None
                    && let Some(bank) = step.bank
                    && let Some(known) = tx.bank(bank).await?
                {
                    tx.set_bank_state(bank, known.state.after_trouble(trouble), Some(code), now_ms).await?;
                    tx.end_mandates(bank, code, wall).await?;
                }
            }
            Rung::Initiated | Rung::Canceled => {}
        }
        let nobody_waits = step.attempt.is_some_and(|attempt| now_ms.saturating_sub(attempt.touched_ms) > PAGE_MS);
        match letter(step.from, step.to, nobody_waits) {
            Some(kind) => self.write_letter(tx, step, kind, mandate.as_ref(), now_ms).await,
            None => Ok(()),
        }
    }

    async fn write_letter(
        &self,
        tx: &mut Tx,
        step: &Step<'_>,
        kind: Letter,
        mandate: Option<&Mandate>,
        now_ms: i64,
    ) -> Result<(), Error> {
        let (Some(invoice), Some(attempt)) = (step.invoice, step.attempt) else { return Ok(()) };
        let sent_to = match LinkId::parse(&attempt.link) {
            Ok(link) => tx.link(&link).await?.and_then(|link| link.sent_to),
            Err(_) => None,
        };
        let Some(mail_to) = sent_to.or_else(|| invoice.email.clone()) else { return Ok(()) };
        let bank = match step.bank {
            Some(bank) => tx.bank(bank).await?,
            None => None,
        };
        let words = bank.as_ref().map(Bank::words);
        let facts = Facts {
            link_id: attempt.link.clone(),
            invoice_number: invoice.number.clone(),
            what_for: invoice.description.clone(),
            due: invoice.due,
            customer_name: invoice.account_name.clone(),
            amount: step.amount.into(),
            bank: words.or_else(|| step.method.map(str::to_owned)).unwrap_or_else(|| "Your bank".to_owned()),
            reason: Reason::from_code(step.code.unwrap_or_default()).for_customer().to_owned(),
            left: standing(tx, invoice).await?.balance()?.into(),
            at_ms: wall_ms(),
            mandate: mandate.map(|mandate| mandate.text.clone()),
            given_ms: mandate.map(|mandate| mandate.accepted_ms),
            routing: bank.and_then(|bank| bank.routing),
            test: self.settings().test,
        };
        let facts = serde_json::to_string(&facts)
            .map_err(|error| Error::Unbookable { stripe_id: step.stripe_id.to_owned(), why: error.to_string() })?;
        let letter = BankLetter {
            message_id: format!("<{}.bank-{}@{}>", attempt.id, kind.name(), self.settings().mail_domain),
            kind: kind.name().to_owned(),
            stripe_id: step.stripe_id.to_owned(),
            facts,
            mail_to,
            attempts: 0,
        };
        tx.insert_bank_letter(&letter, now_ms).await?;
        Ok(())
    }
}
