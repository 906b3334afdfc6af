//! Payments reach Salesforce by the webhook alone, by the sweep alone, and when they were made elsewhere.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};

use crate::house::House;
use crate::house::payer::{self, Payer, payment};

async fn customer_of(world: &World, account: &str) -> String {
    let soql = format!("SELECT Stripe_Customer_Id__c FROM Account WHERE Id = '{account}'");
    until("the account's Customer", 30, || async {
        let row = world.one(&soql).await?;
        Ok(row["Stripe_Customer_Id__c"].as_str().map(str::to_owned).ok_or_else(|| row.to_string()))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

async fn elsewhere(world: &World, body: Value) -> String {
    let made = world.stripe_control("payments", &body).await.expect("a payment made elsewhere");
    made["id"].as_str().expect("an id").to_owned()
}

/// The clerk presses Sync Now, and it is done.
async fn sync_now(world: &World) {
    let request = world.press("SyncNowController", "start", &json!({})).await.expect("Sync Now");
    let id = request.as_str().map(str::to_owned).unwrap_or_else(|| request.to_string());
    let soql = format!("SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Request_Id__c = '{id}'");
    until("the sweep to end", 40, || async {
        let row = world.one(&soql).await?;
        Ok(if row["State__c"] == "Done" { Ok(()) } else { Err(row.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
}

async fn a_browser_that_goes_away_after_confirming_has_paid_all_the_same(house: &House) {
    let scene = payer::sent(house, "S-GONE", json!(21), "USD").await;
    let payer = Payer::enter(house, &scene.link).await;
    let begun = payer.begin(None).await;
    payer.confirm(&begun, "pm_card_visa").await;
    drop(payer);
    scene.stands(house, "Paid", 21.0, 0.0).await;
    payment(house, &payer::intent(&begun), json!({"State__c": "Settled", "Source__c": "Payment Link"})).await;
}

async fn what_was_paid_in_the_dashboard_is_booked_by_whose_it_is(house: &House) {
    let known = payer::invoice(house, "S-KNOWN", json!(100), "USD").await;
    let customer = customer_of(house, &known.account).await;
    // For the invoice, by its metadata.
    let org = &house.endpoints.salesforce.org_id;
    let metadata = json!({"sf_org_id": org, "sf_account_id": known.account, "sf_invoice_id": known.invoice});
    let named =
        elsewhere(house, json!({"amount": 3_000, "currency": "usd", "customer": customer, "metadata": metadata})).await;
    let row =
        payment(house, &named, json!({"State__c": "Settled", "Source__c": "Elsewhere", "Settled_Amount__c": 30})).await;
    assert_eq!((&row["Invoice__c"], &row["Account__c"]), (&json!(known.invoice), &json!(known.account)));
    known.stands(house, "Partly Paid", 30.0, 70.0).await;
    // For the customer alone; a clerk puts it on the invoice.
    let loose = elsewhere(house, json!({"amount": 2_000, "currency": "usd", "customer": customer})).await;
    let row =
        payment(house, &loose, json!({"State__c": "Settled", "Invoice__c": null, "Account__c": known.account})).await;
    let id = row["Id"].as_str().expect("an id");
    house.update("Payment__c", id, &json!({"Invoice__c": known.invoice})).await.expect("onto the invoice");
    known.stands(house, "Partly Paid", 50.0, 50.0).await;
    // Refunded later, it stays where the clerk put it.
    house.stripe_control("refunds", &json!({"payment_intent": loose, "amount": 500})).await.expect("a refund");
    payment(house, &loose, json!({"Settled_Amount__c": 15, "Invoice__c": known.invoice})).await;
    known.stands(house, "Partly Paid", 45.0, 55.0).await;
    // A charge of old that has no intent.
    let charge =
        elsewhere(house, json!({"amount": 1_500, "currency": "usd", "customer": customer, "without_intent": true}))
            .await;
    assert!(charge.starts_with("ch_"), "{charge}");
    payment(house, &charge, json!({"State__c": "Settled", "Settled_Amount__c": 15, "Account__c": known.account})).await;
}

async fn another_currency_is_booked_and_does_not_count(house: &House) {
    let scene = payer::sent(house, "S-EURO", json!(100), "USD").await;
    let customer = customer_of(house, &scene.account).await;
    let org = &house.endpoints.salesforce.org_id;
    let metadata = json!({"sf_org_id": org, "sf_account_id": scene.account, "sf_invoice_id": scene.invoice});
    let euros =
        elsewhere(house, json!({"amount": 10_000, "currency": "eur", "customer": customer, "metadata": metadata}))
            .await;
    let row =
        payment(house, &euros, json!({"State__c": "Settled", "Currency_Code__c": "EUR", "Settled_Amount__c": 100}))
            .await;
    scene.stands(house, "Open", 0.0, 100.0).await;
    let error = payer::error_of(house, &format!("currency:{}", row["Id"].as_str().expect("an id"))).await;
    assert_eq!(error["Code__c"], "currency_mismatch");
    Payer::enter(house, &scene.link).await.page().await.says("$100.00 USD");
}

async fn an_invoice_overpaid_from_elsewhere_shows_a_credit(house: &House) {
    let scene = payer::sent(house, "S-CREDIT", json!(10), "USD").await;
    let customer = customer_of(house, &scene.account).await;
    let org = &house.endpoints.salesforce.org_id;
    let metadata = json!({"sf_org_id": org, "sf_account_id": scene.account, "sf_invoice_id": scene.invoice});
    let body = json!({"amount": 1_250, "currency": "usd", "customer": customer, "metadata": metadata});
    elsewhere(house, body).await;
    scene.stands(house, "Paid", 12.5, 0.0).await;
    assert_eq!(scene.row(house).await["Credit__c"].as_f64(), Some(2.5));
    let page = Payer::enter(house, &scene.link).await.page().await;
    page.says("$2.50 USD");
    assert!(!page.can_pay());
}

async fn what_is_another_orgs_or_nobodys_is_not_booked(house: &House) {
    let other = json!({"sf_org_id": "00D000000000002EAA", "sf_invoice_id": "a00000000000001AAA"});
    let theirs = elsewhere(house, json!({"amount": 700, "currency": "usd", "metadata": other})).await;
    let nobodys = elsewhere(house, json!({"amount": 800, "currency": "usd"})).await;
    let charge = elsewhere(house, json!({"amount": 900, "currency": "usd", "without_intent": true})).await;
    until("status to list what is nobody's", 30, || async {
        let status = house.quittance(&["status"]);
        let listed = status.contains(&nobodys) && status.contains(&charge);
        Ok(if listed { Ok(()) } else { Err(status) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    assert!(!house.quittance(&["status"]).contains(&theirs), "another org's is nobody's business here");
    let soql = format!("SELECT Id FROM Payment__c WHERE Stripe_Payment_Id__c IN ('{theirs}', '{nobodys}', '{charge}')");
    assert_eq!(house.query(&soql).await.expect("rows").len(), 0);
}

/// Its invoice is none that the org has, so Salesforce refuses the record: the money is in the ledger, and a person is told.
async fn a_payment_that_salesforce_refuses_is_a_dead_letter_and_can_be_retried_from_both_sides(house: &House) {
    let scene = payer::invoice(house, "S-DEAD", json!(10), "USD").await;
    let customer = customer_of(house, &scene.account).await;
    house.delete("Invoice__c", &scene.invoice).await.expect("the delete");
    let org = &house.endpoints.salesforce.org_id;
    let metadata = json!({"sf_org_id": org, "sf_account_id": scene.account, "sf_invoice_id": scene.invoice});
    let body = json!({"amount": 1_000, "currency": "usd", "customer": customer, "metadata": metadata});
    let intent = elsewhere(house, body).await;
    let named = format!("write:Payment__c/Stripe_Payment_Id__c/{intent}");
    let error = payer::error_of(house, &named).await;
    assert!(error["Sentence__c"].as_str().is_some_and(|words| words.contains("Payment__c")), "{error}");
    assert!(house.quittance(&["dead-letter", "list"]).contains(&intent));
    // Both Retry buttons try again, and it ends where it was, for nothing has changed.
    let id = error["Id"].as_str().expect("an id");
    let told = told_at(house, id, None).await;
    second_passes().await;
    house.update("Payment_Error__c", id, &json!({"State__c": "Retry Requested"})).await.expect("Retry");
    let again = told_at(house, id, Some(&told)).await;
    second_passes().await;
    let said = house.quittance(&["dead-letter", "retry", &named]);
    assert!(said.contains(&intent), "{said}");
    told_at(house, id, Some(&again)).await;
    assert!(house.quittance(&["dead-letter", "list"]).contains(&intent));
}

/// Salesforce keeps times by the second.
async fn second_passes() {
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
}

/// When the error was told last; waits until it is open, and told later than `before`.
async fn told_at(house: &House, id: &str, before: Option<&str>) -> String {
    let soql = format!("SELECT State__c, Happened_At__c FROM Payment_Error__c WHERE Id = '{id}'");
    until("the error to be open again", 30, || async {
        let row = house.one(&soql).await?;
        let at = row["Happened_At__c"].as_str().unwrap_or_default().to_owned();
        let fits = row["State__c"] == "Open" && Some(at.as_str()) != before;
        Ok(if fits { Ok(at) } else { Err(row.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn payments_are_booked_by_webhooks_alone_wherever_they_were_made() {
    let house = House::start().await;
    tokio::join!(
        a_browser_that_goes_away_after_confirming_has_paid_all_the_same(&house),
        what_was_paid_in_the_dashboard_is_booked_by_whose_it_is(&house),
        another_currency_is_booked_and_does_not_count(&house),
        an_invoice_overpaid_from_elsewhere_shows_a_credit(&house),
        what_is_another_orgs_or_nobodys_is_not_booked(&house),
        a_payment_that_salesforce_refuses_is_a_dead_letter_and_can_be_retried_from_both_sides(&house),
    );
}

#[tokio::test]
async fn sync_now_finds_what_every_webhook_missed() {
    let house = House::start_with(&["--fault", "lost_webhook=1"], None).await;
    let scene = payer::sent(&house, "S-LOST", json!(50), "USD").await;
    let payer = Payer::enter(&house, &scene.link).await;
    let begun = payer.begin(Some("20")).await;
    payer.confirm(&begun, "pm_card_visa").await;
    drop(payer);
    let customer = customer_of(&house, &scene.account).await;
    let org = &house.endpoints.salesforce.org_id;
    let metadata = json!({"sf_org_id": org, "sf_account_id": scene.account, "sf_invoice_id": scene.invoice});
    let body = json!({"amount": 1_000, "currency": "usd", "customer": customer, "metadata": metadata});
    let dashboard = elsewhere(&house, body).await;
    let charge = elsewhere(&house, json!({"amount": 400, "customer": customer, "without_intent": true})).await;
    sync_now(&house).await;
    scene.stands(&house, "Partly Paid", 30.0, 20.0).await;
    payment(&house, &payer::intent(&begun), json!({"State__c": "Settled", "Source__c": "Payment Link"})).await;
    payment(&house, &dashboard, json!({"State__c": "Settled", "Source__c": "Elsewhere"})).await;
    let metrics = house.http.get(format!("{}/metrics", house.endpoints.page_url)).send().await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    assert!(!metrics.contains("quittance_webhooks_total"), "no webhook came: {metrics}");
    payment(&house, &charge, json!({"State__c": "Settled", "Settled_Amount__c": 4})).await;
    // What went back is found too, and a second sweep changes nothing.
    house.stripe_control("refunds", &json!({"payment_intent": dashboard})).await.expect("a refund");
    sync_now(&house).await;
    scene.stands(&house, "Partly Paid", 20.0, 30.0).await;
    sync_now(&house).await;
    assert_eq!(house.query("SELECT Id FROM Payment__c").await.expect("rows").len(), 3);
}

/// How often the daemon called an endpoint at Stripe.
async fn calls(world: &World, endpoint: &str) -> i64 {
    let url = format!("{}/rates", world.endpoints.stripe.control_url);
    let counted: Value =
        serde_json::from_str(&world.http.get(url).send().await.expect("counters").text().await.expect("text"))
            .expect("JSON");
    counted[endpoint]["taken"].as_i64().unwrap_or_else(|| panic!("{endpoint}: {counted}"))
}

#[tokio::test]
async fn debits_under_way_are_not_polled_and_the_listing_finds_the_end_that_no_event_told() {
    let often = [("QUITTANCE_STRIPE__SWEEP_S", "2"), ("QUITTANCE_STRIPE__LISTING_S", "2")];
    let house = House::start_in(&["--clock"], &often, None).await;
    let account = house.insert("Account", &json!({"Name": "Debits under way"})).await.expect("an account");
    let customer = customer_of(&house, &account).await;
    let mut debits = Vec::new();
    for number in 0..12 {
        let body = json!({"amount": 1_000 + number, "customer": customer, "method": "bank"});
        let made = house.stripe_control("payments", &body).await.expect("a debit made elsewhere");
        assert_eq!(made["status"], "processing", "{made}");
        debits.push(made["id"].as_str().expect("an id").to_owned());
    }
    for debit in &debits {
        payment(&house, debit, json!({"State__c": "Processing", "Method__c": "Bank Account"})).await;
    }
    let (list, read) = ("GET /v1/payment_intents", "GET /v1/payment_intents/{id}");
    let listings = |more: i64| {
        let house = &house;
        async move {
            let wanted = calls(house, list).await + more;
            until("further listings", 60, || async {
                let seen = calls(house, list).await;
                Ok(if seen >= wanted { Ok(()) } else { Err(format!("{seen} of {wanted} listings")) })
            })
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        }
    };
    // Readings that webhooks asked for are over after the first.
    listings(1).await;
    let before = calls(&house, read).await;
    listings(2).await;
    assert_eq!(calls(&house, read).await, before, "nothing moved, and no debit was read");
    house.fault("lost_webhook", 1.0).await;
    house.fault("unlisted_events", 1.0).await;
    house.stripe_control("clock", &json!({"advance_days": 7})).await.expect("the clock");
    for debit in &debits {
        payment(&house, debit, json!({"State__c": "Settled"})).await;
    }
    listings(2).await;
    assert_eq!(calls(&house, read).await, before + 12, "each was read once");
}
