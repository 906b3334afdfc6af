//! The command line: one file per command. Alone joins the rooms.

#[cfg(feature = "sandbox")]
mod apex;
mod check;
mod dead_letter;
mod log;
mod pay;
mod replay;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod service;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::engine::clock::{SteadyClock, wall_ms};
use crate::salesforce;
use crate::store::Store;
use secrecy::ExposeSecret;

/// Get paid through Stripe from Salesforce.
#[derive(Parser)]
#[command(name = "quittance", version, about)]
struct Cli {
    /// The configuration file. Without it everything comes from QUITTANCE_SECTION__KEY.
    #[arg(long, short, global = true, env = "QUITTANCE_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon.
    Run,
    /// Try every outside system and say what is wrong and what to do.
    Check(check::Args),
    /// Show the queue, the outbox and the event stream.
    Status(status::Args),
    /// List, show, retry or discard what was given up: commands, refused writes, events not understood.
    DeadLetter(dead_letter::Args),
    /// Say where the event stream is to begin at the next start.
    Replay(replay::Args),
    /// Show the whole product on this machine, with stand-ins for Salesforce, Stripe and mail.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Sandbox),
    /// Run the package's Apex on this machine.
    #[cfg(feature = "sandbox")]
    Apex(apex::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // Before anything makes a TLS connection; a second call would only find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("quittance: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quittance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let read = || Config::read(cli.config.as_deref());
    match cli.command {
        Command::Run => run::run(read()?).await,
        Command::Check(args) => check::check(read(), args).await,
        Command::Status(args) => status::status(&read()?, args).await,
        Command::DeadLetter(args) => dead_letter::dead_letter(&read()?, args).await,
        Command::Replay(args) => replay::replay(&read()?, args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(args).await.map(|()| ExitCode::SUCCESS),
        #[cfg(feature = "sandbox")]
        Command::Apex(args) => apex::run(args),
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let url = config.database_url.expose_secret();
    Store::open(url).await.context("the database could not be opened; check database.url")
}

async fn clock_of(store: &Store) -> anyhow::Result<SteadyClock> {
    Ok(SteadyClock::start(wall_ms(), store.high_water_ms().await?))
}

fn salesforce_settings(config: &Config) -> salesforce::Settings {
    use crate::config::Auth;
    let org = &config.salesforce;
    let client_id = org.client_id.clone();
    let login = match &org.auth {
        Auth::ClientCredentials { client_secret } => {
            salesforce::Login::ClientCredentials { client_id, client_secret: client_secret.clone() }
        }
        Auth::JwtBearer { private_key, username, audience } => salesforce::Login::JwtBearer {
            client_id,
            username: username.clone(),
            audience: audience.clone(),
            private_key: private_key.clone(),
        },
    };
    salesforce::Settings {
        login_url: org.login_url.clone(),
        login,
        pubsub_url: org.pubsub_url.clone(),
        ca_pem: config.ca_pem.clone(),
        timeout: std::time::Duration::from_secs(60),
    }
}

fn stripe_settings(config: &Config) -> crate::stripe::Settings {
    crate::stripe::Settings {
        api_url: config.stripe.api_url.clone(),
        secret_key: config.stripe.secret_key.clone(),
        ca_pem: config.ca_pem.clone(),
        timeout: std::time::Duration::from_secs(30),
    }
}

/// Nothing where the configuration has no Plaid section.
fn plaid_settings(config: &Config) -> Option<crate::plaid::Settings> {
    let plaid = config.plaid.as_ref()?;
    Some(crate::plaid::Settings {
        api_url: plaid.api_url.clone(),
        client_id: plaid.client_id.clone(),
        secret: plaid.secret.clone(),
        ca_pem: config.ca_pem.clone(),
        // A customer waits.
        timeout: std::time::Duration::from_secs(10),
    })
}
