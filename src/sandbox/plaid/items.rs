//! Items: one customer's sign-in at one bank, and the accounts that were chosen there.

use serde_json::{Value, json};

use super::banks;
use super::fields::Fields;
use super::refusal::{Answer, Refusal};
use super::store::Kind;
use super::world::{World, iso, random, token};

const PUBLIC_TOKEN_LIFE_S: i64 = 1800;

/// Keeps a new item and answers its id.
pub fn add(world: &mut World, institution: &str, accounts: Vec<Value>, products: &Value, webhook: &Value) -> String {
    let id = random(37);
    let name = banks::institution(institution).map(|institution| institution.name);
    world.put(
        Kind::Item,
        json!({
            "id": id, "institution_id": institution, "institution_name": name, "webhook": webhook, "error": null,
            "accounts": accounts, "products": products, "created_s": world.now_s(), "last_webhook": null,
            "removed": false,
        }),
    );
    id
}

pub fn public_token(world: &mut World, item: &str) -> String {
    let id = token("public");
    let expires = world.now_s() + PUBLIC_TOKEN_LIFE_S;
    world.put(Kind::PublicToken, json!({"id": id, "item": item, "expires_s": expires, "used": false}));
    id
}

pub fn exchange(world: &mut World, mut fields: Fields) -> Answer {
    let id = fields.required("public_token")?;
    fields.finish()?;
    let invalid = |message: &str| Refusal::input("INVALID_PUBLIC_TOKEN", message);
    if !id.starts_with("public-sandbox-") {
        return Err(invalid(
            "provided public token is in an invalid format. expected format: public-sandbox-<identifier>",
        ));
    }
    let mut public =
        world.find(Kind::PublicToken, &id).ok_or_else(|| invalid("could not find matching public token"))?;
    let over = public["expires_s"].as_i64().is_none_or(|at| at <= world.now_s());
    if over || public["used"] == true {
        let message = "provided public token is expired. Public tokens expire 30 minutes after creation at which point \
                       they can no longer be exchanged";
        return Err(invalid(message));
    }
    public["used"] = json!(true);
    let item = public["item"].as_str().unwrap_or_default().to_owned();
    world.put(Kind::PublicToken, public);
    let access = token("access");
    world.put(Kind::AccessToken, json!({"id": access, "item": item}));
    Ok(json!({"access_token": access, "item_id": item}))
}

pub fn by_access_token(world: &World, token: &str) -> Answer {
    let invalid = |message: &str| Refusal::input("INVALID_ACCESS_TOKEN", message);
    if !token.starts_with("access-sandbox-") {
        let message = "provided access token is in an invalid format. expected format: access-sandbox-<identifier>";
        return Err(invalid(message));
    }
    let access = world.find(Kind::AccessToken, token).ok_or_else(|| invalid("could not find matching access token"))?;
    let item = world.find(Kind::Item, access["item"].as_str().unwrap_or_default());
    let item = item.ok_or_else(|| invalid("could not find matching access token"))?;
    if item["removed"] == true {
        let message = "The Item you requested cannot be found. This Item does not exist, has been previously removed via \
                       /item/remove, or has had access removed by the user";
        return Err(Refusal::item("ITEM_NOT_FOUND", message));
    }
    Ok(item)
}

/// The item for a call that asks the bank: it must not wait for a new sign-in.
pub fn in_order(world: &World, token: &str) -> Answer {
    let item = by_access_token(world, token)?;
    match item["error"]["error_code"].as_str() {
        None => Ok(item),
        Some(_) => Err(login_required()),
    }
}

pub fn login_required() -> Refusal {
    let message = "the login details of this item have changed (credentials, MFA, or required user action) and a user \
                   login is required to update this information. use Link's update mode to restore the item to a good state";
    Refusal::item("ITEM_LOGIN_REQUIRED", message)
        .shown("The bank asks you to sign in again before this account can be used.")
}

/// The item as the API shows it.
pub fn show(item: &Value) -> Value {
    json!({
        "available_products": ["balance"], "billed_products": item["products"], "products": item["products"],
        "consent_expiration_time": null, "error": item["error"], "institution_id": item["institution_id"],
        "institution_name": item["institution_name"], "item_id": item["id"], "update_type": "background",
        "webhook": item["webhook"], "auth_method": "INSTANT_AUTH", "created_at": iso(item["created_s"].as_i64().unwrap_or_default()),
    })
}

/// An account without what only the stand-in knows.
pub fn show_account(account: &Value) -> Value {
    let fields = account.as_object().into_iter().flatten();
    fields.filter(|(name, _)| !name.starts_with('_')).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The accounts of an item, or those of them that `options.account_ids` names.
pub fn chosen(item: &Value, fields: &mut Fields) -> Result<Vec<Value>, Refusal> {
    let accounts = item["accounts"].as_array().cloned().unwrap_or_default();
    let Some(mut options) = fields.child("options")? else { return Ok(accounts) };
    let wanted = options.list("account_ids", &[])?;
    options.finish()?;
    let Some(wanted) = wanted else { return Ok(accounts) };
    wanted.iter().map(|id| account(item, id)).collect()
}

pub fn account(item: &Value, id: &str) -> Answer {
    let accounts = item["accounts"].as_array();
    let found = accounts.and_then(|accounts| accounts.iter().find(|account| account["account_id"] == id));
    found
        .cloned()
        .ok_or_else(|| Refusal::input("INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item"))
}
