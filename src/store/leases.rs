//! Who is alive, and who holds what only one may hold.
//!
//! A sidecar moves its counter; another one that has watched the counter stand still for 30 s of its own monotonic clock
//! buries it, which frees its claims and leases. No wall clock is compared between machines.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Db, Result, Store, execute, fetch_all, fetch_scalar};

/// How long a counter may stand still.
pub const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Something that one sidecar at a time may hold. The token grows with each holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is held.
    pub name: String,
    /// By whom.
    pub holder: String,
    /// The fencing token.
    pub token: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    counter: i64,
}

/// What one sidecar has seen of the others.
#[derive(Debug, Default)]
pub struct Watch {
    seen: HashMap<String, (i64, Instant)>,
}

impl Watch {
    /// Notes a counter; answers whether it has stood still for too long.
    fn is_dead(&mut self, id: &str, counter: i64, now: Instant) -> bool {
        let (last, since) = self.seen.entry(id.to_owned()).or_insert((counter, now));
        if *last != counter {
            (*last, *since) = (counter, now);
        }
        now.saturating_duration_since(*since) >= DEAD_AFTER
    }
}

impl Store {
    /// Enters a sidecar. On SQLite there can be no other (the lock file sees to that), so whatever the last one held is free.
    pub async fn register_sidecar(&self, id: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "INSERT INTO sidecars (id, counter, started_ms) VALUES ($1, 0, $2) ON CONFLICT (id) DO NOTHING",
            id,
            now_ms
        )?;
        tx.commit().await
    }

    /// Frees all claims of sidecars that came before, when the database can have no other user.
    pub async fn release_foreign(&self) -> Result<u64> {
        if !matches!(self.db, Db::Sqlite { .. }) {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        execute!(&mut tx, "DELETE FROM sidecars")?;
        execute!(&mut tx, "UPDATE leases SET holder = NULL")?;
        execute!(&mut tx, "UPDATE outbox SET claimed_by = NULL WHERE claimed_by IS NOT NULL")?;
        execute!(&mut tx, "UPDATE hints SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by IS NOT NULL")?;
        execute!(&mut tx, "UPDATE receipts SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by IS NOT NULL")?;
        execute!(&mut tx, "UPDATE bank_letters SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by IS NOT NULL")?;
        let freed =
            execute!(&mut tx, "UPDATE commands SET state = 'waiting', claimed_by = NULL WHERE state = 'working'")?;
        tx.commit().await?;
        Ok(freed)
    }

    /// A sign of life. `false`: others took us for dead; our claims are gone and we must enter under a new id.
    pub async fn beat(&self, id: &str, now_ms: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let alive = execute!(&mut tx, "UPDATE sidecars SET counter = counter + 1 WHERE id = $1", id)? == 1;
        tx.raise_high_water(now_ms).await?;
        tx.commit().await?;
        Ok(alive)
    }

    /// Buries the sidecars whose counters have stood still; answers who they were.
    pub async fn bury_dead(&self, me: &str, watch: &mut Watch, now: Instant) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let rows = fetch_all!(&mut tx, Row, "SELECT id, counter FROM sidecars WHERE id <> $1", me)?;
        drop(tx);
        watch.seen.retain(|id, _| rows.iter().any(|row| row.id == *id));
        let mut buried = Vec::new();
        for row in rows {
            if watch.is_dead(&row.id, row.counter, now) && self.bury_sidecar(&row.id, row.counter).await? {
                buried.push(row.id);
            }
        }
        self.free_orphans().await?;
        Ok(buried)
    }

    /// A commit of the dead may arrive after the burial: what nobody alive holds is freed too.
    async fn free_orphans(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "UPDATE commands SET state = 'waiting', claimed_by = NULL
             WHERE state = 'working' AND claimed_by NOT IN (SELECT id FROM sidecars)"
        )?;
        execute!(
            &mut tx,
            "UPDATE outbox SET claimed_by = NULL WHERE claimed_by IS NOT NULL AND claimed_by NOT IN (SELECT id FROM sidecars)"
        )?;
        execute!(
            &mut tx,
            "UPDATE leases SET holder = NULL WHERE holder IS NOT NULL AND holder NOT IN (SELECT id FROM sidecars)"
        )?;
        tx.commit().await
    }

    /// Frees what a sidecar holds, if its counter still stands where it was seen.
    pub async fn bury_sidecar(&self, id: &str, counter: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        if execute!(&mut tx, "DELETE FROM sidecars WHERE id = $1 AND counter = $2", id, counter)? == 0 {
            return Ok(false);
        }
        execute!(&mut tx, "UPDATE commands SET state = 'waiting', claimed_by = NULL WHERE claimed_by = $1", id)?;
        execute!(&mut tx, "UPDATE outbox SET claimed_by = NULL WHERE claimed_by = $1", id)?;
        execute!(&mut tx, "UPDATE hints SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by = $1", id)?;
        execute!(&mut tx, "UPDATE receipts SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by = $1", id)?;
        execute!(&mut tx, "UPDATE bank_letters SET claimed_by = NULL, next_at_ms = 0 WHERE claimed_by = $1", id)?;
        execute!(&mut tx, "UPDATE leases SET holder = NULL WHERE holder = $1", id)?;
        tx.commit().await?;
        Ok(true)
    }

    /// Leaves in order: what is held is free at once.
    pub async fn sign_off(&self, id: &str) -> Result<()> {
        let mut tx = self.reading().await?;
        let counter = fetch_scalar!(&mut tx, i64, "SELECT counter FROM sidecars WHERE id = $1", id)?;
        drop(tx);
        if let Some(counter) = counter {
            self.bury_sidecar(id, counter).await?;
        }
        Ok(())
    }

    /// Takes a lease that nobody holds; taking one's own again answers it unchanged.
    pub async fn take_lease(&self, name: &str, holder: &str) -> Result<Option<Lease>> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "INSERT INTO leases (name, holder, token) VALUES ($1, NULL, 0) ON CONFLICT (name) DO NOTHING",
            name
        )?;
        let lease = |token| Lease { name: name.to_owned(), holder: holder.to_owned(), token };
        let own =
            fetch_scalar!(&mut tx, i64, "SELECT token FROM leases WHERE name = $1 AND holder = $2", name, holder)?;
        if let Some(token) = own {
            return Ok(Some(lease(token)));
        }
        let token = fetch_scalar!(
            &mut tx,
            i64,
            "UPDATE leases SET holder = $2, token = token + 1 WHERE name = $1 AND holder IS NULL RETURNING token",
            name,
            holder
        )?;
        tx.commit().await?;
        Ok(token.map(lease))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Priority;
    use crate::store::commands::tests::command;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_sidecar_whose_counter_stands_still_loses_its_claims() {
        on_both(async |store| {
            for id in ["dead", "alive", "me"] {
                store.register_sidecar(id, 0).await.unwrap();
            }
            let mut tx = store.begin().await.unwrap();
            tx.enqueue(&[command("a", 1)], 0).await.unwrap();
            tx.claim("dead", Priority::Bulk, 1, 0).await.unwrap();
            tx.commit().await.unwrap();
            let mut watch = Watch::default();
            let start = Instant::now();
            assert!(store.bury_dead("me", &mut watch, start).await.unwrap().is_empty());
            assert!(store.beat("alive", 0).await.unwrap());
            let later = start + Duration::from_secs(29);
            assert!(store.bury_dead("me", &mut watch, later).await.unwrap().is_empty());
            let late = start + Duration::from_secs(31);
            assert_eq!(store.bury_dead("me", &mut watch, late).await.unwrap(), ["dead"]);
            assert!(!store.beat("dead", 0).await.unwrap(), "it must notice");
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tx.claim("me", Priority::Bulk, 1, 0).await.unwrap().len(), 1);
        })
        .await;
    }
}
