//! `/v1/customers`

use serde_json::{Map, Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::wire::query::Query;
use crate::sandbox::stripe::world::{World, nullable, public, text};

use super::payment_methods;

const ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// What create and update have in common, already checked.
struct Changes {
    fields: Map<String, Value>,
    default_payment_method: Option<String>,
    metadata: Option<Map<String, Value>>,
}

impl Changes {
    fn take(params: &mut Params) -> Result<Changes, Refusal> {
        let mut fields = Map::new();
        for (name, most) in [("name", 256), ("email", 512), ("phone", 20), ("description", 5000)] {
            if let Some(text) = params.text(name)? {
                if text.chars().count() > most {
                    let message = format!("Invalid string: {name} must be at most {most} characters");
                    return Err(Refusal::parameter("parameter_invalid_string_too_long", name, message));
                }
                if name == "email" && !text.is_empty() && !plausible(&text) {
                    return Err(Refusal::parameter("email_invalid", name, format!("Invalid email address: {text}")));
                }
                fields.insert(name.to_owned(), nullable(Some(text)));
            }
        }
        if params.clone_of("address").text("address").is_ok_and(|text| text.as_deref() == Some("")) {
            params.forget("address");
            fields.insert("address".to_owned(), Value::Null);
        }
        if let Some(address) = params.object("address", ADDRESS)? {
            fields.insert("address".to_owned(), Value::Object(address));
        }
        if let Some(mut shipping) = params.child("shipping")? {
            let address = shipping.object("address", ADDRESS)?;
            let name = shipping.required("name")?;
            let phone = shipping.text("phone")?;
            shipping.finish()?;
            fields.insert("shipping".to_owned(), json!({"address": address, "name": name, "phone": nullable(phone)}));
        }
        if let Some(locales) = params.list("preferred_locales")? {
            fields.insert("preferred_locales".to_owned(), json!(locales));
        }
        if let Some(exempt) = params.choice("tax_exempt", &["none", "exempt", "reverse"])? {
            fields.insert("tax_exempt".to_owned(), json!(exempt));
        }
        let mut default_payment_method = None;
        if let Some(mut settings) = params.child("invoice_settings")? {
            default_payment_method = settings.text("default_payment_method")?;
            settings.finish()?;
        }
        Ok(Changes { fields, default_payment_method, metadata: params.metadata()? })
    }

    fn apply(self, customer: &mut Value) -> Result<(), Refusal> {
        for (name, value) in self.fields {
            customer[name.as_str()] = value;
        }
        if let Some(id) = self.default_payment_method {
            customer["invoice_settings"]["default_payment_method"] = nullable(Some(id));
        }
        merge_metadata(customer, self.metadata)
    }
}

/// Stripe asks little of an address: something, an at sign, something with no space in it.
fn plausible(email: &str) -> bool {
    email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(char::is_whitespace)
    })
}

pub fn create(world: &mut World, mut params: Params) -> Answer {
    let changes = Changes::take(&mut params)?;
    let payment_method = params.filled("payment_method")?;
    params.finish()?;
    let id = world.new_id(Kind::Customer);
    let mut customer = json!({
        "id": id, "object": "customer", "address": null, "balance": 0, "created": world.now_s(), "currency": null,
        "default_source": null, "delinquent": false, "description": null, "discount": null, "email": null,
        "invoice_prefix": crate::sandbox::stripe::world::random_text(8).to_uppercase(),
        "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
        "livemode": false, "metadata": {}, "name": null, "next_invoice_sequence": 1, "phone": null,
        "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
    });
    changes.apply(&mut customer)?;
    world.put(Kind::Customer, customer);
    if let Some(method) = payment_method {
        payment_methods::attach_to(world, &method, &id)?;
    }
    world.emit_about("customer.created", Kind::Customer, &id);
    world.show(Kind::Customer, &id)
}

pub fn retrieve(world: &World, id: &str) -> Answer {
    let customer = world.load(Kind::Customer, id)?;
    Ok(if deleted(&customer) { tombstone(id) } else { public(&customer) })
}

fn deleted(customer: &Value) -> bool {
    customer["_deleted"] == true
}

