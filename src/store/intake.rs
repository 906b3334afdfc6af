//! Taking events in: their commands and the replay id that covers them, in one transaction.

use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional, fetch_scalar};
use crate::domain::Command;

/// One event as it came.
#[derive(Clone, Debug)]
pub struct Event {
    /// The EventUuid.
    pub id: String,
    /// What it asks for.
    pub commands: Vec<Command>,
    /// Why it, or a part of it, can't be understood; then it is kept whole.
    pub bad: Option<BadEvent>,
}

/// An event that can't be understood.
#[derive(Clone, Debug)]
pub struct BadEvent {
    /// The schema it was written in.
    pub schema_id: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// Why.
    pub why: String,
}

/// What one answer of the subscription holds.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The topic.
    pub topic: String,
    /// The events.
    pub events: Vec<Event>,
    /// The last one's replay id, or the latest of a quiet topic.
    pub replay_id: Vec<u8>,
}

impl Store {
    /// Takes events in under a lease. An event seen before adds nothing; if the lease was lost, nothing is written.
    /// Answers the events that were new.
    pub async fn take_in(&self, lease: &super::leases::Lease, arrived: &Arrived, now_ms: i64) -> Result<Vec<Event>> {
        let mut tx = self.begin().await?;
        tx.hold(lease).await?;
        let mut new = Vec::new();
        let mut commands = Vec::new();
        for event in &arrived.events {
            let first = execute!(
                &mut tx,
                "INSERT INTO seen_events (id, seen_ms) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
                event.id.as_str(),
                now_ms
            )?;
            if first == 0 {
                continue;
            }
            commands.extend(event.commands.iter().cloned());
            if let Some(bad) = &event.bad {
                tx.keep_bad_event(&event.id, bad, now_ms).await?;
            }
            new.push(event.clone());
        }
        tx.enqueue(&commands, now_ms).await?;
        execute!(
            &mut tx,
            "INSERT INTO replay (topic, replay_id, updated_ms) VALUES ($1, $2, $3)
             ON CONFLICT (topic) DO UPDATE SET replay_id = excluded.replay_id, updated_ms = excluded.updated_ms",
            arrived.topic.as_str(),
            arrived.replay_id.as_slice(),
            now_ms
        )?;
        tx.commit().await?;
        Ok(new)
    }

    /// Where to go on.
    pub async fn replay_id(&self, topic: &str) -> Result<Option<Vec<u8>>> {
        let mut tx = self.reading().await?;
        fetch_scalar!(&mut tx, Vec<u8>, "SELECT replay_id FROM replay WHERE topic = $1", topic)
    }

    /// Forgets the ids of events older than Salesforce keeps them.
    pub async fn forget_seen_events(&self, before_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "DELETE FROM seen_events WHERE seen_ms < $1", before_ms)?;
        tx.commit().await
    }
}

#[derive(sqlx::FromRow)]
struct BadRow {
    schema_id: String,
    payload: Vec<u8>,
    why: String,
}

impl Tx {
    /// Forgets where to go on: the next subscription takes the earliest event that Salesforce still has.
    pub async fn forget_replay_id(&mut self, topic: &str) -> Result<()> {
        execute!(self, "DELETE FROM replay WHERE topic = $1", topic)?;
        Ok(())
    }

    /// An event that could not be understood.
    pub async fn bad_event(&mut self, id: &str) -> Result<Option<BadEvent>> {
        let sql = "SELECT schema_id, payload, why FROM bad_events WHERE id = $1";
        let row = fetch_optional!(self, BadRow, sql, id)?;
        Ok(row.map(|row| BadEvent { schema_id: row.schema_id, payload: row.payload, why: row.why }))
    }

    /// The ids and reasons of events that could not be understood.
    pub async fn bad_events(&mut self, limit: i64) -> Result<Vec<(String, String)>> {
        fetch_all!(self, (String, String), "SELECT id, why FROM bad_events ORDER BY received_ms, id LIMIT $1", limit)
    }

    /// It is understood now, or given up. Answers whether it was there.
    pub async fn forget_bad_event(&mut self, id: &str) -> Result<bool> {
        Ok(execute!(self, "DELETE FROM bad_events WHERE id = $1", id)? > 0)
    }

