//! Payment links: sent, copied, replaced, revoked; and the one-time codes mailed from their pages.

mod charge;
mod codes;
mod desk;
mod instead;
mod pages;
mod renewal;
mod request;
mod send;

use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

pub use self::instead::{Instead, waits_for_customer};
pub use self::pages::NotMailed;
pub use self::request::Request;
use self::request::{invoice_of, over, understand};
pub(in crate::engine) use self::send::mailed_instead;
use super::clock::wall_ms;
use super::payments::{Error as PaymentsError, OrgError, Payments, link_write, quoted};
use crate::domain::LinkId;
use crate::domain::link::{LinkKind, LinkState, keyed, token};
use crate::mail::{self, Mailer};
use crate::store;
use crate::store::links::Link;

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
    /// Whether it was charged is not known, or can't be asked now.
    #[error("{0}")]
    NotNow(&'static str),
}

impl Error {
    /// Whether the command should be tried again by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::NotNow(_) => true,
            Self::Payments(PaymentsError::Stripe(error)) => error.retry() != crate::stripe::Retry::Never,
            Self::Payments(PaymentsError::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => true,
            Self::Payments(PaymentsError::Store(_)) => true,
            Self::Payments(_) | Self::Gone { .. } | Self::Request { .. } => false,
            Self::Mail(error) => error.is_passing(),
        }
    }
}

/// The Message-ID of a request's mail: the same letter after a crash has the same, and a re-send of the same link has
/// another.
pub fn message_id(request: &str, domain: &str) -> String {
    format!("<{}.request@{domain}>", request.to_lowercase())
}

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
        let read = match report.read {
            1 => "1 payment was read again at Stripe.".to_owned(),
            many => format!("{many} payments were read again at Stripe."),
        };
        self.done(request, &read).await
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
}
