//! `/_sandbox`: what happens at Plaid and at the banks from outside the API. Bodies are JSON.
//!
//! | request | does |
//! |---|---|
//! | `GET state` | items, link tokens and openings of Link; tokens cut short |
//! | `GET requests?limit=` | the newest requests, and how many there were |
//! | `GET deliveries` | webhook deliveries and their outcomes |
//! | `POST items/{id}/login-required` | the bank asks for a new sign-in |
//! | `POST items/{id}/repaired` | the customer signed in again elsewhere |
//! | `POST items/{id}/revoke` | the customer takes the permission back at the bank |
//! | `POST keys/rotate` | webhooks are signed with a new key; the old one is good for another week |

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoints::{reset_login, revoke};
use super::items;
use super::keys;
use super::refusal::{Answer, Refusal};
use super::server::{Plaid, lock};
use super::store::Kind;
use super::world::World;

pub fn router() -> Router<Arc<Plaid>> {
    Router::new()
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/requests", get(requests))
        .route("/_sandbox/deliveries", get(deliveries))
        .route("/_sandbox/{*path}", post(act))
}

async fn state(State(plaid): State<Arc<Plaid>>) -> Json<Value> {
    let world = lock(&plaid.world);
    let shown = |kind| -> Vec<Value> {
        let mut all: Vec<Value> = world.store.all(kind).into_iter().map(short).collect();
        all.reverse();
        all
    };
    let items: Vec<Value> = world.store.all(Kind::Item).into_iter().rev().map(item).collect();
    Json(json!({"items": items, "link_tokens": shown(Kind::LinkToken), "sessions": shown(Kind::Session),
        "now_s": world.now_s()}))
}

fn item(item: &Value) -> Value {
    let accounts: Vec<Value> = item["accounts"].as_array().into_iter().flatten().map(items::show_account).collect();
    let mut shown = items::show(item);
    shown["accounts"] = json!(accounts);
    shown["removed"] = item["removed"].clone();
    shown
}

/// Without accounts, and with tokens cut short.
fn short(document: &Value) -> Value {
    let mut shown = document.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.shift_remove("accounts");
        for (name, value) in fields.iter_mut() {
            if let Some(text) = value.as_str().filter(|text| name == "id" || text.contains("-sandbox-")) {
                *value = json!(text.chars().take(21).collect::<String>());
            }
        }
    }
    shown
}

#[derive(Deserialize)]
struct Newest {
    limit: Option<usize>,
}

async fn requests(State(plaid): State<Arc<Plaid>>, Query(newest): Query<Newest>) -> Json<Value> {
    let (total, entries) = lock(&plaid.log).newest(newest.limit.unwrap_or(500));
    Json(json!({"total": total, "requests": entries}))
}

async fn deliveries(State(plaid): State<Arc<Plaid>>) -> Json<Value> {
    let waiting = lock(&plaid.world).store.all(Kind::Delivery).len();
    let log = lock(&plaid.deliveries).clone();
    Json(json!({"waiting": waiting, "deliveries": log}))
}

async fn act(State(plaid): State<Arc<Plaid>>, Path(path): Path<String>) -> Response {
    let segments: Vec<&str> = path.split('/').collect();
    match plaid.change(|world| decide(world, &segments)) {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(refusal.error())).into_response()
        }
    }
}

fn decide(world: &mut World, path: &[&str]) -> Answer {
    let find = |world: &World, id: &str| {
        let found = world.find(Kind::Item, id).filter(|item| item["removed"] != true);
        found.ok_or_else(|| Refusal::item("ITEM_NOT_FOUND", format!("there is no item {id}")))
    };
    match path {
        ["items", id, "login-required"] => {
            let item = find(world, id)?;
            reset_login(world, item);
        }
        ["items", id, "repaired"] => {
            let mut item = find(world, id)?;
            item["error"] = Value::Null;
            world.put(Kind::Item, item.clone());
            world.tell(&item, "ITEM", "LOGIN_REPAIRED", json!({}));
        }
        ["items", id, "revoke"] => {
            let item = find(world, id)?;
            revoke(world, item);
        }
        ["keys", "rotate"] => return keys::rotate(world),
        _ => return Err(Refusal::no_route(&format!("/_sandbox/{}", path.join("/")))),
    }
    Ok(json!({"done": true}))
}
