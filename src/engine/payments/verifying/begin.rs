//! From the account that Stripe was told of in the clerk's browser to an agreement that is durable.

use super::{HINT, PageLetter, page_letter, told};
use crate::domain::link::LinkUse;
use crate::domain::mandate::{self, Terms};
use crate::domain::payable::admit;
use crate::domain::verification::{Mail, Stage};
use crate::domain::{Currency, LinkId, Money};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Freshness, Invoice, InvoiceStatus, OrgError, Payments, Refused};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::store::verifications::Verification;
use crate::stripe::{self, Priority};

/// An account as Stripe describes the method that was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    pub method: String,
    pub bank: String,
    pub last4: String,
    pub routing: Option<String>,
    pub holder: String,
    pub is_company: bool,
}

/// What the clerk reads out, and for what.
#[derive(Clone, Debug)]
pub struct AccountReview {
    pub invoice: Invoice,
    pub account: NewAccount,
    pub amount: Money,
    /// What the page offered as all of it.
    pub shown: Money,
    /// What is read out to a company's customer, or what a private person reads on the mailed page.
    pub text: String,
}

/// The press that says that the customer agreed, or that the page is to be mailed.
#[derive(Clone, Debug)]
pub struct AccountAgreed {
    pub press: String,
    pub link: LinkId,
    pub method: String,
    /// Nothing: all that is open.
    pub part: Option<Money>,
    /// What the page said, in minor units.
    pub minor: i64,
    /// Of what was read out; nothing where it is mailed.
    pub text_hash: String,
    /// Where the page said that it is mailed.
    pub mail_to: Option<String>,
}

/// Why nothing was begun. Nothing was charged, and Stripe was not asked to verify.
#[derive(Debug)]
pub enum AccountRefused {
    Payment(Refused),
    /// Not a fresh bank account: somebody's already, used before, or no account at all.
    Unknown,
    /// Its holder has no name.
    NoHolder,
    /// Only US dollars are debited.
    Currency,
    /// What was read out is not what would be kept.
    Agree,
    /// Salesforce has no address to mail the page to.
    NoAddress,
    /// Salesforce has another address than the one that was shown.
    OtherAddress,
}

type Checked<T> = Result<Result<T, AccountRefused>, Error>;

