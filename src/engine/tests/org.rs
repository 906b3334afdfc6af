//! Salesforce and Stripe's customers in a few lines, with what they can be told to do wrong.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::domain::{Command, CommandId, CommandKind, SalesforceId};
use crate::engine::clock::{SteadyClock, wall_ms};
use crate::engine::house::House;
use crate::store::Store;
use crate::store::outbox::Write;
use crate::{salesforce, stripe};

pub const ORG: &str = "00D000000000001EAA";

/// What the outside holds, and what it does next.
#[derive(Default)]
pub struct World {
    pub logins: usize,
    /// The only token that is taken.
    pub token: usize,
    /// Records by Id, for retrieve.
    pub records: BTreeMap<String, Value>,
    /// An id of another object: a read that names it is refused as a whole.
    pub bad_id: Option<String>,
    pub reads: Vec<usize>,
    /// What was written, in order: object, key, fields.
    pub written: Vec<(String, String, Map<String, Value>)>,
    /// What the next writes of a record answer, by its Id or external id.
    pub row_errors: HashMap<String, VecDeque<&'static str>>,
    /// What the next calls answer as a whole.
    pub call_errors: VecDeque<(u16, &'static str)>,
    /// A call that holds this record is refused as a whole.
    pub poison: Option<String>,
    pub composites: usize,
    pub limits: Option<(i64, i64)>,
    pub files: Vec<Value>,
    pub lose_upload: bool,
    pub customers: BTreeMap<String, Value>,
    pub keys: HashMap<String, String>,
    pub refuse_email: bool,
    pub customer_lists: usize,
    pub creates: usize,
}

type Shared = Arc<Mutex<World>>;

pub struct Outside {
    world: Shared,
    pub house: House,
    pub store: Store,
    pub stripe: stripe::Client,
}

fn refusal(status: u16, code: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!([{ "errorCode": code, "message": format!("{code} was met") }]))).into_response()
}

async fn signed_in(
    State(world): State<Shared>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let salesforce = request.uri().path().starts_with("/services/data/");
    if salesforce && given != format!("Bearer t{}", world.lock().unwrap().token) {
        return refusal(401, "INVALID_SESSION_ID");
    }
    next.run(request).await
}

async fn composite(State(world): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    world.composites += 1;
    if let Some((status, code)) = world.call_errors.pop_front() {
        return refusal(status, code);
    }
    if world.poison.as_ref().is_some_and(|poison| body.to_string().contains(poison)) {
        return refusal(400, "JSON_PARSER_ERROR");
    }
    let mut answers = Vec::new();
    for request in body["compositeRequest"].as_array().unwrap() {
        let external = request["url"].as_str().unwrap().split("/composite/sobjects/").nth(1);
        let field = external.map(|path| path.split('/').nth(1).unwrap().to_owned());
        let mut saved = Vec::new();
        for record in request["body"]["records"].as_array().unwrap() {
            let key = record[field.as_deref().unwrap_or("id")].as_str().unwrap().to_owned();
            match world.row_errors.get_mut(&key).and_then(VecDeque::pop_front) {
                Some(code) => saved.push(
                    json!({"success": false, "errors": [{"statusCode": code, "message": format!("{code} was met"), "fields": []}]}),
                ),
                None => {
                    let object = record["attributes"]["type"].as_str().unwrap().to_owned();
                    world.written.push((object, key.clone(), record.as_object().unwrap().clone()));
                    saved.push(json!({"success": true, "id": key, "errors": []}));
                }
            }
        }
        answers.push(json!({"body": saved, "httpStatusCode": 200, "referenceId": request["referenceId"]}));
    }
    Json(json!({ "compositeResponse": answers })).into_response()
}

async fn retrieve(State(world): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    let ids: Vec<&str> = body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    world.reads.push(ids.len());
    if world.bad_id.as_ref().is_some_and(|bad| ids.contains(&bad.as_str())) {
        return refusal(400, "MALFORMED_ID");
    }
    let rows: Vec<Value> = ids.iter().map(|id| world.records.get(*id).cloned().unwrap_or(Value::Null)).collect();
    Json(rows).into_response()
}

async fn query(State(world): State<Shared>, Query(ask): Query<HashMap<String, String>>) -> Json<Value> {
    let world = world.lock().unwrap();
    let records = match &ask["q"] {
        soql if soql.contains("FROM ContentVersion") => world.files.clone(),
        soql => world
            .records
            .values()
            .filter(|row| soql.contains(&format!("FROM {} ", row["object"].as_str().unwrap_or("-"))))
            .cloned()
            .collect(),
    };
    Json(json!({ "done": true, "records": records }))
}

async fn create_customer(
    State(world): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut world = world.lock().unwrap();
    world.creates += 1;
    if world.refuse_email && form.contains_key("email") {
        let error = json!({"error": {"type": "invalid_request_error", "code": "email_invalid", "param": "email",
            "message": format!("Invalid email address: {}", form["email"])}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let id = world.keys.get(&key).cloned().unwrap_or_else(|| format!("cus_{}", world.customers.len() + 1));
    let metadata: HashMap<&str, &str> = form
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("metadata[")?.strip_suffix(']')?, value.as_str())))
        .collect();
    let customer = json!({"id": id, "name": form["name"], "email": form.get("email"), "metadata": metadata, "created": wall_ms() / 1000});
    world.customers.insert(id.clone(), customer.clone());
    world.keys.insert(key, id);
    Json(customer).into_response()
}

