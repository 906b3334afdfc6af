//! `quittance sandbox`: the whole product on this machine, with stand-ins for everything outside.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::sandbox::load::run::{self, Outcomes, Plan};
use crate::sandbox::start::{self, Options, Running};

#[derive(Args, Debug)]
pub struct Sandbox {
    /// Keep state and endpoints.json in this folder; without it a new temporary folder is used and removed at the end
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The Salesforce package's source folder
    #[arg(long, value_name = "DIR", default_value = "force-app")]
    package: Vec<PathBuf>,
    /// The daemon's database, as postgres://user@host/name; SQLite in the sandbox's folder without it
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The console's port; the next free one is taken where it is in use
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The payment page's port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    page_port: u16,
    /// Switch a fault on from the start, as lost_reply=0.1 (may be given again); `list` prints the names
    #[arg(long = "fault", value_name = "NAME=RATE")]
    faults: Vec<String>,
    /// Seed of the faults' dice and of a load run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave the org empty
    #[arg(long)]
    no_seed: bool,
    /// Don't start the daemon; endpoints.json names the configuration file to start it with
    #[arg(long)]
    no_daemon: bool,
    /// How the daemon signs in to the org
    #[arg(long, value_parser = ["client_credentials", "jwt"], default_value = "client_credentials")]
    auth: String,
    /// Stripe limits as a live account (100 requests a second) instead of as a test key (25)
    #[arg(long)]
    live_rates: bool,
    /// Where tests/lightning/build put the Lightning components, which the console then shows
    #[arg(long, value_name = "DIR", default_value = "target/lightning")]
    lightning: PathBuf,
    /// Append every request that reaches Stripe to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,
    /// Append every request that reaches Plaid to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    plaid_request_log: Option<PathBuf>,
    /// Let the banks' clock be moved forward, in the console and through the control address of Stripe's stand-in. It
    /// starts at the machine's time. Stripe and Plaid live on it; the daemon, the org and the mailbox stay on the machine's
    #[arg(long)]
    clock: bool,
    /// Let N customers pay by link, audit, print what happened, and stop
    #[arg(long, value_name = "N")]
    load: Option<usize>,
    /// With --load: insert so many accounts
    #[arg(long, value_name = "N", default_value_t = 20)]
    accounts: usize,
    /// With --load and --clock: so many customers in a hundred pay by bank, and the days until the banks answer pass
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    banks: u32,
    /// With --load: kill the daemon so many times at random moments
    #[arg(long, value_name = "N", default_value_t = 0)]
    kills: usize,
}

/// Fails where something can't be started, and where a load run's audit finds anything.
pub async fn run(arguments: Sandbox) -> anyhow::Result<()> {
    if arguments.faults.iter().any(|fault| fault == "list") {
        for (name, what) in crate::sandbox::faults::ALL {
            println!("{name:22} {what}");
        }
        return Ok(());
    }
    if arguments.banks > 0 && !arguments.clock {
        bail!("--banks: give --clock too, or the banks would never answer");
    }
    let (dir, temporary) = folder(&arguments)?;
    let options = options(&arguments, dir.clone())?;
    let running = start::start(options).await.context("the sandbox could not be started")?;
    let outcome = match arguments.load {
        Some(payments) => load(&running, &arguments, payments).await,
        None => {
            banner(&running);
            wait_for_the_end().await
        }
    };
    running.stop().await;
    if temporary {
        std::fs::remove_dir_all(&dir).with_context(|| format!("{} could not be removed", dir.display()))?;
    }
    outcome
}

fn folder(arguments: &Sandbox) -> anyhow::Result<(PathBuf, bool)> {
    let (dir, temporary) = match &arguments.dir {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("quittance-sandbox-{}", std::process::id())), true),
    };
    std::fs::create_dir_all(&dir).with_context(|| format!("--dir: {} can't be made", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("--dir: {} can't be opened", dir.display()))?;
    // Left over from an earlier run, it would point a reader at ports that are gone.
    match std::fs::remove_file(dir.join("endpoints.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("endpoints.json can't be replaced")
        }
        _ => Ok((dir, temporary)),
    }
}

