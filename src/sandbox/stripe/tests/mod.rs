//! The state machine, the keys and the faults, through the same door as a client: HTTP on loopback.

mod banks;
mod keys;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Clock, Options, RateLimits, Served, serve};
use crate::sandbox::faults::Faults;

struct House {
    served: Served,
    faults: Arc<Faults>,
    client: reqwest::Client,
}

impl Drop for House {
    fn drop(&mut self) {
        self.served.shutdown.cancel();
    }
}

impl House {
    async fn start() -> House {
        let clock = Arc::new(Clock::movable());
        House::with(Options { rate_limits: RateLimits::NONE, search_lag_s: 0, clock, ..Options::default() }).await
    }

    async fn with(options: Options) -> House {
        let faults = Arc::new(Faults::new(7));
        let served = serve(faults.clone(), options).await.unwrap();
        House { served, faults, client: super::courier::client().unwrap() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.served.addr)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.bearer_auth("sk_test_quittance_sandbox").send().await.unwrap();
        (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.send(self.client.post(self.url(path)).form(form)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.send(self.client.get(self.url(path))).await.1
    }

    async fn keyed(&self, path: &str, key: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let request = self.client.post(self.url(path)).header("Idempotency-Key", key).form(form);
        request.bearer_auth("sk_test_quittance_sandbox").send().await.unwrap()
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(self.url(&format!("/_sandbox/{path}"))).json(&body);
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    async fn customer(&self) -> String {
        let (status, customer) = self.post("/v1/customers", &[("name", "Ada"), ("email", "ada@example.com")]).await;
        assert_eq!(status, 200, "{customer}");
        customer["id"].as_str().unwrap().to_owned()
    }

    /// An intent of 20 dollars by the method, confirmed in a second call.
    async fn pay(&self, method: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let (status, intent) = self.post("/v1/payment_intents", &[("amount", "2000"), ("currency", "usd")]).await;
        assert_eq!((status, &intent["status"]), (200, &json!("requires_payment_method")));
        let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
        let form = [&[("payment_method", method)], more].concat();
        self.post(&path, &form).await
    }

    async fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await;
        let types = events["data"].as_array().unwrap().iter().rev();
        types.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_card_payment_is_booked_with_charge_fee_and_events() {
    let house = House::start().await;
    let (status, intent) = house.pay("pm_card_visa", &[("expand[]", "latest_charge.balance_transaction")]).await;
    assert_eq!(status, 200, "{intent}");
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(intent["amount_received"], 2000);
    let charge = &intent["latest_charge"];
    assert_eq!(charge["paid"], true);
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4242");
    assert_eq!(charge["balance_transaction"]["fee"], 88);
    assert_eq!(charge["balance_transaction"]["net"], 1912);
    assert_eq!(house.event_types().await, ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
}

#[tokio::test]
async fn each_decline_says_its_code_and_leaves_the_intent_open() {
    let house = House::start().await;
    for (method, code, decline_code) in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ] {
        let (status, body) = house.pay(method, &[]).await;
        let error = &body["error"];
        assert_eq!((status, error["type"].as_str()), (402, Some("card_error")), "{body}");
        assert_eq!((error["code"].as_str(), error["decline_code"].as_str()), (Some(code), Some(decline_code)));
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        assert_eq!(error["payment_intent"]["payment_method"], Value::Null);
        assert_eq!(error["payment_intent"]["last_payment_error"]["decline_code"], decline_code);
        let charge = house.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap())).await;
        assert_eq!((charge["status"].as_str(), charge["failure_code"].as_str()), (Some("failed"), Some(code)));
    }
}

#[tokio::test]
async fn three_d_secure_completes_or_fails() {
    let house = House::start().await;
    for (passed, status) in [(true, "succeeded"), (false, "requires_payment_method")] {
        let back = [("return_url", "https://shop.example/back")];
        let (_, intent) = house.pay("pm_card_threeDSecure2Required", &back).await;
        assert_eq!(intent["next_action"]["type"], "redirect_to_url");
        let id = intent["id"].as_str().unwrap();
        house.control(&format!("intents/{id}/authenticate"), json!({"passed": passed})).await;
        let intent = house.get(&format!("/v1/payment_intents/{id}")).await;
        assert_eq!(intent["status"], status);
        let error = if passed { Value::Null } else { json!("payment_intent_authentication_failure") };
        assert_eq!(intent["last_payment_error"]["code"], error);
        // A second answer from the bank's page changes nothing.
        let again = house.control(&format!("intents/{id}/authenticate"), json!({"passed": !passed})).await;
        assert_eq!(again["status"], status);
    }
    let (status, body) = house.pay("pm_card_authenticationRequired", &[("off_session", "true")]).await;
    assert_eq!((status, body["error"]["code"].as_str()), (402, Some("authentication_required")));
}

#[tokio::test]
async fn what_a_parameter_may_not_be_is_refused_with_its_code() {
    let house = House::start().await;
    let intents = "/v1/payment_intents";
    for (path, form, status, code) in [
        (
            intents,
            "amount=100&currency=usd&payment_method_types[]=card",
            400,
            "payment_method_types_no_longer_supported",
        ),
        (intents, "amount=100&currency=usd&colour=red", 400, "parameter_unknown"),
        (intents, "currency=usd", 400, "parameter_missing"),
        (intents, "amount=10.5&currency=usd", 400, "parameter_invalid_integer"),
        (intents, "amount=49&currency=usd", 400, "amount_too_small"),
        (intents, "amount=5124&currency=kwd", 400, "parameter_invalid_integer"),
        (intents, "amount=100&currency=usd&off_session=true", 400, "parameter_invalid"),
        (intents, "amount=100&currency=usd&customer=cus_none", 400, "resource_missing"),
        (intents, "amount=100&currency=usd&payment_method=pm_none", 400, "resource_missing"),
        ("/v1/payment_intents/pi_none/confirm", "payment_method=pm_card_visa", 404, "resource_missing"),
        (
            intents,
            "amount=100&currency=usd&allowed_payment_method_types[]=card&statement_descriptor=X",
            400,
            "parameter_invalid",
        ),
        (intents, "amount=100&currency=usd&payment_method_options[card][moto]=true", 400, "parameter_unknown"),
        ("/v1/customers", "email=nowhere", 400, "email_invalid"),
    ] {
        let request = house.client.post(house.url(path)).header("content-type", "application/x-www-form-urlencoded");
        let (got, body) = house.send(request.body(form)).await;
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)), "{form}: {body}");
    }
}

