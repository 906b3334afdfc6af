//! How an attempt to pay ends: the money is there, or the intent waits for another method.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::world::{World, public, text};

use super::charges::{self, Asked};
use super::payment_methods;

/// The money is there (or authorised): the end of every successful payment.
pub fn succeed(world: &mut World, id: &str, charge: &str) -> Answer {
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    let held = intent["capture_method"] == "manual";
    intent["latest_charge"] = json!(charge);
    intent["next_action"] = Value::Null;
    intent["last_payment_error"] = Value::Null;
    intent["processing"] = Value::Null;
    let amount = intent["amount"].clone();
    intent["status"] = json!(if held { "requires_capture" } else { "succeeded" });
    intent[if held { "amount_capturable" } else { "amount_received" }] = amount;
    world.put(Kind::PaymentIntent, intent.clone());
    store_method(world, &intent);
    let event = if held { "payment_intent.amount_capturable_updated" } else { "payment_intent.succeeded" };
    world.emit(event, &intent, None);
    Ok(public(&intent))
}

/// Keeps the method for its customer if that was asked, else it is used up.
fn store_method(world: &mut World, intent: &Value) {
    let method = text(intent, "payment_method").unwrap_or_default();
    match (text(intent, "setup_future_usage"), text(intent, "customer")) {
        (Some(usage), Some(customer)) => {
            if usage == "off_session" {
                payment_methods::note(world, method, "_set_up", json!(true));
            }
            payment_methods::bind(world, method, customer);
        }
        _ => {
            let attached = payment_methods::load(world, method).is_some_and(|method| !method["customer"].is_null());
            if !attached {
                payment_methods::note(world, method, "_used", json!(true));
            }
        }
    }
}

/// The attempt failed: a failed charge, the intent back to `requires_payment_method`, and the answer to give.
pub fn decline(
    world: &mut World,
    id: &str,
    code: &str,
    decline_code: Option<&str>,
    message: &str,
    with_charge: bool,
) -> Result<Refusal, Refusal> {
    let intent = world.load(Kind::PaymentIntent, id)?;
    let method_id = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let charge = if with_charge {
        let asked = Asked::Declined {
            code: code.to_owned(),
            decline_code: decline_code.map(str::to_owned),
            message: message.to_owned(),
        };
        Some(charges::attempt(world, &intent, &method_id, &asked)?)
    } else {
        None
    };
    let failed = fall_back(world, id, code, decline_code, message, charge.as_deref())?;
    let method = payment_methods::as_payment_method(world, &method_id).unwrap_or_default();
    let mut refusal =
        Refusal::card(code, decline_code, message).with("payment_intent", failed).with("payment_method", method);
    if let Some(charge) = charge {
        refusal = refusal.with("charge", json!(charge));
    }
    Ok(refusal)
}

/// Back to `requires_payment_method` with the reason, and the event.
pub fn fall_back(
    world: &mut World,
    id: &str,
    code: &str,
    decline_code: Option<&str>,
    message: &str,
    charge: Option<&str>,
) -> Answer {
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    let method_id = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let method = payment_methods::as_payment_method(world, &method_id).unwrap_or_default();
    let kind = if method["type"] == "card" && code != "payment_intent_authentication_failure" {
        "card_error"
    } else {
        "invalid_request_error"
    };
    let mut error = json!({
        "code": code, "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")),
        "message": message, "payment_method": method, "type": kind,
    });
    if let Some(decline_code) = decline_code {
        error["decline_code"] = json!(decline_code);
    }
    if let Some(charge) = charge {
        error["charge"] = json!(charge);
        intent["latest_charge"] = json!(charge);
    }
    intent["status"] = json!("requires_payment_method");
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    intent["processing"] = Value::Null;
    intent["last_payment_error"] = error;
    intent["_authenticated"] = json!(false);
    intent["_challenge"] = Value::Null;
    world.put(Kind::PaymentIntent, intent.clone());
    world.emit("payment_intent.payment_failed", &intent, None);
    Ok(public(&intent))
}
