//! What must be true of money, through the pages.

use serde_json::json;

use super::outside::{Browser, INVOICE, LINK, Outside};
use crate::domain::SalesforceId;
use crate::engine::clock::wall_ms;
use crate::store::harness::on_both;

#[tokio::test]
async fn a_card_payment_by_link_is_booked_once_and_its_receipt_is_there() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        assert!(page.text.contains("$1,240.00"), "{}", page.text);
        let begun = browser.pay(&page, Some("400"), &[]).await.json();
        assert_eq!(begun["state"], "confirm", "{begun}");
        assert_eq!(begun["clientSecret"], "pi_1_secret_x");
        outside.charge("pi_1");
        let status = begun["statusUrl"].as_str().unwrap();
        let csrf = page.hidden("csrf");
        for _ in 0..2 {
            let told = browser.fetch(&format!("{status}/check"), &[("csrf", &csrf)]).await.json();
            assert_eq!(told["state"], "paid", "{told}");
        }
        let payments = outside.outbox("Payment__c").await;
        assert_eq!(payments.len(), 1);
        assert_eq!(payments[0]["State__c"], "Settled");
        assert_eq!(payments[0]["Settled_Amount__c"], 400.0);
        assert_eq!(payments[0]["Receipt_Number__c"], "R-000001");
        assert_eq!(payments[0]["Method_Detail__c"], "Visa ending 4242");
        let page = browser.get(&format!("/pay/{LINK}")).await;
        assert!(page.text.contains("$840.00"), "{}", page.text);
        let paid = browser.get(status).await;
        assert!(paid.text.contains("Payment received") && paid.text.contains("stays due"), "{}", paid.text);
        let pdf = browser.get(&format!("/pay/{LINK}/receipts/R-000001.pdf")).await;
        assert_eq!((pdf.status, pdf.headers["content-type"].to_str().unwrap()), (200, "application/pdf"));
        assert!(pdf.text.starts_with("%PDF"));
    })
    .await;
}

#[tokio::test]
async fn two_tabs_cannot_both_pay_the_last_of_it_and_one_press_is_one_attempt() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut one = Browser::new(&outside);
        let mut two = Browser::new(&outside);
        let page_one = one.open(&token).await;
        let page_two = two.open(&token).await;
        let (first, second) = tokio::join!(one.pay(&page_one, None, &[]), two.pay(&page_two, None, &[]));
        let states = [first.json()["state"].clone(), second.json()["state"].clone()];
        assert_eq!(states.iter().filter(|state| **state == "confirm").count(), 1, "{states:?}");
        assert_eq!(outside.world.lock().unwrap().intents.len(), 1);
        let loser = if states[0] == "confirm" { second } else { first };
        assert_eq!((loser.status, loser.json()["takeOver"].clone()), (409, json!(true)));

        // A double click: the same press twice is the same attempt.
        let press = uuid::Uuid::new_v4().to_string();
        let more = [("press", press.as_str()), ("take_over", "yes")];
        let took = two.pay(&page_two, None, &more).await.json();
        let again = two.pay(&page_two, None, &more).await.json();
        assert_eq!(took["state"], "confirm", "{took}");
        assert_eq!(took["attempt"], again["attempt"]);
        let statuses: Vec<_> =
            outside.world.lock().unwrap().intents.values().map(|intent| intent["status"].clone()).collect();
        assert_eq!(statuses, [json!("canceled"), json!("requires_payment_method")]);
    })
    .await;
}

