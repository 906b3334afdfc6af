//! Starting and stopping the org's servers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use jiff::SignedDuration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::oauth::{Client, Clients, Sessions};
use super::pubsub::contract::pub_sub_server::PubSubServer;
use super::pubsub::{EventAccess, EventRights, PubSub};
use super::rest::{Api, Cursors, Refusal};
use super::shared::{Shared, refused};
use super::usage::Usage;
use super::{door, login, services};
use crate::sandbox::faults::Faults;
use crate::sandbox::org::Org;
use crate::sandbox::org::bus::Bus;
use crate::sandbox::org::host::Program;
use crate::sandbox::tls::{Alpn, Authority, Peer, TlsListener};

/// A request may carry a file of some size, in Base64.
const LARGEST_BODY_BYTES: usize = 64 << 20;
/// How long open requests may take when the servers stop.
const STOP_LIMIT: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the org can't listen on {addr}; is another sandbox running?")]
    Listen {
        addr: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Bus(#[from] crate::sandbox::org::bus::Error),
}

/// How the org is served.
pub struct Options {
    /// REST and OAuth; port 0 takes a free one.
    pub rest: SocketAddr,
    /// gRPC.
    pub pubsub: SocketAddr,
    /// Inactivity after which a session is over; 2 h in a real org.
    pub session_lifetime: SignedDuration,
    /// After how long without an event a subscriber hears that its stream is alive.
    pub keepalive: Duration,
    /// How long a subscriber that is owed nothing may stay silent before its stream is closed.
    pub idle_limit: Duration,
    /// API calls in a rolling day.
    pub daily_api_requests: u64,
    /// Apps that may ask for tokens.
    pub clients: Vec<Client>,
}

impl Default for Options {
    fn default() -> Options {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options {
            rest: any,
            pubsub: any,
            session_lifetime: SignedDuration::from_hours(2),
            keepalive: Duration::from_secs(60),
            idle_limit: Duration::from_secs(60),
            daily_api_requests: 101_000,
            clients: Vec::new(),
        }
    }
}

/// The running servers.
pub struct Served {
    pub rest_addr: SocketAddr,
    pub pubsub_addr: SocketAddr,
    /// `https://localhost:port`: login URL, instance URL and audience in one.
    pub url: String,
    pub sessions: Arc<Sessions>,
    pub clients: Arc<Clients>,
    pub usage: Arc<Usage>,
    /// The `/_sandbox` routes, for whoever wants to serve them under another address too.
    pub door: Router,
    /// Cancelling it stops the servers.
    pub shutdown: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

/// Serves the org: REST, OAuth and the console's door on one port, the Pub/Sub API on another, both over TLS.
pub async fn serve(
    org: Arc<Org>,
    program: Arc<dyn Program>,
    bus: Arc<Bus>,
    faults: Arc<Faults>,
    authority: &Authority,
    options: Options,
) -> Result<Served, Error> {
    bus.define(&org.schema())?;
    let listen = |addr, alpn| async move {
        TlsListener::bind(addr, authority, alpn).await.map_err(|source| Error::Listen { addr, source })
    };
    let rest = listen(options.rest, Alpn::Web).await?;
    let pubsub = listen(options.pubsub, Alpn::Grpc).await?;
    let (rest_addr, pubsub_addr) = (rest.addr(), pubsub.addr());
    let url = format!("https://localhost:{}", rest_addr.port());

    let clock = Arc::clone(&org.options().clock);
    let sessions =
        Arc::new(Sessions::new(org.org_id(), options.session_lifetime, Arc::clone(&clock), Arc::clone(&faults)));
    let users = Arc::clone(&org);
    let clients = Arc::new(Clients::new(Arc::new(move |username| users.user(username))));
    options.clients.into_iter().for_each(|client| clients.register(client));
    let usage = Arc::new(Usage::new(options.daily_api_requests));
    let api = Api { bus: Arc::clone(&bus), usage: Arc::clone(&usage), cursors: Cursors::default() };
    let shared = Arc::new(Shared {
        audiences: audiences(&url, org.options().is_sandbox),
        org: Arc::clone(&org),
        program,
        bus: Arc::clone(&bus),
        faults: Arc::clone(&faults),
        sessions: Arc::clone(&sessions),
        clients: Arc::clone(&clients),
        usage: Arc::clone(&usage),
        api,
        login_url: url.clone(),
    });
    let rights: EventRights = Arc::new(move |user, event| {
        let access = org.object_access(user, event);
        EventAccess { publish: access.create, subscribe: access.read }
    });
    let service = PubSub {
        bus,
        sessions: Arc::clone(&sessions),
        faults,
        rights,
        keepalive: options.keepalive,
        idle_limit: options.idle_limit,
    };

    let shutdown = CancellationToken::new();
    let door = door::router(Arc::clone(&shared));
    let app = routes(shared).merge(door.clone()).into_make_service_with_connect_info::<Peer>();
    let web = axum::serve(rest, app).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let grpc = tonic::transport::Server::builder()
        .add_service(PubSubServer::new(service))
        .serve_with_incoming_shutdown(pubsub.into_stream(), shutdown.clone().cancelled_owned());
    let servers = vec![
        tokio::spawn(async move {
            if let Err(error) = web.await {
                tracing::error!(%error, "the org's REST server ended");
            }
        }),
        tokio::spawn(async move {
            if let Err(error) = grpc.await {
                tracing::error!(%error, "the org's Pub/Sub server ended");
            }
        }),
    ];
    Ok(Served { rest_addr, pubsub_addr, url, sessions, clients, usage, door, shutdown, servers })
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/services/oauth2/token", post(login::token))
        .route("/services/oauth2/revoke", any(login::revoke))
        .route("/services/oauth2/userinfo", any(login::userinfo))
        .route("/id/{organization}/{user}", get(login::id))
        .route("/services/data", get(services::list_versions))
        .route("/services/data/", get(services::list_versions))
        .route("/services/data/{*rest}", any(services::data))
        .fallback(|| async { refused(&Refusal::not_found()).into_response() })
        .layer(DefaultBodyLimit::max(LARGEST_BODY_BYTES))
        .with_state(shared)
}

/// What an assertion may name as its audience.
fn audiences(url: &str, is_sandbox: bool) -> Vec<String> {
    let mut audiences = vec![url.to_owned(), url.replace("localhost", "127.0.0.1")];
    audiences.push("https://login.salesforce.com".to_owned());
    if is_sandbox {
        audiences.push("https://test.salesforce.com".to_owned());
    }
    audiences
}

impl Served {
    /// Stops the servers; what is still open after a second is cut.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        for mut server in std::mem::take(&mut self.servers) {
            if tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err() {
                server.abort();
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.servers.iter().for_each(JoinHandle::abort);
    }
}
