//! Accounts inserted as an import would bring them: how near we come to Stripe's limit, and what it costs in Salesforce.

use std::collections::BTreeMap;
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
    let stage = Stage::set(plan, None).await?;
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
    let memory = stage.memory_kb().await?;
    stage.end().await;

    let made = after.customers.taken - before.customers.taken;
    let span_s = (after.customers.last_ms - after.customers.first_ms) as f64 / 1_000.0;
    let share = (made - 1) as f64 / span_s / BINDING_A_SECOND * 100.0;
    let thousands = plan.accounts as f64 / 1_000.0;
    let (calls, delivered) = (after.calls() - before.calls(), after.delivered - before.delivered);
    let kinds = after.kinds_since(&before);
    let per_thousand = |count: u64| format!("{:.1}", count as f64 / thousands);
    Ok(vec![
        Row::new(
            format!("share of Stripe's binding rate limit, {} accounts", plan.accounts),
            format!("{share:.1} %"),
            format!(
                "{made} Customers made in {span_s:.0} s of a limit of 25/s; {} refused with 429; imported in {:.0} s, all in sync after {:.0} s",
                after.refused - before.refused,
                inserted.as_secs_f64(),
                drained.as_secs_f64()
            ),
        )
        .held_to("≥ 95 %", share >= 95.0),
        Row::new(
            "Salesforce calls per 1,000 accounts, reads included",
            per_thousand(calls),
            format!("{calls} calls: {kinds}"),
        )
        .held_to("≤ 3", calls as f64 <= 3.0 * thousands),
        Row::new(
            "delivered events per 1,000 accounts",
            per_thousand(delivered),
            format!("{delivered} events for an import in chunks of 200"),
        )
        .held_to("≤ 10", delivered as f64 <= 10.0 * thousands),
        Row::new(
            format!("memory after {} accounts (RSS)", plan.accounts),
            format!("{:.1} MB", memory.0 as f64 / 1_000.0),
            format!("{:.1} MB of it not a file's pages", memory.1 as f64 / 1_000.0),
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
    /// Calls to Salesforce by kind.
    kinds: BTreeMap<String, u64>,
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
        let ours = org["calls"][&stage.running.endpoints.salesforce.username]
            .as_object()
            .context("the org counted no call of ours")?;
        let kinds = ours.iter().filter(|(kind, _)| *kind != "total");
        Ok(Counted {
            customers,
            refused: stripe["*"]["refused"].as_u64().unwrap_or_default(),
            kinds: kinds.map(|(kind, count)| (kind.clone(), count.as_u64().unwrap_or_default())).collect(),
            delivered: org["events"]["delivered_pubsub"].as_u64().context("the org counted no events")?,
        })
    }

    fn calls(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// As "composite 12, retrieve 6".
    fn kinds_since(&self, before: &Counted) -> String {
        let since = self.kinds.iter().map(|(kind, count)| (kind, count - before.kinds.get(kind).unwrap_or(&0)));
        let named: Vec<String> =
            since.filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{kind} {count}")).collect();
        named.join(", ")
    }
}
