//! `/_sandbox`: what happens to a Stripe account from outside the API. Dashboard payments and refunds, disputes, banks
//! that answer, time that passes. Bodies are JSON.
//!
//! | request | does |
//! |---|---|
//! | `GET state` | every object by kind |
//! | `GET requests?limit=` | the newest requests, and how many there were |
//! | `GET deliveries` | webhook deliveries and their outcomes |
//! | `GET rates`, `POST rates` | counters by endpoint; new limits `{"global_per_s", "endpoint_per_s", "search_per_s"}` |
//! | `GET clock` | the time of the banks, how far it was moved, and whether it can be |
//! | `POST clock` `{"advance_s"}` or `{"advance_hours"}` or `{"advance_days"}` | time passes, and what is due happens |
//! | `POST webhook` `{"url"}` | where events go |
//! | `POST webhook-secret` `{"endpoint", "secret"?, "keep_s"?}` | rolls a secret; the old one signs too for a while |
//! | `POST payments` `{"amount", "currency", "customer"?, "metadata"?, "method"?, "without_intent"?, "source"?}` | a payment made elsewhere; `"method": "bank"` debits the customer's bank |
//! | `POST intents/{id}/settle` `{"outcome": "succeeded" or a failure code}` | the bank answers a pending debit now |
//! | `POST intents/{id}/return` `{"code"? as "R10", "reason"?}` | the bank sends a debit back: it fails, or is disputed after it succeeded |
//! | `GET account`, `POST account` `{"moto"?, "plaid_tokens"?: "enabled", "refused" or "legacy"}` | what Stripe has switched on by hand |
//! | `POST methods/{id}/block` `{"code"}` | a bank account is blocked, by a return code |
//! | `POST methods/{id}/renew` `{"exp_month", "exp_year"}` | the card's bank has issued it anew, and its network tells Stripe |
//! | `POST methods/{id}/decline` `{"code"? as "insufficient_funds"}` | the card's bank declines it from now on |
//! | `POST mandates/{id}/revoke` | the customer takes the authorisation back |
//! | `POST intents/{id}/authenticate` `{"passed"}` | the customer finishes 3-D Secure |
//! | `POST refunds` `{"payment_intent" or "charge", "amount"?, "reason"?}` | a refund in the dashboard |
//! | `POST refunds/{id}/succeed`, `refunds/{id}/fail` `{"reason"?}` | the bank's answer to a refund |
//! | `POST disputes` `{"charge" or "payment_intent", "amount"?, "reason"?}` | a dispute is opened |
//! | `POST disputes/{id}/close` `{"outcome": "won" or "lost"}` | and decided |
//! | `POST customers/{id}/delete` | somebody deletes the customer in the dashboard |
//! | `POST bank-tokens` `{"account_number", "account_holder_name"?, "account_holder_type"?, "verified"?}` | a `btok_`, as Plaid asks for it |

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ledger::Kind;
use super::objects::{
    account, banks, charges, customers, debits, disputes, mandates, money, payment_intents, payment_methods, refunds,
    setup_intents, sources, webhook_endpoints,
};
use super::rates::RateLimits;
use super::refusal::{Answer, Refusal};
use super::server::{Stripe, lock};
use super::wire::params::Params;
use super::world::{World, text};

/// The furthest leap of the clock.
const MOST_S: i64 = 3_652 * 86_400;

/// Where the shift of the clock is kept.
pub const CLOCK_SETTING: &str = "set_clock";

pub fn router() -> Router<Arc<Stripe>> {
    Router::new()
        .route("/_sandbox/state", get(async |State(stripe): State<Arc<Stripe>>| Json(stripe.dump())))
        .route("/_sandbox/requests", get(requests))
        .route("/_sandbox/deliveries", get(deliveries))
        .route(
            "/_sandbox/rates",
            get(async |State(stripe): State<Arc<Stripe>>| Json(stripe.rate_use())).post(set_rates),
        )
        .route("/_sandbox/clock", get(clock).post(leap))
        .route(
            "/_sandbox/account",
            get(async |State(stripe): State<Arc<Stripe>>| Json(account::enabled(&lock(&stripe.world))))
                .post(set_account),
        )
        .route("/_sandbox/webhook", post(webhook))
        .route("/_sandbox/receipts/{id}", get(receipt))
        .route("/_sandbox/{*path}", post(act))
}

