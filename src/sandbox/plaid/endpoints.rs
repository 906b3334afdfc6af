//! The endpoints by their path.

use serde_json::{Value, json};

use super::fields::Fields;
use super::refusal::{Answer, Refusal};
use super::store::Kind;
use super::world::{World, iso};
use super::{banks, items, keys, link_tokens};

/// Does what one request asks. Client id and secret are gone from the fields already.
pub fn act(world: &mut World, path: &str, mut fields: Fields) -> Answer {
    match path {
        "/link/token/create" => link_tokens::create(world, fields),
        "/link/token/get" => link_tokens::get(world, fields),
        "/item/public_token/exchange" => items::exchange(world, fields),
        "/item/get" => {
            let item = named(world, &mut fields)?;
            fields.finish()?;
            let last = match item["last_webhook"]["code"].as_str() {
                Some(code) => {
                    json!({"sent_at": iso(item["last_webhook"]["at_s"].as_i64().unwrap_or_default()), "code_sent": code})
                }
                None => Value::Null,
            };
            Ok(json!({"item": items::show(&item), "status": {"last_webhook": last}}))
        }
        "/item/remove" => {
            let mut item = named(world, &mut fields)?;
            fields.text("reason_code")?;
            fields.text("reason_note")?;
            fields.finish()?;
            item["removed"] = json!(true);
            world.put(Kind::Item, item);
            Ok(json!({}))
        }
        "/item/webhook/update" => {
            let mut item = named(world, &mut fields)?;
            item["webhook"] = json!(fields.text("webhook")?);
            fields.finish()?;
            world.put(Kind::Item, item.clone());
            world.tell(
                &item,
                "ITEM",
                "WEBHOOK_UPDATE_ACKNOWLEDGED",
                json!({"new_webhook_url": item["webhook"], "error": null}),
            );
            Ok(json!({"item": items::show(&item)}))
        }
        "/accounts/get" => {
            let item = in_order(world, &mut fields)?;
            let accounts = items::chosen(&item, &mut fields)?;
            fields.finish()?;
            let shown: Vec<Value> = accounts.iter().map(items::show_account).collect();
            Ok(json!({"accounts": shown, "item": items::show(&item)}))
        }
        "/auth/get" => auth(world, fields),
        "/institutions/get_by_id" => institution(fields),
        "/webhook_verification_key/get" => keys::get(world, fields),
        "/sandbox/public_token/create" => public_token(world, fields),
        "/sandbox/item/fire_webhook" => fire(world, fields),
        "/sandbox/item/reset_login" => {
            let item = named(world, &mut fields)?;
            fields.finish()?;
            reset_login(world, item);
            Ok(json!({"reset_login": true}))
        }
        "/sandbox/item/set_verification_status" => set_verification_status(world, fields),
        _ => Err(Refusal::no_route(path)),
    }
}

fn named(world: &World, fields: &mut Fields) -> Answer {
    items::by_access_token(world, &fields.required("access_token")?)
}

fn in_order(world: &World, fields: &mut Fields) -> Answer {
    items::in_order(world, &fields.required("access_token")?)
}

fn auth(world: &World, mut fields: Fields) -> Answer {
    let item = in_order(world, &mut fields)?;
    let accounts = items::chosen(&item, &mut fields)?;
    fields.finish()?;
    let ach = accounts.iter().filter(|account| account["type"] == "depository").map(|account| {
        json!({"account": account["_number"], "account_id": account["account_id"], "routing": account["_routing"],
            "wire_routing": null, "is_tokenized_account_number": account["_tokenized"]})
    });
    let ach: Vec<Value> = ach.collect();
    if ach.is_empty() {
        return Err(Refusal::item("NO_AUTH_ACCOUNTS", "no depository accounts were found for this item"));
    }
    let shown: Vec<Value> = accounts.iter().map(items::show_account).collect();
    let numbers = json!({"ach": ach, "eft": [], "international": [], "bacs": []});
    Ok(json!({"accounts": shown, "numbers": numbers, "item": items::show(&item)}))
}

fn institution(mut fields: Fields) -> Answer {
    let id = fields.required("institution_id")?;
    fields.list("country_codes", &[])?.ok_or_else(|| fields.missing("country_codes"))?;
    if let Some(mut options) = fields.child("options")? {
        options.boolean("include_optional_metadata")?;
        options.boolean("include_status")?;
        options.finish()?;
    }
    fields.finish()?;
    let bank = known(&id)?;
    let products: &[&str] = if bank.auth { &["auth", "identity", "transactions"] } else { &["transactions"] };
    Ok(json!({"institution": {
        "institution_id": bank.id, "name": bank.name, "products": products, "country_codes": ["US"], "url": bank.url,
        "primary_color": bank.colour, "logo": null, "connection_availability": "SUPPORTED", "routing_numbers": [bank.routing], "dtc_numbers": [], "oauth": bank.oauth,
    }}))
}

fn known(id: &str) -> Result<&'static banks::Institution, Refusal> {
    banks::institution(id).ok_or_else(|| Refusal::input("INVALID_INSTITUTION", "invalid institution_id provided"))
}

