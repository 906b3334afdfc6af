//! `/processor/stripe/bank_account_token/create`: Stripe is asked for a bank token, over the same road as at Plaid.

use serde_json::{Value, json};

use super::fields::Fields;
use super::items;
use super::refusal::{Answer, Refusal};
use super::world::World;

/// What Stripe is to be told about the account, or why it can't be.
pub fn prepare(world: &World, mut fields: Fields) -> Answer {
    let token = fields.required("access_token")?;
    let account_id = fields.required("account_id")?;
    fields.finish()?;
    let item = items::in_order(world, &token)?;
    let account = items::account(&item, &account_id)?;
    if account["type"] != "depository" {
        let message =
            "the account is not a checking or savings account, so that no bank account token can be made of it";
        return Err(Refusal::input("INVALID_ACCOUNT_ID", message));
    }
    if account["verification_status"].as_str().is_some_and(|status| !status.ends_with("verified")) {
        let message = "the requested product is not yet ready. please provide a webhook or try the request again later";
        return Err(Refusal::item("PRODUCT_NOT_READY", message));
    }
    let holder = account["holder_category"] == "business";
    Ok(
        json!({"account_number": account["_number"], "account_holder_type": if holder { "company" } else { "individual" },
        "verified": true}),
    )
}

/// Asks Stripe. Each call makes a new token: there is no key under which the same one would come again.
pub async fn ask(client: &reqwest::Client, control_url: Option<&str>, wanted: &Value) -> Answer {
    let Some(control_url) = control_url else {
        return Err(Refusal::partner("no Stripe account is linked in the dashboard"));
    };
    let failed = |why: String| Refusal::partner(format!("Stripe did not make a bank account token: {why}"));
    let request = client.post(format!("{control_url}/bank-tokens")).json(wanted);
    let response = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap_or_default()).unwrap_or_default();
    match body["id"].as_str() {
        Some(id) => Ok(json!({"stripe_bank_account_token": id})),
        None => Err(failed(body["error"]["message"].to_string())),
    }
}
