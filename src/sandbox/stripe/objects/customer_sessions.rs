//! `/v1/customer_sessions`

use serde_json::json;

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::{World, public, random_text};

use super::customers;

pub fn create(world: &mut World, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    let mut components = params.child("components")?.ok_or_else(|| Refusal::missing("components"))?;
    let mut element =
        components.child("payment_element")?.ok_or_else(|| Refusal::missing("components[payment_element]"))?;
    let enabled =
        element.boolean("enabled")?.ok_or_else(|| Refusal::missing("components[payment_element][enabled]"))?;
    let mut shown = json!({
        "payment_method_allow_redisplay_filters": ["always"], "payment_method_redisplay": "disabled",
        "payment_method_redisplay_limit": null, "payment_method_remove": "disabled", "payment_method_save": "disabled",
        "payment_method_save_usage": null,
    });
    if let Some(mut features) = element.child("features")? {
        for name in ["payment_method_redisplay", "payment_method_remove", "payment_method_save"] {
            if let Some(choice) = features.choice(name, &["enabled", "disabled"])? {
                shown[name] = json!(choice);
            }
        }
        if let Some(usage) = features.choice("payment_method_save_usage", &["off_session", "on_session"])? {
            shown["payment_method_save_usage"] = json!(usage);
        }
        if let Some(filters) = features.list("payment_method_allow_redisplay_filters")? {
            shown["payment_method_allow_redisplay_filters"] = json!(filters);
        }
        if let Some(limit) = features.integer("payment_method_redisplay_limit")? {
            shown["payment_method_redisplay_limit"] = json!(limit);
        }
        features.finish()?;
    }
    element.finish()?;
    components.finish()?;
    params.finish()?;
    customers::living(world, &customer, "customer")?;
    let id = world.new_id(Kind::CustomerSession);
    let session = json!({
        "id": id, "object": "customer_session", "client_secret": format!("{id}_secret_{}", random_text(25)),
        "components": {
            "buy_button": {"enabled": false}, "customer_sheet": {"enabled": false, "features": null},
            "mobile_payment_element": {"enabled": false, "features": null},
            "payment_element": {"enabled": enabled, "features": shown}, "pricing_table": {"enabled": false},
        },
        "created": world.now_s(), "customer": customer, "expires_at": world.now_s() + 1800, "livemode": false,
    });
    world.put(Kind::CustomerSession, session.clone());
    let mut answer = public(&session);
    if let Some(fields) = answer.as_object_mut() {
        fields.shift_remove("id");
    }
    Ok(answer)
}
