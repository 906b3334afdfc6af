//! The order to debit: what the customer is shown and agrees to, and how Stripe hears of it.

use crate::domain::mandate::{self, Terms};
use crate::domain::{Currency, Money};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Invoice, Payments};
use crate::engine::receipts::money_words;
use crate::store::attempts::Attempt;
use crate::store::banks::Bank;
use crate::store::mandates::Mandate;
use crate::stripe::Form;

/// Pay with this bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankOrder {
    pub bank: String,
    /// The browser that asks: it chose the bank itself, or gave the one-time code.
    pub session_hash: String,
    pub verified: bool,
    /// What was agreed to on the page before.
    pub agreed: Option<Agreed>,
}

/// Who agreed, to which text, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub text_hash: String,
    pub address: String,
    pub user_agent: String,
}

/// What the page shows before the press that debits.
#[derive(Clone, Debug)]
pub struct Review {
    pub bank: Bank,
    /// The mandate to agree to; nothing where one is in force.
    pub text: Option<String>,
    /// When the one in force was given.
    pub given_ms: Option<i64>,
}

/// Why a bank is not debited. Nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BankRefused {
    /// Not (or no longer) this customer's, or not shown to this browser.
    Unknown,
    /// It can't be debited now: blocked, or it wants a new login.
    NotUsable,
    /// The customer has to look at the text (again) and agree.
    Agree,
    /// Only US dollars are debited.
    Currency,
    /// The admin has to act.
    NotEnabled,
}

impl Payments {
    /// The bank, where this browser may pay with it.
    pub async fn bank_for(&self, customer: &str, order: &BankOrder) -> Result<Result<Bank, BankRefused>, Error> {
        let Some(bank) = self.store().bank(&order.bank).await?.filter(|bank| bank.customer == customer) else {
            return Ok(Err(BankRefused::Unknown));
        };
        let shown = (order.verified && bank.save) || self.store().chose_bank(&order.session_hash, &bank.id).await?;
        if !shown {
            return Ok(Err(BankRefused::Unknown));
        }
        Ok(if bank.state.may_pay() { Ok(bank) } else { Err(BankRefused::NotUsable) })
    }

    /// What the customer has to agree to for this amount.
    pub async fn bank_review(&self, invoice: &Invoice, bank: Bank, amount: Money) -> Result<Review, Error> {
        if let Some(attempt) = &bank.mandate
            && bank.save
            && let Some(given) = self.store().mandate(attempt).await?
            && given.standing != 0
            && given.ended_ms.is_none()
        {
            return Ok(Review { bank, text: None, given_ms: Some(given.accepted_ms) });
        }
        let (company, contact) = match self.banks() {
            Some(banks) => (banks.company.as_str(), banks.contact.as_str()),
            None => ("", ""),
        };
        let amount = money_words(amount);
        let text = mandate::text(&Terms {
            company,
            contact,
            holder: bank.holder.as_deref(),
            bank: &bank.institution,
            last4: &bank.last4,
            amount: &amount,
            invoice: &invoice.number,
            standing: bank.save,
        });
        Ok(Review { bank, text: Some(text), given_ms: None })
    }

    /// Checks an order before room is taken for it. Answers the bank's id and the mandate that is to be kept with the attempt.
    pub(in crate::engine) async fn bank_order(
        &self,
        invoice: &Invoice,
        customer: &str,
        order: &BankOrder,
        amount: Money,
    ) -> Result<Result<Option<Mandate>, BankRefused>, Error> {
        if Currency::from_code("USD").ok() != Some(amount.currency()) {
            return Ok(Err(BankRefused::Currency));
        }
        let bank = match self.bank_for(customer, order).await? {
            Ok(bank) => bank,
            Err(no) => return Ok(Err(no)),
        };
        let Review { bank, text, .. } = self.bank_review(invoice, bank, amount).await?;
        let Some(agreed) = &order.agreed else { return Ok(Err(BankRefused::Agree)) };
        let Some(text) = text else { return Ok(Ok(None)) };
        let text_hash = mandate::hash(&text);
        if agreed.text_hash != text_hash {
            return Ok(Err(BankRefused::Agree));
        }
        let accepted_ms = wall_ms();
        Ok(Ok(Some(Mandate {
            attempt_id: String::new(), // the attempt's, once there is one
            bank_id: bank.id,
            version: mandate::VERSION.to_owned(),
            text,
            text_hash,
            standing: i64::from(bank.save),
            accepted_ms,
            address: agreed.address.clone(),
            user_agent: agreed.user_agent.chars().take(500).collect(),
            ended_ms: None,
            ended_why: None,
            forget_ms: accepted_ms.saturating_add(mandate::KEPT_MS),
        })))
    }

    /// What Stripe is told of the mandate at the confirm: from the stored evidence, so that a repeat has the same bytes.
    pub(in crate::engine) async fn mandate_data(&self, attempt: &Attempt, form: Form) -> Result<Form, Error> {
        let Some(mandate) = self.store().mandate(&attempt.id).await? else { return Ok(form) };
        Ok(form
            .with("mandate_data[customer_acceptance][type]", "online")
            .with("mandate_data[customer_acceptance][accepted_at]", mandate.accepted_ms.div_euclid(1000).to_string())
            .with("mandate_data[customer_acceptance][online][ip_address]", &mandate.address)
            .with("mandate_data[customer_acceptance][online][user_agent]", &mandate.user_agent))
    }

    /// Stripe refused to confirm a debit as such. The attempt ends; where the account is not enabled, the admin is told.
    pub(in crate::engine) async fn debit_refused(
        &self,
        attempt: &Attempt,
        code: &str,
        message: &str,
    ) -> Result<BankRefused, Error> {
        self.release(attempt).await?;
        if matches!(code, "payment_intent_mandate_invalid" | "payment_method_bank_account_blocked") {
            let trouble = crate::domain::bank::Reason::from_code(code).trouble(true);
            if let Some(bank) = &attempt.method {
                let now_ms = self.now_ms();
                let mut tx = self.store().begin().await?;
                if let Some(known) = tx.bank(bank).await? {
                    tx.set_bank_state(bank, known.state.after_trouble(trouble), Some(code), now_ms).await?;
                    tx.end_mandates(bank, code, wall_ms()).await?;
                }
                tx.commit().await?;
            }
            return Ok(BankRefused::NotUsable);
        }
        self.tell_not_enabled(&format!("{message} ({code})")).await?;
        Ok(BankRefused::NotEnabled)
    }
}
