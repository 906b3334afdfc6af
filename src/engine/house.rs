//! What every part of the engine shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock::SteadyClock;
use super::customer_list::CustomerList;
use super::mapping::KnownMapping;
use crate::salesforce;
use crate::store::Store;

/// The engine's surroundings. Cheap to clone.
#[derive(Clone)]
pub struct House {
    /// The database.
    pub store: Store,
    /// The org.
    pub salesforce: salesforce::Client,
    /// Time for waiting.
    pub clock: SteadyClock,
    /// Which object is the invoice.
    pub invoices: KnownMapping,
    /// Rung when commands came in.
    pub commands_came: Arc<Notify>,
    /// Rung when something lies in the outbox.
    pub outbox_filled: Arc<Notify>,
    /// Cancelled when the daemon is to stop.
    pub stop: CancellationToken,
    /// Customers at Stripe, listed once for all who look for theirs.
    pub customer_list: Arc<CustomerList>,
    me: Arc<RwLock<String>>,
    in_doubt: Arc<AtomicBool>,
}

impl House {
    /// Puts it together.
    pub fn new(store: Store, salesforce: salesforce::Client, clock: SteadyClock, stop: CancellationToken) -> Self {
        let me = Arc::new(RwLock::new(uuid::Uuid::new_v4().to_string()));
        Self {
            store,
            salesforce,
            clock,
            invoices: KnownMapping::default(),
            commands_came: Arc::default(),
            outbox_filled: Arc::default(),
            stop,
            customer_list: Arc::default(),
            me,
            in_doubt: Arc::default(),
        }
    }

    /// Under which name this sidecar holds its claims; it changes when others took us for dead.
    pub fn me(&self) -> String {
        self.me.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a new name, which is entered in the database already: what the old one still holds is free once it is buried.
    pub fn rename(&self, name: &str) {
        name.clone_into(&mut self.me.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The database failed while something was claimed: it may be ours, and we don't know what.
    pub fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Release);
    }

    /// Whether there was doubt since the last time.
    pub fn had_doubt(&self) -> bool {
        self.in_doubt.swap(false, Ordering::AcqRel)
    }

    /// The steady clock.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
