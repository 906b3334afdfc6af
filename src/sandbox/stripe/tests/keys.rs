//! Idempotency keys, lost replies and limits.

use std::sync::Arc;

use serde_json::json;

use super::super::{Clock, Options, RateLimits};
use super::House;

#[tokio::test]
async fn a_key_gives_the_first_answer_again_for_a_day() {
    let clock = Arc::new(Clock::fixed(1_800_000_000));
    let house = House::with(Options { rate_limits: RateLimits::NONE, clock, ..Options::default() }).await;
    let form = [("name", "Ada")];
    let first = house.keyed("/v1/customers", "k1", &form).await;
    assert!(first.headers().get("idempotent-replayed").is_none());
    let first = first.text().await.unwrap();
    let second = house.keyed("/v1/customers", "k1", &form).await;
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.text().await.unwrap(), first);
    let other = house.keyed("/v1/customers", "k1", &[("name", "Bob")]).await;
    assert_eq!(other.status(), 400);
    assert!(other.text().await.unwrap().contains("idempotency_error"));
    assert_eq!(house.served.handle.count("customer"), 1);
    house.control("clock", json!({"advance_s": 86_399})).await;
    assert_eq!(house.keyed("/v1/customers", "k1", &form).await.text().await.unwrap(), first);
    house.control("clock", json!({"advance_s": 1})).await;
    assert_ne!(house.keyed("/v1/customers", "k1", &form).await.text().await.unwrap(), first);
    assert_eq!(house.served.handle.count("customer"), 2);
}

#[tokio::test]
async fn declines_are_kept_under_their_key_and_failed_validation_is_not() {
    let house = House::start().await;
    let bad = house.keyed("/v1/payment_intents", "k", &[("amount", "1"), ("currency", "usd")]).await;
    assert_eq!(bad.status(), 400);
    let form =
        [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_chargeDeclined"), ("confirm", "true")];
    let declined = house.keyed("/v1/payment_intents", "k", &form).await;
    assert_eq!(declined.status(), 402, "the key was still free");
    let again = house.keyed("/v1/payment_intents", "k", &form).await;
    assert_eq!((again.status().as_u16(), again.headers()["idempotent-replayed"].to_str().unwrap()), (402, "true"));
    assert_eq!(house.served.handle.count("charge"), 1);
}

#[tokio::test]
async fn a_lost_reply_had_its_effect_and_the_key_brings_it_back() {
    let house = House::start().await;
    house.faults.set("lost_reply", 1.0).unwrap();
    let request =
        house.client.post(house.url("/v1/customers")).header("Idempotency-Key", "lost").form(&[("name", "A")]);
    assert!(request.bearer_auth("sk_test_quittance_sandbox").send().await.is_err());
    house.faults.set("lost_reply", 0.0).unwrap();
    assert_eq!(house.served.handle.count("customer"), 1);
    let again = house.keyed("/v1/customers", "lost", &[("name", "A")]).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(house.served.handle.count("customer"), 1);
}

#[tokio::test]
async fn after_server_errors_no_key_ever_acts_twice() {
    let house = House::start().await;
    house.faults.set("server_error", 0.7).unwrap();
    for at in 0..40 {
        for _ in 0..5 {
            let answer = house.keyed("/v1/customers", &format!("k{at}"), &[("name", "A")]).await;
            assert!(matches!(answer.status().as_u16(), 200 | 500 | 503));
        }
    }
    let made = house.served.handle.count("customer");
    assert!((1..=40).contains(&made), "{made}");
}

#[tokio::test]
async fn the_same_key_at_the_same_time_is_in_use() {
    let house = House::start().await;
    house.faults.set("slow", 1.0).unwrap();
    let call = || house.keyed("/v1/customers", "twice", &[("name", "A")]);
    let (one, two) = tokio::join!(call(), call());
    let mut statuses = [one.status().as_u16(), two.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let refused = if one.status() == 409 { one } else { two };
    assert_eq!(refused.headers()["stripe-should-retry"], "true");
    assert!(refused.text().await.unwrap().contains("idempotency_key_in_use"));
}

#[tokio::test]
async fn too_many_requests_say_which_limit() {
    let limits = RateLimits { global_per_s: 100, endpoint_per_s: 3, search_per_s: 20 };
    let house = House::with(Options { rate_limits: limits, ..Options::default() }).await;
    let mut reasons = Vec::new();
    for _ in 0..5 {
        let request = house.client.get(house.url("/v1/customers")).bearer_auth("sk_test_quittance_sandbox");
        let answer = request.send().await.unwrap();
        reasons
            .push(answer.headers().get("stripe-rate-limited-reason").map(|reason| reason.to_str().unwrap().to_owned()));
    }
    assert_eq!(reasons[..3], [None, None, None]);
    assert_eq!(reasons[4].as_deref(), Some("endpoint-rate"));
}
