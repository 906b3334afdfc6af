//! `expand[]`: ids in an answer replaced by the objects they name.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::objects::payment_methods;
use crate::sandbox::stripe::refusal::Refusal;
use crate::sandbox::stripe::world::{World, public};

const DEPTH: usize = 4;

pub fn expand(world: &World, answer: &mut Value, paths: &[String]) -> Result<(), Refusal> {
    for path in paths {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > DEPTH + 1 {
            return Err(Refusal::invalid("You can expand at most 4 levels of a property.").param("expand"));
        }
        follow(world, answer, &parts, path)?;
    }
    Ok(())
}

fn follow(world: &World, at: &mut Value, parts: &[&str], path: &str) -> Result<(), Refusal> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    if let Value::Array(items) = at {
        return items.iter_mut().try_for_each(|item| follow(world, item, parts, path));
    }
    let id = at["id"].as_str().unwrap_or_default().to_owned();
    if *first == "refunds" && at["object"] == "charge" && at["refunds"].is_null() {
        let refunds: Vec<Value> = world.ledger.having(Kind::Refund, "charge", &id).into_iter().map(public).collect();
        at["refunds"] = json!({"object": "list", "data": refunds, "has_more": false,
            "url": format!("/v1/charges/{id}/refunds")});
    } else if *first == "sources" && at["object"] == "customer" {
        let accounts = world.ledger.having(Kind::BankAccount, "customer", &id);
        let data: Vec<Value> = accounts.into_iter().map(public).collect();
        at["sources"] = json!({"object": "list", "data": data, "has_more": false,
            "url": format!("/v1/customers/{id}/sources")});
    }
    let Some(inner) = at.get_mut(*first) else {
        let message = format!("This property cannot be expanded ({path}).");
        return Err(Refusal::invalid(message).param("expand"));
    };
    match inner {
        Value::String(id) => {
            let Some(object) = object(world, first, id) else {
                let message = format!("This property cannot be expanded ({path}).");
                return Err(Refusal::invalid(message).param("expand"));
            };
            *inner = object;
            follow(world, inner, rest, path)
        }
        Value::Object(_) | Value::Array(_) => follow(world, inner, rest, path),
        // Nothing there yet: nothing to expand.
        _ => Ok(()),
    }
}

fn object(world: &World, field: &str, id: &str) -> Option<Value> {
    let kind = Kind::of_id(id)?;
    if matches!(field, "id" | "client_secret") {
        return None;
    }
    match kind {
        Kind::BankAccount if field != "default_source" => payment_methods::as_payment_method(world, id),
        Kind::PaymentMethod => payment_methods::as_payment_method(world, id),
        _ => world.ledger.get(kind, id).map(public),
    }
}
