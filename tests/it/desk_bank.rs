//! Take Payment by a bank account on file: debited while the customer is on the phone, under the authorisation that stands.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{charged, clerk_at, form, intents, pairs, request_is};
use crate::desk_card::{IsSo, killed_once};
use crate::house::House;
use crate::house::payer::{self, Payer, Scene, payment};
use crate::stored::method;

/// A customer whose bank account is stored with a standing authorisation. Answers its id, as the clerk's page names it.
async fn stores_a_bank(house: &House, name: &str) -> (Scene, String) {
    let scene = payer::sent(house, name, json!(20), "USD").await;
    Payer::enter(house, &scene.link).await.pay_by_bank("6789", None, true).await.says("on its way");
    let bank = method(house, &scene.account, json!({"State__c": "Ready", "Later_Charges__c": true})).await;
    let id = bank["Stripe_Payment_Method_Id__c"].as_str().expect("an id");
    (scene, format!("bank:{id}"))
}

async fn bill_of(house: &House, scene: &Scene, name: &str, total: i64) -> Scene {
    payer::invoice_of(house, &scene.account, &scene.email, name, json!(total), "USD").await
}

#[tokio::test]
async fn a_stored_bank_is_debited_on_the_phone_and_the_request_follows_it_for_days() {
    let house = House::start_with(&["--clock"], None).await;
    let (scene, bank) = stores_a_bank(&house, "B-FIRST").await;
    let bill = bill_of(&house, &scene, "B-PHONE", 50).await;
    let clerk = clerk_at(&house, &bill).await;
    let shown = clerk.page().await;
    shown.says("First Platypus Bank ending 6789").says("takes about 4 business days");
    assert!(!shown.text.contains("disabled"), "{}", shown.text);
    let press = Uuid::new_v4();
    let told = charged(&clerk, &shown, press, Some("35"), &[("method", &bank)]).await;
    told.says("The bank payment is on its way").says("$35.00 USD").says("usually takes 4 business days");
    charged(&clerk, &shown, press, Some("35"), &[("method", &bank)]).await.says("on its way");
    let made = intents(&house, &bill).await;
    assert_eq!((made.len(), &made[0]["status"]), (1, &json!("processing")), "one press is one debit: {made:?}");
    assert!(made[0]["payment_method_options"]["card"].is_null());
    let intent = made[0]["id"].as_str().expect("an id");
    let expected =
        json!({"State__c": "Processing", "Amount__c": 35, "Source__c": "Take Payment", "Method__c": "Bank Account"});
    payment(&house, intent, expected).await;
    request_is(&house, &bill, "Working", "is on its way.").await;
    assert_eq!(bill.row(&house).await["In_Flight__c"].as_f64(), Some(35.0), "in flight counts against the balance");
    // The hour of the page ends while the bank is at work, and with it that of another page, on which nothing was taken. The
    // request waits for the bank.
    let idle = bill_of(&house, &scene, "B-IDLE", 9).await;
    clerk_at(&house, &idle).await;
    let over = "UPDATE links SET expires_ms = made_ms - 1, changed_ms = made_ms - 2 WHERE kind = 'agent'";
    assert_eq!(house.sql(over).await, 2);
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    request_is(&house, &idle, "Expired", "no payment was taken on it").await;
    clerk.page().await.says("This page has run out");
    house.idle().await;
    request_is(&house, &bill, "Working", "is on its way.").await;
    house.stripe_control("clock", &json!({ "advance_days": 9 })).await.expect("the clock");
    request_is(&house, &bill, "Done", "$35.00 USD was paid with First Platypus Bank ending 6789.").await;
    bill.stands(&house, "Partly Paid", 35.0, 15.0).await;

    // It comes back: the invoice is open again, the request says so, and the account can't be debited any more.
    house.stripe_control(&format!("intents/{intent}/return"), &json!({"code": "R10"})).await.expect("it comes back");
    bill.stands(&house, "Open", 0.0, 50.0).await;
    request_is(&house, &bill, "Failed", "was paid and went back").await;
    method(&house, &scene.account, json!({"State__c": "Needs Authorisation"})).await;
    let clerk = clerk_at(&house, &bill).await;
    let shown = clerk.page().await;
    shown.says("the customer has to authorise it again").says("disabled");
    let refused = charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &bank)]).await;
    refused.says("be debited on the phone").says("Nothing was charged").says("Send the customer a link");
    assert_eq!(intents(&house, &bill).await.len(), 1);
}

