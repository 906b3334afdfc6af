//! `/v1/refunds`

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, public, text};

use super::cards::Conduct;
use super::{balance, cards, money, payment_methods};

const DAY_S: i64 = 86_400;

pub fn create(world: &mut World, mut params: Params) -> Answer {
    let amount = params.integer("amount")?;
    let charge = params.filled("charge")?;
    let intent = params.filled("payment_intent")?;
    let reason = params.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = params.metadata()?;
    params.filled("instructions_email")?;
    params.finish()?;
    if amount.is_some_and(|amount| amount < 1) {
        return Err(Refusal::parameter("parameter_invalid_integer", "amount", "Invalid positive integer"));
    }
    let charge_id = match (charge, intent) {
        (Some(charge), _) => charge,
        (None, Some(intent)) => {
            let intent = world.named(Kind::PaymentIntent, &intent, "payment_intent")?;
            let latest = text(&intent, "latest_charge").filter(|_| intent["status"] == "succeeded");
            latest.map(str::to_owned).ok_or_else(|| {
                let message = format!(
                    "This PaymentIntent ({}) does not have a successful charge to refund.",
                    text(&intent, "id").unwrap_or_default()
                );
                Refusal::state("payment_intent_unexpected_state", message).param("payment_intent")
            })?
        }
        (None, None) => {
            return Err(Refusal::missing("payment_intent"));
        }
    };
    let charge = world.named(Kind::Charge, &charge_id, "charge")?;
    let of = |field: &str| charge[field].as_i64().unwrap_or_default();
    if charge["status"] != "succeeded" || charge["captured"] != true {
        let message = format!("Charge {charge_id} has not succeeded, so that it can't be refunded.");
        return Err(Refusal::state("charge_not_refundable", message));
    }
    if charge["disputed"] == true && charge["_refundable"] != true {
        return Err(Refusal::state(
            "charge_disputed",
            format!("Charge {charge_id} has been charged back; cannot issue a refund."),
        ));
    }
    let open = of("amount_captured") - of("amount_refunded");
    if open == 0 {
        return Err(Refusal::state(
            "charge_already_refunded",
            format!("Charge {charge_id} has already been refunded."),
        ));
    }
    let amount = amount.unwrap_or(open);
    if amount > open {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({open})");
        return Err(Refusal::invalid(message).param("amount").code("amount_too_large").executed());
    }
    let currency = text(&charge, "currency").unwrap_or_default().to_owned();
    money::grain(amount, &currency)?;

    let method = text(&charge, "payment_method").and_then(|id| payment_methods::load(world, id)).unwrap_or_default();
    let card = text(&method, "_card").and_then(cards::named);
    let is_card = charge["payment_method_details"]["type"] == "card";
    let pending = !is_card || card.is_some_and(|card| card.conduct == Conduct::SlowRefund);
    let id = world.new_id(Kind::Refund);
    let kind = if is_card { "refund" } else { "payment_refund" };
    let transaction = balance::record(world, kind, &id, -amount, 0, &currency);
    let mut refund = json!({
        "id": id, "object": "refund", "amount": amount, "balance_transaction": transaction, "charge": charge_id,
        "created": world.now_s(), "currency": currency,
        "destination_details": if is_card {
            json!({"type": "card", "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                "type": "refund"}})
        } else {
            json!({"type": "us_bank_transfer", "us_bank_transfer": {"reference": null, "reference_status": "pending"}})
        },
        "metadata": {}, "payment_intent": charge["payment_intent"], "reason": reason, "receipt_number": null,
        "source_transfer_reversal": null, "status": if pending { "pending" } else { "succeeded" },
        "transfer_reversal": null,
    });
    if pending {
        refund["pending_reason"] = json!("processing");
        world.schedule(world.now_s() + if is_card { DAY_S } else { 3 * DAY_S }, "refund_succeeds", &id, Value::Null);
    }
    if card.is_some_and(|card| card.conduct == Conduct::FailingRefund) {
        world.schedule(world.now_s() + DAY_S, "refund_fails", &id, json!("lost_or_stolen_card"));
    }
    merge_metadata(&mut refund, metadata)?;
    world.put(Kind::Refund, refund.clone());
    world.emit("refund.created", &refund, None);
    count(world, &charge_id, amount);
    world.emit_about("charge.refunded", Kind::Charge, &charge_id);
    Ok(public(&refund))
}

/// Adds to what was refunded of a charge; negative when a refund failed.
fn count(world: &mut World, charge: &str, amount: i64) {
    let Some(mut charge) = world.ledger.get(Kind::Charge, charge).cloned() else { return };
    let refunded = charge["amount_refunded"].as_i64().unwrap_or_default() + amount;
    charge["amount_refunded"] = json!(refunded);
    charge["refunded"] = json!(charge["amount_captured"] == refunded);
    world.put(Kind::Charge, charge);
}

fn told(world: &mut World, refund: &Value) {
    world.emit("refund.updated", refund, None);
    world.emit("charge.refund.updated", refund, None);
}

pub fn succeed(world: &mut World, id: &str) -> Answer {
    let mut refund = world.load(Kind::Refund, id)?;
    if refund["status"] != "pending" {
        return Err(Refusal::state("refund_unexpected_state", format!("Refund {id} is not pending.")));
    }
    refund["status"] = json!("succeeded");
    if let Some(fields) = refund.as_object_mut() {
        fields.shift_remove("pending_reason");
    }
    world.put(Kind::Refund, refund.clone());
    told(world, &refund);
    Ok(public(&refund))
}

/// A refund fails, possibly long after it succeeded: the money is back in the balance and the charge can be refunded
/// again.
pub fn fail(world: &mut World, id: &str, reason: &str) -> Answer {
    let mut refund = world.load(Kind::Refund, id)?;
    if !matches!(text(&refund, "status"), Some("pending" | "succeeded")) {
        return Err(Refusal::state("refund_unexpected_state", format!("Refund {id} is over already.")));
    }
    let amount = refund["amount"].as_i64().unwrap_or_default();
    let currency = text(&refund, "currency").unwrap_or_default().to_owned();
    let transaction = balance::record(world, "refund_failure", id, amount, 0, &currency);
    refund["status"] = json!("failed");
    refund["failure_reason"] = json!(reason);
    refund["failure_balance_transaction"] = json!(transaction);
    if let Some(fields) = refund.as_object_mut() {
        fields.shift_remove("pending_reason");
    }
    world.put(Kind::Refund, refund.clone());
    count(world, text(&refund, "charge").unwrap_or_default(), -amount);
    told(world, &refund);
    world.emit("refund.failed", &refund, None);
    Ok(public(&refund))
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let metadata = params.metadata()?;
    params.finish()?;
    let mut refund = world.load(Kind::Refund, id)?;
    merge_metadata(&mut refund, metadata)?;
    world.put(Kind::Refund, refund.clone());
    told(world, &refund);
    Ok(public(&refund))
}

pub fn cancel(world: &World, id: &str, params: Params) -> Answer {
    params.finish()?;
    let refund = world.load(Kind::Refund, id)?;
    let status = text(&refund, "status").unwrap_or_default();
    // Only refunds that wait for the customer's action can be canceled; neither cards nor ACH know those.
    Err(Refusal::state("refund_not_cancelable", format!("A refund with a status of {status} can't be canceled.")))
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let charge = params.filled("charge")?;
    let intent = params.filled("payment_intent")?;
    params.finish()?;
    let url = "/v1/refunds";
    match (charge, intent) {
        (Some(id), _) => {
            page.of(world, Kind::Refund, url, world.ledger.having(Kind::Refund, "charge", &id).into_iter())
        }
        (None, Some(id)) => {
            page.of(world, Kind::Refund, url, world.ledger.having(Kind::Refund, "payment_intent", &id).into_iter())
        }
        (None, None) => page.of(world, Kind::Refund, url, world.ledger.newest_first(Kind::Refund)),
    }
}
