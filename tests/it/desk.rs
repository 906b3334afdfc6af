//! Take Payment: a clerk charges a card on file while the customer is on the phone.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::House;
use crate::house::payer::{self, Page, Payer, Scene, payment};

/// The clerk presses Take Payment; answers the address of the page.
async fn take(house: &House, scene: &Scene) -> String {
    let opened =
        house.press("TakePaymentController", "open", &json!({"invoiceId": scene.invoice})).await.expect("open");
    let text = opened.to_string();
    let begin = text.find("http").unwrap_or_else(|| panic!("no address in {text}"));
    text[begin..].split('"').next().unwrap_or_default().to_owned()
}

/// The clerk presses Take Payment on the invoice and Continue on the page.
pub async fn clerk_at(house: &House, scene: &Scene) -> Payer {
    Payer::enter(house, &take(house, scene).await).await
}

pub async fn request_is(house: &House, scene: &Scene, state: &str, words: &str) {
    let soql = format!(
        "SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '{}'",
        scene.invoice
    );
    house
        .eventually(&format!("the request of {} to be {state}: {words}", scene.name), 30, || async {
            let row = house.one(&soql).await?;
            let said = row["Sentence__c"].as_str().unwrap_or_default();
            Ok(if row["State__c"] == state && said.contains(words) { Ok(()) } else { Err(row.to_string()) })
        })
        .await;
}

/// Presses Take the payment. `fields` go over those of the form.
pub async fn charged(clerk: &Payer, shown: &Page, press: Uuid, amount: Option<&str>, fields: &[(&str, &str)]) -> Page {
    charge_at(clerk, &clerk.place(), shown, press, amount, fields).await
}

/// The same on another page of the clerk's.
pub async fn charge_at(
    clerk: &Payer,
    path: &str,
    shown: &Page,
    press: Uuid,
    amount: Option<&str>,
    fields: &[(&str, &str)],
) -> Page {
    clerk.post_page(path, &pairs(&form(shown, press, amount, fields))).await
}

pub fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

pub fn form(shown: &Page, press: Uuid, amount: Option<&str>, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form = std::collections::BTreeMap::from([
        ("press".to_owned(), press.to_string()),
        ("choice".to_owned(), if amount.is_some() { "part" } else { "full" }.to_owned()),
        ("amount".to_owned(), amount.unwrap_or_default().to_owned()),
    ]);
    for name in ["csrf", "shown", "currency", "continues"] {
        form.insert(name.to_owned(), shown.input(name));
    }
    form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    form.into_iter().collect()
}

/// The intents at Stripe that a clerk began on this invoice.
pub async fn intents(house: &House, scene: &Scene) -> Vec<Value> {
    let state = house.stripe_state().await.expect("Stripe's state");
    let all = state["payment_intents"].as_array().cloned().unwrap_or_default();
    let of_ours = |intent: &Value| {
        intent["metadata"]["sf_invoice_id"] == scene.invoice.as_str() && intent["metadata"]["q_request_id"].is_string()
    };
    all.into_iter().filter(of_ours).collect()
}

pub fn succeeded(intents: &[Value]) -> Vec<&Value> {
    intents.iter().filter(|intent| intent["status"] == "succeeded").collect()
}

