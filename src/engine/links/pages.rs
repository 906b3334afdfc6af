//! The mailed page of a bank account that was taken down on the phone: its token, and the letters that lead to it.

use jiff::Timestamp;

use super::{Error, Links, PaymentsError};
use crate::domain::link::{page_token, token_hash};
use crate::domain::verification::{Mail, Way};
use crate::engine::payments::{AccountAgreed, AccountRefused, OrgError, PageLetter};
use crate::engine::receipts::{money_words, time_words};
use crate::mail::{self, Content, Letter, Recipient};
use crate::store::bank_letters::BankLetter;
use crate::store::links::Link;
use crate::store::verifications::Verification;

/// Stripe asks for the deposits as long.
const TELL_MS: i64 = 10 * 24 * 3_600_000;

/// Why a page was not mailed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMailed {
    /// Salesforce doesn't answer, so its address is not known.
    CannotCheck,
    NoAddress,
    /// Salesforce has another address than the clerk was shown.
    OtherAddress,
    /// There is nothing to do on it any more.
    Over,
}

impl Links {
    /// The clerk's press: the customer agreed on the phone, or gets the page by mail.
    pub async fn begin_verification(
        &self,
        link: &Link,
        agreed: &AccountAgreed,
    ) -> Result<Result<Verification, AccountRefused>, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let hash = |address: &str| token_hash(&page_token(self.key(), &id, address));
        Ok(self.payments.begin_verification(link, agreed, id.clone(), hash).await?)
    }

    /// The clerk's press: the page goes to the customer once more. `shown` is the address that the clerk saw.
    pub async fn mail_page(
        &self,
        one: &Verification,
        press: &str,
        shown: &str,
    ) -> Result<Result<(), NotMailed>, Error> {
        let limit = std::time::Duration::from_secs(5);
        let invoice = match self.payments.read_invoice(&one.invoice, limit).await {
            Ok(invoice) => invoice,
            Err(PaymentsError::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
                return Ok(Err(NotMailed::CannotCheck));
            }
            Err(PaymentsError::Org(OrgError::Missing { .. })) => return Ok(Err(NotMailed::Over)),
            Err(error) => return Err(error.into()),
        };
        let Some(address) = invoice.email else { return Ok(Err(NotMailed::NoAddress)) };
        if address != shown {
            return Ok(Err(NotMailed::OtherAddress));
        }
        let hash = token_hash(&page_token(self.key(), &one.id, &address));
        let mailed = self.payments.mail_page_again(&one.id, press, &address, hash).await?;
        Ok(if mailed { Ok(()) } else { Err(NotMailed::Over) })
    }

    /// Mails it, unless the customer was quicker, or it goes elsewhere by now.
    pub(in crate::engine) async fn send_page_letter(&self, due: &BankLetter, kind: PageLetter) -> Result<(), Error> {
        let store = self.payments.store();
        let one = store.verification(&due.stripe_id).await?;
        let of_now = |one: &Verification| {
            PageLetter::of(one.stage) == Some(kind) && one.mail_to.as_deref() == Some(due.mail_to.as_str())
        };
        if let Some(one) = one.filter(of_now) {
            let handed_over = store.record_mail(&due.message_id, "page", self.payments.now_ms()).await?;
            let told = match handed_over {
                true => Mail::Sent,
                false => match self.mailer.send(&self.page_letter(due, kind, &one).await?).await {
                    Ok(()) => {
                        store.mail_sent(&due.message_id, self.payments.now_ms()).await?;
                        Mail::Sent
                    }
                    Err(mail::Error::RefusedAddress { answer }) => {
                        tracing::warn!(verification.id = %one.id, answer, "the address for a page was refused");
                        Mail::Refused
                    }
                    Err(error) => {
                        self.payments.note_mail(&one.id, &due.mail_to, Mail::Retrying).await?;
                        return Err(error.into());
                    }
                },
            };
            self.payments.note_mail(&one.id, &due.mail_to, told).await?;
        }
        Ok(store.bank_letter_mailed(&due.message_id, self.payments.now_ms()).await?)
    }

    async fn page_letter(&self, due: &BankLetter, kind: PageLetter, one: &Verification) -> Result<Letter, Error> {
        let facts: serde_json::Value = serde_json::from_str(&due.facts).unwrap_or_default();
        let at = facts["at_ms"].as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
        let copy = self.payments.copied_invoice(&one.invoice).await?.map(|(_, invoice)| invoice);
        let invoice = mail::Invoice {
            number: one.invoice_number.clone(),
            what_for: copy.as_ref().and_then(|invoice| invoice.description.clone()),
            due: copy.as_ref().and_then(|invoice| invoice.due),
        };
        let token = page_token(self.key(), &one.id, &due.mail_to);
        let url = format!("{}/m/{token}", self.payments.settings().public_url);
        let (amount, bank) = (money_words(one.amount), one.words());
        let content = match kind {
            PageLetter::Authorise => {
                let until = facts["until_ms"].as_i64().map(|ms| time_words(ms, &self.zone));
                let link = mail::Link { url, works_until: until };
                Content::Authorise { invoice, amount, bank, link }
            }
            PageLetter::Deposits => Content::Deposits {
                invoice,
                amount,
                bank,
                code: one.way == Some(Way::Code),
                arrives_by: one
                    .arrives_s
                    .and_then(|s| Timestamp::from_second(s).ok())
                    .map(|at| at.to_zoned_datetime(self.zone.clone()).date()),
                mandate: one.accepted_ms.map(|ms| format!("{} Given on {}.", one.text, time_words(ms, &self.zone))),
                link: mail::Link {
                    url,
                    works_until: one.accepted_ms.map(|ms| time_words(ms.saturating_add(TELL_MS), &self.zone)),
                },
            },
        };
        let name = copy.map(|invoice| invoice.account_name).filter(|name| !name.is_empty());
        Ok(Letter {
            to: Recipient { name, address: due.mail_to.clone() },
            message_id: due.message_id.clone(),
            in_reply_to: None,
            at,
            content,
            test: self.payments.settings().test,
        })
    }
}
