//! Takes events in: one sidecar at a time, under a lease, from where the last one left off.

use std::time::Duration;

use super::house::House;
use super::{reconcile, retry};
use crate::domain::{Priority, command};
use crate::salesforce::{Class, Delivery, Error, From, Incoming};
use crate::store;
use crate::store::intake::{Arrived, BadEvent, Event};
use crate::store::leases::Lease;

/// The topic of commands.
pub const TOPIC: &str = "/event/Payment_Command__e";
/// The fact that says where to begin where no replay id is stored.
pub const START: &str = "replay_start";
const FIELD: &str = "Commands__c";
/// With more undone commands than this, no more events are asked for.
const QUEUE_LIMIT: i64 = 200_000;
/// An event may hold the commands of a whole trigger chunk.
const COMMANDS_AN_EVENT: i64 = 200;
const MOST_PENDING: i32 = 100;

/// How the subscription behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Silence longer than this means that the stream is stalled.
    pub watchdog: Duration,
}

/// Takes events in until the house stops.
pub async fn run(house: House, settings: Settings) {
    let mut failures = 0;
    while !house.stop.is_cancelled() {
        let lease = match house.store.take_lease("events", &house.me()).await {
            Ok(Some(lease)) => lease,
            Ok(None) => {
                pause(&house, Duration::from_secs(5)).await;
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "the lease of the event stream could not be taken");
                pause(&house, Duration::from_secs(5)).await;
                continue;
            }
        };
        let began = std::time::Instant::now();
        match listen(&house, &settings, &lease).await {
            Ok(()) => {
                failures = 0;
                // A server that ends each stream at once, in order, is not asked as fast as it answers.
                if began.elapsed() < Duration::from_secs(5) {
                    pause(&house, Duration::from_secs(1)).await;
                }
            }
            Err(trouble) => {
                failures = if began.elapsed() > Duration::from_secs(60) { 1 } else { failures + 1 };
                recover(&house, trouble, failures).await;
            }
        }
    }
}