async fn a_card_on_file_is_charged_and_the_request_ends(house: &House) {
    let scene = payer::sent(house, "D-TAKE", json!(65), "USD").await;
    let card = house.card_on_file(&scene.account, "pm_card_visa").await;
    let address = take(house, &scene).await;
    let token = address.rsplit('/').next().expect("a token").to_owned();
    request_is(house, &scene, "Working", "The payment page is ready").await;
    // Looking changes nothing, and a token fits its own door alone.
    for _ in 0..2 {
        Payer::look(house, &address).await.says("Take a payment");
    }
    let page_url = &house.endpoints.page_url;
    assert_eq!(Payer::look(house, &format!("{page_url}/p/{token}")).await.status, 404);
    let mailed = scene.link.rsplit('/').next().expect("a token");
    assert_eq!(Payer::look(house, &format!("{page_url}/agent/{mailed}")).await.status, 404);

    let csrf = Payer::look(house, &address).await.input("csrf");
    let clerk = Payer::enter(house, &address).await;
    assert_eq!(Payer::look(house, &address).await.says("This page was opened already").status, 410);
    let replayed = clerk.post_page(&format!("/agent/{token}"), &[("csrf", &csrf)]).await;
    assert_eq!(replayed.says("Press Take Payment on the invoice again").status, 410);

    let shown = clerk.page().await;
    shown.says("owes").says("$65.00 USD").says("Visa ending 4242");
    charged(&clerk, &shown, Uuid::new_v4(), None, &[]).await.says("Choose what to charge");
    charged(&clerk, &shown, Uuid::new_v4(), Some("abc"), &[("method", &card)])
        .await
        .says("Enter the amount in figures");
    charged(&clerk, &shown, Uuid::new_v4(), Some("66"), &[("method", &card)]).await.says("65.00 USD");
    let stranger = payer::invoice(house, "D-OTHER", json!(10), "USD").await;
    let foreign = house.card_on_file(&stranger.account, "pm_card_mastercard").await;
    let refused = charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &foreign)]).await;
    refused.says("be used any more").says("Nothing was charged");
    let forged = charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card), ("csrf", "x")]).await;
    assert!(!forged.text.contains("Payment taken"), "{}", forged.text);
    assert!(intents(house, &scene).await.is_empty(), "what is refused never reaches Stripe");

    let press = Uuid::new_v4();
    charged(&clerk, &shown, press, Some("25"), &[("method", &card)]).await.says("Payment taken").says("$25.00 USD");
    charged(&clerk, &shown, press, Some("25"), &[("method", &card)]).await;
    let made = intents(house, &scene).await;
    assert_eq!(made.len(), 1, "the same press is one payment");
    assert_eq!(made[0]["metadata"].get("q_link_id"), None);
    let expected = json!({"State__c": "Settled", "Amount__c": 25, "Source__c": "Take Payment", "Method_Detail__c": "Visa ending 4242"});
    let row = payment(house, made[0]["id"].as_str().expect("an id"), expected).await;
    scene.stands(house, "Partly Paid", 25.0, 40.0).await;
    request_is(house, &scene, "Done", "$25.00 USD was paid with Visa ending 4242.").await;
    let mail = payer::receipt_mail(house, row["Receipt_Number__c"].as_str().expect("a receipt")).await;
    assert!(mail["to"].to_string().contains(&scene.email), "the customer gets the receipt: {}", mail["to"]);
    let links = format!("SELECT State__c FROM Payment_Link__c WHERE Invoice__c = '{}'", scene.invoice);
    assert_eq!(house.query(&links).await.expect("links").len(), 1, "a clerk's page is no link of the customer's");
    // The hash alone is in the org.
    let rows = house.query("SELECT Token_Hash__c, Sentence__c FROM Payment_Request__c").await.expect("rows");
    assert!(!format!("{rows:?}").contains(&token));

    // Another invoice's page is not this clerk's by this cookie.
    let theirs = Payer::enter(house, &take(house, &stranger).await).await;
    let other = clerk.at(&theirs.place()).await;
    assert!(!other.text.contains("D-OTHER"), "{}", other.text);
}

async fn declines_and_what_the_bank_asks_the_customer_leave_the_room_free(house: &House) {
    let scene = payer::invoice(house, "D-DECLINE", json!(30), "USD").await;
    let bad = house.card_on_file(&scene.account, "pm_card_chargeCustomerFail").await;
    let asking = house.card_on_file(&scene.account, "pm_card_authenticationRequired").await;
    let good = house.card_on_file(&scene.account, "pm_card_mastercard").await;
    let clerk = Payer::enter(house, &take(house, &scene).await).await;
    let shown = clerk.page().await;
    let declined = charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &bad)]).await;
    declined.says("Your bank declined");
    request_is(house, &scene, "Working", "was declined, nothing was charged").await;
    let asked = charged(&clerk, &declined, Uuid::new_v4(), None, &[("method", &asking)]).await;
    asked.says("wants to hear from the customer").says("A payment link is on its way to").says("Nothing was charged");
    assert!(!asked.text.contains("hooks.stripe.com"), "the clerk is not sent to the customer's bank");
    charged(&clerk, &asked, Uuid::new_v4(), None, &[("method", &good)]).await.says("Payment taken");
    scene.stands(house, "Paid", 30.0, 0.0).await;
    request_is(house, &scene, "Done", "Mastercard ending 4444").await;
    let made = intents(house, &scene).await;
    assert_eq!(succeeded(&made).len(), 1);
    assert!(made.iter().all(|intent| intent["status"] == "succeeded" || intent["status"] == "canceled"), "{made:?}");
    clerk.page().await.says("Nothing");
}

