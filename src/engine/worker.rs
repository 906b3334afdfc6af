//! Claims commands, reads their records back, and has them done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::house::House;
use super::retry::{self, Next};
use super::work::{Outcome, Registry, Work, trouble};
use crate::domain::{CommandKind, Priority};
use crate::store;
use crate::store::commands::{Claimed, Trouble};
use crate::store::outbox::Write;

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
    /// No claim before so many places are free, so that reads stay large.
    least_free: usize,
    /// Time for others to arrive, so that they are read in the same call.
    gather: Duration,
}

const INTERACTIVE: Pace =
    Pace { priority: Priority::Interactive, most: 200, least_free: 1, gather: Duration::from_millis(15) };
const BULK: Pace = Pace {
    priority: Priority::Bulk,
    most: READ_AT_ONCE,
    least_free: READ_AT_ONCE - 250,
    gather: Duration::from_millis(200),
};

/// Works until the house stops, then finishes what is in hand.
pub async fn run(house: House, registry: Registry) {
    tokio::join!(keep_pace(&house, &registry, INTERACTIVE), keep_pace(&house, &registry, BULK));
}

async fn keep_pace(house: &House, registry: &Registry, pace: Pace) {
    let places = Arc::new(Semaphore::new(pace.most));
    let tasks = TaskTracker::new();
    while !house.stop.is_cancelled() {
        if places.available_permits() >= pace.least_free {
            match claim(house, pace, places.available_permits()).await {
                Ok(claimed) if !claimed.is_empty() => {
                    for group in by_kind(claimed) {
                        let count = u32::try_from(group.len()).unwrap_or(u32::MAX);
                        let Ok(held) = places.clone().acquire_many_owned(count).await else { return };
                        let handing = hand_out(house.clone(), registry.clone(), tasks.clone(), group, held);
                        // A person's commands don't wait for another kind's records. A backlog has one kind, and waiting
                        // for its read gathers more for the next.
                        match pace.priority {
                            Priority::Interactive => drop(tasks.spawn(handing)),
                            Priority::Bulk => handing.await,
                        }
                    }
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "commands could not be claimed");
                    house.doubt();
                }
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

fn by_kind(claimed: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut groups: HashMap<CommandKind, Vec<Claimed>> = HashMap::new();
    for one in claimed {
        groups.entry(one.command.kind).or_default().push(one);
    }
    groups.into_values().collect()
}

/// Reads the records of one kind's commands and begins each.
async fn hand_out(
    house: House,
    registry: Registry,
    tasks: TaskTracker,
    group: Vec<Claimed>,
    mut held: OwnedSemaphorePermit,
) {
    for (claimed, record) in read_back(&house, &registry, group).await {
        let place = held.split(1);
        let (house, registry) = (house.clone(), registry.clone());
        tasks.spawn(async move {
            do_one(&house, &registry, claimed, record).await;
            drop(place);
        });
    }
}

/// Reads the records of commands of one kind, up to 2,000 a call. What could not be read goes back into the queue.
async fn read_back(house: &House, registry: &Registry, group: Vec<Claimed>) -> Vec<(Claimed, Record)> {
    let Some(kind) = group.first().map(|one| one.command.kind) else { return Vec::new() };
    let Some(wanted) = registry.get(kind).and_then(|handler| handler.read_back()) else {
        return group.into_iter().map(|one| (one, None)).collect();
    };
    let mut ready = Vec::with_capacity(group.len());
    let mut parts: Vec<Vec<Claimed>> = Vec::new();
    let mut group = group.into_iter().peekable();
    while group.peek().is_some() {
        parts.push(group.by_ref().take(READ_AT_ONCE).collect());
    }
    while let Some(mut part) = parts.pop() {
        let ids: Vec<String> = part.iter().map(|one| one.command.record.as_str().to_owned()).collect();
        match house.salesforce.retrieve(wanted.object, &ids, &wanted.fields).await {
            Ok(records) => ready.extend(part.into_iter().zip(records)),
            // Anybody who may publish can name a record of another object; it takes nobody else's command with it.
            Err(error) if error.is_about_an_id() && part.len() > 1 => {
                let rest = part.split_off(part.len() / 2);
                parts.extend([rest, part]);
            }
            Err(error) => {
                tracing::warn!(code = %error.code(), kind = %kind, count = part.len(), "records could not be read back");
                for one in &part {
                    end(house, one, unread(&error)).await;
                }
            }
        }
    }
    ready
}

/// A refusal of the whole read is nobody's own fault; it is tried again like an outage. An id that is none of the object's
/// stays one.
fn unread(error: &crate::salesforce::Error) -> Outcome {
    if error.is_about_an_id() {
        return Outcome::give_up(
            "no_such_record",
            format!("The command names a record that can't be read: {error}."),
            "Somebody published an event that the package did not make; find out who, then discard this error.",
        );
    }
    let later = error.class() == crate::salesforce::Class::Later;
    Outcome::Later {
        trouble: trouble(&error.code(), error.to_string(), error.remedy()),
        after: later.then(|| Duration::from_secs(600)),
        counts: !later,
        if_given_up: Vec::new(),
    }
}

async fn do_one(house: &House, registry: &Registry, claimed: Claimed, record: Record) {
    if house.stop.is_cancelled() {
        let handed_back = async {
            let mut tx = house.store.begin().await?;
            tx.hand_back(&claimed.by, &claimed).await?;
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
    end(house, &claimed, outcome).await;
}

/// Records how a try ended, for as long as that takes: until then the claim is ours, and its lane stands still.
async fn end(house: &House, claimed: &Claimed, outcome: Outcome) {
    let mut failures = 0;
    loop {
        match try_end(house, claimed, &outcome).await {
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
                failures += 1;
                tracing::error!(command.id = %claimed.command.id, %error, failures, "the outcome of a command could not be recorded; it is tried again");
                if house.stop.is_cancelled() && failures >= 5 {
                    return; // the next start frees the claim, and the steps run again, which they are made for
                }
                tokio::time::sleep(retry::delay(failures, Duration::from_millis(500), Duration::from_secs(5))).await;
            }
        }
    }
}

async fn try_end(house: &House, claimed: &Claimed, outcome: &Outcome) -> store::Result<()> {
    let (me, now_ms, id) = (&*claimed.by, house.now_ms(), &claimed.command.id);
    let mut tx = house.store.begin().await?;
    match outcome {
        Outcome::Done(writes) => {
            tx.done(me, claimed, now_ms).await?;
            for command in tx.errors_over(&claimed.command, now_ms).await? {
                let error = Write::upsert("Payment_Error__c", "Command_Id__c", &command).with("State__c", "Resolved");
                tx.write_out(&error, now_ms).await?;
            }
            for write in writes {
                tx.write_out(&write.clone().of(id.as_str()), now_ms).await?;
            }
            metrics::counter!("quittance_commands_done_total", "kind" => claimed.command.kind.name()).increment(1);
        }
        Outcome::Later { trouble, after, counts, if_given_up } => {
            let attempts = claimed.attempts + i64::from(*counts);
            match retry::after(attempts.max(1), *after) {
                Next::GiveUp if *counts => give_up(&mut tx, me, claimed, trouble, if_given_up, now_ms).await?,
                next => {
                    let wait = match next {
                        Next::Wait(wait) => wait,
                        Next::GiveUp => Duration::from_secs(3_600),
                    };
                    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    tracing::info!(command.id = %id, attempts, wait_ms, code = %trouble.code, "a command waits for its next try");
                    tx.try_again(me, claimed, trouble, now_ms.saturating_add(wait_ms), *counts).await?;
                }
            }
        }
        Outcome::GiveUp { trouble, writes } => give_up(&mut tx, me, claimed, trouble, writes, now_ms).await?,
    }
    tx.commit().await
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
        CommandKind::ReviewInvoice | CommandKind::RenewLink => error.with("Invoice__c", record),
        CommandKind::SendLink
        | CommandKind::CopyLink
        | CommandKind::TakePayment
        | CommandKind::RevokeLink
        | CommandKind::ChargeStored
        | CommandKind::LinkInstead
        | CommandKind::SyncNow
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
