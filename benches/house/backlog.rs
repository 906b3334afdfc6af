//! Accounts inserted as an import would bring them: how near we come to Stripe's limit, and what it costs in Salesforce.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::Plan;
use super::rows::Row;
use super::stage::Stage;

/// A test key's limit, over all endpoints together.
const BINDING_A_SECOND: f64 = 25.0;
const ENDPOINT: &str = "POST /v1/customers";

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::set().await?;
    let world = &stage.running.world;
    // What the daemon asks at its start is not the backlog's.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = Counted::read(&stage).await?;
    let start = Instant::now();
    for chunk in (0..plan.accounts).collect::<Vec<_>>().chunks(200) {
        let rows: Vec<Value> = chunk
            .iter()
            .map(|number| json!({"Name": format!("Backlog {number:05}"), "Billing_Email__c": format!("b{number}@customers.example")}))
            .collect();
        world.insert_many("Account", &rows).await?;
    }
    let inserted = start.elapsed();
    let deadline = Duration::from_secs(120) + Duration::from_secs_f64(plan.accounts as f64 / 15.0);
    loop {
        let waiting = world.query("SELECT Id FROM Account WHERE Stripe_Customer_Id__c = null LIMIT 1").await?;
        if waiting.is_empty() {
            break;
        }
        if start.elapsed() > deadline {
            bail!("the backlog did not drain within {} s", deadline.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
    let drained = start.elapsed();
    // A command that our own write-back made would come now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = Counted::read(&stage).await?;
    stage.end().await;

    let made = after.customers.taken - before.customers.taken;
    let span_s = (after.customers.last_ms - after.customers.first_ms) as f64 / 1_000.0;
    let share = (made - 1) as f64 / span_s / BINDING_A_SECOND * 100.0;
    let thousands = plan.accounts as f64 / 1_000.0;
    let per_thousand = |count: u64| format!("{:.1}", count as f64 / thousands);
    Ok(vec![
        Row::new(
            format!("share of Stripe's binding rate limit, {} accounts", plan.accounts),
            format!("{share:.1} %"),
            "≥ 95 %",
            format!(
                "{made} Customers made in {span_s:.0} s of a limit of 25/s; {} refused with 429; imported in {:.0} s, all in sync after {:.0} s",
                after.refused - before.refused,
                inserted.as_secs_f64(),
                drained.as_secs_f64()
            ),
        ),
        Row::new(
            "Salesforce calls per 1,000 accounts, reads included",
            per_thousand(after.calls - before.calls),
            "≤ 3",
            after.kinds,
        ),
        Row::new(
            "delivered events per 1,000 accounts",
            per_thousand(after.delivered - before.delivered),
            "≤ 10",
            format!("{} events for an import in chunks of 200", after.delivered - before.delivered),
        ),
    ])
}

struct Use {
    taken: u64,
    first_ms: i64,
    last_ms: i64,
}

struct Counted {
    customers: Use,
    refused: u64,
    calls: u64,
    kinds: String,
    delivered: u64,
}

impl Counted {
    async fn read(stage: &Stage) -> anyhow::Result<Counted> {
        let (stripe, org) = (stage.stripe_counters().await?, stage.org_counters().await?);
        let one = &stripe[ENDPOINT];
        let customers = Use {
            taken: one["taken"].as_u64().unwrap_or_default(),
            first_ms: one["first_ms"].as_i64().unwrap_or_default(),
            last_ms: one["last_ms"].as_i64().unwrap_or_default(),
        };
        let ours = &org["calls"][&stage.running.endpoints.salesforce.username];
        Ok(Counted {
            customers,
            refused: stripe["*"]["refused"].as_u64().unwrap_or_default(),
            calls: ours["total"].as_u64().context("the org counted no call of ours")?,
            kinds: format!("since the start, by kind: {ours}"),
            delivered: org["events"]["delivered_pubsub"].as_u64().context("the org counted no events")?,
        })
    }
}
