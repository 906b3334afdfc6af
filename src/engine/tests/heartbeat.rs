//! What an administrator sees of the daemon.

use serde_json::json;

use super::org::Outside;
use crate::engine::clock::wall_ms;
use crate::engine::heartbeat::beat;
use crate::engine::outbox;
use crate::store::harness::{on_both, sqlite};

#[tokio::test]
async fn the_org_hears_version_start_and_what_is_left_of_the_day() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        outside.world().limits = Some((25_000, 24_000));
        assert!(beat(&outside.house, "1.2.3", 1_795_000_000_000).await.unwrap());
        assert!(outbox::flush(&outside.house, true).await);
        let row = outside.written("payment service").expect("the row");
        assert_eq!(row["Version__c"], "1.2.3");
        assert_eq!(row["Started_At__c"], "2026-11-18T11:06:40Z");
        assert!(row["Seen_At__c"].as_str().is_some());
        assert_eq!((&row["Deliveries_Used__c"], &row["Deliveries_Limit__c"]), (&json!(1_000), &json!(25_000)));
        assert!(!row.contains_key("Last_Event_At__c"), "no event came yet: {row:?}");
        assert!(!row.contains_key("Api_Calls_Used__c"), "a figure that was not read is not made up: {row:?}");
    })
    .await;
}

#[tokio::test]
async fn the_sign_goes_where_the_figures_cannot_be_read() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    outside.world().limits = None;
    assert!(beat(&outside.house, "1.2.3", wall_ms()).await.unwrap());
    assert!(outbox::flush(&outside.house, true).await);
    let row = outside.written("payment service").expect("the row");
    assert!(!row.contains_key("Deliveries_Used__c"), "{row:?}");
}

#[tokio::test]
async fn of_two_sidecars_one_signs_and_the_other_takes_over() {
    let (store, _folder) = sqlite().await;
    let one = Outside::start(store.clone()).await;
    let two = Outside::start(store.clone()).await;
    assert!(beat(&one.house, "1", wall_ms()).await.unwrap());
    assert!(!beat(&two.house, "1", wall_ms()).await.unwrap());
    store.sign_off(&one.house.me()).await.unwrap();
    assert!(beat(&two.house, "1", wall_ms()).await.unwrap());
}
