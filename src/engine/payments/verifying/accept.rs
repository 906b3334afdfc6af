//! The customer accepts the authorisation on the mailed page, or does not.

use super::told::{DECLINED, NOT_ACCEPTED, NOT_OPEN, WITHDRAWN};
use crate::domain::mandate::{self, Terms};
use crate::domain::payable::admit;
use crate::domain::verification::{Stage, ran_out};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Invoice, InvoiceStatus, OrgError, Payments};
use crate::engine::receipts::{date_words, money_words};
use crate::store::verifications::Verification;

/// What the page shows before the press.
#[derive(Clone, Debug)]
pub struct PageReview {
    pub invoice: Invoice,
    pub text: String,
}

/// The press, with what is kept of it as evidence.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Of the text that was shown.
    pub text_hash: String,
    pub address: String,
    pub user_agent: String,
}

/// Why nothing was accepted. Nothing was charged, and Stripe was not asked to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRefused {
    /// The first sweep since the start has not ended.
    NotYet,
    CannotCheck,
    /// A day has passed.
    RanOut,
    /// The invoice can't be paid any more.
    Withdrawn,
    /// That much is no longer open on it.
    NotOpen,
    /// The text is another one than was shown.
    Changed,
}

impl PageRefused {
    /// The reason that ends it for good, if it does.
    fn ends(self) -> Option<&'static str> {
        match self {
            Self::RanOut => Some(NOT_ACCEPTED),
            Self::Withdrawn => Some(WITHDRAWN),
            Self::NotOpen => Some(NOT_OPEN),
            Self::NotYet | Self::CannotCheck | Self::Changed => None,
        }
    }
}

type Reviewed<T> = Result<Result<T, PageRefused>, Error>;

impl Payments {
    /// The day that it is where the company is, written out.
    pub(super) fn today(&self) -> String {
        date_words(jiff::Timestamp::now().to_zoned_datetime(self.settings().zone.clone()).date())
    }

    /// The text to accept, with invoice and amount looked at again. Changes nothing.
    pub async fn page_review(&self, one: &Verification) -> Reviewed<PageReview> {
        if ran_out(one.made_ms, self.now_ms()) {
            return Ok(Err(PageRefused::RanOut));
        }
        if !self.is_open() {
            return Ok(Err(PageRefused::NotYet));
        }
        let invoice = match self.known_invoice(&one.invoice).await {
            Ok(known) => known.invoice,
            Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => {
                return Ok(Err(PageRefused::CannotCheck));
            }
            Err(Error::Org(OrgError::Missing { .. })) => return Ok(Err(PageRefused::Withdrawn)),
            Err(error) => return Err(error),
        };
        // Another account's invoice now: its customer at Stripe is another one too.
        if invoice.status != InvoiceStatus::Open || invoice.account != one.account {
            return Ok(Err(PageRefused::Withdrawn));
        }
        if admit(self.standing(&invoice).await?.offered()?, one.amount).is_err() {
            return Ok(Err(PageRefused::NotOpen));
        }
        let terms = Terms {
            company: &self.settings().legal_name,
            contact: &self.settings().contact,
            holder: Some(&one.holder),
            bank: &one.bank,
            last4: &one.last4,
            amount: &money_words(one.amount),
            invoice: &invoice.number,
            standing: false,
        };
        let text = mandate::page_text(&terms, one.routing.as_deref(), &self.today());
        Ok(Ok(PageReview { invoice, text }))
    }

    /// The press that authorises. The evidence is durable before Stripe is asked, which the caller goes on to by `carry_on`.
    /// One that was accepted before, in another window perhaps, is left as it was.
    pub async fn accept(&self, one: &Verification, accepted: &Accepted) -> Reviewed<()> {
        if one.stage != Stage::Agreeing {
            return Ok(Ok(()));
        }
        let review = match self.page_review(one).await? {
            Ok(review) => review,
            Err(no) => {
                if let Some(reason) = no.ends() {
                    self.end_not_agreed(&one.id, reason).await?;
                }
                return Ok(Err(no));
            }
        };
        let text_hash = mandate::hash(&review.text);
        if text_hash != accepted.text_hash {
            return Ok(Err(PageRefused::Changed));
        }
        self.change(&one.id, |one| {
            if one.stage == Stage::Agreeing {
                one.stage = Stage::Starting;
                one.accepted_ms = Some(wall_ms());
                one.address = Some(accepted.address.clone());
                one.user_agent = Some(accepted.user_agent.chars().take(500).collect());
                one.version = mandate::PAGE_VERSION.to_owned();
                one.text = review.text;
                one.text_hash = text_hash;
            }
        })
        .await?;
        Ok(Ok(()))
    }

    /// "I don't agree." One that was accepted before is not touched by it.
    pub async fn decline(&self, one: &Verification) -> Result<(), Error> {
        self.end_not_agreed(&one.id, DECLINED).await
    }

    /// Ends what nobody accepted within a day.
    pub(in crate::engine::payments) async fn end_not_accepted(&self) -> Result<(), Error> {
        for id in self.store().verifications_not_accepted(self.now_ms()).await? {
            self.end_not_agreed(&id, NOT_ACCEPTED).await?;
        }
        Ok(())
    }

    async fn end_not_agreed(&self, id: &str, reason: &str) -> Result<(), Error> {
        self.change(id, |one| {
            if one.stage == Stage::Agreeing {
                one.stage = Stage::Stopped;
                one.reason = Some(reason.to_owned());
            }
        })
        .await
    }
}