async fn clock(State(stripe): State<Arc<Stripe>>) -> Json<Value> {
    let world = lock(&stripe.world);
    Json(json!({"now_s": world.now_s(), "shift_s": world.clock.shift_s(), "movable": world.clock.can_move()}))
}

async fn set_account(State(stripe): State<Arc<Stripe>>, Json(wanted): Json<Value>) -> Response {
    answer(stripe.change(|world| account::enable(world, &wanted)))
}

async fn leap(State(stripe): State<Arc<Stripe>>, Json(wanted): Json<Value>) -> Response {
    answer(stripe.change(|world| advance(world, &wanted)))
}

#[derive(Deserialize)]
struct Newest {
    limit: Option<usize>,
}

async fn requests(State(stripe): State<Arc<Stripe>>, Query(newest): Query<Newest>) -> Json<Value> {
    let (total, entries) = lock(&stripe.log).newest(newest.limit.unwrap_or(500));
    Json(json!({"total": total, "requests": entries}))
}

async fn deliveries(State(stripe): State<Arc<Stripe>>) -> Json<Value> {
    let waiting = lock(&stripe.world).ledger.count(Kind::Delivery);
    let log: Vec<Value> = lock(&stripe.deliveries).iter().cloned().collect();
    Json(json!({"waiting": waiting, "deliveries": log}))
}

async fn set_rates(State(stripe): State<Arc<Stripe>>, Json(wanted): Json<Value>) -> Json<Value> {
    let mut limits = lock(&stripe.rate_limits);
    let pick = |name: &str, old: u32| wanted[name].as_u64().and_then(|new| u32::try_from(new).ok()).unwrap_or(old);
    *limits = RateLimits {
        global_per_s: pick("global_per_s", limits.global_per_s),
        endpoint_per_s: pick("endpoint_per_s", limits.endpoint_per_s),
        search_per_s: pick("search_per_s", limits.search_per_s),
    };
    Json(json!({"global_per_s": limits.global_per_s, "endpoint_per_s": limits.endpoint_per_s,
        "search_per_s": limits.search_per_s}))
}

async fn webhook(State(stripe): State<Arc<Stripe>>, Json(wanted): Json<Value>) -> Response {
    match wanted["url"].as_str() {
        Some(url) => {
            stripe.set_webhook(url);
            Json(json!({"url": url})).into_response()
        }
        None => answer(Err(Refusal::missing("url"))),
    }
}

/// What the payer sees behind `receipt_url`.
async fn receipt(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    let charge = lock(&stripe.world).show(Kind::Charge, &id);
    let Ok(charge) = charge else { return StatusCode::NOT_FOUND.into_response() };
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { title { "Receipt" } }
            body {
                h1 { "Receipt from the Stripe stand-in" }
                p { (charge["amount"]) " " (text(&charge, "currency").unwrap_or_default()) " in minor units, "
                    (text(&charge, "status").unwrap_or_default()) }
                p { "Refunded: " (charge["amount_refunded"]) }
            }
        }
    };
    page.into_response()
}

async fn act(State(stripe): State<Arc<Stripe>>, Path(path): Path<String>, body: Bytes) -> Response {
    let wanted: Value = if body.is_empty() {
        json!({})
    } else {
        match serde_json::from_slice(&body) {
            Ok(wanted @ Value::Object(_)) => wanted,
            _ => return answer(Err(Refusal::invalid("The body must be a JSON object."))),
        }
    };
    let segments: Vec<&str> = path.split('/').collect();
    answer(stripe.change(|world| decide(world, &segments, &wanted)))
}

fn answer(result: Answer) -> Response {
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.body()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], Body::from(body.to_string())).into_response()
}