async fn a_page_that_is_late_or_runs_out_says_so(house: &House) {
    let scene = payer::invoice(house, "D-LATE", json!(10), "USD").await;
    let card = house.card_on_file(&scene.account, "pm_card_visa").await;
    let late = take(house, &scene).await;
    request_is(house, &scene, "Working", "ready").await;
    Payer::look(house, &late).await.says("Take a payment");
    assert_eq!(house.sql("UPDATE desk_requests SET token_expires_ms = 1 WHERE used_ms IS NULL").await, 1);
    assert_eq!(Payer::look(house, &late).await.says("This page was not opened in time").status, 410);

    let scene = payer::invoice_of(house, &scene.account, &scene.email, "D-HOUR", json!(10), "USD").await;
    let clerk = Payer::enter(house, &take(house, &scene).await).await;
    let shown = clerk.page().await;
    let over = "UPDATE links SET expires_ms = made_ms - 1, changed_ms = made_ms - 2
                WHERE kind = 'agent' AND link_id IN (SELECT link_id FROM desk_requests WHERE used_ms IS NOT NULL AND done_ms IS NULL)";
    assert_eq!(house.sql(over).await, 2, "this page, and the one on which nobody took anything");
    // What ran out is looked for at the start and once a minute.
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    request_is(house, &scene, "Expired", "no payment was taken on it").await;
    clerk.page().await.says("This page has run out");
    let account = format!("{}/account", clerk.place());
    clerk.at(&account).await.says("This page has run out");
    let form = [("csrf", shown.input("csrf")), ("method", "pm_any".to_owned()), ("choice", "full".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    clerk.post_page(&account, &form).await.says("This page has run out");
    // Nor does it say anything to somebody without the cookie.
    let page_url = &house.endpoints.page_url;
    assert!(!Payer::look(house, &format!("{page_url}{account}")).await.text.contains("D-HOUR"));
    let pressed = charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await;
    assert!(!pressed.text.contains("Payment taken"), "{}", pressed.text);
    assert!(intents(house, &scene).await.is_empty());
}

/// The bus loses the event: the page finds its request in the org by the hash.
async fn a_page_whose_event_is_lost_is_found_in_the_org(house: &House) {
    let scene = payer::invoice(house, "D-LOST", json!(9), "USD").await;
    let card = house.card_on_file(&scene.account, "pm_card_visa").await;
    house.fault("lost_event", 1.0).await;
    let address = take(house, &scene).await;
    house.fault("lost_event", 0.0).await;
    let clerk = Payer::enter(house, &address).await;
    let shown = clerk.page().await;
    charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await.says("Payment taken");
    request_is(house, &scene, "Done", "$9.00 USD was paid").await;
}

async fn whoever_may_not_take_payments_opens_nothing(house: &House) {
    let scene = payer::invoice(house, "D-MAY-NOT", json!(9), "USD").await;
    let url = format!("{}/_sandbox/apex/TakePaymentController/open", house.endpoints.salesforce.instance_url);
    let request = house.http.post(url).bearer_auth(&house.endpoints.salesforce.admin_token);
    let answer = request.json(&json!({"invoiceId": scene.invoice})).send().await.expect("the org");
    let answer = answer.text().await.expect("text");
    assert!(answer.contains("You need the permission set Quittance Clerk"), "{answer}");
}

#[tokio::test]
async fn a_clerk_takes_payments_by_cards_on_file() {
    let house = House::start().await;
    tokio::join!(
        a_card_on_file_is_charged_and_the_request_ends(&house),
        declines_and_what_the_bank_asks_the_customer_leave_the_room_free(&house),
        whoever_may_not_take_payments_opens_nothing(&house),
    );
    a_page_that_is_late_or_runs_out_says_so(&house).await;
    a_page_whose_event_is_lost_is_found_in_the_org(&house).await;
}

/// The daemon dies somewhere in the press; the clerk presses the same again once it is back.
#[tokio::test]
async fn a_daemon_killed_in_the_press_takes_the_payment_once() {
    let house = House::start().await;
    for (place, wait) in [5, 25, 60, 120, 250].into_iter().enumerate() {
        let scene = payer::invoice(&house, &format!("D-KILL-{place}"), json!(20), "USD").await;
        let card = house.card_on_file(&scene.account, "pm_card_visa").await;
        let clerk = Payer::enter(&house, &take(&house, &scene).await).await;
        let shown = clerk.page().await;
        let press = Uuid::new_v4();
        let form = form(&shown, press, None, &[("method", &card)]);
        let form = pairs(&form);
        house.fault("slow", 0.3).await;
        let place = clerk.place();
        tokio::join!(clerk.try_form(&place, &form), async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            house.kill_daemon().await;
        });
        house.fault("slow", 0.0).await;
        house.start_daemon().await;
        house.is_ready().await;
        // The cookie still holds, and the same press is the same payment. One that ended before Stripe heard of it is closed
        // for good, the page says that nothing was charged, and the clerk presses anew.
        let told = charged(&clerk, &shown, press, None, &[("method", &card)]).await;
        if told.text.contains("othing was charged") || told.text.contains("not been charged") {
            charged(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await.says("Payment taken");
        }
        scene.stands(&house, "Paid", 20.0, 0.0).await;
        request_is(&house, &scene, "Done", "$20.00 USD was paid").await;
        let made = intents(&house, &scene).await;
        assert_eq!(succeeded(&made).len(), 1, "{made:?}");
    }
}
