use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::{daemon, faults::Faults, load, mailbox};
use super::*;

type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers as the org and Stripe's control address would, and notes the Apex calls.
async fn outside(calls: Calls) -> String {
    let noted = calls.clone();
    let apex = move |path: axum::extract::Path<String>, body: Json<Value>| async move {
        noted.lock().unwrap().push((path.0.clone(), body.0.clone()));
        match path.0.as_str() {
            "SendPaymentLinkController/load" => Ok(Json(json!({
                "email": "a@b.example", "refusal": null,
                "openLinks": [{"recordId": "a03000000000001AAA", "sentTo": "a@b.example", "sentAt": "2026-11-23T14:02:09.000+0000"}],
            }))),
            "SendPaymentLinkController/copyLink" => Ok(Json(json!({"url": "http://127.0.0.1:9/p/token"}))),
            "SendPaymentLinkController/send" if body.0["email"] == "bad" => {
                Err((StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "Check the e-mail address."}))))
            }
            _ => Ok(Json(json!("request-id"))),
        }
    };
    let rows = json!({"totalSize": 1, "records": [{"Id": "a01000000000001AAA", "Name": "INV-<1>", "Status__c": "Open",
        "Account__r": {"Name": "شركة"}, "Currency_Code__c": "USD", "Total__c": 1240.5, "Balance__c": 1240.5}]});
    let record =
        json!({"attributes": {}, "Id": "a01000000000001AAA", "Name": "INV-<1>", "Account__c": "001000000000001AAA"});
    let state = json!({"customers": [{"id": "cus_1", "metadata": {"sf_account_id": "001000000000001AAA"}}], "events": [],
        "payment_intents": [{"id": "pi_1", "status": "succeeded", "amount": 2500, "currency": "usd", "created": 1,
            "next_action": {"type": "verify_with_microdeposits"}}], "items": [{"item_id": "item1", "institution_name": "Bank",
            "accounts": [{"name": "Checking", "mask": "0000"}]}]});
    let clock = json!({"now_s": 1_800_000_000, "shift_s": 90_000, "movable": true});
    let app = Router::new()
        .route("/_sandbox/apex/{*path}", post(apex))
        .route("/services/data/v66.0/query", get(async || Json(rows)))
        .route("/services/data/v66.0/sobjects/{object}/{id}", get(async || Json(record)))
        .route("/_sandbox/clock", get(async || Json(clock)).post(async || Json(json!({}))))
        .route("/_sandbox/account", get(async || Json(json!({"moto": false, "plaid_tokens": "enabled"}))))
        .route("/_sandbox/deliveries", get(async || Json(json!({"deliveries": []}))))
        .route("/_sandbox/requests", get(async || Json(json!({"requests": []}))))
        .route("/_sandbox/state", get(async || Json(state)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

struct Visitor {
    app: Router,
    world: Arc<Desk>,
    calls: Calls,
    _mail: mailbox::Served,
}

async fn desk() -> Visitor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let calls = Calls::default();
    let address = outside(calls.clone()).await;
    let faults = Arc::new(Faults::new(1));
    let mail = mailbox::serve(faults.clone(), mailbox::Options::default()).await.unwrap();
    let endpoints = json!({
        "version": 1,
        "salesforce": {"login_url": address, "instance_url": address, "pubsub": "", "org_id": "", "username": "", "client_id": "",
            "client_secret": "", "private_key_file": "", "api_version": "66.0", "admin_token": "admin", "clerk_token": "clerk"},
        "stripe": {"api_url": "", "js_url": "", "secret_key": "", "publishable_key": "", "webhook_secret": "",
            "control_url": format!("{address}/_sandbox")},
        "plaid": {"api_url": "", "js_url": "", "client_id": "", "secret": "",
            "control_url": format!("{address}/_sandbox")}, "smtp": {"host": "", "port": 1, "mailbox_url": ""},
        "ca_file": "", "page_url": "http://127.0.0.1:9", "console_url": "", "daemon_config": "",
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let plan = daemon::Plan {
        program: "/nowhere/quittance".into(),
        config: "/nowhere/quittance.toml".into(),
        log: std::env::temp_dir().join("quittance-console-test.log"),
        page_url: "http://127.0.0.1:9".to_owned(),
    };
    let world = Arc::new(Desk::from(World {
        outside: load::World { endpoints: serde_json::from_value(endpoints).unwrap(), http: http.clone() },
        mailbox: mail.handle.clone(),
        faults,
        daemon: daemon::Daemon::new(plan, http),
        lightning: Lightning {
            assets: "/nowhere/lightning".into(),
            people: vec![Person { key: "clerk", token: "clerk".to_owned() }],
        },
    }));
    Visitor { app: routes(world.clone()), world, calls, _mail: mail }
}

impl Visitor {
    async fn ask(&self, request: Request<Body>) -> (StatusCode, String, String) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let place = answer.headers().get(header::LOCATION).map_or("", |place| place.to_str().unwrap()).to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, place, String::from_utf8_lossy(&body).into_owned())
    }
    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header("host", "127.0.0.1:8000").body(Body::empty()).unwrap();
        let (status, _, body) = self.ask(request).await;
        (status, body)
    }
    async fn post(&self, path: &str, form: &str) -> (StatusCode, String, String) {
        let request = Request::post(path).header("host", "localhost:8000").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form.to_owned())).unwrap()).await
    }
}

