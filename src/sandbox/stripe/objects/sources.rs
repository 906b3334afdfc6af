//! `/v1/customers/{customer}/sources`: bank accounts from bank tokens, the way Plaid hands them over.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, public, text};

use super::banks;
use super::{customers, payment_methods};

/// Makes a one-use bank token, as Plaid asks Stripe to. `verified` is what Plaid vouches for.
pub fn issue_token(world: &mut World, number: &str, holder: Option<&str>, holder_type: &str, verified: bool) -> Answer {
    let bank = banks::by_number(number).ok_or_else(|| {
        Refusal::parameter("account_number_invalid", "account_number", "This is no test bank account number.")
    })?;
    let id = world.new_id(Kind::BankToken);
    let token = json!({"id": id, "object": "token", "type": "bank_account", "used": false, "livemode": false,
        "created": world.now_s(), "_bank": bank.token, "_holder": holder, "_holder_type": holder_type,
        "_verified": verified});
    world.put(Kind::BankToken, token.clone());
    Ok(public(&token))
}

/// What a bank token stands for.
pub fn token(world: &World, id: &str) -> Answer {
    let token = world.load(Kind::BankToken, id)?;
    let bank = text(&token, "_bank").and_then(banks::named).ok_or_else(|| Refusal::server(500))?;
    let mut shown = public(&token);
    shown["client_ip"] = Value::Null;
    shown["bank_account"] = json!({
        "id": format!("ba_of_{id}"), "object": "bank_account", "account_holder_name": token["_holder"],
        "account_holder_type": token["_holder_type"], "account_type": "checking", "bank_name": "STRIPE TEST BANK",
        "country": "US", "currency": "usd", "fingerprint": payment_methods::fingerprint(bank.number),
        "last4": &bank.number[bank.number.len() - 4..], "routing_number": banks::ROUTING,
        "status": if token["_verified"] == true { "verified" } else { "new" },
    });
    Ok(shown)
}

pub fn create(world: &mut World, customer: &str, mut params: Params) -> Answer {
    let token_id = params.required("source")?;
    let metadata = params.metadata()?;
    params.finish()?;
    let mut owner = customers::living(world, customer, "customer").map_err(|mut refusal| {
        refusal.status = 404;
        refusal
    })?;
    // Stripe's own test tokens can be used again and again.
    let token = match token_id.as_str() {
        "btok_us_verified" => json!({"_bank": "success", "_verified": true}),
        "btok_us" => json!({"_bank": "success", "_verified": false}),
        _ => {
            let mut token = world.named(Kind::BankToken, &token_id, "source").map_err(|mut refusal| {
                refusal.message = format!("No such token: '{token_id}'");
                refusal
            })?;
            if token["used"] == true {
                let message = format!("You cannot use a Stripe token more than once: {token_id}.");
                return Err(Refusal::state("token_already_used", message).param("source"));
            }
            token["used"] = json!(true);
            world.put(Kind::BankToken, token.clone());
            token
        }
    };
    let bank = text(&token, "_bank").and_then(banks::named).ok_or_else(|| Refusal::server(500))?;
    let fingerprint = payment_methods::fingerprint(bank.number);
    let known = world.ledger.having(Kind::BankAccount, "customer", customer);
    if known.iter().any(|account| account["fingerprint"] == fingerprint) {
        let message = "A bank account with that routing number and account number already exists for this customer.";
        return Err(Refusal::state("bank_account_exists", message));
    }
    let id = world.new_id(Kind::BankAccount);
    let holder = text(&token, "_holder").map_or_else(|| owner["name"].clone(), |holder| json!(holder));
    let mut account = json!({
        "id": id, "object": "bank_account", "account_holder_name": holder,
        "account_holder_type": text(&token, "_holder_type").unwrap_or("individual"), "account_type": "checking",
        "bank_name": "STRIPE TEST BANK", "country": "US", "currency": "usd", "customer": customer,
        "fingerprint": fingerprint, "last4": &bank.number[bank.number.len() - 4..], "metadata": {},
        "routing_number": banks::ROUTING, "status": if token["_verified"] == true { "verified" } else { "new" },
        "_bank": bank.token, "_created": world.now_s(),
    });
    merge_metadata(&mut account, metadata)?;
    world.put(Kind::BankAccount, account.clone());
    if owner["default_source"].is_null() {
        owner["default_source"] = json!(id);
        world.put(Kind::Customer, owner);
    }
    world.emit("customer.source.created", &account, None);
    Ok(public(&account))
}

fn of_customer(world: &World, customer: &str, id: &str) -> Answer {
    let account = world.load(Kind::BankAccount, id)?;
    if text(&account, "customer") == Some(customer) { Ok(account) } else { Err(Refusal::no_such("source", id)) }
}

pub fn retrieve(world: &World, customer: &str, id: &str) -> Answer {
    of_customer(world, customer, id).map(|account| public(&account))
}

pub fn list(world: &World, customer: &str, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    params.choice("object", &["bank_account", "card"])?;
    params.finish()?;
    world.load(Kind::Customer, customer)?;
    let accounts = world.ledger.having(Kind::BankAccount, "customer", customer);
    page.of(world, Kind::BankAccount, &format!("/v1/customers/{customer}/sources"), accounts.into_iter())
}

pub fn delete(world: &mut World, customer: &str, id: &str) -> Answer {
    of_customer(world, customer, id)?;
    payment_methods::release(world, id);
    Ok(json!({"id": id, "object": "bank_account", "currency": "usd", "deleted": true}))
}

/// The older way of verifying by two amounts.
pub fn verify(world: &mut World, customer: &str, id: &str, mut params: Params) -> Answer {
    let amounts = params.list("amounts")?.ok_or_else(|| Refusal::missing("amounts"))?;
    params.finish()?;
    let mut account = of_customer(world, customer, id)?;
    if account["status"] == "verified" {
        return Err(Refusal::state("bank_account_already_verified", "This bank account has already been verified."));
    }
    if amounts != ["32", "45"] {
        let message = "The amounts provided do not match the amounts that were sent to the bank account.";
        return Err(Refusal::state("bank_account_verification_failed", message));
    }
    account["status"] = Value::String("verified".to_owned());
    world.put(Kind::BankAccount, account.clone());
    world.emit("customer.source.updated", &account, None);
    Ok(public(&account))
}
