//! Webhook delivery: signed anew at each try, retried with growing pauses for a day, and as unreliable as the faults ask
//! for. All of it on the machine's clock, because the receiver lives on it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::keys;
use super::server::{Plaid, lock};
use super::store::Kind;
use crate::sandbox::clock::machine_ms;

const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE_MS: i64 = 30_000;
const GIVE_UP_MS: i64 = 24 * 3_600_000;
const KEPT: usize = 1_000;

pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Whoever runs us has usually installed one; a second try changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
}

/// The pause after the `attempts`-th failure: 30 s, then four times as long each.
fn pause_ms(attempts: i64) -> i64 {
    FIRST_PAUSE_MS.saturating_mul(4_i64.saturating_pow(u32::try_from(attempts).unwrap_or(0)))
}

pub async fn run(plaid: Arc<Plaid>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = plaid.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        let now = machine_ms();
        let due: Vec<Value> = lock(&plaid.world)
            .store
            .all(Kind::Delivery)
            .into_iter()
            .filter(|delivery| delivery["next_at_ms"].as_i64().is_some_and(|at| at <= now))
            .cloned()
            .collect();
        for delivery in due {
            deliver(&plaid, delivery).await;
        }
    }
}

async fn deliver(plaid: &Plaid, mut delivery: Value) {
    let id = delivery["id"].as_str().unwrap_or_default().to_owned();
    let attempts = delivery["attempts"].as_i64().unwrap_or_default();
    let first = attempts == 0 && delivery["held_back"] != true;
    if first && plaid.faults.strikes("lost_webhook") {
        note(plaid, &delivery, json!("lost"));
        plaid.change(|world| world.store.remove(Kind::Delivery, &id));
        return;
    }
    if first && plaid.faults.strikes("reordered_webhook") {
        note(plaid, &delivery, json!("held back"));
        delivery["held_back"] = json!(true);
        delivery["next_at_ms"] = json!(machine_ms() + 1_500);
        plaid.change(|world| world.put(Kind::Delivery, delivery));
        return;
    }
    let times = if first && plaid.faults.strikes("duplicate_webhook") { 2 } else { 1 };
    let mut outcome = Value::Null;
    for _ in 0..times {
        outcome = post(plaid, &delivery).await;
        note(plaid, &delivery, outcome.clone());
    }
    plaid.change(|world| {
        let pause = pause_ms(attempts);
        if outcome.as_u64().is_some_and(|status| (200..300).contains(&status)) || pause > GIVE_UP_MS {
            world.store.remove(Kind::Delivery, &id);
            return;
        }
        delivery["attempts"] = json!(attempts + 1);
        delivery["next_at_ms"] = json!(machine_ms() + pause);
        world.put(Kind::Delivery, delivery);
    });
}

/// The status, or why there was none.
async fn post(plaid: &Plaid, delivery: &Value) -> Value {
    let body = delivery["body"].as_str().unwrap_or_default().to_owned();
    let signature = keys::sign(&lock(&plaid.world), &body).unwrap_or_default();
    let request = plaid
        .client
        .post(delivery["url"].as_str().unwrap_or_default())
        .header("content-type", "application/json")
        .header("user-agent", "Plaid/1.0")
        .header("plaid-verification", signature)
        .body(body);
    match request.send().await {
        Ok(response) => json!(response.status().as_u16()),
        Err(error) if error.is_timeout() => json!("no answer within 10 s"),
        Err(error) => json!(format!("not reached: {}", error.without_url())),
    }
}

fn note(plaid: &Plaid, delivery: &Value, outcome: Value) {
    let body: Value = serde_json::from_str(delivery["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let mut log = lock(&plaid.deliveries);
    if log.len() == KEPT {
        log.remove(0);
    }
    log.push(json!({"at_ms": machine_ms(), "item": body["item_id"], "type": body["webhook_type"],
        "code": body["webhook_code"], "attempt": delivery["attempts"].as_i64().unwrap_or_default() + 1, "outcome": outcome}));
}

#[cfg(test)]
mod tests {
    #[test]
    fn pauses_grow_fourfold_and_end_after_a_day() {
        assert_eq!([0, 1, 2].map(super::pause_ms), [30_000, 120_000, 480_000]);
        assert!(super::pause_ms(6) > super::GIVE_UP_MS);
    }
}
