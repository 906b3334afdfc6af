//! The sidecar's signs of life, the burial of others, and the housekeeping that follows.

use std::time::{Duration, Instant};

use super::house::House;
use super::reconcile;
use crate::store;
use crate::store::leases::Watch;

const BEAT: Duration = Duration::from_secs(5);
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Salesforce keeps events for three days.
const SEEN_EVENTS_MS: i64 = 4 * DAY_MS;
/// What was done is remembered so long: far longer than Stripe remembers a key.
const DONE_MS: i64 = 30 * DAY_MS;
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);

/// Beats until the house stops, then signs off.
pub async fn run(house: House) {
    let mut watch = Watch::default();
    let mut cleaned: Option<Instant> = None;
    loop {
        if let Err(error) = beat(&house, &mut watch).await {
            tracing::error!(%error, "no sign of life could be written");
        }
        match reconcile::if_wanted(&house).await {
            Ok(None) => {}
            Ok(Some(commands)) => tracing::info!(commands, "looked up in the org what waits there"),
            Err(error) => tracing::warn!(%error, "what waits in the org could not be looked up; it is tried again"),
        }
        if cleaned.is_none_or(|last| last.elapsed() > HOUSEKEEPING) {
            cleaned = Some(Instant::now());
            if let Err(error) = clean(&house).await {
                tracing::error!(%error, "old rows could not be removed");
            }
        }
        tokio::select! {
            () = house.stop.cancelled() => break,
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

async fn beat(house: &House, watch: &mut Watch) -> store::Result<()> {
    let (me, now_ms) = (house.me(), house.now_ms());
    let doubt = house.had_doubt();
    if doubt || !house.store.beat(&me, now_ms).await? {
        // Entered before it is used: what an unknown name claims, nobody would ever free. The old name falls silent, and
        // what was claimed under it without our knowing is freed when it is buried; what is in hand ends well before.
        let name = uuid::Uuid::new_v4().to_string();
        if let Err(error) = house.store.register_sidecar(&name, now_ms).await {
            house.doubt();
            return Err(error);
        }
        house.rename(&name);
        tracing::warn!(
            doubt,
            "this sidecar goes on under a new name: it was taken for dead, or may hold what it doesn't know of"
        );
    }
    for id in house.store.bury_dead(&house.me(), watch, Instant::now()).await? {
        tracing::warn!(sidecar = %id, "a sidecar gave no sign of life; its work is free");
        house.commands_came.notify_waiters();
    }
    Ok(())
}

async fn clean(house: &House) -> store::Result<()> {
    let now_ms = house.now_ms();
    house.store.forget_seen_events(now_ms - SEEN_EVENTS_MS).await?;
    let mut tx = house.store.begin().await?;
    tx.forget_ended(now_ms - DONE_MS).await?;
    tx.commit().await
}
