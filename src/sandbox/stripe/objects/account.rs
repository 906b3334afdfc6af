//! `/v1/account`: whose Stripe this is.

use serde_json::json;

use crate::sandbox::stripe::refusal::Answer;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::World;

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