impl Payments {
    /// What is to be read out for this account and amount. Everything that came from the browser is looked at again.
    pub async fn account_review(&self, link: &Link, method: &str, part: Option<Money>) -> Checked<AccountReview> {
        if !self.is_open() {
            return Ok(Err(AccountRefused::Payment(Refused::NotYet)));
        }
        match link.usable(wall_ms()) {
            LinkUse::Pays => {}
            other => return Ok(Err(AccountRefused::Payment(Refused::Link(other)))),
        }
        let (invoice, freshness) = match self.known_invoice(&link.invoice).await {
            Ok(known) => (known.invoice, known.freshness),
            Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
                return Ok(Err(AccountRefused::Payment(Refused::CannotCheck)));
            }
            Err(error) => return Err(error),
        };
        if invoice.status != InvoiceStatus::Open {
            return Ok(Err(AccountRefused::Payment(Refused::Withdrawn)));
        }
        let shown = self.standing(&invoice).await?.offered()?;
        if Currency::from_code("USD").ok() != Some(shown.currency()) {
            return Ok(Err(AccountRefused::Currency));
        }
        let amount = part.unwrap_or(shown);
        if let Err(no) = admit(shown, amount) {
            return Ok(Err(AccountRefused::Payment(Refused::Amount(no))));
        }
        let account = match self.new_account(method).await? {
            Ok(account) => account,
            Err(no) => return Ok(Err(no)),
        };
        if !account.is_company && freshness != Freshness::Read {
            // The page goes to the address that Salesforce has now.
            return Ok(Err(AccountRefused::Payment(Refused::CannotCheck)));
        }
        let amount_words = money_words(amount);
        let terms = Terms {
            company: &self.settings().legal_name,
            contact: &self.settings().contact,
            holder: Some(&account.holder),
            bank: &account.bank,
            last4: &account.last4,
            amount: &amount_words,
            invoice: &invoice.number,
            standing: false,
        };
        let routing = account.routing.as_deref();
        let text = match account.is_company {
            true => mandate::phone_text(&terms, routing),
            false => mandate::page_text(&terms, routing, &self.today()),
        };
        Ok(Ok(AccountReview { invoice, account, amount, shown, text }))
    }

    /// A method that nobody has, and that was used for nothing yet.
    async fn new_account(&self, method: &str) -> Checked<NewAccount> {
        if !method.starts_with("pm_") || self.store().verification_of_method(method).await?.is_some() {
            return Ok(Err(AccountRefused::Unknown));
        }
        let found = match self.stripe().payment_method(method, Priority::Customer).await {
            Ok(found) => found,
            Err(stripe::Error::Missing { .. } | stripe::Error::Refused { .. }) => {
                return Ok(Err(AccountRefused::Unknown));
            }
            Err(error) => {
                tracing::warn!(%error, "a bank account could not be read");
                return Ok(Err(AccountRefused::Payment(Refused::StripeDown)));
            }
        };
        // Stripe answers a test token with a method of its own, under another id.
        if found.id != method || found.customer.is_some() || found.kind != "us_bank_account" {
            return Ok(Err(AccountRefused::Unknown));
        }
        let Some(bank) = found.us_bank_account else { return Ok(Err(AccountRefused::Unknown)) };
        let holder = found.billing_details.and_then(|details| details.name).unwrap_or_default().trim().to_owned();
        if holder.is_empty() {
            return Ok(Err(AccountRefused::NoHolder));
        }
        Ok(Ok(NewAccount {
            method: found.id,
            is_company: bank.account_holder_type.as_deref() == Some("company"),
            bank: bank.bank_name.unwrap_or_else(|| "the bank".to_owned()),
            last4: bank.last4.unwrap_or_default(),
            routing: bank.routing_number,
            holder,
        }))
    }

    /// The customer agreed on the phone, or is to be mailed the page. Answers the verification; the same press again answers
    /// the same one. `id` is a new one's, `token_hash` that of its page's token for an address.
    pub(in crate::engine) async fn begin_verification(
        &self,
        link: &Link,
        agreed: &AccountAgreed,
        id: String,
        token_hash: impl Fn(&str) -> String,
    ) -> Checked<Verification> {
        if let Some(again) = self.store().verification_of_press(&agreed.press).await? {
            let ours = again.link == link.id.as_str() && again.method == agreed.method;
            return Ok(if ours { Ok(again) } else { Err(AccountRefused::Unknown) });
        }
        let review = match self.account_review(link, &agreed.method, agreed.part).await? {
            Ok(review) => review,
            Err(no) => return Ok(Err(no)),
        };
        let AccountReview { invoice, account, amount, shown, text } = review;
        if amount.minor() != agreed.minor {
            return Ok(Err(AccountRefused::Payment(Refused::Changed { left: shown })));
        }
        let text_hash = mandate::hash(&text);
        if account.is_company {
            if text_hash != agreed.text_hash {
                return Ok(Err(AccountRefused::Agree));
            }
        } else if invoice.email.is_none() {
            return Ok(Err(AccountRefused::NoAddress));
        } else if invoice.email != agreed.mail_to {
            return Ok(Err(AccountRefused::OtherAddress));
        }
        let customer = match self.customer_of(&invoice).await {
            Ok(customer) => customer,
            Err(Error::Stripe(error)) => {
                tracing::warn!(%error, "no Customer for a bank account");
                return Ok(Err(AccountRefused::Payment(Refused::StripeDown)));
            }
            Err(error) => return Err(error),
        };
        let Some(request) = self.store().desk_request(&link.id).await? else {
            return Ok(Err(AccountRefused::Payment(Refused::UnknownLink)));
        };
        let now_ms = self.now_ms();
        let is_company = account.is_company;
        let one = Verification {
            id,
            press: agreed.press.clone(),
            link: link.id.as_str().to_owned(),
            record: request.record_id,
            invoice: invoice.id,
            invoice_number: invoice.number,
            account: invoice.account,
            token_hash: invoice.email.as_deref().map(token_hash),
            mail: invoice.email.as_ref().map(|_| Mail::Sending),
            mail_to: invoice.email,
            customer,
            amount,
            method: account.method,
            bank: account.bank,
            last4: account.last4,
            routing: account.routing,
            holder: account.holder,
            holder_type: if is_company { "company" } else { "individual" }.to_owned(),
            version: if is_company { mandate::PHONE_VERSION } else { mandate::PAGE_VERSION }.to_owned(),
            text,
            text_hash,
            accepted_ms: is_company.then(wall_ms),
            address: None,
            user_agent: None,
            setup: None,
            mandate: None,
            way: None,
            hosted_url: None,
            arrives_s: None,
            tries_left: None,
            stage: if is_company { Stage::Starting } else { Stage::Agreeing },
            reason: None,
            made_ms: now_ms,
        };
        let mut tx = self.store().begin().await?;
        if !tx.insert_verification_once(&one).await? {
            drop(tx);
            // Two presses at once: the other one has it.
            let other = self.store().verification_of_press(&agreed.press).await?;
            return Ok(other.filter(|other| other.method == agreed.method).ok_or(AccountRefused::Unknown));
        }
        if is_company {
            tx.hint(&format!("{HINT}{}", one.id), now_ms).await?;
        } else if let Some(letter) =
            page_letter(&one, PageLetter::Authorise, &one.id, &self.settings().mail_domain, now_ms)
        {
            tx.insert_bank_letter(&letter, now_ms).await?;
        }
        tx.write_out(&told::write(&one), now_ms).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(Ok(one))
    }
}
