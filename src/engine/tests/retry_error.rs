//! Retry on a Payment Error.

use serde_json::{Map, Value, json};

use super::org::{Outside, command};
use crate::domain::{CommandKind, Priority};
use crate::engine::commands::RetryError;
use crate::engine::work::{Handler, Outcome, Work};
use crate::store::commands::Trouble;
use crate::store::harness::on_both;
use crate::store::outbox::Write;

const ERROR: &str = "a05D000000IqhSL";

async fn press(outside: &Outside, named: &str, state: &str) -> Outcome {
    let record: Map<String, Value> =
        json!({"Id": ERROR, "Command_Id__c": named, "State__c": state}).as_object().unwrap().clone();
    let command = command("retry:1", CommandKind::RetryError, ERROR);
    let work = Work { command, run: 1, attempts: 0, record: Some(record), now_ms: outside.house.now_ms() };
    RetryError::new(outside.house.clone()).run(work).await
}

/// The fields that wait to be written to an error.
async fn error(outside: &Outside, named: &str) -> Option<Map<String, Value>> {
    let mut tx = outside.store.reading().await.unwrap();
    let sql = "SELECT fields FROM outbox WHERE record_key = $1";
    let found = crate::store::fetch_scalar!(&mut tx, String, sql, named).unwrap()?;
    serde_json::from_str(&found).ok()
}

#[tokio::test]
async fn a_dead_command_comes_back_once_however_often_retry_is_pressed() {
    on_both(async |store| {
        let outside = Outside::start(store.clone()).await;
        outside.enqueue(&[command("sync:1", CommandKind::SyncAccount, "001D000000IqhSL")]).await;
        let mut tx = store.begin().await.unwrap();
        let claimed = tx.claim("me", Priority::Bulk, 1, i64::MAX).await.unwrap();
        let trouble = Trouble { code: "x".into(), sentence: "No.".into(), remedy: "Mend.".into() };
        tx.give_up("me", &claimed[0], &trouble, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(press(&outside, "sync:1", "Open").await, Outcome::Done(writes) if writes.is_empty()));
        assert_eq!(store.reading().await.unwrap().dead_letters(10).await.unwrap().len(), 1, "nobody asked for it");
        for _ in 0..2 {
            press(&outside, "sync:1", "Retry Requested").await;
        }
        let mut tx = store.begin().await.unwrap();
        let again = tx.claim("me", Priority::Bulk, 10, i64::MAX).await.unwrap();
        assert_eq!((again.len(), again[0].run), (1, 2));
        drop(tx);
        assert_eq!(error(&outside, "sync:1").await.unwrap()["State__c"], "Resolved");
    })
    .await;
}

#[tokio::test]
async fn a_refused_write_a_payment_and_an_unknown_thing_are_each_answered() {
    on_both(async |store| {
        let outside = Outside::start(store.clone()).await;
        outside.write(Write::update("Account", "001").with("A__c", 1)).await;
        let mut tx = store.begin().await.unwrap();
        let rows = tx.take_outgoing("me", true, 10, i64::MAX).await.unwrap();
        let told = Write::payment_error(&rows[0].error_id(), "x", "No.", "Mend.");
        tx.refused("me", &rows[0], &told, "No.", i64::MAX, 1).await.unwrap();
        tx.commit().await.unwrap();
        press(&outside, "write:Account/001", "Retry Requested").await;
        let mut tx = store.begin().await.unwrap();
        let due = tx.take_outgoing("me", true, 10, outside.house.now_ms()).await.unwrap();
        assert!(due.iter().any(|row| row.target == "Account/001"), "it goes again");
        drop(tx);

        press(&outside, "book:pi_1", "Retry Requested").await;
        assert_eq!(store.take_hints("me", 10, i64::MAX, i64::MAX).await.unwrap()[0].stripe_id, "pi_1");

        for unknown in ["over-returned:pi_1", "write:Account/002", "file:none", "nothing"] {
            press(&outside, unknown, "Retry Requested").await;
            let open = error(&outside, unknown).await.unwrap();
            assert_eq!(open["State__c"], "Open", "{unknown}");
            assert!(open["Remedy__c"].as_str().unwrap().contains("names nothing that can run again"));
        }
    })
    .await;
}
