//! One opening of Link, step by step: the bank, the sign-in, the account.

use serde_json::{Value, json};

use super::super::banks::{self, Institution, SignedIn};
use super::super::refusal::{Answer, Refusal};
use super::super::store::Kind;
use super::super::world::World;
use super::super::{items, link_tokens};

fn text<'a>(wanted: &'a Value, name: &str) -> &'a str {
    wanted[name].as_str().unwrap_or_default()
}

/// Opens Link with a token; with the `oauth_state_id` of the bank's way back it goes on where the customer left.
pub fn open(world: &mut World, wanted: &Value) -> Answer {
    let link = link_tokens::open(world, text(wanted, "token"))?;
    let state_id = text(wanted, "oauth_state_id");
    let id = if state_id.is_empty() {
        let id = uuid::Uuid::new_v4().to_string();
        let item = link["item"].as_str().and_then(|id| world.find(Kind::Item, id));
        let institution = item.map(|item| item["institution_id"].clone());
        world.put(
            Kind::Session,
            json!({"id": id, "link_token": link["id"], "institution": institution, "state": "open", "accounts": [],
                "oauth_state": null}),
        );
        id
    } else {
        let session = by_oauth_state(world, state_id).filter(|session| session["link_token"] == link["id"]);
        let session = session.ok_or_else(|| {
            let message = "the OAuth state belongs to no open session of this token; open Link again without it";
            Refusal::input("INVALID_LINK_TOKEN", message)
        })?;
        text(&session, "id").to_owned()
    };
    state(world, &id)
}

pub fn by_oauth_state(world: &World, state_id: &str) -> Option<Value> {
    world.store.all(Kind::Session).into_iter().find(|session| session["oauth_state"] == state_id).cloned()
}

fn find(world: &World, id: &str) -> Result<(Value, Value), Refusal> {
    let session = world.find(Kind::Session, id);
    let session = session.ok_or_else(|| Refusal::request("INVALID_BODY", "there is no such Link session"))?;
    let link = link_tokens::open(world, text(&session, "link_token"))?;
    Ok((session, link))
}

/// What the frame shows next.
pub fn state(world: &World, id: &str) -> Answer {
    let (session, link) = find(world, id)?;
    let shown = |institution: &Institution| {
        json!({"institution_id": institution.id, "name": institution.name, "url": institution.url,
            "colour": institution.colour, "oauth": institution.oauth})
    };
    let institutions: Vec<Value> = link_tokens::institutions(&link).into_iter().map(shown).collect();
    let accounts: Vec<Value> = session["accounts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|account| link_tokens::admits(&link, account))
        .map(items::show_account)
        .collect();
    Ok(json!({
        "link_session_id": id, "client_name": link["client_name"], "language": link["language"],
        "update": !link["item"].is_null(), "institutions": institutions,
        "institution": session["institution"].as_str().and_then(banks::institution).map(shown),
        "state": session["state"], "accounts": accounts,
    }))
}

fn chosen_bank(link: &Value, session: &Value, wanted: &Value) -> Result<&'static Institution, Refusal> {
    // In update mode the bank is the item's, whatever the page says.
    let fixed = session["institution"].as_str().filter(|_| !link["item"].is_null());
    let id = fixed.unwrap_or_else(|| text(wanted, "institution_id"));
    let found = link_tokens::institutions(link).into_iter().find(|institution| institution.id == id);
    found.ok_or_else(|| Refusal::input("INVALID_INSTITUTION", "this bank can't be used here"))
}

pub fn sign_in(world: &mut World, id: &str, wanted: &Value) -> Answer {
    let (session, link) = find(world, id)?;
    let institution = chosen_bank(&link, &session, wanted)?;
    let code = wanted["code"].as_str();
    sign_in_at(world, session, &link, institution, text(wanted, "username"), text(wanted, "password"), code)?;
    state(world, id)
}

/// The end of a sign-in, in Link or at the bank's own page.
pub fn sign_in_at(
    world: &mut World,
    mut session: Value,
    link: &Value,
    institution: &Institution,
    user: &str,
    password: &str,
    code: Option<&str>,
) -> Result<(), Refusal> {
    session["institution"] = json!(institution.id);
    match banks::sign_in(institution, user, password, code)? {
        SignedIn::AsksForCode => session["state"] = json!("asks_for_code"),
        SignedIn::Accounts(accounts) => {
            if !accounts.iter().any(|account| link_tokens::admits(link, account)) {
                let message = "no valid accounts were found for this item";
                let shown = "No account was found that can be used. Choose another bank or another way to pay.";
                return Err(Refusal::item("NO_ACCOUNTS", message).shown(shown));
            }
            // A repaired item keeps its accounts with their ids.
            let item = link["item"].as_str().and_then(|id| world.find(Kind::Item, id));
            session["accounts"] = item.map_or(json!(accounts), |item| item["accounts"].clone());
            session["state"] = json!("signed_in");
        }
    }
    world.put(Kind::Session, session);
    Ok(())
}

/// The address of the bank's own page. Where the token has a redirect address, the whole page goes there and comes back.
pub fn oauth(world: &mut World, id: &str, wanted: &Value) -> Answer {
    let (mut session, link) = find(world, id)?;
    let institution = chosen_bank(&link, &session, wanted)?;
    let state = uuid::Uuid::new_v4().to_string();
    session["institution"] = json!(institution.id);
    session["oauth_state"] = json!(state);
    session["state"] = json!("at_the_bank");
    world.put(Kind::Session, session);
    Ok(json!({"url": format!("{}/oauth/{state}", world.base_url), "redirect": !link["redirect_uri"].is_null()}))
}

/// The customer has chosen: a new item, or the old one in order again.
pub fn finish(world: &mut World, id: &str, wanted: &Value) -> Answer {
    let (mut session, mut link) = find(world, id)?;
    if session["state"] != "signed_in" {
        return Err(Refusal::request("INVALID_BODY", "nobody has signed in yet"));
    }
    let ids: Vec<&str> = wanted["account_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = session["accounts"].as_array().cloned().unwrap_or_default();
    let accounts: Vec<Value> = all
        .into_iter()
        .filter(|account| ids.contains(&text(account, "account_id")) && link_tokens::admits(&link, account))
        .collect();
    if accounts.is_empty() {
        return Err(Refusal::input("INVALID_ACCOUNT_ID", "choose an account"));
    }
    let institution = text(&session, "institution").to_owned();
    let item = match link["item"].as_str().and_then(|id| world.find(Kind::Item, id)) {
        Some(mut item) => {
            item["error"] = Value::Null;
            let id = text(&item, "id").to_owned();
            world.put(Kind::Item, item);
            id
        }
        None => items::add(world, &institution, accounts.clone(), &link["products"], &link["webhook"]),
    };
    let public_token = items::public_token(world, &item);
    link["used"] = json!(true);
    session["state"] = json!("finished");
    world.put(Kind::LinkToken, link);
    world.put(Kind::Session, session);
    let told = |account: &Value| {
        json!({"id": account["account_id"], "name": account["name"], "mask": account["mask"], "type": account["type"],
            "subtype": account["subtype"], "verification_status": account["verification_status"]})
    };
    let name = banks::institution(&institution).map(|institution| institution.name);
    Ok(json!({"public_token": public_token, "metadata": {
        "institution": {"name": name, "institution_id": institution},
        "accounts": accounts.iter().map(told).collect::<Vec<_>>(), "link_session_id": id, "transfer_status": null,
    }}))
}
