//! `/v1/account`: whose Stripe this is.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::World;

const SETTING: &str = "set_account";

/// What Stripe has switched on for this account by hand.
pub fn enabled(world: &World) -> Value {
    let kept = world.ledger.get(Kind::Setting, SETTING);
    json!({"moto": kept.is_some_and(|kept| kept["moto"] == true), "plaid_tokens": plaid_tokens(world)})
}

/// Whether phone orders may be flagged as such.
pub fn takes_phone_orders(world: &World) -> bool {
    enabled(world)["moto"] == true
}

/// `enabled`; `refused`, as before Stripe's staff have enabled Plaid's tokens; `legacy`, where debits still go down the
/// older path and show as `ach_debit`.
pub fn plaid_tokens(world: &World) -> &str {
    world.ledger.get(Kind::Setting, SETTING).and_then(|kept| kept["plaid_tokens"].as_str()).unwrap_or("enabled")
}

pub fn enable(world: &mut World, wanted: &Value) -> Answer {
    let mut setting = enabled(world);
    if let Some(moto) = wanted["moto"].as_bool() {
        setting["moto"] = json!(moto);
    }
    if let Some(tokens) = wanted["plaid_tokens"].as_str() {
        if !matches!(tokens, "enabled" | "refused" | "legacy") {
            return Err(Refusal::invalid("plaid_tokens must be enabled, refused or legacy").param("plaid_tokens"));
        }
        setting["plaid_tokens"] = json!(tokens);
    }
    setting["id"] = json!(SETTING);
    world.ledger.put(Kind::Setting, setting);
    Ok(enabled(world))
}

pub fn retrieve(world: &World, params: Params) -> Answer {
    params.finish()?;
    Ok(json!({
        "id": world.account_id, "object": "account",
        "business_profile": {"mcc": "5734", "name": "Quittance Sandbox", "support_email": null, "url": null},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active", "us_bank_account_ach_payments": "active"},
        "charges_enabled": true, "country": "US", "default_currency": "usd", "details_submitted": true,
        "email": "sandbox@example.com", "metadata": {}, "payouts_enabled": true,
        "settings": {
            "card_payments": {"statement_descriptor_prefix": "QUITTANCE"},
            "dashboard": {"display_name": "Quittance Sandbox", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "QUITTANCE SANDBOX"},
        },
        "type": "standard",
    }))
}
