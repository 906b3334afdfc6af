//! `/v1/setup_intents`: a method is stored without a payment.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, nullable, public, random_text, text};

use super::cards::{self, Conduct};
use super::confirmation::{self, Confirmation, Told, Types};
use super::{customers, mandates, payment_methods};

fn unexpected(intent: &Value, verb: &str) -> Refusal {
    let status = text(intent, "status").unwrap_or_default();
    let message = format!("You cannot {verb} this SetupIntent because it has a status of {status}.");
    Refusal::state("setup_intent_unexpected_state", message).with("setup_intent", public(intent))
}

pub fn create(world: &mut World, mut params: Params) -> Answer {
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let customer = params.filled("customer")?;
    let usage = params.choice("usage", &["off_session", "on_session"])?;
    let description = params.text("description")?;
    let metadata = params.metadata()?;
    let types = Types::take(&mut params)?;
    let options = confirmation::take_options(world, &mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, confirm)?;
    params.finish()?;
    if let Some(customer) = &customer {
        customers::living(world, customer, "customer")?;
    }
    let id = world.new_id(Kind::SetupIntent);
    let mut intent = json!({
        "id": id, "object": "setup_intent", "application": null, "automatic_payment_methods": null,
        "cancellation_reason": null, "client_secret": format!("{id}_secret_{}", random_text(25)),
        "created": world.now_s(), "customer": customer, "customer_account": null, "description": nullable(description),
        "excluded_payment_method_types": null, "flow_directions": null, "last_setup_error": null, "latest_attempt": null,
        "livemode": false, "managed_payments": null, "mandate": null, "metadata": {}, "next_action": null,
        "on_behalf_of": null, "payment_method": null, "payment_method_configuration_details": null,
        "payment_method_options": {}, "payment_method_types": null, "single_use_mandate": null,
        "status": "requires_payment_method", "usage": usage.unwrap_or_else(|| "off_session".to_owned()),
    });
    types.apply(&mut intent)?;
    confirmation::merge_options(&mut intent, options);
    merge_metadata(&mut intent, metadata)?;
    if let Some(method) = confirmation.resolve(world, None)? {
        payment_methods::owned(world, &method, customer.as_deref(), "payment_method")?;
        intent["payment_method"] = json!(method);
        intent["status"] = json!("requires_confirmation");
    }
    confirmation.method = None;
    world.put(Kind::SetupIntent, intent.clone());
    world.emit("setup_intent.created", &intent, None);
    if confirm { proceed(world, &id, confirmation) } else { Ok(public(&intent)) }
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let description = params.text("description")?;
    let metadata = params.metadata()?;
    let types = Types::take(&mut params)?;
    let options = confirmation::take_options(world, &mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, false)?;
    params.finish()?;
    let mut intent = world.load(Kind::SetupIntent, id)?;
    if matches!(text(&intent, "status"), Some("succeeded" | "canceled"))
        && (types.given() || confirmation.method.is_some())
    {
        return Err(unexpected(&intent, "update"));
    }
    if types.given() {
        types.apply(&mut intent)?;
    }
    confirmation::merge_options(&mut intent, options);
    merge_metadata(&mut intent, metadata)?;
    if let Some(description) = description {
        intent["description"] = nullable(Some(description));
    }
    if let Some(method) = confirmation.resolve(world, None)? {
        payment_methods::owned(world, &method, text(&intent, "customer"), "payment_method")?;
        intent["payment_method"] = json!(method);
        intent["status"] = json!("requires_confirmation");
    }
    world.put(Kind::SetupIntent, intent.clone());
    Ok(public(&intent))
}

pub fn confirm(world: &mut World, id: &str, mut params: Params) -> Answer {
    let options = confirmation::take_options(world, &mut params)?;
    let confirmation = Confirmation::take(world, &mut params, true)?;
    params.finish()?;
    let mut intent = world.load(Kind::SetupIntent, id)?;
    if matches!(text(&intent, "status"), Some("succeeded" | "canceled" | "processing")) {
        return Err(unexpected(&intent, "confirm"));
    }
    confirmation::merge_options(&mut intent, options);
    world.put(Kind::SetupIntent, intent);
    proceed(world, id, confirmation)
}

