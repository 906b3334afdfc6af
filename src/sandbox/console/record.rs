//! One record with all its fields; on an invoice, the quick action's buttons.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::World;
use super::frame::{self, Place};
use super::org::{self, Done};
use super::views::{cell, text, time};

const CONTROLLER: &str = "SendPaymentLinkController";

pub(super) async fn page(
    State(world): State<Arc<World>>,
    Path((object, id)): Path<(String, String)>,
    Query(done): Query<Done>,
) -> Response {
    if !is_name(&object) || !is_name(&id) {
        return frame::missing().await;
    }
    let record = match world.record(&object, &id).await {
        Ok(record) => record,
        Err(problem) => return frame::problem_page(Place::Org, &problem, "/org/invoices"),
    };
    if object == "Payment__c" && !text(&record, "Receipt_Number__c").is_empty() {
        world.receipt_seen.store(true, Ordering::Relaxed);
    }
    let name = text(&record, "Name");
    let title = if name.is_empty() { id.clone() } else { name };
    let invoice = object == "Invoice__c";
    let body = html! {
        h1 { bdi { (title) } }
        (org::menu(""))
        @if let Some(said) = done.done.as_deref().and_then(said) { p.done role="status" { (said) } }
        @if invoice { (actions(&world, &id).await) }
        div id="record" data-live {
            @if invoice {
                @for (heading, tab) in [("Requests", "requests"), ("Links", "links"), ("Payments", "payments")] {
                    h2 { (heading) }
                    (org::related(&world, tab, &id).await)
                }
            }
            (files(&world, &id).await)
            h2 { "Fields" }
            dl.fields {
                @for (field, value) in record.as_object().into_iter().flatten() {
                    @if field != "attributes" && !value.is_object() {
                        div { dt { (field) } dd { (shown(&record, field, value)) } }
                    }
                }
            }
        }
    };
    frame::page(Place::Org, &title, &body).into_response()
}

fn shown(record: &Value, field: &str, value: &Value) -> Markup {
    let words = value.as_str().unwrap_or_default();
    if words.len() > 18 && words.ends_with("+0000") {
        return time(record, field);
    }
    match object_of(words) {
        Some(object) if field != "Id" => html! { a href=(format!("/org/record/{object}/{words}")) { (words) } },
        _ => cell(record, field),
    }
}

/// Standard objects have known prefixes; ours are found by the field's name in the org, so only these are linked.
fn object_of(id: &str) -> Option<&'static str> {
    let plausible = id.len() == 18 && id.chars().all(|sign| sign.is_ascii_alphanumeric());
    (plausible && id.starts_with("001")).then_some("Account")
}

fn said(done: &str) -> Option<&'static str> {
    match done {
        "send" => Some("The link is on its way. The first request below tells how far it is; this page follows it."),
        "revoke" => Some("The link is being switched off. The first request below tells how far it is."),
        _ => None,
    }
}

/// What the component shows when it opens, and its buttons.
async fn actions(world: &World, id: &str) -> Markup {
    let offer = match world.apex(CONTROLLER, "load", &json!({"invoiceId": id})).await {
        Ok(offer) => offer,
        Err(problem) => return frame::problem(&problem),
    };
    let refusal = text(&offer, "refusal");
    let links = offer["openLinks"].as_array().cloned().unwrap_or_default();
    html! {
        section aria-labelledby="send" {
            h2 id="send" { "Send Payment Link" }
            @if refusal.is_empty() {
                form.stack method="post" action=(format!("/org/invoice/{id}/send")) {
                    label for="email" { "E-mail for this send" }
                    input id="email" name="email" type="email" autocomplete="off" value=(text(&offer, "email"));
                    label for="note" { "Note to the customer (optional)" }
                    input id="note" name="note" maxlength="255" autocomplete="off";
                    label for="expires" { "Last day on which it works (optional)" }
                    input id="expires" name="expires" type="date";
                    p { button.main { "Send Payment Link" } }
                }
                form method="post" action=(format!("/org/invoice/{id}/copy")) { button { "Copy Link" } }
            } @else {
                p.problem { (refusal) }
            }
            div id="open-links" data-live {
                @for link in &links {
                    form.line method="post" action=(format!("/org/invoice/{id}/revoke/{}", text(link, "recordId"))) {
                        span { "Open link to " bdi { (text(link, "sentTo")) } ", sent " (time(link, "sentAt")) }
                        button { "Revoke" span.hidden { " the link to " (text(link, "sentTo")) } }
                    }
                }
            }
        }
    }
}

