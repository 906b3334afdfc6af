//! Durable intake: events' commands and their replay id in one transaction, beside one-row commits on the same disk.

use std::time::{Duration, Instant};

use anyhow::Context;
use quittance::domain::{Command, CommandId, CommandKind, SalesforceId};
use quittance::store::Store;
use quittance::store::intake::{Arrived, Event};
use sqlx::{Connection, Executor};

use super::rows::Row;
use super::{Plan, disk, stage};

/// One fetch brings up to 100 events.
const EVENTS: usize = 100;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let syncs = disk::syncs_a_second(2)?;
    let dir = tempfile::tempdir_in(stage::scratch())?;
    let bare = bare_sqlite(dir.path(), plan.seconds).await?;
    let store = Store::open_sqlite(&dir.path().join("intake.db")).await?;
    let mut rows = compare("SQLite", &store, bare, syncs, plan.seconds).await?;
    store.close().await;
    match &plan.postgres {
        Some(url) => {
            let bare = bare_postgres(url, plan.seconds).await.context("PostgreSQL, one-row commits")?;
            let store = Store::open(url).await?;
            rows.extend(compare("PostgreSQL", &store, bare, syncs, plan.seconds).await?);
            store.close().await;
        }
        None => {
            rows.push(Row::new("durable intake, PostgreSQL", "not measured", "", "--postgres URL names a database"))
        }
    }
    Ok(rows)
}

/// Alternates single commands with full fetches, so that both see the same weather.
async fn compare(database: &str, store: &Store, bare: f64, syncs: f64, seconds: u64) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (events, commands, what) in [
        (1, 1, "an event at a time, one command each"),
        (EVENTS, 1, "100 events a fetch, one command each"),
        (EVENTS / 20, 200, "5 events a fetch, 200 commands each"),
    ] {
        let rate = take_in(store, events, commands, seconds).await?;
        let beside = format!("bare commits {bare:.0}/s, so {:.1} x; syncs of this disk {syncs:.0}/s", rate / bare);
        rows.push(Row::new(format!("durable intake, {database}, {what}"), format!("{rate:.0} commands/s"), "", beside));
    }
    Ok(rows)
}

/// Commands a second.
async fn take_in(store: &Store, events: usize, commands: usize, seconds: u64) -> anyhow::Result<f64> {
    store.register_sidecar("bench", 0).await?;
    let lease = store.take_lease("bench", "bench").await?.context("the lease is free")?;
    let start = Instant::now();
    let mut taken = 0_u32;
    while start.elapsed() < Duration::from_secs(seconds) {
        let arrived = arrived(events, commands)?;
        store.take_in(&lease, &arrived, 1).await?;
        taken += u32::try_from(events * commands)?;
    }
    let rate = f64::from(taken) / start.elapsed().as_secs_f64();
    store.sign_off("bench").await?;
    Ok(rate)
}

fn arrived(events: usize, commands: usize) -> anyhow::Result<Arrived> {
    let mut taken = Vec::with_capacity(events);
    for _ in 0..events {
        let mut packed = Vec::with_capacity(commands);
        for _ in 0..commands {
            let account = SalesforceId::parse("001D000000IqhSL")?;
            packed.push(Command {
                id: CommandId::parse(&format!("001D000000IqhSL:{}", uuid::Uuid::new_v4().simple()))?,
                kind: CommandKind::SyncAccount,
                record: account.clone(),
                lane: account,
            });
        }
        taken.push(Event { id: uuid::Uuid::new_v4().to_string(), commands: packed, bad: None });
    }
    Ok(Arrived { topic: "/event/bench".to_owned(), events: taken, replay_id: vec![0, 0, 0, 1] })
}

/// One-row commits a second, with the store's own durability.
async fn bare_sqlite(dir: &std::path::Path, seconds: u64) -> anyhow::Result<f64> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)").await?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(seconds) {
        connection.execute("INSERT INTO bare (text) VALUES ('one row, one commit')").await?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

async fn bare_postgres(url: &str, seconds: u64) -> anyhow::Result<f64> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    connection.execute("DROP TABLE IF EXISTS bare").await?;
    connection.execute("CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, text TEXT)").await?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(seconds) {
        connection.execute("INSERT INTO bare (text) VALUES ('one row, one commit')").await?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