fn options(arguments: &Sandbox, dir: PathBuf) -> anyhow::Result<Options> {
    for folder in &arguments.package {
        if !folder.is_dir() {
            bail!(
                "--package: there is no folder {}; run this in the repository, or name the package's folder",
                folder.display()
            );
        }
    }
    let faults = arguments.faults.iter().map(|text| fault(text)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Options {
        dir,
        package: arguments.package.clone(),
        program: std::env::current_exe().context("the path of this program")?,
        database: arguments.database.clone(),
        console_port: arguments.port,
        page_port: arguments.page_port,
        faults,
        seed: arguments.seed,
        plant: !arguments.no_seed,
        daemon: !arguments.no_daemon,
        auth: arguments.auth.clone(),
        live_rates: arguments.live_rates,
        lightning: arguments.lightning.clone(),
        request_log: arguments.request_log.clone(),
        plaid_request_log: arguments.plaid_request_log.clone(),
        clock: arguments.clock,
    })
}

fn fault(text: &str) -> anyhow::Result<(String, f64)> {
    let (name, rate) =
        text.split_once('=').with_context(|| format!("--fault: {text:?} should read NAME=RATE, as lost_reply=0.1"))?;
    let rate: f64 =
        rate.parse().with_context(|| format!("--fault: the rate {rate:?} should be a number from 0 to 1"))?;
    if !(0.0..=1.0).contains(&rate) {
        bail!("--fault: the rate {rate} should be from 0 to 1");
    }
    Ok((name.to_owned(), rate))
}

fn banner(running: &Running) {
    let endpoints = &running.endpoints;
    println!("Quittance sandbox: no real money moves here.");
    println!("  console        {}", endpoints.console_url);
    println!("  payment page   {}", endpoints.page_url);
    println!("  mailbox        {}", endpoints.smtp.mailbox_url);
    println!("  for tools      {}", PathBuf::from(&endpoints.daemon_config).with_file_name("endpoints.json").display());
    println!(
        "Open the console, send a payment link for INV-1042, and pay with 4242 4242 4242 4242. Ctrl-C stops everything."
    );
}

async fn wait_for_the_end() -> anyhow::Result<()> {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt.context("listening for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

async fn load(running: &Running, arguments: &Sandbox, payments: usize) -> anyhow::Result<()> {
    let plan = Plan {
        payments,
        accounts: arguments.accounts,
        kills: arguments.kills,
        seed: arguments.seed,
        at_once: 12,
        banks: arguments.banks,
        settle: Duration::from_secs(180),
    };
    let outcomes = run::run(&running.world, &running.daemon, &running.faults, &plan, |line| eprintln!("{line}"))
        .await
        .context("the load run")?;
    print(&outcomes, &Arc::clone(&running.faults).list());
    if !outcomes.report.findings.is_empty() || !outcomes.problems.is_empty() {
        bail!(
            "the audit found {} things wrong, and {} walks ended badly",
            outcomes.report.findings.len(),
            outcomes.problems.len()
        );
    }
    println!("Every cent is there once.");
    Ok(())
}

fn print(outcomes: &Outcomes, faults: &[(&str, &str, f64, u64)]) {
    let report = &outcomes.report;
    println!(
        "in {:.1} s: {} paid, {} declined, {} by bank on their way, {} taken down on the phone, {} gave up, {} kills",
        outcomes.elapsed.as_secs_f64(),
        outcomes.paid,
        outcomes.declined,
        outcomes.started,
        outcomes.taken_down,
        outcomes.gave_up,
        outcomes.kills
    );
    let struck: Vec<String> =
        faults.iter().filter(|(.., times)| *times > 0).map(|(name, .., times)| format!("{name} {times}")).collect();
    println!("faults that struck: {}", if struck.is_empty() { "none".to_owned() } else { struck.join(", ") });
    println!(
        "audit: {} Customers, {} payments succeeded at Stripe ({} minor units), {} booked, {} bank debits of which {} are on their way, {} invoices, {} mails of which {} repeated",
        report.customers,
        report.succeeded,
        report.received_minor,
        report.payments,
        report.debits,
        report.processing,
        report.invoices,
        report.mails,
        report.repeated_mails
    );
    for finding in report.findings.iter().take(50) {
        println!("  WRONG {finding}");
    }
    for problem in outcomes.problems.iter().take(20) {
        println!("  walk  {problem}");
    }
}
