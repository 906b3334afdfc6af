//! Measures the house: `cargo bench --bench house -- <measure>…`, or `scripts/bench`, which builds the release and starts a
//! PostgreSQL of its own. Nothing here is a test: the figures depend on the machine and on what else runs on it.

mod backlog;
mod button;
mod disk;
mod intake;
mod ladder;
mod memory;
mod paper;
mod rows;
mod server;
mod stage;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use rows::Row;
use server::Server;

const MEASURES: [(&str, &str); 7] = [
    ("receipt", "milliseconds for a receipt PDF"),
    ("intake", "durable commands a second beside the bare commit rate"),
    ("webhooks", "acknowledgement of webhooks at 500 a second"),
    ("button", "from Send Payment Link to the mail handed over"),
    ("backlog", "share of Stripe's rate limit, Salesforce calls and events on a backlog of accounts"),
    ("ladder", "what a day of bank debits under way asks of Stripe"),
    ("memory", "resident memory of the daemon, idle and after many commands"),
];

/// What to measure, and how long.
pub struct Plan {
    only: Vec<String>,
    /// The daemon to measure.
    daemon: PathBuf,
    /// Accounts of the backlog.
    accounts: usize,
    /// Bank debits under way.
    debits: usize,
    /// Presses of the button.
    presses: usize,
    /// Commands between the two readings of memory.
    commands: usize,
    /// Seconds of each sampled measure.
    seconds: u64,
    postgres: Option<Server>,
}

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("house: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let Some(plan) = arguments(std::env::args().skip(1))? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("{}\n", disk::machine());
    println!("{}", Row::head());
    let (mut missed, mut failed) = (Vec::new(), Vec::new());
    for (name, _) in MEASURES {
        if !plan.only.is_empty() && !plan.only.iter().any(|only| only == name) {
            continue;
        }
        let began = std::time::Instant::now();
        let rows = runtime.block_on(async {
            match name {
                "receipt" => paper::measure().await,
                "intake" => intake::measure(&plan).await,
                "webhooks" => webhooks::measure(&plan).await,
                "button" => button::measure(&plan).await,
                "backlog" => backlog::measure(&plan).await,
                "ladder" => ladder::measure(&plan).await,
                _ => memory::measure(&plan).await,
            }
        });
        // One that fails takes nothing from the others: they took half an hour.
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                eprintln!("house: {name}: {error:#}");
                failed.push(format!("{name}: {error:#}"));
                continue;
            }
        };
        for row in rows {
            println!("{row}");
            missed.extend(row.missed());
        }
        eprintln!("{name}: {} s, load {}", began.elapsed().as_secs(), disk::load());
    }
    println!(
        "\n{}",
        if missed.is_empty() { "Every aim was met.".to_owned() } else { format!("Missed: {}.", missed.join("; ")) }
    );
    if !failed.is_empty() {
        println!("\nNot measured: {}.", failed.join("; "));
        bail!("{} measures failed", failed.len());
    }
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Option<Plan>> {
    let mut plan = Plan {
        only: Vec::new(),
        daemon: PathBuf::from(env!("CARGO_BIN_EXE_quittance")),
        accounts: 10_000,
        debits: 10_000,
        presses: 200,
        commands: 100_000,
        seconds: 5,
        postgres: None,
    };
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or_else(|| anyhow::anyhow!("{argument} needs a value"));
        match argument.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--daemon" => plan.daemon = value()?.into(),
            "--accounts" => plan.accounts = value()?.parse()?,
            "--debits" => plan.debits = value()?.parse()?,
            "--presses" => plan.presses = value()?.parse()?,
            "--commands" => plan.commands = value()?.parse()?,
            "--seconds" => plan.seconds = value()?.parse()?,
            "--postgres" => plan.postgres = Some(Server::new(&value()?)),
            "--help" | "-h" => {
                println!(
                    "house [MEASURE…] [--daemon PROGRAM] [--accounts N] [--debits N] [--presses N] [--commands N] [--seconds N] \
                     [--postgres postgres://user@host:port]"
                );
                for (name, what) in MEASURES {
                    println!("  {name:10} {what}");
                }
                return Ok(None);
            }
            name if MEASURES.iter().any(|(measure, _)| *measure == name) => plan.only.push(name.to_owned()),
            other => bail!("there is no measure {other:?}; --help names them"),
        }
    }
    Ok(Some(plan))
}
