//! Claims commands, reads their records back, and has them done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::house::House;
use super::retry::{self, Next};
use super::work::{Outcome, Registry, Work, trouble};
use crate::domain::{CommandKind, Priority};
use crate::store;
use crate::store::commands::{Claimed, Trouble};
use crate::store::outbox::Write;
use crate::store::together::Together;

/// How long a stop waits for what is in hand.
const FINISHING: Duration = Duration::from_secs(14);
/// What one retrieve takes.
const READ_AT_ONCE: usize = 2_000;

/// How one lane of the worker, interactive or bulk, behaves.
#[derive(Clone, Copy, Debug)]
struct Pace {
    priority: Priority,
    /// Most commands in hand.
    most: usize,
    /// Most of them being worked on. More would not go faster, and would stand in line for the database before a customer.
    at_once: usize,
    /// No claim before so many places are free, so that reads stay large.
    least_free: usize,
    /// Time for others to arrive, so that they are read in the same call.
    gather: Duration,
}

const INTERACTIVE: Pace =
    Pace { priority: Priority::Interactive, most: 200, at_once: 200, least_free: 1, gather: Duration::from_millis(15) };
const BULK: Pace = Pace {
    priority: Priority::Bulk,
    most: READ_AT_ONCE,
    at_once: 64,
    least_free: READ_AT_ONCE - 250,
    gather: Duration::from_millis(200),
};

/// Works until the house stops, then finishes what is in hand.
pub async fn run(house: House, registry: Registry) {
    let endings = Arc::default();
    tokio::join!(keep_pace(&house, &registry, &endings, INTERACTIVE), keep_pace(&house, &registry, &endings, BULK));
}

async fn keep_pace(house: &House, registry: &Registry, endings: &Arc<Endings>, pace: Pace) {
    let places = Arc::new(Semaphore::new(pace.most));
    let hands = Arc::new(Semaphore::new(pace.at_once));
    let tasks = TaskTracker::new();
    while !house.stop.is_cancelled() {
        if places.available_permits() >= pace.least_free {
            match claim(house, pace, places.available_permits()).await {
                Ok(claimed) if !claimed.is_empty() => {
                    for (claimed, record) in read_back(house, registry, endings, claimed).await {
                        let Ok(place) = places.clone().acquire_owned().await else { return };
                        let (house, registry) = (house.clone(), registry.clone());
                        let (endings, hands) = (Arc::clone(endings), Arc::clone(&hands));
                        tasks.spawn(async move {
                            let Ok(_hand) = hands.acquire_owned().await else { return };
                            do_one(&house, &registry, &endings, claimed, record).await;
                            drop(place);
                        });
                    }
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "commands could not be claimed"),
            }
        }
        tokio::select! {
            () = house.stop.cancelled() => {}
            () = house.commands_came.notified() => tokio::time::sleep(pace.gather).await,
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
        }
    }
    tasks.close();
    if tokio::time::timeout(FINISHING, tasks.wait()).await.is_err() {
        tracing::warn!(
            left = tasks.len(),
            "not all that was in hand could be finished; it goes on after the next start"
        );
    }
}

async fn claim(house: &House, pace: Pace, free: usize) -> store::Result<Vec<Claimed>> {
    let limit = i64::try_from(free).unwrap_or(i64::MAX);
    let mut tx = house.store.begin().await?;
    let claimed = tx.claim(&house.me(), pace.priority, limit, house.now_ms()).await?;
    tx.commit().await?;
    Ok(claimed)
}

type Record = Option<Map<String, Value>>;

