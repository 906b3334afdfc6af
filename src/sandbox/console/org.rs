//! The org's records, one tab an object.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::World;
use super::frame::{self, Place};
use super::views::{Column, cell, money, state, table, text, time};

/// One tab: its address, its name, what it asks, what it shows, and what to do when there is nothing.
struct Tab {
    address: &'static str,
    name: &'static str,
    soql: &'static str,
    columns: &'static [Column],
    empty: &'static str,
}

macro_rules! columns {
    ($($heading:literal => $cell:expr),+ $(,)?) => { &[$(Column { heading: $heading, cell: $cell }),+] };
}

const TABS: &[Tab] = &[
    Tab {
        address: "accounts",
        name: "Accounts",
        soql: "SELECT Id, Name, Billing_Email__c, Phone, Stripe_Customer_Id__c, Stripe_In_Sync__c FROM Account \
            ORDER BY Name LIMIT 200",
        columns: columns!["Name" => |row| named("Account", row), "E-mail" => |row| cell(row, "Billing_Email__c"),
            "Phone" => |row| cell(row, "Phone"), "Stripe customer" => |row| cell(row, "Stripe_Customer_Id__c"),
            "In sync" => |row| cell(row, "Stripe_In_Sync__c")],
        empty: "No accounts yet.",
    },
    Tab {
        address: "invoices",
        name: "Invoices",
        soql: "SELECT Id, Name, Account__r.Name, Status__c, Currency_Code__c, Total__c, Settled__c, In_Flight__c, \
            Balance__c, Due_Date__c FROM Invoice__c ORDER BY Name LIMIT 200",
        columns: columns!["Invoice" => |row| named("Invoice__c", row), "Customer" => |row| cell(row, "Account__r.Name"),
            "Status" => |row| state(row, "Status__c"), "Total" => |row| money(row, "Total__c"),
            "Balance" => |row| money(row, "Balance__c"), "In flight" => |row| money(row, "In_Flight__c"),
            "Due" => |row| cell(row, "Due_Date__c")],
        empty: "No invoices yet.",
    },
    Tab {
        address: "payments",
        name: "Payments",
        soql: "SELECT Id, Name, Invoice__r.Name, Account__r.Name, State__c, Method_Detail__c, Amount__c, \
            Currency_Code__c, Received_At__c, Receipt_Number__c, Source__c FROM Payment__c \
            ORDER BY CreatedDate DESC LIMIT 200",
        columns: columns!["Payment" => |row| named("Payment__c", row), "Invoice" => |row| cell(row, "Invoice__r.Name"),
            "Customer" => |row| cell(row, "Account__r.Name"), "State" => |row| state(row, "State__c"),
            "Amount" => |row| money(row, "Amount__c"), "Method" => |row| cell(row, "Method_Detail__c"),
            "Receipt" => |row| cell(row, "Receipt_Number__c"), "Received" => |row| time(row, "Received_At__c")],
        empty: "No payments yet. Send a payment link from an invoice, and pay it.",
    },
    Tab {
        address: "requests",
        name: "Requests",
        soql: "SELECT Id, Name, Kind__c, Invoice__r.Name, State__c, Sentence__c, CreatedDate FROM Payment_Request__c \
            ORDER BY CreatedDate DESC LIMIT 200",
        columns: columns!["Request" => |row| named("Payment_Request__c", row), "Kind" => |row| cell(row, "Kind__c"),
            "Invoice" => |row| cell(row, "Invoice__r.Name"), "State" => |row| state(row, "State__c"),
            "What happened" => |row| cell(row, "Sentence__c"), "Asked" => |row| time(row, "CreatedDate")],
        empty: "No requests yet. The buttons on an invoice make them.",
    },
    Tab {
        address: "links",
        name: "Links",
        soql: "SELECT Id, Name, Invoice__r.Name, State__c, Sent_To__c, Sent_At__c, Expires_At__c FROM Payment_Link__c \
            ORDER BY CreatedDate DESC LIMIT 200",
        columns: columns!["Link" => |row| named("Payment_Link__c", row), "Invoice" => |row| cell(row, "Invoice__r.Name"),
            "State" => |row| state(row, "State__c"), "Sent to" => |row| cell(row, "Sent_To__c"),
            "Sent" => |row| time(row, "Sent_At__c"), "Works until" => |row| time(row, "Expires_At__c")],
        empty: "No links yet. Press Send Payment Link on an invoice.",
    },
    Tab {
        address: "errors",
        name: "Errors",
        soql: "SELECT Id, Name, Sentence__c, Remedy__c, Code__c, State__c, Happened_At__c FROM Payment_Error__c \
            ORDER BY CreatedDate DESC LIMIT 200",
        columns: columns!["Error" => |row| named("Payment_Error__c", row), "State" => |row| state(row, "State__c"),
            "What happened" => |row| cell(row, "Sentence__c"), "What to do" => |row| cell(row, "Remedy__c"),
            "Code" => |row| cell(row, "Code__c"), "When" => |row| time(row, "Happened_At__c")],
        empty: "No errors. Switch a fault on under Break something to see one.",
    },
];

