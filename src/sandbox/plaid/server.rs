//! The listening half: options, start, and the handle that the sandbox keeps.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::store::{Kind, Store};
use super::world::World;
use super::{api, control, courier, keys, link};
use crate::sandbox::clock::Clock;
use crate::sandbox::faults::Faults;
use crate::sandbox::listen;
use crate::sandbox::request_log::RequestLog;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the Plaid stand-in can't listen on {address}: {source}; choose another port")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the Plaid stand-in can't read or write its state in {dir}: {source}")]
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
    /// Where Plaid's side is kept over a restart; without it, it is gone.
    pub state_dir: Option<PathBuf>,
    /// A file that gets every request as a line of JSON.
    pub request_log: Option<PathBuf>,
    pub client_id: String,
    pub secret: String,
    /// Origins of redirect addresses that the dashboard allows, as `http://127.0.0.1:8080`.
    pub redirect_origins: Vec<String>,
    /// The linked Stripe account: the control address of its stand-in.
    pub stripe_control_url: Option<String>,
    pub clock: Arc<Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            state_dir: None,
            request_log: None,
            client_id: "quittance_sandbox_client".to_owned(),
            secret: "quittance_sandbox_secret".to_owned(),
            redirect_origins: Vec::new(),
            stripe_control_url: None,
            clock: Arc::new(Clock::default()),
        }
    }
}

/// What [`serve`] hands back. Dropping it stops nothing; cancel `shutdown` for that.
pub struct Served {
    pub addr: SocketAddr,
    pub handle: Arc<Plaid>,
    pub shutdown: CancellationToken,
}

/// The running stand-in.
pub struct Plaid {
    pub(super) world: Mutex<World>,
    pub(super) options: Options,
    pub(super) faults: Arc<Faults>,
    pub(super) log: Mutex<RequestLog>,
    pub(super) deliveries: Mutex<Vec<serde_json::Value>>,
    pub(super) client: reqwest::Client,
    pub(super) wake: Notify,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Plaid {
    /// Changes the world, writes it down, and wakes whoever delivers.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut world = lock(&self.world);
        let result = act(&mut world);
        if let Err(error) = world.store.commit() {
            tracing::error!(%error, "the stand-in's journal can't be written; a restart will have forgotten this change");
        }
        drop(world);
        self.wake.notify_one();
        result
    }
}

/// Starts the stand-in and answers once it listens.
pub async fn serve(faults: Arc<Faults>, options: Options) -> Result<Served, Error> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let dir = options.state_dir.clone();
    let store = Store::open(dir.as_deref()).map_err(|source| Error::State { dir: dir.unwrap_or_default(), source })?;
    let path = options.request_log.clone();
    let log = RequestLog::open(path.as_deref())
        .map_err(|source| Error::RequestLog { path: path.unwrap_or_default(), source })?;
    let world = World {
        store,
        clock: options.clock.clone(),
        base_url: format!("http://{addr}"),
        redirect_origins: options.redirect_origins.clone(),
    };
    let plaid = Arc::new(Plaid {
        world: Mutex::new(world),
        options,
        faults,
        log: Mutex::new(log),
        deliveries: Mutex::default(),
        client: courier::client()?,
        wake: Notify::new(),
    });
    plaid.change(|world| {
        if world.store.all(Kind::Key).is_empty() && keys::rotate(world).is_err() {
            tracing::error!("no key for Plaid's webhooks could be made; they go out unsigned and will be refused");
        }
    });
    let shutdown = CancellationToken::new();
    tokio::spawn(courier::run(plaid.clone(), shutdown.clone()));
    let router =
        Router::new().merge(link::router()).merge(control::router()).fallback(api::handle).with_state(plaid.clone());
    tokio::spawn(listen::accept(listener, router, shutdown.clone()));
    Ok(Served { addr, handle: plaid, shutdown })
}