fn decide(world: &mut World, path: &[&str], wanted: &Value) -> Answer {
    match path {
        ["payments"] => pay_elsewhere(world, wanted),
        ["intents", id, "settle"] => match text(wanted, "outcome").unwrap_or("succeeded") {
            "succeeded" => debits::debit_succeeds(world, id),
            code => debits::debit_fails(world, id, code),
        },
        ["intents", id, "return"] => {
            let charge = charge_of(world, &json!({"payment_intent": id}))?;
            let why = text(wanted, "code").or_else(|| text(wanted, "reason")).unwrap_or("insufficient_funds");
            if text(wanted, "code").is_some() && banks::returned(why).is_none() {
                return Err(Refusal::invalid(format!("{why} is no return code that the stand-in knows.")).param("code"));
            }
            // Before it succeeded it fails; afterwards it comes back as a dispute.
            match world.load(Kind::PaymentIntent, id)?["status"].as_str() {
                Some("processing") => debits::debit_fails(world, id, why),
                _ => disputes::bank_return(world, &charge, why),
            }
        }
        ["methods", id, "block"] => {
            let code = text(wanted, "code").unwrap_or("R02");
            let returned = banks::returned(code).or_else(|| banks::failure(code));
            let returned =
                returned.ok_or_else(|| Refusal::invalid(format!("{code} is no code that the stand-in knows.")))?;
            payment_methods::block(world, id, returned);
            payment_methods::as_payment_method(world, id).ok_or_else(|| Refusal::no_such("PaymentMethod", id))
        }
        ["methods", id, "renew"] => {
            let number = |name: &str| wanted[name].as_i64().ok_or_else(|| Refusal::missing(name));
            payment_methods::renew(world, id, number("exp_month")?, number("exp_year")?)
        }
        ["methods", id, "decline"] => {
            payment_methods::decline(world, id, text(wanted, "code").unwrap_or("generic_decline"))
        }
        ["mandates", id, "revoke"] => {
            mandates::invalidate(world, id);
            world.show(Kind::Mandate, id)
        }
        ["intents", id, "authenticate"] => {
            let passed = wanted["passed"].as_bool().unwrap_or(true);
            authenticate(world, id, passed)
        }
        ["refunds"] => {
            let charge = charge_of(world, wanted)?;
            let mut form = vec![format!("charge={charge}")];
            if let Some(amount) = wanted["amount"].as_i64() {
                form.push(format!("amount={amount}"));
            }
            if let Some(reason) = text(wanted, "reason") {
                form.push(format!("reason={reason}"));
            }
            refunds::create(world, Params::parse(&form.join("&"))?)
        }
        ["refunds", id, "succeed"] => refunds::succeed(world, id),
        ["refunds", id, "fail"] => refunds::fail(world, id, text(wanted, "reason").unwrap_or("unknown")),
        ["disputes"] => {
            let charge = charge_of(world, wanted)?;
            disputes::open(world, &charge, wanted["amount"].as_i64(), text(wanted, "reason").unwrap_or("fraudulent"))
        }
        ["disputes", id, "close"] => disputes::close(world, id, text(wanted, "outcome").unwrap_or("lost")),
        ["customers", id, "delete"] => customers::delete(world, id),
        ["webhook-secret"] => {
            let endpoint = match text(wanted, "endpoint") {
                Some(id) => id.to_owned(),
                None => {
                    let first = world.ledger.oldest_first(Kind::WebhookEndpoint).next();
                    first.and_then(|endpoint| text(endpoint, "id")).map(str::to_owned).unwrap_or_default()
                }
            };
            webhook_endpoints::roll(
                world,
                &endpoint,
                text(wanted, "secret"),
                wanted["keep_s"].as_i64().unwrap_or(86_400),
            )
        }
        ["bank-tokens"] => sources::issue_token(
            world,
            text(wanted, "account_number").unwrap_or("000123456789"),
            text(wanted, "account_holder_name"),
            text(wanted, "account_holder_type").unwrap_or("individual"),
            wanted["verified"].as_bool().unwrap_or(true),
        ),
        _ => Err(Refusal::no_route("POST", &format!("/_sandbox/{}", path.join("/")))),
    }
}

/// The end of 3-D Secure, whichever kind of intent asked for it.
pub fn authenticate(world: &mut World, id: &str, passed: bool) -> Answer {
    match Kind::of_id(id) {
        Some(Kind::SetupIntent) => setup_intents::authenticated(world, id, passed),
        _ => payment_intents::authenticated(world, id, passed),
    }
}

