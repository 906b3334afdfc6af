//! Starts the whole sandbox: the stand-ins in this process, the daemon as a child of it, and `endpoints.json` last,
//! when everything answers.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::clock::Clock;
use super::daemon::{self, Daemon};
use super::faults::{Faults, UnknownFault};
use super::load::{self, Endpoints, World, endpoints};
use super::org::bus::{self, Bus};
use super::org::host::Program;
use super::org::wire::oauth::{Client, PublicKey};
use super::org::{ADMINISTRATOR, CLERK, INTEGRATION, Org, OrgOptions, apex, wire};
use super::tls::Authority;
use super::{mailbox, plaid, seed, stripe};

/// The key with which the sandbox's client app signs its assertions. It opens nothing but a sandbox on this machine.
const CLIENT_KEY: &str = include_str!("keys/client.pem");
const CLIENT_KEY_PUBLIC: &str = include_str!("keys/client.pub.pem");
const CLIENT_ID: &str = "quittance-sandbox-client";
const CLIENT_SECRET: &str = "quittance-sandbox-secret";
/// Key in addresses, username, name and permission set.
const PEOPLE: &[(&str, &str, &str, &str)] = &[
    ("clerk", CLERK, "Clara Clerk", "Quittance_Clerk"),
    ("admin", "manager@sandbox.example", "Mara Manager", "Quittance_Admin"),
    ("viewer", "viewer@sandbox.example", "Vera Viewer", "Quittance_Viewer"),
];
const API_VERSION: &str = "66.0";

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its state and `endpoints.json` live.
    pub dir: PathBuf,
    /// The package's source folders.
    pub package: Vec<PathBuf>,
    /// The `quittance` binary, to be started as the daemon.
    pub program: PathBuf,
    /// The daemon's database; SQLite in `dir` where `None`.
    pub database: Option<String>,
    /// 0 takes a free port.
    pub console_port: u16,
    pub page_port: u16,
    /// Faults that are on from the start, with their rates.
    pub faults: Vec<(String, f64)>,
    pub seed: u64,
    /// Whether an empty org gets its small company.
    pub plant: bool,
    /// Whether the daemon is started.
    pub daemon: bool,
    /// How the daemon signs in: `client_credentials` or `jwt`.
    pub auth: String,
    /// Whether Stripe's rate limits are those of a live account (100 a second) or of a test key (25).
    pub live_rates: bool,
    /// Where the built Lightning components are, for the console; it works without them.
    pub lightning: PathBuf,
    /// A file for every request that reaches Stripe.
    pub request_log: Option<PathBuf>,
    /// A file for every request that reaches Plaid.
    pub plaid_request_log: Option<PathBuf>,
    /// Whether the banks' clock can be moved forward.
    pub clock: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("no port could be taken on this machine: {0}")]
    Port(#[source] std::io::Error),
    #[error("the package's Apex does not load: {0}")]
    Apex(String),
    #[error(transparent)]
    Org(#[from] super::org::OrgError),
    #[error("the event bus: {0}")]
    Bus(#[from] bus::Error),
    #[error("the org's protocols: {0}")]
    Wire(#[from] wire::Error),
    #[error("the certificate authority: {0}")]
    Tls(#[from] super::tls::Error),
    #[error("the sandbox's client key: {0}")]
    Key(String),
    #[error("the Stripe stand-in: {0}")]
    Stripe(#[from] stripe::Error),
    #[error("the Plaid stand-in: {0}")]
    Plaid(#[from] plaid::Error),
    #[error("the mailbox: {0}")]
    Mailbox(#[source] std::io::Error),
    #[error(transparent)]
    Fault(#[from] UnknownFault),
    #[error(transparent)]
    Load(#[from] load::Error),
    #[error(transparent)]
    Daemon(#[from] daemon::Error),
    #[error("the seeded user {0} is missing")]
    NoUser(&'static str),
}

/// A running sandbox. Everything but the daemon ends when it is dropped; [`Running::stop`] ends the daemon as a service
/// manager would.
pub struct Running {
    pub endpoints: Endpoints,
    pub world: World,
    pub daemon: Arc<Daemon>,
    pub faults: Arc<Faults>,
    org: Arc<Org>,
    shutdown: Vec<tokio_util::sync::CancellationToken>,
    _wire: wire::Served,
    _mailbox: mailbox::Served,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Running {
    pub async fn stop(self) {
        self.daemon.stop(Duration::from_secs(20)).await;
        for token in &self.shutdown {
            token.cancel();
        }
    }

    pub fn org(&self) -> &Arc<Org> {
        &self.org
    }
}

/// Starts everything, plants the company in an empty org, and writes `endpoints.json`.
pub async fn start(options: Options) -> Result<Running, Error> {
    let dir = options.dir.clone();
    make_dir(&dir)?;
    let faults = Arc::new(Faults::new(options.seed));
    let authority = Authority::open(&dir.join("tls"))?;
    // Held until everything else has its port, so that nothing else takes this one.
    let page = TcpListener::bind((Ipv4Addr::LOCALHOST, options.page_port)).map_err(Error::Port)?;
    let page_url = format!("http://{}", page.local_addr().map_err(Error::Port)?);
    let (org, served) = start_org(&options, &page_url, &authority, &faults).await?;
    let fresh = org.records("Account").is_empty();
    // Stripe, Plaid and the banks behind them share one clock; everything else lives on the machine's.
    let clock = Arc::new(if options.clock { Clock::movable() } else { Clock::default() });
    let stripe = start_stripe(&options, &faults, &clock).await?;
    let stripe_control = format!("http://{}/_sandbox", stripe.addr);
    let plaid_options = plaid::Options {
        state_dir: Some(dir.join("plaid")),
        request_log: options.plaid_request_log.clone(),
        redirect_origins: vec![page_url.clone()],
        stripe_control_url: Some(stripe_control.clone()),
        clock,
        ..plaid::Options::default()
    };
    let (plaid_id, plaid_secret) = (plaid_options.client_id.clone(), plaid_options.secret.clone());
    let plaid = plaid::serve(Arc::clone(&faults), plaid_options).await?;
    let mail_dir = dir.join("mail");
    let mailbox =
        mailbox::serve(Arc::clone(&faults), mailbox::Options { dir: Some(mail_dir), ..mailbox::Options::default() })
            .await
            .map_err(Error::Mailbox)?;

    let console =
        tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.console_port)).await.map_err(Error::Port)?;
    let console_url = format!("http://{}", console.local_addr().map_err(Error::Port)?);
    stripe.handle.set_webhook(&format!("{page_url}/webhooks/stripe"));

    let lightning =
        super::console::Lightning { assets: options.lightning.clone(), people: people(&org, &served.sessions)? };
    let user = |name: &'static str| org.user(name).ok_or(Error::NoUser(name));
    let key_file = dir.join("client.pem");
    write(&key_file, CLIENT_KEY)?;
    let endpoints = Endpoints {
        version: 1,
        salesforce: endpoints::Salesforce {
            login_url: served.url.clone(),
            instance_url: served.url.clone(),
            pubsub: format!("localhost:{}", served.pubsub_addr.port()),
            org_id: org.org_id().to_owned(),
            username: INTEGRATION.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            private_key_file: key_file.display().to_string(),
            api_version: API_VERSION.to_owned(),
            admin_token: served.sessions.start_lasting(user(ADMINISTRATOR)?).token.clone(),
            clerk_token: served.sessions.start_lasting(user(CLERK)?).token.clone(),
        },
        stripe: endpoints::Stripe {
            api_url: format!("http://{}", stripe.addr),
            js_url: format!("http://{}/endive/stripe.js", stripe.addr),
            secret_key: "sk_test_quittance_sandbox".to_owned(),
            publishable_key: "pk_test_quittance_sandbox".to_owned(),
            webhook_secret: "whsec_quittance_sandbox".to_owned(),
            control_url: stripe_control,
        },
        plaid: endpoints::Plaid {
            api_url: format!("http://{}", plaid.addr),
            js_url: format!("http://{}/link/v2/stable/link-initialize.js", plaid.addr),
            client_id: plaid_id,
            secret: plaid_secret,
            control_url: format!("http://{}/_sandbox", plaid.addr),
        },
        smtp: endpoints::Smtp {
            host: "127.0.0.1".to_owned(),
            port: mailbox.smtp_addr.port(),
            mailbox_url: format!("{console_url}/mailbox"),
        },
        ca_file: authority.ca_file().display().to_string(),
        page_url: page_url.clone(),
        console_url: console_url.clone(),
        daemon_config: dir.join("quittance.toml").display().to_string(),
    };
    write(
        Path::new(&endpoints.daemon_config),
        &super::settings::daemon_config(&endpoints, &dir, options.database.as_deref(), &options.auth),
    )?;
    let world = World::open(endpoints.clone())?;
    let plan = daemon::Plan {
        program: options.program.clone(),
        config: PathBuf::from(&endpoints.daemon_config),
        log: dir.join("daemon.log"),
        page_url,
    };
    let daemon = Daemon::new(plan, world.http.clone());

    let app = super::console::router(super::console::World {
        outside: world.clone(),
        mailbox: Arc::clone(&mailbox.handle),
        faults: Arc::clone(&faults),
        daemon: Arc::clone(&daemon),
        lightning,
    });
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(console, app).await {
            tracing::error!(%error, "the console stopped");
        }
    });
    let chores = tokio::spawn(chores(Arc::clone(&org)));
    let running = Running {
        endpoints,
        world,
        daemon,
        faults: Arc::clone(&faults),
        org,
        shutdown: vec![served.shutdown.clone(), stripe.shutdown.clone(), plaid.shutdown.clone()],
        _wire: served,
        _mailbox: mailbox,
        _tasks: vec![AbortOnDropHandle::new(serving), AbortOnDropHandle::new(chores)],
    };
    // The daemon binds it itself.
    drop(page);
    if options.daemon {
        running.daemon.start().await?;
        running.daemon.ready(60).await?;
    }
    if options.plant && fresh {
        seed::plant(&running.world, jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()).await?;
    }
    for (name, rate) in &options.faults {
        faults.set(name, *rate)?;
    }
    running.endpoints.write(&dir.join("endpoints.json"))?;
    Ok(running)
}

async fn start_org(
    options: &Options,
    page_url: &str,
    authority: &Authority,
    faults: &Arc<Faults>,
) -> Result<(Arc<Org>, wire::Served), Error> {
    let runtime = apex::Runtime::load(&options.package).map_err(|error| Error::Apex(error.to_string()))?;
    let program: Arc<dyn Program> = Arc::new(runtime);
    let folder = options.dir.join("org");
    make_dir(&folder)?;
    let bus = Arc::new(Bus::open(
        bus::Options { folder: Some(folder.clone()), ..bus::Options::default() },
        Arc::clone(faults),
    )?);
    let org_options = OrgOptions {
        state_dir: Some(folder),
        faults: Some(Arc::clone(faults)),
        clerk_permission_sets: vec!["*_Clerk".to_owned()],
        integration_permission_sets: vec!["*_Integration".to_owned()],
        ..OrgOptions::default()
    };
    let sink: Arc<dyn super::org::EventSink> = bus.clone();
    let mut trees = options.package.clone();
    trees.push(settings_of_the_admin(&options.dir, page_url)?);
    let org = Org::open(&trees, Arc::clone(&program), sink, org_options)?;
    let client = Client {
        id: CLIENT_ID.to_owned(),
        secret: Some(CLIENT_SECRET.to_owned()),
        key: Some(PublicKey::from_pem(CLIENT_KEY_PUBLIC).map_err(|error| Error::Key(error.to_string()))?),
        run_as: Some(INTEGRATION.to_owned()),
        approved: vec![INTEGRATION.to_owned(), ADMINISTRATOR.to_owned()],
    };
    let wire_options = wire::Options { clients: vec![client], ..wire::Options::default() };
    let served = wire::serve(Arc::clone(&org), program, bus, Arc::clone(faults), authority, wire_options).await?;
    Ok((org, served))
}

/// As whom the components can be used: each has the rights of one permission set and no more.
fn people(org: &Org, sessions: &wire::oauth::Sessions) -> Result<Vec<super::console::Person>, Error> {
    let known = org.permission_sets();
    let mut people = Vec::new();
    for (key, username, name, set) in PEOPLE {
        // A package need not have a permission set for each; then its person holds none.
        let sets: Vec<&str> = known.iter().map(String::as_str).filter(|known| known == set).collect();
        let user = org.add_user(username, name, false, &sets)?;
        people.push(super::console::Person { key, token: sessions.start_lasting(user).token.clone() });
    }
    Ok(people)
}

/// What an administrator sets after deploying the package: the address at which the payment page is reached. The file is
/// an ordinary metadata record that lies beside the package's.
fn settings_of_the_admin(dir: &Path, page_url: &str) -> Result<PathBuf, Error> {
    let tree = dir.join("settings");
    let records = tree.join("customMetadata");
    make_dir(&records)?;
    let record = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<CustomMetadata xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <label>Default</label>
    <protected>false</protected>
    <values>
        <field>Pay_Page_Url__c</field>
        <value xsi:type="xsd:string">{page_url}</value>
    </values>
</CustomMetadata>
"#
    );
    write(&records.join("Quittance_Setting.Default.md-meta.xml"), &record)?;
    Ok(tree)
}

async fn start_stripe(options: &Options, faults: &Arc<Faults>, clock: &Arc<Clock>) -> Result<stripe::Served, Error> {
    let folder = options.dir.join("stripe");
    make_dir(&folder)?;
    let rate_limits = if options.live_rates { stripe::RateLimits::LIVE } else { stripe::RateLimits::default() };
    let stripe_options = stripe::Options {
        state_dir: Some(folder),
        request_log: options.request_log.clone(),
        rate_limits,
        clock: Arc::clone(clock),
        ..stripe::Options::default()
    };
    Ok(stripe::serve(Arc::clone(faults), stripe_options).await?)
}

/// What an org does by itself: its queued jobs at once, its schedules when they are due.
async fn chores(org: Arc<Org>) {
    loop {
        let org = Arc::clone(&org);
        let worked = tokio::task::spawn_blocking(move || org.run_jobs() + org.due_schedules(org.now())).await;
        if worked.is_err() {
            tracing::error!("a job of the org stopped with a panic");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn make_dir(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::File { path: path.display().to_string(), source })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::File { path: path.display().to_string(), source })
}
