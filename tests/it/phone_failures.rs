//! Stripe keeps an answer under its key for a day, a failure too: what is tried again goes around it.

use serde_json::json;

use crate::house::House;
use crate::house::payer::{self, Page, Payer, Scene};
use crate::phone_banks::{GOOD, address_of, at_stripe, request_says, the_debit, verifying};

/// The clerk presses the same again until Stripe has answered.
async fn told_at_last(house: &House, clerk: &Payer, page: &Page, code: &str) -> Page {
    let (csrf, press) = (page.input("csrf"), page.input("press"));
    let form = [("csrf", csrf.as_str()), ("press", press.as_str()), ("code", code)];
    house
        .eventually("Stripe to answer", 60, || async {
            let told = clerk.post_page(&address_of(page), &form).await;
            Ok(if told.text.contains("Stripe does not answer") { Err(told.text) } else { Ok(told) })
        })
        .await
}

#[tokio::test]
async fn a_failure_that_stripe_keeps_holds_up_no_deposits_and_no_debit() {
    let house = House::start_with(&["--clock"], None).await;
    let mut scenes: Vec<(Scene, Payer, Page)> = Vec::new();
    for number in 0..4 {
        let scene = payer::invoice(&house, &format!("F-{number}"), json!(20 + number), "USD").await;
        let (clerk, page) = verifying(&house, &scene, GOOD, "checking", None).await;
        scenes.push((scene, clerk, page));
    }
    house.fault("server_error", 0.5).await;
    for (_, clerk, page) in &scenes {
        told_at_last(&house, clerk, page, "SM11AA").await;
    }
    house.fault("server_error", 0.0).await;
    for (scene, ..) in &scenes {
        the_debit(&house, scene).await;
        request_says(&house, scene, "Working", "is on its way").await;
        assert_eq!(at_stripe(&house, "setup_intents", &scene.invoice).await.len(), 1, "{}", scene.name);
    }
}
