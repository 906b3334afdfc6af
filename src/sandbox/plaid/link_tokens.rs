//! `/link/token/…`: what one opening of Link may do, for whom, and until when.

use serde_json::{Value, json};

use super::banks;
use super::fields::Fields;
use super::items;
use super::refusal::{Answer, Refusal};
use super::store::Kind;
use super::world::{World, iso, token};

const LANGUAGES: &[&str] =
    &["da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es", "sv", "vi"];
const COUNTRIES: &[&str] =
    &["US", "CA", "GB", "IE", "FR", "ES", "NL", "DE", "IT", "PL", "BE", "AT", "DK", "NO", "SE", "PT"];
/// What this account of the stand-in is enabled for.
const PRODUCTS: &[&str] = &["auth", "identity", "transactions"];
const LIFE_S: i64 = 4 * 3600;
const LIFE_OF_UPDATE_S: i64 = 1800;

pub fn create(world: &mut World, mut fields: Fields) -> Answer {
    let client_name = fields.required("client_name")?;
    let language = fields.choice("language", LANGUAGES)?.ok_or_else(|| fields.missing("language"))?;
    let countries = fields.list("country_codes", COUNTRIES)?.ok_or_else(|| fields.missing("country_codes"))?;
    let user = user(&mut fields)?;
    let access_token = fields.text("access_token")?;
    let item = access_token.map(|token| items::by_access_token(world, &token)).transpose()?;
    let products = fields.list("products", &[])?.unwrap_or_default();
    if let Some(product) = products.iter().find(|product| !PRODUCTS.contains(&product.as_str())) {
        let message = format!("client is not authorized to access the following products: [\"{product}\"]");
        return Err(Refusal::input("INVALID_PRODUCT", message));
    }
    match (&item, products.is_empty()) {
        (None, true) => return Err(fields.missing("products")),
        (Some(_), false) => return Err(Refusal::field("products can't be given together with access_token")),
        _ => {}
    }
    let webhook = fields.text("webhook")?;
    if webhook.as_deref().is_some_and(|url| !is_url(url)) {
        return Err(Refusal::input("INVALID_WEBHOOK_URL", "webhook must be a valid URL"));
    }
    let redirect_uri = fields.text("redirect_uri")?;
    if let Some(uri) = &redirect_uri {
        check_redirect(world, uri)?;
    }
    let subtypes = account_filters(&mut fields)?;
    fields.text("link_customization_name")?;
    let auth = auth(&mut fields)?;
    let update = match fields.child("update")? {
        None => json!({}),
        Some(mut update) => {
            let selection = update.boolean("account_selection_enabled")?.unwrap_or(false);
            update.finish()?;
            json!({"account_selection_enabled": selection})
        }
    };
    fields.finish()?;
    let now = world.now_s();
    let expires = now + if item.is_some() { LIFE_OF_UPDATE_S } else { LIFE_S };
    let id = token("link");
    world.put(
        Kind::LinkToken,
        json!({
            "id": id, "client_name": client_name, "language": language, "country_codes": countries, "user": user,
            "products": products, "webhook": webhook, "redirect_uri": redirect_uri, "subtypes": subtypes, "auth": auth,
            "update": update, "item": item.map(|item| item["id"].clone()), "created_s": now, "expires_s": expires,
            "used": false,
        }),
    );
    Ok(json!({"link_token": id, "expiration": iso(expires)}))
}

fn user(fields: &mut Fields) -> Answer {
    let mut user = fields.child("user")?.ok_or_else(|| fields.missing("user"))?;
    let id = user.required("client_user_id")?;
    if id.contains('@') || id.starts_with('+') {
        let message = "user.client_user_id must not be an e-mail address or a telephone number";
        return Err(Refusal::field(message));
    }
    let mut out = json!({"client_user_id": id});
    for name in ["legal_name", "email_address", "phone_number"] {
        out[name] = json!(user.text(name)?);
    }
    user.finish()?;
    Ok(out)
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty())
}

