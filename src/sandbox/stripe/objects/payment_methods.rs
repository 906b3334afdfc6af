//! `/v1/payment_methods` and the methods of a customer.

use serde_json::{Map, Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, nullable, public, text};

use super::cards::{self, Conduct};
use super::{banks, customers};

const BILLING_ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// Everything about a new method, checked and ready to be kept.
pub struct NewMethod(Value);

impl NewMethod {
    /// Reads `type`, `card[…]` or `us_bank_account[…]`, `billing_details[…]`.
    pub fn take(world: &World, mut params: Params) -> Result<NewMethod, Refusal> {
        let kind = params.choice("type", &["card", "us_bank_account"])?;
        let kind = kind.ok_or_else(|| Refusal::missing(&params.name("type")))?;
        let mut method = blank(world, &kind);
        method["billing_details"] = billing_details(&mut params)?;
        if let Some(redisplay) = params.choice("allow_redisplay", &["always", "limited", "unspecified"])? {
            method["allow_redisplay"] = json!(redisplay);
        }
        merge_metadata(&mut method, params.metadata()?)?;
        let mut details = params.child(&kind)?.ok_or_else(|| Refusal::missing(&params.name(&kind)))?;
        if kind == "card" {
            card(world, &mut method, &mut details)?
        } else {
            bank(&mut method, &mut details)?
        }
        details.finish()?;
        params.finish()?;
        Ok(NewMethod(method))
    }

    pub fn keep(self, world: &mut World) -> String {
        let id = self.0["id"].as_str().unwrap_or_default().to_owned();
        world.put(Kind::PaymentMethod, self.0);
        id
    }
}

fn blank(world: &World, kind: &str) -> Value {
    json!({
        "id": world.new_id(Kind::PaymentMethod), "object": "payment_method", "allow_redisplay": "unspecified",
        "billing_details": {"address": {"city": null, "country": null, "line1": null, "line2": null, "postal_code": null,
            "state": null}, "email": null, "name": null, "phone": null, "tax_id": null},
        "created": world.now_s(), "customer": null, "livemode": false, "metadata": {}, "type": kind,
    })
}

fn billing_details(params: &mut Params) -> Answer {
    let mut address: Map<String, Value> =
        BILLING_ADDRESS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let mut out = json!({"email": null, "name": null, "phone": null, "tax_id": null});
    if let Some(mut given) = params.child("billing_details")? {
        if let Some(parts) = given.object("address", BILLING_ADDRESS)? {
            address = parts;
        }
        for name in ["email", "name", "phone", "tax_id"] {
            out[name] = nullable(given.text(name)?);
        }
        given.finish()?;
    }
    out["address"] = Value::Object(address);
    Ok(out)
}

/// (year, month) of the stand-in's clock.
fn today(world: &World) -> (i64, i64) {
    let now = jiff::Timestamp::from_second(world.now_s()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = jiff::tz::Offset::UTC.to_datetime(now).date();
    (i64::from(date.year()), i64::from(date.month()))
}

fn card(world: &World, method: &mut Value, details: &mut Params) -> Result<(), Refusal> {
    let number = details.required("number");
    if !world.caller.publishable {
        return Err(Refusal::card(
            "card_declined",
            None,
            "Sending credit card numbers directly to the API from a server is not allowed here: card data must go from \
             the browser to Stripe. Use a test token such as pm_card_visa.",
        ));
    }
    let card = cards::by_number(&number?)?;
    let month = details.integer("exp_month")?.ok_or_else(|| Refusal::missing("card[exp_month]"))?;
    let year = details.integer("exp_year")?.ok_or_else(|| Refusal::missing("card[exp_year]"))?;
    let cvc = details.text("cvc")?;
    let year = cards::typed_details(month, year, cvc.as_deref(), card.brand, today(world))?;
    fill_card(method, card, month, year, cvc.is_some());
    Ok(())
}

fn fill_card(method: &mut Value, card: &cards::Card, exp_month: i64, exp_year: i64, with_code: bool) {
    let postal = !method["billing_details"]["address"]["postal_code"].is_null();
    method["_card"] = json!(card.token);
    method["card"] = json!({
        "brand": card.brand,
        "checks": {
            "address_line1_check": null,
            "address_postal_code_check": postal.then_some("unchecked"),
            "cvc_check": with_code.then_some("unchecked"),
        },
        "country": card.country, "display_brand": card.brand, "exp_month": exp_month, "exp_year": exp_year,
        "fingerprint": fingerprint(card.number), "funding": card.funding, "generated_from": null,
        "last4": &card.number[card.number.len() - 4..],
        "networks": {"available": [card.brand], "preferred": null}, "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": true}, "wallet": null,
    });
}

