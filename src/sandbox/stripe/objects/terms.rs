//! What may be said of a PaymentIntent when it is made, changed or confirmed.

use serde_json::{Map, Value, json};

use crate::sandbox::stripe::refusal::Refusal;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{World, nullable};

use super::confirmation::{self, Types};

const SHIPPING_ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// What create and update have in common, already checked.
#[derive(Default)]
pub struct Terms {
    pub fields: Map<String, Value>,
    pub metadata: Option<Map<String, Value>>,
    pub options: Option<Map<String, Value>>,
    pub types: Types,
}

impl Terms {
    pub fn take(world: &World, params: &mut Params) -> Result<Terms, Refusal> {
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
            options: confirmation::take_options(world, params)?,
            types: Types::take(params)?,
        })
    }

    pub fn apply(self, intent: &mut Value) -> Result<(), Refusal> {
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

pub fn no_descriptor_on_cards() -> Refusal {
    let message = "You can't set `statement_descriptor` for card payments. Use `statement_descriptor_suffix` instead.";
    Refusal::parameter("parameter_invalid", "statement_descriptor", message)
}