#[tokio::test]
async fn a_declined_card_keeps_its_room_and_the_same_page_tries_again_on_the_same_intent() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        let csrf = page.hidden("csrf");
        let begun = browser.pay(&page, None, &[]).await.json();
        outside.decline("pi_1", "stolen_card", "ch_d1");
        let check = format!("{}/check", begun["statusUrl"].as_str().unwrap());
        let told = browser.fetch(&check, &[("csrf", &csrf)]).await.json();
        assert_eq!(told["heading"], "Your bank declined the payment");
        assert_eq!(outside.outbox("Payment__c").await[0]["State__c"], "Declined");
        let stands = outside.payments.copied_invoice(&SalesforceId::parse(INVOICE).unwrap()).await.unwrap().unwrap().1;
        assert!(outside.payments.standing(&stands).await.unwrap().payable().unwrap().is_zero());
        let attempt = begun["attempt"].as_str().unwrap();
        let again = browser.pay(&page, None, &[("continues", attempt)]).await.json();
        assert_eq!((again["state"].clone(), again["attempt"].clone()), (json!("confirm"), json!(attempt)));
        assert_eq!(outside.world.lock().unwrap().intents.len(), 1);
        // Another amount: the old intent is canceled first.
        let less = browser.pay(&page, Some("100"), &[("continues", attempt)]).await.json();
        assert_eq!(less["state"], "confirm", "{less}");
        assert_eq!(outside.world.lock().unwrap().intents["pi_1"]["status"], "canceled");
    })
    .await;
}

#[tokio::test]
async fn a_lost_reply_makes_one_intent_and_a_dead_stripe_none() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        outside.world.lock().unwrap().lose_replies = 2;
        let begun = browser.pay(&page, Some("40"), &[]).await.json();
        assert_eq!(begun["state"], "confirm", "{begun}");
        assert_eq!(outside.world.lock().unwrap().intents.len(), 1);
        outside.world.lock().unwrap().stripe_down = true;
        let refused = browser.pay(&page, Some("50"), &[]).await;
        assert_eq!(refused.status, 503);
        assert!(refused.text.contains("Nothing was charged"), "{}", refused.text);
        // After the secret left, an outage is no proof of anything.
        let check = format!("{}/check", begun["statusUrl"].as_str().unwrap());
        let told = browser.fetch(&check, &[("csrf", &page.hidden("csrf"))]).await.json();
        assert_eq!(told["state"], "unknown");
        let shown = browser.get(begun["statusUrl"].as_str().unwrap()).await;
        assert!(!shown.text.contains("Nothing was charged"), "{}", shown.text);
    })
    .await;
}

#[tokio::test]
async fn a_restored_database_adopts_what_it_forgot_before_anybody_pays() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let intent = json!({
            "id": "pi_lost", "status": "requires_action", "amount": 124_000, "amount_received": 0, "currency": "usd",
            "customer": "cus_1", "created": 1_764_000_000, "client_secret": "s",
            "metadata": {"sf_org_id": super::outside::ORG, "sf_account_id": super::outside::ACCOUNT,
                "sf_invoice_id": INVOICE, "q_attempt_id": "lost-attempt", "q_link_id": LINK},
        });
        outside.world.lock().unwrap().intents.insert("pi_lost".into(), intent);
        outside.payments.sweep_at_start().await.unwrap();
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        let refused = browser.pay(&page, None, &[]).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(outside.world.lock().unwrap().intents.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_refund_made_elsewhere_opens_the_invoice_again() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        browser.pay(&page, None, &[]).await;
        outside.charge("pi_1");
        outside.payments.book_any("pi_1").await.unwrap();
        let paid = browser.get(&format!("/pay/{LINK}")).await;
        assert!(paid.text.contains("This invoice is paid"), "{}", paid.text);
        outside.intent("pi_1", |intent| intent["latest_charge"]["amount_refunded"] = 10_000.into());
        outside.world.lock().unwrap().refunds = vec![
            json!({"id": "re_1", "status": "succeeded", "amount": 10_000, "currency": "usd", "charge": "ch_pi_1"}),
        ];
        outside.payments.book_any("pi_1").await.unwrap();
        let open = browser.get(&format!("/pay/{LINK}")).await;
        assert!(open.text.contains("$100.00"), "{}", open.text);
        let record = &outside.outbox("Payment__c").await[0];
        assert_eq!((record["Refunded__c"].clone(), record["Settled_Amount__c"].clone()), (json!(100.0), json!(1140.0)));
    })
    .await;
}