/// The same number has the same fingerprint, which does not tell the number.
pub fn fingerprint(number: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("quittance sandbox {number}").as_bytes());
    hex::encode(digest).chars().take(16).collect()
}

fn bank(method: &mut Value, details: &mut Params) -> Result<(), Refusal> {
    let number = details.required("account_number")?;
    let routing = details.required("routing_number")?;
    let holder = details.choice("account_holder_type", &["company", "individual"])?;
    let account_type = details.choice("account_type", &["checking", "savings"])?;
    if routing.len() != 9 || !routing.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::parameter(
            "routing_number_invalid",
            "us_bank_account[routing_number]",
            "Invalid routing number",
        ));
    }
    let bank = banks::by_number(&number).filter(|_| routing == banks::ROUTING).ok_or_else(|| {
        Refusal::parameter(
            "account_number_invalid",
            "us_bank_account[account_number]",
            "You must use a test bank account number in test mode.",
        )
    })?;
    fill_bank(method, bank, holder.as_deref().unwrap_or("individual"), account_type.as_deref().unwrap_or("checking"));
    Ok(())
}

fn fill_bank(method: &mut Value, bank: &banks::Bank, holder: &str, account_type: &str) {
    method["_bank"] = json!(bank.token);
    method["_verified"] = json!(false);
    method["us_bank_account"] = json!({
        "account_holder_type": holder, "account_type": account_type, "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": null, "fingerprint": fingerprint(bank.number),
        "last4": &bank.number[bank.number.len() - 4..],
        "networks": {"preferred": "ach", "supported": ["ach"]}, "routing_number": banks::ROUTING, "status_details": {},
    });
}

/// The test tokens: each use of `pm_card_visa` makes a method of its own.
fn from_token(world: &mut World, token: &str) -> Option<String> {
    let method = if let Some(card) = cards::by_token(token) {
        let mut method = blank(world, "card");
        fill_card(&mut method, card, 12, today(world).0 + 4, true);
        method
    } else {
        let bank = banks::by_token(token)?;
        let mut method = blank(world, "us_bank_account");
        method["billing_details"]["name"] = json!("Jenny Rosen");
        method["billing_details"]["email"] = json!("jenny@example.com");
        fill_bank(&mut method, bank, "individual", "checking");
        method
    };
    Some(NewMethod(method).keep(world))
}

/// Whether an id in a parameter names something that can pay: a method, a bank account, or a test token.
pub fn exists(world: &World, id: &str) -> bool {
    cards::by_token(id).is_some() || banks::by_token(id).is_some() || load(world, id).is_some()
}

/// The id to work with: a test token becomes a new method.
pub fn resolve(world: &mut World, id: &str, param: &str) -> Result<String, Refusal> {
    if load(world, id).is_some() {
        return Ok(id.to_owned());
    }
    from_token(world, id).ok_or_else(|| Refusal::no_such_param("PaymentMethod", id, param))
}

