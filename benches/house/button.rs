//! From the clerk's press to the mail in the mail server's hands.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::Plan;
use super::rows::{Row, Samples};
use super::stage::Stage;

pub async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::set().await?;
    let world = &stage.running.world;
    let account =
        world.insert("Account", &json!({"Name": "Bench", "Billing_Email__c": "bench@customers.example"})).await?;
    let rows: Vec<Value> = (0..plan.presses)
        .map(|number| {
            json!({"Name": format!("B-{number:05}"), "Account__c": account, "Currency_Code__c": "USD",
                "Status__c": "Open", "Total__c": 100, "Due_Date__c": "2027-06-30"})
        })
        .collect();
    let mut invoices = Vec::new();
    for chunk in rows.chunks(200) {
        invoices.extend(world.insert_many("Invoice__c", chunk).await?);
    }
    let (mut whole, mut org) = (Samples::default(), Samples::default());
    for (number, invoice) in invoices.iter().enumerate() {
        let email = format!("payer-{number}@customers.example");
        let press = json!({"invoiceId": invoice, "email": email, "note": null, "expiresOn": null});
        let (start, start_at) = (Instant::now(), jiff::Timestamp::now());
        world.press("SendPaymentLinkController", "send", &press).await?;
        org.add(start.elapsed());
        let received = received_at(world, &email).await?;
        whole.add(Duration::try_from(received.duration_since(start_at)).unwrap_or_default());
    }
    stage.end().await;
    let beside = format!(
        "of which the sandbox's own Apex, from the press to the controller's answer, {}; {} presses, one after another",
        org.halves(),
        whole.len()
    );
    Ok(vec![Row::new("button to mail handed over", whole.halves(), "p99 < 1 s", beside)])
}

/// When the mailbox took the mail, by its own clock.
async fn received_at(world: &quittance::sandbox::load::World, email: &str) -> anyhow::Result<jiff::Timestamp> {
    let url = format!("{}/api/messages", world.endpoints.smtp.mailbox_url);
    let answer = world.http.get(url).query(&[("to", email), ("wait", "30")]).send().await?.error_for_status()?;
    let mails: Vec<Value> = serde_json::from_str(&answer.text().await?)?;
    let text = mails.first().and_then(|mail| mail["received_at"].as_str());
    Ok(text.with_context(|| format!("no mail to {email} within 30 s"))?.parse()?)
}
