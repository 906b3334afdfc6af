//! Taking payments: the room on an invoice, the intents at Stripe, and the booking of what Stripe says.

mod book;
mod customer;
mod facts;
mod invoice;
mod org;
mod read;
mod records;
mod release;
mod start;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use book::Booked;
pub use facts::ReceiptFacts;
pub use invoice::{Freshness, Invoice, InvoiceStatus, KnownInvoice};
pub use org::{Org, OrgError};
pub use read::{Outcome, Reading};
pub use start::{Choice, Method, Refused, Started, Wish};
pub use sweep::SweepReport;

use super::clock::SteadyClock;
use crate::domain::payable::Standing;
use crate::domain::{MoneyError, OrgId, SalesforceId};
use crate::store::{self, Store};
use crate::stripe;

/// What taking payments needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub org: OrgId,
    /// Where the payer's browser finds us, without a slash at the end.
    pub public_url: String,
    /// The part after `@` of our Message-IDs.
    pub mail_domain: String,
    /// A test key: no money moves, and receipts say so.
    pub test: bool,
}

/// Everything that takes payments, shared by the pages, the commands and the loops.
#[derive(Clone)]
pub struct Payments(Arc<Inner>);

struct Inner {
    store: Store,
    stripe: stripe::Client,
    org: Org,
    clock: SteadyClock,
    settings: Settings,
    /// False until the first sweep has adopted the intents that this database doesn't know.
    open: AtomicBool,
}

/// What can go wrong with taking or booking a payment.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Stripe(#[from] stripe::Error),
    #[error(transparent)]
    Org(#[from] OrgError),
    #[error("the amounts of this payment can't be reckoned with: {0}")]
    Money(#[from] MoneyError),
    #[error("Stripe's answer about {stripe_id} can't be booked: {why}")]
    Unbookable { stripe_id: String, why: String },
}

impl Payments {
    pub fn new(store: Store, stripe: stripe::Client, org: Org, clock: SteadyClock, settings: Settings) -> Self {
        Self(Arc::new(Inner { store, stripe, org, clock, settings, open: AtomicBool::new(false) }))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn stripe(&self) -> &stripe::Client {
        &self.0.stripe
    }

    pub fn org(&self) -> &Org {
        &self.0.org
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The steady clock, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// Whether Pay works: the first sweep has run.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    fn opens(&self) {
        self.0.open.store(true, Ordering::Release);
    }

    /// Where an invoice stands by what we know: its copy, our ledger, and the attempts that hold room.
    pub async fn standing(&self, invoice: &Invoice) -> Result<Standing, Error> {
        let mut tx = self.store().reading().await?;
        standing(&mut tx, invoice).await
    }
}

/// The same inside a transaction; the decision to take room rests on it with the invoice locked.
pub(super) async fn standing(tx: &mut store::Tx, invoice: &Invoice) -> Result<Standing, Error> {
    let ledger = tx.counted(&invoice.id).await?;
    let settled = crate::domain::payable::settled(invoice.total, &ledger, &invoice.org_payments)?;
    let mut reserved = crate::domain::Money::zero(invoice.total.currency());
    let attempts = tx.open_attempts_of(&invoice.id).await?;
    let elsewhere = tx.processing_elsewhere(&invoice.id).await?;
    for amount in attempts.iter().map(|attempt| attempt.amount).chain(elsewhere) {
        // Room of another currency: the invoice's currency was changed, and the review cancels what is open.
        if amount.currency() == reserved.currency() {
            reserved = reserved.plus(amount)?;
        }
    }
    Ok(Standing { total: invoice.total, settled, reserved })
}

/// The name under which everything that decides about an invoice's room is serialised.
pub(super) fn lock_name(invoice: &SalesforceId) -> String {
    format!("invoice:{invoice}")
}