/// The stored document of a method, with its private fields: a `pm_`, or a `ba_` in the shape of a method.
pub fn load(world: &World, id: &str) -> Option<Value> {
    if let Some(method) = world.ledger.get(Kind::PaymentMethod, id) {
        return Some(method.clone());
    }
    let account = world.ledger.get(Kind::BankAccount, id)?;
    Some(json!({
        "id": id, "object": "payment_method", "allow_redisplay": "unspecified",
        "billing_details": {"address": {"city": null, "country": null, "line1": null, "line2": null, "postal_code": null,
            "state": null}, "email": null, "name": account["account_holder_name"], "phone": null, "tax_id": null},
        "created": account["_created"], "customer": account["customer"], "livemode": false,
        "metadata": account["metadata"], "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": account["account_holder_type"], "account_type": account["account_type"],
            "bank_name": account["bank_name"], "financial_connections_account": null,
            "fingerprint": account["fingerprint"], "last4": account["last4"],
            "networks": {"preferred": "ach", "supported": ["ach"]}, "routing_number": account["routing_number"],
            "status_details": account.get("_status_details").cloned().unwrap_or_else(|| json!({})),
        },
        "_bank": account["_bank"], "_verified": account["status"] == "verified",
        "_detached": account["_detached"], "_mandate": account["_mandate"], "_disputed": account["_disputed"],
    }))
}

/// The method as the API shows it.
pub fn as_payment_method(world: &World, id: &str) -> Option<Value> {
    load(world, id).map(|method| public(&method))
}

/// Writes private facts back, whichever kind the method is.
pub fn note(world: &mut World, id: &str, field: &str, value: Value) {
    for kind in [Kind::PaymentMethod, Kind::BankAccount] {
        if let Some(mut document) = world.ledger.get(kind, id).cloned() {
            document[field] = value;
            world.put(kind, document);
            return;
        }
    }
}

/// The card was issued anew: same number here, another expiry, and nobody asked for it.
pub fn renew(world: &mut World, id: &str, month: i64, year: i64) -> Answer {
    let mut method = world.named(Kind::PaymentMethod, id, "payment_method")?;
    if method["type"] != "card" {
        return Err(Refusal::invalid("Only cards are issued anew."));
    }
    let previous = json!({"card": {"exp_month": method["card"]["exp_month"], "exp_year": method["card"]["exp_year"]}});
    method["card"]["exp_month"] = json!(month);
    method["card"]["exp_year"] = json!(year);
    world.put(Kind::PaymentMethod, method.clone());
    world.emit("payment_method.automatically_updated", &method, Some(previous));
    Ok(public(&method))
}

/// The card's bank declines it from now on.
pub fn decline(world: &mut World, id: &str, code: &str) -> Answer {
    let mut method = world.named(Kind::PaymentMethod, id, "payment_method")?;
    let card = cards::declining(code).filter(|_| method["type"] == "card");
    let card = card.ok_or_else(|| Refusal::invalid(format!("No card is declined with {code}.")).param("code"))?;
    method["_card"] = json!(card.token);
    world.put(Kind::PaymentMethod, method.clone());
    Ok(public(&method))
}

/// The bank refuses this account from now on.
pub fn block(world: &mut World, id: &str, returned: &banks::Return) {
    let Some(reason) = returned.blocks else { return };
    let details = json!({"blocked": {"network_code": returned.code, "reason": reason}});
    if let Some(mut account) = world.ledger.get(Kind::BankAccount, id).cloned() {
        account["_status_details"] = details;
        account["status"] = json!(if reason == "tokenized_account_number_deactivated" { reason } else { "errored" });
        world.put(Kind::BankAccount, account.clone());
        world.emit("customer.source.updated", &account, None);
    } else if let Some(mut method) = world.ledger.get(Kind::PaymentMethod, id).cloned() {
        method["us_bank_account"]["status_details"] = details;
        world.put(Kind::PaymentMethod, method.clone());
        world.emit("payment_method.updated", &method, None);
    }
}

