//! A day on which thousands of bank debits are under way and a part of them settles: what that asks of Stripe.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;

use super::Plan;
use super::rows::Row;
use super::stage::Stage;

/// Debits start on that many days in a row, so that they don't all settle on one.
const DAYS: usize = 4;
const SWEEPS_A_DAY: u64 = 96;
/// A sweep looks back an hour beyond the last one, so each event is listed five times.
const LISTED_TIMES: u64 = 5;
const A_PAGE: u64 = 100;
const READ: &str = "GET /v1/payment_intents/{id}";
const LIST: &str = "GET /v1/payment_intents";
const EVENTS: &str = "GET /v1/events";

type Calls = BTreeMap<String, u64>;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with(plan, None, |options| options.clock = true).await?;
    let debits = plan.debits as u64;
    start_debits(&stage, plan.debits).await?;
    rest(&stage, debits).await?;
    let before = calls(&stage).await?;
    sync_now(&stage, debits).await?;
    let quiet = since(&stage, &before).await?;
    let before = calls(&stage).await?;
    let settled = a_day_on_which_some_settle(&stage, debits).await?;
    let day = since(&stage, &before).await?;
    let before = calls(&stage).await?;
    sync_now(&stage, debits).await?;
    let busy = since(&stage, &before).await?;
    let listing = listing(&stage, debits).await?;
    stage.end().await;

    let pages = |calls: &Calls| calls.get(EVENTS).copied().unwrap_or_default();
    // As many start as settle, day by day.
    let events = (pages(&busy).saturating_sub(pages(&quiet)) + pages(&quiet) * settled / plan.debits as u64) * A_PAGE;
    let listed = SWEEPS_A_DAY + events * LISTED_TIMES / A_PAGE;
    let (reads, night) = (sum(&day), sum(&listing));
    let started = settled;
    let total = reads + started + listed + night;
    let polled = SWEEPS_A_DAY * plan.debits as u64;
    Ok(vec![
        Row::new(
            format!("Stripe calls a debit that settles, {} under way", plan.debits),
            format!("{:.2}", reads as f64 / settled as f64),
            format!("{settled} settled: {}", named(&day)),
        )
        .held_to("≤ 2", reads <= settled * 2),
        Row::new(
            format!("debits read by a sweep, {} under way", plan.debits),
            quiet.get(READ).copied().unwrap_or_default().to_string(),
            named(&quiet),
        )
        .held_to("0", !quiet.contains_key(READ)),
        Row::new(
            format!("Stripe calls of the night's listing, {} debits", plan.debits),
            night.to_string(),
            named(&listing),
        )
        .held_to("no debit read", !listing.contains_key(READ)),
        Row::new(
            format!("Stripe calls of a day of the ladder, {} under way", plan.debits),
            total.to_string(),
            format!(
                "reckoned: {reads} for the {settled} that settle, {started} for as many that start, {listed} pages of events in {SWEEPS_A_DAY} sweeps, {night} for the listing; reading each at each sweep would be {polled}"
            ),
        )
        .held_to("≤ 5 % of reading each at each sweep", total * 20 <= polled),
    ])
}

/// Debits of a customer who has connected a bank, made in Stripe's dashboard: our own start the same way, and Stripe's limit
/// would make this take an hour.
async fn start_debits(stage: &Stage, debits: usize) -> anyhow::Result<()> {
    let world = &stage.running.world;
    let account = world.insert("Account", &json!({"Name": "Ladder"})).await?;
    let soql =
        format!("SELECT Stripe_Customer_Id__c FROM Account WHERE Id = '{account}' AND Stripe_Customer_Id__c != null");
    let customer = wait(60, "the account's Customer", async || {
        let rows = world.query(&soql).await?;
        Ok(rows.first().and_then(|row| row["Stripe_Customer_Id__c"].as_str().map(str::to_owned)))
    })
    .await?;
    let org = &stage.running.endpoints.salesforce.org_id;
    for day in 0..DAYS {
        for _ in 0..debits / DAYS + usize::from(day < debits % DAYS) {
            let metadata = json!({"sf_org_id": org, "sf_account_id": account});
            let body = json!({"amount": 5_000, "customer": customer, "method": "bank", "metadata": metadata});
            world.stripe_control("payments", &body).await?;
        }
        if day + 1 < DAYS {
            world.stripe_control("clock", &json!({"advance_days": 1})).await?;
        }
    }
    wait(180 + debits as u64 / 15, "every debit in the org", async || {
        Ok((standing(stage, "Processing").await? == debits as u64).then_some(()))
    })
    .await
}

