//! Taking payments: the room on an invoice, the intents at Stripe, and the booking of what Stripe says.

mod answers;
mod book;
mod confirm;
mod customer;
mod facts;
mod giving_up;
mod invoice;
mod ledger;
mod numbers;
mod org;
mod owner;
mod read;
mod readings;
mod records;
mod release;
mod seen;
mod start;
mod stored;
mod sweep;
mod typed;
mod verifying;
mod work;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use book::Booked;
pub use confirm::NotConfirmed;
pub use facts::{EarlierPayment, ReceiptFacts, Sum};
pub use giving_up::BOOK;
pub use invoice::{Freshness, Invoice, InvoiceStatus, KnownInvoice};
pub use org::{Org, OrgError, quoted, text};
pub use read::{Outcome, Reading};
pub use records::{link_state, link_write, time_text};
pub use start::{Choice, Method, Refused, Started, Wish};
pub use sweep::SweepReport;
pub(in crate::engine) use verifying::PageLetter;
pub use verifying::{
    Accepted, AccountAgreed, AccountRefused, AccountReview, NewAccount, PageRefused, PageReview, Told, Values,
    sentence, tries_left,
};
pub use work::run;

use super::banks::Banks;
use super::house::House;
use crate::domain::payable::Standing;
use crate::domain::{MoneyError, OrgId, SalesforceId};
use crate::store::attempts::AttemptState;
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
    /// What follows the account's prefix on card statements; the page says it.
    pub statement_descriptor_suffix: Option<String>,
    /// Who is paid, as customers know it.
    pub company: String,
    /// Who is paid, in an authorisation to debit.
    pub legal_name: String,
    /// How an authorisation given on the phone is taken back: telephone, e-mail.
    pub contact: String,
    /// In which days are told.
    pub zone: jiff::tz::TimeZone,
    /// Between two sweeps of Stripe's events.
    pub sweep_every: Duration,
    /// Between two listings of the payments themselves.
    pub listing_every: Duration,
    pub desk: Desk,
}

/// What clerks may do on the phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// Clerks type callers' cards into Stripe's fields.
    pub take_cards: bool,
    /// Stripe takes this account's phone orders as such (MOTO).
    pub moto: bool,
}

/// Everything that takes payments, shared by the pages, the commands and the loops.
#[derive(Clone)]
pub struct Payments(Arc<Inner>);

struct Inner {
    house: House,
    stripe: stripe::Client,
    org: Org,
    settings: Settings,
    /// False until the first sweep has adopted the intents that this database doesn't know.
    open: AtomicBool,
    /// When that was, in seconds of the wall clock.
    opened_s: AtomicI64,
    /// Something is to be read or sent now rather than at the next round.
    nudge: tokio::sync::Notify,
    readings: readings::Readings,
    carrying: verifying::Turns,
    /// Where customers may pay by bank.
    banks: OnceLock<Banks>,
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
    #[error("payments are not taken before the first sweep of Stripe has run through")]
    NotOpen,
}

impl Payments {
    pub fn new(house: House, stripe: stripe::Client, settings: Settings) -> Self {
        let org = Org::new(house.salesforce.clone());
        Self(Arc::new(Inner {
            house,
            stripe,
            org,
            settings,
            open: AtomicBool::new(false),
            opened_s: AtomicI64::new(i64::MAX),
            nudge: tokio::sync::Notify::new(),
            readings: readings::Readings::new(),
            carrying: verifying::Turns::default(),
            banks: OnceLock::new(),
        }))
    }

    pub fn store(&self) -> &Store {
        &self.0.house.store
    }

    pub fn stripe(&self) -> &stripe::Client {
        &self.0.stripe
    }

    pub(in crate::engine) fn house(&self) -> &House {
        &self.0.house
    }

    /// From now on customers may pay by bank. Called once, while the daemon is put together.
    pub fn offer_banks(&self, banks: Banks) {
        if self.0.banks.set(banks).is_err() {
            tracing::error!("bank payments were offered twice; the first stays");
        }
    }

    pub fn banks(&self) -> Option<&Banks> {
        self.0.banks.get()
    }

    fn carrying(&self) -> &verifying::Turns {
        &self.0.carrying
    }

    fn readings(&self) -> &readings::Readings {
        &self.0.readings
    }

    pub fn org(&self) -> &Org {
        &self.0.org
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The steady clock, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.0.house.now_ms()
    }

    /// Whether Pay works: the first sweep has run.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    /// Under which name this sidecar takes work.
    pub(in crate::engine) fn sidecar(&self) -> String {
        self.0.house.me()
    }

    /// Something lies in the outbox.
    pub(in crate::engine) fn outbox_filled(&self) {
        self.0.house.outbox_filled.notify_one();
    }

    /// Wakes the loop that follows hints and receipts.
    pub fn nudge(&self) {
        self.0.nudge.notify_one();
    }

    /// Returns when somebody nudged since the last time.
    pub async fn nudged(&self) {
        self.0.nudge.notified().await;
    }

    fn opened_s(&self) -> i64 {
        self.0.opened_s.load(Ordering::Acquire)
    }

    fn opens(&self) {
        self.0.opened_s.store(super::clock::wall_ms() / 1000, Ordering::Release);
        self.0.open.store(true, Ordering::Release);
    }

    /// Where an invoice stands by what we know: its copy, our ledger, and the attempts that hold room.
    pub async fn standing(&self, invoice: &Invoice) -> Result<Standing, Error> {
        let mut tx = self.store().reading().await?;
        standing(&mut tx, invoice).await
    }
}

/// The same inside a transaction; the decision to take room rests on it with the invoice locked.
pub(in crate::engine) async fn standing(tx: &mut store::Tx, invoice: &Invoice) -> Result<Standing, Error> {
    let ledger = tx.counted(&invoice.id).await?;
    let settled = crate::domain::payable::settled(invoice.total, &ledger, &invoice.org_payments)?;
    let mut reserved = crate::domain::Money::zero(invoice.total.currency());
    let mut on_its_way = reserved;
    let attempts = tx.open_attempts_of(&invoice.id).await?;
    let attempts = attempts.iter().map(|attempt| (attempt.amount, attempt.state == AttemptState::Processing));
    let elsewhere = tx.processing_elsewhere(&invoice.id).await?;
    for (amount, moves) in attempts.chain(elsewhere.into_iter().map(|amount| (amount, true))) {
        // Room of another currency: the invoice's currency was changed, and the review cancels what is open.
        if amount.currency() == reserved.currency() {
            reserved = reserved.plus(amount)?;
            on_its_way = if moves { on_its_way.plus(amount)? } else { on_its_way };
        }
    }
    Ok(Standing { total: invoice.total, settled, reserved, on_its_way })
}

/// The name under which everything that decides about an invoice's room is serialised.
pub(super) fn lock_name(invoice: &SalesforceId) -> String {
    format!("invoice:{invoice}")
}
