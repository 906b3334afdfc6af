//! Bank payments: from Plaid Link to the money, days later, and back again.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::House;
use crate::house::bank::{at_plaid, link};
use crate::house::payer::{self, Payer, payment};

/// The intents of an invoice at Stripe, whatever their status.
async fn intents(world: &World, invoice: &str) -> Vec<Value> {
    let state = world.stripe_state().await.expect("Stripe's state");
    let all = state["payment_intents"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|intent| intent["metadata"]["sf_invoice_id"] == invoice).collect()
}

async fn bank_intent(world: &World, invoice: &str) -> String {
    let found = until("the debit at Stripe", 30, || async {
        let all = intents(world, invoice).await;
        let debit = all.iter().find(|intent| intent["payment_method_types"][0] == "us_bank_account");
        Ok(debit
            .and_then(|debit| debit["id"].as_str().map(str::to_owned))
            .ok_or_else(|| format!("{} intents", all.len())))
    });
    found.await.unwrap_or_else(|error| panic!("{error}"))
}

async fn days(world: &World, days: i64) {
    world.stripe_control("clock", &json!({ "advance_days": days })).await.expect("the clock");
}

async fn letter(world: &World, address: &str, words: &str) -> Value {
    let mail = until(&format!("a letter to {address} about {words}"), 30, || async {
        let mails = world.mails().await?;
        let found = mails.iter().find(|mail| {
            mail["to"].to_string().contains(address)
                && mail["subject"].as_str().is_some_and(|subject| subject.contains(words))
        });
        Ok(found.cloned().ok_or_else(|| format!("{} mails", mails.len())))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    world.mail(mail["id"].as_str().expect("an id")).await.expect("the mail")
}

async fn letters(world: &World, address: &str, words: &str) -> usize {
    let mails = world.mails().await.expect("the mailbox");
    let about = |mail: &&Value| {
        mail["to"].to_string().contains(address)
            && mail["subject"].as_str().is_some_and(|subject| subject.contains(words))
    };
    mails.iter().filter(about).count()
}

#[tokio::test]
async fn a_card_of_25_and_a_debit_of_25_make_an_invoice_paid_once_the_money_is_there() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "K-STORY", json!(50), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.page().await.says("Bank account (ACH)");
    payer.pay(Some("25")).await;
    scene.stands(&house, "Partly Paid", 25.0, 25.0).await;
    let told = payer.pay_by_bank("6789", None, false).await;
    told.says("Your bank payment is on its way").says("4 business days");
    let intent = bank_intent(&house, &scene.invoice).await;
    let row = payment(
        &house,
        &intent,
        json!({"State__c": "Processing", "Method__c": "Bank Account", "Amount__c": 25, "Settled_Amount__c": 0,
            "Method_Detail__c": "First Platypus Bank ending 6789", "Receipt_Number__c": null}),
    )
    .await;
    assert_eq!(row["Failure_Reason__c"], Value::Null);
    scene.stands(&house, "Partly Paid", 25.0, 25.0).await;
    assert_eq!(scene.row(&house).await["In_Flight__c"].as_f64(), Some(25.0), "in flight counts against the balance");
    payer.page().await.says("A payment is on its way");
    let started = letter(&house, &scene.email, "has started").await;
    let text = started["text"].as_str().expect("text").replace("\n> ", " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("I authorise Larkspur Supply Company, Inc. to debit $25.00"), "{text}");
    assert!(text.contains("not yet a receipt"), "{text}");
    assert!(text.contains("routing number 110000000") && text.contains("Given on "), "{text}");
    days(&house, 9).await;
    scene.stands(&house, "Paid", 50.0, 0.0).await;
    let row = payment(&house, &intent, json!({"State__c": "Settled", "Settled_Amount__c": 25})).await;
    let receipt = payer::receipt_mail(&house, row["Receipt_Number__c"].as_str().expect("a number")).await;
    assert!(receipt["text"].as_str().is_some_and(|text| text.contains("First Platypus Bank ending 6789")), "{receipt}");
    assert_eq!(letters(&house, &scene.email, "has started").await, 1);
    payer.page().await.says("This invoice is paid");
}

#[tokio::test]
async fn a_debit_that_comes_back_reopens_the_invoice_once_and_asks_for_a_new_authorisation() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "K-RETURN", json!(40), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.pay_by_bank("5559", None, true).await.says("on its way");
    let intent = bank_intent(&house, &scene.invoice).await;
    payment(&house, &intent, json!({"State__c": "Processing"})).await;
    house
        .stripe_control(&format!("intents/{intent}/settle"), &json!({"outcome": "succeeded"}))
        .await
        .expect("it settles");
    scene.stands(&house, "Paid", 40.0, 0.0).await;
    house.stripe_control(&format!("intents/{intent}/return"), &json!({"code": "R01"})).await.expect("it comes back");
    payment(
        &house,
        &intent,
        json!({"State__c": "Returned", "Settled_Amount__c": 0, "Disputed__c": 40, "Over_Returned__c": 0,
            "Failure_Reason__c": "The bank sent it back: not enough in the account."}),
    )
    .await;
    scene.stands(&house, "Open", 0.0, 40.0).await;
    let back = letter(&house, &scene.email, "came back").await;
    assert!(back["text"].as_str().is_some_and(|text| text.contains("not enough in the account")), "{back}");
    // Every signal again changes nothing.
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    scene.stands(&house, "Open", 0.0, 40.0).await;
    assert_eq!(letters(&house, &scene.email, "came back").await, 1);
    payer.give_code(&scene.email).await;
    let shown = payer.page().await;
    shown.says("First Platypus Bank ending 5559").says("needs a new authorisation").says("came back");
    let told = payer.press(&shown, Uuid::new_v4(), None, &[("method", &stored(&shown))]).await;
    payer.at(told["url"].as_str().expect("the review")).await.says("I authorise").says("later payments");
}

/// The value of the first stored bank on the page.
fn stored(page: &payer::Page) -> String {
    let begin = page.text.find("value=\"bank:ba_").unwrap_or_else(|| panic!("no stored bank: {}", page.text));
    page.text[begin + "value=\"".len()..].split('"').next().expect("a value").to_owned()
}

#[tokio::test]
async fn a_debit_that_fails_frees_its_room_and_is_told_in_words() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "K-FAIL", json!(30), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.pay_by_bank("1113", None, false).await.says("on its way");
    let intent = bank_intent(&house, &scene.invoice).await;
    payment(&house, &intent, json!({"State__c": "Processing"})).await;
    days(&house, 9).await;
    payment(&house, &intent, json!({"State__c": "Failed", "Failure_Reason__c": "The bank account is closed."})).await;
    scene.stands(&house, "Open", 0.0, 30.0).await;
    assert_eq!(scene.row(&house).await["In_Flight__c"].as_f64(), Some(0.0));
    letter(&house, &scene.email, "came back").await;
    until("the room to be free", 30, || async {
        let page = payer.page().await;
        Ok(if page.can_pay() && !page.text.contains("In progress") { Ok(()) } else { Err(page.text) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    payment(&house, &intent, json!({"State__c": "Failed", "Failure_Reason__c": "The bank account is closed."})).await;
    payer.pay(None).await;
    scene.stands(&house, "Paid", 30.0, 0.0).await;
}

#[tokio::test]
async fn a_bank_is_chosen_once_stored_once_and_used_again_after_a_code() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "K-STORED", json!(90), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let shown = payer.page().await;
    let picked = link(&house, "6789").await;
    let first = payer.hand_over(&shown, &picked, Some("20"), true).await;
    let again = payer.hand_over(&shown, &picked, Some("20"), true).await;
    assert_eq!((&first["state"], &first["url"]), (&json!("go"), &again["url"]), "the same token is the same bank");
    // Another browser with the token of this one gets nothing by it.
    let other = Payer::enter(&house, &scene.link).await;
    let stolen = other.hand_over(&other.page().await, &picked, None, true).await;
    assert_eq!(stolen["heading"], "The connection with your bank has run out", "{stolen}");
    let url = first["url"].as_str().expect("an address");
    other.at(url).await.says("can't be used here any more");
    // One press, twice: one debit.
    let (review, press) = (payer.at(url).await, Uuid::new_v4());
    payer.authorise(&review, url, press).await.says("on its way");
    payer.authorise(&review, url, press).await.says("on its way");
    assert_eq!(intents(&house, &scene.invoice).await.len(), 1);
    // The same account, chosen anew: not stored twice.
    let second = link(&house, "6789").await;
    let told = payer.hand_over(&payer.page().await, &second, Some("20"), true).await;
    assert_eq!(told["url"], first["url"], "{told}");
    other.page().await;
    assert!(!other.page().await.text.contains("bank:ba_"), "no stored bank shows without a code");
    other.give_code(&scene.email).await;
    let shown = other.page().await;
    assert_eq!(
        shown.text.matches("value=\"bank:ba_").count(),
        2,
        "once among the methods, once to remove: {}",
        shown.text
    );
    let told = other.press(&shown, Uuid::new_v4(), Some("30"), &[("method", &stored(&shown))]).await;
    let url = told["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    let review = other.at(&url).await;
    review.says("you authorised").says("Pay");
    assert!(!review.text.contains("I authorise"), "the mandate in force is enough: {}", review.text);
    other.authorise(&review, &url, Uuid::new_v4()).await.says("on its way");
    let debits = intents(&house, &scene.invoice).await;
    assert_eq!(debits.len(), 2);
    // All that is left is what is not on its way: nothing calls a debit off.
    let shown = other.page().await;
    shown.says("$40.00 USD left to pay").says("All that is not on its way yet");
    let told = other.press(&shown, Uuid::new_v4(), None, &[("method", &stored(&shown))]).await;
    let url = told["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    let review = other.at(&url).await;
    review.says("$40.00 USD");
    other.authorise(&review, &url, Uuid::new_v4()).await.says("on its way");
    let debits = intents(&house, &scene.invoice).await;
    assert_eq!(debits.len(), 3);
    assert!(debits.iter().all(|debit| debit["status"] == "processing"), "{debits:?}");
    other.page().await.says("A payment is on its way");
    days(&house, 9).await;
    scene.stands(&house, "Paid", 90.0, 0.0).await;
    // Removed here, it goes at Stripe and at Plaid.
    let csrf = shown.input("csrf");
    let path = format!("/pay/{}/methods/remove", scene_link(&shown));
    let after = other.post_page(&path, &[("csrf", &csrf), ("method", &stored(&shown))]).await;
    assert!(!after.text.contains("bank:ba_"), "{}", after.text);
    until("both logins to be ended at Plaid", 60, || async {
        let state = at_plaid(&house, "state").await;
        let left = state["items"].as_array().into_iter().flatten().filter(|item| item["removed"] != true).count();
        Ok(if left == 0 { Ok(()) } else { Err(format!("{left} are left")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

fn scene_link(page: &payer::Page) -> String {
    let begin = page.text.find("/pay/").expect("a path") + "/pay/".len();
    page.text[begin..].split(['/', '"']).next().expect("a link").to_owned()
}

#[tokio::test]
async fn while_plaid_is_down_the_card_works_and_news_of_a_login_reaches_the_stored_bank() {
    let house = House::start_with(&["--clock"], None).await;
    let scene = payer::sent(&house, "K-DOWN", json!(60), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let shown = payer.page().await;
    let csrf = shown.input("csrf");
    house.fault("plaid_down", 1.0).await;
    let told = payer.post_json("/bank/link", &[("csrf", &csrf)]).await;
    assert_eq!(told["heading"], "Banks can't be reached right now", "{told}");
    payer.pay(Some("20")).await;
    house.fault("plaid_down", 0.0).await;
    let told = payer.post_json("/bank/link", &[("csrf", &csrf)]).await;
    assert!(told["linkToken"].as_str().is_some_and(|token| token.starts_with("link-")), "{told}");
    assert_eq!(payer.post_json("/bank/link", &[("csrf", "another site's")]).await["state"], "refused");

    let picked = link(&house, "6789").await;
    let told = payer.hand_over(&payer.page().await, &picked, Some("15"), true).await;
    let url = told["url"].as_str().expect("the review").to_owned();
    let review = payer.at(&url).await;
    payer.authorise(&review, &url, Uuid::new_v4()).await.says("on its way");
    payer.give_code(&scene.email).await;
    payer.page().await.says("First Platypus Bank ending 6789");
    at_plaid(&house, &format!("items/{}/login-required", picked.item)).await;
    says_soon(&payer, "your bank wants you to sign in again").await;
    let shown = payer.page().await;
    let told = payer.post_json("/bank/link", &[("csrf", &csrf), ("bank", &stored(&shown))]).await;
    assert_eq!(told["state"], "link", "update mode: {told}");
    let refused = payer.post_json("/bank/chosen", &[("csrf", &csrf), ("bank", &stored(&shown))]).await;
    assert_eq!(refused["state"], "login", "nothing was renewed yet: {refused}");
    at_plaid(&house, &format!("items/{}/repaired", picked.item)).await;
    let renewed = payer.post_json("/bank/chosen", &[("csrf", &csrf), ("bank", &stored(&shown))]).await;
    assert_eq!(renewed["state"], "go", "{renewed}");
    at_plaid(&house, &format!("items/{}/revoke", picked.item)).await;
    says_soon(&payer, "can't be debited any more").await;
    // A webhook that Plaid didn't sign changes nothing.
    let forged = house.http.post(format!("{}/webhooks/plaid", house.endpoints.page_url));
    let forged =
        forged.json(&json!({"webhook_type": "ITEM", "webhook_code": "LOGIN_REPAIRED", "item_id": picked.item}));
    assert_eq!(forged.send().await.expect("an answer").status().as_u16(), 400);
    payer.page().await.says("can't be debited any more");
}

async fn says_soon(payer: &Payer, words: &str) {
    until(&format!("the page to say {words:?}"), 30, || async {
        let page = payer.page().await;
        Ok(if page.text.contains(words) { Ok(()) } else { Err(page.text) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn killed_at_any_step_of_a_bank_payment_the_house_ends_in_one_debit() {
    let house = House::start_with(&["--clock"], None).await;
    for (number, pause_ms) in [0_u64, 15, 40, 80, 150, 300].into_iter().enumerate() {
        let scene = payer::sent(&house, &format!("K-KILL-{number}"), json!(35), "USD").await;
        let payer = Payer::enter(&house, &scene.link).await;
        let shown = payer.page().await;
        let picked = link(&house, "6789").await;
        // While the choice is made into a bank.
        let killed = async {
            tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
            house.kill_daemon().await;
        };
        let form = [
            ("csrf", shown.input("csrf")),
            ("public_token", picked.public_token.clone()),
            ("account", picked.account.clone()),
            ("save_bank", "yes".to_owned()),
            ("choice", "full".to_owned()),
        ];
        let (_, _) = tokio::join!(payer.try_post("/bank/chosen", &form), killed);
        house.start_daemon().await;
        house.is_ready().await;
        let mut told = payer.hand_over(&shown, &picked, None, true).await;
        if told["state"] != "go" {
            // The token went with the answer that was lost: the customer chooses again.
            assert_eq!(told["heading"], "The connection with your bank has run out", "{told}");
            told = payer.hand_over(&shown, &link(&house, "6789").await, None, true).await;
        }
        let url = told["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        let (review, press) = (payer.at(&url).await, Uuid::new_v4());
        // While the debit is ordered.
        let form = [
            ("csrf", review.input("csrf")),
            ("press", press.to_string()),
            ("minor", review.input("minor")),
            ("text_hash", review.input("text_hash")),
        ];
        let killed = async {
            tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
            house.kill_daemon().await;
        };
        let below = &url[url.find("/bank/").expect("its place")..];
        let (_, _) = tokio::join!(payer.try_post(below, &form), killed);
        house.start_daemon().await;
        house.is_ready().await;
        payer.authorise(&review, &url, press).await.says("on its way");
        let debits = intents(&house, &scene.invoice).await;
        let under_way: Vec<&Value> = debits.iter().filter(|debit| debit["status"] == "processing").collect();
        assert_eq!(under_way.len(), 1, "killed after {pause_ms} ms: {debits:?}");
        let intent = under_way[0]["id"].as_str().expect("an id").to_owned();
        payment(&house, &intent, json!({"State__c": "Processing", "Amount__c": 35})).await;
        letter(&house, &scene.email, "has started").await;
        assert_eq!(letters(&house, &scene.email, "has started").await, 1);
    }
    days(&house, 9).await;
    for number in 0..6 {
        let soql = format!("SELECT Id, Status__c, Settled__c FROM Invoice__c WHERE Name = 'K-KILL-{number}'");
        until("the debit to settle once", 60, || async {
            let row = house.one(&soql).await?;
            let done = row["Status__c"] == "Paid" && row["Settled__c"].as_f64() == Some(35.0);
            Ok(if done { Ok(()) } else { Err(row.to_string()) })
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }
}
