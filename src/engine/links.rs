//! Payment links: sent, copied, replaced, revoked; and the one-time codes mailed from their pages.

mod desk;
mod renewal;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::clock::wall_ms;
use super::payments::{
    Error as PaymentsError, Invoice, InvoiceStatus, OrgError, Payments, link_state, link_write, quoted, standing, text,
};
use super::receipts::{money_words, time_words};
use crate::domain::link::{LinkKind, LinkState, LinkUse, keyed, token, token_hash};
use crate::domain::{InvoiceMapping, LinkId, RequestId, SalesforceId};
use crate::mail::{self, Content, Letter, Mailer, Recipient};
use crate::store;
use crate::store::links::Link;
use crate::store::outbox::{Notice, Write, cut};
use crate::store::receipts::MailTrace;

/// What links need beside payments.
#[derive(Clone)]
pub struct Links {
    payments: Payments,
    mailer: Mailer,
    link_key: SecretString,
    zone: TimeZone,
}

/// What can go wrong with a link's command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Payments(#[from] PaymentsError),
    #[error(transparent)]
    Mail(#[from] mail::Error),
    /// Deleted since, or never there: anyone who may publish can name a record that isn't.
    #[error("the request {record} is not in the org")]
    Gone { record: String },
    #[error("the request {record} can't be understood: {why}")]
    Request { record: String, why: String },
}

impl Error {
    /// Whether the command should be tried again by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Payments(PaymentsError::Stripe(error)) => error.retry() != crate::stripe::Retry::Never,
            Self::Payments(PaymentsError::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => true,
            Self::Payments(PaymentsError::Store(_)) => true,
            Self::Payments(_) | Self::Gone { .. } | Self::Request { .. } => false,
            Self::Mail(error) => error.is_passing(),
        }
    }
}

/// A `Payment_Request__c` as read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub record: SalesforceId,
    pub id: RequestId,
    pub kind: String,
    pub state: String,
    pub invoice: Option<SalesforceId>,
    pub link: Option<LinkId>,
    pub email: Option<String>,
    pub note: Option<String>,
    pub link_expires_ms: Option<i64>,
    pub expires_ms: Option<i64>,
    pub token_hash: Option<String>,
}

/// A query of requests, whose condition the caller appends; `lookup` is the org's field for the invoice.
fn request_query(lookup: &str) -> String {
    format!(
        "SELECT Id, Request_Id__c, Kind__c, State__c, {lookup}, Payment_Link__r.Link_Id__c, Email__c, Note__c, \
         Link_Expires_At__c, Expires_At__c, Token_Hash__c FROM Payment_Request__c WHERE"
    )
}

/// The Message-ID of a request's mail: the same letter after a crash has the same, and a re-send of the same link has
/// another.
pub fn message_id(request: &str, domain: &str) -> String {
    format!("<{}.request@{domain}>", request.to_lowercase())
}

const HANDED_OVER: &str = "Handed to the mail server.";
const NOT_SENT_AGAIN: &str = "Whether the mail server took the mail is not known, and the invoice can't be paid any more, \
    so it was not sent again.";

impl Links {
    pub fn new(payments: Payments, mailer: Mailer, link_key: SecretString, zone: TimeZone) -> Self {
        Self { payments, mailer, link_key, zone }
    }

    pub fn payments(&self) -> &Payments {
        &self.payments
    }

    /// The address that a link's mail holds.
    pub fn url(&self, link: &LinkId) -> String {
        format!("{}/p/{}", self.payments.settings().public_url, token(self.key(), link))
    }

    pub(in crate::engine) fn mailer(&self) -> &Mailer {
        &self.mailer
    }

    pub(in crate::engine) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn key(&self) -> &[u8] {
        self.link_key.expose_secret().as_bytes()
    }