/// A public token without Link, as tests of Plaid's clients make it.
fn public_token(world: &mut World, mut fields: Fields) -> Answer {
    let institution = known(&fields.required("institution_id")?)?;
    let products = fields.list("initial_products", &["auth", "identity", "transactions"])?;
    let products = json!(products.ok_or_else(|| fields.missing("initial_products"))?);
    let (mut webhook, mut user, mut password) = (None, None, None);
    if let Some(mut options) = fields.child("options")? {
        webhook = options.text("webhook")?;
        user = options.text("override_username")?;
        password = options.text("override_password")?;
        options.finish()?;
    }
    fields.finish()?;
    let (user, password) = (user.as_deref().unwrap_or("user_good"), password.as_deref().unwrap_or("pass_good"));
    let banks::SignedIn::Accounts(accounts) = banks::sign_in(institution, user, password, None)? else {
        return Err(Refusal::sandbox(
            "SANDBOX_UNKNOWN_ERROR",
            "this user is asked for a code, which only Link can take",
        ));
    };
    let item = items::add(world, institution.id, accounts, &products, &json!(webhook));
    Ok(json!({"public_token": items::public_token(world, &item)}))
}

pub fn reset_login(world: &mut World, mut item: Value) {
    item["error"] = items::login_required().error();
    noted(world, &mut item, "ERROR");
    world.tell(&item, "ITEM", "ERROR", json!({"error": item["error"]}));
}

fn noted(world: &mut World, item: &mut Value, code: &str) {
    item["last_webhook"] = json!({"code": code, "at_s": world.now_s()});
    world.put(Kind::Item, item.clone());
}

fn fire(world: &mut World, mut fields: Fields) -> Answer {
    let mut item = named(world, &mut fields)?;
    let kind = fields.choice("webhook_type", &["ITEM", "AUTH"])?;
    let code = fields.required("webhook_code")?;
    fields.finish()?;
    let (of, more) = match code.as_str() {
        "ERROR" => ("ITEM", json!({"error": items::login_required().error()})),
        "NEW_ACCOUNTS_AVAILABLE" | "LOGIN_REPAIRED" => ("ITEM", json!({})),
        "PENDING_DISCONNECT" => ("ITEM", json!({"reason": "INSTITUTION_MIGRATION"})),
        "PENDING_EXPIRATION" => ("ITEM", json!({"consent_expiration_time": iso(world.now_s() + 7 * 86_400)})),
        "USER_PERMISSION_REVOKED" => ("ITEM", json!({"error": revoked().error()})),
        "USER_ACCOUNT_REVOKED" => ("ITEM", json!({"account_id": item["accounts"][0]["account_id"]})),
        "AUTOMATICALLY_VERIFIED" | "VERIFICATION_EXPIRED" => {
            ("AUTH", json!({"account_id": item["accounts"][0]["account_id"]}))
        }
        "DEFAULT_UPDATE" => (
            "AUTH",
            json!({"account_ids_with_updated_auth": {
            item["accounts"][0]["account_id"].as_str().unwrap_or_default(): ["ACCOUNT_NUMBER"]}}),
        ),
        _ => {
            return Err(Refusal::sandbox(
                "SANDBOX_WEBHOOK_INVALID",
                "webhook could not be fired: unknown webhook_code",
            ));
        }
    };
    if kind.is_some_and(|kind| kind != of) {
        return Err(Refusal::sandbox(
            "SANDBOX_WEBHOOK_INVALID",
            format!("webhook could not be fired: {code} is of the type {of}"),
        ));
    }
    if item["webhook"].is_null() {
        return Err(Refusal::sandbox("SANDBOX_WEBHOOK_INVALID", "webhook could not be fired: the item has no webhook"));
    }
    noted(world, &mut item, &code);
    Ok(json!({"webhook_fired": world.tell(&item, of, &code, more)}))
}

fn revoked() -> Refusal {
    Refusal::item(
        "USER_PERMISSION_REVOKED",
        "the holder of this account has revoked their permission for your application to access it",
    )
}

/// The customer takes the permission back at the bank: the item is of no more use.
pub fn revoke(world: &mut World, mut item: Value) {
    noted(world, &mut item, "USER_PERMISSION_REVOKED");
    world.tell(&item, "ITEM", "USER_PERMISSION_REVOKED", json!({"error": revoked().error()}));
    item["removed"] = json!(true);
    world.put(Kind::Item, item);
}

fn set_verification_status(world: &mut World, mut fields: Fields) -> Answer {
    let mut item = named(world, &mut fields)?;
    let account_id = fields.required("account_id")?;
    let choices = ["automatically_verified", "verification_expired"];
    let status =
        fields.choice("verification_status", &choices)?.ok_or_else(|| fields.missing("verification_status"))?;
    fields.finish()?;
    items::account(&item, &account_id)?;
    for account in item["accounts"].as_array_mut().into_iter().flatten() {
        if account["account_id"] == account_id.as_str() {
            account["verification_status"] = json!(status);
        }
    }
    let code = if status == "automatically_verified" { "AUTOMATICALLY_VERIFIED" } else { "VERIFICATION_EXPIRED" };
    noted(world, &mut item, code);
    world.tell(&item, "AUTH", code, json!({"account_id": account_id}));
    Ok(json!({}))
}
