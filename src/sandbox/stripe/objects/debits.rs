//! Payments by bank debit: the mandate, micro-deposits, the days until the bank answers, and what it answers.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::{World, public, text};

use super::banks::{self, Conduct};
use super::charges::{self, Asked};
use super::confirmation::{self, Confirmation, Told};
use super::outcomes::{decline, fall_back, succeed};
use super::payment_intents::unexpected;
use super::{account, balance, bank_days, mandates, payment_methods};

pub fn confirm(world: &mut World, mut intent: Value, method: &Value, confirmation: Confirmation) -> Answer {
    let id = text(&intent, "id").unwrap_or_default().to_owned();
    let method_id = text(method, "id").unwrap_or_default().to_owned();
    if !method["us_bank_account"]["status_details"]["blocked"].is_null() {
        let message = "This bank account is blocked and can't be debited. Ask the customer for another one.";
        return Err(Refusal::state("payment_method_bank_account_blocked", message)
            .param("payment_method")
            .with("payment_intent", public(&intent)));
    }
    if account::plaid_tokens(world) == "refused" && method_id.starts_with(Kind::BankAccount.prefix()) {
        let message = "This account is not enabled for bank accounts from Plaid with PaymentIntents.";
        return Err(Refusal::state("bank_account_unverified", message).param("payment_method"));
    }
    let current = text(method, "_mandate").map(str::to_owned).or_else(|| confirmation.mandate.clone());
    let standing = current.filter(|mandate| {
        world.ledger.get(Kind::Mandate, mandate).is_some_and(|mandate| mandate["status"] == "active")
    });
    let multi_use = !intent["setup_future_usage"].is_null() || !method["customer"].is_null();
    match (confirmation.acceptance, standing) {
        (Some(acceptance), _) => {
            let amount = intent["amount"].as_i64().unwrap_or_default();
            mandates::grant(world, &method_id, acceptance, multi_use, amount, "usd");
        }
        (None, Some(_)) => {}
        (None, None) => {
            let message = "This bank account needs a mandate: pass `mandate_data` with the customer's acceptance.";
            return Err(Refusal::state("payment_intent_mandate_invalid", message)
                .param("mandate_data")
                .with("payment_intent", public(&intent)));
        }
    }
    if method["_verified"] != true {
        if intent["payment_method_options"]["us_bank_account"]["verification_method"] == "instant" {
            let message = "The bank account must be verified before it can be charged.";
            return Err(Refusal::state("bank_account_unverified", message).param("payment_method"));
        }
        confirmation::ask_for_microdeposits(world, Kind::PaymentIntent, &mut intent, method);
        world.put(Kind::PaymentIntent, intent.clone());
        world.emit("payment_intent.requires_action", &intent, None);
        return Ok(public(&intent));
    }
    world.put(Kind::PaymentIntent, intent);
    debit(world, &id)
}

/// Hands the debit to the bank, whose answer comes days later.
fn debit(world: &mut World, id: &str) -> Answer {
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    let method_id = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let method = payment_methods::load(world, &method_id).unwrap_or_default();
    let conduct = text(&method, "_bank").and_then(banks::named).map_or(Conduct::Succeed, |bank| bank.conduct);
    if let Conduct::Refuse(code) = conduct {
        return Err(decline(world, id, code, None, banks::message(code), true)?);
    }
    let charge = charges::attempt(world, &intent, &method_id, &Asked::Pending)?;
    intent["status"] = json!("processing");
    intent["latest_charge"] = json!(charge);
    intent["next_action"] = Value::Null;
    world.put(Kind::PaymentIntent, intent.clone());
    world.emit("payment_intent.processing", &intent, None);
    let now = world.now_s();
    match conduct {
        Conduct::Process | Conduct::Refuse(_) => {}
        Conduct::Fail(code) => world.schedule(bank_days::later(now, 2), "debit_fails", id, json!(code)),
        Conduct::Succeed | Conduct::FailMicrodeposits => {
            world.schedule(bank_days::later(now, 4), "debit_succeeds", id, Value::Null);
        }
        Conduct::Dispute => {
            world.schedule(bank_days::later(now, 4), "debit_succeeds", id, Value::Null);
            world.schedule(bank_days::later(now, 5), "debit_returns", id, json!("insufficient_funds"));
        }
    }
    Ok(public(&intent))
}

