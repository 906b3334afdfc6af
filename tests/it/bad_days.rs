//! Bad input and bad days: each a clear answer or the right figure, nothing lost, nothing charged twice.

use hmac::{Hmac, KeyInit, Mac};
use quittance::sandbox::load::until;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::house::House;
use crate::house::payer::{self, Payer, payment};

fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn signature(secret: &str, time_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(time_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={time_s},v1={}", hex::encode(mac.finalize().into_bytes()))
}

async fn webhook(house: &House, signature: &str, body: Vec<u8>) -> u16 {
    let url = format!("{}/webhooks/stripe", house.endpoints.page_url);
    let request = house.http.post(url).header("stripe-signature", signature).body(body);
    // A body that is too large may be cut off while it is sent.
    request.send().await.map_or(0, |answer| answer.status().as_u16())
}

async fn metric(house: &House, line: &str) -> i64 {
    let url = format!("{}/metrics", house.endpoints.page_url);
    let text = house.http.get(url).send().await.expect("metrics").text().await.expect("text");
    let found = text.lines().find_map(|one| one.strip_prefix(line).map(str::trim));
    found.and_then(|value| value.parse::<f64>().ok()).map_or(0, |value| value as i64)
}

/// Both say that a payment succeeded; neither is believed.
async fn a_webhook_is_a_hint_and_bad_ones_are_refused(house: &House) {
    let scene = payer::sent(house, "D-HOOK", json!(25), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let begun = payer.begin(None).await;
    let intent = payer::intent(&begun);
    let secret = house.endpoints.stripe.webhook_secret.as_str();
    let event = |id: &str, live: bool| {
        let object = json!({"id": intent, "object": "payment_intent", "status": "succeeded", "amount_received": 2_500});
        json!({"id": id, "object": "event", "type": "payment_intent.succeeded", "livemode": live, "created": now_s(),
            "data": {"object": object}})
        .to_string()
        .into_bytes()
    };
    let good = event("evt_it_forged", false);
    let refused = [
        ("a wrong secret", signature("whsec_other", now_s(), &good), good.clone()),
        ("no header", String::new(), good.clone()),
        ("a header of garbage", "t=,v1=zz,,==".to_owned(), good.clone()),
        ("an old time", signature(secret, now_s() - 301 - 60, &good), good.clone()),
        ("a time ahead", signature(secret, now_s() + 301 + 60, &good), good.clone()),
        ("another body", signature(secret, now_s(), b"{}"), good.clone()),
    ];
    for (what, header, body) in refused {
        assert_eq!(webhook(house, &header, body).await, 400, "{what}");
    }
    let large = vec![b' '; 1024 * 1024 + 1];
    let status = webhook(house, &signature(secret, now_s(), &large), large).await;
    assert!(matches!(status, 413 | 0), "too large: {status}");
    for garbage in [&b"\xff\xfe\x00"[..], b"[]", b"{\"id\":7}", b"null"] {
        assert_eq!(webhook(house, &signature(secret, now_s(), garbage), garbage.to_vec()).await, 200, "{garbage:?}");
    }
    let live = event("evt_it_live", true);
    assert_eq!(webhook(house, &signature(secret, now_s(), &live), live).await, 200);
    assert_eq!(metric(house, "quittance_webhooks_total{outcome=\"other_mode\"}").await, 1);
    // Rightly signed, and untrue: Stripe is read, and says that nothing was paid. Twice is once.
    for _ in 0..2 {
        assert_eq!(webhook(house, &signature(secret, now_s(), &good), good.clone()).await, 200);
    }
    assert!(metric(house, "quittance_webhooks_total{outcome=\"repeated\"}").await >= 1);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let soql = format!("SELECT Id FROM Payment__c WHERE Stripe_Payment_Id__c = '{intent}'");
    assert_eq!(house.query(&soql).await.expect("rows").len(), 0, "nothing was paid, so nothing is booked");
    payer.confirm(&begun, "pm_card_visa").await;
    scene.stands(house, "Paid", 25.0, 0.0).await;
}

async fn an_invoice_that_changes_while_the_page_is_open_is_looked_at_again(house: &House) {
    let scene = payer::sent(house, "D-CHANGE", json!(90), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    let begun = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!(begun["state"], "confirm", "{begun}");
    house.update("Invoice__c", &scene.invoice, &json!({"Total__c": 60})).await.expect("a new total");
    canceled(house, &payer::intent(&begun)).await;
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!(
        (&refused["heading"], &refused["reload"]),
        (&json!("The invoice changed while you were here"), &json!(true))
    );
    assert!(refused["happened"].as_str().is_some_and(|words| words.contains("Nothing was charged")), "{refused}");
    // A part that still fits is still a wish that can be kept.
    let part = until("the room to be free again", 20, || async {
        // Stripe has canceled; the daemon may not have read that yet.
        let part = payer.press(&shown, uuid::Uuid::new_v4(), Some("20"), &[]).await;
        Ok(if part["state"] == "confirm" { Ok(part) } else { Err(part.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let shown = payer.page().await;
    house.update("Invoice__c", &scene.invoice, &json!({"Currency_Code__c": "EUR"})).await.expect("a new currency");
    canceled(house, &payer::intent(&part)).await;
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), Some("20"), &[]).await;
    assert_eq!((&refused["state"], &refused["reload"]), (&json!("refused"), &json!(true)), "{refused}");
    payer.page().await.says("€60.00 EUR");
    house.update("Invoice__c", &scene.invoice, &json!({"Status__c": "Cancelled"})).await.expect("cancelled");
    let page = payer.page().await;
    page.says("has withdrawn this invoice");
    assert!(!page.can_pay());
}

async fn canceled(house: &House, intent: &str) {
    until("the attempt that no longer fits to be canceled", 30, || async {
        let status = status_of(house, intent).await;
        Ok(if status == "canceled" { Ok(()) } else { Err(status) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

async fn status_of(house: &House, intent: &str) -> String {
    let state = house.stripe_state().await.expect("Stripe");
    let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
    let found = intents.into_iter().find(|one| one["id"] == intent).unwrap_or_default();
    found["status"].as_str().unwrap_or_default().to_owned()
}

async fn intents_of(house: &House, invoice_number: &str) -> Vec<Value> {
    let state = house.stripe_state().await.expect("Stripe");
    let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
    intents.into_iter().filter(|one| one["metadata"]["sf_invoice_number"] == invoice_number).collect()
}

#[tokio::test]
async fn bad_webhooks_and_changing_invoices_charge_nobody() {
    let house = House::start().await;
    tokio::join!(
        a_webhook_is_a_hint_and_bad_ones_are_refused(&house),
        an_invoice_that_changes_while_the_page_is_open_is_looked_at_again(&house),
    );
}

#[tokio::test]
async fn with_salesforce_away_pay_works_on_a_young_copy_and_not_on_an_old_one() {
    let house = House::start().await;
    let scene = payer::sent(&house, "D-AWAY", json!(30), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let shown = payer.page().await;
    house.fault("slow", 1.0).await;
    let begun = payer.press(&shown, uuid::Uuid::new_v4(), Some("10"), &[]).await;
    assert_eq!(begun["state"], "confirm", "{begun}");
    payer.confirm(&begun, "pm_card_visa").await;
    // The copy grows old.
    assert_eq!(house.sql("UPDATE invoices SET read_ms = read_ms - 900001").await, 1);
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), Some("10"), &[]).await;
    assert_eq!(
        (&refused["status"], &refused["heading"]),
        (&json!(503), &json!("We can't check this invoice right now")),
        "{refused}"
    );
    payer.page().await.says("We can't check this invoice right now");
    house.fault("slow", 0.0).await;
    payment(&house, &payer::intent(&begun), json!({"State__c": "Settled"})).await;
    scene.stands(&house, "Partly Paid", 10.0, 20.0).await;
    payer.pay(None).await;
    scene.stands(&house, "Paid", 30.0, 0.0).await;
}

#[tokio::test]
async fn lost_replies_and_an_outage_of_stripe_charge_once_or_not_at_all() {
    let house = House::start().await;
    let scene = payer::sent(&house, "D-STRIPE", json!(64), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let shown = payer.page().await;
    // Stripe answers nothing but 5xx, before or after the effect.
    house.fault("server_error", 1.0).await;
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    // A request that took effect is answered from its key when it is repeated, so Pay may even get through.
    if refused["state"] != "confirm" {
        assert!(refused["happened"].as_str().is_some_and(|words| words.contains("Nothing was charged")), "{refused}");
    }
    house.fault("server_error", 0.0).await;
    // One reply in three is lost on its way. The page presses on: the same press while nothing was answered, and the next
    // one where it was refused.
    house.fault("lost_reply", 0.3).await;
    let press = std::cell::Cell::new(uuid::Uuid::new_v4());
    let through = async |seconds: u64| {
        until("Pay to get through", seconds, || async {
            let told = payer.press(&shown, press.get(), Some("32"), &[("take_over", "yes")]).await;
            if let Some(next) = told["nextPress"].as_str().and_then(|next| next.parse().ok()) {
                press.set(next);
            }
            Ok(if told["state"] == "confirm" { Ok(told) } else { Err(told.to_string()) })
        })
        .await
    };
    let begun = through(30).await;
    house.fault("lost_reply", 0.0).await;
    let begun = match begun {
        Ok(begun) => begun,
        Err(_) => through(30).await.unwrap_or_else(|error| panic!("{error}")),
    };
    payer.confirm(&begun, "pm_card_visa").await;
    let told = payer.check(&begun, &shown.input("csrf")).await;
    assert_eq!(told["state"], "paid", "{told}");
    payer.pay(None).await;
    scene.stands(&house, "Paid", 64.0, 0.0).await;
    let paid: Vec<_> =
        intents_of(&house, "D-STRIPE").await.into_iter().filter(|one| one["status"] == "succeeded").collect();
    assert_eq!(paid.len(), 2, "every cent once: {paid:?}");
}

#[tokio::test]
async fn a_database_restored_from_an_hour_ago_charges_nobody_twice() {
    let house = House::start().await;
    let scene = payer::sent(&house, "D-RESTORE", json!(50), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    scene.stands(&house, "Open", 0.0, 50.0).await;
    let kept = tempfile::tempdir().expect("a folder");
    house.kill_daemon().await;
    house.back_up(kept.path());
    house.start_daemon().await;
    // What the backup knows nothing of: two payments, and an attempt whose secret is out.
    let (first, second) = (payer.pay(Some("12")).await, payer.pay(Some("13")).await);
    let shown = payer.page().await;
    let open = payer.press(&shown, uuid::Uuid::new_v4(), Some("10"), &[]).await;
    assert_eq!(open["state"], "confirm", "{open}");
    scene.stands(&house, "Partly Paid", 25.0, 25.0).await;
    let numbers = [receipt_number(&house, &first).await, receipt_number(&house, &second).await];
    payer::receipt_mail(&house, &numbers[1]).await;

    house.kill_daemon().await;
    house.restore(kept.path());
    house.start_daemon().await;

    let page = payer.page().await;
    page.says("$25.00 USD left to pay").says("In progress").says("$10.00 USD");
    // All that is left doesn't fit beside the attempt whose secret somebody holds.
    let refused = payer.press(&page, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!(refused["heading"], "A payment is already under way", "{refused}");
    // It is confirmed after all, and the rest is paid.
    payer.confirm(&open, "pm_card_visa").await;
    scene.stands(&house, "Partly Paid", 35.0, 15.0).await;
    payer.pay(None).await;
    scene.stands(&house, "Paid", 50.0, 0.0).await;
    assert_eq!(
        [receipt_number(&house, &first).await, receipt_number(&house, &second).await],
        numbers,
        "a receipt that was handed out keeps its number"
    );
    until("the audit to find nothing", 30, || async {
        let report = house.audit().await?;
        Ok(if report.findings.is_empty() { Ok(()) } else { Err(report.findings.join("; ")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

async fn receipt_number(house: &House, intent: &str) -> String {
    let row = payment(house, intent, json!({"State__c": "Settled"})).await;
    row["Receipt_Number__c"].as_str().expect("a receipt number").to_owned()
}