#[tokio::test]
async fn bank_debits_are_dropped_in_silence_where_the_currency_is_not_dollars() {
    let house = House::start().await;
    let types = [("allowed_payment_method_types[0]", "card"), ("allowed_payment_method_types[1]", "us_bank_account")];
    let form = [&[("amount", "500"), ("currency", "eur")], &types[..]].concat();
    let (_, intent) = house.post("/v1/payment_intents", &form).await;
    assert_eq!(intent["payment_method_types"], json!(["card"]));
    assert_eq!(intent["allowed_payment_method_types"], json!(["card", "us_bank_account"]));
}

#[tokio::test]
async fn another_customers_method_cannot_pay() {
    let house = House::start().await;
    let (owner, stranger) = (house.customer().await, house.customer().await);
    let (_, method) = house.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &owner)]).await;
    let method = method["id"].as_str().unwrap();
    for customer in [Some(stranger.as_str()), None] {
        let mut form = vec![("amount", "500"), ("currency", "usd"), ("payment_method", method), ("confirm", "true")];
        form.extend(customer.map(|customer| ("customer", customer)));
        let (status, body) = house.post("/v1/payment_intents", &form).await;
        assert_eq!((status, body["error"]["param"].as_str()), (400, Some("payment_method")), "{body}");
    }
    let detached = house.post(&format!("/v1/payment_methods/{method}/detach"), &[]).await;
    assert_eq!(detached.1["customer"], Value::Null);
    let (status, _) = house.post(&format!("/v1/payment_methods/{method}/attach"), &[("customer", &owner)]).await;
    assert_eq!(status, 400, "what was detached is dead");
}

