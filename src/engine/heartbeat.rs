//! What an administrator sees of the daemon without a server log: one row in the org, which says that it lives, since when,
//! in which version, and how much of the day's allocations is left.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::clock::wall_ms;
use super::house::House;
use super::payments::time_text;
use crate::store;
use crate::store::outbox::Write;

/// Each sign costs two API calls (reading the limits, writing the row), so some 290 a day.
pub const EVERY: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_secs(5);
/// Of several sidecars one writes.
const LEASE: &str = "status";
/// The row's key.
const ROW: &str = "payment service";

/// Writes until the house stops.
pub async fn run(house: House, version: &'static str) {
    let started_ms = wall_ms();
    let mut last: Option<Instant> = None;
    while !house.stop.is_cancelled() {
        if last.is_none_or(|last| last.elapsed() >= EVERY) {
            match beat(&house, version, started_ms).await {
                Ok(true) => last = Some(Instant::now()),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the sign of life for the org could not be written down"),
            }
        }
        tokio::select! {
            () = house.stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Puts one sign into the outbox. False where another sidecar does.
pub(super) async fn beat(house: &House, version: &str, started_ms: i64) -> store::Result<bool> {
    if house.store.take_lease(LEASE, &house.me()).await?.is_none() {
        return Ok(false);
    }
    // Without the figures the sign still goes: that it lives is what matters most.
    let limits = house.salesforce.limits().await.unwrap_or(Value::Null);
    let overview = house.store.overview(house.now_ms()).await?;
    let event_ms = overview.replay_updated_ms.map(|ms| wall_ms() - (house.now_ms() - ms).max(0));
    let time = |ms: i64| time_text(ms.div_euclid(1000)).map_or(Value::Null, Value::String);
    let mut write = Write::upsert("Sidecar_Status__c", "Key__c", ROW)
        .with("Version__c", version)
        .with("Started_At__c", time(started_ms))
        .with("Seen_At__c", time(wall_ms()));
    if let Some(ms) = event_ms {
        write = write.with("Last_Event_At__c", time(ms));
    }
    for (name, used, allowed) in [
        ("DailyDeliveredPlatformEvents", "Deliveries_Used__c", "Deliveries_Limit__c"),
        ("DailyApiRequests", "Api_Calls_Used__c", "Api_Calls_Limit__c"),
    ] {
        let figure = |which: &str| limits.pointer(&format!("/{name}/{which}"))?.as_i64();
        if let (Some(most), Some(left)) = (figure("Max"), figure("Remaining")) {
            write = write.with(used, most.saturating_sub(left)).with(allowed, most);
        }
    }
    // It may wait for others to travel with, and must not cost a call that a payment needs.
    write.bulk = true;
    let now_ms = house.now_ms();
    let mut tx = house.store.begin().await?;
    tx.write_out(&write, now_ms).await?;
    tx.commit().await?;
    house.outbox_filled.notify_one();
    Ok(true)
}
