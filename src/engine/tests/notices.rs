//! Whether a notice may go.

use super::org::Outside;
use crate::engine::notices::Allocation;
use crate::store::harness::sqlite;

#[tokio::test]
async fn no_notice_goes_above_four_fifths_of_the_days_deliveries_nor_where_they_cannot_be_read() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    for (limits, short) in
        [(Some((25_000, 25_000)), false), (Some((25_000, 5_000)), false), (Some((25_000, 4_999)), true), (None, true)]
    {
        outside.world().limits = limits;
        assert_eq!(Allocation::default().is_short(&outside.house).await, short, "{limits:?}");
    }
}

#[tokio::test]
async fn of_two_sidecars_one_publishes() {
    let (store, _folder) = sqlite().await;
    let one = Outside::start(store.clone()).await;
    let two = Outside::start(store.clone()).await;
    assert!(crate::engine::notices::is_mine(&one.house).await);
    assert!(!crate::engine::notices::is_mine(&two.house).await);
    store.sign_off(&one.house.me()).await.unwrap();
    assert!(crate::engine::notices::is_mine(&two.house).await);
}
