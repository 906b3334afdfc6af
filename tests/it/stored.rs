//! What customers store with Stripe, as the org knows it: `Stored_Payment_Method__c`.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::House;
use crate::house::payer::{self, Payer, Scene};

const FIELDS: &str = "Id, Name, Stripe_Payment_Method_Id__c, Account__c, Kind__c, Brand__c, Last_Four__c, Expiry_Month__c, \
    Expiry_Year__c, Is_Default__c, State__c, Recorded_State__c, Consent_Text__c, Consent_Time__c, Later_Charges__c";

async fn rows(world: &World, account: &str) -> Vec<Value> {
    let soql = format!("SELECT {FIELDS} FROM Stored_Payment_Method__c WHERE Account__c = '{account}'");
    world.query(&soql).await.expect("the stored methods")
}

/// Waits until the account's only stored method has these values.
pub async fn method(world: &World, account: &str, expected: Value) -> Value {
    until(&format!("the stored method to be {expected}"), 60, || async {
        let rows = rows(world, account).await;
        let wanted = expected.as_object().expect("fields");
        let is_so = |row: &&Value| wanted.iter().all(|(field, value)| &row[field] == value);
        Ok(match rows.as_slice() {
            [row] => Some(row).filter(is_so).cloned().ok_or_else(|| row.to_string()),
            _ => Err(format!("{} records", rows.len())),
        })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Somebody with the secret key, in the Dashboard.
pub async fn at_stripe(world: &World, path: &str, form: &[(&str, &str)]) -> Value {
    let stripe = &world.endpoints.stripe;
    let request = world.http.post(format!("{}{path}", stripe.api_url)).bearer_auth(&stripe.secret_key);
    let answer = request.header("Stripe-Version", "2026-10-28.endive").form(form).send().await.expect("Stripe");
    let status = answer.status();
    let told: Value = answer.json().await.expect("JSON");
    assert!(status.is_success(), "{told}");
    told
}

pub async fn pays_and_stores(payer: &Payer, amount: Option<&str>) {
    let shown = payer.page().await;
    shown.says("may also charge it for later invoices");
    let begun = payer.press(&shown, Uuid::new_v4(), amount, &[("save", "yes")]).await;
    payer.confirm(&begun, "pm_card_visa").await;
    let told = payer.check(&begun, &shown.input("csrf")).await;
    assert_eq!(told["state"], "paid", "{told}");
}

async fn customer_of(world: &World, scene: &Scene) -> String {
    let soql = format!("SELECT Stripe_Customer_Id__c FROM Account WHERE Id = '{}'", scene.account);
    until("the account's Customer", 30, || async {
        let row = world.one(&soql).await?;
        Ok(row["Stripe_Customer_Id__c"].as_str().map(str::to_owned).ok_or_else(|| row.to_string()))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_stored_card_is_mirrored_with_its_consent_until_the_customer_removes_it() {
    let house = House::start().await;
    let scene = payer::sent(&house, "M-CARD", json!(80), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.pay(Some("10")).await;
    pays_and_stores(&payer, Some("20")).await;
    let row = method(
        &house,
        &scene.account,
        json!({"Name": "Visa ending 4242", "Kind__c": "Card", "Brand__c": "Visa", "Last_Four__c": "4242", "State__c": "Ready",
            "Is_Default__c": false, "Later_Charges__c": true}),
    )
    .await;
    let words = row["Consent_Text__c"].as_str().expect("the words");
    assert!(words.contains("Larkspur Supply may also charge it for later invoices"), "{words}");
    assert!(
        row["Consent_Time__c"].is_string() && row["Expiry_Year__c"].as_f64().is_some_and(|year| year > 2025.0),
        "{row}"
    );
    // What happens at Stripe follows by its events.
    let (customer, id) =
        (customer_of(&house, &scene).await, row["Stripe_Payment_Method_Id__c"].as_str().expect("an id"));
    at_stripe(&house, &format!("/v1/customers/{customer}"), &[("invoice_settings[default_payment_method]", id)]).await;
    method(&house, &scene.account, json!({"Is_Default__c": true})).await;
    at_stripe(&house, &format!("/v1/payment_methods/{id}"), &[("card[exp_month]", "7"), ("card[exp_year]", "2041")])
        .await;
    method(&house, &scene.account, json!({"Expiry_Month__c": 7.0, "Expiry_Year__c": 2041.0})).await;
    // The card's bank issues it anew, which nobody here asked for.
    let renewed = json!({"exp_month": 9, "exp_year": 2043});
    house.stripe_control(&format!("methods/{id}/renew"), &renewed).await.expect("a renewed card");
    let row = method(&house, &scene.account, json!({"Expiry_Month__c": 9.0, "Expiry_Year__c": 2043.0})).await;
    assert_eq!(row["Consent_Text__c"], words, "what was agreed to stays");
    // A daemon killed on the way tells the org all the same, once.
    house.fault("lost_webhook", 1.0).await;
    payer.give_code(&scene.email).await;
    let shown = payer.page().await;
    let link = shown.text.split("/pay/").nth(1).expect("a path").split(['/', '"']).next().expect("a link");
    let remove = format!("/pay/{link}/methods/remove");
    payer.post_page(&remove, &[("csrf", &shown.input("csrf")), ("method", id)]).await;
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    method(&house, &scene.account, json!({"State__c": "Removed", "Is_Default__c": false, "Name": "Visa ending 4242"}))
        .await;
}

#[tokio::test]
async fn what_no_event_told_of_is_found_by_sync_now() {
    let house = House::start_with(&["--fault", "lost_webhook=1"], None).await;
    let scene = payer::sent(&house, "M-SWEEP", json!(30), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    pays_and_stores(&payer, None).await;
    let row = method(&house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    let id = row["Stripe_Payment_Method_Id__c"].as_str().expect("an id");
    at_stripe(&house, &format!("/v1/payment_methods/{id}/detach"), &[]).await;
    house.press("SyncNowController", "start", &json!({})).await.expect("Sync Now");
    method(&house, &scene.account, json!({"State__c": "Removed"})).await;
}

#[tokio::test]
async fn a_stored_bank_needs_a_new_authorisation_once_its_debit_came_back() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "M-BANK", json!(60), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.pay_by_bank("6789", Some("20"), true).await.says("on its way");
    let row = method(
        &house,
        &scene.account,
        json!({"Name": "First Platypus Bank ending 6789", "Kind__c": "Bank Account", "Brand__c": "First Platypus Bank",
            "Last_Four__c": "6789", "State__c": "Ready", "Later_Charges__c": true, "Expiry_Month__c": null}),
    )
    .await;
    let words = row["Consent_Text__c"].as_str().expect("the mandate");
    assert!(words.contains("I authorise Larkspur Supply Company, Inc. to debit $20.00"), "{words}");
    let state = house.stripe_state().await.expect("Stripe's state");
    let intent = state["payment_intents"].as_array().into_iter().flatten();
    let intent = intent.into_iter().find(|one| one["payment_method_types"][0] == "us_bank_account").expect("the debit");
    let intent = intent["id"].as_str().expect("an id");
    let settle = json!({"outcome": "succeeded"});
    house.stripe_control(&format!("intents/{intent}/settle"), &settle).await.expect("it settles");
    scene.stands(&house, "Partly Paid", 20.0, 40.0).await;
    house.stripe_control(&format!("intents/{intent}/return"), &json!({"code": "R10"})).await.expect("it comes back");
    method(&house, &scene.account, json!({"State__c": "Needs Authorisation", "Later_Charges__c": false})).await;
    payer.give_code(&scene.email).await;
    let shown = payer.page().await;
    let stored = shown.text.split("value=\"bank:ba_").nth(1).expect("a stored bank").split('"').next().expect("an id");
    let link = shown.text.split("/pay/").nth(1).expect("a path").split(['/', '"']).next().expect("a link");
    let form = [("csrf", shown.input("csrf")), ("method", format!("bank:ba_{stored}"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    payer.post_page(&format!("/pay/{link}/methods/remove"), &form).await;
    method(&house, &scene.account, json!({"State__c": "Removed"})).await;
}
