//! The seam: a verified bank account becomes a Stripe payment method.
//!
//! Each step is noted before the next, so that a crash at any of them ends in the same state: the token from Link names
//! the choice, the access to the login is stored as soon as there is one, and the write to Stripe has its key and body.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::Banks;
use crate::domain::bank::BankState;
use crate::domain::{LinkId, SalesforceId};
use crate::engine::payments::{Error, Payments};
use crate::plaid::{self, NewLink};
use crate::store::banks::{Bank, Choice};
use crate::store::effects::{SPENT, numbered};
use crate::store::links::Link;
use crate::stripe::{self, BankSource, Form, Priority};

/// What the browser hands over after Link.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub link: LinkId,
    pub session_hash: String,
    pub public_token: SecretString,
    pub plaid_account: String,
    /// The customer wants the bank kept for the next payment.
    pub save: bool,
}

/// Why no bank came of it. In none of these was anything charged.
#[derive(Debug)]
pub enum NotChosen {
    /// Bank payments are not offered here.
    Off,
    /// Plaid or the bank behind it doesn't answer. The card works.
    PlaidDown,
    StripeDown,
    /// Used already, or too old: choose again.
    Spent,
    /// No checking or savings account, or one that isn't verified at once.
    Unsupported,
    /// The bank wants its customer to sign in again: Link, with this token.
    Login {
        link_token: SecretString,
    },
    /// The admin has to act; a Payment Error says how.
    NotEnabled,
}

impl Payments {
    /// What Link is opened with.
    pub async fn bank_link_token(&self, account: &SalesforceId) -> Result<Result<SecretString, NotChosen>, Error> {
        let Some(banks) = self.banks() else { return Ok(Err(NotChosen::Off)) };
        match self.link_token(banks, account, None).await {
            Ok(token) => Ok(Ok(token)),
            Err(error) => self.not_chosen(error).await.map(Err),
        }
    }

    /// Link in update mode, for a stored bank whose login ran out.
    pub async fn bank_login_token(&self, bank: &Bank) -> Result<Result<SecretString, NotChosen>, Error> {
        let Some(banks) = self.banks() else { return Ok(Err(NotChosen::Off)) };
        let Some(choice) = self.store().choice_of_bank(&bank.id).await? else { return Ok(Err(NotChosen::Spent)) };
        let Ok(access) = banks.seal.open(&choice.access_token, &choice.id) else { return Ok(Err(NotChosen::Spent)) };
        match self.link_token(banks, &bank.account, Some(&access)).await {
            Ok(token) => Ok(Ok(token)),
            Err(error) => self.not_chosen(error).await.map(Err),
        }
    }

    /// The customer signed in again: asked of Plaid, for the browser can say anything.
    pub async fn bank_login_renewed(&self, bank: Bank) -> Result<Result<Bank, NotChosen>, Error> {
        let Some(banks) = self.banks() else { return Ok(Err(NotChosen::Off)) };
        let Some(choice) = self.store().choice_of_bank(&bank.id).await? else { return Ok(Err(NotChosen::Spent)) };
        let Ok(access) = banks.seal.open(&choice.access_token, &choice.id) else { return Ok(Err(NotChosen::Spent)) };
        match banks.plaid.accounts(&access).await {
            Ok(_) => {
                self.store().note_item(&choice.item_id, BankState::Ready, None, self.now_ms()).await?;
                Ok(self.store().bank(&bank.id).await?.filter(|bank| bank.state.may_pay()).ok_or(NotChosen::Spent))
            }
            Err(plaid::Error::LoginRequired { .. }) => self.login_first(banks, &choice, &access).await.map(Err),
            Err(error) => self.not_chosen(error).await.map(Err),
        }
    }

    async fn link_token(
        &self,
        banks: &Banks,
        account: &SalesforceId,
        access: Option<&SecretString>,
    ) -> Result<SecretString, plaid::Error> {
        let public_url = &self.settings().public_url;
        // With test keys Plaid leads back to the developer's own machine too.
        let own = public_url.starts_with("http://localhost:") || public_url.starts_with("http://127.0.0.1:");
        let reached = public_url.starts_with("https://") || (self.settings().test && own);
        let webhook = format!("{public_url}/webhooks/plaid");
        let back = format!("{public_url}/bank/return");
        let link = NewLink {
            company: &banks.company,
            user: account.as_str(),
            webhook: Some(&webhook),
            // Plaid takes no other, and refuses the whole call for one.
            redirect_uri: reached.then_some(back.as_str()),
            customization: banks.customization.as_deref(),
            access_token: access.map(ExposeSecret::expose_secret),
        };
        Ok(banks.plaid.create_link_token(&link).await?.link_token)
    }