/// Days pass until something settles. Answers how many did, once the org has them all.
async fn a_day_on_which_some_settle(stage: &Stage, debits: u64) -> anyhow::Result<u64> {
    for _ in 0..10 {
        stage.running.world.stripe_control("clock", &json!({"advance_days": 1})).await?;
        let state = stage.running.world.stripe_state().await?;
        let intents = state["payment_intents"].as_array().context("Stripe's state has no intents")?;
        let settled = intents.iter().filter(|intent| intent["status"] == "succeeded").count() as u64;
        if settled > 0 {
            wait(180 + settled / 15, "the settled debits in the org", async || {
                Ok((standing(stage, "Settled").await? == settled).then_some(()))
            })
            .await?;
            rest(stage, debits).await?;
            return Ok(settled);
        }
    }
    bail!("nothing settled within ten days")
}

/// The daemon is started again with a sweep that is due soon, and a listing with it: the mark of the last one is kept.
async fn listing(stage: &Stage, debits: u64) -> anyhow::Result<Calls> {
    let config = &stage.running.endpoints.daemon_config;
    let text = std::fs::read_to_string(config)?;
    std::fs::write(config, text.replace("[stripe]\n", "[stripe]\nsweep_s = 30\nlisting_s = 30\n"))?;
    stage.running.daemon.stop(Duration::from_secs(20)).await;
    stage.running.daemon.start().await?;
    stage.running.daemon.ready(60).await?;
    rest(stage, debits).await?;
    let before = calls(stage).await?;
    wait(90, "the listing", async || Ok(since(stage, &before).await?.contains_key(LIST).then_some(()))).await?;
    rest(stage, debits).await?;
    let mut listing = since(stage, &before).await?;
    // The sweep of events that went before it is counted elsewhere.
    listing.remove(EVENTS);
    Ok(listing)
}

async fn sync_now(stage: &Stage, debits: u64) -> anyhow::Result<()> {
    let world = &stage.running.world;
    let request = world.press("SyncNowController", "start", &json!({})).await?;
    let id = request.as_str().map(str::to_owned).unwrap_or_else(|| request.to_string());
    let soql = format!("SELECT Id FROM Payment_Request__c WHERE Request_Id__c = '{id}' AND State__c = 'Done'");
    wait(300, "the sweep", async || Ok((!world.query(&soql).await?.is_empty()).then_some(()))).await?;
    rest(stage, debits).await
}

/// Until Stripe has not been asked anything for five seconds. What comes late about `debits` is read at Stripe's limit.
async fn rest(stage: &Stage, debits: u64) -> anyhow::Result<()> {
    let mut last = sum(&calls(stage).await?);
    wait(120 + debits / 15, "the daemon to come to rest", async || {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = sum(&calls(stage).await?);
        Ok((std::mem::replace(&mut last, now) == now).then_some(()))
    })
    .await
}

async fn standing(stage: &Stage, state: &str) -> anyhow::Result<u64> {
    let soql = format!("SELECT COUNT(Id) payments FROM Payment__c WHERE State__c = '{state}'");
    let rows = stage.running.world.query(&soql).await?;
    Ok(rows.first().and_then(|row| row["payments"].as_u64()).unwrap_or_default())
}

/// Calls that Stripe has taken so far, by endpoint.
async fn calls(stage: &Stage) -> anyhow::Result<Calls> {
    let counted = stage.stripe_counters().await?;
    let all = counted.as_object().context("Stripe counted nothing")?.iter().filter(|(name, _)| *name != "*");
    Ok(all.map(|(name, one)| (name.clone(), one["taken"].as_u64().unwrap_or_default())).collect())
}

async fn since(stage: &Stage, before: &Calls) -> anyhow::Result<Calls> {
    let now = calls(stage).await?;
    let more = now.into_iter().map(|(name, count)| {
        let before = before.get(&name).copied().unwrap_or_default();
        (name, count - before)
    });
    Ok(more.filter(|(_, count)| *count > 0).collect())
}

fn sum(calls: &Calls) -> u64 {
    calls.values().sum()
}

fn named(calls: &Calls) -> String {
    calls.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

async fn wait<T>(
    seconds: u64,
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("waited {seconds} s for {what}")
}