fn named(object: &str, row: &Value) -> Markup {
    let id = text(row, "Id");
    let name = text(row, "Name");
    html! { a href=(format!("/org/record/{object}/{id}")) { bdi { @if name.is_empty() { (id) } @else { (name) } } } }
}

/// Which button was pressed before this page.
#[derive(Deserialize)]
pub(super) struct Done {
    pub(super) done: Option<String>,
}

pub(super) async fn first() -> Redirect {
    Redirect::to("/org/invoices")
}

pub(super) async fn tab(
    State(world): State<Arc<World>>,
    Path(address): Path<String>,
    Query(done): Query<Done>,
) -> Response {
    let Some(tab) = TABS.iter().find(|tab| tab.address == address) else { return frame::missing().await };
    let rows = world.query(tab.soql).await;
    let body = html! {
        h1 { (tab.name) }
        (menu(tab.address))
        @if done.done.as_deref() == Some("sync") {
            p.done role="status" { "The sidecar was asked to look at Stripe again. The request tells how far it is." }
        }
        form method="post" action="/org/sync" { button { "Sync now" } }
        div id="rows" data-live {
            @match &rows {
                Err(problem) => (frame::problem(problem)),
                Ok(rows) if rows.is_empty() => p { (tab.empty) },
                Ok(rows) => (table(tab.name, tab.columns, rows)),
            }
        }
    };
    frame::page(Place::Org, tab.name, &body).into_response()
}

/// The tabs, as links.
pub(super) fn menu(current: &str) -> Markup {
    html! {
        nav.tabs aria-label="Records" {
            ul { @for tab in TABS {
                li { a href=(format!("/org/{}", tab.address)) aria-current=[(tab.address == current).then_some("page")] { (tab.name) } }
            } }
        }
    }
}

/// "Sync Now", as the package's own controller does it.
pub(super) async fn sync(State(world): State<Arc<World>>) -> Response {
    match world.apex("SyncNowController", "start", &json!({})).await {
        Ok(_) => Redirect::to("/org/requests?done=sync").into_response(),
        Err(problem) => frame::problem_page(Place::Org, &problem, "/org/requests"),
    }
}

/// Rows of one tab that belong to one invoice.
pub(super) async fn related(world: &World, address: &str, invoice: &str) -> Markup {
    let Some(tab) = TABS.iter().find(|tab| tab.address == address) else { return html! {} };
    let soql = tab.soql.replacen(" ORDER BY", &format!(" WHERE Invoice__c = '{invoice}' ORDER BY"), 1);
    match world.query(&soql).await {
        Err(problem) => frame::problem(&problem),
        Ok(rows) if rows.is_empty() => html! { p.quiet { "None." } },
        Ok(rows) => table(tab.name, tab.columns, &rows),
    }
}
