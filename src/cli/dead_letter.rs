//! `quittance dead-letter`: commands that were given up.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;

use crate::config::Config;
use crate::store::Store;
use crate::store::outbox::Write;

/// What to do with them.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List them, the newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: i64,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one.
    Show {
        /// Its command id.
        id: String,
    },
    /// Put one, or all, back into the queue. Twice does no more than once.
    Retry {
        /// Its command id.
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// End one for good, undone.
    Discard {
        /// Its command id.
        id: String,
    },
}

/// Does it. A running daemon sees it within a second.
pub async fn dead_letter(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = super::open_store(config).await?;
    let now_ms = super::clock_of(&store).await?.now_ms();
    match args.action {
        Action::List { limit, json } => list(&store, limit, json).await?,
        Action::Show { id } => match store.reading().await?.dead_letter(&id).await? {
            Some(letter) => println!("{}", serde_json::to_string_pretty(&letter)?),
            None => bail!("there is no dead letter {id:?}; quittance dead-letter list shows those that there are"),
        },
        Action::Retry { id: Some(id), .. } => say(retry(&store, &id, now_ms).await?, &id, "put back into the queue"),
        Action::Retry { id: None, .. } => {
            let letters = store.reading().await?.dead_letters(i64::MAX).await?;
            for letter in &letters {
                retry(&store, &letter.id, now_ms).await?;
            }
            println!("{} put back into the queue", letters.len());
        }
        Action::Discard { id } => say(discard(&store, &id, now_ms).await?, &id, "discarded"),
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn say(found: bool, id: &str, what: &str) {
    if found { println!("{id} {what}") } else { println!("{id} is no dead letter; nothing done") }
}

async fn list(store: &Store, limit: i64, json: bool) -> anyhow::Result<()> {
    let letters = store.reading().await?.dead_letters(limit).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&letters)?);
    } else if letters.is_empty() {
        println!("no dead letters");
    } else {
        for letter in letters {
            println!("{}", letter.id);
            println!("  {}", letter.sentence.unwrap_or_default());
            println!("  {}", letter.remedy.unwrap_or_default());
        }
    }
    Ok(())
}

async fn retry(store: &Store, id: &str, now_ms: i64) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    let found = tx.revive(id, now_ms).await?;
    if found {
        let error = Write::upsert("Payment_Error__c", "Command_Id__c", id).with("State__c", "Resolved");
        tx.write_out(&error, now_ms).await?;
    }
    tx.commit().await?;
    Ok(found)
}

async fn discard(store: &Store, id: &str, now_ms: i64) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    let found = tx.discard(id, now_ms).await?;
    if found {
        let error = Write::upsert("Payment_Error__c", "Command_Id__c", id).with("State__c", "Discarded");
        tx.write_out(&error, now_ms).await?;
    }
    tx.commit().await?;
    Ok(found)
}
