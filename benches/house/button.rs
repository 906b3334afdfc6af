//! From the clerk's press to the mail in the mail server's hands: with nothing else to do, and behind a backlog of accounts.

use std::time::{Duration, Instant};

use anyhow::Context;
use quittance::sandbox::load::World;
use serde_json::{Value, json};

use super::Plan;
use super::rows::{Row, Samples};
use super::stage::Stage;

/// So many accounts wait for Stripe's limit while the second series is pressed; they take more than half a minute.
const BACKLOG: usize = 1_000;
const LONGEST_MS: f64 = 1_000.0;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::set(plan, None).await?;
    let world = &stage.running.world;
    let behind = plan.presses / 4;
    let mut invoices = invoices(world, plan.presses + behind).await?;
    let late = invoices.split_off(plan.presses);
    let calm = press_all(world, &invoices, "calm").await?;
    for number in 0..BACKLOG / 200 {
        let rows: Vec<Value> = (0..200).map(|at| json!({"Name": format!("Waits {number}-{at}")})).collect();
        world.insert_many("Account", &rows).await?;
    }
    let busy = press_all(world, &late, "busy").await?;
    let left = world.query("SELECT Id FROM Account WHERE Stripe_Customer_Id__c = null").await?.len();
    stage.end().await;
    Ok(vec![
        row("button to mail handed over", &calm, ""),
        row(
            &format!("button to mail handed over, behind {BACKLOG} accounts"),
            &busy,
            &format!("; {left} of the accounts still waited at the end"),
        ),
    ])
}

fn row(what: &str, times: &Times, more: &str) -> Row {
    let beside = format!(
        "the sandbox's own part, its Apex from the press to the controller's answer, {}; what follows {}; {} presses, one after another{more}",
        times.apex.halves(),
        times.rest.halves(),
        times.whole.len(),
    );
    Row::new(what, times.whole.halves(), beside).held_to("p99 < 1 s", times.whole.percentile_ms(99) < LONGEST_MS)
}

/// Of one account that Stripe knows already, as most are.
async fn invoices(world: &World, count: usize) -> anyhow::Result<Vec<String>> {
    let account =
        world.insert("Account", &json!({"Name": "Bench", "Billing_Email__c": "bench@customers.example"})).await?;
    let rows: Vec<Value> = (0..count)
        .map(|number| {
            json!({"Name": format!("B-{number:05}"), "Account__c": account, "Currency_Code__c": "USD",
                "Status__c": "Open", "Total__c": 100, "Due_Date__c": "2027-06-30"})
        })
        .collect();
    let mut invoices = Vec::new();
    for chunk in rows.chunks(200) {
        invoices.extend(world.insert_many("Invoice__c", chunk).await?);
    }
    Ok(invoices)
}

#[derive(Default)]
struct Times {
    whole: Samples,
    apex: Samples,
    rest: Samples,
}

async fn press_all(world: &World, invoices: &[String], series: &str) -> anyhow::Result<Times> {
    let mut times = Times::default();
    for (number, invoice) in invoices.iter().enumerate() {
        let email = format!("payer-{series}-{number}@customers.example");
        let press = json!({"invoiceId": invoice, "email": email, "note": null, "expiresOn": null});
        let (start, start_at) = (Instant::now(), jiff::Timestamp::now());
        world.press("SendPaymentLinkController", "send", &press).await?;
        let apex = start.elapsed();
        let received = received_at(world, &email).await?;
        let whole = Duration::try_from(received.duration_since(start_at)).unwrap_or_default();
        times.whole.add(whole);
        times.apex.add(apex);
        times.rest.add(whole.saturating_sub(apex));
    }
    Ok(times)
}

/// When the mailbox took the mail, by its own clock.
async fn received_at(world: &World, email: &str) -> anyhow::Result<jiff::Timestamp> {
    let url = format!("{}/api/messages", world.endpoints.smtp.mailbox_url);
    let answer = world.http.get(url).query(&[("to", email), ("wait", "30")]).send().await?.error_for_status()?;
    let mails: Vec<Value> = serde_json::from_str(&answer.text().await?)?;
    let text = mails.first().and_then(|mail| mail["received_at"].as_str());
    Ok(text.with_context(|| format!("no mail to {email} within 30 s"))?.parse()?)
}
