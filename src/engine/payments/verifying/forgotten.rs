//! A verification of ours that this database doesn't know: it was restored to a time before the customer agreed. What was
//! agreed to is lost with it, and a debit needs that evidence, so it ends, and its request says so. A page that was mailed and
//! never accepted left nothing at Stripe: the org alone knows of it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use crate::domain::link::{LinkKind, LinkState};
use crate::domain::verification::Stage;
use crate::domain::{Currency, InvoiceMapping, LinkId, Money, SalesforceId};
use crate::engine::clock::wall_ms;
use crate::engine::payments::answers::TAKEN;
use crate::engine::payments::{Error, Payments, quoted, text};
use crate::store::links::Link;
use crate::store::outbox::{Notice, Write};
use crate::store::verifications::Verification;
use crate::stripe::{self, Created, PaymentIntent, Priority, SetupIntent};

const FORGOTTEN: &str = "The sidecar's database was restored to a time before the customer agreed, and the words that were agreed to are lost with it. \
    The verification was stopped, nothing was charged. Take the account down again.";

const PAGE_LOST: &str = "The sidecar's database was restored to a time before the authorisation was mailed, so its page is not known any more. \
    Nothing was charged. Take the account down again.";

/// The id of the verification that a SetupIntent is for.
pub(super) fn verification_of(setup: &SetupIntent) -> Option<&str> {
    setup.metadata.get("q_verification_id").map(String::as_str)
}

impl Payments {
    /// At start, after the intents: what was begun since the last durable write is looked at like what an event named.
    pub(in crate::engine::payments) async fn hint_forgotten_verifications(
        &self,
        created: Created,
    ) -> Result<(), Error> {
        let mut unknown = Vec::new();
        let mut begun = HashSet::new();
        for setup in self.stripe().setups_created(created, Priority::Background).await? {
            begun.extend(setup.metadata.get(TAKEN).cloned());
            if let Some(id) = verification_of(&setup).filter(|_| self.is_ours(&setup))
                && self.store().verification(id).await?.is_none()
            {
                unknown.push(setup.id);
            }
        }
        self.store().hint_all(unknown.iter().map(String::as_str), self.now_ms()).await?;
        if let Err(error) = self.end_lost_pages(&begun).await {
            // Only a restored database has lost any.
            tracing::warn!(%error, "requests whose mailed page may be lost could not be looked up");
        }
        Ok(())
    }

    /// What waits in the org for a customer, and is known neither here nor at Stripe.
    async fn end_lost_pages(&self, begun: &HashSet<String>) -> Result<(), Error> {
        let soql =
            "SELECT Request_Id__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND State__c = 'Verifying'";
        for record in self.org().query(soql, Duration::from_secs(20)).await? {
            let Some(request) = text(&record, "Request_Id__c") else { continue };
            if !begun.contains(&request) && !self.store().has_verification_under(&request).await? {
                tracing::warn!(request.id = %request, "a mailed authorisation is younger than what this database knows");
                self.tell_forgotten(&request, PAGE_LOST).await?;
            }
        }
        Ok(())
    }

    fn is_ours(&self, setup: &SetupIntent) -> bool {
        setup.metadata.get("sf_org_id").map(String::as_str) == Some(self.settings().org.as_str())
    }

