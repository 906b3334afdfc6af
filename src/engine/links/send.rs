//! A link is made and mailed, and the org is told what became of it.

use std::time::Duration;

use jiff::Timestamp;

use super::request::{Request, TAKE, answer, invoice_of, notice, over};
use super::{Error, Links, message_id};
use crate::domain::LinkId;
use crate::domain::link::{LinkKind, LinkState, LinkUse, token, token_hash};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error as PaymentsError, Invoice, InvoiceStatus, link_state, link_write, standing};
use crate::engine::receipts::{money_words, time_words};
use crate::mail::{self, Content, Letter, Recipient};
use crate::store::links::Link;
use crate::store::receipts::MailTrace;

const HANDED_OVER: &str = "Handed to the mail server.";
const NOT_SENT_AGAIN: &str = "Whether the mail server took the mail is not known, and the invoice can't be paid any more, \
    so it was not sent again.";

impl Links {
    /// Makes the link and mails it; answers when the mail server has taken it.
    pub async fn send(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let invoice_id = invoice_of(request)?;
        let invoice = self.payments.read_invoice(&invoice_id, Duration::from_secs(20)).await?;
        let message = message_id(request.id.as_str(), &self.payments.settings().mail_domain);
        // What an earlier try mailed was mailed, whatever became of the invoice since: its customer may have paid by it.
        let trace = self.payments.store().mail_trace(&message).await?;
        let Some(address) = request.email.clone().or_else(|| invoice.email.clone()) else {
            return self
                .refuse(request, "There is no e-mail address: fill Billing Email on the invoice or the account.")
                .await;
        };
        let unpayable = match trace {
            MailTrace::HandedOver => None,
            MailTrace::None | MailTrace::InDoubt => self.unpayable(&invoice).await?,
        };
        if let (MailTrace::None, Some(why)) = (trace, unpayable) {
            return self.refuse(request, why).await;
        }
        let asked = LinkId::parse(request.id.as_str())
            .map_err(|error| Error::Request { record: request.record.to_string(), why: error.to_string() })?;
        let link = self.link_for(request.note.as_deref(), request.link_expires_ms, &invoice, asked, &address).await?;
        match (trace, unpayable) {
            (MailTrace::HandedOver, _) => self.tell_sent(request, &link, &invoice, HANDED_OVER).await,
            (_, Some(_)) => self.tell_sent(request, &link, &invoice, NOT_SENT_AGAIN).await,
            (_, None) => self.mail(request, &link, &invoice, &address, trace, None).await,
        }
    }

    /// `instead` says why the customer gets a link, where something else was asked for.
    pub(super) async fn mail(
        &self,
        request: &Request,
        link: &Link,
        invoice: &Invoice,
        address: &str,
        trace: MailTrace,
        instead: Option<&str>,
    ) -> Result<(), Error> {
        let store = self.payments.store();
        let message = message_id(request.id.as_str(), &self.payments.settings().mail_domain);
        store.record_mail(&message, "request", self.payments.now_ms()).await?;
        let letter = self.letter(request, invoice, link, address, message.clone()).await?;
        match self.mailer.send(&letter).await {
            Ok(()) => {
                store.mail_sent(&message, self.payments.now_ms()).await?;
                let told = instead.map(|why| mailed_instead(why, address));
                self.tell_sent(request, link, invoice, told.as_deref().unwrap_or(HANDED_OVER)).await
            }
            Err(error) => {
                // Where an earlier try is in doubt, this one's refusal says nothing about that one.
                if trace == MailTrace::None && !error.may_have_been_taken() {
                    store.mail_not_taken(&message).await?;
                }
                match error {
                    mail::Error::RefusedAddress { .. } => {
                        let why = "The mail server says that this address does not exist. Correct it and send again.";
                        let why = instead.map(|instead| format!("{instead} {why}")).unwrap_or_else(|| why.to_owned());
                        self.refuse(request, &why).await
                    }
                    error => Err(error.into()),
                }
            }
        }
    }

