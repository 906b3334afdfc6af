//! Events that are forged, broken, doubled, lost, or from a newer package.

use serde_json::{Value, json};

use crate::accounts::WITH_DESK;
use crate::house::{House, Publisher};

#[tokio::test]
async fn a_forged_event_can_do_no_more_than_make_the_daemon_look() {
    let house = House::start().await;
    let row = house.synced_account(&json!({"Name": "Real"})).await;
    let account = row["Id"].as_str().expect("an Id");
    let command =
        |id: &str, kind: &str, record: &str| json!({"id": id, "type": kind, "record": record, "lane": record});
    let commands = [
        command("001000000000000AAA:f", "sync_account", "001000000000000AAA"),
        command("send:nothing", "send_link", account),
        command("copy:nothing", "copy_link", account),
        command("revoke:nothing", "revoke_link", account),
        command("review:nothing", "review_invoice", account),
        command("retry:nothing", "retry_error", account),
        command("forged:sync", "sync_account", account),
    ];
    house.forge(&json!({"v": 1, "commands": commands}).to_string()).await;
    house.synced_account(&json!({"Name": "After it"})).await;
    house.idle().await;
    assert_eq!(house.customers().await.len(), 2);
    assert_eq!(house.mails().await.expect("mails").len(), 0);
    let status: Value = serde_json::from_str(&house.quittance(&["status", "--json"])).expect("JSON");
    assert_eq!(status["bad_events"], 0, "well-formed, so nobody's error: {status}");
}

#[tokio::test]
async fn what_can_not_be_understood_is_kept_told_and_passed() {
    let house = House::start().await;
    for commands in [
        "not JSON",
        "{\"v\": 1}",
        "{\"v\": 7, \"commands\": []}",
        "{\"v\": 1, \"commands\": [{\"id\": \"x\", \"type\": \"charge_everyone\", \"record\": \"001\", \"lane\": \"001\"}]}",
        "{\"v\": 1, \"commands\": [{\"id\": \"book:pi_1\", \"type\": \"book_payment\", \"record\": \"001000000000000AAA\", \"lane\": \"001000000000000AAA\"}]}",
    ] {
        house.forge(commands).await;
    }
    let mut publisher = Publisher::open(&house).await;
    publisher.publish(&[0xff; 40]).await;
    publisher.publish(&[]).await;

    house.synced_account(&json!({"Name": "The stream goes on"})).await;
    let told = house
        .eventually("seven Payment Errors", 30, || async {
            let soql = "SELECT Sentence__c, Remedy__c FROM Payment_Error__c WHERE Code__c = 'event_not_understood'";
            let rows = house.query(soql).await?;
            Ok(if rows.len() == 7 { Ok(rows) } else { Err(Value::from(rows).to_string()) })
        })
        .await;
    for row in &told {
        assert!(row["Sentence__c"].as_str().is_some_and(|text| text.contains("could not be understood")), "{row}");
        assert!(row["Remedy__c"].as_str().is_some_and(|text| text.contains("Upgrade the daemon")), "{row}");
    }
    assert!(told.iter().any(|row| row["Sentence__c"].to_string().contains("version 7")), "{told:?}");
    let status: Value = serde_json::from_str(&house.quittance(&["status", "--json"])).expect("JSON");
    assert_eq!(status["bad_events"], 7, "kept whole: {status}");
}

#[tokio::test]
async fn a_newer_package_with_one_more_field_in_the_event_changes_nothing() {
    let house = House::start().await;
    house.synced_account(&json!({"Name": "Before"})).await;
    let old = Publisher::open(&house).await.schema_id().await;
    let house = house.start_again(&["--package", "force-app", "--package", "tests/it/newer"]).await;
    let new = Publisher::open(&house).await.schema_id().await;
    assert_ne!(old, new, "the org writes its events in a new schema");
    house.synced_account(&json!({"Name": "After"})).await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (2, 0));
}

#[tokio::test]
async fn events_delivered_twice_make_nothing_twice() {
    let house = House::start().await;
    house.fault("duplicate_event", 1.0).await;
    for name in ["One", "Two", "Three"] {
        house.synced_account(&json!({"Name": name})).await;
    }
    house.idle().await;
    assert_eq!(house.customers().await.len(), 3);
}

#[tokio::test]
async fn what_a_lost_event_named_is_found_by_the_hourly_batch() {
    let house = House::start_with(&WITH_DESK, None).await;
    house.fault("lost_event", 1.0).await;
    let account = house.insert("Account", &json!({"Name": "Lost"})).await.expect("insert");
    let invoice = house
        .insert(
            "Invoice__c",
            &json!({"Name": "LOST-1", "Account__c": account, "Currency_Code__c": "USD", "Status__c": "Open",
                "Total__c": 12, "Due_Date__c": "2027-06-30"}),
        )
        .await
        .expect("an invoice");
    let press = json!({"invoiceId": invoice, "email": "lost@events.example", "note": null, "expiresOn": null});
    house.press("SendPaymentLinkController", "send", &press).await.expect("Send Payment Link");
    house.fault("lost_event", 0.0).await;
    assert!(house.customers().await.is_empty() && house.mails().await.expect("mails").is_empty());

    house.apex("AccountDesk", "runHourly", &json!({})).await;

    house.synced(&account).await;
    house.mail_to("lost@events.example", "LOST-1", 30).await.expect("the mail");
    house.apex("AccountDesk", "runHourly", &json!({})).await;
    house.idle().await;
    assert_eq!((house.customers().await.len(), house.mails().await.expect("mails").len()), (1, 1));
}

#[tokio::test]
async fn a_replay_id_that_the_bus_no_longer_knows_is_said_and_what_waits_is_found() {
    let house = House::start_with(&WITH_DESK, None).await;
    house.synced_account(&json!({"Name": "Before"})).await;
    house.kill_daemon().await;
    house.fault("lost_event", 1.0).await;
    let missed = house.insert("Account", &json!({"Name": "Missed"})).await.expect("insert");
    house.fault("lost_event", 0.0).await;
    house.fault("corrupted_replay_id", 1.0).await;
    house.start_daemon().await;
    house.synced(&missed).await;
    house.fault("corrupted_replay_id", 0.0).await;
    house.idle().await;
    assert_eq!(house.customers().await.len(), 2, "the events that came again made nothing twice");
    let log = house.daemon_log();
    assert!(log.contains("no longer knows where we were in the event stream"), "{log}");
}

#[tokio::test]
async fn sessions_that_end_early_stop_nothing() {
    let house = House::start().await;
    house.fault("expired_token", 0.4).await;
    for name in ["One", "Two", "Three", "Four", "Five"] {
        house.insert("Account", &json!({"Name": name})).await.expect("insert");
    }
    house.all_synced(60).await;
    house.fault("expired_token", 0.0).await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (5, 0));
}

#[tokio::test]
async fn a_stream_that_breaks_off_again_and_again_loses_nothing() {
    let house = House::start().await;
    house.fault("dropped_stream", 0.5).await;
    for number in 0..6 {
        house.insert("Account", &json!({"Name": format!("Drop {number}")})).await.expect("insert");
    }
    house.all_synced(90).await;
    assert_eq!(house.customers().await.len(), 6);
}
