//! The daemon signs in by a signed assertion instead of a secret.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_daemon_that_signs_in_by_jwt_does_its_work_and_survives_sessions_that_end() {
    let house = House::start_with(&["--auth", "jwt"], None).await;
    let config = std::fs::read_to_string(&house.endpoints.daemon_config).expect("the configuration");
    assert!(config.contains("jwt_bearer") && !config.contains("client_secret"), "{config}");
    house.synced_account(&json!({"Name": "Signed"})).await;
    house.fault("expired_token", 0.5).await;
    house.synced_account(&json!({"Name": "Signed again"})).await;
    house.fault("expired_token", 0.0).await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (2, 0));
}
