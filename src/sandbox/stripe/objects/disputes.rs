//! `/v1/disputes`: money that the customer's bank took back, and bank returns, which Stripe shows as disputes too.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, public, text};

use super::{balance, banks, mandates, payment_methods};

const DISPUTE_FEE: i64 = 1500;
const EVIDENCE: &[&str] = &["uncategorized_text", "product_description", "customer_name", "customer_email_address"];

/// Opens a dispute on a charge. An inquiry (`reason` `inquiry`) takes no money yet.
pub fn open(world: &mut World, charge_id: &str, amount: Option<i64>, reason: &str) -> Answer {
    let mut charge = world.named(Kind::Charge, charge_id, "charge")?;
    if charge["status"] != "succeeded" || charge["disputed"] == true {
        return Err(Refusal::state("charge_not_disputable", format!("Charge {charge_id} can't be disputed.")));
    }
    let amount = amount.unwrap_or_else(|| charge["amount"].as_i64().unwrap_or_default());
    let currency = text(&charge, "currency").unwrap_or_default().to_owned();
    let is_card = charge["payment_method_details"]["type"] == "card";
    let inquiry = reason == "inquiry";
    let id = world.new_id(Kind::Dispute);
    let transactions = if inquiry {
        json!([])
    } else {
        let transaction = balance::record(world, "adjustment", &id, -amount, DISPUTE_FEE, &currency);
        json!([world.show(Kind::BalanceTransaction, &transaction)?])
    };
    let details = if is_card {
        let card = &charge["payment_method_details"]["card"];
        json!({"type": "card", "card": {"brand": card["brand"], "case_type": if inquiry { "inquiry" } else { "chargeback" },
            "network_reason_code": "10.4"}})
    } else {
        Value::Null
    };
    let mut dispute = json!({
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": transactions, "charge": charge_id,
        "created": world.now_s(), "currency": currency, "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}}, "evidence_details": {"due_by": world.now_s() + 7 * 86_400, "enhanced_eligibility": {},
            "has_evidence": false, "past_due": false, "submission_count": 0},
        "is_charge_refundable": inquiry, "livemode": false, "metadata": {}, "payment_intent": charge["payment_intent"],
        "reason": if inquiry { "fraudulent" } else { reason },
        "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    });
    // Bank debits have none: the document knows cards and wallets only.
    if is_card {
        dispute["payment_method_details"] = details;
    }
    charge["disputed"] = json!(true);
    charge["_refundable"] = json!(inquiry);
    world.put(Kind::Charge, charge);
    world.put(Kind::Dispute, dispute.clone());
    world.emit("charge.dispute.created", &dispute, None);
    if !inquiry {
        world.emit("charge.dispute.funds_withdrawn", &dispute, None);
    }
    Ok(public(&dispute))
}

/// A bank debit comes back after it succeeded: opened and lost at once, the mandate with it, and from the second time on
/// the account too. `reason` is one of Stripe's or one of the banks' codes, as R10.
pub fn bank_return(world: &mut World, charge_id: &str, reason: &str) -> Answer {
    let returned = banks::returned(reason);
    let dispute = open(world, charge_id, None, returned.map_or(reason, |returned| returned.reason))?;
    let charge = world.load(Kind::Charge, charge_id)?;
    if let Some(method) = text(&charge, "payment_method") {
        let before = payment_methods::load(world, method).is_some_and(|method| method["_disputed"] == true);
        let unauthorized = banks::failure("debit_not_authorized").filter(|_| before);
        if let Some(returned) = returned.filter(|returned| returned.blocks.is_some()).or(unauthorized) {
            payment_methods::block(world, method, returned);
        }
        payment_methods::note(world, method, "_disputed", json!(true));
        let mandate =
            payment_methods::load(world, method).and_then(|method| text(&method, "_mandate").map(str::to_owned));
        if let Some(mandate) = mandate {
            mandates::invalidate(world, &mandate);
        }
        payment_methods::note(world, method, "_mandate", Value::Null);
    }
    close(world, text(&dispute, "id").unwrap_or_default(), "lost")
}

/// `outcome` is `won`, `lost` or, for an inquiry, `warning_closed`.
pub fn close(world: &mut World, id: &str, outcome: &str) -> Answer {
    let mut dispute = world.load(Kind::Dispute, id)?;
    let status = text(&dispute, "status").unwrap_or_default().to_owned();
    let inquiry = status.starts_with("warning_");
    if matches!(status.as_str(), "won" | "lost" | "warning_closed") {
        return Err(Refusal::state("dispute_already_closed", format!("Dispute {id} is closed already.")));
    }
    let outcome = if inquiry && outcome != "lost" { "warning_closed" } else { outcome };
    if !matches!(outcome, "won" | "lost" | "warning_closed") {
        return Err(Refusal::invalid("outcome must be won or lost").param("outcome"));
    }
    dispute["status"] = json!(outcome);
    if outcome == "won" {
        let amount = dispute["amount"].as_i64().unwrap_or_default();
        let currency = text(&dispute, "currency").unwrap_or_default().to_owned();
        let transaction = balance::record(world, "adjustment", id, amount, 0, &currency);
        let transaction = world.show(Kind::BalanceTransaction, &transaction)?;
        if let Some(list) = dispute["balance_transactions"].as_array_mut() {
            list.push(transaction);
        }
    }
    world.put(Kind::Dispute, dispute.clone());
    if outcome == "won" {
        world.emit("charge.dispute.funds_reinstated", &dispute, None);
    }
    world.emit("charge.dispute.closed", &dispute, None);
    Ok(public(&dispute))
}

/// Evidence as the test mode reads it: `winning_evidence` and `losing_evidence` decide.
pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let metadata = params.metadata()?;
    let evidence = params.object("evidence", EVIDENCE)?;
    let submit = params.boolean("submit")?.unwrap_or(evidence.is_some());
    params.finish()?;
    let mut dispute = world.load(Kind::Dispute, id)?;
    merge_metadata(&mut dispute, metadata)?;
    let word = evidence.as_ref().and_then(|parts| parts["uncategorized_text"].as_str()).unwrap_or_default().to_owned();
    for (name, value) in evidence.into_iter().flatten() {
        dispute["evidence"][name.as_str()] = value;
        dispute["evidence_details"]["has_evidence"] = json!(true);
    }
    if submit && dispute["evidence_details"]["has_evidence"] == true {
        dispute["evidence_details"]["submission_count"] = json!(1);
        dispute["status"] = json!(if text(&dispute, "status").unwrap_or_default().starts_with("warning_") {
            "warning_under_review"
        } else {
            "under_review"
        });
    }
    world.put(Kind::Dispute, dispute.clone());
    world.emit("charge.dispute.updated", &dispute, None);
    match word.as_str() {
        "winning_evidence" if submit => close(world, id, "won"),
        "losing_evidence" if submit => close(world, id, "lost"),
        _ => Ok(public(&dispute)),
    }
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let charge = params.filled("charge")?;
    let intent = params.filled("payment_intent")?;
    params.finish()?;
    let is =
        |dispute: &Value, field: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|id| dispute[field] == *id);
    let all = page.all(world, Kind::Dispute);
    let chosen = all.filter(|dispute| is(dispute, "charge", &charge) && is(dispute, "payment_intent", &intent));
    page.of(world, Kind::Dispute, "/v1/disputes", chosen)
}
