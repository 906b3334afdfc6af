//! Stripe's side, as its dashboard would show it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::frame::{self, Place};
use super::views::{Column, cell, millis, seconds, state, stripe_money, table, text};
use super::world::Desk;

struct Tab {
    address: &'static str,
    name: &'static str,
    /// Where the rows are asked for, and under which key they come.
    source: &'static str,
    key: &'static str,
    columns: &'static [Column],
}

const RAW: Column = Column { heading: "All of it", cell: raw };

macro_rules! columns {
    ($($heading:literal => $cell:expr),+ $(,)?) => { &[$(Column { heading: $heading, cell: $cell }),+, RAW] };
}

const TABS: &[Tab] = &[
    Tab {
        address: "customers",
        name: "Customers",
        source: "state",
        key: "customers",
        columns: columns![
        "Id" => id, "Name" => |row| cell(row, "name"), "E-mail" => |row| cell(row, "email"),
        "Account" => |row| account(row), "Made" => |row| seconds(row, "created")],
    },
    Tab {
        address: "payment_intents",
        name: "Payments",
        source: "state",
        key: "payment_intents",
        columns: columns![
        "Id" => id, "Status" => |row| state(row, "status"), "Amount" => |row| stripe_money(row, "amount"),
        "Received" => |row| stripe_money(row, "amount_received"), "Invoice" => |row| cell(row, "metadata.sf_invoice_number"),
        "Made" => |row| seconds(row, "created")],
    },
    Tab {
        address: "refunds",
        name: "Refunds",
        source: "state",
        key: "refunds",
        columns: columns![
        "Id" => id, "Status" => |row| state(row, "status"), "Amount" => |row| stripe_money(row, "amount"),
        "Payment" => |row| cell(row, "payment_intent"), "Made" => |row| seconds(row, "created")],
    },
    Tab {
        address: "events",
        name: "Events",
        source: "state",
        key: "events",
        columns: columns![
        "Id" => id, "Type" => |row| cell(row, "type"), "About" => |row| cell(row, "data.object.id"),
        "Still to deliver" => |row| cell(row, "pending_webhooks"), "When" => |row| seconds(row, "created")],
    },
    Tab {
        address: "deliveries",
        name: "Webhooks",
        source: "deliveries",
        key: "deliveries",
        columns: columns![
        "Event" => |row| cell(row, "event"), "Type" => |row| cell(row, "type"), "Outcome" => |row| cell(row, "outcome"),
        "Try" => |row| cell(row, "attempt"), "When" => |row| millis(row, "at_ms")],
    },
    Tab {
        address: "requests",
        name: "Requests",
        source: "requests?limit=200",
        key: "requests",
        columns: columns![
        "Method" => |row| cell(row, "method"), "Path" => |row| cell(row, "path"), "Answer" => |row| cell(row, "status"),
        "Idempotency key" => |row| cell(row, "idempotency_key"), "Fault" => |row| cell(row, "fault"),
        "Took" => |row| html! { (text(row, "duration_ms")) " ms" }, "When" => |row| millis(row, "at_ms")],
    },
];

fn id(row: &Value) -> Markup {
    html! { code { (text(row, "id")) } }
}

fn account(row: &Value) -> Markup {
    let id = text(row, "metadata.sf_account_id");
    html! { @if id.is_empty() { span.quiet { "–" } } @else { a href=(format!("/org/record/Account/{id}")) { (id) } } }
}

fn raw(row: &Value) -> Markup {
    let json = serde_json::to_string_pretty(row).unwrap_or_default();
    html! { details { summary { "JSON" } pre { (json) } } }
}

pub(super) fn tabs(here: &str) -> Markup {
    let all = TABS.iter().map(|tab| (tab.address, tab.name)).chain([("bank", "Bank debits")]);
    html! {
        nav.tabs aria-label="Stripe" {
            ul { @for (address, name) in all {
                li { a href=(format!("/stripe/{address}")) aria-current=[(address == here).then_some("page")] { (name) } }
            } }
        }
    }
}

pub(super) async fn first() -> Redirect {
    Redirect::to("/stripe/payment_intents")
}

pub(super) async fn tab(State(world): State<Arc<Desk>>, Path(address): Path<String>) -> Response {
    let Some(tab) = TABS.iter().find(|tab| tab.address == address) else { return frame::missing().await };
    let rows = world.stripe(tab.source).await.map(|answer| {
        let mut rows = answer[tab.key].as_array().cloned().unwrap_or_default();
        // The logs come oldest first, the objects newest first.
        if tab.source != "state" {
            rows.reverse();
        }
        rows.truncate(200);
        rows
    });
    let body = html! {
        h1 { "Stripe: " (tab.name) }
        (tabs(tab.address))
        div id="rows" data-live {
            @match &rows {
                Err(problem) => (frame::problem(problem)),
                Ok(rows) if rows.is_empty() => p { "Nothing here yet." },
                Ok(rows) => (table(tab.name, tab.columns, rows)),
            }
        }
    };
    frame::page(Place::Stripe, &format!("Stripe: {}", tab.name), &body).into_response()
}