async fn update_customer(
    State(world): State<Shared>,
    Path(id): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut world = world.lock().unwrap();
    match world.customers.get_mut(&id) {
        Some(customer) if customer["deleted"] == true => missing(),
        Some(customer) => {
            customer["name"] = form["name"].clone().into();
            customer["email"] = form.get("email").cloned().into();
            Json(customer.clone()).into_response()
        }
        None => missing(),
    }
}

fn missing() -> Response {
    let error =
        json!({"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such customer"}});
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

fn stand_ins(world: Shared, url: String) -> Router {
    let data = "/services/data/v66.0";
    Router::new()
        .route(
            "/services/oauth2/token",
            post(move |State(world): State<Shared>| async move {
                let mut world = world.lock().unwrap();
                world.logins += 1;
                world.token = world.logins;
                Json(json!({"access_token": format!("t{}", world.token), "token_type": "Bearer", "instance_url": url,
                    "id": format!("{url}/id/{ORG}/005000000000001AAA")}))
            }),
        )
        .route(&format!("{data}/composite"), post(composite))
        .route(&format!("{data}/composite/sobjects/{{object}}"), post(retrieve).merge(patch(|| async { "" })))
        .route(&format!("{data}/query"), get(query))
        .route(
            &format!("{data}/limits"),
            get(|State(world): State<Shared>| async move {
                match world.lock().unwrap().limits {
                    Some((most, left)) => {
                        Json(json!({"DailyDeliveredPlatformEvents": {"Max": most, "Remaining": left}})).into_response()
                    }
                    None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            }),
        )
        .route(
            &format!("{data}/sobjects/ContentVersion"),
            post(|State(world): State<Shared>, Json(mut file): Json<Value>| async move {
                let mut world = world.lock().unwrap();
                file["Id"] = format!("068{}", world.files.len()).into();
                let id = file["Id"].clone();
                world.files.push(file);
                match std::mem::take(&mut world.lose_upload) {
                    true => StatusCode::BAD_GATEWAY.into_response(),
                    false => Json(json!({"id": id, "success": true})).into_response(),
                }
            }),
        )
        .route(
            "/v1/customers",
            get(|State(world): State<Shared>| async move {
                let mut world = world.lock().unwrap();
                world.customer_lists += 1;
                let data: Vec<Value> = world.customers.values().cloned().collect();
                Json(json!({ "data": data, "has_more": false }))
            })
            .post(create_customer),
        )
        .route(
            "/v1/customers/{id}",
            get(|State(world): State<Shared>, Path(id): Path<String>| async move {
                world
                    .lock()
                    .unwrap()
                    .customers
                    .get(&id)
                    .map_or_else(missing, |found| Json(found.clone()).into_response())
            })
            .post(update_customer),
        )
        .layer(axum::middleware::from_fn_with_state(world.clone(), signed_in))
        .with_state(world)
}

impl Outside {
    pub async fn start(store: Store) -> Self {
        Self::start_at(store, wall_ms(), None).await
    }

    /// With a steady clock that begins elsewhere, and a bus of its own.
    pub async fn start_at(store: Store, now_ms: i64, bus: Option<String>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world: Shared = Arc::new(Mutex::new(World { limits: Some((25_000, 25_000)), ..World::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stand_ins = stand_ins(world.clone(), url.clone());
        tokio::spawn(async move { axum::serve(listener, stand_ins).await });
        let salesforce = salesforce::Client::new(salesforce::Settings {
            login_url: url.clone(),
            login: salesforce::Login::ClientCredentials { client_id: "c".into(), client_secret: "s".to_owned().into() },
            pubsub_url: bus.unwrap_or_else(|| url.clone()),
            ca_pem: None,
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        let stripe = stripe::Client::new(&stripe::Settings {
            api_url: url.clone(),
            secret_key: SecretString::from("sk_test_1"),
            ca_pem: None,
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        let house = House::new(store.clone(), salesforce, SteadyClock::start(now_ms, 0), CancellationToken::new());
        store.register_sidecar(&house.me(), 0).await.unwrap();
        Self { world, house, store, stripe }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub async fn write(&self, write: Write) {
        self.store.write_out(&write, self.house.now_ms()).await.unwrap();
    }

    pub async fn enqueue(&self, commands: &[Command]) {
        let mut tx = self.store.begin().await.unwrap();
        tx.enqueue(commands, self.house.now_ms()).await.unwrap();
        tx.commit().await.unwrap();
        self.house.commands_came.notify_waiters();
    }

    /// The fields that were last written to a record.
    pub fn written(&self, key: &str) -> Option<Map<String, Value>> {
        self.world().written.iter().rev().find(|(_, one, _)| one == key).map(|(.., fields)| fields.clone())
    }
}

pub fn command(id: &str, kind: CommandKind, record: &str) -> Command {
    let record = SalesforceId::parse(record).unwrap();
    Command { id: CommandId::parse(id).unwrap(), kind, lane: record.clone(), record }
}

/// Waits until it is so, for ten seconds.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not within 10 s: {what}");
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.house.stop.cancel();
    }
}