    async fn keep_bad_event(&mut self, id: &str, bad: &BadEvent, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "INSERT INTO bad_events (id, schema_id, payload, why, received_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO NOTHING",
            id,
            bad.schema_id.as_str(),
            bad.payload.as_slice(),
            bad.why.as_str(),
            now_ms
        )?;
        let error = super::outbox::Write::payment_error(
            &format!("event:{id}"),
            "event_not_understood",
            &format!("A command event could not be understood: {}", bad.why),
            "Upgrade the daemon to the version of the package. If events come from elsewhere, find out who publishes them.",
        );
        self.write_out(&error, now_ms).await
    }

    /// Fails unless the lease is still held, and keeps it from being taken until this transaction ends.
    pub async fn hold(&mut self, lease: &super::leases::Lease) -> Result<()> {
        let held = execute!(
            self,
            "UPDATE leases SET token = token WHERE name = $1 AND holder = $2 AND token = $3",
            lease.name.as_str(),
            lease.holder.as_str(),
            lease.token
        )?;
        if held == 1 { Ok(()) } else { Err(Error::Lost { what: format!("the lease {}", lease.name) }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::commands::tests::command;
    use crate::store::harness::on_both;

    fn arrived(event: &str, command_id: &str, replay: u8) -> Arrived {
        let event = Event { id: event.into(), commands: vec![command(command_id, 1)], bad: None };
        Arrived { topic: "/event/x".into(), events: vec![event], replay_id: vec![0, replay] }
    }

    async fn waiting(store: &Store) -> i64 {
        let mut tx = store.reading().await.unwrap();
        fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM commands").unwrap().unwrap()
    }

    #[tokio::test]
    async fn an_event_that_comes_twice_makes_its_command_once_and_moves_the_replay_id() {
        on_both(async |store| {
            store.register_sidecar("me", 0).await.unwrap();
            let lease = store.take_lease("events", "me").await.unwrap().unwrap();
            assert_eq!(store.take_in(&lease, &arrived("e1", "a", 1), 5).await.unwrap().len(), 1);
            assert_eq!(store.take_in(&lease, &arrived("e1", "b", 2), 5).await.unwrap().len(), 0);
            assert_eq!(waiting(&store).await, 1);
            assert_eq!(store.replay_id("/event/x").await.unwrap(), Some(vec![0, 2]));
        })
        .await;
    }

    #[tokio::test]
    async fn whoever_lost_the_lease_writes_neither_command_nor_replay_id() {
        on_both(async |store| {
            store.register_sidecar("me", 0).await.unwrap();
            store.register_sidecar("other", 0).await.unwrap();
            let mine = store.take_lease("events", "me").await.unwrap().unwrap();
            assert!(store.take_lease("events", "other").await.unwrap().is_none(), "it is held");
            assert!(store.bury_sidecar("me", 0).await.unwrap());
            let theirs = store.take_lease("events", "other").await.unwrap().unwrap();
            assert!(theirs.token > mine.token);
            let late = store.take_in(&mine, &arrived("e1", "a", 1), 5).await;
            assert!(matches!(late, Err(Error::Lost { .. })));
            assert_eq!(waiting(&store).await, 0);
            assert_eq!(store.replay_id("/event/x").await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_understood_is_kept_and_told() {
        on_both(async |store| {
            store.register_sidecar("me", 0).await.unwrap();
            let lease = store.take_lease("events", "me").await.unwrap().unwrap();
            let mut arrived = arrived("e1", "a", 1);
            let bad = BadEvent { schema_id: "s".into(), payload: vec![1, 0, 255], why: "it is cut off".into() };
            arrived.events[0].bad = Some(bad);
            store.take_in(&lease, &arrived, 5).await.unwrap();
            let mut tx = store.reading().await.unwrap();
            let kept = fetch_scalar!(&mut tx, Vec<u8>, "SELECT payload FROM bad_events WHERE id = 'e1'").unwrap();
            assert_eq!(kept, Some(vec![1, 0, 255]));
            let told =
                fetch_scalar!(&mut tx, String, "SELECT fields FROM outbox WHERE record_key = 'event:e1'").unwrap();
            assert!(told.unwrap().contains("it is cut off"));
        })
        .await;
    }
}
