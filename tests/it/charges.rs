//! What customers stored is charged while they are away, because a Flow asked for it.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::House;
use crate::house::payer::{self, Payer, Scene};
use crate::stored::{method, pays_and_stores};

/// Asks for a charge, as a Flow's action does; answers the request's record id.
pub async fn ask(world: &World, scene: &Scene, method: &Value, amount: Option<f64>) -> Result<String, String> {
    let fields = json!({"Kind__c": "Charge Stored Method", "Invoice__c": scene.invoice, "Amount__c": amount,
        "Stored_Payment_Method__c": method["Id"]});
    // As the person with the permission: an administrator has none to charge.
    let salesforce = &world.endpoints.salesforce;
    let url =
        format!("{}/services/data/v{}/sobjects/Payment_Request__c", salesforce.instance_url, salesforce.api_version);
    let sent = world.http.post(url).bearer_auth(&salesforce.clerk_token).json(&fields).send().await;
    let answer: Value = sent.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())?;
    answer["id"].as_str().map(str::to_owned).ok_or_else(|| answer.to_string())
}

pub async fn answered(world: &World, request: &str) -> Value {
    let soql = format!("SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Id = '{request}'");
    until("the request to be answered", 90, || async {
        let row = world.one(&soql).await?;
        let begun = row["Sentence__c"] == "The charge is being made.";
        let waits = row["State__c"] == "Waiting" || begun;
        Ok(if waits { Err(row.to_string()) } else { Ok(row.clone()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

pub async fn is_told(world: &World, request: &str, state: &str, sentence: &str) {
    let soql = format!("SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Id = '{request}'");
    until(&format!("the request to be {state}"), 90, || async {
        let row = world.one(&soql).await?;
        let is_so = row["State__c"] == state && row["Sentence__c"] == sentence;
        Ok(if is_so { Ok(()) } else { Err(row.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

pub async fn payments(world: &World, invoice: &str) -> Vec<Value> {
    let soql = format!(
        "SELECT State__c, Source__c, Amount__c, Method_Detail__c FROM Payment__c WHERE Invoice__c = '{invoice}' ORDER BY Amount__c"
    );
    world.query(&soql).await.expect("the payments")
}

pub async fn another_invoice(world: &World, scene: &Scene, name: &str, total: Value) -> Scene {
    payer::invoice_of(world, &scene.account, &scene.email, name, total, "USD").await
}

#[tokio::test]
async fn a_flow_charges_a_stored_card_and_what_the_bank_declines_becomes_a_link() {
    let house = House::start().await;
    let scene = payer::sent(&house, "C-FIRST", json!(30), "USD").await;
    pays_and_stores(&Payer::enter(&house, &scene.link).await, None).await;
    let card = method(&house, &scene.account, json!({"State__c": "Ready"})).await;
    // Part of it, then all that is left.
    let bill = another_invoice(&house, &scene, "C-SECOND", json!(50)).await;
    let told = answered(&house, &ask(&house, &bill, &card, Some(20.0)).await.expect("taken")).await;
    assert_eq!(
        (&told["State__c"], &told["Sentence__c"]),
        (&json!("Done"), &json!("$20.00 USD was charged with Visa ending 4242.")),
        "{told}"
    );
    bill.stands(&house, "Partly Paid", 20.0, 30.0).await;
    let told = answered(&house, &ask(&house, &bill, &card, None).await.expect("taken")).await;
    assert_eq!(told["Sentence__c"], "$30.00 USD was charged with Visa ending 4242.", "{told}");
    bill.stands(&house, "Paid", 50.0, 0.0).await;
    let made = payments(&house, &bill.invoice).await;
    assert!(made.iter().all(|one| one["Source__c"] == "Stored Method" && one["State__c"] == "Settled"), "{made:?}");
    assert!(payer::links_mailed(&house, &scene.email, "Payment request").await.len() <= 1, "no link was mailed");
    let refused = ask(&house, &bill, &card, None).await.expect_err("nothing is left");
    assert!(refused.contains("nothing left to pay"), "{refused}");
    // An event that anybody may publish, about a request that is over, charges nothing.
    let soql =
        format!("SELECT Id, Request_Id__c FROM Payment_Request__c WHERE Invoice__c = '{}' LIMIT 1", bill.invoice);
    let over = house.one(&soql).await.expect("a request");
    let forged = json!({"v": 1, "commands": [{"id": format!("charge:{}", over["Request_Id__c"].as_str().expect("an id")),
        "type": "charge_stored", "record": over["Id"], "lane": bill.invoice}]});
    house.forge(&forged.to_string()).await;
    house.idle().await;
    assert_eq!(payments(&house, &bill.invoice).await.len(), 2);
}

#[tokio::test]
async fn a_charge_that_the_bank_wants_confirmed_becomes_a_link_by_which_the_customer_pays() {
    let house = House::start().await;
    let (scene, card) = stores_a_card_that_asks(&house, "C-ASKS").await;
    let bill = another_invoice(&house, &scene, "C-LATER", json!(45)).await;
    let told = answered(&house, &ask(&house, &bill, &card, None).await.expect("taken")).await;
    assert_eq!(told["State__c"], "Sent", "{told}");
    let words = told["Sentence__c"].as_str().expect("a sentence");
    assert!(words.contains("confirm the charge. A payment link was mailed to c-asks@customers.example"), "{words}");
    // Its room is free, and the customer pays all of it.
    let links = payer::links_mailed(&house, &scene.email, "C-LATER").await;
    assert_eq!(links.len(), 1, "{links:?}");
    Payer::enter(&house, &links[0]).await.pay(None).await;
    bill.stands(&house, "Paid", 45.0, 0.0).await;
}

/// A card that Stripe charges only when its holder is there to confirm.
async fn stores_a_card_that_asks(house: &House, name: &str) -> (Scene, Value) {
    let scene = payer::sent(house, name, json!(30), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    let begun = payer.press(&shown, Uuid::new_v4(), None, &[("save", "yes")]).await;
    payer.confirm(&begun, "pm_card_authenticationRequired").await;
    let passed = format!("intents/{}/authenticate", payer::intent(&begun));
    house.stripe_control(&passed, &json!({"passed": true})).await.expect("3-D Secure");
    scene.stands(house, "Paid", 30.0, 0.0).await;
    let card = method(house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    (scene, card)
}

/// The intents at Stripe that are about a bill.
pub async fn intents(house: &House, bill: &Scene) -> Vec<Value> {
    let state = house.stripe_state().await.expect("Stripe's state");
    let all = state["payment_intents"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|one| one["metadata"]["sf_invoice_id"] == bill.invoice).collect()
}

pub type IsSo = Box<dyn Fn(&[Value]) -> bool>;

/// Kills the daemon as soon as Stripe's side of the bill is so, and starts it again.
pub async fn killed_once(house: &House, bill: &Scene, is_so: impl Fn(&[Value]) -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !is_so(&intents(house, bill).await) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the charge to come so far");
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
}

/// Asked until the org has taken it: its answer may be lost.
pub async fn ask_surely(house: &House, bill: &Scene, method: &Value) -> String {
    loop {
        let soql = format!("SELECT Id FROM Payment_Request__c WHERE Invoice__c = '{}'", bill.invoice);
        if let Some(row) = house.query(&soql).await.unwrap_or_default().first() {
            return row["Id"].as_str().expect("an id").to_owned();
        }
        match ask(house, bill, method, None).await {
            Ok(id) => return id,
            Err(refused) => assert!(!refused.contains("CUSTOM_VALIDATION"), "{refused}"),
        }
    }
}

#[tokio::test]
async fn a_charge_killed_at_any_step_charges_once() {
    let house = House::start().await;
    let scene = payer::sent(&house, "C-KILL", json!(30), "USD").await;
    pays_and_stores(&Payer::enter(&house, &scene.link).await, None).await;
    let card = method(&house, &scene.account, json!({"State__c": "Ready"})).await;
    house.fault("lost_reply", 0.2).await;
    let has = |status: &'static str| move |seen: &[Value]| seen.iter().any(|one| one["status"] == status);
    let steps: [(&str, IsSo); 4] = [
        ("asked for", Box::new(|_| true)),
        ("made", Box::new(|seen| !seen.is_empty())),
        ("unconfirmed", Box::new(has("requires_confirmation"))),
        ("paid", Box::new(has("succeeded"))),
    ];
    for (number, (step, is_so)) in steps.into_iter().enumerate() {
        let bill = another_invoice(&house, &scene, &format!("C-KILL-{number}"), json!(10 + number)).await;
        let request = ask_surely(&house, &bill, &card).await;
        killed_once(&house, &bill, is_so).await;
        let told = answered(&house, &request).await;
        assert_eq!(told["State__c"], "Done", "killed when {step}: {told}");
        bill.stands(&house, "Paid", 10.0 + number as f64, 0.0).await;
        let taken = intents(&house, &bill).await.into_iter().filter(|one| one["status"] == "succeeded").count();
        assert_eq!(taken, 1, "killed when {step}");
        assert_eq!(payments(&house, &bill.invoice).await.len(), 1, "killed when {step}");
    }
}

#[tokio::test]
async fn a_charge_killed_while_it_is_declined_mails_one_link_and_takes_nothing() {
    let house = House::start().await;
    let (scene, card) = stores_a_card_that_asks(&house, "C-NO-KILL").await;
    let steps: [(&str, IsSo); 3] = [
        ("made", Box::new(|seen| !seen.is_empty())),
        ("declined", Box::new(|seen| seen.iter().any(|one| !one["last_payment_error"].is_null()))),
        ("canceled", Box::new(|seen| seen.iter().any(|one| one["status"] == "canceled"))),
    ];
    for (number, (step, is_so)) in steps.into_iter().enumerate() {
        let name = format!("C-NO-{number}");
        let bill = another_invoice(&house, &scene, &name, json!(20 + number)).await;
        let request = ask_surely(&house, &bill, &card).await;
        killed_once(&house, &bill, is_so).await;
        let told = answered(&house, &request).await;
        assert_eq!(told["State__c"], "Sent", "killed when {step}: {told}");
        assert_eq!(payer::links_mailed(&house, &scene.email, &name).await.len(), 1, "killed when {step}");
        let left = intents(&house, &bill).await;
        assert!(left.iter().all(|one| one["status"] == "canceled"), "killed when {step}: {left:?}");
        bill.stands(&house, "Open", 0.0, 20.0 + number as f64).await;
    }
}

#[tokio::test]
async fn two_charges_at_once_take_what_is_owed_once() {
    let house = House::start().await;
    let scene = payer::sent(&house, "C-TWICE", json!(30), "USD").await;
    pays_and_stores(&Payer::enter(&house, &scene.link).await, None).await;
    let card = method(&house, &scene.account, json!({"State__c": "Ready"})).await;
    let bill = another_invoice(&house, &scene, "C-BOTH", json!(50)).await;
    let (one, two) = tokio::join!(ask(&house, &bill, &card, None), ask(&house, &bill, &card, None));
    let mut told = Vec::new();
    // The org itself refuses the second, if the first was quick enough.
    for request in [one, two].into_iter().flatten() {
        told.push(answered(&house, &request).await);
    }
    assert_eq!(told.iter().filter(|one| one["State__c"] == "Done").count(), 1, "{told:?}");
    bill.stands(&house, "Paid", 50.0, 0.0).await;
    let taken = intents(&house, &bill).await.into_iter().filter(|one| one["status"] == "succeeded").count();
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn what_the_customer_removed_meanwhile_is_not_charged() {
    let house = House::start().await;
    let scene = payer::sent(&house, "C-GONE", json!(30), "USD").await;
    pays_and_stores(&Payer::enter(&house, &scene.link).await, None).await;
    let card = method(&house, &scene.account, json!({"State__c": "Ready"})).await;
    let bill = another_invoice(&house, &scene, "C-AFTER", json!(50)).await;
    house.kill_daemon().await;
    let request = ask(&house, &bill, &card, None).await.expect("taken");
    let id = card["Stripe_Payment_Method_Id__c"].as_str().expect("an id");
    crate::stored::at_stripe(&house, &format!("/v1/payment_methods/{id}/detach"), &[]).await;
    house.start_daemon().await;
    let told = answered(&house, &request).await;
    assert_eq!(told["State__c"], "Refused", "{told}");
    assert!(told["Sentence__c"].as_str().is_some_and(|words| words.contains("Send a payment link instead")), "{told}");
    assert!(intents(&house, &bill).await.iter().all(|one| one["status"] == "canceled"), "nothing is charged");
}

#[tokio::test]
async fn a_stored_bank_is_debited_by_its_standing_mandate() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "C-BANK", json!(20), "USD").await;
    Payer::enter(&house, &scene.link).await.pay_by_bank("6789", None, true).await.says("on its way");
    let bank = method(&house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    let bill = another_invoice(&house, &scene, "C-DEBIT", json!(35)).await;
    let told = answered(&house, &ask(&house, &bill, &bank, None).await.expect("taken")).await;
    assert_eq!(told["State__c"], "Working", "{told}");
    let words = told["Sentence__c"].as_str().expect("a sentence");
    assert!(words.starts_with("$35.00 USD with ") && words.ends_with("is on its way."), "{words}");
    assert_eq!(bill.row(&house).await["In_Flight__c"].as_f64(), Some(35.0), "in flight counts against the balance");
    house.stripe_control("clock", &json!({ "advance_days": 9 })).await.expect("the clock");
    bill.stands(&house, "Paid", 35.0, 0.0).await;
}

#[tokio::test]
async fn a_charges_debit_that_comes_back_becomes_a_link_and_the_request_says_so() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "C-BACK", json!(20), "USD").await;
    Payer::enter(&house, &scene.link).await.pay_by_bank("6789", None, true).await.says("on its way");
    let bank = method(&house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    let bill = another_invoice(&house, &scene, "C-RETURN", json!(35)).await;
    let request = ask(&house, &bill, &bank, None).await.expect("taken");
    answered(&house, &request).await;
    let intent = intents(&house, &bill).await[0]["id"].as_str().expect("an id").to_owned();
    house.stripe_control(&format!("intents/{intent}/settle"), &json!({"outcome": "succeeded"})).await.expect("settled");
    bill.stands(&house, "Paid", 35.0, 0.0).await;
    is_told(&house, &request, "Done", "$35.00 USD was charged with First Platypus Bank ending 6789.").await;
    house.stripe_control(&format!("intents/{intent}/return"), &json!({"code": "R01"})).await.expect("it comes back");
    bill.stands(&house, "Open", 0.0, 35.0).await;
    let words = format!("The bank didn't pay the debit. A payment link was mailed to {} instead.", scene.email);
    is_told(&house, &request, "Sent", &words).await;
    let links = payer::links_mailed(&house, &scene.email, "came back").await;
    assert_eq!(links.len(), 1, "{links:?}");
    Payer::enter(&house, &links[0]).await.pay(None).await;
    bill.stands(&house, "Paid", 35.0, 0.0).await;
}