/// Checks that a method named in a parameter may pay for `customer`.
pub fn owned(world: &World, id: &str, customer: Option<&str>, param: &str) -> Result<Value, Refusal> {
    let method = load(world, id).ok_or_else(|| Refusal::no_such_param("PaymentMethod", id, param))?;
    match (text(&method, "customer"), customer) {
        (Some(owner), Some(customer)) if owner == customer => Ok(method),
        (Some(owner), Some(customer)) => Err(Refusal::invalid(format!(
            "The PaymentMethod {id} belongs to the Customer {owner}. Use it with that Customer instead of {customer}."
        ))
        .param(param)
        .executed()),
        (Some(owner), None) => Err(Refusal::invalid(format!(
            "The PaymentMethod {id} belongs to the Customer {owner}. Include the Customer in the `customer` parameter."
        ))
        .param(param)
        .executed()),
        (None, _) if method["_detached"] == true || method["_used"] == true => Err(Refusal::invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a \
             Customer, and may not be used again.",
        )
        .param(param)
        .executed()),
        (None, _) => Ok(method),
    }
}

pub fn create(world: &mut World, params: Params) -> Answer {
    let method = NewMethod::take(world, params)?;
    let id = method.keep(world);
    Ok(as_payment_method(world, &id).unwrap_or_default())
}

pub fn retrieve(world: &mut World, id: &str) -> Answer {
    let id = resolve(world, id, "payment_method").map_err(|mut refusal| {
        refusal.status = 404;
        refusal
    })?;
    as_payment_method(world, &id).ok_or_else(|| Refusal::no_such("PaymentMethod", &id))
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let metadata = params.metadata()?;
    let redisplay = params.choice("allow_redisplay", &["always", "limited", "unspecified"])?;
    let billing = if params.has("billing_details") { Some(billing_details(&mut params)?) } else { None };
    // As a bank's news of a renewed card, or somebody in the Dashboard.
    let expiry = match params.child("card")? {
        Some(mut card) => {
            let typed = (card.integer("exp_month")?, card.integer("exp_year")?);
            card.finish()?;
            Some(typed)
        }
        None => None,
    };
    params.finish()?;
    let mut method = world.load(Kind::PaymentMethod, id)?;
    if let Some((month, year)) = expiry {
        if method["type"] != "card" {
            return Err(Refusal::unknown_parameter("card"));
        }
        let month = month.or_else(|| method["card"]["exp_month"].as_i64()).unwrap_or_default();
        let year = year.or_else(|| method["card"]["exp_year"].as_i64()).unwrap_or_default();
        let brand = method["card"]["brand"].as_str().unwrap_or_default().to_owned();
        let year = cards::typed_details(month, year, None, &brand, today(world))?;
        method["card"]["exp_month"] = json!(month);
        method["card"]["exp_year"] = json!(year);
    }
    merge_metadata(&mut method, metadata)?;
    if let Some(redisplay) = redisplay {
        method["allow_redisplay"] = json!(redisplay);
    }
    if let Some(billing) = billing {
        method["billing_details"] = billing;
    }
    world.put(Kind::PaymentMethod, method.clone());
    world.emit("payment_method.updated", &method, None);
    Ok(public(&method))
}

pub fn attach(world: &mut World, id: &str, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    params.finish()?;
    customers::living(world, &customer, "customer")?;
    let id = attach_to(world, id, &customer)?;
    Ok(as_payment_method(world, &id).unwrap_or_default())
}

/// Attaches a method, or a fresh one for a test token. Cards that always decline are refused here already.
pub fn attach_to(world: &mut World, id: &str, customer: &str) -> Result<String, Refusal> {
    let id = resolve(world, id, "payment_method")?;
    let method = load(world, &id).unwrap_or_default();
    match text(&method, "customer") {
        Some(owner) if owner == customer => return Ok(id),
        Some(_) => {
            let message = "The payment method you provided has already been attached to a customer.";
            return Err(Refusal::invalid(message).executed());
        }
        None => owned(world, &id, Some(customer), "payment_method")?,
    };
    if let Some(Conduct::Decline(decline)) = text(&method, "_card").and_then(cards::named).map(|card| card.conduct) {
        return Err(decline.refusal());
    }
    bind(world, &id, customer);
    Ok(id)
}

