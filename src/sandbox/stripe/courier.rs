//! Webhook delivery: signed, retried with growing pauses, and as unreliable as the faults ask for.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::clock::machine_ms;
use super::ledger::Kind;
use super::objects::webhook_endpoints;
use super::server::{Stripe, lock};
use super::signature::sign;
use super::world::{public, text};

const AT_ONCE: usize = 32;
const KEPT: usize = 2_000;
const GIVE_UP_MS: i64 = 3 * 86_400_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// What was delivered, and what came back.
pub type DeliveryLog = VecDeque<Value>;

pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Whoever runs us has usually installed one; a second try changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
}

/// The pause after the `attempts`-th failure.
fn pause_ms(attempts: usize) -> i64 {
    (500_i64 << attempts.min(13)).min(3_600_000)
}

pub async fn run(stripe: Arc<Stripe>, client: reqwest::Client, shutdown: CancellationToken) {
    let in_flight: Arc<Mutex<HashSet<String>>> = Arc::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = stripe.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        if stripe.timer_is_due() {
            stripe.change(|_| ());
        }
        for delivery in due(&stripe, &in_flight) {
            let (stripe, client, in_flight) = (stripe.clone(), client.clone(), in_flight.clone());
            tokio::spawn(async move {
                let id = text(&delivery, "id").unwrap_or_default().to_owned();
                deliver(&stripe, &client, delivery).await;
                lock(&in_flight).remove(&id);
                stripe.wake.notify_one();
            });
        }
    }
}

/// Deliveries to be tried now, marked as in flight.
fn due(stripe: &Stripe, in_flight: &Mutex<HashSet<String>>) -> Vec<Value> {
    let world = lock(&stripe.world);
    let mut busy = lock(in_flight);
    let now = world.clock.now_ms();
    let room = AT_ONCE.saturating_sub(busy.len());
    let waiting = world.ledger.oldest_first(Kind::Delivery).filter(|delivery| {
        delivery["next_at_ms"].as_i64().is_some_and(|at| at <= now)
            && text(delivery, "id").is_some_and(|id| !busy.contains(id))
    });
    let chosen: Vec<Value> = waiting.take(room).cloned().collect();
    busy.extend(chosen.iter().filter_map(|delivery| text(delivery, "id").map(str::to_owned)));
    chosen
}

async fn deliver(stripe: &Arc<Stripe>, client: &reqwest::Client, mut delivery: Value) {
    let attempts = delivery["attempts"].as_array().map_or(0, Vec::len);
    let first = attempts == 0 && delivery["held_back"] != true;
    if first && stripe.faults.strikes("lost_webhook") {
        note(stripe, &delivery, json!("lost"), 0);
        stripe.change(|world| world.ledger.remove(Kind::Delivery, text(&delivery, "id").unwrap_or_default()));
        return;
    }
    if first && stripe.faults.strikes("reordered_webhook") {
        // Held back while others overtake it.
        delivery["held_back"] = json!(true);
        delivery["next_at_ms"] = json!(lock(&stripe.world).clock.now_ms() + 300 + machine_ms() % 1700);
        note(stripe, &delivery, json!("held back"), 0);
        stripe.change(|world| world.ledger.put(Kind::Delivery, delivery));
        return;
    }
    let (event, endpoint, secrets) = {
        let world = lock(&stripe.world);
        let event = world.ledger.get(Kind::Event, text(&delivery, "event").unwrap_or_default()).map(public);
        let endpoint =
            world.ledger.get(Kind::WebhookEndpoint, text(&delivery, "endpoint").unwrap_or_default()).cloned();
        let secrets = endpoint.as_ref().map(|endpoint| webhook_endpoints::secrets(endpoint, world.now_s()));
        (event, endpoint, secrets.unwrap_or_default())
    };
    let (Some(event), Some(endpoint)) = (event, endpoint.filter(|endpoint| endpoint["status"] == "enabled")) else {
        stripe.change(|world| world.ledger.remove(Kind::Delivery, text(&delivery, "id").unwrap_or_default()));
        return;
    };
    let body = event.to_string();
    let url = text(&endpoint, "url").unwrap_or_default();
    let mut outcome = post(client, url, &secrets, &body).await;
    note(stripe, &delivery, outcome.clone(), attempts + 1);
    if first && stripe.faults.strikes("duplicate_webhook") {
        outcome = post(client, url, &secrets, &body).await;
        note(stripe, &delivery, outcome.clone(), attempts + 2);
    }
    let id = text(&delivery, "id").unwrap_or_default().to_owned();
    let event_id = text(&event, "id").unwrap_or_default().to_owned();
    stripe.change(|world| {
        if outcome.as_u64().is_some_and(|status| (200..300).contains(&status)) {
            world.ledger.remove(Kind::Delivery, &id);
            if let Some(mut event) = world.ledger.get(Kind::Event, &event_id).cloned() {
                let pending = event["pending_webhooks"].as_i64().unwrap_or(1) - 1;
                event["pending_webhooks"] = json!(pending.max(0));
                world.ledger.put(Kind::Event, event);
            }
            return;
        }
        if let Some(list) = delivery["attempts"].as_array_mut() {
            list.push(json!({"at_ms": machine_ms(), "outcome": outcome}));
        }
        let now = world.clock.now_ms();
        let began = delivery["attempts"][0]["at_ms"].as_i64().unwrap_or(now);
        if machine_ms() - began > GIVE_UP_MS {
            world.ledger.remove(Kind::Delivery, &id);
        } else {
            delivery["next_at_ms"] = json!(now + pause_ms(attempts));
            world.ledger.put(Kind::Delivery, delivery);
        }
    });
}

/// The status, or why there was none.
async fn post(client: &reqwest::Client, url: &str, secrets: &[String], body: &str) -> Value {
    // Each try has a time and a signature of its own, by the machine's clock: the receiver checks against its own.
    let signature = sign(secrets, machine_ms() / 1000, body.as_bytes());
    let started = Instant::now();
    let request = client
        .post(url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("stripe-signature", signature)
        .body(body.to_owned());
    match request.send().await {
        Ok(response) => json!(response.status().as_u16()),
        Err(error) if error.is_timeout() => json!(format!("no answer within {} s", started.elapsed().as_secs())),
        Err(error) => json!(format!("not reached: {}", error.without_url())),
    }
}

fn note(stripe: &Stripe, delivery: &Value, outcome: Value, attempt: usize) {
    let mut log = lock(&stripe.deliveries);
    if log.len() == KEPT {
        log.pop_front();
    }
    log.push_back(json!({"at_ms": machine_ms(), "event": delivery["event"], "endpoint": delivery["endpoint"],
        "attempt": attempt, "outcome": outcome}));
}

#[cfg(test)]
mod tests {
    #[test]
    fn pauses_grow_up_to_an_hour() {
        assert_eq!([0, 1, 2, 13, 60].map(super::pause_ms), [500, 1000, 2000, 3_600_000, 3_600_000]);
    }
}
