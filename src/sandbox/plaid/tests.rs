//! The chain from Link to Stripe's token, the refusals on the way and the signed webhooks, through the same doors as a
//! client and a browser: HTTP on loopback.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Options, Served, serve};
use crate::sandbox::clock::Clock;
use crate::sandbox::faults::Faults;
use crate::sandbox::stripe;

struct House {
    plaid: Served,
    stripe: stripe::Served,
    faults: Arc<Faults>,
    clock: Arc<Clock>,
    client: reqwest::Client,
}

impl Drop for House {
    fn drop(&mut self) {
        self.plaid.shutdown.cancel();
        self.stripe.shutdown.cancel();
    }
}

impl House {
    async fn start() -> House {
        let faults = Arc::new(Faults::new(7));
        let clock = Arc::new(Clock::movable());
        let options = stripe::Options { clock: clock.clone(), ..stripe::Options::default() };
        let stripe = stripe::serve(faults.clone(), options).await.unwrap();
        let plaid = Options {
            redirect_origins: vec!["http://127.0.0.1:1".to_owned()],
            stripe_control_url: Some(format!("http://{}/_sandbox", stripe.addr)),
            clock: clock.clone(),
            ..Options::default()
        };
        let plaid = serve(faults.clone(), plaid).await.unwrap();
        House { plaid, stripe, faults, clock, client: super::courier::client().unwrap() }
    }

    async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(format!("http://{}{path}", self.plaid.addr)).json(&body);
        let request = request.header("PLAID-CLIENT-ID", "quittance_sandbox_client");
        House::json(request.header("PLAID-SECRET", "quittance_sandbox_secret")).await
    }

    async fn ok(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The code of a refusal.
    async fn refused(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, 400, "{path}: {answer}");
        // What the frame of Link asks is no request to the API.
        assert_eq!(answer["request_id"].is_string(), !path.starts_with("/link/session"));
        answer["error_code"].as_str().unwrap().to_owned()
    }

    async fn link_token(&self, more: Value) -> String {
        let mut body = asked();
        for (name, value) in more.as_object().unwrap() {
            body[name.as_str()] = value.clone();
        }
        self.ok("/link/token/create", body).await["link_token"].as_str().unwrap().to_owned()
    }

    /// What the frame of Link does, without the frame.
    async fn link(&self, token: &str, institution: &str, user: &str) -> Value {
        let session = self.ok("/link/session/open", json!({"token": token})).await;
        let id = session["link_session_id"].as_str().unwrap().to_owned();
        let given = json!({"institution_id": institution, "username": user, "password": "pass_good"});
        let signed = self.ok(&format!("/link/session/{id}/sign_in"), given).await;
        let account = signed["accounts"][0]["account_id"].clone();
        self.ok(&format!("/link/session/{id}/finish"), json!({"account_ids": [account]})).await
    }

    /// An item with its access token and its first account.
    async fn item(&self, user: &str, more: Value) -> (String, String) {
        let token = self.link_token(more).await;
        let linked = self.link(&token, "ins_109508", user).await;
        let exchanged = self.ok("/item/public_token/exchange", json!({"public_token": linked["public_token"]})).await;
        let account = linked["metadata"]["accounts"][0]["id"].as_str().unwrap().to_owned();
        (exchanged["access_token"].as_str().unwrap().to_owned(), account)
    }

    async fn stripe(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self.client.post(format!("http://{}{path}", self.stripe.addr)).form(form);
        House::json(request.bearer_auth("sk_test_quittance_sandbox")).await
    }

    async fn control(&self, path: &str) {
        let url = format!("http://{}/_sandbox/{path}", self.plaid.addr);
        assert!(self.client.post(url).send().await.unwrap().status().is_success());
    }
}

fn asked() -> Value {
    json!({"client_name": "Larkspur", "language": "en", "country_codes": ["US"], "products": ["auth"],
        "user": {"client_user_id": "001000000000001AAA"},
        "account_filters": {"depository": {"account_subtypes": ["checking", "savings"]}}})
}

