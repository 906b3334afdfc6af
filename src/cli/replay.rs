//! `quittance replay`: where the event stream begins at the next start.

use std::process::ExitCode;

use anyhow::Context;

use crate::config::Config;
use crate::engine::intake::{START, TOPIC};
use crate::engine::reconcile;

/// Where.
#[derive(clap::Args)]
pub struct Args {
    /// earliest: all that Salesforce keeps (72 hours), and a look at what waits in the org. latest: only what comes from now on.
    from: Preset,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Preset {
    Earliest,
    Latest,
}

/// Sets it. The daemon must not run meanwhile, or it would go on from where it is.
pub async fn replay(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = super::open_store(config).await?;
    let _lock = store.lock_for_running().context("stop the daemon first")?;
    let mut tx = store.begin().await?;
    tx.forget_replay_id(TOPIC).await?;
    match args.from {
        Preset::Earliest => {
            tx.unset_meta(START).await?;
            tx.set_meta(reconcile::WANTED, "1").await?;
        }
        Preset::Latest => tx.set_meta(START, "latest").await?,
    }
    tx.commit().await?;
    store.close().await;
    match args.from {
        Preset::Earliest => {
            println!("the next start takes every event of the last 72 hours again; what was done is not done twice")
        }
        Preset::Latest => println!(
            "the next start takes only events that come after it; run `quittance replay earliest` to undo this"
        ),
    }
    Ok(ExitCode::SUCCESS)
}
