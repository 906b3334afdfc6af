//! The banks' side of Stripe: each debit with what its bank can answer, the banks' clock, and what Stripe has switched on
//! by hand.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::frame::{self, Place};
use super::stripe::tabs;
use super::views::{seconds, state, stripe_money, text};
use super::world::Desk;

const ADDRESS: &str = "/stripe/bank";

/// The returns that a clerk meets, with what they mean.
const CODES: &[(&str, &str)] = &[
    ("R01", "insufficient funds"),
    ("R02", "account closed"),
    ("R03", "no such account"),
    ("R10", "the customer says it was not authorized"),
    ("R16", "account frozen"),
    ("R29", "a company says it was not authorized"),
];

pub(super) async fn page(State(world): State<Arc<Desk>>) -> Markup {
    let body = html! {
        h1 { "Stripe: bank debits" }
        (tabs("bank"))
        section aria-labelledby="clock" {
            h2 id="clock" { "The banks' clock" }
            div id="clock-live" data-live { (clock(&world).await) }
        }
        section aria-labelledby="debits" {
            h2 id="debits" { "Debits" }
            div id="debits-live" data-live { (debits(&world).await) }
        }
        section aria-labelledby="enabled" {
            h2 id="enabled" { "Switched on by Stripe" }
            div id="enabled-live" data-live { (enabled(&world).await) }
        }
    };
    frame::page(Place::Stripe, "Stripe: bank debits", &body)
}

async fn clock(world: &Desk) -> Markup {
    let clock = match world.stripe("clock").await {
        Ok(clock) => clock,
        Err(problem) => return frame::problem(&problem),
    };
    let ahead = clock["shift_s"].as_i64().unwrap_or_default();
    html! {
        p { "It is " (seconds(&clock, "now_s")) " at Stripe, Plaid and the banks"
            @if ahead > 0 { ", " (ahead / 86_400) " days and " (ahead % 86_400 / 3600) " hours ahead of this machine" } "." }
        p.quiet { "The sidecar, the org and the mailbox stay on this machine's clock." }
        @if clock["movable"] == true {
            form.line method="post" action="/stripe/bank/clock" {
                @for (hours, words) in [(1, "An hour later"), (24, "A day later"), (96, "Four days later"), (240, "Ten days later")] {
                    button name="hours" value=(hours) { (words) }
                }
            }
        } @else {
            p.quiet { "Start the sandbox with " code { "--clock" } " to move it." }
        }
    }
}

/// Whether an intent is, or may become, a bank debit.
fn is_debit(intent: &Value) -> bool {
    let waits = intent["next_action"]["type"] == "verify_with_microdeposits";
    waits || intent["_debit"] == true
}

async fn debits(world: &Desk) -> Markup {
    let all = match world.stripe("state").await {
        Ok(all) => all,
        Err(problem) => return frame::problem(&problem),
    };
    let charges = all["charges"].as_array().cloned().unwrap_or_default();
    let of_bank = |charge: &&Value| charge["payment_method_details"]["type"] != "card";
    let mut intents = all["payment_intents"].as_array().cloned().unwrap_or_default();
    for intent in &mut intents {
        let latest = charges.iter().filter(of_bank).find(|charge| charge["id"] == intent["latest_charge"]);
        intent["_debit"] = json!(latest.is_some());
        intent["_failure"] = latest.map(|charge| charge["failure_code"].clone()).unwrap_or_default();
        intent["_disputed"] = latest.map(|charge| charge["disputed"].clone()).unwrap_or_default();
    }
    intents.retain(is_debit);
    intents.truncate(100);
    html! {
        @if intents.is_empty() { p { "Nothing here yet: nobody has paid by bank." } }
        @for intent in &intents {
            article aria-labelledby=(text(intent, "id")) {
                h3 id=(text(intent, "id")) { (stripe_money(intent, "amount")) " " bdi { (text(intent, "metadata.sf_invoice_number")) } }
                p { (state(intent, "status")) " " code { (text(intent, "id")) }
                    @if intent["_disputed"] == true { " – sent back by the bank" }
                    @if !text(intent, "_failure").is_empty() { " – " (text(intent, "_failure")) } }
                (answers(intent))
            }
        }
    }
}

/// What the bank, or the customer's statement, can say now.
fn answers(intent: &Value) -> Markup {
    let id = text(intent, "id");
    let act = |what: &str| format!("/stripe/bank/{id}/{what}");
    let code = format!("code-{id}");
    let status = text(intent, "status");
    html! {
        @if intent["next_action"]["type"] == "verify_with_microdeposits" {
            p.quiet { "The customer's statement shows "
                @if intent["next_action"]["verify_with_microdeposits"]["microdeposit_type"] == "amounts" { "0.32 and 0.45." } @else { "0.01 with the code SM11AA." } }
        }
        @if status == "processing" {
            form.line method="post" action=(act("settle")) { button.main { "Settle" span.hidden { " " (id) } } }
        }
        @if status == "processing" || (status == "succeeded" && intent["_disputed"] != true) {
            form.line method="post" action=(act("return")) {
                label for=(code) { "Return code" }
                select id=(code) name="code" { @for (code, words) in CODES { option value=(code) { (code) ", " (words) } } }
                button { "Send it back" span.hidden { " " (id) } }
            }
        }
    }
}

async fn enabled(world: &Desk) -> Markup {
    let account = match world.stripe("account").await {
        Ok(account) => account,
        Err(problem) => return frame::problem(&problem),
    };
    let moto = account["moto"] == true;
    html! {
        form.line method="post" action="/stripe/bank/account" {
            span { "Phone orders (moto): " @if moto { "on" } @else { "off" } }
            button name="moto" value=(!moto) { @if moto { "Switch phone orders off" } @else { "Switch phone orders on" } }
        }
        form.line method="post" action="/stripe/bank/account" {
            span id="tokens" { "Bank accounts from Plaid" }
            @for (value, words) in [("enabled", "Enabled"), ("refused", "Not enabled yet"), ("legacy", "Older path (ach_debit)")] {
                button name="plaid_tokens" value=(value) aria-describedby="tokens" aria-pressed=(account["plaid_tokens"] == value) { (words) }
            }
        }
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    hours: Option<i64>,
    code: Option<String>,
    moto: Option<bool>,
    plaid_tokens: Option<String>,
}

pub(super) async fn leap(State(world): State<Arc<Desk>>, Form(wanted): Form<Wanted>) -> Response {
    press(&world, "clock", &json!({"advance_hours": wanted.hours})).await
}

pub(super) async fn enable(State(world): State<Arc<Desk>>, Form(wanted): Form<Wanted>) -> Response {
    press(&world, "account", &json!({"moto": wanted.moto, "plaid_tokens": wanted.plaid_tokens})).await
}

pub(super) async fn answer(
    State(world): State<Arc<Desk>>,
    Path((id, act)): Path<(String, String)>,
    Form(wanted): Form<Wanted>,
) -> Response {
    let known = matches!(act.as_str(), "settle" | "return");
    if !known || !id.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        return frame::missing().await;
    }
    let body = wanted.code.map_or_else(|| json!({}), |code| json!({"code": code}));
    press(&world, &format!("intents/{id}/{act}"), &body).await
}

async fn press(world: &Desk, path: &str, body: &Value) -> Response {
    match world.press_stripe(path, body).await {
        Ok(_) => Redirect::to(ADDRESS).into_response(),
        Err(problem) => frame::problem_page(Place::Stripe, &problem, ADDRESS),
    }
}
