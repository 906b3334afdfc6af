//! Files: one each, whatever happened to an earlier upload.

use serde_json::json;

use super::org::Outside;
use crate::engine::notices::upload;
use crate::store::files::OutgoingFile;
use crate::store::harness::sqlite;

async fn queued(outside: &Outside) -> Vec<OutgoingFile> {
    outside.store.reading().await.unwrap().files_due(10, i64::MAX).await.unwrap()
}

#[tokio::test]
async fn a_file_waits_for_its_record_and_an_upload_whose_reply_was_lost_is_found_again() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let file = OutgoingFile {
        id: "receipt:R-1".into(),
        parent_object: "Payment__c".into(),
        parent_key_field: "Stripe_Payment_Id__c".into(),
        parent_key: "pi_1".into(),
        title: "Receipt R-1".into(),
        file_name: "receipt-R-1.pdf".into(),
        content: vec![1, 2, 3],
        attempts: 0,
    };
    let mut tx = store.begin().await.unwrap();
    tx.send_file(&file, 0).await.unwrap();
    tx.commit().await.unwrap();

    upload(&outside.house, &queued(&outside).await[0]).await.unwrap();
    assert_eq!(queued(&outside).await[0].attempts, 1, "the record is not there yet");
    assert!(outside.world().files.is_empty());

    outside.world().records.insert("a03".into(), json!({"object": "Payment__c", "Id": "a03"}));
    outside.world().lose_upload = true;
    upload(&outside.house, &queued(&outside).await[0]).await.unwrap();
    assert_eq!(queued(&outside).await[0].attempts, 2, "nobody knows whether it is there");
    upload(&outside.house, &queued(&outside).await[0]).await.unwrap();
    assert!(queued(&outside).await.is_empty());
    assert_eq!(outside.world().files.len(), 1, "it was there");
    let mut tx = store.begin().await.unwrap();
    assert!(!tx.retry_file("receipt:R-1", 0).await.unwrap(), "what is there is not sent again");
}
