//! Charge Stored Method on its bad days: a card that is declined, a quarter of an hour that passed, a daemon that died over
//! a debit.

use serde_json::{Value, json};

use crate::charges::{IsSo, another_invoice, answered, ask, ask_surely, intents, is_told, killed_once, payments};
use crate::clock::Shifted;
use crate::house::House;
use crate::house::payer::{self, Payer, Scene};
use crate::stored::{method, pays_and_stores};

async fn stores_a_card(house: &House, name: &str) -> (Scene, Value) {
    let scene = payer::sent(house, name, json!(30), "USD").await;
    pays_and_stores(&Payer::enter(house, &scene.link).await, None).await;
    let card = method(house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    (scene, card)
}

/// More than the quarter of an hour that a charge may wait.
const LATER_S: i64 = 16 * 60;

#[tokio::test]
async fn a_charge_that_is_declined_becomes_a_link_and_takes_no_room() {
    let house = House::start().await;
    let (scene, card) = stores_a_card(&house, "T-DECLINE").await;
    let id = card["Stripe_Payment_Method_Id__c"].as_str().expect("an id");
    let declines = json!({"code": "insufficient_funds"});
    house.stripe_control(&format!("methods/{id}/decline"), &declines).await.expect("its bank declines from now on");
    let bill = another_invoice(&house, &scene, "T-LATER", json!(45)).await;
    let told = answered(&house, &ask(&house, &bill, &card, None).await.expect("taken")).await;
    assert_eq!(told["State__c"], "Sent", "{told}");
    let words = told["Sentence__c"].as_str().expect("a sentence");
    assert!(words.contains("not enough available") && words.contains("A payment link was mailed to"), "{words}");
    let left = intents(&house, &bill).await;
    assert!(left.len() == 1 && left[0]["status"] == "canceled", "{left:?}");
    let links = payer::links_mailed(&house, &scene.email, "T-LATER").await;
    assert_eq!(links.len(), 1, "{links:?}");
    Payer::enter(&house, &links[0]).await.pay(None).await;
    bill.stands(&house, "Paid", 45.0, 0.0).await;
}

#[tokio::test]
async fn a_charge_that_was_not_begun_in_time_is_not_begun_and_one_that_was_runs_to_its_end() {
    let house = House::start().await;
    let (scene, card) = stores_a_card(&house, "T-TIME").await;
    let late = another_invoice(&house, &scene, "T-LATE", json!(20)).await;
    house.kill_daemon().await;
    let request = ask(&house, &late, &card, None).await.expect("taken");
    let begun = another_invoice(&house, &scene, "T-BEGUN", json!(25)).await;
    let daemon = Shifted::start(&house, LATER_S);
    house.is_ready().await;
    let words = "The charge was not begun within its time, so nothing was charged. Ask for it again.";
    is_told(&house, &request, "Expired", words).await;
    assert!(intents(&house, &late).await.is_empty(), "Stripe heard nothing of it");
    late.stands(&house, "Open", 0.0, 20.0).await;
    drop(daemon);

    house.start_daemon().await;
    house.is_ready().await;
    // The late one holds no room, so the same may be asked for again.
    let told = answered(&house, &ask(&house, &late, &card, None).await.expect("taken")).await;
    assert_eq!(told["State__c"], "Done", "{told}");
    late.stands(&house, "Paid", 20.0, 0.0).await;
    house.fault("slow", 1.0).await;
    let request = ask(&house, &begun, &card, None).await.expect("taken");
    house
        .eventually("the charge to be begun", 60, || async {
            let made = intents(&house, &begun).await;
            Ok(if made.is_empty() { Err("no intent".to_owned()) } else { Ok(()) })
        })
        .await;
    house.kill_daemon().await;
    house.fault("slow", 0.0).await;
    let _daemon = Shifted::start(&house, LATER_S);
    house.is_ready().await;
    let told = answered(&house, &request).await;
    assert_eq!(told["State__c"], "Done", "{told}");
    begun.stands(&house, "Paid", 25.0, 0.0).await;
}

#[tokio::test]
async fn a_debit_killed_at_any_step_is_ordered_once() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "T-BANK", json!(20), "USD").await;
    Payer::enter(&house, &scene.link).await.pay_by_bank("6789", None, true).await.says("on its way");
    let bank = method(&house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    house.fault("lost_reply", 0.2).await;
    let steps: [(&str, IsSo); 3] = [
        ("asked for", Box::new(|_| true)),
        ("made", Box::new(|seen| !seen.is_empty())),
        ("ordered", Box::new(|seen| seen.iter().any(|one| one["status"] == "processing"))),
    ];
    let mut bills = Vec::new();
    for (number, (step, is_so)) in steps.into_iter().enumerate() {
        let bill = another_invoice(&house, &scene, &format!("T-BANK-{number}"), json!(10 + number)).await;
        let request = ask_surely(&house, &bill, &bank).await;
        killed_once(&house, &bill, is_so).await;
        let told = answered(&house, &request).await;
        assert_eq!(told["State__c"], "Working", "killed when {step}: {told}");
        let words = told["Sentence__c"].as_str().expect("a sentence");
        assert!(words.ends_with("is on its way."), "killed when {step}: {words}");
        assert_eq!(bill.row(&house).await["In_Flight__c"].as_f64(), Some(10.0 + number as f64), "killed when {step}");
        bills.push((step, bill, request));
    }
    house.fault("lost_reply", 0.0).await;
    house.stripe_control("clock", &json!({ "advance_days": 9 })).await.expect("the clock");
    for (number, (step, bill, request)) in bills.iter().enumerate() {
        bill.stands(&house, "Paid", 10.0 + number as f64, 0.0).await;
        let words = format!("${}.00 USD was charged with First Platypus Bank ending 6789.", 10 + number);
        is_told(&house, request, "Done", &words).await;
        let ordered = intents(&house, bill).await.into_iter().filter(|one| one["status"] == "succeeded").count();
        assert_eq!(ordered, 1, "killed when {step}");
        assert_eq!(payments(&house, &bill.invoice).await.len(), 1, "killed when {step}");
    }
}
