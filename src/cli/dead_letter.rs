//! `quittance dead-letter`: commands that were given up, writes that Salesforce refuses, and events that were not understood.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;

use crate::config::Config;
use crate::store::Store;
use crate::store::commands::DeadLetter;
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
        /// Its id, as the list shows it.
        id: String,
    },
    /// Put one, or all, back into the queue. Twice does no more than once.
    Retry {
        /// Its id, as the list shows it.
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// End one for good, undone.
    Discard {
        /// Its id, as the list shows it.
        id: String,
    },
}

/// Does it. A running daemon sees it within a second.
pub async fn dead_letter(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = super::open_store(config).await?;
    let now_ms = super::clock_of(&store).await?.now_ms();
    match args.action {
        Action::List { limit, json } => list(&store, limit, json).await?,
        Action::Show { id } => match waiting(&store, i64::MAX).await?.into_iter().find(|one| one.id == id) {
            Some(one) => println!("{}", serde_json::to_string_pretty(&one)?),
            None => bail!("there is no dead letter {id:?}; quittance dead-letter list shows those that there are"),
        },
        Action::Retry { id: Some(id), .. } => {
            if id.starts_with("event:") {
                bail!("an event is read again by Retry on its Payment Error in Salesforce, since its schema is there");
            }
            say(retry(&store, &id, now_ms).await?, &id, "put back into the queue");
        }
        Action::Retry { id: None, .. } => {
            let mut count = 0;
            for one in waiting(&store, i64::MAX).await?.iter().filter(|one| !one.id.starts_with("event:")) {
                count += i64::from(retry(&store, &one.id, now_ms).await?);
            }
            println!("{count} put back into the queue");
        }
        Action::Discard { id } => say(discard(&store, &id, now_ms).await?, &id, "discarded"),
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn say(found: bool, id: &str, what: &str) {
    if found { println!("{id} {what}") } else { println!("{id} is no dead letter; nothing done") }
}

/// What waits for somebody.
#[derive(serde::Serialize)]
struct Waiting {
    id: String,
    sentence: String,
    remedy: String,
    /// Of a command: what is known of its tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<DeadLetter>,
}

async fn waiting(store: &Store, limit: i64) -> anyhow::Result<Vec<Waiting>> {
    let mut tx = store.reading().await?;
    let letters = tx.dead_letters(limit).await?.into_iter().map(|letter| Waiting {
        id: letter.id.clone(),
        sentence: letter.sentence.clone().unwrap_or_default(),
        remedy: letter.remedy.clone().unwrap_or_default(),
        command: Some(letter),
    });
    let writes = tx.refused_writes(limit).await?.into_iter().map(|write| Waiting {
        id: format!("write:{}", write.target),
        sentence: write.sentence,
        remedy: "Mend what Salesforce names; it is tried again by itself within a day, or at once by retry.".into(),
        command: None,
    });
    let events = tx.bad_events(limit).await?.into_iter().map(|(id, why)| Waiting {
        id: format!("event:{id}"),
        sentence: format!("A command event could not be understood: {why}"),
        remedy: "Upgrade the daemon to the package's version and press Retry on its Payment Error, or discard it."
            .into(),
        command: None,
    });
    let all = letters.chain(writes).chain(events).take(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(all.collect())
}

async fn list(store: &Store, limit: i64, json: bool) -> anyhow::Result<()> {
    let waiting = waiting(store, limit).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&waiting)?);
    } else if waiting.is_empty() {
        println!("no dead letters");
    } else {
        for one in waiting {
            println!("{}\n  {}\n  {}", one.id, one.sentence, one.remedy);
        }
    }
    Ok(())
}

async fn retry(store: &Store, id: &str, now_ms: i64) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    let found = match id.strip_prefix("write:") {
        Some(target) => tx.retry_refused(target, now_ms).await?,
        None => tx.revive(id, now_ms).await?,
    };
    if found {
        let error = Write::upsert("Payment_Error__c", "Command_Id__c", id).with("State__c", "Resolved");
        tx.write_out(&error, now_ms).await?;
    }
    tx.commit().await?;
    Ok(found)
}

async fn discard(store: &Store, id: &str, now_ms: i64) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    let found = match id.split_once(':') {
        Some(("write", target)) => tx.discard_refused(target).await?,
        Some(("event", event)) => tx.forget_bad_event(event).await?,
        _ => tx.discard(id, now_ms).await?,
    };
    if found {
        let error = Write::upsert("Payment_Error__c", "Command_Id__c", id).with("State__c", "Discarded");
        tx.write_out(&error, now_ms).await?;
    }
    tx.commit().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::sqlite;
    use crate::store::intake::{Arrived, BadEvent, Event};

    #[tokio::test]
    async fn a_refused_write_and_a_bad_event_are_listed_and_can_be_ended() {
        let (store, _folder) = sqlite().await;
        store.register_sidecar("me", 0).await.unwrap();
        let lease = store.take_lease("events", "me").await.unwrap().unwrap();
        let bad = BadEvent { schema_id: "s".into(), payload: vec![1], why: "it is cut off".into() };
        let event = Event { id: "e1".into(), commands: Vec::new(), bad: Some(bad) };
        let arrived = Arrived { topic: "t".into(), events: vec![event], replay_id: vec![1] };
        store.take_in(&lease, &arrived, 1).await.unwrap();
        store.write_out(&Write::update("Account", "001").with("A__c", 1), 1).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let rows = tx.take_outgoing("me", true, 10, 1).await.unwrap();
        let row = rows.iter().find(|row| row.target == "Account/001").unwrap();
        let error = Write::payment_error(&row.error_id(), "x", "A rule refused it.", "Change it.");
        tx.refused("me", row, &error, "A rule refused it.", 9_999, 1).await.unwrap();
        tx.commit().await.unwrap();
        let ids: Vec<String> = waiting(&store, 10).await.unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!(ids, ["write:Account/001", "event:e1"]);
        assert!(retry(&store, "write:Account/001", 2).await.unwrap());
        assert!(discard(&store, "write:Account/001", 2).await.unwrap());
        assert!(discard(&store, "event:e1", 2).await.unwrap());
        assert!(!discard(&store, "event:e1", 2).await.unwrap(), "twice does no more than once");
        assert!(waiting(&store, 10).await.unwrap().is_empty());
    }
}