/// Attaches without asking the bank, because it was just asked.
pub fn bind(world: &mut World, id: &str, customer: &str) {
    let Some(mut method) = world.ledger.get(Kind::PaymentMethod, id).cloned() else { return };
    if text(&method, "customer") == Some(customer) {
        return;
    }
    method["customer"] = json!(customer);
    if let Some(checks) = method["card"]["checks"].as_object_mut() {
        for check in checks.values_mut().filter(|check| *check == "unchecked") {
            *check = json!("pass");
        }
    }
    world.put(Kind::PaymentMethod, method.clone());
    world.emit("payment_method.attached", &method, None);
}

pub fn detach(world: &mut World, id: &str, params: Params) -> Answer {
    params.finish()?;
    let method = load(world, id).ok_or_else(|| Refusal::no_such("PaymentMethod", id))?;
    if method["customer"].is_null() {
        let message = "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(Refusal::invalid(message).executed());
    }
    release(world, id);
    Ok(as_payment_method(world, id).unwrap_or_default())
}

/// Takes the method from its customer; it can never be used again.
pub fn release(world: &mut World, id: &str) {
    for kind in [Kind::PaymentMethod, Kind::BankAccount] {
        if let Some(mut document) = world.ledger.get(kind, id).cloned() {
            let customer = document["customer"].take();
            document["_detached"] = json!(true);
            world.put(kind, document.clone());
            let (event, previous) = match kind {
                Kind::BankAccount => ("customer.source.deleted", None),
                _ => ("payment_method.detached", Some(json!({"customer": customer}))),
            };
            world.emit(event, &document, previous);
            forget_default(world, customer.as_str().unwrap_or_default(), id);
        }
    }
}

fn forget_default(world: &mut World, customer: &str, method: &str) {
    let Some(mut document) = world.ledger.get(Kind::Customer, customer).cloned() else { return };
    if document["invoice_settings"]["default_payment_method"] == method {
        document["invoice_settings"]["default_payment_method"] = Value::Null;
    }
    if document["default_source"] == method {
        document["default_source"] = Value::Null;
    }
    world.put(Kind::Customer, document);
}

pub fn ids_of(world: &World, customer: &str) -> Vec<String> {
    [Kind::PaymentMethod, Kind::BankAccount]
        .into_iter()
        .flat_map(|kind| world.ledger.having(kind, "customer", customer))
        .filter_map(|method| text(method, "id").map(str::to_owned))
        .collect()
}

pub fn list(world: &World, customer_in_path: Option<&str>, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let kind = params.choice("type", &["card", "us_bank_account"])?;
    let redisplay = params.choice("allow_redisplay", &["always", "limited", "unspecified"])?;
    let customer = match customer_in_path {
        Some(customer) => Some(customer.to_owned()),
        None => params.filled("customer")?,
    };
    params.finish()?;
    let Some(customer) = customer else {
        return Err(Refusal::missing("customer"));
    };
    let known = world.ledger.get(Kind::Customer, &customer).is_some();
    if !known {
        return Err(match customer_in_path {
            Some(_) => Refusal::no_such("customer", &customer),
            None => Refusal::no_such_param("customer", &customer, "customer"),
        });
    }
    let url = match customer_in_path {
        Some(customer) => format!("/v1/customers/{customer}/payment_methods"),
        None => "/v1/payment_methods".to_owned(),
    };
    let mut methods: Vec<Value> = ids_of(world, &customer).iter().filter_map(|id| load(world, id)).collect();
    methods.sort_by_key(|method| {
        let id = text(method, "id").unwrap_or_default();
        std::cmp::Reverse(world.ledger.sequence(Kind::of_id(id).unwrap_or(Kind::PaymentMethod), id))
    });
    let chosen = methods
        .iter()
        .filter(|method| kind.as_deref().is_none_or(|kind| method["type"] == kind))
        .filter(|method| redisplay.as_deref().is_none_or(|redisplay| method["allow_redisplay"] == redisplay));
    page.of(world, Kind::PaymentMethod, &url, chosen)
}

pub fn retrieve_of_customer(world: &World, customer: &str, id: &str) -> Answer {
    let method = load(world, id).filter(|method| text(method, "customer") == Some(customer));
    method.map(|method| public(&method)).ok_or_else(|| Refusal::no_such("PaymentMethod", id))
}