    /// A value that only we can make, for one purpose.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        hex::encode(keyed(self.key(), purpose, text))
    }

    /// Reads a request back by its record id.
    pub async fn request(&self, record: &SalesforceId) -> Result<Request, Error> {
        let found = self.find(&format!("Id = {}", quoted(record.as_str())), Duration::from_secs(20)).await?;
        understand(&found.ok_or_else(|| Error::Gone { record: record.to_string() })?)
    }

    async fn find(&self, condition: &str, limit: Duration) -> Result<Option<Value>, Error> {
        let lookup = &self.payments.house().invoices.get().request_lookup;
        let soql = format!("{} {condition}", request_query(lookup));
        let found = self.payments.org().query(&soql, limit).await.map_err(PaymentsError::from)?;
        Ok(found.into_iter().next().map(|record| InvoiceMapping::canonical_lookup(lookup, record)))
    }

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
        let link = self.link_for(request, &invoice, asked, &address).await?;
        match (trace, unpayable) {
            (MailTrace::HandedOver, _) => self.tell_sent(request, &link, &invoice, HANDED_OVER).await,
            (_, Some(_)) => self.tell_sent(request, &link, &invoice, NOT_SENT_AGAIN).await,
            (_, None) => self.mail(request, &link, &invoice, &address, message, trace).await,
        }
    }

    async fn mail(
        &self,
        request: &Request,
        link: &Link,
        invoice: &Invoice,
        address: &str,
        message: String,
        trace: MailTrace,
    ) -> Result<(), Error> {
        let store = self.payments.store();
        store.record_mail(&message, "request", self.payments.now_ms()).await?;
        let letter = self.letter(request, invoice, link, address, message.clone()).await?;
        match self.mailer.send(&letter).await {
            Ok(()) => {
                store.mail_sent(&message, self.payments.now_ms()).await?;
                self.tell_sent(request, link, invoice, HANDED_OVER).await
            }
            Err(error) => {
                // Where an earlier try is in doubt, this one's refusal says nothing about that one.
                if trace == MailTrace::None && !error.may_have_been_taken() {
                    store.mail_not_taken(&message).await?;
                }
                match error {
                    mail::Error::RefusedAddress { .. } => {
                        let why = "The mail server says that this address does not exist. Correct it and send again.";
                        self.refuse(request, why).await
                    }
                    error => Err(error.into()),
                }
            }
        }
    }

    async fn unpayable(&self, invoice: &Invoice) -> Result<Option<&'static str>, Error> {
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
    async fn link_for(
        &self,
        request: &Request,
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
                if request.link_expires_ms.is_some() {
                    tx.extend_link(&link.id, request.link_expires_ms, now_ms).await?;
                }
                Link { expires_ms: request.link_expires_ms.or(link.expires_ms), ..link }
            }
            None => {
                let link = Link {
                    token_hash: token_hash(&token(self.key(), &asked)),
                    id: asked,
                    kind: LinkKind::Mailed,
                    invoice: invoice.id.clone(),
                    sent_to: Some(address.to_owned()),
                    note: request.note.clone(),
                    state: LinkState::Open,
                    made_ms: now_ms,
                    changed_ms: now_ms,
                    expires_ms: request.link_expires_ms,
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

    async fn letter_about(
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

    async fn tell_sent(&self, request: &Request, link: &Link, invoice: &Invoice, sentence: &str) -> Result<(), Error> {
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
        let write =
            answer(request, "Sent", sentence).telling(notice(request, "sent")).of(&format!("send:{}", request.id));
        tx.write_out(&write, now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    async fn refuse(&self, request: &Request, sentence: &str) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.write_out(&answer(request, "Refused", sentence).telling(notice(request, "refused")), now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    async fn done(&self, request: &Request, sentence: &str) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.write_out(&answer(request, "Done", sentence).telling(notice(request, "sent")), now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    /// Registers the link whose token the clerk holds: the request has its hash.
    pub async fn copy(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let invoice = invoice_of(request)?;
        let hash = request.token_hash.clone().filter(|hash| hash.len() == 64).ok_or_else(|| Error::Request {
            record: request.record.to_string(),
            why: "it holds no token hash".into(),
        })?;
        let now_ms = wall_ms();
        let link = Link {
            id: LinkId::parse(request.id.as_str())
                .map_err(|error| Error::Request { record: request.record.to_string(), why: error.to_string() })?,
            token_hash: hash,
            kind: LinkKind::Copied,
            invoice,
            sent_to: None,
            note: request.note.clone(),
            state: LinkState::Open,
            made_ms: now_ms,
            changed_ms: now_ms,
            expires_ms: request.link_expires_ms,
            locked_until_ms: None,
        };
        let mut tx = self.payments.store().begin().await?;
        tx.record_link_once(&link).await?;
        tx.write_out(&link_write(&link, "Open"), self.payments.now_ms()).await?;
        tx.commit().await?;
        self.done(request, "The link works.").await
    }

    /// Ends the link, and the card attempts under it.
    pub async fn revoke(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let Some(id) = &request.link else {
            return self.refuse(request, "The request names no payment link.").await;
        };
        let Some(link) = self.payments.store().link(id).await? else {
            return self.refuse(request, "This payment link is not known to the payment service.").await;
        };
        let mut tx = self.payments.store().begin().await?;
        let ended = tx.end_link(id, LinkState::Revoked, wall_ms()).await?;
        if ended {
            tx.write_out(&link_write(&link, "Revoked"), self.payments.now_ms()).await?;
        }
        tx.commit().await?;
        self.payments.release_link(id.as_str(), &link.invoice).await?;
        let sentence = if ended { "The link no longer works." } else { "The link had ended already." };
        self.done(request, sentence).await
    }

    /// Runs the sweep that somebody asked for.
    pub async fn sync_now(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let report = self.payments.sweep_events().await?;
        self.done(request, &format!("{} payments were read again at Stripe.", report.read)).await
    }

    /// A token that we don't know: the event may be late or lost, so the org is asked by its hash.
    pub async fn look_up(&self, hash: &str) -> Result<Option<Link>, Error> {
        let found = self.find(&format!("Token_Hash__c = {}", quoted(hash)), Duration::from_secs(2)).await?;
        let Some(found) = found else { return Ok(None) };
        let request = understand(&found)?;
        if matches!(request.state.as_str(), "Refused" | "Failed" | "Expired") {
            return Ok(None);
        }
        match request.kind.as_str() {
            "Copy Link" => self.copy(&Request { state: "Waiting".into(), ..request }).await?,
            "Take Payment" if request.state == "Waiting" => self.take(&request).await?,
            _ => return Ok(None),
        }
        Ok(self.payments.store().link_by_token_hash(hash).await?)
    }

    /// Mails a one-time code to the account's address as read at this moment; never to one typed for a send. Answers
    /// nothing about whether there is one.
    pub async fn send_code(&self, link: &Link) -> Result<(), Error> {
        const CODE_LIFE_MS: i64 = 15 * 60 * 1000;
        let invoice = self.payments.read_invoice(&link.invoice, Duration::from_secs(5)).await?;
        let Some(address) = invoice.account_email.clone() else { return Ok(()) };
        let code = six_digits();
        let now_ms = wall_ms();
        let code_id = uuid::Uuid::new_v4().to_string();
        let hash = self.code_hash(&link.id, &code);
        if !self.payments.store().record_code(&code_id, &link.id, &hash, now_ms, now_ms + CODE_LIFE_MS).await? {
            return Ok(());
        }
        let settings = self.payments.settings();
        let message_id = format!("<{code_id}.code@{}>", settings.mail_domain);
        self.payments.store().record_mail(&message_id, "code", self.payments.now_ms()).await?;
        let host = settings.public_url.split("//").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        let letter = Letter {
            to: Recipient { name: Some(invoice.account_name.clone()).filter(|name| !name.is_empty()), address },
            message_id: message_id.clone(),
            in_reply_to: None,
            at: Timestamp::now(),
            content: Content::Code {
                invoice: letter_invoice(&invoice),
                code,
                until: time_words(now_ms + CODE_LIFE_MS, &self.zone),
                page_host: host.to_owned(),
            },
            test: settings.test,
        };
        self.mailer.send(&letter).await?;
        Ok(self.payments.store().mail_sent(&message_id, self.payments.now_ms()).await?)
    }

    /// A code as stored: keyed, with the link's id.
    pub fn code_hash(&self, link: &LinkId, code: &str) -> String {
        self.sign("code", &format!("{link}:{code}"))
    }
}

fn letter_invoice(invoice: &Invoice) -> mail::Invoice {
    mail::Invoice { number: invoice.number.clone(), what_for: invoice.description.clone(), due: invoice.due }
}

/// Six digits, all equally likely.
fn six_digits() -> String {
    use rand::Rng;
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}

/// Whether somebody has answered this request before. One that failed is open to a Retry.
fn over(request: &Request) -> bool {
    matches!(request.state.as_str(), "Sent" | "Done" | "Refused" | "Expired")
}

fn invoice_of(request: &Request) -> Result<SalesforceId, Error> {
    request
        .invoice
        .clone()
        .ok_or_else(|| Error::Request { record: request.record.to_string(), why: "it names no invoice".into() })
}

fn answer(request: &Request, state: &str, sentence: &str) -> Write {
    Write::update("Payment_Request__c", request.record.as_str())
        .with("State__c", state)
        .with("Sentence__c", cut(sentence, 255))
}

fn notice(request: &Request, state: &str) -> Notice {
    let record = request.invoice.as_ref().unwrap_or(&request.record);
    Notice {
        record_id: record.as_str().to_owned(),
        request_id: request.id.as_str().to_owned(),
        state: state.to_owned(),
    }
}

fn understand(record: &Value) -> Result<Request, Error> {
    let id = text(record, "Id").unwrap_or_default();
    let wrong = |why: String| Error::Request { record: id.clone(), why };
    let time = |field: &str| match text(record, field) {
        None => Ok(None),
        // 2026-11-23T14:02:00.000+0000: the offset has no colon.
        Some(time) => parse_time(&time).map(Some).ok_or_else(|| wrong(format!("{field} is {time:?}"))),
    };
    let request_id = text(record, "Request_Id__c").unwrap_or_default();
    Ok(Request {
        record: SalesforceId::parse(&id).map_err(|error| wrong(error.to_string()))?,
        id: RequestId::parse(&request_id).map_err(|error| wrong(error.to_string()))?,
        kind: text(record, "Kind__c").unwrap_or_default(),
        state: text(record, "State__c").unwrap_or_default(),
        invoice: text(record, "Invoice__c").and_then(|id| SalesforceId::parse(&id).ok()),
        link: text(record, "Payment_Link__r.Link_Id__c").and_then(|id| LinkId::parse(&id).ok()),
        email: text(record, "Email__c"),
        note: text(record, "Note__c"),
        link_expires_ms: time("Link_Expires_At__c")?,
        expires_ms: time("Expires_At__c")?,
        token_hash: text(record, "Token_Hash__c").map(|hash| hash.to_ascii_lowercase()),
    })
}

fn parse_time(text: &str) -> Option<i64> {
    let parsed: Option<Timestamp> = text.parse().ok();
    let parsed = parsed.or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok());
    parsed.map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn salesforce_times_with_and_without_a_colon_are_read() {
        assert_eq!(parse_time("1970-01-01T00:00:01.000+0000"), Some(1_000));
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(parse_time("1970-01-01T02:00:01.500+0200"), Some(1_500));
        assert_eq!(parse_time("tomorrow"), None);
    }

    #[test]
    fn a_request_is_read_with_its_link_and_hash() {
        let record = json!({
            "Id": "a01D000000IqhSL", "Request_Id__c": "0b8f7e6c-1111-4222-8333-444455556666", "Kind__c": "Revoke Link",
            "State__c": "Waiting", "Invoice__c": "a00D000000IqhSL", "Payment_Link__r": {"Link_Id__c": "link-1"},
            "Email__c": null, "Note__c": " ", "Link_Expires_At__c": "2026-12-14T22:59:00.000+0000", "Expires_At__c": null,
            "Token_Hash__c": "ABCDEF",
        });
        let request = understand(&record).unwrap();
        assert_eq!(request.link.unwrap().as_str(), "link-1");
        assert_eq!(request.token_hash.as_deref(), Some("abcdef"));
        assert_eq!(request.note, None);
        assert_eq!(request.link_expires_ms, Some(1_797_289_140_000));
    }

    #[test]
    fn a_code_has_six_digits() {
        for _ in 0..100 {
            let code = six_digits();
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        }
    }
}
