//! What Salesforce says no to.

use serde_json::json;

use super::org::{Outside, until};
use crate::engine::outbox;
use crate::store::harness::{on_both, sqlite};
use crate::store::outbox::{Notice, Write};

fn account(id: &str) -> Write {
    Write::update("Account", id).with("Stripe_Customer_Id__c", format!("cus of {id}"))
}

#[tokio::test]
async fn a_locked_row_is_tried_again_and_a_refused_one_leaves_an_error_while_the_others_are_written() {
    on_both(async |store| {
        let outside = Outside::start(store.clone()).await;
        outside.world().row_errors.insert("001A".into(), ["UNABLE_TO_LOCK_ROW"].into());
        outside.world().row_errors.insert("001B".into(), ["FIELD_CUSTOM_VALIDATION_EXCEPTION"].into());
        for id in ["001A", "001B", "001C"] {
            outside.write(account(id)).await;
        }
        let task = tokio::spawn(outbox::run(outside.house.clone()));
        until("the others are written", async || {
            outside.written("001A").is_some() && outside.written("001C").is_some()
        })
        .await;
        until("the refusal is told", async || outside.written("write:Account/001B").is_some()).await;
        let error = outside.written("write:Account/001B").unwrap();
        assert_eq!(error["Code__c"], "FIELD_CUSTOM_VALIDATION_EXCEPTION");
        assert!(error["Remedy__c"].as_str().unwrap().contains("validation rule"), "{error:?}");
        assert_eq!((&error["Account__c"], &error["State__c"]), (&json!("001B"), &json!("Open")));
        assert_eq!(outside.written("001B"), None);
        let waits = store.reading().await.unwrap().refused_writes(10).await.unwrap();
        assert_eq!(waits.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(), ["Account/001B"]);
        outside.house.stop.cancel();
        task.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_ended_session_is_renewed_and_a_used_up_limit_costs_no_try() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    outside.house.salesforce.session().await.unwrap();
    outside.world().token = 99; // revoked
    outside.write(account("001A")).await;
    assert!(outbox::flush(&outside.house, true).await);
    assert!(outside.written("001A").is_some());
    assert_eq!(outside.world().logins, 2);

    outside.world().call_errors.push_back((403, "REQUEST_LIMIT_EXCEEDED"));
    outside.write(account("001B")).await;
    assert!(!outbox::flush(&outside.house, true).await);
    assert!(!outbox::flush(&outside.house, true).await, "it is not asked for again at once");
    let (attempts, next): (i64, i64) = row(&store, "Account/001B").await;
    assert_eq!(attempts, 0);
    assert!(next > outside.house.now_ms() + 800_000, "it waits long");
    assert!(store.reading().await.unwrap().refused_writes(10).await.unwrap().is_empty(), "and nothing was refused");
}

#[tokio::test]
async fn a_missing_right_and_a_failing_server_refuse_nothing_for_good() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    outside.world().call_errors.extend([(503, "SERVER_UNAVAILABLE"), (403, "INSUFFICIENT_ACCESS")]);
    outside.write(account("001A")).await;
    for tries in 1..=2 {
        assert!(!outbox::flush(&outside.house, true).await);
        assert_eq!(row(&store, "Account/001A").await.0, tries);
        due(&store).await;
    }
    assert!(outbox::flush(&outside.house, true).await);
    assert!(outside.written("001A").is_some());
}

#[tokio::test]
async fn a_record_that_spoils_a_whole_call_is_found_and_the_others_are_written() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    outside.world().poison = Some("001X007".into());
    for number in 0..64 {
        outside.write(account(&format!("001X{number:03}"))).await;
    }
    outbox::flush(&outside.house, true).await;
    assert_eq!(outside.world().written.len(), 63);
    assert!(outside.world().composites <= 14, "{} calls", outside.world().composites);
    let waits = store.reading().await.unwrap().refused_writes(10).await.unwrap();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].target, "Account/001X007");
}

#[tokio::test]
async fn a_row_that_stays_locked_is_told_after_twelve_tries_and_still_not_dropped() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    outside.world().row_errors.insert("001A".into(), std::iter::repeat_n("UNABLE_TO_LOCK_ROW", 13).collect());
    outside.write(account("001A")).await;
    for _ in 0..13 {
        outbox::flush(&outside.house, true).await;
        due(&store).await;
    }
    outbox::flush(&outside.house, true).await;
    assert!(outside.written("write:Account/001A").is_some());
    assert!(outside.written("001A").is_some(), "the lock passed at last");
    outbox::flush(&outside.house, true).await;
    assert_eq!(outside.written("write:Account/001A").unwrap()["State__c"], "Resolved");
}

#[tokio::test]
async fn a_record_waits_for_the_one_that_it_belongs_to_and_not_for_one_that_nobody_writes() {
    on_both(async |store| {
        let outside = Outside::start(store.clone()).await;
        let payment = |id: &str, link: &str| {
            Write::upsert("Payment__c", "Stripe_Payment_Id__c", id).with("Payment_Link__r", json!({"Link_Id__c": link}))
        };
        outside.world().row_errors.insert("link-1".into(), std::iter::repeat_n("UNABLE_TO_LOCK_ROW", 5).collect());
        outside.world().row_errors.insert("pi_1".into(), std::iter::repeat_n("INVALID_FIELD", 5).collect());
        outside.world().row_errors.insert("pi_2".into(), std::iter::repeat_n("INVALID_FIELD", 9).collect());
        outside.write(Write::upsert("Payment_Link__c", "Link_Id__c", "link-1").with("State__c", "Open")).await;
        outside.write(payment("pi_1", "link-1")).await;
        outside.write(payment("pi_2", "link-2")).await;
        for _ in 0..6 {
            outbox::flush(&outside.house, true).await;
            due(&store).await;
        }
        assert!(outside.written("pi_1").is_some(), "it was written as soon as its link was");
        let waits = store.reading().await.unwrap().refused_writes(10).await.unwrap();
        assert_eq!(
            waits.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(),
            ["Payment__c/Stripe_Payment_Id__c/pi_2"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_queued_by_the_confirmation_and_by_nothing_else() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let notice = Notice { record_id: "a00".into(), request_id: "r".into(), state: "settled".into() };
    outside.world().row_errors.insert("pi_1".into(), ["UNABLE_TO_LOCK_ROW"].into());
    outside.write(Write::upsert("Payment__c", "Stripe_Payment_Id__c", "pi_1").with("A__c", 1).telling(notice)).await;
    outbox::flush(&outside.house, true).await;
    assert!(store.reading().await.unwrap().notices(10).await.unwrap().is_empty(), "nothing is written yet");
    due(&store).await;
    outbox::flush(&outside.house, true).await;
    assert_eq!(store.reading().await.unwrap().notices(10).await.unwrap()[0].state, "settled");
}

async fn row(store: &crate::store::Store, target: &str) -> (i64, i64) {
    let mut tx = store.reading().await.unwrap();
    let sql = "SELECT attempts, next_at_ms FROM outbox WHERE target = $1";
    crate::store::fetch_all!(&mut tx, (i64, i64), sql, target).unwrap()[0]
}

/// As if the wait were over.
async fn due(store: &crate::store::Store) {
    let mut tx = store.begin().await.unwrap();
    crate::store::execute!(&mut tx, "UPDATE outbox SET next_at_ms = 0").unwrap();
    tx.commit().await.unwrap();
}