fn advance(world: &mut World, wanted: &Value) -> Answer {
    if !world.clock.can_move() {
        return Err(Refusal::invalid("This clock can't be moved: start the sandbox with --clock."));
    }
    let seconds = wanted["advance_s"].as_i64().or_else(|| wanted["advance_hours"].as_i64()?.checked_mul(3600));
    let seconds = seconds.or_else(|| wanted["advance_days"].as_i64()?.checked_mul(86_400));
    let seconds = seconds.ok_or_else(|| Refusal::missing("advance_s, advance_hours or advance_days"))?;
    if !(0..=MOST_S).contains(&seconds) {
        return Err(Refusal::invalid("The clock moves forward only, by at most ten years.").param("advance_s"));
    }
    world.clock.advance_s(seconds);
    let shift_s = world.clock.shift_s();
    world.ledger.put(Kind::Setting, json!({"id": CLOCK_SETTING, "shift_s": shift_s}));
    // One thing that happens can bring the next within the same stretch of time.
    let mut happened = 0;
    loop {
        match super::objects::timers::run_due(world) {
            0 => break,
            ran => happened += ran,
        }
    }
    Ok(json!({"now_s": world.now_s(), "happened": happened}))
}

fn charge_of(world: &World, wanted: &Value) -> Result<String, Refusal> {
    if let Some(charge) = text(wanted, "charge") {
        return Ok(charge.to_owned());
    }
    let id = text(wanted, "payment_intent").ok_or_else(|| Refusal::missing("payment_intent"))?;
    let intent = world.load(Kind::PaymentIntent, id)?;
    text(&intent, "latest_charge").map(str::to_owned).ok_or_else(|| {
        Refusal::state("payment_intent_unexpected_state", format!("PaymentIntent {id} has no charge yet."))
    })
}

/// A payment that somebody took in Stripe's dashboard or with another program.
/// The customer's bank account, as somebody has connected it.
fn verified_bank(world: &mut World, customer: &str) -> Result<String, Refusal> {
    let known = world.ledger.having(Kind::BankAccount, "customer", customer);
    if let Some(id) = known.first().and_then(|account| text(account, "id")) {
        return Ok(id.to_owned());
    }
    let made = sources::create(world, customer, Params::parse("source=btok_us_verified")?)?;
    Ok(text(&made, "id").unwrap_or_default().to_owned())
}

fn pay_elsewhere(world: &mut World, wanted: &Value) -> Answer {
    let amount = wanted["amount"].as_i64().ok_or_else(|| Refusal::missing("amount"))?;
    let currency = money::currency(text(wanted, "currency").unwrap_or("usd"))?;
    money::chargeable(amount, &currency)?;
    let customer = text(wanted, "customer");
    if let Some(customer) = customer {
        customers::living(world, customer, "customer")?;
    }
    let metadata = if wanted["metadata"].is_object() { wanted["metadata"].clone() } else { json!({}) };
    if wanted["without_intent"] == true {
        let charge = charges::made_elsewhere(world, amount, &currency, customer, metadata, text(wanted, "source"))?;
        return world.show(Kind::Charge, &charge);
    }
    let mut form = vec![format!("amount={amount}"), format!("currency={currency}")];
    if let Some(customer) = customer {
        form.push(format!("customer={customer}"));
    }
    let mut confirm = format!("payment_method={}", text(wanted, "method").unwrap_or("pm_card_visa"));
    if wanted["method"] == "bank" {
        confirm = format!("payment_method={}", verified_bank(world, customer.unwrap_or_default())?);
        form.push("allowed_payment_method_types[]=us_bank_account".to_owned());
        confirm += "&mandate_data[customer_acceptance][type]=offline";
    }
    let intent = payment_intents::create(world, Params::parse(&form.join("&"))?)?;
    let id = text(&intent, "id").unwrap_or_default().to_owned();
    let mut stored = world.load(Kind::PaymentIntent, &id)?;
    stored["metadata"] = metadata;
    stored["description"] = json!("Made elsewhere");
    world.put(Kind::PaymentIntent, stored);
    payment_intents::confirm(world, &id, Params::parse(&confirm)?)
}