fn proceed(world: &mut World, id: &str, mut confirmation: Confirmation) -> Answer {
    let mut intent = world.load(Kind::SetupIntent, id)?;
    let customer = text(&intent, "customer").map(str::to_owned);
    let current = text(&intent, "payment_method").map(str::to_owned);
    let Some(method_id) = confirmation.resolve(world, current.as_deref())? else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method.";
        return Err(Refusal::state("setup_intent_unexpected_state", message).with("setup_intent", public(&intent)));
    };
    let method = payment_methods::owned(world, &method_id, customer.as_deref(), "payment_method")?;
    intent["payment_method"] = json!(method_id);
    intent["next_action"] = Value::Null;
    intent["last_setup_error"] = Value::Null;
    if method["type"] == "us_bank_account" {
        let Some(acceptance) = confirmation.acceptance.take() else {
            let message = "This bank account needs a mandate: pass `mandate_data` with the customer's acceptance.";
            return Err(Refusal::state("setup_intent_mandate_invalid", message).param("mandate_data"));
        };
        if !method["us_bank_account"]["status_details"]["blocked"].is_null() {
            let message = "This bank account is blocked and can't be debited. Ask the customer for another one.";
            return Err(Refusal::state("payment_method_bank_account_blocked", message).param("payment_method"));
        }
        let mandate = mandates::grant(world, &method_id, acceptance, true, 0, "usd");
        intent["mandate"] = json!(mandate);
        if method["_verified"] != true {
            confirmation::ask_for_microdeposits(world, Kind::SetupIntent, &mut intent, &method);
            world.put(Kind::SetupIntent, intent.clone());
            world.emit("setup_intent.requires_action", &intent, None);
            return Ok(public(&intent));
        }
        world.put(Kind::SetupIntent, intent);
        return succeed(world, id);
    }
    if confirmation::must_authenticate(&intent, &method) {
        confirmation::ask_for_authentication(world, &mut intent, &confirmation);
        world.put(Kind::SetupIntent, intent.clone());
        world.emit("setup_intent.requires_action", &intent, None);
        return Ok(public(&intent));
    }
    world.put(Kind::SetupIntent, intent);
    ask_bank(world, id)
}

fn ask_bank(world: &mut World, id: &str) -> Answer {
    let intent = world.load(Kind::SetupIntent, id)?;
    let method = text(&intent, "payment_method").and_then(|id| payment_methods::load(world, id)).unwrap_or_default();
    let conduct = text(&method, "_card").and_then(cards::named).map(|card| card.conduct);
    if let Some(Conduct::Decline(decline)) = conduct {
        let (code, decline_code, message) = decline.parts();
        let failed = fail(world, id, code, decline_code, message)?;
        return Err(decline.refusal().with("setup_intent", failed).with("payment_method", public(&method)));
    }
    succeed(world, id)
}

fn succeed(world: &mut World, id: &str) -> Answer {
    let mut intent = world.load(Kind::SetupIntent, id)?;
    intent["status"] = json!("succeeded");
    intent["next_action"] = Value::Null;
    let method = text(&intent, "payment_method").unwrap_or_default().to_owned();
    if intent["usage"] == "off_session" {
        payment_methods::note(world, &method, "_set_up", json!(true));
    }
    if let Some(customer) = text(&intent, "customer") {
        payment_methods::bind(world, &method, customer);
    }
    world.put(Kind::SetupIntent, intent.clone());
    world.emit("setup_intent.succeeded", &intent, None);
    Ok(public(&intent))
}