#[tokio::test]
async fn a_bank_found_in_link_becomes_a_token_that_stripe_takes_once() {
    let house = House::start().await;
    let token = house.link_token(json!({})).await;
    let linked = house.link(&token, "ins_109508", "user_good").await;
    let metadata = &linked["metadata"];
    assert_eq!(metadata["institution"], json!({"name": "First Platypus Bank", "institution_id": "ins_109508"}));
    assert_eq!(metadata["accounts"][0]["mask"], "0000");
    assert_eq!(metadata["accounts"][0]["verification_status"], Value::Null);
    let public = json!({"public_token": linked["public_token"]});
    let item = house.ok("/item/public_token/exchange", public.clone()).await;
    // Both tokens are spent now.
    assert_eq!(house.refused("/item/public_token/exchange", public).await, "INVALID_PUBLIC_TOKEN");
    assert_eq!(house.refused("/link/session/open", json!({"token": token})).await, "INVALID_LINK_TOKEN");

    let wanted = json!({"access_token": item["access_token"], "account_id": metadata["accounts"][0]["id"]});
    let path = "/processor/stripe/bank_account_token/create";
    let bank = house.ok(path, wanted.clone()).await["stripe_bank_account_token"].as_str().unwrap().to_owned();
    assert!(bank.starts_with("btok_"));
    let (_, customer) = house.stripe("/v1/customers", &[("name", "Ada")]).await;
    let sources = format!("/v1/customers/{}/sources", customer["id"].as_str().unwrap());
    let (status, account) = house.stripe(&sources, &[("source", &bank)]).await;
    assert_eq!((status, account["status"].as_str(), account["last4"].as_str()), (200, Some("verified"), Some("6789")));
    let (status, again) = house.stripe(&sources, &[("source", &bank)]).await;
    assert_eq!((status, again["error"]["code"].as_str()), (400, Some("token_already_used")));
    // There is no key for asking again: the next token is another one, of the same account.
    let next = house.ok(path, wanted).await["stripe_bank_account_token"].as_str().unwrap().to_owned();
    assert_ne!(next, bank);
    let (_, twice) = house.stripe(&sources, &[("source", &next)]).await;
    assert_eq!(twice["error"]["code"], "bank_account_exists");
}

#[tokio::test]
async fn what_a_request_may_not_hold_is_refused_with_its_code() {
    let house = House::start().await;
    for (change, code) in [
        (json!({"client_name": null}), "MISSING_FIELDS"),
        (json!({"user": {}}), "MISSING_FIELDS"),
        (json!({"products": null}), "MISSING_FIELDS"),
        (json!({"nonsense": 1}), "UNKNOWN_FIELDS"),
        (json!({"language": "tlh"}), "INVALID_FIELD"),
        (json!({"country_codes": ["XX"]}), "INVALID_FIELD"),
        (json!({"products": ["income_verification"]}), "INVALID_PRODUCT"),
        (json!({"user": {"client_user_id": "ada@example.com"}}), "INVALID_FIELD"),
        (json!({"redirect_uri": "http://127.0.0.1:1/back?x=1"}), "INVALID_FIELD"),
        (json!({"redirect_uri": "https://elsewhere.example/back"}), "INVALID_FIELD"),
        (json!({"webhook": "not an address"}), "INVALID_WEBHOOK_URL"),
        (json!({"access_token": "access-sandbox-nobody"}), "INVALID_ACCESS_TOKEN"),
    ] {
        let mut body = asked();
        for (name, value) in change.as_object().unwrap() {
            body[name.as_str()] = value.clone();
        }
        assert_eq!(house.refused("/link/token/create", body).await, code, "{change}");
    }
    let wrong = house.client.post(format!("http://{}/link/token/create", house.plaid.addr)).json(&json!({
        "client_id": "quittance_sandbox_client", "secret": "of another environment"}));
    assert_eq!(House::json(wrong).await.1["error_code"], "INVALID_API_KEYS");
    house.faults.set("plaid_down", 1.0).unwrap();
    assert_eq!(house.post("/link/token/create", asked()).await.0, 503);
}