/// Reads the records of claimed commands, up to 2,000 a call. What could not be read goes back into the queue.
async fn read_back(
    house: &House,
    registry: &Registry,
    endings: &Endings,
    claimed: Vec<Claimed>,
) -> Vec<(Claimed, Record)> {
    let mut groups: HashMap<CommandKind, Vec<Claimed>> = HashMap::new();
    for one in claimed {
        groups.entry(one.command.kind).or_default().push(one);
    }
    let mut ready = Vec::new();
    for (kind, group) in groups {
        let Some(wanted) = registry.get(kind).and_then(|handler| handler.read_back()) else {
            ready.extend(group.into_iter().map(|one| (one, None)));
            continue;
        };
        let mut group = group.into_iter();
        loop {
            let part: Vec<Claimed> = group.by_ref().take(READ_AT_ONCE).collect();
            if part.is_empty() {
                break;
            }
            let ids: Vec<String> = part.iter().map(|one| one.command.record.as_str().to_owned()).collect();
            match house.salesforce.retrieve(wanted.object, &ids, &wanted.fields).await {
                Ok(records) => ready.extend(part.into_iter().zip(records)),
                Err(error) => {
                    tracing::warn!(%error, kind = %kind, count = part.len(), "records could not be read back");
                    // A refusal of the whole read is nobody's own fault; it is tried again like an outage.
                    let (text, remedy) = (error.to_string(), error.remedy());
                    for one in &part {
                        let outcome = match Outcome::from_read(&error, &text, remedy) {
                            Some(outcome) => outcome,
                            None => continue,
                        };
                        end(house, endings, one, outcome).await;
                    }
                }
            }
        }
    }
    ready
}

impl Outcome {
    fn from_read(error: &crate::salesforce::Error, text: &str, remedy: &str) -> Option<Self> {
        let later = error.class() == crate::salesforce::Class::Later;
        Some(Self::Later {
            trouble: trouble(&error.code(), text, remedy),
            after: later.then(|| Duration::from_secs(600)),
            counts: !later,
            if_given_up: Vec::new(),
        })
    }
}

async fn do_one(house: &House, registry: &Registry, endings: &Endings, claimed: Claimed, record: Record) {
    if house.stop.is_cancelled() {
        let handed_back = async {
            let mut tx = house.store.begin().await?;
            tx.hand_back(&house.me(), &claimed).await?;
            tx.commit().await
        };
        if let Err(error) = handed_back.await {
            tracing::warn!(%error, "a command could not be handed back; the next start frees it");
        }
        return;
    }
    let kind = claimed.command.kind;
    let started = std::time::Instant::now();
    let outcome = match registry.get(kind) {
        Some(handler) => {
            let work = Work {
                command: claimed.command.clone(),
                run: claimed.run,
                attempts: claimed.attempts,
                record,
                now_ms: house.now_ms(),
            };
            let handler = handler.clone();
            // A task of its own: a panic in one command's steps must end as that command's failure, and nothing else's.
            match tokio::spawn(async move { handler.run(work).await }).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::later(
                    "panic",
                    "The daemon failed in the middle of this command by a mistake of its own.",
                    "Send the daemon's log to whoever maintains it; the command is tried again by itself.",
                ),
            }
        }
        None => Outcome::give_up(
            "unknown_command",
            format!("This daemon does not know the command {kind}."),
            "Upgrade the daemon, then press Retry.",
        ),
    };
    metrics::histogram!("quittance_command_seconds", "kind" => kind.name()).record(started.elapsed().as_secs_f64());
    end(house, endings, &claimed, outcome).await;
}

