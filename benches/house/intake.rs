//! Durable intake: events' commands and their replay id in one transaction, beside one-row commits on the same disk.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use quittance::domain::{Command, CommandId, CommandKind, SalesforceId};
use quittance::store::Store;
use quittance::store::intake::{Arrived, Event};
use quittance::store::leases::Lease;
use sqlx::{Connection, Executor};

use super::rows::Row;
use super::{Plan, disk, stage};

/// How events come: how many a fetch, with how many commands each.
const SHAPES: [(usize, usize, &str); 3] = [
    (1, 1, "an event at a time, one command each"),
    (100, 1, "100 events a fetch, one command each"),
    (5, 200, "5 events a fetch, 200 commands each"),
];
/// Each is measured so long before it is the next one's turn, so that all see the same weather.
const TURN: Duration = Duration::from_millis(250);
const BARE: &str = "INSERT INTO bare (text) VALUES ('one row, one commit')";

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let syncs = disk::syncs_a_second(1)?;
    let dir = tempfile::tempdir_in(stage::scratch())?;
    let mut rows = on_sqlite(dir.path(), plan.seconds, syncs).await?;
    match &plan.postgres {
        Some(server) => rows.extend(on_postgres(&server.database("bench_intake").await?, plan.seconds, syncs).await?),
        None => rows.push(Row::new("durable intake, PostgreSQL", "not measured", "--postgres URL names a server")),
    }
    Ok(rows)
}

async fn on_sqlite(dir: &Path, seconds: u64, syncs: f64) -> anyhow::Result<Vec<Row>> {
    // The store's own durability.
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut bare = sqlx::SqliteConnection::connect_with(&options).await?;
    bare.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)").await?;
    let store = Store::open_sqlite(&dir.join("intake.db")).await?;
    let rates = in_turns(&store, &mut bare, seconds).await;
    store.close().await;
    Ok(rows("SQLite", &rates?, syncs))
}

async fn on_postgres(url: &str, seconds: u64, syncs: f64) -> anyhow::Result<Vec<Row>> {
    let mut bare = sqlx::PgConnection::connect(url).await?;
    bare.execute("CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, text TEXT)").await?;
    let store = Store::open(url).await?;
    let rates = in_turns(&store, &mut bare, seconds).await;
    store.close().await;
    Ok(rows("PostgreSQL", &rates?, syncs))
}

/// Bare commits a second, and commands a second in each shape.
struct Rates {
    bare: f64,
    shapes: [f64; SHAPES.len()],
}

fn rows(database: &str, rates: &Rates, syncs: f64) -> Vec<Row> {
    let row = |(rate, (_, _, what)): (&f64, (usize, usize, &str))| {
        let beside = format!(
            "{:.1} × the bare commits of the same disk in the same seconds, {:.0}/s; bare syncs {syncs:.0}/s",
            rate / rates.bare,
            rates.bare
        );
        Row::new(format!("durable intake, {database}, {what}"), format!("{rate:.0} commands/s"), beside)
    };
    rates.shapes.iter().zip(SHAPES).map(row).collect()
}

async fn in_turns<C>(store: &Store, bare: &mut C, seconds: u64) -> anyhow::Result<Rates>
where
    for<'c> &'c mut C: Executor<'c>,
{
    store.register_sidecar("bench", 0).await?;
    let lease = store.take_lease("bench", "bench").await?.context("the lease is free")?;
    let mut count = [Count::default(); 1 + SHAPES.len()];
    while count[0].time < Duration::from_secs(seconds) {
        let turn = Instant::now();
        while turn.elapsed() < TURN {
            bare.execute(BARE).await?;
            count[0].done += 1;
        }
        count[0].time += turn.elapsed();
        for (at, (events, commands, _)) in SHAPES.into_iter().enumerate() {
            let one = take_in(store, &lease, events, commands).await?;
            count[1 + at].done += one.done;
            count[1 + at].time += one.time;
        }
    }
    store.sign_off("bench").await?;
    let [bare, shapes @ ..] = count.map(|one| f64::from(one.done) / one.time.as_secs_f64());
    Ok(Rates { bare, shapes })
}

#[derive(Clone, Copy, Default)]
struct Count {
    done: u32,
    time: Duration,
}

/// For one turn. Making up the events is not counted.
async fn take_in(store: &Store, lease: &Lease, events: usize, commands: usize) -> anyhow::Result<Count> {
    let mut count = Count::default();
    while count.time < TURN {
        let arrived = arrived(events, commands)?;
        let start = Instant::now();
        store.take_in(lease, &arrived, 1).await?;
        count.time += start.elapsed();
        count.done += u32::try_from(events * commands)?;
    }
    Ok(count)
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
