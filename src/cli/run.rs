//! `quittance run`: puts the daemon together, starts it, and stops it in order.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pay::{self, Pay};
use super::service;
use crate::config::Config;
use crate::domain::{CommandKind, OrgId};
use crate::engine::commands::{RetryError, SyncAccount};
use crate::engine::house::House;
use crate::engine::mapping;
use crate::engine::work::Registry;
use crate::engine::{banks, payments};
use crate::engine::{heartbeat, intake, notices, outbox, pulse, worker};
use crate::store::Store;
use crate::store::stamp::Stamp;
use crate::{salesforce, stripe};

/// A stop waits so long for what is in hand.
const STOPPING: Duration = Duration::from_secs(18);
/// A start waits so long for an outside system, before it goes on with what the database knows.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs until SIGTERM or SIGINT.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    super::log::start(&config.log)?;
    let store = super::open_store(&config).await?;
    let _lock = store.lock_for_running()?;
    let freed = store.release_foreign().await?;
    let clock = super::clock_of(&store).await?;
    let stop = CancellationToken::new();
    let salesforce = salesforce::Client::new(super::salesforce_settings(&config))?;
    let stripe = stripe::Client::new(&super::stripe_settings(&config))?;
    let house = House::new(store.clone(), salesforce, clock, stop.clone());
    house.store.register_sidecar(&house.me(), house.now_ms()).await?;
    let _place = match service::state_folder() {
        Some(folder) => Some(house.store.succeed_in(&folder, &house.me()).await?),
        None => None,
    };
    tracing::info!(database = store.kind(), freed, version = env!("CARGO_PKG_VERSION"), "quittance starts");

    let identity = identify(&config, &house, &stripe).await?;
    let tasks = TaskTracker::new();
    let failed = Arc::new(AtomicBool::new(false));
    if !identity.verified {
        tasks.spawn(verify_later(config.clone(), house.clone(), stripe.clone(), failed.clone()));
    }
    mapping::start(&house, PATIENCE).await?;
    let readable = account_fields(&house.salesforce).await;
    let pay = Pay::new(&config, &house, stripe.clone(), identity.org_id.clone())?;
    let accounts = SyncAccount::new(house.clone(), stripe, identity.org_id.as_str(), readable.as_deref());
    let registry = Registry::default()
        .with(CommandKind::SyncAccount, accounts)
        .with(CommandKind::RetryError, RetryError::new(house.clone()));
    let registry = pay.handlers(registry);
    let listener = pay::listen(&config).await?;

    let watchdog = Duration::from_secs(config.salesforce.watchdog_s);
    tasks.spawn(pulse::run(house.clone()));
    tasks.spawn(mapping::run(house.clone()));
    tasks.spawn(heartbeat::run(house.clone(), env!("CARGO_PKG_VERSION")));
    tasks.spawn(worker::run(house.clone(), registry));
    tasks.spawn(outbox::run(house.clone()));
    tasks.spawn(notices::run(house.clone()));
    tasks.spawn(notices::run_files(house.clone()));
    tasks.spawn(intake::run(house.clone(), intake::Settings { watchdog }));
    tasks.spawn(pay::serve(pay.app(&config, metrics(&stop)?), listener, stop.clone()));
    tasks.spawn(payments::run(pay.payments.clone(), pay.receipts.clone()));
    tasks.spawn(banks::run(pay.links.clone()));
    tokio::spawn(service::watchdog(CancellationToken::new()));
    service::ready();
    service::status("taking payments");

    wait_for_stop(&stop).await?;
    service::stopping();
    tracing::info!("quittance stops: what is in hand is finished, nothing new is begun");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOPPING, tasks.wait()).await.is_err() {
        tracing::warn!("not everything ended in time; it goes on after the next start");
    }
    store.sign_off(&house.me()).await?;
    store.close().await;
    Ok(if failed.load(Ordering::Acquire) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Collects figures, and renders them when asked.
fn metrics(stop: &CancellationToken) -> anyhow::Result<impl Fn() -> String + Send + Sync + 'static> {
    let handle = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .context("the collector of figures could not be started")?;
    let (upkeep, stop) = (handle.clone(), stop.clone());
    tokio::spawn(async move {
        // Without it the histograms grow until somebody asks.
        while !stop.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(move || handle.render())
}

async fn wait_for_stop(stop: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be listened to")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be listened to")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stop.cancelled() => {}
    }
    Ok(())
}

struct Identity {
    org_id: OrgId,
    verified: bool,
}