/// Records how a try ended. If even that fails, the claim stays ours until it is freed by a restart or by another sidecar,
/// and the steps run again, which they are made for.
async fn end(house: &House, endings: &Endings, claimed: &Claimed, outcome: Outcome) {
    let ending = Arc::new((claimed.clone(), outcome));
    for _ in 0..5 {
        match endings.commit(Arc::clone(&ending), |endings| record(house, endings)).await {
            Ok(()) => {
                house.outbox_filled.notify_one();
                house.commands_came.notify_waiters();
                return;
            }
            Err(store::Error::Lost { what }) => {
                tracing::warn!(command.id = %claimed.command.id, "{what} is no longer ours");
                return;
            }
            Err(error) => {
                tracing::error!(command.id = %claimed.command.id, %error, "the outcome of a command could not be recorded");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// How tries ended that are recorded in one transaction.
type Endings = Together<Arc<(Claimed, Outcome)>, store::Result<()>>;

async fn record(house: &House, endings: Vec<Arc<(Claimed, Outcome)>>) -> Vec<store::Result<()>> {
    let error = match try_record(house, &endings).await {
        Ok(each) => return each,
        Err(error) => error,
    };
    if endings.len() == 1 {
        return vec![Err(error)];
    }
    // One that the database refuses must not take the others along. Where it does not answer, asking again won't help.
    if error.is_refusal() {
        let mut each = Vec::with_capacity(endings.len());
        for ending in &endings {
            let alone = try_record(house, std::slice::from_ref(ending)).await;
            each.push(alone.and_then(|mut one| one.pop().unwrap_or(Ok(()))));
        }
        return each;
    }
    let why = error.to_string();
    endings.iter().map(|_| Err(store::Error::Together { why: why.clone() })).collect()
}

/// What we no longer hold is left out; everything else stands or falls together.
async fn try_record(house: &House, endings: &[Arc<(Claimed, Outcome)>]) -> store::Result<Vec<store::Result<()>>> {
    let mut each = Vec::with_capacity(endings.len());
    let mut tx = house.store.begin().await?;
    for ending in endings {
        each.push(match write_end(&mut tx, house, &ending.0, &ending.1).await {
            Err(error @ store::Error::Lost { .. }) => Err(error),
            other => Ok(other?),
        });
    }
    tx.commit().await?;
    Ok(each)
}

/// Touches the command first: if it is lost, nothing else was written.
async fn write_end(tx: &mut store::Tx, house: &House, claimed: &Claimed, outcome: &Outcome) -> store::Result<()> {
    let (me, now_ms, id) = (house.me(), house.now_ms(), &claimed.command.id);
    match outcome {
        Outcome::Done(writes) => {
            tx.done(&me, claimed, now_ms).await?;
            for write in writes {
                tx.write_out(&write.clone().of(id.as_str()), now_ms).await?;
            }
            metrics::counter!("quittance_commands_done_total", "kind" => claimed.command.kind.name()).increment(1);
        }
        Outcome::Later { trouble, after, counts, if_given_up } => {
            let attempts = claimed.attempts + i64::from(*counts);
            match retry::after(attempts.max(1), *after) {
                Next::GiveUp if *counts => give_up(tx, &me, claimed, trouble, if_given_up, now_ms).await?,
                next => {
                    let wait = match next {
                        Next::Wait(wait) => wait,
                        Next::GiveUp => Duration::from_secs(3_600),
                    };
                    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    tracing::info!(command.id = %id, attempts, wait_ms, code = %trouble.code, "a command waits for its next try");
                    tx.try_again(&me, claimed, trouble, now_ms.saturating_add(wait_ms), *counts).await?;
                }
            }
        }
        Outcome::GiveUp { trouble, writes } => give_up(tx, &me, claimed, trouble, writes, now_ms).await?,
    }
    Ok(())
}

async fn give_up(
    tx: &mut store::Tx,
    me: &str,
    claimed: &Claimed,
    trouble: &Trouble,
    writes: &[Write],
    now_ms: i64,
) -> store::Result<()> {
    let command = &claimed.command;
    tracing::error!(command.id = %command.id, code = %trouble.code, attempts = claimed.attempts + 1, "a command was given up");
    metrics::counter!("quittance_commands_dead_total", "kind" => command.kind.name()).increment(1);
    tx.give_up(me, claimed, trouble, now_ms).await?;
    let mut error = Write::payment_error(command.id.as_str(), &trouble.code, &trouble.sentence, &trouble.remedy);
    let (record, lane) = (command.record.as_str(), command.lane.as_str());
    error = match command.kind {
        CommandKind::SyncAccount => error.with("Account__c", record),
        CommandKind::ReviewInvoice => error.with("Invoice__c", record),
        CommandKind::SendLink | CommandKind::CopyLink | CommandKind::RevokeLink | CommandKind::SyncNow
            if lane != record =>
        {
            error.with("Payment_Request__c", record)
        }
        _ => error,
    };
    tx.write_out(&error, now_ms).await?;
    for write in writes {
        tx.write_out(&write.clone().of(command.id.as_str()), now_ms).await?;
    }
    Ok(())
}
