//! Stripe and Salesforce in a few lines, and the daemon's money side in front of them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::super::{App, Company, Settings, router};
use crate::domain::SalesforceId;
use crate::engine::clock::{SteadyClock, wall_ms};
use crate::engine::house::House;
use crate::engine::links::{Links, Request as LinkRequest};
use crate::engine::payments::{Desk, Payments, Settings as PaymentSettings};
use crate::engine::receipts::Receipts;
use crate::mail::{Mailer, Sender};
use crate::store::Store;
use crate::{receipt, salesforce, stripe};

pub const ORG: &str = "00D000000000001EAA";
pub const INVOICE: &str = "a00D000000IqhSL";
pub const ACCOUNT: &str = "001D000000IqhSL";
pub const LINK: &str = "0b8f7e6c-1111-4222-8333-444455556666";

/// What the outside holds.
#[derive(Default)]
pub struct World {
    pub intents: BTreeMap<String, Value>,
    pub keys: HashMap<String, String>,
    /// Answers of POST /v1/payment_intents that get lost after the effect.
    pub lose_replies: usize,
    pub stripe_down: bool,
    pub salesforce_down: bool,
    pub total: f64,
    pub status: String,
    pub refunds: Vec<Value>,
    pub disputes: Vec<Value>,
}

pub type Shared = Arc<Mutex<World>>;

pub struct Outside {
    pub world: Shared,
    pub app: App,
    pub store: Store,
    pub payments: Payments,
    pub links: Links,
}

