//! Plaid's side: who signed in at which bank, what Plaid was asked, and what it told.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::frame::{self, Place};
use super::views::{Column, cell, millis, table, text};
use super::world::{Desk, Problem};

const WEBHOOKS: &[Column] = &[
    Column { heading: "Type", cell: |row| cell(row, "type") },
    Column { heading: "Code", cell: |row| cell(row, "code") },
    Column { heading: "Item", cell: |row| cell(row, "item") },
    Column { heading: "Outcome", cell: |row| cell(row, "outcome") },
    Column { heading: "When", cell: |row| millis(row, "at_ms") },
];

const REQUESTS: &[Column] = &[
    Column { heading: "Path", cell: |row| cell(row, "path") },
    Column { heading: "Answer", cell: |row| cell(row, "status") },
    Column { heading: "Error", cell: |row| cell(row, "error_code") },
    Column { heading: "Fault", cell: |row| cell(row, "fault") },
    Column { heading: "When", cell: |row| millis(row, "at_ms") },
];

pub(super) async fn page(State(world): State<Arc<Desk>>) -> Markup {
    let body = html! {
        h1 { "Plaid" }
        h2 { "Bank sign-ins" }
        div id="items" data-live { (items(world.plaid("state").await)) }
        h2 { "Webhooks" }
        div id="webhooks" data-live { (rows("Webhooks", WEBHOOKS, "deliveries", world.plaid("deliveries").await)) }
        h2 { "Requests" }
        div id="requests" data-live { (rows("Requests", REQUESTS, "requests", world.plaid("requests?limit=100").await)) }
    };
    frame::page(Place::Plaid, "Plaid", &body)
}

fn items(answer: Result<Value, Problem>) -> Markup {
    let items = match answer {
        Ok(answer) => answer["items"].as_array().cloned().unwrap_or_default(),
        Err(problem) => return frame::problem(&problem),
    };
    html! {
        @if items.is_empty() { p { "Nobody has signed in at a bank yet." } }
        @for item in &items {
            @let id = text(item, "item_id");
            article aria-labelledby=(id) {
                h3 id=(id) { bdi { (text(item, "institution_name")) } }
                p {
                    @if item["removed"] == true { "Unlinked" }
                    @else if item["error"].is_null() { "In order" }
                    @else { (text(item, "error.error_code")) }
                    @for account in item["accounts"].as_array().into_iter().flatten() {
                        ", " (text(account, "name")) " ending " (text(account, "mask"))
                    }
                }
                @if item["removed"] != true {
                    div.line {
                        @for (act, words) in [("login-required", "Ask for a new sign-in"), ("repaired", "Signed in again elsewhere"), ("revoke", "Take the permission back")] {
                            form method="post" action=(format!("/plaid/{id}/{act}")) {
                                button { (words) span.hidden { " at " (text(item, "institution_name")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rows(name: &str, columns: &'static [Column], key: &str, answer: Result<Value, Problem>) -> Markup {
    let mut rows = match answer {
        Ok(answer) => answer[key].as_array().cloned().unwrap_or_default(),
        Err(problem) => return frame::problem(&problem),
    };
    rows.reverse();
    html! {
        @if rows.is_empty() { p { "Nothing here yet." } } @else { (table(name, columns, &rows)) }
    }
}

pub(super) async fn act(State(world): State<Arc<Desk>>, Path((id, act)): Path<(String, String)>) -> Response {
    let known = matches!(act.as_str(), "login-required" | "repaired" | "revoke");
    if !known || !id.chars().all(|sign| sign.is_ascii_alphanumeric()) {
        return frame::missing().await;
    }
    match world.press_plaid(&format!("items/{id}/{act}")).await {
        Ok(_) => Redirect::to("/plaid").into_response(),
        Err(problem) => frame::problem_page(Place::Plaid, &problem, "/plaid"),
    }
}