#[tokio::test]
async fn a_card_saved_while_paying_belongs_to_its_customer_and_pays_again() {
    let house = House::start().await;
    let customer = house.customer().await;
    let form = [
        ("amount", "500"),
        ("currency", "usd"),
        ("customer", &customer),
        ("setup_future_usage", "off_session"),
        ("payment_method", "pm_card_authenticationRequiredOnSetup"),
        ("return_url", "https://shop.example"),
        ("confirm", "true"),
    ];
    let (_, intent) = house.post("/v1/payment_intents", &form).await;
    assert_eq!(intent["status"], "requires_action");
    house.control(&format!("intents/{}/authenticate", intent["id"].as_str().unwrap()), json!({})).await;
    let stored = house.get(&format!("/v1/customers/{customer}/payment_methods?type=card")).await;
    assert_eq!(stored["data"].as_array().unwrap().len(), 1);
    let method = stored["data"][0]["id"].as_str().unwrap();
    let again = [
        ("amount", "700"),
        ("currency", "usd"),
        ("customer", &customer),
        ("payment_method", method),
        ("off_session", "true"),
        ("confirm", "true"),
    ];
    let (_, intent) = house.post("/v1/payment_intents", &again).await;
    assert_eq!(intent["status"], "succeeded", "it was set up: no second question");
}

#[tokio::test]
async fn refunds_stop_at_what_was_paid_and_a_failed_one_gives_the_room_back() {
    let house = House::start().await;
    let (_, intent) = house.pay("pm_card_visa", &[]).await;
    let id = intent["id"].as_str().unwrap();
    let (status, first) = house.post("/v1/refunds", &[("payment_intent", id), ("amount", "500")]).await;
    assert_eq!((status, first["status"].as_str()), (200, Some("succeeded")));
    let (status, over) = house.post("/v1/refunds", &[("payment_intent", id), ("amount", "1501")]).await;
    assert_eq!((status, over["error"]["param"].as_str()), (400, Some("amount")));
    let (_, rest) = house.post("/v1/refunds", &[("payment_intent", id)]).await;
    assert_eq!(rest["amount"], 1500);
    let (_, none) = house.post("/v1/refunds", &[("payment_intent", id)]).await;
    assert_eq!(none["error"]["code"], "charge_already_refunded");
    let charge = intent["latest_charge"].as_str().unwrap();
    assert_eq!(house.get(&format!("/v1/charges/{charge}")).await["refunded"], true);
    house.control(&format!("refunds/{}/fail", rest["id"].as_str().unwrap()), json!({})).await;
    let charge = house.get(&format!("/v1/charges/{charge}")).await;
    assert_eq!((charge["amount_refunded"].as_i64(), charge["refunded"].as_bool()), (Some(500), Some(false)));
    assert!(house.event_types().await.contains(&"refund.failed".to_owned()));
}