async fn down(State(world): State<Shared>, request: Request, next: axum::middleware::Next) -> Response {
    let stripe = request.uri().path().starts_with("/v1/");
    let fails = {
        let world = world.lock().unwrap();
        if stripe { world.stripe_down } else { world.salesforce_down && request.uri().path().contains("/query") }
    };
    if fails { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { next.run(request).await }
}

async fn create_intent(
    State(world): State<Shared>,
    headers: axum::http::HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut world = world.lock().unwrap();
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let id = match world.keys.get(&key) {
        Some(id) => id.clone(),
        None => {
            let id = format!("pi_{}", world.intents.len() + 1);
            let metadata: serde_json::Map<String, Value> = form
                .iter()
                .filter_map(|(name, value)| {
                    let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
                    Some((name.to_owned(), Value::from(value.clone())))
                })
                .collect();
            let intent = json!({
                "id": id, "status": "requires_payment_method", "amount": form["amount"].parse::<i64>().unwrap(),
                "amount_received": 0, "currency": form["currency"], "customer": form["customer"], "metadata": metadata,
                "client_secret": format!("{id}_secret_x"), "created": wall_ms() / 1000, "livemode": false,
                "payment_method_types": ["card"],
            });
            world.intents.insert(id.clone(), intent);
            world.keys.insert(key, id.clone());
            id
        }
    };
    if world.lose_replies > 0 {
        world.lose_replies -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(world.intents[&id].clone()).into_response()
}

async fn cancel_intent(State(world): State<Shared>, Path(id): Path<String>) -> Response {
    let mut world = world.lock().unwrap();
    let intent = world.intents.get_mut(&id).unwrap();
    if intent["status"] == "succeeded" {
        let error = json!({"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    intent["status"] = "canceled".into();
    Json(intent.clone()).into_response()
}

async fn query(State(world): State<Shared>, Query(ask): Query<HashMap<String, String>>) -> Json<Value> {
    let world = world.lock().unwrap();
    let soql = &ask["q"];
    let records = if soql.contains("FROM Invoice__c") {
        json!([{
            "Id": INVOICE, "Name": "INV-1042", "Status__c": world.status, "Total__c": world.total, "Currency_Code__c": "USD",
            "Due_Date__c": "2026-12-14", "Description__c": "Roof <repair>", "Account__c": ACCOUNT, "Billing_Email__c": null,
            "Account__r": {"Name": "Müller & Söhne", "Billing_Email__c": "pay@mueller.example",
                "Stripe_Customer_Id__c": "cus_1"},
        }])
    } else {
        json!([])
    };
    Json(json!({ "totalSize": 1, "done": true, "records": records }))
}

fn stand_ins(world: Shared, url: String) -> Router {
    let empty = || async { Json(json!({ "data": [], "has_more": false })) };
    Router::new()
        .route(
            "/services/oauth2/token",
            post(move || async move {
                Json(json!({"access_token": "t", "token_type": "Bearer", "instance_url": url,
                "id": format!("{url}/id/{ORG}/005000000000001AAA")}))
            }),
        )
        .route("/services/data/v66.0/query", get(query))
        .route(
            "/v1/payment_intents",
            get(|State(world): State<Shared>| async move {
                let data: Vec<Value> = world.lock().unwrap().intents.values().cloned().collect();
                Json(json!({ "data": data, "has_more": false }))
            })
            .post(create_intent),
        )
        .route(
            "/v1/payment_intents/{id}",
            get(|State(world): State<Shared>, Path(id): Path<String>| async move {
                Json(world.lock().unwrap().intents[&id].clone())
            }),
        )
        .route("/v1/payment_intents/{id}/cancel", post(cancel_intent))
        .route(
            "/v1/refunds",
            get(|State(world): State<Shared>| async move {
                Json(json!({ "data": world.lock().unwrap().refunds.clone(), "has_more": false }))
            }),
        )
        .route("/v1/charges", get(empty))
        .route("/v1/setup_intents", get(empty))
        .route(
            "/v1/disputes",
            get(|State(world): State<Shared>| async move {
                Json(json!({ "data": world.lock().unwrap().disputes.clone(), "has_more": false }))
            }),
        )
        .route("/v1/events", get(empty))
        .layer(axum::middleware::from_fn_with_state(world.clone(), down))
        .with_state(world)
}

impl Outside {
    pub async fn start(store: Store) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world: Shared = Arc::new(Mutex::new(World { total: 1240.0, status: "Open".into(), ..World::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stand_ins = stand_ins(world.clone(), url.clone());
        tokio::spawn(async move { axum::serve(listener, stand_ins).await });

        let salesforce = salesforce::Client::new(salesforce::Settings {
            login_url: url.clone(),
            login: salesforce::Login::ClientCredentials { client_id: "c".into(), client_secret: "s".to_owned().into() },
            pubsub_url: url.clone(),
            ca_pem: None,
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        let stripe = stripe::Client::new(&stripe::Settings {
            api_url: url,
            secret_key: SecretString::from("sk_test_1"),
            ca_pem: None,
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        let house = House::new(store.clone(), salesforce, SteadyClock::start(wall_ms(), 0), CancellationToken::new());
        let settings = PaymentSettings {
            org: SalesforceId::parse(ORG).unwrap(),
            public_url: "https://pay.acme.example".into(),
            mail_domain: "acme.example".into(),
            test: true,
            zone: TimeZone::UTC,
            statement_descriptor_suffix: Some("INVOICE".into()),
            sweep_every: Duration::from_secs(900),
            listing_every: Duration::from_secs(86_400),
            company: "Larkspur Supply Company, Inc.".into(),
            legal_name: "Acme, Inc.".into(),
            contact: "+1 503 555 0100".into(),
            desk: Desk::default(),
        };
        let payments = Payments::new(house, stripe, settings);
        let sender = Sender::new("Acme", "billing@acme.example", None).unwrap();
        let mailer = Mailer::new(&SecretString::from("smtp://127.0.0.1:9"), sender).unwrap();
        let links = Links::new(payments.clone(), mailer.clone(), SecretString::from("key of the house"), TimeZone::UTC);
        let company = receipt::Company { name: "Acme".into(), ..receipt::Company::default() };
        let receipts = Receipts::new(payments.clone(), mailer, company, TimeZone::UTC);
        let settings = Settings {
            company: Company { name: "Acme".into(), phone: Some("+1 555 0100".into()), ..Company::default() },
            stripe_js_url: "https://js.stripe.com/endive/stripe.js".into(),
            publishable_key: "pk_test_1".into(),
            webhook_secrets: vec![SecretString::from("whsec_1")],
            trusted_proxies: Vec::new(),
            test: true,
            zone: TimeZone::UTC,
            stripe_hosts: Vec::new(),
            banks: None,
        };
        let app = App::new(links.clone(), receipts, settings, String::new, || None);
        let outside = Self { world, app, store, payments, links };
        outside.payments.sweep_at_start().await.unwrap();
        outside
    }

    /// A link whose token the clerk copied. Answers the token.
    pub async fn link(&self) -> String {
        let token = "t".repeat(43);
        let request = LinkRequest {
            record: SalesforceId::parse("a01D000000IqhSL").unwrap(),
            id: crate::domain::RequestId::parse(LINK).unwrap(),
            kind: "Copy Link".into(),
            state: "Waiting".into(),
            invoice: Some(SalesforceId::parse(INVOICE).unwrap()),
            link: None,
            email: None,
            note: None,
            link_expires_ms: None,
            expires_ms: None,
            token_hash: Some(crate::domain::link::token_hash(&token)),
            method: None,
            amount: None,
        };
        self.links.copy(&request).await.unwrap();
        token
    }

    pub fn intent(&self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.world.lock().unwrap().intents.get_mut(id).unwrap());
    }

    /// The payer's card is charged, as the browser would have it done.
    pub fn charge(&self, id: &str) {
        self.intent(id, |intent| {
            intent["status"] = "succeeded".into();
            intent["amount_received"] = intent["amount"].clone();
            intent["latest_charge"] = json!({
                "id": format!("ch_{id}"), "status": "succeeded", "captured": true, "amount": intent["amount"],
                "amount_captured": intent["amount"], "currency": "usd", "created": 1_764_000_000, "amount_refunded": 0,
                "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
            });
        });
    }

    pub fn decline(&self, id: &str, code: &str, charge: &str) {
        self.intent(id, |intent| {
            intent["last_payment_error"] = json!({"code": "card_declined", "decline_code": code, "charge": charge});
        });
    }

    /// What waits for Salesforce.
    pub async fn outbox(&self, object: &str) -> Vec<Value> {
        let mut tx = self.store.begin().await.unwrap();
        let rows = crate::store::fetch_all!(
            &mut tx,
            (String,),
            "SELECT fields FROM outbox WHERE object = $1 ORDER BY seq",
            object
        )
        .unwrap();
        rows.into_iter().map(|row| serde_json::from_str(&row.0).unwrap()).collect()
    }
}

/// A browser: one cookie jar, no script.
pub struct Browser {
    app: App,
    cookie: Option<String>,
}

pub struct Seen {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    pub fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let start = self.text.find(&mark).unwrap_or_else(|| panic!("no {name} in {}", self.text)) + mark.len();
        self.text[start..].split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub fn new(outside: &Outside) -> Self {
        Self { app: outside.app.clone(), cookie: None }
    }

    /// What its cookie holds.
    pub fn secret(&self) -> String {
        self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).map(|(_, secret)| secret.to_owned()).unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Seen {
        self.send("GET", path, None, false).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Seen {
        self.send("POST", path, Some(form), false).await
    }

    pub async fn fetch(&mut self, path: &str, form: &[(&str, &str)]) -> Seen {
        self.send("POST", path, Some(form), true).await
    }

    async fn send(&mut self, method: &str, path: &str, form: Option<&[(&str, &str)]>, json: bool) -> Seen {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if json {
            request = request.header("accept", "application/json");
        }
        let body = match form {
            None => Body::empty(),
            Some(form) => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                let form = form.iter().fold(stripe::Form::new(), |form, (name, value)| form.with(name, value));
                Body::from(form.into_body())
            }
        };
        let peer: SocketAddr = "192.0.2.1:1234".parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(body).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        Seen {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Opens the link as a person does, up to the payment page.
    pub async fn open(&mut self, token: &str) -> Seen {
        let before = self.get(&format!("/p/{token}")).await;
        assert_eq!(before.status, 200, "{}", before.text);
        let on = self.post(&format!("/p/{token}"), &[("csrf", &before.hidden("csrf"))]).await;
        assert_eq!(on.status, 303, "{}", on.text);
        let to = on.headers["location"].to_str().unwrap().to_owned();
        self.get(&to).await
    }

    /// Presses Pay on a page, as the script does.
    pub async fn pay(&mut self, page: &Seen, amount: Option<&str>, more: &[(&str, &str)]) -> Seen {
        let csrf = page.hidden("csrf");
        let press = uuid::Uuid::new_v4().to_string();
        let shown = page.hidden("shown");
        let mut form = vec![
            ("csrf", csrf.as_str()),
            ("shown", &shown),
            ("currency", "USD"),
            ("method", "new"),
            ("choice", if amount.is_some() { "part" } else { "full" }),
            ("amount", amount.unwrap_or_default()),
        ];
        if !more.iter().any(|(name, _)| *name == "press") {
            form.push(("press", &press));
        }
        form.extend_from_slice(more);
        self.fetch(&format!("/pay/{LINK}/attempts"), &form).await
    }
}
