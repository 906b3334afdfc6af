//! `/v1/mandates`: the permission to debit a bank account.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::Refusal;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::World;

use super::payment_methods;

/// `mandate_data[customer_acceptance]`, checked: who agreed, when and from where.
pub fn take(params: &mut Params) -> Result<Option<Value>, Refusal> {
    let Some(mut data) = params.child("mandate_data")? else { return Ok(None) };
    let mut acceptance =
        data.child("customer_acceptance")?.ok_or_else(|| Refusal::missing("mandate_data[customer_acceptance]"))?;
    let kind = acceptance.choice("type", &["online", "offline"])?;
    let kind = kind.ok_or_else(|| Refusal::missing("mandate_data[customer_acceptance][type]"))?;
    let accepted_at = acceptance.integer("accepted_at")?;
    let mut out = json!({"type": kind, "accepted_at": accepted_at});
    if kind == "online" {
        let mut online =
            acceptance.child("online")?.ok_or_else(|| Refusal::missing("mandate_data[customer_acceptance][online]"))?;
        let from_client = online.boolean("infer_from_client")? == Some(true);
        let (ip, agent) = if from_client {
            (Some("127.0.0.1".to_owned()), Some("the customer's browser".to_owned()))
        } else {
            (Some(online.required("ip_address")?), Some(online.required("user_agent")?))
        };
        online.finish()?;
        out["online"] = json!({"ip_address": ip, "user_agent": agent});
    } else {
        if let Some(offline) = acceptance.child("offline")? {
            offline.finish()?;
        }
        out["offline"] = json!({});
    }
    acceptance.finish()?;
    data.finish()?;
    Ok(Some(out))
}

/// Records a mandate for a method and makes it the method's current one.
pub fn grant(
    world: &mut World,
    method: &str,
    mut acceptance: Value,
    multi_use: bool,
    amount: i64,
    currency: &str,
) -> String {
    let id = world.new_id(Kind::Mandate);
    if acceptance["accepted_at"].is_null() {
        acceptance["accepted_at"] = json!(world.now_s());
    }
    let mut mandate = json!({
        "id": id, "object": "mandate", "customer_acceptance": acceptance, "livemode": false, "payment_method": method,
        "payment_method_details": {"type": "us_bank_account", "us_bank_account": {}}, "status": "active",
        "type": if multi_use { "multi_use" } else { "single_use" },
    });
    if multi_use {
        mandate["multi_use"] = json!({});
        payment_methods::note(world, method, "_mandate", json!(id));
    } else {
        mandate["single_use"] = json!({"amount": amount, "currency": currency});
    }
    world.put(Kind::Mandate, mandate);
    id
}

pub fn invalidate(world: &mut World, id: &str) {
    let Some(mut mandate) = world.ledger.get(Kind::Mandate, id).cloned() else { return };
    mandate["status"] = json!("inactive");
    world.put(Kind::Mandate, mandate.clone());
    world.emit("mandate.updated", &mandate, None);
}
