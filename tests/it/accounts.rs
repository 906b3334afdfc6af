//! What real orgs do to their accounts.

use serde_json::{Value, json};

use crate::house::House;

/// The package, and a class that merges, undeletes and runs the hourly batch.
pub const WITH_DESK: [&str; 4] = ["--package", "force-app", "--package", "tests/it/package"];

#[tokio::test]
async fn names_in_any_script_and_of_255_characters_arrive_as_they_are() {
    let house = House::start().await;
    let names = [
        "漢".repeat(255),
        "😀".repeat(127),
        "شركة النور للتجارة".to_owned(),
        "<script>alert(1)</script> & <b>Sons</b>".to_owned(),
        "=cmd|'/c calc'!A1".to_owned(),
        "\u{202e}evil\u{202c} Ltd".to_owned(),
        "O'Hara \"Quote\" \\ Backslash".to_owned(),
        "100 % + 1 = ?&x[]=y".to_owned(),
    ];
    for name in &names {
        house.insert("Account", &json!({"Name": name})).await.expect("insert");
    }
    house.all_synced(30).await;
    let mut in_stripe: Vec<String> = house
        .customers()
        .await
        .iter()
        .map(|customer| customer["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let mut expected = names.to_vec();
    in_stripe.sort();
    expected.sort();
    assert_eq!(in_stripe, expected);
    assert_eq!(house.payment_errors().await, 0);
}

#[tokio::test]
async fn an_account_without_an_email_has_a_customer_without_one_and_a_cleared_field_is_cleared_there() {
    let house = House::start().await;
    let row = house.synced_account(&json!({"Name": "Quiet", "Phone": "+1 503 555 0100"})).await;
    let account = row["Id"].as_str().expect("an Id");
    let customer = house.customers_of(account).await.remove(0);
    assert_eq!((&customer["email"], &customer["phone"]), (&Value::Null, &json!("+1 503 555 0100")));
    house
        .update("Account", account, &json!({"Phone": null, "Billing_Email__c": "a@quiet.example"}))
        .await
        .expect("update");
    house.synced(account).await;
    let customer = house.customers_of(account).await.remove(0);
    assert_eq!((&customer["email"], &customer["phone"]), (&json!("a@quiet.example"), &Value::Null));
}

#[tokio::test]
async fn a_merge_leaves_the_survivor_its_one_customer_and_the_links_of_the_other_go_on() {
    let house = House::start_with(&WITH_DESK, None).await;
    let keeps = house.synced_account(&json!({"Name": "Stays", "Billing_Email__c": "stays@merge.example"})).await;
    let goes = house.synced_account(&json!({"Name": "Goes", "Billing_Email__c": "goes@merge.example"})).await;
    let (winner, loser) = (keeps["Id"].as_str().expect("an Id"), goes["Id"].as_str().expect("an Id"));
    let invoice = house
        .insert(
            "Invoice__c",
            &json!({"Name": "M-1", "Account__c": loser, "Currency_Code__c": "USD", "Status__c": "Open",
                "Total__c": 40, "Due_Date__c": "2027-06-30"}),
        )
        .await
        .expect("an invoice");
    let press = json!({"invoiceId": invoice, "email": "goes@merge.example", "note": null, "expiresOn": null});
    house.press("SendPaymentLinkController", "send", &press).await.expect("Send Payment Link");
    let mail = house.mail_to("goes@merge.example", "M-1", 30).await.expect("the mail");
    let link = house.link_in(&mail).expect("a link");

    house.apex("AccountDesk", "mergeInto", &json!({"winnerId": winner, "loserId": loser})).await;

    let row = house.synced(winner).await;
    assert_eq!(row["Stripe_Customer_Id__c"], keeps["Stripe_Customer_Id__c"], "the survivor keeps its Customer");
    assert_eq!(house.customers_of(winner).await.len(), 1);
    assert_eq!(house.customers().await.len(), 2, "nothing ever deletes a Stripe Customer");
    let moved = house.one(&format!("SELECT Account__c FROM Invoice__c WHERE Id = '{invoice}'")).await.expect("one");
    assert_eq!(moved["Account__c"], json!(winner));
    let page = house.http.get(&link).send().await.expect("the page").text().await.expect("its text");
    assert!(page.contains("Continue"), "the mailed link still opens: {page}");
    house.idle().await;
    assert_eq!(house.payment_errors().await, 0);
}

#[tokio::test]
async fn a_deleted_and_undeleted_account_keeps_its_customer() {
    let house = House::start_with(&WITH_DESK, None).await;
    let before = house.synced_account(&json!({"Name": "Back soon"})).await;
    let account = before["Id"].as_str().expect("an Id");
    house.delete("Account", account).await.expect("delete");
    assert_eq!(house.customers_of(account).await.len(), 1, "nothing ever deletes a Stripe Customer");
    house.apex("AccountDesk", "undelete", &json!({"accountId": account})).await;
    house.update("Account", account, &json!({"Phone": "5"})).await.expect("update");
    let after = house.synced(account).await;
    assert_eq!(after["Stripe_Customer_Id__c"], before["Stripe_Customer_Id__c"]);
    assert_eq!(house.customers_of(account).await.len(), 1);
}

#[tokio::test]
async fn an_account_deleted_before_the_daemon_came_to_it_is_nobodys_error() {
    let house = House::start().await;
    house.kill_daemon().await;
    let account = house.insert("Account", &json!({"Name": "Short-lived"})).await.expect("insert");
    house.delete("Account", &account).await.expect("delete");
    house.start_daemon().await;
    house.synced_account(&json!({"Name": "After it"})).await;
    house.idle().await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (1, 0));
}

#[tokio::test]
async fn a_customer_deleted_at_stripe_is_made_anew_at_the_next_change() {
    let house = House::start().await;
    let before = house.synced_account(&json!({"Name": "Gone there"})).await;
    let account = before["Id"].as_str().expect("an Id");
    let old = before["Stripe_Customer_Id__c"].as_str().expect("a Customer");
    house.stripe_control(&format!("customers/{old}/delete"), &json!({})).await.expect("deleting");
    house.update("Account", account, &json!({"Name": "Gone there, here again"})).await.expect("update");
    let after = house.synced(account).await;
    let customers = house.customers_of(account).await;
    assert_eq!(customers.len(), 1);
    assert_eq!(after["Stripe_Customer_Id__c"], customers[0]["id"]);
    assert_ne!(after["Stripe_Customer_Id__c"], before["Stripe_Customer_Id__c"]);
    assert_eq!(customers[0]["name"], "Gone there, here again");
}

#[tokio::test]
async fn an_id_typed_by_hand_is_taken_where_it_is_nobodys_and_refused_in_plain_words_where_it_is_not() {
    let house = House::start().await;
    let nobodys = house.make_customer(&[("name", "Made in the dashboard")]).await;
    let row = house.synced_account(&json!({"Name": "Typed", "Stripe_Customer_Id__c": nobodys})).await;
    assert_eq!(row["Stripe_Customer_Id__c"], json!(nobodys));
    let customers = house.customers().await;
    assert_eq!(customers.len(), 1, "no second Customer beside the typed one");
    assert_eq!((&customers[0]["name"], &customers[0]["metadata"]["sf_account_id"]), (&json!("Typed"), &row["Id"]));

    house.insert("Account", &json!({"Name": "Unknown", "Stripe_Customer_Id__c": "cus_nobody"})).await.expect("insert");
    let error = house.payment_error("customer_unknown", "Open").await;
    assert!(error["Sentence__c"].as_str().is_some_and(|text| text.contains("cus_nobody")), "{error}");
    assert!(error["Remedy__c"].as_str().is_some_and(|text| text.contains("Clear Stripe Customer Id")), "{error}");

    let foreign = house.make_customer(&[("name", "Theirs"), ("metadata[sf_org_id]", "00DXX0000000001AAA")]).await;
    let account =
        house.insert("Account", &json!({"Name": "Foreign", "Stripe_Customer_Id__c": foreign})).await.expect("insert");
    let error = house.payment_error("customer_of_another_org", "Open").await;
    assert_eq!(error["Account__c"], json!(account));
    assert!(house.customers().await.iter().any(|customer| customer["name"] == "Theirs"), "it was not touched");

    // The remedy, done as it says.
    house.update("Account", &account, &json!({"Stripe_Customer_Id__c": null})).await.expect("clearing");
    let id = error["Id"].as_str().expect("an Id");
    house.update("Payment_Error__c", id, &json!({"State__c": "Retry Requested"})).await.expect("Retry");
    house.synced(&account).await;
    assert_eq!(house.customers_of(&account).await.len(), 1);
    house.payment_error("customer_of_another_org", "Resolved").await;
}

#[tokio::test]
async fn what_another_org_does_on_the_same_stripe_account_is_not_ours() {
    let house = House::start().await;
    let foreign = house.make_customer(&[("name", "Theirs"), ("metadata[sf_org_id]", "00DXX0000000001AAA")]).await;
    let payment = json!({"amount": 5_000, "currency": "usd", "customer": foreign});
    house.stripe_control("payments", &payment).await.expect("a payment elsewhere");
    let ours = house.synced_account(&json!({"Name": "Ours"})).await;
    let payment = json!({"amount": 700, "currency": "usd", "customer": ours["Stripe_Customer_Id__c"]});
    house.stripe_control("payments", &payment).await.expect("a payment elsewhere");
    let booked = house
        .eventually("our payment", 30, || async {
            let rows = house.query("SELECT Amount__c, Account__c FROM Payment__c").await?;
            Ok(if rows.is_empty() { Err("none".to_owned()) } else { Ok(rows) })
        })
        .await;
    house.idle().await;
    assert_eq!(booked.len(), 1, "{booked:?}");
    assert_eq!((&booked[0]["Account__c"], booked[0]["Amount__c"].as_f64()), (&ours["Id"], Some(7.0)));
}

#[tokio::test]
async fn a_phone_number_too_long_for_stripe_is_left_out_and_the_rest_arrives() {
    let house = House::start().await;
    let phone = "+1 503 555 0100 extension 12";
    let row = house.synced_account(&json!({"Name": "Long phone", "Phone": phone, "BillingCity": "Bend"})).await;
    let account = row["Id"].as_str().expect("an Id");
    let customer = house.customers_of(account).await.remove(0);
    assert_eq!((&customer["phone"], &customer["address"]["city"]), (&Value::Null, &json!("Bend")));
    house.update("Account", account, &json!({"Phone": "+1 503 555 0100"})).await.expect("update");
    house.synced(account).await;
    house.update("Account", account, &json!({"Phone": phone})).await.expect("update");
    house.synced(account).await;
    let customers = house.customers_of(account).await;
    assert_eq!((customers.len(), &customers[0]["phone"]), (1, &Value::Null), "no stale number stays");
}

#[tokio::test]
async fn our_own_write_back_makes_no_loop_and_an_unchanged_save_no_event() {
    let house = House::start().await;
    let before = house.delivered_events().await;
    let row = house.synced_account(&json!({"Name": "Once"})).await;
    let account = row["Id"].as_str().expect("an Id");
    house.update("Account", account, &json!({"Name": "Once"})).await.expect("a save that changes nothing");
    house.update("Account", account, &json!({"Description": "not a synced field"})).await.expect("a save");
    house.update("Account", account, &json!({"Name": "Twice"})).await.expect("a save");
    house.synced(account).await;
    house.idle().await;
    assert_eq!(house.delivered_events().await - before, 2, "one for the insert and one for the new name");
}