    async fn not_chosen(&self, error: plaid::Error) -> Result<NotChosen, Error> {
        use plaid::Error as P;
        tracing::warn!(%error, "no bank came of a visit to Plaid");
        Ok(match error {
            P::TokenSpent { .. } | P::Gone { .. } => NotChosen::Spent,
            P::Unsupported { .. } => NotChosen::Unsupported,
            P::NotEnabled { .. } => {
                self.tell_not_enabled(&error.to_string()).await?;
                NotChosen::NotEnabled
            }
            P::NotAllowed { .. } | P::Refused { .. } | P::Unreadable { .. } => {
                tracing::error!(%error, "Plaid can't be used as it is configured; quittance check says more");
                NotChosen::PlaidDown
            }
            P::NoAnswer { .. } | P::Down { .. } | P::TooFast { .. } | P::LoginRequired { .. } => NotChosen::PlaidDown,
        })
    }

    /// Makes a bank of what was chosen, or answers the one that it is already.
    pub async fn choose_bank(&self, link: &Link, chosen: &Chosen) -> Result<Result<Bank, NotChosen>, Error> {
        let Some(banks) = self.banks() else { return Ok(Err(NotChosen::Off)) };
        let choice = match self.choice(banks, link, chosen).await? {
            Ok(choice) => choice,
            Err(no) => return Ok(Err(no)),
        };
        if let Some(bank) = &choice.bank_id {
            // The same token again: a reload, a lost answer, a press twice.
            return Ok(self.store().bank(bank).await?.filter(|bank| bank.state.may_pay()).ok_or(NotChosen::Spent));
        }
        let Ok(access) = banks.seal.open(&choice.access_token, &choice.id) else { return Ok(Err(NotChosen::Spent)) };
        let (institution, mask) = match banks.plaid.accounts(&access).await {
            Ok((institution, accounts)) => {
                let account = accounts.into_iter().find(|one| one.account_id == choice.plaid_account);
                match account.filter(plaid::Account::is_debitable) {
                    Some(account) => (institution, account.mask),
                    None => return Ok(Err(NotChosen::Unsupported)),
                }
            }
            Err(plaid::Error::LoginRequired { .. }) => return self.login_first(banks, &choice, &access).await.map(Err),
            Err(error) => return self.not_chosen(error).await.map(Err),
        };
        let source = match self.source(banks, &choice, &access, mask.as_deref()).await? {
            Ok(source) => source,
            Err(no) => return Ok(Err(no)),
        };
        if !source.is_verified() {
            tracing::warn!(bank.id = %source.id, status = %source.status, "a bank from Plaid is not verified at Stripe");
            return Ok(Err(NotChosen::Unsupported));
        }
        let bank = Bank {
            customer: choice.customer_id.clone(),
            account: link_account(&choice)?,
            fingerprint: source.fingerprint.clone().unwrap_or_else(|| source.id.clone()),
            institution: institution.or(source.bank_name).unwrap_or_else(|| "Bank account".to_owned()),
            last4: source.last4,
            routing: source.routing_number,
            holder: source.account_holder_name,
            save: choice.save != 0,
            state: BankState::Ready,
            reason: None,
            mandate: None,
            id: source.id,
        };
        Ok(Ok(self.store().attach_choice(&choice, &bank, self.now_ms()).await?))
    }

    /// The choice that the token stands for: the one noted before, or a new one.
    async fn choice(&self, banks: &Banks, link: &Link, chosen: &Chosen) -> Result<Result<Choice, NotChosen>, Error> {
        let hash = hex::encode(Sha256::digest(chosen.public_token.expose_secret().as_bytes()));
        let ours = |choice: Choice| {
            let same = choice.session_hash == chosen.session_hash && choice.link_id == link.id.as_str();
            if same { Ok(choice) } else { Err(NotChosen::Spent) }
        };
        if let Some(choice) = self.store().choice_by_token(&hash).await? {
            return Ok(ours(choice));
        }
        let invoice = self.known_invoice(&link.invoice).await?.invoice;
        let customer = match self.customer_of(&invoice).await {
            Ok(customer) => customer,
            Err(Error::Stripe(error)) => {
                tracing::warn!(%error, "no Customer for a bank");
                return Ok(Err(NotChosen::StripeDown));
            }
            Err(error) => return Err(error),
        };
        let exchanged = match banks.plaid.exchange(chosen.public_token.expose_secret()).await {
            Ok(exchanged) => exchanged,
            Err(error) => {
                // Two presses at once: the other one has it.
                if let Some(choice) = self.store().choice_by_token(&hash).await? {
                    return Ok(ours(choice));
                }
                return self.not_chosen(error).await.map(Err);
            }
        };
        let id = uuid::Uuid::new_v4().to_string();
        let access_token = banks.seal.close(&exchanged.access_token, &id).map_err(|error| unbookable(&id, &error))?;
        let choice = Choice {
            id,
            public_token_hash: hash,
            session_hash: chosen.session_hash.clone(),
            link_id: link.id.as_str().to_owned(),
            account_id: invoice.account.as_str().to_owned(),
            customer_id: customer,
            item_id: exchanged.item_id,
            access_token,
            plaid_account: chosen.plaid_account.clone(),
            institution: None,
            save: i64::from(chosen.save),
            bank_id: None,
            state: "open".to_owned(),
        };
        Ok(ours(self.store().note_choice(&choice, self.now_ms()).await?))
    }