/// An address of the dashboard's list. It is compared by its origin; the rest of the address is the caller's.
fn check_redirect(world: &World, uri: &str) -> Result<(), Refusal> {
    if uri.contains(['?', '#']) {
        return Err(Refusal::field("redirect_uri must not contain a query or a fragment"));
    }
    let loopback = ["http://localhost", "http://127.0.0.1"].iter().any(|host| uri.starts_with(host));
    if !uri.starts_with("https://") && !loopback {
        return Err(Refusal::field("redirect_uri must use HTTPS"));
    }
    let known = world.redirect_origins.iter().any(|origin| uri == origin || uri.starts_with(&format!("{origin}/")));
    if known {
        return Ok(());
    }
    Err(Refusal::field("OAuth redirect URI must be configured in the developer dashboard"))
}

fn account_filters(fields: &mut Fields) -> Result<Value, Refusal> {
    let Some(mut filters) = fields.child("account_filters")? else { return Ok(Value::Null) };
    let mut subtypes = Vec::new();
    if let Some(mut depository) = filters.child("depository")? {
        let known = ["checking", "savings", "cash management", "money market", "cd", "hsa", "prepaid", "all"];
        subtypes =
            depository.list("account_subtypes", &known)?.ok_or_else(|| depository.missing("account_subtypes"))?;
        depository.finish()?;
    }
    filters.finish()?;
    Ok(json!(subtypes))
}

fn auth(fields: &mut Fields) -> Result<Value, Refusal> {
    let Some(mut auth) = fields.child("auth")? else { return Ok(json!({})) };
    let mut out = json!({});
    for name in [
        "auth_type_select_enabled",
        "automated_microdeposits_enabled",
        "instant_match_enabled",
        "same_day_microdeposits_enabled",
        "instant_microdeposits_enabled",
        "database_match_enabled",
    ] {
        if let Some(enabled) = auth.boolean(name)? {
            out[name] = json!(enabled);
        }
    }
    auth.finish()?;
    Ok(out)
}

pub fn get(world: &World, mut fields: Fields) -> Answer {
    let id = fields.required("link_token")?;
    fields.finish()?;
    let link = world.find(Kind::LinkToken, &id).ok_or_else(unknown)?;
    let time = |name: &str| iso(link[name].as_i64().unwrap_or_default());
    Ok(json!({
        "link_token": id, "created_at": time("created_s"), "expiration": time("expires_s"), "metadata": {
            "initial_products": link["products"], "webhook": link["webhook"], "country_codes": link["country_codes"],
            "language": link["language"], "redirect_uri": link["redirect_uri"], "client_name": link["client_name"],
            "account_filters": {},
        },
    }))
}

fn unknown() -> Refusal {
    Refusal::input("INVALID_LINK_TOKEN", "could not find matching link token")
}

/// The token behind an opening of Link: it exists, is not over, and has not led to an account before.
pub fn open(world: &World, id: &str) -> Answer {
    let link = world.find(Kind::LinkToken, id).ok_or_else(unknown)?;
    let over = link["expires_s"].as_i64().is_none_or(|at| at <= world.now_s());
    if over || link["used"] == true {
        let message = "the provided token is in an invalid format, has expired, or was used already; make a new one";
        return Err(Refusal::input("INVALID_LINK_TOKEN", message));
    }
    Ok(link)
}

/// Whether an account may be chosen with this token. Auth takes checking and savings accounts only.
pub fn admits(link: &Value, account: &Value) -> bool {
    let subtype = account["subtype"].as_str().unwrap_or_default();
    let chosen = link["subtypes"].as_array();
    let filtered = chosen.is_none_or(|list| list.iter().any(|name| name == "all" || name == subtype));
    let auth = link["products"].as_array().is_some_and(|products| products.iter().any(|product| product == "auth"));
    filtered && (!auth || matches!(subtype, "checking" | "savings" | "cash management"))
}

/// Banks that can do what the token asks for.
pub fn institutions(link: &Value) -> Vec<&'static banks::Institution> {
    let auth = link["products"].as_array().is_some_and(|products| products.iter().any(|product| product == "auth"));
    banks::INSTITUTIONS.iter().filter(|institution| institution.auth || !auth).collect()
}