fn tombstone(id: &str) -> Value {
    json!({"id": id, "object": "customer", "deleted": true})
}

/// A customer that still exists, named in a parameter.
pub fn living(world: &World, id: &str, param: &str) -> Answer {
    let customer = world.named(Kind::Customer, id, param)?;
    if deleted(&customer) {
        return Err(Refusal::no_such_param("customer", id, param));
    }
    Ok(customer)
}

fn living_in_path(world: &World, id: &str) -> Answer {
    let customer = world.load(Kind::Customer, id)?;
    if deleted(&customer) { Err(Refusal::no_such("customer", id)) } else { Ok(customer) }
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let changes = Changes::take(&mut params)?;
    let default_source = params.filled("default_source")?;
    params.finish()?;
    let before = living_in_path(world, id)?;
    if let Some(method) = changes.default_payment_method.as_deref().filter(|method| !method.is_empty()) {
        payment_methods::owned(world, method, Some(id), "invoice_settings[default_payment_method]")?;
    }
    let mut customer = before.clone();
    if let Some(source) = default_source {
        let account = world.named(Kind::BankAccount, &source, "default_source")?;
        if text(&account, "customer") != Some(id) {
            return Err(Refusal::no_such_param("source", &source, "default_source"));
        }
        customer["default_source"] = json!(source);
    }
    changes.apply(&mut customer)?;
    let previous: Map<String, Value> = public(&before)
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| customer[key.as_str()] != **value)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    world.put(Kind::Customer, customer.clone());
    if !previous.is_empty() {
        world.emit("customer.updated", &customer, Some(Value::Object(previous)));
    }
    Ok(public(&customer))
}

/// Deletes the customer for good; what it paid stays.
pub fn delete(world: &mut World, id: &str) -> Answer {
    let mut customer = living_in_path(world, id)?;
    for method in payment_methods::ids_of(world, id) {
        payment_methods::release(world, &method);
    }
    world.emit("customer.deleted", &customer, None);
    customer["_deleted"] = json!(true);
    customer["_email"] = customer["email"].take();
    world.put(Kind::Customer, customer);
    Ok(tombstone(id))
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let email = params.filled("email")?;
    params.finish()?;
    match email {
        // Exact, case included.
        Some(email) => {
            let found = world.ledger.having(Kind::Customer, "email", &email);
            page.of(world, Kind::Customer, "/v1/customers", found.into_iter().filter(|customer| !deleted(customer)))
        }
        None => {
            let all = world.ledger.newest_first(Kind::Customer).filter(|customer| !deleted(customer));
            page.of(world, Kind::Customer, "/v1/customers", all)
        }
    }
}

/// Searches what the index has seen: changes younger than the lag are not in it.
pub fn search(world: &World, params: Params) -> Answer {
    let fields = &["created", "email", "metadata", "name", "phone"];
    search_in(world, Kind::Customer, "/v1/customers/search", params, fields)
}

pub fn search_in(world: &World, kind: Kind, url: &str, mut params: Params, fields: &[&str]) -> Answer {
    let query = Query::parse(&params.required("query")?, fields)?;
    let limit = params.integer("limit")?.unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::invalid("This value must be between 1 and 100 (inclusive).").param("limit"));
    }
    let from: usize = match params.filled("page")? {
        None => 0,
        Some(page) => page.parse().map_err(|_| Refusal::invalid("Invalid page.").param("page"))?,
    };
    params.finish()?;
    let seen_until = world.now_s() - world.search_lag_s;
    let found: Vec<&Value> = world
        .ledger
        .newest_first(kind)
        .filter(|object| !deleted(object) && object["_changed"].as_i64().is_some_and(|changed| changed <= seen_until))
        .filter(|object| query.matches(object))
        .collect();
    let end = found.len().min(from.saturating_add(limit as usize));
    let data: Vec<Value> = found.get(from..end).unwrap_or_default().iter().map(|object| public(object)).collect();
    let has_more = end < found.len();
    let next_page = has_more.then(|| end.to_string());
    Ok(json!({"object": "search_result", "url": url, "data": data, "has_more": has_more, "next_page": next_page}))
}