fn fail(world: &mut World, id: &str, code: &str, decline_code: Option<&str>, message: &str) -> Answer {
    let mut intent = world.load(Kind::SetupIntent, id)?;
    let method = text(&intent, "payment_method").and_then(|id| payment_methods::as_payment_method(world, id));
    let kind = if decline_code.is_some() { "card_error" } else { "invalid_request_error" };
    intent["last_setup_error"] = json!({
        "code": code, "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")),
        "message": message, "payment_method": method, "type": kind,
    });
    if let Some(decline_code) = decline_code {
        intent["last_setup_error"]["decline_code"] = json!(decline_code);
    }
    intent["status"] = json!("requires_payment_method");
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    intent["_challenge"] = Value::Null;
    world.put(Kind::SetupIntent, intent.clone());
    world.emit("setup_intent.setup_failed", &intent, None);
    Ok(public(&intent))
}

pub fn authenticated(world: &mut World, id: &str, passed: bool) -> Answer {
    let mut intent = world.load(Kind::SetupIntent, id)?;
    if intent["status"] != "requires_action" || intent["_challenge"].is_null() {
        return Ok(public(&intent));
    }
    intent["_challenge"] = Value::Null;
    intent["_authenticated"] = json!(passed);
    world.put(Kind::SetupIntent, intent);
    if !passed {
        let message =
            "We are unable to authenticate your payment method. Choose a different payment method and try again.";
        return fail(world, id, "setup_intent_authentication_failure", None, message);
    }
    match ask_bank(world, id) {
        Err(refusal) if refusal.status == 402 => world.show(Kind::SetupIntent, id),
        other => other,
    }
}

pub fn verify_microdeposits(world: &mut World, id: &str, mut params: Params) -> Answer {
    let (amounts, code) = confirmation::take_microdeposits(&mut params)?;
    params.finish()?;
    let mut intent = world.load(Kind::SetupIntent, id)?;
    if intent["next_action"]["type"] != "verify_with_microdeposits" {
        return Err(unexpected(&intent, "verify the micro-deposits of"));
    }
    let method = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let told = confirmation::judge_microdeposits(&mut intent, amounts.as_deref(), code.as_deref());
    world.put(Kind::SetupIntent, intent);
    match told {
        Told::Right => {
            payment_methods::note(world, &method, "_verified", json!(true));
            succeed(world, id)
        }
        Told::Wrong { code, message } => Err(Refusal::state(code, message)),
        Told::Over { code, message } => {
            payment_methods::note(world, &method, "_detached", json!(true));
            let failed = fail(world, id, code, None, message)?;
            Err(Refusal::state(code, message).with("setup_intent", failed))
        }
    }
}

pub fn microdeposits_over(world: &mut World, id: &str, code: &str, message: &str) {
    let waiting = world.ledger.get(Kind::SetupIntent, id);
    if waiting.is_some_and(|intent| intent["next_action"]["type"] == "verify_with_microdeposits") {
        let _ = fail(world, id, code, None, message);
    }
}

pub fn cancel(world: &mut World, id: &str, mut params: Params) -> Answer {
    let reason = params.choice("cancellation_reason", &["abandoned", "requested_by_customer", "duplicate"])?;
    params.finish()?;
    let mut intent = world.load(Kind::SetupIntent, id)?;
    if matches!(text(&intent, "status"), Some("succeeded" | "canceled" | "processing")) {
        return Err(unexpected(&intent, "cancel"));
    }
    intent["status"] = json!("canceled");
    intent["cancellation_reason"] = json!(reason);
    intent["next_action"] = Value::Null;
    intent["_challenge"] = Value::Null;
    world.put(Kind::SetupIntent, intent.clone());
    world.emit("setup_intent.canceled", &intent, None);
    Ok(public(&intent))
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let customer = params.filled("customer")?;
    let method = params.filled("payment_method")?;
    params.finish()?;
    let is =
        |intent: &Value, field: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|id| intent[field] == *id);
    let all = page.all(world, Kind::SetupIntent);
    let chosen = all.filter(|intent| is(intent, "customer", &customer) && is(intent, "payment_method", &method));
    page.of(world, Kind::SetupIntent, "/v1/setup_intents", chosen)
}