#[tokio::test]
async fn a_browser_reaches_only_what_its_secret_opens() {
    let house = House::start().await;
    let (_, intent) = house.post("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")]).await;
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let key = ("key", "pk_test_quittance_sandbox");
    let ask = async |path: &str, form: &[(&str, &str)]| {
        let answer = house.client.post(house.url(path)).form(form).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    assert_eq!(ask("/v1/customers", &[key]).await.0, 403);
    let confirm = format!("{path}/confirm");
    let wrong = [key, ("client_secret", "pi_x_secret_y"), ("payment_method", "pm_card_visa")];
    assert_eq!(ask(&confirm, &wrong).await.0, 400);
    let card = [
        key,
        ("type", "card"),
        ("card[number]", "4242 4242 4242 4242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "40"),
        ("card[cvc]", "123"),
    ];
    let (_, method) = ask("/v1/payment_methods", &card).await;
    let secret = intent["client_secret"].as_str().unwrap();
    let form = [key, ("client_secret", secret), ("payment_method", method["id"].as_str().unwrap())];
    let (status, seen) = ask(&confirm, &form).await;
    assert_eq!((status, seen["status"].as_str()), (200, Some("succeeded")));
    assert!(seen.get("metadata").is_none() && seen.get("customer").is_none());
    let (status, body) = house.post("/v1/payment_methods", &card[1..]).await;
    assert_eq!(status, 402, "no card number from a server: {body}");
    let log = serde_json::to_string(&house.get("/_sandbox/requests").await).unwrap();
    assert!(!log.contains("4242"), "the log holds no card number");
}

#[tokio::test]
async fn lists_page_through_everything_once() {
    let house = House::start().await;
    for _ in 0..7 {
        house.customer().await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = house.get(&format!("/v1/customers?limit=3{cursor}")).await;
        let data = page["data"].as_array().unwrap();
        seen.extend(data.iter().map(|customer| customer["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
        cursor = format!("&starting_after={}", seen.last().unwrap());
    }
    assert_eq!(seen.len(), 7);
    let back = house.get(&format!("/v1/customers?limit=2&ending_before={}", seen[4])).await;
    assert_eq!(back["data"][0]["id"], json!(seen[2]));
    assert_eq!(back["data"][1]["id"], json!(seen[3]));
    assert_eq!(house.get("/v1/customers?email=ADA@example.com").await["data"], json!([]), "case counts");
}

#[tokio::test]
async fn a_restart_keeps_customers_keys_and_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        rate_limits: RateLimits::NONE,
        clock: Arc::new(Clock::movable()),
        ..Options::default()
    };
    let first = {
        let house = House::with(options()).await;
        house.control("clock", json!({"advance_s": 1_000_000})).await;
        house.keyed("/v1/customers", "k", &[("name", "Ada")]).await.text().await.unwrap()
    };
    let house = House::with(options()).await;
    let again = house.keyed("/v1/customers", "k", &[("name", "Ada")]).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.text().await.unwrap(), first);
    let created = serde_json::from_str::<Value>(&first).unwrap()["created"].as_i64().unwrap();
    assert!(created > super::clock::machine_ms() / 1000 + 999_000);
    assert_eq!(house.post("/v1/customers", &[]).await.1["created"].as_i64().unwrap() / 1000, created / 1000);
}

#[tokio::test]
async fn webhooks_arrive_signed_and_what_is_lost_stays_pending() {
    use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
    let (sender, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let take = async move |headers: HeaderMap, body: Bytes| {
        let _ = sender.send((headers["stripe-signature"].to_str().unwrap().to_owned(), body));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/hook", post(take))).into_future());

    let house = House::start().await;
    house.served.handle.set_webhook(&url);
    house.customer().await;
    let (header, body) = arrived.recv().await.unwrap();
    let unix_s = header.split(',').next().unwrap()[2..].parse().unwrap();
    assert_eq!(super::sign(&["whsec_quittance_sandbox".to_owned()], unix_s, &body), header);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["type"], "customer.created");

    house.control("webhook-secret", json!({})).await;
    house.faults.set("duplicate_webhook", 1.0).unwrap();
    house.customer().await;
    let (header, one) = arrived.recv().await.unwrap();
    assert_eq!(header.matches("v1=").count(), 2);
    assert_eq!(arrived.recv().await.unwrap().1, one, "the same event twice");

    house.faults.set("duplicate_webhook", 0.0).unwrap();
    house.faults.set("lost_webhook", 1.0).unwrap();
    house.customer().await;
    // The delivery is recorded as lost before anything could arrive.
    while !house.get("/_sandbox/deliveries").await["deliveries"].to_string().contains("lost") {
        tokio::task::yield_now().await;
    }
    let missed = house.get("/v1/events?delivery_success=false").await;
    assert_eq!(missed["data"].as_array().unwrap().len(), 1);
    assert_eq!(missed["data"][0]["pending_webhooks"], 1);
    assert!(arrived.try_recv().is_err());
}

#[tokio::test]
async fn payments_made_elsewhere_look_like_it() {
    let house = House::start().await;
    let customer = house.customer().await;
    let charge = house.control("payments", json!({"amount": 700, "customer": customer, "without_intent": true})).await;
    assert_eq!((charge["object"].as_str(), charge["payment_intent"].is_null()), (Some("charge"), true));
    let intent = house
        .control("payments", json!({"amount": 900, "currency": "eur", "metadata": {"sf_invoice_id": "a01"}}))
        .await;
    assert_eq!(
        (intent["status"].as_str(), intent["metadata"]["sf_invoice_id"].as_str()),
        (Some("succeeded"), Some("a01"))
    );
    let dispute = house.control("disputes", json!({"charge": charge["id"]})).await;
    let closed =
        house.control(&format!("disputes/{}/close", dispute["id"].as_str().unwrap()), json!({"outcome": "won"})).await;
    assert_eq!((closed["status"].as_str(), closed["balance_transactions"].as_array().unwrap().len()), (Some("won"), 2));
    let gone = house.send(house.client.delete(house.url(&format!("/v1/customers/{customer}")))).await.1;
    assert_eq!(gone["deleted"], true);
    assert_eq!(house.get(&format!("/v1/customers/{customer}")).await["deleted"], true);
}