#[tokio::test]
async fn tokens_end_with_the_banks_clock() {
    let house = House::start().await;
    let token = house.link_token(json!({})).await;
    let linked = house.link(&house.link_token(json!({})).await, "ins_109509", "user_good").await;
    house.clock.advance_s(1801);
    let public = json!({"public_token": linked["public_token"]});
    assert_eq!(house.refused("/item/public_token/exchange", public).await, "INVALID_PUBLIC_TOKEN");
    house.ok("/link/session/open", json!({"token": token})).await;
    house.clock.advance_s(4 * 3600);
    assert_eq!(house.refused("/link/session/open", json!({"token": token})).await, "INVALID_LINK_TOKEN");
}

#[tokio::test]
async fn an_item_that_needs_a_new_login_says_so_until_update_mode_repairs_it() {
    let house = House::start().await;
    let (access, account) = house.item("user_good", json!({})).await;
    let named = json!({"access_token": access});
    let numbers = house.ok("/auth/get", named.clone()).await;
    assert_eq!(numbers["numbers"]["ach"][0]["account"], "000123456789");
    house.ok("/sandbox/item/reset_login", named.clone()).await;
    let token = json!({"access_token": access, "account_id": account});
    let path = "/processor/stripe/bank_account_token/create";
    assert_eq!(house.refused("/accounts/get", named.clone()).await, "ITEM_LOGIN_REQUIRED");
    assert_eq!(house.refused(path, token.clone()).await, "ITEM_LOGIN_REQUIRED");
    let item = house.ok("/item/get", named.clone()).await;
    assert_eq!(item["item"]["error"]["error_code"], "ITEM_LOGIN_REQUIRED");

    let update = house.link_token(json!({"products": null, "access_token": access})).await;
    let session = house.ok("/link/session/open", json!({"token": update})).await;
    assert_eq!((&session["update"], &session["institution"]["name"]), (&json!(true), &json!("First Platypus Bank")));
    let linked = house.link(&update, "ins_109510", "user_good").await;
    assert_eq!(linked["metadata"]["accounts"][0]["id"], json!(account));
    house.ok(path, token).await;
    house.ok("/item/remove", named.clone()).await;
    assert_eq!(house.refused("/item/get", named).await, "ITEM_NOT_FOUND");
}

#[tokio::test]
async fn an_account_that_is_not_verified_at_once_gives_no_token_yet() {
    let house = House::start().await;
    let (access, account) = house.item("user_pending", json!({})).await;
    let wanted = json!({"access_token": access, "account_id": account});
    let path = "/processor/stripe/bank_account_token/create";
    assert_eq!(house.refused(path, wanted.clone()).await, "PRODUCT_NOT_READY");
    let mut status = wanted.clone();
    status["verification_status"] = json!("automatically_verified");
    house.ok("/sandbox/item/set_verification_status", status).await;
    house.ok(path, wanted.clone()).await;
    let mut other = wanted;
    other["account_id"] = json!("nobody");
    assert_eq!(house.refused(path, other).await, "INVALID_ACCOUNT_ID");
}