const LETTER: &[u8] = b"Subject: Invoice INV-1 from Acme\r\nContent-Type: text/html\r\n\r\n<script>x</script>\r\n";

#[tokio::test]
async fn every_page_answers_with_one_heading_and_the_band() {
    let desk = desk().await;
    desk.world.mailbox.keep("a@b.example".to_owned(), vec!["c@d.example".to_owned()], LETTER.to_vec()).unwrap();
    let pages = [
        "/",
        "/org/accounts",
        "/org/invoices",
        "/org/payments",
        "/org/requests",
        "/org/links",
        "/org/errors",
        "/org/record/Invoice__c/a01000000000001AAA",
        "/mailbox",
        "/mailbox/1",
        "/mailbox/1?as=text",
        "/mailbox/1?as=source",
        "/mailbox/1?as=headers",
        "/stripe/customers",
        "/stripe/payment_intents",
        "/stripe/events",
        "/stripe/bank",
        "/plaid",
        "/faults",
    ];
    for page in pages {
        let (status, body) = desk.get(page).await;
        assert_eq!(status, StatusCode::OK, "{page}: {body}");
        assert_eq!(body.matches("<h1").count(), 1, "{page}");
        assert!(body.contains("SANDBOX") && body.contains("<html lang=\"en\">"), "{page}");
        assert!(!body.contains("INV-<1>") && !body.contains("<script>x"), "{page} shows a name as markup");
        assert!(!body.contains("role=\"alert\""), "{page}: {body}");
    }
    assert_eq!(desk.get("/nowhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_buttons_call_the_packages_own_controllers_and_say_what_they_said() {
    let desk = desk().await;
    let id = "a01000000000001AAA";
    let (status, place, _) =
        desk.post(&format!("/org/invoice/{id}/send"), "email=j%40x.example&note=&expires=2026-12-24").await;
    assert_eq!((status, place), (StatusCode::SEE_OTHER, format!("/org/record/Invoice__c/{id}?done=send")));
    desk.post(&format!("/org/invoice/{id}/revoke/a03000000000001AAA"), "").await;
    desk.post("/org/sync", "").await;
    let (_, _, copied) = desk.post(&format!("/org/invoice/{id}/copy"), "").await;
    assert!(copied.contains("http://127.0.0.1:9/p/token"));
    let (status, _, refused) = desk.post(&format!("/org/invoice/{id}/send"), "email=bad").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.contains("Check the e-mail address."), "{refused}");
    let calls = desk.calls.lock().unwrap().clone();
    assert_eq!(
        calls[0],
        (
            "SendPaymentLinkController/send".to_owned(),
            json!({"invoiceId": id, "email": "j@x.example", "note": null, "expiresOn": "2026-12-24"})
        )
    );
    assert_eq!(calls[1], ("SendPaymentLinkController/revoke".to_owned(), json!({"linkId": "a03000000000001AAA"})));
    assert_eq!(calls[2], ("SyncNowController/start".to_owned(), json!({})));
    assert_eq!(calls[3].0, "SendPaymentLinkController/copyLink");
}

#[tokio::test]
async fn a_fault_is_switched_and_a_sidecar_that_does_not_start_says_why() {
    let desk = desk().await;
    desk.post("/faults/lost_reply", "rate=0.5").await;
    assert!(
        desk.world.faults.list().iter().any(|(name, _, rate, _)| *name == "lost_reply" && (*rate - 0.5).abs() < 1e-9)
    );
    assert_eq!(desk.post("/faults/no_such", "rate=1").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.get("/faults").await.1.contains("Start the sidecar"));
    let (status, _, body) = desk.post("/sidecar/start", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("the daemon could not be started"), "{body}");
    assert_eq!(desk.post("/sidecar/kill", "").await.1, "/faults");
}

#[tokio::test]
async fn opening_the_mail_ticks_the_second_step() {
    let desk = desk().await;
    desk.world.mailbox.keep("a@b.example".to_owned(), vec!["c@d.example".to_owned()], LETTER.to_vec()).unwrap();
    assert!(desk.get("/").await.1.contains("Open the mail</a><span class=\"hidden\"> (not yet)"));
    desk.get("/mailbox/1").await;
    assert!(desk.get("/").await.1.contains("Open the mail</a><span class=\"hidden\"> (done)"));
}

#[tokio::test]
async fn another_site_can_neither_press_nor_read() {
    let desk = desk().await;
    let cross = Request::post("/sidecar/kill").header("host", "localhost:1").header("sec-fetch-site", "cross-site");
    assert_eq!(desk.ask(cross.body(Body::empty()).unwrap()).await.0, StatusCode::FORBIDDEN);
    let rebound = Request::get("/").header("host", "evil.example:80").body(Body::empty()).unwrap();
    assert_eq!(desk.ask(rebound).await.0, StatusCode::MISDIRECTED_REQUEST);
}
