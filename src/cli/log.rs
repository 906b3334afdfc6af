//! Where log lines go and in which form.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Libraries that say more than an operator wants to read at the level chosen for ours.
const QUIET: &str = "hyper=warn,h2=warn,tower=warn,sqlx=warn,rustls=warn,reqwest=warn,lettre=warn,tonic=warn";

/// Starts logging; a second start, as in tests, changes nothing.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{},{QUIET}", log.level)).map_err(|error| {
        anyhow::anyhow!("log.level: found {:?}; expected as info or quittance=debug,info ({error})", log.level)
    })?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // Tests start it more than once in one process.
    let _ = if log.json { lines.json().try_init() } else { lines.with_target(false).try_init() };
    Ok(())
}
