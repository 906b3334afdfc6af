//! Links: sent, sent again, replaced, copied, revoked, run out; and what is refused, each in its own words.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::house::House;
use crate::house::payer::{self, Payer};

async fn link_states(world: &World, invoice: &str) -> Vec<(String, String)> {
    let soql = format!("SELECT Sent_To__c, State__c FROM Payment_Link__c WHERE Invoice__c = '{invoice}' ORDER BY Name");
    let rows = world.query(&soql).await.expect("the links");
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(row, "Sent_To__c"), text(row, "State__c"))).collect()
}

async fn links_are(world: &World, invoice: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(to, state)| ((*to).to_owned(), (*state).to_owned())).collect();
    until(&format!("the links to be {expected:?}"), 30, || async {
        let found = link_states(world, invoice).await;
        Ok(if found == expected { Ok(()) } else { Err(format!("{found:?}")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

async fn the_same_address_gets_the_same_link_and_another_one_replaces_it(house: &House) {
    let scene = payer::sent(house, "L-SEND", json!(80), "USD").await;
    let again = scene.send(house, &scene.email).await;
    assert_eq!(again, scene.link, "the same address, the same link");
    let other = scene.send(house, "other@customers.example").await;
    assert_ne!(other, scene.link);
    Payer::look(house, &scene.link).await.says("replaced this link");
    Payer::look(house, &other).await.says("Continue to see it and pay");
    links_are(house, &scene.invoice, &[(&scene.email, "Replaced"), ("other@customers.example", "Open")]).await;
    let sent = house
        .query(&format!("SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Invoice__c = '{}'", scene.invoice))
        .await
        .expect("the requests");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request["State__c"] == "Sent"), "{sent:?}");
    // The token is nowhere in the org.
    let token = other.rsplit('/').next().expect("a token");
    let rows = house.query("SELECT Token_Hash__c, Sentence__c, Note__c FROM Payment_Request__c").await.expect("rows");
    assert!(!format!("{rows:?}").contains(token));
}

async fn a_copied_link_works_and_the_org_holds_only_its_hash(house: &House) -> String {
    let scene = payer::invoice(house, "L-COPY", json!(12.5), "USD").await;
    let copied =
        house.press("SendPaymentLinkController", "copyLink", &json!({"invoiceId": scene.invoice})).await.expect("copy");
    let link = link_of(&copied);
    let token = link.rsplit('/').next().expect("a token").to_owned();
    let soql = format!("SELECT Token_Hash__c FROM Payment_Request__c WHERE Invoice__c = '{}'", scene.invoice);
    let row = house.one(&soql).await.expect("the request");
    assert_eq!(row["Token_Hash__c"], hex::encode(Sha256::digest(token.as_bytes())));
    let payer = Payer::enter(house, &link).await;
    payer.pay(None).await;
    scene.stands(house, "Paid", 12.5, 0.0).await;
    links_are(house, &scene.invoice, &[("", "Paid")]).await;
    token
}

fn link_of(copied: &Value) -> String {
    let text = copied.to_string();
    let begin = text.find("http").unwrap_or_else(|| panic!("no link in {text}"));
    text[begin..].split('"').next().unwrap_or_default().to_owned()
}

async fn a_revoked_link_pays_nothing_and_what_was_open_under_it_is_canceled(house: &House) {
    let scene = payer::sent(house, "L-REVOKE", json!(30), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let begun = payer.begin(None).await;
    let soql = format!("SELECT Id FROM Payment_Link__c WHERE Invoice__c = '{}' AND State__c = 'Open'", scene.invoice);
    let row = until("the link's record", 20, || async { Ok(Ok(house.one(&soql).await?)) }).await.expect("a record");
    house.press("SendPaymentLinkController", "revoke", &json!({"linkId": row["Id"]})).await.expect("revoke");
    links_are(house, &scene.invoice, &[(&scene.email, "Revoked")]).await;
    Payer::look(house, &scene.link).await.says("This link no longer works");
    until("the open attempt to be canceled", 20, || async {
        let state = house.stripe_state().await?;
        let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
        let found = intents.iter().find(|one| one["id"] == payer::intent(&begun).as_str()).cloned();
        let status = found.map(|one| one["status"].to_string()).unwrap_or_default();
        Ok(if status.contains("canceled") { Ok(()) } else { Err(status) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let confirmed = payer.confirm(&begun, "pm_card_visa").await;
    assert!(confirmed["error"].is_object(), "nobody can pay by it any more: {confirmed}");
}

async fn a_link_that_ran_out_still_shows_its_receipt(house: &House) {
    let scene = payer::sent(house, "L-EXPIRE", json!(40), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let paid = payer.pay(Some("10")).await;
    let row = payer::payment(house, &paid, json!({"State__c": "Settled"})).await;
    let shown = payer.page().await;
    // Its last second passes.
    let hour_ago = "UPDATE links SET expires_ms = changed_ms - 3600000, made_ms = made_ms - 7200000 WHERE sent_to = 'l-expire@customers.example'";
    assert_eq!(house.sql(hour_ago).await, 1);
    Payer::look(house, &scene.link).await.says("This link has run out");
    let page = payer.page().await;
    page.says("This link has run out").says("Send a new link");
    assert!(!page.can_pay());
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!((&refused["state"], &refused["heading"]), (&json!("refused"), &json!("This link has run out")));
    let number = row["Receipt_Number__c"].as_str().expect("a receipt number");
    let (path, _) = payer_path(&shown.text, number);
    let (kind, pdf) = payer.file(&path).await;
    assert_eq!(kind, "application/pdf");
    assert!(pdf.starts_with(b"%PDF"));
}

fn payer_path(page: &str, number: &str) -> (String, usize) {
    let end = page.find(&format!("/receipts/{number}.pdf")).unwrap_or_else(|| panic!("no receipt {number} in {page}"));
    let begin = page[..end].rfind('"').expect("a quote") + 1;
    (format!("{}/receipts/{number}.pdf", &page[begin..end]), begin)
}

async fn what_cannot_be_sent_is_refused_in_its_own_words(house: &House) {
    let scene = payer::invoice(house, "L-REFUSE", json!(10), "USD").await;
    let refused = async |change: Value, words: &str| {
        house.update("Invoice__c", &scene.invoice, &change).await.expect("the change");
        let error = scene.press_send(house, "").await.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(json!({"Status__c": "Draft"}), "is still a draft").await;
    refused(json!({"Status__c": "Cancelled"}), "is cancelled, so there is nothing to pay").await;
    refused(json!({"Status__c": "Open", "Total__c": 0}), "has nothing left to pay").await;
    refused(json!({"Total__c": 10, "Currency_Code__c": "XYZ"}), "Payments can't be taken in XYZ").await;
    house.update("Account", &scene.account, &json!({"Billing_Email__c": null})).await.expect("the account");
    refused(json!({"Currency_Code__c": "USD", "Billing_Email__c": null}), "mail").await;
    // Nobody may do it without the permission, an administrator neither.
    let url = format!("{}/_sandbox/apex/SendPaymentLinkController/send", house.endpoints.salesforce.instance_url);
    let body = json!({"invoiceId": scene.invoice, "email": "a@customers.example", "note": null, "expiresOn": null});
    let request = house.http.post(url).bearer_auth(&house.endpoints.salesforce.admin_token).json(&body);
    let answer = request.send().await.expect("the org").text().await.expect("text");
    assert!(answer.contains("You need the permission set Quittance Clerk"), "{answer}");
    let requests = format!("SELECT Id FROM Payment_Request__c WHERE Invoice__c = '{}'", scene.invoice);
    assert_eq!(house.query(&requests).await.expect("rows").len(), 0, "what is refused is not even asked for");
}

/// The page of a replaced link has the newer one mailed again, to the newer address and never to the old one.
async fn a_replaced_link_has_the_newer_one_mailed_again(house: &House) {
    let scene = payer::sent(house, "L-AGAIN", json!(21), "USD").await;
    let right = "right@customers.example";
    let newer = scene.send(house, right).await;
    let page = Payer::look(house, &scene.link).await;
    page.says("Send it again");
    assert!(!page.text.contains(right), "{}", page.text);
    let csrf = page.input("csrf");
    for _ in 0..2 {
        let answer = house.http.post(format!("{}/renew", scene.link)).form(&[("csrf", &csrf)]).send().await;
        assert_eq!(answer.expect("the press").status(), 303);
    }
    let mails = || async { payer::links_mailed(house, right, "L-AGAIN").await };
    until("the newer link to be mailed again", 30, || async {
        let mailed = mails().await;
        Ok(if mailed.len() == 2 { Ok(()) } else { Err(format!("{mailed:?}")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(mails().await, [newer.clone(), newer], "the same link, and once only");
    assert_eq!(payer::links_mailed(house, &scene.email, "L-AGAIN").await, std::slice::from_ref(&scene.link));
    links_are(house, &scene.invoice, &[(&scene.email, "Replaced"), (right, "Open")]).await;
}

async fn an_address_that_is_no_link_says_the_same_whatever_it_is(house: &House) {
    let base = format!("{}/p/", house.endpoints.page_url);
    for token in ["x", "../..", &"A".repeat(43), &"A".repeat(400), "%00", "<script>"] {
        let page = Payer::look(house, &format!("{base}{token}")).await;
        assert_eq!(page.status, 404, "{token}");
        page.says("Page not found");
        assert!(!page.text.contains("<script>alert"), "{token}");
    }
}

/// The bus loses the event of a copied link: the page finds it in the org by its hash.
async fn a_copied_link_whose_event_is_lost_is_found_in_the_org(house: &House) {
    let scene = payer::invoice(house, "L-LOST", json!(9), "USD").await;
    house.fault("lost_event", 1.0).await;
    let copied =
        house.press("SendPaymentLinkController", "copyLink", &json!({"invoiceId": scene.invoice})).await.expect("copy");
    house.fault("lost_event", 0.0).await;
    let payer = Payer::enter(house, &link_of(&copied)).await;
    payer.pay(None).await;
    scene.stands(house, "Paid", 9.0, 0.0).await;
}

async fn request_of(house: &House, invoice: &str) -> Value {
    let soql =
        format!("SELECT Request_Id__c, State__c, Sentence__c FROM Payment_Request__c WHERE Invoice__c = '{invoice}'");
    house.one(&soql).await.expect("the request")
}

async fn request_is(house: &House, invoice: &str, state: &str, words: &str) {
    until(&format!("the request to be {state}"), 60, || async {
        let row = request_of(house, invoice).await;
        let said = row["Sentence__c"].as_str().unwrap_or_default();
        Ok(if row["State__c"] == state && said.contains(words) { Ok(()) } else { Err(row.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

/// The mail server took the letter, its answer was lost, and the customer was quicker than the next try.
async fn a_mail_that_its_customer_paid_by_was_sent_whatever_the_mail_server_said(house: &House) {
    house.fault("lost_mail_reply", 1.0).await;
    let scene = payer::sent(house, "L-DOUBT", json!(21), "USD").await;
    Payer::enter(house, &scene.link).await.pay(None).await;
    scene.stands(house, "Paid", 21.0, 0.0).await;
    house.fault("lost_mail_reply", 0.0).await;
    request_is(house, &scene.invoice, "Sent", "so it was not sent again").await;
    links_are(house, &scene.invoice, &[(&scene.email, "Paid")]).await;
}

/// A refusal with a code leaves no doubt: nobody has the letter, so the clerk must not read that it went.
async fn a_mail_that_the_mail_server_refused_was_not_sent(house: &House) {
    house.fault("refused_mail", 1.0).await;
    let scene = payer::invoice(house, "L-TURNED", json!(22), "USD").await;
    scene.press_send(house, &scene.email).await.expect("Send Payment Link");
    let row = request_of(house, &scene.invoice).await;
    let command = format!("send:{}", row["Request_Id__c"].as_str().expect("a request id"));
    house
        .eventually("the mail server to refuse it", 20, || async {
            let log = house.daemon_log();
            let refused = log.lines().any(|line| line.contains(&command) && line.contains("code=mail"));
            Ok(if refused { Ok(()) } else { Err("nothing was refused yet".to_owned()) })
        })
        .await;
    house.update("Invoice__c", &scene.invoice, &json!({"Status__c": "Cancelled"})).await.expect("the change");
    house.fault("refused_mail", 0.0).await;
    request_is(house, &scene.invoice, "Refused", "cancelled").await;
    let mails = house.mails().await.expect("the mailbox");
    assert!(!mails.iter().any(|mail| mail["to"].to_string().contains(&scene.email)), "{mails:?}");
}

#[tokio::test]
async fn mails_in_doubt_and_mails_refused_are_told_apart() {
    let house = House::start().await;
    a_mail_that_its_customer_paid_by_was_sent_whatever_the_mail_server_said(&house).await;
    a_mail_that_the_mail_server_refused_was_not_sent(&house).await;
}

#[tokio::test]
async fn links_are_sent_replaced_copied_revoked_and_run_out() {
    let house = House::start().await;
    tokio::join!(
        the_same_address_gets_the_same_link_and_another_one_replaces_it(&house),
        a_copied_link_works_and_the_org_holds_only_its_hash(&house),
        a_replaced_link_has_the_newer_one_mailed_again(&house),
        a_revoked_link_pays_nothing_and_what_was_open_under_it_is_canceled(&house),
        a_link_that_ran_out_still_shows_its_receipt(&house),
        what_cannot_be_sent_is_refused_in_its_own_words(&house),
        an_address_that_is_no_link_says_the_same_whatever_it_is(&house),
    );
    a_copied_link_whose_event_is_lost_is_found_in_the_org(&house).await;
}