#[tokio::test]
async fn an_oauth_bank_sends_the_customer_back_into_the_same_opening() {
    let house = House::start().await;
    let back = "http://127.0.0.1:1/plaid/return";
    let token = house.link_token(json!({"redirect_uri": back})).await;
    let session = house.ok("/link/session/open", json!({"token": token})).await;
    let id = session["link_session_id"].as_str().unwrap();
    let away = house.ok(&format!("/link/session/{id}/oauth"), json!({"institution_id": "ins_127287"})).await;
    assert_eq!(away["redirect"], true);
    let url = away["url"].as_str().unwrap();
    let wrong = [("outcome", "allow"), ("user", "user_good"), ("password", "wrong")];
    let page = house.client.post(url).form(&wrong).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("is not correct"), "{page}");
    let right = [("outcome", "allow"), ("user", "user_good"), ("password", "pass_good")];
    let answer = house.client.post(url).form(&right).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let (address, state) = location.split_once("?oauth_state_id=").unwrap();
    assert_eq!(address, back);
    let again = house.ok("/link/session/open", json!({"token": token, "oauth_state_id": state})).await;
    assert_eq!((&again["link_session_id"], &again["state"]), (&json!(id), &json!("signed_in")));
    let stranger = house.link_token(json!({})).await;
    let foreign = json!({"token": stranger, "oauth_state_id": state});
    assert_eq!(house.refused("/link/session/open", foreign).await, "INVALID_LINK_TOKEN");
}

/// Takes one webhook after another and keeps what came.
async fn listener() -> (String, Arc<Mutex<Vec<(String, String)>>>) {
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let kept = seen.clone();
    let app = axum::Router::new().route(
        "/",
        axum::routing::post(move |headers: axum::http::HeaderMap, body: String| async move {
            let signature = headers["plaid-verification"].to_str().unwrap().to_owned();
            kept.lock().unwrap().push((signature, body));
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, seen)
}

#[tokio::test]
async fn webhooks_are_signed_with_a_key_that_can_be_asked_for() {
    use sha2::Digest;
    let house = House::start().await;
    let (address, seen) = listener().await;
    let (access, _) = house.item("user_good", json!({"webhook": address})).await;
    let item = house.ok("/item/get", json!({"access_token": access})).await;
    let item_id = item["item"]["item_id"].as_str().unwrap().to_owned();
    house.ok("/sandbox/item/reset_login", json!({"access_token": access})).await;
    house.control("keys/rotate").await;
    let fire = json!({"access_token": access, "webhook_code": "PENDING_DISCONNECT", "webhook_type": "ITEM"});
    let wait = async |count| {
        for _ in 0..200 {
            if seen.lock().unwrap().len() == count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{count} webhooks were expected, {} came", seen.lock().unwrap().len());
    };
    wait(1).await;
    house.ok("/sandbox/item/fire_webhook", fire).await;
    wait(2).await;
    let received = seen.lock().unwrap().clone();
    let mut kids = Vec::new();
    for (signature, body) in &received {
        let parts: Vec<&str> = signature.split('.').collect();
        let decoded = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
        let header: Value = serde_json::from_slice(&decoded(0)).unwrap();
        assert_eq!(header["alg"], "ES256");
        let claims: Value = serde_json::from_slice(&decoded(1)).unwrap();
        assert_eq!(claims["request_body_sha256"], hex::encode(sha2::Sha256::digest(body.as_bytes())));
        let key = house.ok("/webhook_verification_key/get", json!({"key_id": header["kid"]})).await["key"].clone();
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
        let signed = format!("{}.{}", parts[0], parts[1]);
        public.verify(signed.as_bytes(), &decoded(2)).unwrap();
        kids.push((header["kid"].clone(), key["expired_at"].is_null()));
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["item_id"], json!(item_id));
    }
    assert_ne!(kids[0].0, kids[1].0);
    // The first key was replaced, and is still known with the time at which it ends.
    assert_eq!((kids[0].1, kids[1].1), (false, true));
    let first: Value = serde_json::from_str(&received[0].1).unwrap();
    assert_eq!(
        (&first["webhook_code"], &first["error"]["error_code"]),
        (&json!("ERROR"), &json!("ITEM_LOGIN_REQUIRED"))
    );
    assert_eq!(
        house.refused("/webhook_verification_key/get", json!({"key_id": "nobody"})).await,
        "INVALID_WEBHOOK_VERIFICATION_KEY_ID"
    );
}
