//! `/v1/payment_intents`: the state machine of a payment.

use serde_json::{Map, Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, nullable, public, random_text, text};

use super::banks::{self, Conduct as BankConduct};
use super::cards::{self, Conduct, Decline};
use super::charges::{self, Asked};
use super::confirmation::{self, Confirmation, Told, Types};
use super::{balance, customers, mandates, money, payment_methods};

const DAY_S: i64 = 86_400;
const SHIPPING_ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// The fields of a new intent that hold nothing yet.
const UNSET: &[&str] = &[
    "allowed_payment_method_types",
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "customer_account",
    "description",
    "excluded_payment_method_types",
    "last_payment_error",
    "latest_charge",
    "managed_payments",
    "next_action",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "payment_record",
    "processing",
    "receipt_email",
    "review",
    "setup_future_usage",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// What create and update have in common, already checked.
#[derive(Default)]
struct Terms {
    fields: Map<String, Value>,
    metadata: Option<Map<String, Value>>,
    options: Option<Map<String, Value>>,
    types: Types,
}

impl Terms {
    fn take(params: &mut Params) -> Result<Terms, Refusal> {
        let mut fields = Map::new();
        for (name, most) in [("description", 1000), ("receipt_email", 512), ("transfer_group", 5000)] {
            if let Some(text) = params.text(name)? {
                if text.chars().count() > most {
                    let message = format!("Invalid string: {name} must be at most {most} characters");
                    return Err(Refusal::parameter("parameter_invalid_string_too_long", name, message));
                }
                fields.insert(name.to_owned(), nullable(Some(text)));
            }
        }
        for name in ["statement_descriptor", "statement_descriptor_suffix"] {
            if let Some(text) = params.text(name)? {
                if text.chars().count() > 22 || text.contains(['<', '>', '\'', '"', '\\', '*']) {
                    let message = "The statement descriptor can have 22 characters and none of < > ' \" \\ *.";
                    return Err(Refusal::parameter("invalid_statement_descriptor", name, message));
                }
                fields.insert(name.to_owned(), nullable(Some(text)));
            }
        }
        if let Some(usage) = params.choice("setup_future_usage", &["off_session", "on_session", ""])? {
            fields.insert("setup_future_usage".to_owned(), nullable(Some(usage)));
        }
        if let Some(method) = params.choice("capture_method", &["automatic", "automatic_async", "manual"])? {
            fields.insert("capture_method".to_owned(), json!(method));
        }
        if let Some(mut shipping) = params.child("shipping")? {
            let address = shipping.object("address", SHIPPING_ADDRESS)?;
            let name = shipping.required("name")?;
            let phone = nullable(shipping.text("phone")?);
            shipping.finish()?;
            let value =
                json!({"address": address, "carrier": null, "name": name, "phone": phone, "tracking_number": null});
            fields.insert("shipping".to_owned(), value);
        }
        Ok(Terms {
            fields,
            metadata: params.metadata()?,
            options: confirmation::take_options(params)?,
            types: Types::take(params)?,
        })
    }

    fn apply(self, intent: &mut Value) -> Result<(), Refusal> {
        for (name, value) in self.fields {
            intent[name.as_str()] = value;
        }
        merge_metadata(intent, self.metadata)?;
        if intent["payment_method_types"].is_null() || self.types.given() {
            self.types.apply(intent)?;
        } else {
            confirmation::fit_types(intent)?;
        }
        confirmation::merge_options(intent, self.options);
        let types = intent["payment_method_types"].as_array();
        let card_only = types.is_some_and(|types| types.len() == 1 && types[0] == "card");
        if card_only && !intent["statement_descriptor"].is_null() { Err(no_descriptor_on_cards()) } else { Ok(()) }
    }
}

fn no_descriptor_on_cards() -> Refusal {
    let message = "You can't set `statement_descriptor` for card payments. Use `statement_descriptor_suffix` instead.";
    Refusal::parameter("parameter_invalid", "statement_descriptor", message)
}

fn unexpected(intent: &Value, verb: &str) -> Refusal {
    let status = text(intent, "status").unwrap_or_default();
    let message = format!("You cannot {verb} this PaymentIntent because it has a status of {status}.");
    Refusal::state("payment_intent_unexpected_state", message).with("payment_intent", public(intent))
}

pub fn create(world: &mut World, mut params: Params) -> Answer {
    let amount = params.integer("amount")?.ok_or_else(|| Refusal::missing("amount"))?;
    let currency = money::currency(&params.required("currency")?)?;
    money::chargeable(amount, &currency)?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let customer = params.filled("customer")?;
    let confirmation_method = params.choice("confirmation_method", &["automatic", "manual"])?;
    let terms = Terms::take(&mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, confirm)?;
    params.finish()?;
    if let Some(customer) = &customer {
        customers::living(world, customer, "customer")?;
    }
    if let Some(method) = confirmation.method.as_deref().filter(|method| payment_methods::load(world, method).is_some())
    {
        payment_methods::owned(world, method, customer.as_deref(), "payment_method")?;
    }
    let id = world.new_id(Kind::PaymentIntent);
    let mut intent = json!({
        "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
        "capture_method": "automatic_async", "client_secret": format!("{id}_secret_{}", random_text(25)),
        "confirmation_method": confirmation_method.unwrap_or_else(|| "automatic".to_owned()),
        "created": world.now_s(), "currency": currency, "customer": customer, "livemode": false, "metadata": {},
        "payment_method_options": {}, "status": "requires_payment_method",
    });
    for name in UNSET {
        intent[*name] = Value::Null;
    }
    terms.apply(&mut intent)?;
    if let Some(method) = confirmation.resolve(world, None)? {
        fits(world, &intent, &method)?;
        intent["payment_method"] = json!(method);
        intent["status"] = json!("requires_confirmation");
    }
    confirmation.method = None;
    world.put(Kind::PaymentIntent, intent.clone());
    world.emit("payment_intent.created", &intent, None);
    if confirm { proceed(world, &id, confirmation) } else { Ok(public(&intent)) }
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let amount = params.integer("amount")?;
    let currency = params.filled("currency")?.map(|code| money::currency(&code)).transpose()?;
    let customer = params.filled("customer")?;
    let terms = Terms::take(&mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, false)?;
    params.finish()?;
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    let open = matches!(
        text(&intent, "status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    );
    let touches_money = amount.is_some() || currency.is_some() || customer.is_some() || confirmation.method.is_some();
    if !open && touches_money {
        return Err(unexpected(&intent, "update the amount, currency, customer or method of"));
    }
    if let Some(currency) = currency {
        intent["currency"] = json!(currency);
    }
    if let Some(amount) = amount {
        intent["amount"] = json!(amount);
    }
    money::chargeable(intent["amount"].as_i64().unwrap_or_default(), text(&intent, "currency").unwrap_or_default())?;
    if let Some(customer) = customer {
        customers::living(world, &customer, "customer")?;
        if intent["customer"].as_str().is_some_and(|before| before != customer) {
            let message = "You cannot modify `customer` on a PaymentIntent once it already has been set.";
            return Err(Refusal::state("payment_intent_unexpected_state", message).param("customer"));
        }
        intent["customer"] = json!(customer);
    }
    terms.apply(&mut intent)?;
    if let Some(method) = confirmation.resolve(world, None)? {
        payment_methods::owned(world, &method, text(&intent, "customer"), "payment_method")?;
        fits(world, &intent, &method)?;
        intent["payment_method"] = json!(method);
        intent["status"] = json!("requires_confirmation");
        intent["next_action"] = Value::Null;
    }
    world.put(Kind::PaymentIntent, intent.clone());
    Ok(public(&intent))
}

/// The method's type must be one that the intent takes.
fn fits(world: &World, intent: &Value, method: &str) -> Result<(), Refusal> {
    let kind = payment_methods::load(world, method).map(|method| method["type"].clone()).unwrap_or_default();
    let types = intent["payment_method_types"].as_array();
    if types.is_some_and(|types| types.contains(&kind)) {
        return Ok(());
    }
    let kind = kind.as_str().unwrap_or_default();
    let message = format!("The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent.");
    Err(Refusal::state("payment_intent_incompatible_payment_method", message).param("payment_method"))
}

pub fn confirm(world: &mut World, id: &str, mut params: Params) -> Answer {
    let mut terms = Terms::default();
    let receipt_email = params.text("receipt_email")?;
    let usage = params.choice("setup_future_usage", &["off_session", "on_session", ""])?;
    terms.options = confirmation::take_options(&mut params)?;
    terms.types = Types::take(&mut params)?;
    for (name, value) in [("receipt_email", receipt_email), ("setup_future_usage", usage)] {
        if let Some(value) = value {
            terms.fields.insert(name.to_owned(), nullable(Some(value)));
        }
    }
    let confirmation = Confirmation::take(world, &mut params, true)?;
    params.finish()?;
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    terms.apply(&mut intent)?;
    let open = matches!(
        text(&intent, "status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    );
    if !open {
        return Err(unexpected(&intent, "confirm"));
    }
    world.put(Kind::PaymentIntent, intent);
    proceed(world, id, confirmation)
}

/// Confirms an open intent.
fn proceed(world: &mut World, id: &str, mut confirmation: Confirmation) -> Answer {
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    let customer = text(&intent, "customer").map(str::to_owned);
    let current = text(&intent, "payment_method").map(str::to_owned);
    // Without a method Stripe falls back to the customer's default source; whoever forgets the method finds out here.
    let fallback = || customer.as_ref().and_then(|id| world.ledger.get(Kind::Customer, id)?["default_source"].as_str());
    let current = current.or_else(|| fallback().map(str::to_owned));
    let Some(method_id) = confirmation.resolve(world, current.as_deref())? else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method. Update the \
                       PaymentIntent with a payment method and then confirm it again.";
        return Err(Refusal::state("payment_intent_unexpected_state", message).with("payment_intent", public(&intent)));
    };
    let method = payment_methods::owned(world, &method_id, customer.as_deref(), "payment_method")?;
    fits(world, &intent, &method_id)?;
    if method["type"] == "card" && !intent["statement_descriptor"].is_null() {
        return Err(no_descriptor_on_cards().executed());
    }
    if current.as_deref() != Some(&method_id) {
        intent["_authenticated"] = json!(false);
    }
    intent["payment_method"] = json!(method_id);
    intent["next_action"] = Value::Null;
    intent["last_payment_error"] = Value::Null;
    if method["type"] == "us_bank_account" {
        return confirm_bank(world, intent, &method, confirmation);
    }
    if confirmation::must_authenticate(&intent, &method) {
        if confirmation.off_session || confirmation.error_on_requires_action {
            world.put(Kind::PaymentIntent, intent);
            let message = "Your card was declined. This transaction requires authentication.";
            return Err(decline(world, id, "authentication_required", Some("authentication_required"), message, true)?);
        }
        confirmation::ask_for_authentication(world, &mut intent, &confirmation);
        world.put(Kind::PaymentIntent, intent.clone());
        world.emit("payment_intent.requires_action", &intent, None);
        return Ok(public(&intent));
    }
    world.put(Kind::PaymentIntent, intent);
    charge_card(world, id)
}

/// Asks the card's bank.
fn charge_card(world: &mut World, id: &str) -> Answer {
    let intent = world.load(Kind::PaymentIntent, id)?;
    let method_id = text(&intent, "payment_method").unwrap_or_default().to_owned();
    let method = payment_methods::load(world, &method_id).unwrap_or_default();
    let conduct = text(&method, "_card").and_then(cards::named).map_or(Conduct::Approve, |card| card.conduct);
    let refused = match conduct {
        Conduct::Decline(decline) | Conduct::AuthenticateThen(decline) => Some(decline),
        Conduct::DeclineWhenCharged => Some(Decline::Generic),
        _ => None,
    };
    if let Some(refused) = refused {
        let (code, decline_code, message) = refused.parts();
        let mut refusal = decline(world, id, code, decline_code, message, true)?;
        refusal.param = refused.refusal().param;
        return Err(refusal);
    }
    let charge = charges::attempt(world, &intent, &method_id, &Asked::Approved)?;
    if let Conduct::Dispute(reason) = conduct {
        world.schedule(world.now_s() + 1, "dispute", &charge, json!(reason));
    }
    succeed(world, id, &charge)
}

/// The money is there (or authorised): the end of every successful payment.
fn succeed(world: &mut World, id: &str, charge: &str) -> Answer {
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
fn decline(
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
fn fall_back(
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

/// The customer finished 3-D Secure. Whoever asks twice gets the intent as it is.
pub fn authenticated(world: &mut World, id: &str, passed: bool) -> Answer {
    let mut intent = world.load(Kind::PaymentIntent, id)?;
    if intent["status"] != "requires_action" || intent["_challenge"].is_null() {
        return Ok(public(&intent));
    }
    intent["_challenge"] = Value::Null;
    intent["_authenticated"] = json!(passed);
    world.put(Kind::PaymentIntent, intent);
    if !passed {
        let message =
            "We are unable to authenticate your payment method. Choose a different payment method and try again.";
        return fall_back(world, id, "payment_intent_authentication_failure", None, message, None);
    }
    match charge_card(world, id) {
        // The bank's page only says that the check is over; the decline stands on the intent.
        Err(refusal) if refusal.status == 402 => world.show(Kind::PaymentIntent, id),
        other => other,
    }
}

fn confirm_bank(world: &mut World, mut intent: Value, method: &Value, confirmation: Confirmation) -> Answer {
    let id = text(&intent, "id").unwrap_or_default().to_owned();
    let method_id = text(method, "id").unwrap_or_default().to_owned();
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
    let conduct = text(&method, "_bank").and_then(banks::named).map_or(BankConduct::Succeed, |bank| bank.conduct);
    if let BankConduct::Refuse(code) = conduct {
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
        BankConduct::Process | BankConduct::Refuse(_) => {}
        BankConduct::Fail(code) => world.schedule(now + 2 * DAY_S, "debit_fails", id, json!(code)),
        BankConduct::Succeed | BankConduct::FailMicrodeposits => {
            world.schedule(now + 4 * DAY_S, "debit_succeeds", id, Value::Null);
        }
        BankConduct::Dispute => {
            world.schedule(now + 4 * DAY_S, "debit_succeeds", id, Value::Null);
            world.schedule(now + 5 * DAY_S, "debit_returns", id, json!("insufficient_funds"));
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

pub fn debit_fails(world: &mut World, id: &str, code: &str) -> Answer {
    let mut charge = pending_charge(world, id)?;
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

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let customer = params.filled("customer")?;
    params.finish()?;
    let url = "/v1/payment_intents";
    match customer {
        Some(customer) => page.of(
            world,
            Kind::PaymentIntent,
            url,
            world.ledger.having(Kind::PaymentIntent, "customer", &customer).into_iter(),
        ),
        None => page.of(world, Kind::PaymentIntent, url, world.ledger.newest_first(Kind::PaymentIntent)),
    }
}

pub fn search(world: &World, params: Params) -> Answer {
    let fields = &["amount", "created", "currency", "customer", "metadata", "status"];
    customers::search_in(world, Kind::PaymentIntent, "/v1/payment_intents/search", params, fields)
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