#[tokio::test]
async fn a_bank_that_can_not_be_debited_on_the_phone_says_why_and_is_not() {
    let house = House::start().await;
    let (scene, bank) = stores_a_bank(&house, "B-WHY").await;
    let bill = bill_of(&house, &scene, "B-REFUSED", 50).await;
    let clerk = clerk_at(&house, &bill).await;
    let not_debited = async |sql: &'static str, why: &'static str, refusal: &'static str| {
        assert!(house.sql(sql).await >= 1, "{sql}");
        let shown = clerk.page().await;
        shown.says(why).says("disabled");
        let refused = charged(&clerk, &shown, Uuid::new_v4(), Some("5"), &[("method", &bank)]).await;
        refused.says(refusal).says("Nothing was charged");
    };
    let phone = "be debited on the phone";
    // What was agreed to under the first wording is for debits that the customer orders.
    not_debited("UPDATE mandates SET version = 'web-1'", "only debits that they order themselves", phone).await;
    not_debited("UPDATE mandates SET version = 'web-2', standing = 0", "has to authorise it again", phone).await;
    not_debited("UPDATE banks SET state = 'needs_login'", "sign in again", "can't be debited").await;
    not_debited("UPDATE banks SET state = 'blocked'", "its bank allows no debits", "can't be debited").await;
    assert!(house.sql("UPDATE banks SET state = 'ready'").await >= 1);
    assert!(house.sql("UPDATE mandates SET standing = 1").await >= 1);

    // Another customer's account is not this one's.
    let stranger = payer::invoice(&house, "B-STRANGER", json!(10), "USD").await;
    let theirs = clerk_at(&house, &stranger).await;
    let shown = theirs.page().await;
    shown.says("No card and no bank account is on file");
    let card = clerk.page().await;
    let press = Uuid::new_v4().to_string();
    let csrf = shown.input("csrf");
    let form = [
        ("csrf", csrf.as_str()),
        ("press", &press),
        ("shown", "1000"),
        ("currency", "USD"),
        ("choice", "full"),
        ("method", &bank),
    ];
    theirs.post_page(&theirs.place(), &form).await.says("not on file any more").says("Nothing was charged");
    let debits: Vec<Value> = [intents(&house, &bill).await, intents(&house, &stranger).await].concat();
    assert!(debits.is_empty(), "{debits:?}");
    // And with its authorisation in force it is debited.
    charged(&clerk, &card, Uuid::new_v4(), None, &[("method", &bank)]).await.says("on its way");
    bill.stands(&house, "Open", 0.0, 50.0).await;
}

#[tokio::test]
async fn a_daemon_killed_over_a_stored_bank_debits_it_once() {
    let house = House::start().await;
    let (scene, bank) = stores_a_bank(&house, "B-KILL").await;
    for (place, status) in ["requires_confirmation", "processing"].into_iter().enumerate() {
        let bill = bill_of(&house, &scene, &format!("B-DIES-{place}"), 35).await;
        let clerk = clerk_at(&house, &bill).await;
        let shown = clerk.page().await;
        let (press, address) = (Uuid::new_v4(), clerk.place());
        let pressed = form(&shown, press, None, &[("method", &bank)]);
        let pressed = pairs(&pressed);
        let is_so: IsSo = Box::new(move |seen| seen.iter().any(|one| one["status"] == status));
        house.fault("slow", 0.6).await;
        tokio::join!(clerk.try_form(&address, &pressed), killed_once(&house, &bill, is_so));
        house.fault("slow", 0.0).await;
        house.start_daemon().await;
        house.is_ready().await;
        charged(&clerk, &shown, press, None, &[("method", &bank)]).await.says("The bank payment is on its way");
        let made = intents(&house, &bill).await;
        assert_eq!((made.len(), &made[0]["status"]), (1, &json!("processing")), "killed when {status}: {made:?}");
        request_is(&house, &bill, "Working", "is on its way.").await;
    }
}