async fn files(world: &World, id: &str) -> Markup {
    let soql = format!(
        "SELECT ContentDocument.Title, ContentDocument.LatestPublishedVersionId FROM ContentDocumentLink \
         WHERE LinkedEntityId = '{id}'"
    );
    // An org without files answers with an error, which is no news here.
    let rows = world.query(&soql).await.unwrap_or_default();
    html! {
        @if !rows.is_empty() {
            h2 { "Files" }
            ul { @for row in &rows {
                li { a href=(format!("/org/file/{}", text(row, "ContentDocument.LatestPublishedVersionId"))) { (text(row, "ContentDocument.Title")) } }
            } }
        }
    }
}

/// A name or an Id: letters, digits and underscores, so that it can stand in a query.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 80 && text.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    email: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    expires: String,
}

fn or_null(text: &str) -> Value {
    if text.trim().is_empty() { Value::Null } else { json!(text.trim()) }
}

pub(super) async fn send(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    let parameters = json!({
        "invoiceId": id, "email": or_null(&wanted.email), "note": or_null(&wanted.note), "expiresOn": or_null(&wanted.expires),
    });
    let back = format!("/org/record/Invoice__c/{id}");
    match world.apex(CONTROLLER, "send", &parameters).await {
        Ok(_) => Redirect::to(&format!("{back}?done=send")).into_response(),
        Err(problem) => frame::problem_page(Place::Org, &problem, &back),
    }
}

/// The link is said this once, so it stands in the answer itself and not behind a redirect.
pub(super) async fn copy(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    let back = format!("/org/record/Invoice__c/{id}");
    match world.apex(CONTROLLER, "copyLink", &json!({"invoiceId": id})).await {
        Ok(copied) => {
            let url = text(&copied, "url");
            let body = html! {
                h1 { "The link, this once" }
                p { "It is stored nowhere. It works as soon as the sidecar has registered it, within a moment." }
                p { code.link { (url) } }
                p { button type="button" data-copy=(url) { "Copy" } " " a href=(url) target="_blank" rel="noopener" { "Open the payment page" } }
                p { a href=(back) { "Back to the invoice" } }
            };
            frame::page(Place::Org, "The link", &body).into_response()
        }
        Err(problem) => frame::problem_page(Place::Org, &problem, &back),
    }
}

pub(super) async fn revoke(State(world): State<Arc<World>>, Path((id, link)): Path<(String, String)>) -> Response {
    let back = format!("/org/record/Invoice__c/{id}");
    match world.apex(CONTROLLER, "revoke", &json!({"linkId": link})).await {
        Ok(_) => Redirect::to(&format!("{back}?done=revoke")).into_response(),
        Err(problem) => frame::problem_page(Place::Org, &problem, &back),
    }
}

/// A file of the org. Receipts are PDFs; anything else is handed over as a download.
pub(super) async fn file(State(world): State<Arc<World>>, Path(version): Path<String>) -> Response {
    if !is_name(&version) {
        return frame::missing().await;
    }
    match world.file(&version).await {
        Ok(bytes) => {
            let pdf = bytes.starts_with(b"%PDF-");
            let (kind, place) =
                if pdf { ("application/pdf", "inline") } else { ("application/octet-stream", "attachment") };
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, place)];
            (headers, [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], bytes).into_response()
        }
        Err(problem) => frame::problem_page(Place::Org, &problem, "/org/payments"),
    }
}
