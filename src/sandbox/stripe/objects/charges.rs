//! `/v1/charges`, and how a charge comes into being.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, public, text};

use super::{account, balance, payment_methods};

/// The fields of a new charge that hold nothing yet.
const UNSET: &[&str] = &[
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "review",
    "source_transfer",
    "transfer_data",
    "transfer_group",
];

/// The outcome of asking the bank.
pub enum Asked {
    Approved,
    /// A bank debit was handed in; the bank answers days later.
    Pending,
    Declined {
        code: String,
        decline_code: Option<String>,
        message: String,
    },
}

/// Makes the charge of an attempt. `intent` is the PaymentIntent's document.
pub fn attempt(world: &mut World, intent: &Value, method_id: &str, asked: &Asked) -> Result<String, Refusal> {
    let method = payment_methods::load(world, method_id).unwrap_or_default();
    let id = world.new_id(Kind::Charge);
    let capture = intent["capture_method"] != "manual";
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let card = method["type"] == "card";
    let paid = matches!(asked, Asked::Approved);
    let (status, failure_code, failure_message) = match asked {
        Asked::Approved => ("succeeded", Value::Null, Value::Null),
        Asked::Pending => ("pending", Value::Null, Value::Null),
        Asked::Declined { code, message, .. } => ("failed", json!(code), json!(message)),
    };
    let outcome = match asked {
        Asked::Declined { code, .. } if !card && code == "fraudulent" => json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "not_sent_to_network", "reason": "highest_risk_level", "risk_level": "highest",
            "risk_score": 92, "seller_message": "Stripe blocked this payment as too risky.", "type": "blocked",
        }),
        Asked::Declined { code, decline_code, .. } => json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "declined_by_network", "reason": decline_code.as_ref().unwrap_or(code),
            "risk_level": "normal", "risk_score": 20, "seller_message": "The bank did not return any further details.",
            "type": "issuer_declined",
        }),
        _ => json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": if paid { "approved_by_network" } else { "not_sent_to_network" }, "reason": null,
            "risk_level": if card { "normal" } else { "not_assessed" }, "risk_score": 20,
            "seller_message": "Payment complete.", "type": "authorized",
        }),
    };
    let suffix = text(intent, "statement_descriptor_suffix").map(|suffix| format!("QUITTANCE* {suffix}"));
    let descriptor = suffix.or_else(|| text(intent, "statement_descriptor").map(str::to_owned));
    let mut charge = json!({
        "id": id, "object": "charge", "amount": amount, "amount_captured": if paid && capture { amount } else { 0 },
        "amount_refunded": 0, "billing_details": method["billing_details"],
        "calculated_statement_descriptor": descriptor.unwrap_or_else(|| "QUITTANCE SANDBOX".to_owned()),
        "captured": paid && capture, "created": world.now_s(), "currency": intent["currency"],
        "customer": intent["customer"], "description": intent["description"], "disputed": false,
        "failure_code": failure_code, "failure_message": failure_message, "fraud_details": {}, "livemode": false,
        "metadata": intent["metadata"], "outcome": outcome,
        "paid": paid, "payment_intent": intent["id"], "payment_method": method_id,
        "payment_method_details": details(world, intent, &method, paid), "receipt_email": intent["receipt_email"],
        "receipt_url": format!("{}/_sandbox/receipts/{id}", world.base_url), "refunded": false,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": status,
    });
    for name in UNSET {
        charge[*name] = Value::Null;
    }
    if paid && capture {
        let kind = if card { "charge" } else { "payment" };
        let fee = balance::fee(amount, card);
        let currency = text(intent, "currency").unwrap_or_default();
        charge["balance_transaction"] = json!(balance::record(world, kind, &id, amount, fee, currency));
    }
    world.put(Kind::Charge, charge.clone());
    world.emit(&format!("charge.{status}"), &charge, None);
    Ok(id)
}