fn pending_charge(world: &World, id: &str) -> Result<Value, Refusal> {
    let intent = world.load(Kind::PaymentIntent, id)?;
    if intent["status"] != "processing" {
        return Err(unexpected(&intent, "settle"));
    }
    world.load(Kind::Charge, text(&intent, "latest_charge").unwrap_or_default())
}

pub fn debit_succeeds(world: &mut World, id: &str) -> Answer {
    let mut charge = pending_charge(world, id)?;
    let charge_id = text(&charge, "id").unwrap_or_default().to_owned();
    let amount = charge["amount"].as_i64().unwrap_or_default();
    charge["status"] = json!("succeeded");
    charge["paid"] = json!(true);
    charge["captured"] = json!(true);
    charge["amount_captured"] = json!(amount);
    charge["balance_transaction"] =
        json!(balance::record(world, "payment", &charge_id, amount, balance::fee(amount, false), "usd"));
    world.put(Kind::Charge, charge.clone());
    world.emit("charge.succeeded", &charge, None);
    succeed(world, id, &charge_id)
}

/// `code` is one of Stripe's or one of the banks', as R02.
pub fn debit_fails(world: &mut World, id: &str, code: &str) -> Answer {
    let mut charge = pending_charge(world, id)?;
    let returned = banks::returned(code);
    let code = returned.map_or(code, |returned| returned.failure);
    let method = text(&charge, "payment_method").unwrap_or_default().to_owned();
    if let Some(returned) = returned.or_else(|| banks::failure(code)) {
        payment_methods::block(world, &method, returned);
    }
    let charge_id = text(&charge, "id").unwrap_or_default().to_owned();
    charge["status"] = json!("failed");
    charge["paid"] = json!(false);
    charge["failure_code"] = json!(code);
    charge["failure_message"] = json!(banks::message(code));
    world.put(Kind::Charge, charge.clone());
    world.emit("charge.failed", &charge, None);
    fall_back(world, id, code, None, banks::message(code), Some(&charge_id))
}

pub fn verify_microdeposits(world: &mut World, id: &str, mut params: Params) -> Answer {
    let (amounts, code) = confirmation::take_microdeposits(&mut params)?;
    params.finish()?;
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    if intent["next_action"]["type"] != "verify_with_microdeposits" {
        return Err(unexpected(&intent, "verify the micro-deposits of"));
    }
    let method = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let told = confirmation::judge_microdeposits(&mut intent, amounts.as_deref(), code.as_deref());
    world.put(Kind::PaymentIntent, intent.clone());
    match told {
        Told::Right => {
            payment_methods::note(world, &method, "_verified", json!(true));
            debit(world, id)
        }
        Told::Wrong { code, message } => Err(Refusal::state(code, message)),
        Told::Over { code, message } => {
            payment_methods::note(world, &method, "_detached", json!(true));
            let failed = fall_back(world, id, code, None, message, None)?;
            Err(Refusal::state(code, message).with("payment_intent", failed))
        }
    }
}

/// The micro-deposits failed or were never told.
pub fn microdeposits_over(world: &mut World, id: &str, code: &str, message: &str) {
    let waiting = world.ledger.get(Kind::PaymentIntent, id);
    if waiting.is_some_and(|intent| intent["next_action"]["type"] == "verify_with_microdeposits") {
        // It was just read, so the fall back can't miss it.
        let _ = fall_back(world, id, code, None, message, None);
    }
}
