//! The listening half: options, start, and the handle that the sandbox keeps.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::courier::{self, DeliveryLog};
use super::ledger::{Kind, Ledger};
use super::objects::{timers, webhook_endpoints};
use super::rates::{RateLimits, Rates};
use super::world::{Caller, World, public};
use super::{api, browser, control};
use crate::sandbox::faults::Faults;
use crate::sandbox::listen;
use crate::sandbox::request_log::RequestLog;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the Stripe stand-in can't listen on {address}: {source}; choose another port")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the Stripe stand-in can't read or write its state in {dir}: {source}")]
    State { dir: PathBuf, source: io::Error },
    #[error("the request log {path} can't be opened: {source}")]
    RequestLog { path: PathBuf, source: io::Error },
    #[error("the webhook client can't be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// How the stand-in is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where Stripe's side is kept over a restart; without it, it is gone.
    pub state_dir: Option<PathBuf>,
    /// A file that gets every request as a line of JSON.
    pub request_log: Option<PathBuf>,
    pub rate_limits: RateLimits,
    pub account_id: String,
    pub secret_key: String,
    pub publishable_key: String,
    /// Signs what goes to the address given to [`Stripe::set_webhook`].
    pub webhook_secret: String,
    /// How far search lags behind.
    pub search_lag_s: i64,
    pub clock: Arc<Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            state_dir: None,
            request_log: None,
            rate_limits: RateLimits::default(),
            account_id: "acct_1QuittanceSandbox".to_owned(),
            secret_key: "sk_test_quittance_sandbox".to_owned(),
            publishable_key: "pk_test_quittance_sandbox".to_owned(),
            webhook_secret: "whsec_quittance_sandbox".to_owned(),
            search_lag_s: 5,
            clock: Arc::new(Clock::default()),
        }
    }
}

/// What [`serve`] hands back. Dropping it stops nothing; cancel `shutdown` for that.
pub struct Served {
    pub addr: SocketAddr,
    pub handle: Arc<Stripe>,
    pub shutdown: CancellationToken,
}

/// The running stand-in.
pub struct Stripe {
    pub(super) world: Mutex<World>,
    pub(super) options: Options,
    pub(super) faults: Arc<Faults>,
    pub(super) rates: Mutex<Rates>,
    pub(super) rate_limits: Mutex<RateLimits>,
    pub(super) log: Mutex<RequestLog>,
    pub(super) deliveries: Mutex<DeliveryLog>,
    /// Idempotency keys and objects of requests that are being worked on.
    pub(super) busy: Mutex<HashSet<String>>,
    pub(super) wake: Notify,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stripe {
    /// Sends every event to `url` from now on, signed with the option's secret.
    pub fn set_webhook(&self, url: &str) {
        self.change(|world| webhook_endpoints::point_at(world, url, &self.options.webhook_secret));
    }

    /// Everything that the API would show, by kind, newest first.
    pub fn dump(&self) -> Value {
        let world = lock(&self.world);
        let kinds = [
            ("customers", Kind::Customer),
            ("payment_methods", Kind::PaymentMethod),
            ("bank_accounts", Kind::BankAccount),
            ("payment_intents", Kind::PaymentIntent),
            ("setup_intents", Kind::SetupIntent),
            ("charges", Kind::Charge),
            ("refunds", Kind::Refund),
            ("disputes", Kind::Dispute),
            ("mandates", Kind::Mandate),
            ("balance_transactions", Kind::BalanceTransaction),
            ("webhook_endpoints", Kind::WebhookEndpoint),
            ("events", Kind::Event),
        ];
        let shown = |kind| -> Value { world.ledger.newest_first(kind).map(show_with_deletion).collect() };
        Value::Object(kinds.iter().map(|(name, kind)| ((*name).to_owned(), shown(*kind))).collect())
    }

    /// The newest objects of a kind as the API shows them: `payment_intent`, `charge`, `event`, …
    pub fn newest(&self, object: &str, limit: usize) -> Vec<Value> {
        let Some(kind) = Kind::ALL.iter().copied().find(|kind| kind.name() == object) else { return Vec::new() };
        lock(&self.world).ledger.newest_first(kind).take(limit).map(show_with_deletion).collect()
    }

    /// How many objects of a kind there are.
    pub fn count(&self, object: &str) -> usize {
        let kind = Kind::ALL.iter().copied().find(|kind| kind.name() == object);
        kind.map_or(0, |kind| lock(&self.world).ledger.count(kind))
    }

    /// Requests taken and refused by endpoint.
    pub fn rate_use(&self) -> Value {
        lock(&self.rates).counters()
    }

    pub(super) fn timer_is_due(&self) -> bool {
        let world = lock(&self.world);
        let now = world.now_s();
        world.ledger.oldest_first(Kind::Timer).any(|timer| timer["at_s"].as_i64().is_some_and(|at| at <= now))
    }

    /// Changes the world, writes it down, and wakes whoever delivers.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut world = lock(&self.world);
        timers::run_due(&mut world);
        let result = act(&mut world);
        world.caller = Caller::default();
        if let Err(error) = world.ledger.commit() {
            tracing::error!(%error, "the stand-in's journal can't be written; a restart will have forgotten this change");
        }
        drop(world);
        self.wake.notify_one();
        result
    }
}

fn show_with_deletion(document: &Value) -> Value {
    let mut shown = public(document);
    if document["_deleted"] == true {
        shown["deleted"] = json!(true);
    }
    shown
}

/// Starts the stand-in and answers once it listens.
pub async fn serve(faults: Arc<Faults>, options: Options) -> Result<Served, Error> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let dir = options.state_dir.clone();
    let ledger =
        Ledger::open(dir.as_deref()).map_err(|source| Error::State { dir: dir.unwrap_or_default(), source })?;
    let path = options.request_log.clone();
    let log = RequestLog::open(path.as_deref())
        .map_err(|source| Error::RequestLog { path: path.unwrap_or_default(), source })?;
    if let Some(shift_s) = ledger.get(Kind::Setting, control::CLOCK_SETTING).and_then(|kept| kept["shift_s"].as_i64()) {
        options.clock.advance_s(shift_s - options.clock.shift_s());
    }
    let world = World {
        ledger,
        clock: options.clock.clone(),
        caller: Caller::default(),
        account_id: options.account_id.clone(),
        base_url: format!("http://{addr}"),
        search_lag_s: options.search_lag_s,
    };
    let stripe = Arc::new(Stripe {
        world: Mutex::new(world),
        rate_limits: Mutex::new(options.rate_limits),
        options,
        faults,
        rates: Mutex::default(),
        log: Mutex::new(log),
        deliveries: Mutex::default(),
        busy: Mutex::default(),
        wake: Notify::new(),
    });
    let shutdown = CancellationToken::new();
    let client = courier::client()?;
    tokio::spawn(courier::run(stripe.clone(), client, shutdown.clone()));
    let router =
        Router::new().merge(api::router()).merge(browser::router()).merge(control::router()).with_state(stripe.clone());
    tokio::spawn(listen::accept(listener, router, shutdown.clone()));
    Ok(Served { addr, handle: stripe, shutdown })
}
