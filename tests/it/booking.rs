//! What is paid reaches the invoice, the receipt and the customer; what goes back reopens it.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};

use crate::house::House;
use crate::house::payer::{self, Payer, payment};

async fn two_halves_make_an_invoice_paid_each_with_its_receipt(house: &House) {
    let scene = payer::sent(house, "B-HALVES", json!(50), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    payer.page().await.says("Pay invoice B-HALVES").says("$50.00 USD");
    let first = payer.pay(Some("25")).await;
    scene.stands(house, "Partly Paid", 25.0, 25.0).await;
    payer.page().await.says("$25.00 USD left to pay");
    let second = payer.pay_again(Some("25.00")).await;
    scene.stands(house, "Paid", 50.0, 0.0).await;
    payer.page().await.says("This invoice is paid");
    Payer::look(house, &scene.link).await.says("This invoice is paid");
    let mut numbers = Vec::new();
    for intent in [first, second] {
        let row = payment(
            house,
            &intent,
            json!({"State__c": "Settled", "Amount__c": 25, "Settled_Amount__c": 25, "Method__c": "Card",
                "Method_Detail__c": "Visa ending 4242", "Source__c": "Payment Link", "Currency_Code__c": "USD"}),
        )
        .await;
        let number = row["Receipt_Number__c"].as_str().expect("a receipt number").to_owned();
        let file = file_of(house, row["Id"].as_str().expect("an id")).await;
        assert!(file["ContentDocument"]["Title"].as_str().is_some_and(|title| title.contains(&number)), "{file}");
        let mail = payer::receipt_mail(house, &number).await;
        assert!(mail["to"].to_string().contains(&scene.email), "{}", mail["to"]);
        let attached = mail["attachments"].as_array().expect("attachments");
        assert_eq!(attached.len(), 1);
        assert!(attached[0].to_string().contains("application/pdf"), "{}", attached[0]);
        let url = format!(
            "{}/api/messages/{}/attachments/0",
            house.endpoints.smtp.mailbox_url,
            mail["id"].as_str().unwrap_or_default()
        );
        let pdf = house.http.get(url).send().await.expect("the PDF").bytes().await.expect("bytes");
        assert!(pdf.starts_with(b"%PDF"));
        numbers.push(number);
    }
    assert_ne!(numbers[0], numbers[1]);
}

async fn file_of(world: &World, payment: &str) -> Value {
    let soql = format!(
        "SELECT ContentDocumentId, ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId = '{payment}'"
    );
    until("the receipt's File", 30, || async { Ok(Ok(world.one(&soql).await?)) })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn the_page_is_told_of_a_payment_only_once_salesforce_has_it(house: &House) {
    let scene = payer::sent(house, "B-NOTICE", json!(20), "USD").await;
    let salesforce = &house.endpoints.salesforce;
    let url = format!("{}/_sandbox/events?channel=/event/Payment_Notice__e&replay=-1", salesforce.instance_url);
    let mut stream = house.http.get(url).bearer_auth(&salesforce.clerk_token).send().await.expect("the stream");
    let payer = Payer::enter(house, &scene.link).await;
    let intent = payer.pay(None).await;
    let mut seen = String::new();
    let told = async {
        while let Some(part) = stream.chunk().await.expect("the stream") {
            seen.push_str(&String::from_utf8_lossy(&part));
            let of_ours = |line: &&str| line.contains(&scene.invoice) && line.contains("settled");
            if seen.lines().any(|line| of_ours(&line)) {
                return;
            }
        }
        panic!("the stream ended: {seen}");
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect("a notice within 30 s");
    let row = house
        .one(&format!("SELECT State__c, Invoice__r.Status__c FROM Payment__c WHERE Stripe_Payment_Id__c = '{intent}'"))
        .await
        .expect("the payment is there when the notice comes");
    assert_eq!((&row["State__c"], &row["Invoice__r"]["Status__c"]), (&json!("Settled"), &json!("Paid")));
    let line = seen.lines().find(|line| line.contains(&scene.invoice)).and_then(|line| line.strip_prefix("data: "));
    let notice: Value = serde_json::from_str(line.expect("a notice of ours")).expect("JSON");
    let fields: Vec<&String> = notice["data"]["payload"].as_object().expect("a payload").keys().collect();
    let only = ["CreatedById", "CreatedDate", "Record_Id__c", "Request_Id__c", "State__c"];
    assert!(fields.iter().all(|field| only.contains(&field.as_str())), "ids and a state alone: {fields:?}");
}

async fn cash_entered_by_hand_counts_and_lowers_what_the_page_offers(house: &House) {
    let scene = payer::sent(house, "B-CASH", json!(100), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    let cash = json!({"Invoice__c": scene.invoice, "Amount__c": 60, "Method__c": "Cash"});
    let by_hand = house.insert("Payment__c", &cash).await.expect("cash");
    scene.stands(house, "Partly Paid", 60.0, 40.0).await;
    payer.page().await.says("$40.00 USD left to pay");
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!(refused["heading"], "The invoice changed while you were here", "{refused}");
    payer.pay(Some("15")).await;
    scene.stands(house, "Partly Paid", 75.0, 25.0).await;
    house.delete("Payment__c", &by_hand).await.expect("the delete");
    scene.stands(house, "Partly Paid", 15.0, 85.0).await;
    payer.page().await.says("$85.00 USD left to pay");
    let rest = json!({"Invoice__c": scene.invoice, "Amount__c": 85, "Method__c": "Cheque"});
    house.insert("Payment__c", &rest).await.expect("a cheque");
    scene.stands(house, "Paid", 100.0, 0.0).await;
    payer.page().await.says("This invoice is paid");
}

async fn what_is_refunded_is_owed_again_and_a_refund_that_fails_is_not(house: &House) {
    let scene = payer::sent(house, "B-REFUND", json!(60), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let intent = payer.pay(None).await;
    scene.stands(house, "Paid", 60.0, 0.0).await;
    let part = json!({"payment_intent": intent, "amount": 2_000});
    house.stripe_control("refunds", &part).await.expect("a part refund");
    payment(house, &intent, json!({"State__c": "Settled", "Refunded__c": 20, "Settled_Amount__c": 40})).await;
    scene.stands(house, "Partly Paid", 40.0, 20.0).await;
    payer.page().await.says("$20.00 USD left to pay").says("was refunded");
    let rest = house.stripe_control("refunds", &json!({"payment_intent": intent})).await.expect("the rest");
    payment(house, &intent, json!({"State__c": "Refunded", "Refunded__c": 60, "Settled_Amount__c": 0})).await;
    scene.stands(house, "Open", 0.0, 60.0).await;
    // The bank sends the second refund back: that part is paid again.
    let failed = format!("refunds/{}/fail", rest["id"].as_str().expect("an id"));
    house.stripe_control(&failed, &json!({})).await.expect("the failure");
    payment(house, &intent, json!({"State__c": "Settled", "Refunded__c": 20, "Settled_Amount__c": 40})).await;
    scene.stands(house, "Partly Paid", 40.0, 20.0).await;
}

async fn a_dispute_counts_only_once_it_is_lost(house: &House) {
    let scene = payer::sent(house, "B-DISPUTE", json!(70), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let (won, lost) = (payer.pay(Some("30")).await, payer.pay(Some("40")).await);
    scene.stands(house, "Paid", 70.0, 0.0).await;
    for (intent, outcome) in [(&won, "won"), (&lost, "lost")] {
        let dispute = house.stripe_control("disputes", &json!({"payment_intent": intent})).await.expect("a dispute");
        let close = format!("disputes/{}/close", dispute["id"].as_str().expect("an id"));
        house.stripe_control(&close, &json!({"outcome": outcome})).await.expect("its end");
    }
    payment(house, &lost, json!({"State__c": "Returned", "Disputed__c": 40, "Settled_Amount__c": 0})).await;
    payment(house, &won, json!({"State__c": "Settled", "Disputed__c": 0, "Settled_Amount__c": 30})).await;
    scene.stands(house, "Partly Paid", 30.0, 40.0).await;
}

async fn money_that_goes_back_twice_is_told_to_a_person(house: &House) {
    let scene = payer::sent(house, "B-OVER", json!(50), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let intent = payer.pay(None).await;
    scene.stands(house, "Paid", 50.0, 0.0).await;
    house.stripe_control("refunds", &json!({"payment_intent": intent, "amount": 3_000})).await.expect("a refund");
    payment(house, &intent, json!({"Settled_Amount__c": 20})).await;
    house.stripe_control(&format!("intents/{intent}/return"), &json!({})).await.expect("the bank's return");
    payment(
        house,
        &intent,
        json!({"State__c": "Returned", "Refunded__c": 30, "Disputed__c": 50, "Settled_Amount__c": 0, "Over_Returned__c": 30}),
    )
    .await;
    scene.stands(house, "Open", 0.0, 50.0).await;
    let error = payer::error_of(house, &format!("over-returned:{intent}")).await;
    assert!(error["Sentence__c"].as_str().is_some_and(|words| words.contains("went back twice")), "{error}");
}

async fn a_total_lowered_below_what_is_paid_is_a_credit(house: &House) {
    let scene = payer::sent(house, "B-CREDIT", json!(50), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    payer.pay(Some("40")).await;
    scene.stands(house, "Partly Paid", 40.0, 10.0).await;
    house.update("Invoice__c", &scene.invoice, &json!({"Total__c": 25})).await.expect("the new total");
    scene.stands(house, "Paid", 40.0, 0.0).await;
    assert_eq!(scene.row(house).await["Credit__c"].as_f64(), Some(15.0));
    let page = payer.page().await;
    page.says("You have paid").says("$15.00 USD");
    assert!(!page.can_pay());
}

async fn two_tabs_and_a_double_press_cannot_pay_twice(house: &House) {
    let scene = payer::sent(house, "B-TABS", json!(45), "USD").await;
    let (one, two) = (Payer::enter(house, &scene.link).await, Payer::enter(house, &scene.link).await);
    let (first, second) = (one.page().await, two.page().await);
    let press = uuid::Uuid::new_v4();
    // A double press is one attempt.
    let (begun, again) = tokio::join!(one.press(&first, press, None, &[]), one.press(&first, press, None, &[]));
    assert_eq!((&begun["state"], &begun["attempt"]), (&json!("confirm"), &again["attempt"]), "{begun} {again}");
    // The other tab finds the room taken, and may take it over.
    let refused = two.press(&second, uuid::Uuid::new_v4(), None, &[]).await;
    assert_eq!(refused["heading"], "A payment is already under way", "{refused}");
    assert_eq!(refused["takeOver"], true);
    let taken = two.press(&second, uuid::Uuid::new_v4(), None, &[("take_over", "yes")]).await;
    assert_eq!(taken["state"], "confirm", "{taken}");
    // Whoever still confirms in the first tab is refused by Stripe.
    let late = one.confirm(&begun, "pm_card_visa").await;
    assert!(late["error"].is_object(), "{late}");
    two.confirm(&taken, "pm_card_visa").await;
    assert_eq!(two.check(&taken, &second.input("csrf")).await["state"], "paid");
    scene.stands(house, "Paid", 45.0, 0.0).await;
    // The same press after all that begins nothing new.
    let stale = one.press(&first, press, None, &[]).await;
    assert_eq!(stale["state"], "refused", "{stale}");
    let state = house.stripe_state().await.expect("Stripe");
    let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
    let ours: Vec<_> = intents
        .iter()
        .filter(|one| one["metadata"]["sf_invoice_number"] == "B-TABS")
        .map(|one| &one["status"])
        .collect();
    assert_eq!(ours.len(), 2, "one intent an attempt: {ours:?}");
    assert_eq!(ours.iter().filter(|status| **status == "succeeded").count(), 1);
}

async fn ten_declines_lock_a_link_for_a_day_and_the_org_says_when_it_pays_again(house: &House) {
    let scene = payer::sent(house, "B-LOCK", json!(33), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    let begun = payer.press(&shown, uuid::Uuid::new_v4(), None, &[]).await;
    for number in 1..=10 {
        payer.confirm(&begun, "pm_card_chargeDeclinedInsufficientFunds").await;
        let told = payer.check(&begun, &shown.input("csrf")).await;
        assert_eq!(told["state"], "declined", "decline {number}: {told}");
        assert_eq!(told["heading"], "Your bank declined: not enough available");
    }
    let page = payer.page().await;
    assert_eq!(page.status, 429);
    page.says("Paying by this link is paused until");
    let row = format!("SELECT State__c FROM Payment_Link__c WHERE Invoice__c = '{}'", scene.invoice);
    until("the link to be Locked in the org", 20, || async {
        let found = house.one(&row).await?;
        Ok(if found["State__c"] == "Locked" { Ok(()) } else { Err(found.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    payment(house, &payer::intent(&begun), json!({"State__c": "Declined", "Settled_Amount__c": 0})).await;
}

async fn an_amount_that_cannot_be_paid_is_refused_and_keeps_nothing_open(house: &House) {
    let scene = payer::sent(house, "B-AMOUNT", json!(100), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    for (typed, heading) in [
        ("-5", "Check the amount"),
        ("0", "Amount too small"),
        ("0.49", "Amount too small"),
        ("", "Check the amount"),
        ("1e3", "Check the amount"),
        ("10.005", "Check the amount"),
        ("EUR 10", "Check the amount"),
        ("100.01", "Amount too large"),
        ("99999999999999999999", "Check the amount"),
        ("99.80", "The rest would be too small"),
        ("<b>5</b>", "Check the amount"),
    ] {
        let refused = payer.press(&shown, uuid::Uuid::new_v4(), Some(typed), &[]).await;
        assert_eq!((&refused["state"], &refused["status"]), (&json!("refused"), &json!(422)), "{typed}: {refused}");
        assert_eq!(refused["heading"], heading, "{typed}: {refused}");
        assert_eq!(refused["happened"], "Nothing was charged.", "{typed}");
    }
    // The form's hidden figures are no way round the server's own.
    for (field, value) in
        [("currency", "EUR"), ("shown", "-5"), ("shown", "1"), ("shown", "999999999"), ("currency", "XXX")]
    {
        let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[(field, value)]).await;
        assert_eq!(refused["state"], "refused", "{field}={value}: {refused}");
    }
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), None, &[("csrf", "0")]).await;
    assert_eq!(refused["status"], 403, "{refused}");
    let state = house.stripe_state().await.expect("Stripe");
    let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
    assert!(!intents.iter().any(|one| one["metadata"]["sf_invoice_number"] == "B-AMOUNT"), "nothing reached Stripe");
    payer.pay(Some("$ 100.00")).await;
}

async fn yen_have_no_decimals(house: &House) {
    let scene = payer::sent(house, "B-YEN", json!(12_000), "JPY").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    shown.says("¥12,000 JPY");
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), Some("500.5"), &[]).await;
    assert!(refused["todo"].as_str().is_some_and(|words| words.contains("JPY has no decimals")), "{refused}");
    let part = payer.pay(Some("5000")).await;
    payment(house, &part, json!({"Amount__c": 5000, "Settled_Amount__c": 5000, "Currency_Code__c": "JPY"})).await;
    let rest = payer.pay(None).await;
    scene.stands(house, "Paid", 12_000.0, 0.0).await;
    let row = payment(house, &rest, json!({"Settled_Amount__c": 7000})).await;
    receipt_says(house, &row, "7,000 JPY").await;
    assert_eq!(stripe_amount(house, &rest).await, (7_000, "jpy".to_owned()));
}

async fn dinars_have_three_decimals_the_last_of_them_zero(house: &House) {
    let scene = payer::sent(house, "B-DINAR", json!(12.340), "KWD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let shown = payer.page().await;
    shown.says("12.340 KWD");
    let refused = payer.press(&shown, uuid::Uuid::new_v4(), Some("5.125"), &[]).await;
    assert!(refused["todo"].as_str().is_some_and(|words| words.contains("The last decimal has to be 0")), "{refused}");
    let part = payer.pay(Some("5.120")).await;
    let row =
        payment(house, &part, json!({"Amount__c": 5.12, "Settled_Amount__c": 5.12, "Currency_Code__c": "KWD"})).await;
    receipt_says(house, &row, "5.120 KWD").await;
    assert_eq!(stripe_amount(house, &part).await, (5_120, "kwd".to_owned()));
    payer.pay(None).await;
    scene.stands(house, "Paid", 12.34, 0.0).await;
}

async fn receipt_says(world: &World, row: &Value, words: &str) {
    let number = row["Receipt_Number__c"].as_str().expect("a receipt number");
    let mail = payer::receipt_mail(world, number).await;
    let text = mail["text"].as_str().unwrap_or_default().replace('\u{a0}', " ");
    assert!(text.contains(words), "the mail does not say {words:?}: {text}");
}

async fn stripe_amount(world: &World, intent: &str) -> (i64, String) {
    let state = world.stripe_state().await.expect("Stripe");
    let intents = state["payment_intents"].as_array().cloned().unwrap_or_default();
    let found = intents.into_iter().find(|one| one["id"] == intent).expect("the intent");
    (found["amount_received"].as_i64().unwrap_or_default(), found["currency"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_is_paid_is_booked_receipted_and_told() {
    let house = House::start().await;
    tokio::join!(
        two_halves_make_an_invoice_paid_each_with_its_receipt(&house),
        the_page_is_told_of_a_payment_only_once_salesforce_has_it(&house),
        cash_entered_by_hand_counts_and_lowers_what_the_page_offers(&house),
        two_tabs_and_a_double_press_cannot_pay_twice(&house),
        ten_declines_lock_a_link_for_a_day_and_the_org_says_when_it_pays_again(&house),
        an_amount_that_cannot_be_paid_is_refused_and_keeps_nothing_open(&house),
        yen_have_no_decimals(&house),
        dinars_have_three_decimals_the_last_of_them_zero(&house),
    );
    // A day later.
    assert_eq!(
        house.sql("UPDATE links SET locked_until_ms = changed_ms - 1 WHERE locked_until_ms IS NOT NULL").await,
        1
    );
    house.kill_daemon().await;
    house.start_daemon().await;
    let soql = "SELECT State__c FROM Payment_Link__c WHERE Invoice__r.Name = 'B-LOCK'";
    until("the link to be Open again in the org", 20, || async {
        let found = house.one(soql).await?;
        Ok(if found["State__c"] == "Open" { Ok(()) } else { Err(found.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    // The last receipts leave by mail after their payments are booked.
    until("the audit to find nothing", 60, || async {
        let report = house.audit().await?;
        Ok(if report.findings.is_empty() { Ok(()) } else { Err(report.findings.join("; ")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn what_goes_back_reopens_the_invoice() {
    let house = House::start().await;
    tokio::join!(
        what_is_refunded_is_owed_again_and_a_refund_that_fails_is_not(&house),
        a_dispute_counts_only_once_it_is_lost(&house),
        money_that_goes_back_twice_is_told_to_a_person(&house),
        a_total_lowered_below_what_is_paid_is_a_credit(&house),
    );
}
