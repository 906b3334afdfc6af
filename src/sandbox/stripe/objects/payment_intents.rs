//! `/v1/payment_intents`: the state machine of a payment.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::{World, nullable, public, random_text, text};

use super::cards::{self, Conduct, Decline};
use super::charges::{self, Asked};
use super::confirmation::{self, Confirmation, Types};
use super::outcomes::{decline, fall_back, succeed};
use super::terms::{Terms, no_descriptor_on_cards};
use super::{customers, debits, money, payment_methods};

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

pub fn unexpected(intent: &Value, verb: &str) -> Refusal {
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
    let terms = Terms::take(world, &mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, confirm)?;
    params.finish()?;
    if !confirm {
        moto_only_while_confirming(&terms)?;
    }
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
    let terms = Terms::take(world, &mut params)?;
    let mut confirmation = Confirmation::take(world, &mut params, false)?;
    params.finish()?;
    moto_only_while_confirming(&terms)?;
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

/// "This option can only be provided during confirmation."
fn moto_only_while_confirming(terms: &Terms) -> Result<(), Refusal> {
    let given =
        terms.options.as_ref().is_some_and(|options| options.get("card").is_some_and(|card| card["moto"] == true));
    if !given {
        return Ok(());
    }
    let message = "You can only set `payment_method_options[card][moto]` while confirming.";
    Err(Refusal::parameter("parameter_invalid", "payment_method_options[card][moto]", message))
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
    terms.options = confirmation::take_options(world, &mut params)?;
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
        return debits::confirm(world, intent, &method, confirmation);
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
        refusal.param = refused.refusal().param.clone();
        return Err(refusal);
    }
    let charge = charges::attempt(world, &intent, &method_id, &Asked::Approved)?;
    if let Conduct::Dispute(reason) = conduct {
        world.schedule(world.now_s() + 1, "dispute", &charge, json!(reason));
    }
    succeed(world, id, &charge)
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
        None => page.of(world, Kind::PaymentIntent, url, page.all(world, Kind::PaymentIntent)),
    }
}

pub fn search(world: &World, params: Params) -> Answer {
    let fields = &["amount", "created", "currency", "customer", "metadata", "status"];
    customers::search_in(world, Kind::PaymentIntent, "/v1/payment_intents/search", params, fields)
}
