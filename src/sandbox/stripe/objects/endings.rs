//! Cancelling a PaymentIntent, and capturing what was only held; what a browser may see of one.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, public, text};

use super::balance;
use super::payment_intents::unexpected;

pub fn cancel(world: &mut World, id: &str, mut params: Params) -> Answer {
    let reasons = &["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
    let reason = params.choice("cancellation_reason", reasons)?;
    params.finish()?;
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    match text(&intent, "status") {
        Some("requires_payment_method" | "requires_confirmation" | "requires_action") => {}
        Some("requires_capture") => {
            if let Ok(mut charge) = world.load(Kind::Charge, text(&intent, "latest_charge").unwrap_or_default()) {
                charge["refunded"] = json!(true);
                charge["amount_refunded"] = charge["amount"].clone();
                world.put(Kind::Charge, charge.clone());
                world.emit("charge.refunded", &charge, None);
            }
        }
        _ => return Err(unexpected(&intent, "cancel")),
    }
    intent["status"] = json!("canceled");
    intent["canceled_at"] = json!(world.now_s());
    intent["cancellation_reason"] = json!(reason);
    intent["amount_capturable"] = json!(0);
    intent["next_action"] = Value::Null;
    intent["_challenge"] = Value::Null;
    world.put(Kind::PaymentIntent, intent.clone());
    world.emit("payment_intent.canceled", &intent, None);
    Ok(public(&intent))
}

pub fn capture(world: &mut World, id: &str, mut params: Params) -> Answer {
    let wanted = params.integer("amount_to_capture")?;
    let metadata = params.metadata()?;
    params.finish()?;
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    if intent["status"] != "requires_capture" {
        return Err(unexpected(&intent, "capture"));
    }
    let held = intent["amount_capturable"].as_i64().unwrap_or_default();
    let amount = wanted.unwrap_or(held);
    if amount < 1 || amount > held {
        return Err(Refusal::parameter(
            "amount_too_large",
            "amount_to_capture",
            format!("You can capture at most {held}."),
        ));
    }
    let mut charge = world.load(Kind::Charge, text(&intent, "latest_charge").unwrap_or_default())?;
    let charge_id = text(&charge, "id").unwrap_or_default().to_owned();
    let currency = text(&intent, "currency").unwrap_or_default().to_owned();
    charge["captured"] = json!(true);
    charge["amount_captured"] = json!(amount);
    charge["balance_transaction"] =
        json!(balance::record(world, "charge", &charge_id, amount, balance::fee(amount, true), &currency));
    world.put(Kind::Charge, charge.clone());
    world.emit("charge.captured", &charge, None);
    merge_metadata(&mut intent, metadata)?;
    intent["status"] = json!("succeeded");
    intent["amount_capturable"] = json!(0);
    intent["amount_received"] = json!(amount);
    world.put(Kind::PaymentIntent, intent.clone());
    world.emit("payment_intent.succeeded", &intent, None);
    Ok(public(&intent))
}

/// What the publishable key may see of an intent.
pub fn for_browser(intent: &Value) -> Value {
    const SEEN: &[&str] = &[
        "id",
        "object",
        "amount",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "processing",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "status",
        "usage",
    ];
    let seen = SEEN.iter().filter_map(|name| intent.get(*name).map(|value| ((*name).to_owned(), value.clone())));
    Value::Object(seen.collect())
}
