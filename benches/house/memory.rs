//! Resident memory of the daemon: at rest, and after many commands that found nothing to do.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::{Value, json};

use super::Plan;
use super::rows::Row;
use super::stage::Stage;

const ACCOUNTS: usize = 200;
const COMMANDS_AN_EVENT: usize = 200;
const EVENTS_AT_ONCE: usize = 25;
const IDLE_MOST_KB: u64 = 40_000;
/// Equal ones: a larger burst takes more memory while it lasts, and says nothing of what stays.
const PARTS: usize = 10;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::set(plan, None).await?;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let idle = stage.memory_kb().await?;
    let accounts = synced_accounts(&stage).await?;
    let start = Instant::now();
    let part = plan.commands / PARTS;
    let mut after = Vec::new();
    for number in 0..PARTS {
        run(&stage, &accounts, number * part, (number + 1) * part).await?;
        after.push(stage.memory_kb().await?);
    }
    let took = start.elapsed();
    stage.end().await;
    let megabytes = |kb: u64| format!("{:.1} MB", kb as f64 / 1_000.0);
    // Connections, their caches and the allocator fill up in the first half; what leaks goes on in the second.
    let (early, half, late) = (after[0], after[PARTS / 2 - 1], after[PARTS - 1]);
    Ok(vec![
        Row::new(
            "memory of the daemon, idle (RSS)",
            megabytes(idle.0),
            format!("{} of it not a file's pages", megabytes(idle.1)),
        )
        .held_to("< 40 MB", idle.0 < IDLE_MOST_KB),
        Row::new(
            format!("memory after {} commands (RSS)", plan.commands),
            megabytes(late.0),
            format!(
                "after the first {part}: {}; after half: {}; not a file's pages: {}, {} and {}; {:.0} commands/s from event to done",
                megabytes(early.0),
                megabytes(half.0),
                megabytes(early.1),
                megabytes(half.1),
                megabytes(late.1),
                plan.commands as f64 / took.as_secs_f64()
            ),
        )
        .held_to("flat: at most a tenth more than after half", late.0 * 10 <= half.0 * 11),
    ])
}

async fn synced_accounts(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let rows: Vec<Value> = (0..ACCOUNTS).map(|number| json!({"Name": format!("Memory {number:05}")})).collect();
    let accounts = stage.running.world.insert_many("Account", &rows).await?;
    let start = Instant::now();
    while !stage
        .running
        .world
        .query("SELECT Id FROM Account WHERE Stripe_Customer_Id__c = null LIMIT 1")
        .await?
        .is_empty()
    {
        if start.elapsed() > Duration::from_secs(120) {
            bail!("the accounts did not come into sync");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(accounts)
}

/// Publishes commands `from`..`to`, and waits until the daemon has done them.
async fn run(stage: &Stage, accounts: &[String], from: usize, to: usize) -> anyhow::Result<()> {
    let done = || stage.figure("quittance_commands_done_total", "sync_account");
    let done_before = done().await?;
    let numbers: Vec<usize> = (from..to).collect();
    let events: Vec<Value> = numbers
        .chunks(COMMANDS_AN_EVENT)
        .map(|chunk| {
            let commands: Vec<Value> = chunk
                .iter()
                .map(|number| {
                    let account = &accounts[number % accounts.len()];
                    json!({"id": format!("{account}:{number:064x}"), "type": "sync_account", "record": account, "lane": account})
                })
                .collect();
            json!({"Commands__c": json!({"v": 1, "commands": commands}).to_string()})
        })
        .collect();
    for part in events.chunks(EVENTS_AT_ONCE) {
        stage.running.world.insert_many("Payment_Command__e", part).await?;
    }
    let (start, wanted) = (Instant::now(), (to - from) as f64);
    loop {
        let seen = done().await? - done_before;
        if seen >= wanted {
            // Upkeep and the allocator come to rest.
            tokio::time::sleep(Duration::from_secs(6)).await;
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(900) {
            bail!("{seen} of {wanted} commands were done within 900 s");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
