//! Money that went back: refunded, returned by the bank, under review.

use serde_json::{Value, json};

use super::outside::{Browser, LINK, Outside};
use crate::store::harness::sqlite;

/// All of the invoice is paid; then Stripe says what went back.
async fn paid() -> (Outside, Browser, String, tempfile::TempDir) {
    let (store, folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let token = outside.link().await;
    let mut browser = Browser::new(&outside);
    let page = browser.open(&token).await;
    let begun = browser.pay(&page, None, &[]).await.json();
    outside.charge("pi_1");
    outside.payments.book_any("pi_1").await.unwrap();
    (outside, browser, begun["statusUrl"].as_str().unwrap().to_owned(), folder)
}

async fn refund(outside: &Outside, minor: i64) {
    outside.intent("pi_1", |intent| intent["latest_charge"]["amount_refunded"] = minor.into());
    outside.world.lock().unwrap().refunds = vec![json!({
        "id": "re_1", "status": "succeeded", "amount": minor, "currency": "usd", "charge": "ch_pi_1",
        "created": 1_764_806_400,
    })];
    outside.payments.book_any("pi_1").await.unwrap();
}

async fn dispute(outside: &Outside, status: &str, kind: &Value) {
    outside.intent("pi_1", |intent| {
        intent["latest_charge"]["disputed"] = true.into();
        if !kind.is_null() {
            intent["latest_charge"]["payment_method_details"] = kind.clone();
        }
    });
    outside.world.lock().unwrap().disputes = vec![json!({
        "id": "du_1", "status": status, "amount": 124_000, "currency": "usd", "charge": "ch_pi_1", "created": 1_764_806_400,
    })];
    outside.payments.book_any("pi_1").await.unwrap();
}

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

#[tokio::test]
async fn all_of_it_refunded_is_said_before_anything_is_asked_for_again() {
    let (outside, mut browser, status, _folder) = paid().await;
    refund(&outside, 124_000).await;
    let page = browser.get(&format!("/pay/{LINK}")).await;
    let text = plain(&page.text);
    assert!(text.contains(">$1,240.00 USD was refunded</h1>"), "{text}");
    assert!(text.contains("Sent back to Visa ending 4242 on 4 December 2025; banks take 5 to 10"), "{text}");
    assert!(text.contains("Pay again only if Acme asks for it.") && !text.contains("id=\"pay-button\""), "{text}");
    let again = browser.get(&format!("/pay/{LINK}?pay=again")).await;
    assert!(again.text.contains("id=\"pay-button\"") && again.text.contains("class=\"notice\""), "{}", again.text);
    let own = plain(&browser.get(&status).await.text);
    assert!(own.contains(">$1,240.00 USD was refunded</h1>") && !own.contains("Payment received"), "{own}");
    outside.world.lock().unwrap().status = "Cancelled".into();
    let withdrawn = plain(&browser.get(&format!("/pay/{LINK}")).await.text);
    assert!(withdrawn.contains("was refunded</h1>") && withdrawn.contains("has withdrawn this invoice"), "{withdrawn}");
}

#[tokio::test]
async fn a_part_refunded_is_told_beside_what_is_left_to_pay() {
    let (outside, mut browser, status, _folder) = paid().await;
    refund(&outside, 40_000).await;
    let text = plain(&browser.get(&format!("/pay/{LINK}")).await.text);
    assert!(text.contains("$400.00 USD left to pay</h1>") && text.contains("id=\"pay-button\""), "{text}");
    assert!(text.contains("$400.00 USD was refunded</h2>"), "{text}");
    assert!(text.contains("The rest of $1,240.00 USD stays paid."), "{text}");
    let own = plain(&browser.get(&status).await.text);
    assert!(own.contains(">$400.00 USD was refunded</h1>"), "{own}");
}

#[tokio::test]
async fn a_payment_under_review_counts_until_it_is_lost_and_then_is_due_again() {
    let (outside, mut browser, status, _folder) = paid().await;
    dispute(&outside, "needs_response", &Value::Null).await;
    for address in [format!("/pay/{LINK}"), status.clone()] {
        let text = plain(&browser.get(&address).await.text);
        assert!(text.contains(">This payment is being reviewed by your bank</h1>"), "{text}");
        assert!(text.contains("whoever holds Visa ending 4242, questioned $1,240.00 USD."), "{text}");
        assert!(text.contains("don't pay it again yet") && !text.contains("id=\"pay-button\""), "{text}");
    }
    assert_eq!(outside.outbox("Payment__c").await[0]["Settled_Amount__c"], 1240.0);
    dispute(&outside, "won", &Value::Null).await;
    assert!(browser.get(&format!("/pay/{LINK}")).await.text.contains("This invoice is paid</h1>"));
    dispute(&outside, "lost", &Value::Null).await;
    let lost = plain(&browser.get(&format!("/pay/{LINK}")).await.text);
    assert!(lost.contains("Your bank took $1,240.00 USD back</h2>") && lost.contains("id=\"pay-button\""), "{lost}");
}

#[tokio::test]
async fn a_bank_payment_that_came_back_is_due_again() {
    let (outside, mut browser, status, _folder) = paid().await;
    let account = json!({"type": "us_bank_account", "us_bank_account": {"bank_name": "Harbor Bank", "last4": "6789"}});
    dispute(&outside, "lost", &account).await;
    let text = plain(&browser.get(&format!("/pay/{LINK}")).await.text);
    assert!(text.contains("The bank payment came back</h2>") && text.contains("id=\"pay-button\""), "{text}");
    assert!(text.contains("returned $1,240.00 USD on 4 December 2025, and it is due again."), "{text}");
    assert!(browser.get(&status).await.text.contains("The bank payment came back</h1>"));
}
