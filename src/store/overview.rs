//! What `status` and the metrics show.

use super::{Result, Store, fetch_all, fetch_scalar};

/// The state of the queue at one moment.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Overview {
    /// SQLite or PostgreSQL.
    pub database: &'static str,
    /// Commands that wait.
    pub waiting: i64,
    /// Commands being worked on.
    pub working: i64,
    /// Dead letters.
    pub dead: i64,
    /// Done and remembered.
    pub done: i64,
    /// Since when the oldest undone command waits, in ms; 0 where there is none.
    pub oldest_waiting_ms: i64,
    /// Rows in the outbox.
    pub outbox: i64,
    /// Since when the oldest of them waits, in ms.
    pub outbox_oldest_ms: i64,
    /// Writes that Salesforce refuses.
    pub refused: i64,
    /// Files that wait.
    pub files: i64,
    /// Events that could not be understood.
    pub bad_events: i64,
    /// Payments at Stripe that belong to nobody we know: counted, and not booked.
    pub ownerless: i64,
    /// The last of them by id.
    pub ownerless_ids: Vec<String>,
    /// Sidecars that are alive or not yet buried.
    pub sidecars: i64,
    /// The last replay id, in hex.
    pub replay_id: Option<String>,
    /// When it was written, on the steady clock.
    pub replay_updated_ms: Option<i64>,
    /// Facts such as the stamp.
    pub facts: Vec<(String, String)>,
}

#[derive(sqlx::FromRow)]
struct Counted {
    state: String,
    count: i64,
}

#[derive(sqlx::FromRow)]
struct Replay {
    replay_id: Vec<u8>,
    updated_ms: i64,
}

#[derive(sqlx::FromRow)]
struct Fact {
    name: String,
    value: String,
}

impl Store {
    /// Reads it; `now_ms` is the steady clock's.
    pub async fn overview(&self, now_ms: i64) -> Result<Overview> {
        let (ownerless, ownerless_ids) = self.ownerless(20).await?;
        let mut tx = self.reading().await?;
        let counted = fetch_all!(&mut tx, Counted, "SELECT state, COUNT(*) AS count FROM commands GROUP BY state")?;
        let count = |state: &str| counted.iter().find(|row| row.state == state).map_or(0, |row| row.count);
        let oldest = fetch_scalar!(
            &mut tx,
            i64,
            "SELECT COALESCE(MIN(received_ms), 0) FROM commands WHERE state IN ('waiting', 'working')"
        )?;
        let outbox_oldest =
            fetch_scalar!(&mut tx, i64, "SELECT COALESCE(MIN(queued_ms), 0) FROM outbox WHERE refused IS NULL")?;
        let age = |since: Option<i64>| since.filter(|since| *since > 0).map_or(0, |since| (now_ms - since).max(0));
        let replay = fetch_all!(&mut tx, Replay, "SELECT replay_id, updated_ms FROM replay ORDER BY topic LIMIT 1")?;
        let replay = replay.into_iter().next();
        let facts = fetch_all!(&mut tx, Fact, "SELECT name, value FROM meta ORDER BY name")?;
        Ok(Overview {
            database: self.kind(),
            waiting: count("waiting"),
            working: count("working"),
            dead: count("dead"),
            done: count("done"),
            oldest_waiting_ms: age(oldest),
            outbox: tx.outbox_depth().await?,
            outbox_oldest_ms: age(outbox_oldest),
            refused: fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM outbox WHERE refused IS NOT NULL")?.unwrap_or(0),
            files: fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM files WHERE uploaded_ms IS NULL")?.unwrap_or(0),
            bad_events: fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM bad_events")?.unwrap_or(0),
            ownerless,
            ownerless_ids,
            sidecars: fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM sidecars")?.unwrap_or(0),
            replay_updated_ms: replay.as_ref().map(|replay| replay.updated_ms),
            replay_id: replay.map(|replay| hex::encode(replay.replay_id)),
            facts: facts.into_iter().map(|fact| (fact.name, fact.value)).collect(),
        })
    }
}