fn details(world: &World, intent: &Value, method: &Value, paid: bool) -> Value {
    if method["type"] == "us_bank_account" {
        let bank = &method["us_bank_account"];
        // Without an intent, or before Stripe has moved the account over, a bank token is debited the older way.
        let from_token = method["id"].as_str().is_some_and(|id| id.starts_with(Kind::BankAccount.prefix()));
        if from_token && (intent["id"].is_null() || account::plaid_tokens(world) == "legacy") {
            return json!({"type": "ach_debit", "ach_debit": {
                "account_holder_type": bank["account_holder_type"], "bank_name": bank["bank_name"], "country": "US",
                "fingerprint": bank["fingerprint"], "last4": bank["last4"], "routing_number": bank["routing_number"],
            }});
        }
        return json!({"type": "us_bank_account", "us_bank_account": {
            "account_holder_type": bank["account_holder_type"], "account_type": bank["account_type"],
            "bank_name": bank["bank_name"], "fingerprint": bank["fingerprint"],
            "last4": bank["last4"], "mandate": method["_mandate"], "payment_reference": null,
            "routing_number": bank["routing_number"],
        }});
    }
    let card = &method["card"];
    let three_d_secure = if intent["_authenticated"] == true {
        json!({"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": null,
            "result": "authenticated", "result_reason": null, "transaction_id": "stand-in", "version": "2.2.0"})
    } else {
        Value::Null
    };
    let check = |was: &Value| if was.is_null() { Value::Null } else { json!("pass") };
    json!({"type": "card", "card": {
        "amount_authorized": if paid { intent["amount"].clone() } else { Value::Null },
        "authorization_code": if paid { json!("123456") } else { Value::Null }, "brand": card["brand"],
        "checks": {"address_line1_check": null,
            "address_postal_code_check": check(&card["checks"]["address_postal_code_check"]),
            "cvc_check": check(&card["checks"]["cvc_check"])},
        "country": card["country"], "exp_month": card["exp_month"], "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"}, "fingerprint": card["fingerprint"],
        "funding": card["funding"], "incremental_authorization": {"status": "unavailable"}, "installments": null,
        "last4": card["last4"], "mandate": null, "multicapture": {"status": "unavailable"}, "network": card["brand"],
        "network_token": {"used": false}, "network_transaction_id": format!("{}", world.now_s()),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"], "three_d_secure": three_d_secure, "wallet": null,
    }})
}

/// A charge without a PaymentIntent, as an old integration or a point of sale makes it.
pub fn made_elsewhere(
    world: &mut World,
    amount: i64,
    currency: &str,
    customer: Option<&str>,
    metadata: Value,
    source: Option<&str>,
) -> Result<String, Refusal> {
    let method = payment_methods::resolve(world, source.unwrap_or("pm_card_visa"), "source")?;
    payment_methods::owned(world, &method, customer, "source")?;
    let stand_in = json!({
        "amount": amount, "currency": currency, "customer": customer, "metadata": metadata, "capture_method": "automatic",
        "description": "Made elsewhere",
    });
    let id = attempt(world, &stand_in, &method, &Asked::Approved)?;
    if source.is_none() {
        payment_methods::note(world, &method, "_used", json!(true));
    }
    Ok(id)
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let customer = params.filled("customer")?;
    let intent = params.filled("payment_intent")?;
    params.finish()?;
    let url = "/v1/charges";
    let charges = match (&intent, &customer) {
        (Some(intent), _) => world.ledger.having(Kind::Charge, "payment_intent", intent),
        (None, Some(customer)) => world.ledger.having(Kind::Charge, "customer", customer),
        (None, None) => return page.of(world, Kind::Charge, url, page.all(world, Kind::Charge)),
    };
    let chosen = charges.into_iter().filter(|charge| customer.as_ref().is_none_or(|id| charge["customer"] == *id));
    page.of(world, Kind::Charge, url, chosen)
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let metadata = params.metadata()?;
    let description = params.text("description")?;
    let receipt_email = params.text("receipt_email")?;
    params.finish()?;
    let mut charge = world.load(Kind::Charge, id)?;
    merge_metadata(&mut charge, metadata)?;
    if let Some(description) = description {
        charge["description"] = json!(description);
    }
    if let Some(email) = receipt_email {
        charge["receipt_email"] = json!(email);
    }
    world.put(Kind::Charge, charge.clone());
    world.emit("charge.updated", &charge, None);
    Ok(public(&charge))
}