    pub(super) async fn unpayable(&self, invoice: &Invoice) -> Result<Option<&'static str>, Error> {
        Ok(match invoice.status {
            InvoiceStatus::Draft => Some("The invoice is a draft. Open it, then send the link."),
            InvoiceStatus::Cancelled => Some("The invoice is cancelled; there is nothing to pay."),
            InvoiceStatus::Open
                if self.payments.standing(invoice).await?.balance().map_err(PaymentsError::from)?.is_zero() =>
            {
                Some("Nothing is left to pay on this invoice.")
            }
            InvoiceStatus::Open => None,
        })
    }

    /// The open link of the same address, else a new one that replaces those of other addresses.
    pub(super) async fn link_for(
        &self,
        note: Option<&str>,
        until_ms: Option<i64>,
        invoice: &Invoice,
        asked: LinkId,
        address: &str,
    ) -> Result<Link, Error> {
        let now_ms = wall_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.lock(&format!("links:{}", invoice.id)).await?;
        if let Some(link) = tx.link(&asked).await? {
            return Ok(link); // this very command ran before
        }
        let mut same = None;
        for link in tx.open_links_of(&invoice.id).await? {
            let mailed = link.kind == LinkKind::Mailed;
            let same_address = link.sent_to.as_deref().is_some_and(|to| to.eq_ignore_ascii_case(address));
            let expired = matches!(link.usable(now_ms), LinkUse::Expired { .. });
            if mailed && same_address && !expired && same.is_none() {
                same = Some(link);
            } else if mailed {
                tx.end_link(&link.id, LinkState::Replaced, now_ms).await?;
                tx.write_out(&link_write(&link, "Replaced"), self.payments.now_ms()).await?;
            }
        }
        let link = match same {
            Some(link) => {
                if until_ms.is_some() {
                    tx.extend_link(&link.id, until_ms, now_ms).await?;
                }
                Link { expires_ms: until_ms.or(link.expires_ms), ..link }
            }
            None => {
                let link = Link {
                    token_hash: token_hash(&token(self.key(), &asked)),
                    id: asked,
                    kind: LinkKind::Mailed,
                    invoice: invoice.id.clone(),
                    sent_to: Some(address.to_owned()),
                    note: note.map(str::to_owned),
                    state: LinkState::Open,
                    made_ms: now_ms,
                    changed_ms: now_ms,
                    expires_ms: until_ms,
                    locked_until_ms: None,
                };
                tx.record_link_once(&link).await?;
                link
            }
        };
        tx.commit().await?;
        Ok(link)
    }

    async fn letter(
        &self,
        request: &Request,
        invoice: &Invoice,
        link: &Link,
        address: &str,
        message_id: String,
    ) -> Result<Letter, Error> {
        let at = Timestamp::from_millisecond(link.made_ms).unwrap_or_default();
        self.letter_about(request.note.as_deref(), invoice, link, address, message_id, at).await
    }

    pub(super) async fn letter_about(
        &self,
        note: Option<&str>,
        invoice: &Invoice,
        link: &Link,
        address: &str,
        message_id: String,
        at: Timestamp,
    ) -> Result<Letter, Error> {
        let standing = self.payments.standing(invoice).await?;
        let balance = standing.balance().map_err(PaymentsError::from)?;
        let paid = (!standing.settled.is_zero()).then(|| money_words(standing.settled));
        let url = self.url(&link.id);
        let works_until = link.expires_ms.map(|ms| time_words(ms, &self.zone));
        Ok(Letter {
            to: Recipient {
                name: Some(invoice.account_name.clone()).filter(|name| !name.is_empty()),
                address: address.to_owned(),
            },
            message_id,
            in_reply_to: None,
            at,
            content: Content::Request {
                invoice: letter_invoice(invoice),
                due: money_words(balance),
                paid_before: paid,
                note: note.map(str::to_owned),
                link: mail::Link { url, works_until },
            },
            test: self.payments.settings().test,
        })
    }

    pub(in crate::engine) async fn tell_sent(
        &self,
        request: &Request,
        link: &Link,
        invoice: &Invoice,
        sentence: &str,
    ) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let sent_at = crate::engine::payments::time_text(wall_ms().div_euclid(1000));
        let mut tx = self.payments.store().begin().await?;
        // The customer may have been quicker than this sentence.
        let link = tx.link(&link.id).await?.unwrap_or_else(|| link.clone());
        let nothing_left = standing(&mut tx, invoice).await?.balance().map_err(PaymentsError::from)?.is_zero();
        let mut link_record = link_write(&link, link_state(&link, nothing_left, wall_ms()));
        if let Some(at) = sent_at {
            link_record = link_record.with("Sent_At__c", at);
        }
        tx.write_out(&link_record, now_ms).await?;
        // A payment that was taken on the clerk's page stays what its request says.
        let taken = request.kind == TAKE
            && tx.desk_request(request.id.as_str()).await?.is_some_and(|asked| asked.done_ms.is_some());
        let state = if taken { "Done" } else { "Sent" };
        let write = answer(request, state, sentence).telling(notice(request, "sent")).of(&format!(
            "{}:{}",
            request.command(),
            request.id
        ));
        tx.write_out(&write, now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }
}

/// What became of something that the customer does by a link now.
pub(in crate::engine) fn mailed_instead(why: &str, address: &str) -> String {
    format!("{why} A payment link was mailed to {address} instead.")
}

pub(super) fn letter_invoice(invoice: &Invoice) -> mail::Invoice {
    mail::Invoice { number: invoice.number.clone(), what_for: invoice.description.clone(), due: invoice.due }
}
