//! Webhooks at 500 a second. The clock of each runs from the moment when it was due, so that a stall is counted for all that
//! should have been sent meanwhile.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::time::Instant;

use super::rows::{Row, Samples};
use super::stage::Stage;
use super::{Plan, disk};

const A_SECOND: u32 = 500;
/// A payment makes several events about the same intent.
const EVENTS_AN_INTENT: u32 = 4;
const WEBHOOKS_A_PROBE: u32 = 10;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut rows = vec![on("SQLite", plan, None).await?];
    if let Some(server) = &plan.postgres {
        rows.push(on("PostgreSQL", plan, Some(server.database("bench_webhooks").await?)).await?);
    }
    Ok(rows)
}

async fn on(database: &str, plan: &Plan, url: Option<String>) -> anyhow::Result<Row> {
    let syncs = disk::syncs_a_second(1)?;
    let stage = Stage::set(plan, url).await?;
    let posts = Arc::new(Posts {
        http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?,
        url: format!("{}/webhooks/stripe", stage.running.endpoints.page_url),
        health_url: format!("{}/healthz", stage.running.endpoints.page_url),
        secret: stage.running.endpoints.stripe.webhook_secret.clone(),
    });
    // Connections are opened before the clock runs, as Stripe keeps them open too.
    at_rate(&posts, "warm", A_SECOND).await?;
    let run = at_rate(&posts, "run", A_SECOND * u32::try_from(plan.seconds)?).await?;
    stage.end().await;
    let beside = format!(
        "{} acknowledged at {:.0}/s; GET /healthz, which stores nothing, in the same seconds {}; bare syncs of this disk {syncs:.0}/s",
        run.webhooks.len(),
        run.webhooks.len() as f64 / run.took.as_secs_f64(),
        run.health.halves()
    );
    Ok(Row::new(format!("webhook acknowledged, {A_SECOND} a second, {database}"), run.webhooks.halves(), beside))
}

struct Posts {
    http: reqwest::Client,
    url: String,
    health_url: String,
    secret: String,
}

/// What one run of webhooks took.
struct Run {
    webhooks: Samples,
    health: Samples,
    took: Duration,
}

impl Posts {
    async fn health(&self) -> anyhow::Result<()> {
        self.http.get(&self.health_url).send().await?.error_for_status()?;
        Ok(())
    }

    async fn send(&self, run: &str, number: u32) -> anyhow::Result<()> {
        let intent = format!("pi_bench{run}{:08}", number / EVENTS_AN_INTENT);
        let body = json!({
            "id": format!("evt_bench_{run}_{number}"), "object": "event", "api_version": "2026-10-28.endive",
            "created": 1_795_000_000, "livemode": false, "type": "payment_intent.succeeded", "pending_webhooks": 1,
            "data": {"object": {"id": intent, "object": "payment_intent", "amount": 1_000, "currency": "usd"}},
        })
        .to_string();
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())?;
        mac.update(format!("{at}.{body}").as_bytes());
        let signature = format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()));
        let answer = self.http.post(&self.url).header("Stripe-Signature", signature).body(body).send().await?;
        if !answer.status().is_success() {
            bail!("a webhook was answered {}", answer.status());
        }
        Ok(())
    }
}

async fn at_rate(posts: &Arc<Posts>, run: &'static str, count: u32) -> anyhow::Result<Run> {
    let start = Instant::now();
    let (mut webhooks, mut health) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for number in 0..count {
        let due = start + Duration::from_secs(1) * number / A_SECOND;
        tokio::time::sleep_until(due).await;
        let sender = Arc::clone(posts);
        webhooks.spawn(async move { sender.send(run, number).await.map(|()| due.elapsed()) });
        if number % WEBHOOKS_A_PROBE == 0 {
            let sender = Arc::clone(posts);
            health.spawn(async move { sender.health().await.map(|()| due.elapsed()) });
        }
    }
    let webhooks = gather(webhooks).await.context("a webhook was not acknowledged")?;
    let took = start.elapsed();
    Ok(Run { webhooks, health: gather(health).await.context("GET /healthz")?, took })
}

async fn gather(mut sent: tokio::task::JoinSet<anyhow::Result<Duration>>) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    while let Some(one) = sent.join_next().await {
        samples.add(one??);
    }
    Ok(samples)
}