    async fn login_first(&self, banks: &Banks, choice: &Choice, access: &SecretString) -> Result<NotChosen, Error> {
        match self.link_token(banks, &link_account(choice)?, Some(access)).await {
            Ok(link_token) => Ok(NotChosen::Login { link_token }),
            Err(error) => self.not_chosen(error).await,
        }
    }

    /// The account at Stripe: made from Plaid's bank token, or the one that is there.
    async fn source(
        &self,
        banks: &Banks,
        choice: &Choice,
        access: &SecretString,
        mask: Option<&str>,
    ) -> Result<Result<BankSource, NotChosen>, Error> {
        let path = format!("/v1/customers/{}/sources", choice.customer_id);
        for number in 0.. {
            let token = match banks.plaid.stripe_token(access, &choice.plaid_account).await {
                Ok(token) => token,
                Err(plaid::Error::LoginRequired { .. }) => {
                    return self.login_first(banks, choice, access).await.map(Err);
                }
                Err(error) => return self.not_chosen(error).await.map(Err),
            };
            let body = Form::new()
                .with("source", &token)
                .metadata("sf_org_id", self.settings().org.as_str())
                .metadata("q_choice_id", &choice.id)
                .into_body();
            let key = numbered(format!("source:{}", choice.id), number);
            // A token that was noted before goes again under its key; the new one is left to run out.
            let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            if effect.is_stale(self.now_ms()) {
                return Ok(Err(NotChosen::Spent));
            }
            match self.stripe().create_source(&choice.customer_id, &key, &effect.body, Priority::Customer).await {
                Ok(source) => {
                    self.store().effect_done(&key, &source.id, self.now_ms()).await?;
                    return Ok(Ok(source));
                }
                Err(stripe::Error::Refused { code, .. }) if code == "bank_account_exists" => {
                    return self.stored_already(choice, &token, mask).await;
                }
                Err(
                    error @ (stripe::Error::Refused { .. }
                    | stripe::Error::Missing { .. }
                    | stripe::Error::NotAllowed { .. }),
                ) => {
                    // "No such token": made for another Stripe account, or Stripe takes none of Plaid's.
                    self.tell_not_enabled(&error.to_string()).await?;
                    return Ok(Err(NotChosen::NotEnabled));
                }
                Err(error) => {
                    if error.is_kept() {
                        self.store().effect_done(&key, SPENT, self.now_ms()).await?;
                    }
                    tracing::warn!(%error, "a bank could not be brought to Stripe");
                    return Ok(Err(NotChosen::StripeDown));
                }
            }
        }
        Ok(Err(NotChosen::StripeDown))
    }

    /// Which of the customer's accounts the token stands for.
    async fn stored_already(
        &self,
        choice: &Choice,
        token: &str,
        mask: Option<&str>,
    ) -> Result<Result<BankSource, NotChosen>, Error> {
        let there = match self.stripe().bank_sources(&choice.customer_id, Priority::Customer).await {
            Ok(there) => there,
            Err(error) => {
                tracing::warn!(%error, "the stored banks could not be read");
                return Ok(Err(NotChosen::StripeDown));
            }
        };
        let fingerprint =
            self.stripe().bank_token_fingerprint(token, Priority::Customer).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "the token could not be read; the last digits have to tell");
                None
            });
        let same = |source: &&BankSource| match &fingerprint {
            Some(fingerprint) => source.fingerprint.as_ref() == Some(fingerprint),
            None => mask.is_some_and(|mask| source.last4 == mask),
        };
        let found: Vec<&BankSource> = there.iter().filter(same).collect();
        match found.as_slice() {
            [one] => Ok(Ok((*one).clone())),
            _ => Ok(Err(NotChosen::StripeDown)),
        }
    }
}

fn unbookable(id: &str, error: &impl ToString) -> Error {
    Error::Unbookable { stripe_id: id.to_owned(), why: error.to_string() }
}

fn link_account(choice: &Choice) -> Result<SalesforceId, Error> {
    SalesforceId::parse(&choice.account_id).map_err(|error| unbookable(&choice.id, &error))
}
