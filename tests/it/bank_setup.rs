//! Bank payments where Stripe has not switched on what they need.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::House;
use crate::house::bank::link;
use crate::house::payer::{self, Payer, payment};

async fn plaid_tokens(world: &World, standing: &str) {
    world.stripe_control("account", &json!({"plaid_tokens": standing})).await.expect("the account's switch");
}

async fn error_with(world: &World, code: &str) -> Value {
    let soql = format!("SELECT Id, Sentence__c, Remedy__c, State__c FROM Payment_Error__c WHERE Code__c = '{code}'");
    until(&format!("one error {code}"), 30, || async {
        let rows = world.query(&soql).await?;
        Ok(if rows.len() == 1 { Ok(rows[0].clone()) } else { Err(format!("{} errors", rows.len())) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn an_account_that_stripe_has_not_enabled_tells_the_admin_whom_to_write_to_and_takes_cards_meanwhile() {
    let house = House::start_with(&["--clock"], None).await;
    plaid_tokens(&house, "refused").await;
    let scene = payer::sent(&house, "B-REFUSED", json!(50), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    // Two customers' worth of tries are one error.
    for _ in 0..2 {
        payer
            .pay_by_bank("6789", None, false)
            .await
            .says("Bank payments are not available right now")
            .says("Pay by card");
    }
    let error = error_with(&house, "bank_not_enabled").await;
    let sentence = error["Sentence__c"].as_str().expect("a sentence");
    assert!(
        sentence.starts_with("Customers can't pay by bank: Stripe does not take bank accounts from Plaid."),
        "{sentence}"
    );
    assert!(error["Remedy__c"].as_str().is_some_and(|remedy| remedy.contains("plaid-referral@stripe.com")), "{error}");
    // Nothing of it holds room on the invoice.
    payer.pay(None).await;
    scene.stands(&house, "Paid", 50.0, 0.0).await;

    plaid_tokens(&house, "enabled").await;
    let second = payer::sent(&house, "B-ENABLED", json!(30), "USD").await;
    let payer = Payer::enter(&house, &second.link).await;
    payer.pay_by_bank("6789", None, false).await.says("Your bank payment is on its way");
}

#[tokio::test]
async fn a_debit_down_the_older_path_is_booked_and_told_once() {
    let house = House::start_with(&["--clock"], None).await;
    plaid_tokens(&house, "legacy").await;
    let scene = payer::sent(&house, "B-LEGACY", json!(50), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.pay_by_bank("6789", None, false).await.says("Your bank payment is on its way");
    let error = error_with(&house, "legacy_ach").await;
    let sentence = error["Sentence__c"].as_str().expect("a sentence").to_owned();
    let intent = sentence.split(' ').find(|word| word.starts_with("pi_")).unwrap_or_else(|| panic!("{sentence}"));
    payment(&house, intent, json!({"State__c": "Processing", "Method__c": "Bank Account", "Amount__c": 50})).await;
    house.stripe_control("clock", &json!({"advance_days": 9})).await.expect("the clock");
    payment(&house, intent, json!({"State__c": "Settled", "Settled_Amount__c": 50})).await;
    scene.stands(&house, "Paid", 50.0, 0.0).await;
    error_with(&house, "legacy_ach").await;
}

#[tokio::test]
async fn a_bank_that_was_picked_before_plaid_went_down_can_be_used_after_it() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "B-DOWN", json!(20), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let shown = payer.page().await;
    let picked = link(&house, "6789").await;
    house.fault("plaid_down", 1.0).await;
    let told = payer.hand_over(&shown, &picked, None, false).await;
    assert_eq!(told["heading"], "Banks can't be reached right now", "{told}");
    house.fault("plaid_down", 0.0).await;
    let told = payer.hand_over(&shown, &picked, None, false).await;
    assert_eq!(told["state"], "go", "{told}");
    let url = told["url"].as_str().expect("an address").to_owned();
    let review = payer.at(&url).await;
    payer.authorise(&review, &url, Uuid::new_v4()).await.says("Your bank payment is on its way");
}