/// Whose daemon this is. The outside says so; while it is down, a database that was stamped before says it for the time being.
async fn identify(config: &Config, house: &House, stripe: &stripe::Client) -> anyhow::Result<Identity> {
    let mut failures = 0;
    let began = std::time::Instant::now();
    loop {
        match verify(config, house, stripe).await {
            Ok(org_id) => return Ok(Identity { org_id, verified: true }),
            Err(Doubt::Wrong(error)) => return Err(error),
            Err(Doubt::Down(error)) => {
                failures += 1;
                tracing::warn!(failures, "an outside system does not answer at the start: {error:#}");
                service::status("waiting for Salesforce and Stripe");
                if began.elapsed() > PATIENCE
                    && let Some(org_id) = stamped_org(&house.store).await?
                {
                    return Ok(Identity { org_id, verified: false });
                }
                if began.elapsed() > PATIENCE * 3 {
                    return Err(error.context("this database is new, so Salesforce and Stripe must answer once"));
                }
            }
        }
        let wait = crate::engine::retry::delay(failures, Duration::from_millis(500), Duration::from_secs(10));
        tokio::time::sleep(wait).await;
    }
}

async fn verify_later(config: Config, house: House, stripe: stripe::Client, failed: Arc<AtomicBool>) {
    while !house.stop.is_cancelled() {
        match verify(&config, &house, &stripe).await {
            Ok(_) => return,
            Err(Doubt::Wrong(error)) => {
                tracing::error!("quittance must stop: {error:#}");
                failed.store(true, Ordering::Release);
                house.stop.cancel();
            }
            Err(Doubt::Down(error)) => {
                tracing::warn!("an outside system still does not answer: {error:#}");
                tokio::select! {
                    () = house.stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(15)) => {}
                }
            }
        }
    }
}

enum Doubt {
    /// It may pass.
    Down(anyhow::Error),
    /// It will not.
    Wrong(anyhow::Error),
}

impl From<salesforce::Error> for Doubt {
    fn from(error: salesforce::Error) -> Self {
        use salesforce::Class;
        let class = error.class();
        let remedy = error.remedy();
        let error = anyhow::Error::new(error).context(remedy);
        match class {
            Class::Retry | Class::Later => Self::Down(error),
            Class::Refused | Class::Permission | Class::Session => Self::Wrong(error),
        }
    }
}

impl From<stripe::Error> for Doubt {
    fn from(error: stripe::Error) -> Self {
        match error.retry() {
            stripe::Retry::SameKey { .. } => Self::Down(error.into()),
            stripe::Retry::Never => Self::Wrong(error.into()),
        }
    }
}

/// Asks both who they are, and compares with the database's stamp.
async fn verify(config: &Config, house: &House, stripe: &stripe::Client) -> Result<OrgId, Doubt> {
    let session = house.salesforce.session().await?;
    let account = stripe.account().await?;
    let live = config.stripe.is_live();
    if live && let Some(kind) = is_play_org(&house.salesforce).await? {
        let text = format!(
            "the org is a {kind} and stripe.secret_key is a live key; a live key never goes with such an org: use a test key"
        );
        return Err(Doubt::Wrong(anyhow::anyhow!(text)));
    }
    let stamp = Stamp { org_id: session.org_id.to_string(), stripe_account: account.id, livemode: live };
    let wrong = house.store.stamp(&stamp).await.map_err(|error| Doubt::Wrong(error.into()))?;
    if let Some(one) = wrong.first() {
        return Err(Doubt::Wrong(anyhow::anyhow!(
            "this database belongs to the {} {} and the configuration leads to {}; give the other one a database of its own \
             (database.url), or correct the configuration",
            one.what,
            one.stamped,
            one.found
        )));
    }
    Ok(session.org_id.clone())
}

async fn stamped_org(store: &Store) -> anyhow::Result<Option<OrgId>> {
    let text = store.reading().await?.meta("stamp:org").await?;
    match text.map(|text| OrgId::parse(&text)) {
        None => Ok(None),
        Some(Ok(id)) => Ok(Some(id)),
        Some(Err(error)) => bail!("the database's stamp can't be read: {error}"),
    }
}

/// What kind of org it is, if not a production one.
pub async fn is_play_org(client: &salesforce::Client) -> Result<Option<&'static str>, salesforce::Error> {
    let rows = client.query("SELECT Id, IsSandbox, OrganizationType FROM Organization").await?;
    let Some(org) = rows.first() else { return Ok(None) };
    if org.get("IsSandbox").and_then(Value::as_bool) == Some(true) {
        Ok(Some("sandbox org"))
    } else if org.get("OrganizationType").and_then(Value::as_str) == Some("Developer Edition") {
        Ok(Some("Developer Edition org"))
    } else if is_trial(client).await {
        Ok(Some("trial org"))
    } else {
        Ok(None)
    }
}

/// Not every kind of org has the field.
async fn is_trial(client: &salesforce::Client) -> bool {
    let rows = client.query("SELECT Id, TrialExpirationDate FROM Organization").await.unwrap_or_default();
    rows.first().and_then(|org| org.get("TrialExpirationDate")).is_some_and(|date| !date.is_null())
}

/// The Account's fields that the integration user sees; `None` where the org can't be asked now.
async fn account_fields(client: &salesforce::Client) -> Option<Vec<String>> {
    let described = client.describe("Account").await.ok()?;
    let fields = described.get("fields")?.as_array()?;
    Some(fields.iter().filter_map(|field| field.get("name")?.as_str().map(str::to_owned)).collect())
}