    /// Ends it at Stripe first, so that nobody can verify what is debited by nobody; then the org is told.
    pub(super) async fn end_forgotten(&self, setup: &SetupIntent, verification: &str) -> Result<(), Error> {
        if !self.is_ours(setup) {
            return Ok(());
        }
        let background = Priority::Background;
        if let Some(customer) = &setup.customer {
            let since = Created::since(setup.created);
            let made = self.stripe().intents_of(customer, since, background).await?;
            // One that never went to the bank is nobody's to confirm any more; its room is free once it is idle.
            let mut ordered = made.iter().filter(|one| one.latest_charge.is_some());
            let debit = ordered.find(|one| one.metadata.get("q_attempt_id").map(String::as_str) == Some(verification));
            if let Some(debit) = debit {
                self.remember_debited(setup, verification, debit).await?;
                // Its payment answers the request.
                return self.book_intent(&debit.id, background).await.map(|_| ());
            }
        }
        tracing::warn!(stripe.id = %setup.id, "a bank account's verification is older than what this database knows");
        if !matches!(setup.status.as_str(), "succeeded" | "canceled") {
            let key = format!("seti-forgotten:{verification}");
            // Where it moved on meanwhile, its method leaves all the same.
            self.cancel_at_stripe(&setup.id, &key, "abandoned", background).await?;
        }
        if let Some(method) = &setup.payment_method {
            let key = format!("detach-forgotten:{verification}");
            match self.stripe().detach_payment_method(method, &key, background).await {
                // It may belong to nobody yet.
                Ok(_) | Err(stripe::Error::Refused { .. } | stripe::Error::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match setup.metadata.get(TAKEN) {
            Some(request) => self.tell_forgotten(request, FORGOTTEN).await,
            None => Ok(()),
        }
    }

    /// It came as far as its debit, which the first sweep adopts. What Stripe keeps of it is written down again, so that
    /// its account is for this one debit, and what the bank says weeks later still reaches the request.
    async fn remember_debited(
        &self,
        setup: &SetupIntent,
        verification: &str,
        debit: &PaymentIntent,
    ) -> Result<(), Error> {
        let marked = |name: &str| setup.metadata.get(name).cloned().unwrap_or_default();
        let id_of = |name: &str| SalesforceId::parse(&marked(name)).ok();
        let request = marked(TAKEN);
        let Some((record, _)) = self.request_of(&request, "").await? else { return Ok(()) };
        let (Some(invoice), Some(account)) = (id_of("sf_invoice_id"), id_of("sf_account_id")) else { return Ok(()) };
        let (Some(customer), Some(method)) = (&setup.customer, &setup.payment_method) else { return Ok(()) };
        let Ok(currency) = Currency::from_code(&debit.currency.to_uppercase()) else { return Ok(()) };
        let amount = Money::from_stripe(debit.amount, currency)?;
        let found = self.stripe().payment_method(method, Priority::Background).await?;
        let Some(bank) = found.us_bank_account else { return Ok(()) };
        let one = Verification {
            id: verification.to_owned(),
            press: format!("restored:{verification}"),
            link: request,
            record: record.as_str().to_owned(),
            invoice,
            invoice_number: marked("sf_invoice_number"),
            account,
            customer: customer.clone(),
            amount,
            method: method.clone(),
            bank: bank.bank_name.unwrap_or_else(|| "the bank".to_owned()),
            last4: bank.last4.unwrap_or_default(),
            routing: bank.routing_number,
            holder: found.billing_details.and_then(|details| details.name).unwrap_or_default(),
            holder_type: bank.account_holder_type.unwrap_or_default(),
            mail_to: None,
            mail: None,
            token_hash: None,
            version: "lost".to_owned(),
            text: "The words are lost: the database was restored to a time before they were agreed to.".to_owned(),
            text_hash: String::new(),
            accepted_ms: None,
            address: None,
            user_agent: None,
            setup: None,
            mandate: None,
            way: None,
            hosted_url: None,
            arrives_s: None,
            tries_left: None,
            stage: Stage::Charged,
            reason: Some("restored".to_owned()),
            made_ms: setup.created.saturating_mul(1_000),
        };
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        if tx.insert_verification_once(&one).await? {
            let one = Verification { setup: Some(setup.id.clone()), mandate: setup.mandate.clone(), ..one };
            tx.set_verification(&one, now_ms).await?;
            tx.insert_bank_for_one_debit(&one, now_ms).await?;
            tx.hint(&one.customer, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }

    /// A request's record, with the hash of its page's token, where `condition` holds.
    async fn request_of(&self, request: &str, condition: &str) -> Result<Option<(SalesforceId, Value)>, Error> {
        let lookup = self.house().invoices.get().request_lookup.clone();
        let soql = format!(
            "SELECT Id, Token_Hash__c, {lookup} FROM Payment_Request__c WHERE Request_Id__c = {}{condition}",
            quoted(request)
        );
        let found = self.org().query(&soql, Duration::from_secs(20)).await?;
        let record = found.into_iter().next().map(|record| InvoiceMapping::canonical_lookup(&lookup, record));
        Ok(record.and_then(|record| Some((SalesforceId::parse(&text(&record, "Id")?).ok()?, record))))
    }

    /// The request ends. Its page, which this database may not know either, is not opened again by a late event.
    async fn tell_forgotten(&self, request: &str, why: &str) -> Result<(), Error> {
        let open = " AND State__c IN ('Waiting', 'Working', 'Verifying')";
        let Some((id, record)) = self.request_of(request, open).await? else { return Ok(()) };
        let Some(invoice) = text(&record, "Invoice__c").and_then(|id| SalesforceId::parse(&id).ok()) else {
            return Ok(());
        };
        let notice = Notice {
            record_id: invoice.as_str().to_owned(),
            request_id: request.to_owned(),
            state: "failed".to_owned(),
        };
        let write = Write::update("Payment_Request__c", id.as_str())
            .with("State__c", "Failed")
            .with("Sentence__c", why)
            .telling(notice)
            .of(&format!("take:{request}"));
        let now_ms = wall_ms();
        let mut tx = self.store().begin().await?;
        if let (Ok(link), Some(hash)) = (LinkId::parse(request), text(&record, "Token_Hash__c")) {
            let over = Link {
                id: link.clone(),
                token_hash: hash.to_ascii_lowercase(),
                kind: LinkKind::Agent,
                invoice,
                sent_to: None,
                note: None,
                state: LinkState::Open,
                made_ms: now_ms,
                changed_ms: now_ms,
                expires_ms: Some(now_ms),
                locked_until_ms: None,
            };
            tx.record_link_once(&over).await?;
            tx.record_desk_request_once(&link, id.as_str(), now_ms).await?;
            tx.desk_request_done(request, now_ms).await?;
        }
        tx.write_out(&write, self.now_ms()).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, PAGE_LOST};

    #[test]
    fn the_sentences_fit_their_field() {
        assert!(FORGOTTEN.len() <= 255, "{}", FORGOTTEN.len());
        assert!(PAGE_LOST.len() <= 255, "{}", PAGE_LOST.len());
    }
}
