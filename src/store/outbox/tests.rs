use serde_json::Value;

use super::*;
use crate::store::Store;
use crate::store::harness::on_both;

async fn queue(store: &Store, write: Write) {
    store.write_out(&write, 1_000).await.unwrap();
}

async fn take(store: &Store, with_bulk: bool) -> Vec<Outgoing> {
    let mut tx = store.begin().await.unwrap();
    let rows = tx.take_outgoing("me", with_bulk, 100, 1_000).await.unwrap();
    tx.commit().await.unwrap();
    rows
}

#[tokio::test]
async fn writes_to_one_record_travel_together_and_who_cannot_wait_takes_the_others_along() {
    on_both(async |store| {
        queue(&store, Write::update("Account", "001").with("A__c", 1).with("B__c", 1).in_bulk()).await;
        queue(&store, Write::update("Account", "002").with("A__c", 1).in_bulk()).await;
        queue(&store, Write::update("Account", "001").with("B__c", 2)).await;
        let rows = take(&store, false).await;
        assert_eq!(rows.len(), 1, "the other one may wait");
        assert_eq!(Value::Object(rows[0].write.fields.clone()), serde_json::json!({"A__c": 1, "B__c": 2}));
        assert_eq!(take(&store, true).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_merged_under_way_goes_another_round() {
    on_both(async |store| {
        let notice = Notice { record_id: String::new(), request_id: "r".into(), state: "sent".into() };
        queue(&store, Write::upsert("Payment__c", "Key__c", "pi_1").with("A__c", 1).telling(notice)).await;
        let first = take(&store, false).await;
        queue(&store, Write::upsert("Payment__c", "Key__c", "pi_1").with("A__c", 2)).await;
        assert!(take(&store, true).await.is_empty(), "it is under way");
        let mut tx = store.begin().await.unwrap();
        tx.confirmed("me", &first[0], "a03", 1_000).await.unwrap();
        assert_eq!(tx.notices(10).await.unwrap()[0].record_id, "a03");
        tx.commit().await.unwrap();
        let second = take(&store, false).await;
        assert_eq!(second[0].write.fields["A__c"], 2);
        let mut tx = store.begin().await.unwrap();
        tx.confirmed("me", &second[0], "a03", 1_000).await.unwrap();
        assert_eq!(tx.outbox_depth().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_salesforce_confirmed_together_is_gone_and_only_that() {
    on_both(async |store| {
        let notice = Notice { record_id: "006".into(), request_id: "r".into(), state: "sent".into() };
        for number in 0..300 {
            queue(&store, Write::update("Account", &format!("00{number:03}")).with("A__c", 1).in_bulk()).await;
        }
        queue(&store, Write::update("Payment_Request__c", "a01").with("State__c", "Sent").telling(notice)).await;
        let mut tx = store.begin().await.unwrap();
        let rows = tx.take_outgoing("me", true, 1_000, 1_000).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(rows.len(), 301);
        // one is merged into while it is under way, and one isn't answered for
        queue(&store, Write::update("Account", "00007").with("A__c", 2)).await;
        let answered: Vec<(&Outgoing, &str)> =
            rows.iter().filter(|row| row.target != "Account/00009").map(|row| (row, "id")).collect();
        let mut tx = store.begin().await.unwrap();
        assert!(tx.confirmed_all("me", &answered, 1_000).await.unwrap().is_empty());
        assert_eq!(tx.notices(10).await.unwrap()[0].record_id, "006");
        assert_eq!(tx.outbox_depth().await.unwrap(), 2);
        tx.commit().await.unwrap();
        let left = take(&store, true).await;
        assert_eq!((left.len(), &*left[0].target), (1, "Account/00007"), "the other is still under way");
        let mut tx = store.begin().await.unwrap();
        let again = tx.confirmed_all("me", &answered, 1_000).await.unwrap();
        assert_eq!(again.len(), 299, "all but the one that was merged into were no longer ours");
    })
    .await;
}

#[tokio::test]
async fn a_refused_write_stays_until_it_is_asked_for_and_its_error_ends_with_it() {
    on_both(async |store| {
        queue(&store, Write::update("Account", "001").with("A__c", 1)).await;
        let rows = take(&store, false).await;
        let error = Write::payment_error(&rows[0].error_id(), "refused", "A rule refused it.", "Change the rule.");
        let mut tx = store.begin().await.unwrap();
        tx.refused("me", &rows[0], &error, "A rule refused it.", 9_000, 1_000).await.unwrap();
        assert_eq!(tx.outbox_depth().await.unwrap(), 1, "the error alone is on its way");
        tx.commit().await.unwrap();
        let rows = take(&store, false).await;
        assert_eq!(rows.len(), 1, "the refused one waits");
        assert_eq!(rows[0].write.fields["Sentence__c"], "A rule refused it.");
        let mut tx = store.begin().await.unwrap();
        tx.confirmed("me", &rows[0], "a05", 1_000).await.unwrap();
        assert_eq!(tx.refused_writes(10).await.unwrap()[0].target, "Account/001");
        assert!(!tx.retry_refused("Account/002", 1_000).await.unwrap());
        assert!(tx.retry_refused("Account/001", 1_000).await.unwrap());
        assert!(tx.retry_refused("Account/001", 1_000).await.unwrap(), "twice is no more than once");
        tx.commit().await.unwrap();
        let again = take(&store, false).await;
        assert_eq!((again.len(), again[0].write.fields["A__c"].as_i64()), (1, Some(1)));
        let mut tx = store.begin().await.unwrap();
        tx.confirmed("me", &again[0], "001", 1_000).await.unwrap();
        tx.commit().await.unwrap();
        let mended = take(&store, false).await;
        assert_eq!((mended.len(), &mended[0].write.fields["State__c"]), (1, &Value::from("Resolved")));
    })
    .await;
}

#[test]
fn a_text_is_cut_where_salesforce_counts() {
    assert_eq!(cut("aé😀b", 3), "aé");
    assert_eq!(cut("aé😀b", 4), "aé😀");
}

/// One that is merged while Salesforce's confirmation of the row takes it away is written all the same.
#[tokio::test]
async fn what_comes_while_a_row_is_being_confirmed_is_not_lost() {
    on_both(async |store| {
        queue(&store, Write::update("Payment_Request__c", "a01").with("State__c", "Working")).await;
        let sent = take(&store, false).await;
        let mut confirming = store.begin().await.unwrap();
        confirming.confirmed("me", &sent[0], "a01", 1_000).await.unwrap();
        let other = store.clone();
        let late = tokio::spawn(async move {
            queue(&other, Write::update("Payment_Request__c", "a01").with("State__c", "Failed")).await;
        });
        // Long enough for the other to have read the row; however long it is, the write has to come through.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        confirming.commit().await.unwrap();
        late.await.unwrap();
        let next = take(&store, false).await;
        assert_eq!(next.len(), 1, "the late write was lost");
        assert_eq!(next[0].write.fields["State__c"], "Failed");
    })
    .await;
}