async fn pause(house: &House, wait: Duration) {
    tokio::select! {
        () = house.stop.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Salesforce(#[from] Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

async fn recover(house: &House, trouble: Trouble, failures: i64) {
    metrics::counter!("quittance_stream_ended_total").increment(1);
    let mut wait = retry::delay(failures, Duration::from_millis(500), Duration::from_secs(60));
    match trouble {
        Trouble::Store(error) => tracing::warn!(%error, "events could not be taken in"),
        Trouble::Salesforce(error) if error.is_lost_replay_id() => {
            tracing::warn!(
                %error,
                "Salesforce no longer knows where we were in the event stream; we start at the earliest event that it \
                 keeps and look up in the org what waits there"
            );
            // Both or neither: killed in between, nobody would look for what is older than the earliest event.
            let begun_anew = async {
                let mut tx = house.store.begin().await?;
                tx.forget_replay_id(TOPIC).await?;
                tx.set_meta(reconcile::WANTED, "1").await?;
                tx.commit().await
            };
            if let Err(error) = begun_anew.await {
                tracing::error!(%error, "the replay id could not be forgotten");
            }
        }
        Trouble::Salesforce(error) => {
            tracing::warn!(%error, remedy = error.remedy(), failures, "the event stream ended");
            match error.class() {
                Class::Session => {
                    if let Err(error) = house.salesforce.renew_session().await {
                        tracing::warn!(%error, remedy = error.remedy(), "no new session");
                    }
                }
                // The allocation comes back in hours; asking every second would only use up calls.
                Class::Later => wait = Duration::from_secs(300),
                Class::Permission => wait = wait.max(Duration::from_secs(15)),
                Class::Retry | Class::Refused => {}
            }
            house.salesforce.hang_up().await;
        }
    }
    pause(house, wait).await;
}

async fn listen(house: &House, settings: &Settings, lease: &Lease) -> Result<(), Trouble> {
    let from = match house.store.replay_id(TOPIC).await? {
        Some(id) => From::After(id),
        None if house.store.reading().await?.meta(START).await?.as_deref() == Some("latest") => From::Latest,
        None => From::Earliest,
    };
    let first = loop {
        let free = room(house).await?;
        if free > 0 {
            break free;
        }
        pause(house, Duration::from_secs(1)).await;
        if house.stop.is_cancelled() {
            return Ok(());
        }
    };
    let mut stream = house.salesforce.subscribe(TOPIC, FIELD, &from, first).await?;
    tracing::info!(from_stored = matches!(from, From::After(_)), token = lease.token, "listening for commands");
    loop {
        let delivery = tokio::select! {
            () = house.stop.cancelled() => return Ok(()),
            delivery = stream.next(settings.watchdog) => delivery?,
        };
        let Some(delivery) = delivery else { return Ok(()) };
        let pending = delivery.pending;
        take_in(house, lease, delivery).await?;
        // Asked for before the queue has done anything: with nothing pending the server closes the stream in a minute.
        let more = room(house).await?.min(MOST_PENDING - pending);
        if pending < MOST_PENDING / 2 && more > 0 {
            stream.ask(more).await?;
        }
    }
}

/// How many events the queue can take.
async fn room(house: &House) -> store::Result<i32> {
    let undone = house.store.reading().await?.undone(Priority::Bulk).await?;
    let events = ((QUEUE_LIMIT - undone) / COMMANDS_AN_EVENT).clamp(0, i64::from(MOST_PENDING));
    Ok(i32::try_from(events).unwrap_or(MOST_PENDING))
}

async fn take_in(house: &House, lease: &Lease, delivery: Delivery) -> store::Result<()> {
    if delivery.replay_id.is_empty() {
        return Ok(());
    }
    let events: Vec<Event> = delivery.events.into_iter().map(understand).collect();
    let any = !events.is_empty();
    let arrived = Arrived { topic: TOPIC.to_owned(), events, replay_id: delivery.replay_id };
    let new = house.store.take_in(lease, &arrived, house.now_ms()).await?;
    if any {
        let commands: usize = new.iter().map(|event| event.commands.len()).sum();
        tracing::debug!(events = arrived.events.len(), new = new.len(), commands, "events taken in");
        metrics::counter!("quittance_events_total").increment(new.len() as u64);
        if new.iter().any(|event| event.bad.is_some()) {
            tracing::warn!("an event could not be understood; it is kept, and told to the admin as a Payment Error");
            house.outbox_filled.notify_one();
        }
        house.commands_came.notify_waiters();
    }
    Ok(())
}

/// What became of an event that was not understood when it came.
pub(super) enum Retaken {
    /// It is not kept (any more).
    Unknown,
    /// Its commands are in the queue.
    Understood,
    /// Still not.
    StillBad {
        /// Why.
        why: String,
    },
}

/// Looks again at an event that was not understood, as after an upgrade.
pub(super) async fn retake(house: &House, id: &str) -> Result<Retaken, Trouble> {
    let Some(bad) = house.store.reading().await?.bad_event(id).await? else { return Ok(Retaken::Unknown) };
    let text = house.salesforce.decode(&bad.schema_id, &bad.payload, FIELD).await?;
    let incoming = Incoming { id: id.to_owned(), schema_id: bad.schema_id, payload: bad.payload, text };
    let event = understand(incoming);
    if let Some(bad) = event.bad {
        return Ok(Retaken::StillBad { why: bad.why });
    }
    let mut tx = house.store.begin().await?;
    tx.enqueue(&event.commands, house.now_ms()).await?;
    tx.forget_bad_event(id).await?;
    tx.commit().await?;
    house.commands_came.notify_waiters();
    Ok(Retaken::Understood)
}

fn understand(incoming: Incoming) -> Event {
    let (commands, why) = match incoming.text {
        Ok(Some(json)) => match command::unpack(&json) {
            Ok((commands, bad)) if bad.is_empty() => (commands, None),
            Ok((commands, bad)) => {
                let whys: Vec<String> = bad.iter().map(ToString::to_string).collect();
                (commands, Some(whys.join("; ")))
            }
            Err(error) => (Vec::new(), Some(error.to_string())),
        },
        Ok(None) => (Vec::new(), Some(format!("its field {FIELD} is blank"))),
        Err(why) => (Vec::new(), Some(why)),
    };
    let bad = why.map(|why| BadEvent { schema_id: incoming.schema_id, payload: incoming.payload, why });
    // A publisher may send no id; then the bytes name the event.
    let id = if incoming.id.is_empty() { nameless(bad.as_ref(), &commands) } else { incoming.id };
    Event { id, commands, bad }
}

fn nameless(bad: Option<&BadEvent>, commands: &[crate::domain::Command]) -> String {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    if let Some(bad) = bad {
        digest.update(&bad.payload);
    }
    for command in commands {
        digest.update(command.id.as_str().as_bytes());
        digest.update([0]);
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_is_kept_whole_and_the_rest_is_done() {
        let json = r#"{"v":1,"commands":[
            {"id":"a:1","type":"sync_account","record":"001D000000IqhSL","lane":"001D000000IqhSL"}, 7]}"#;
        let incoming = |text| Incoming { id: "e".into(), schema_id: "s".into(), payload: vec![1, 2], text };
        let event = understand(incoming(Ok(Some(json.into()))));
        assert_eq!(event.commands.len(), 1);
        assert_eq!(event.bad.map(|bad| bad.payload), Some(vec![1, 2]));
        assert!(understand(incoming(Err("cut off".into()))).bad.is_some());
        assert!(understand(incoming(Ok(None))).bad.is_some());
    }
}