#[tokio::test]
async fn another_orgs_payment_is_not_booked() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let intent = json!({"id": "pi_theirs", "status": "succeeded", "amount": 500, "amount_received": 500,
            "currency": "usd", "customer": "cus_9", "metadata": {"sf_org_id": "00D000000000002EAA"}});
        outside.world.lock().unwrap().intents.insert("pi_theirs".into(), intent);
        outside.payments.book_any("pi_theirs").await.unwrap();
        assert_eq!(outside.outbox("Payment__c").await.len(), 0);
        assert_eq!(outside.store.payment("pi_theirs").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_invoice_that_was_lowered_cancels_what_no_longer_fits() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        browser.pay(&page, None, &[]).await;
        outside.world.lock().unwrap().total = 1000.0;
        outside.payments.review(&SalesforceId::parse(INVOICE).unwrap()).await.unwrap();
        assert_eq!(outside.world.lock().unwrap().intents["pi_1"]["status"], "canceled");
        let refused = browser.pay(&page, None, &[]).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("$1,000.00"), "{}", refused.text);
    })
    .await;
}

#[tokio::test]
async fn the_same_amount_within_minutes_is_asked_about_first_and_paid_where_it_is_meant() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        browser.pay(&page, Some("25"), &[]).await;
        outside.charge("pi_1");
        outside.intent("pi_1", |intent| intent["latest_charge"]["created"] = (wall_ms() / 1000).into());
        outside.payments.book_any("pi_1").await.unwrap();
        let page = browser.get(&format!("/pay/{LINK}")).await;
        let asked = browser.pay(&page, Some("25.00"), &[]).await;
        assert_eq!(asked.status, 409);
        let said = asked.json();
        assert_eq!(said["heading"], "A payment of the same amount was just made");
        assert!(said["happened"].as_str().unwrap().contains("with Visa ending 4242"), "{said}");
        assert_eq!((said["payAgain"].clone(), said["takeOver"].clone()), (json!(true), json!(false)));
        assert_eq!(outside.world.lock().unwrap().intents.len(), 1, "nothing is begun");
        let other = browser.pay(&page, Some("26"), &[]).await.json();
        assert_eq!(other["state"], "confirm", "another amount is nobody's mistake: {other}");
        let meant = browser.pay(&page, Some("25"), &[("again", "yes")]).await.json();
        assert_eq!(meant["state"], "confirm", "{meant}");
        // Long ago is no mistake either.
        outside.intent("pi_1", |intent| intent["latest_charge"]["created"] = (wall_ms() / 1000 - 700).into());
        outside.payments.book_any("pi_1").await.unwrap();
        let later = browser.pay(&page, Some("25"), &[]).await.json();
        assert_eq!(later["state"], "confirm", "{later}");
    })
    .await;
}

#[tokio::test]
async fn the_intent_of_a_closed_attempt_is_canceled_when_it_is_found() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let token = outside.link().await;
        let mut browser = Browser::new(&outside);
        let page = browser.open(&token).await;
        // Stripe made it, and its answer never came: no secret left, so the attempt is closed and its room is free.
        outside.world.lock().unwrap().lose_replies = 50;
        assert_eq!(browser.pay(&page, None, &[]).await.status, 503);
        assert_eq!(outside.world.lock().unwrap().intents["pi_1"]["status"], "requires_payment_method");
        outside.payments.book_any("pi_1").await.unwrap();
        assert_eq!(outside.world.lock().unwrap().intents["pi_1"]["status"], "canceled");
        let attempt = outside.world.lock().unwrap().intents["pi_1"]["metadata"]["q_attempt_id"].clone();
        let attempt = outside.store.attempt(attempt.as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!(attempt.state, crate::store::attempts::AttemptState::Canceled);
        assert_eq!(outside.outbox("Payment__c").await.len(), 0, "it is nobody's business in the org");

        // If somebody confirmed it all the same, the money is booked, and no cancel is asked for.
        outside.world.lock().unwrap().lose_replies = 50;
        assert_eq!(browser.pay(&page, Some("40"), &[]).await.status, 503);
        outside.charge("pi_2");
        outside.payments.book_any("pi_2").await.unwrap();
        assert_eq!(outside.world.lock().unwrap().intents["pi_2"]["status"], "succeeded");
        assert_eq!(outside.outbox("Payment__c").await[0]["Settled_Amount__c"], 40.0);
    })
    .await;
}
