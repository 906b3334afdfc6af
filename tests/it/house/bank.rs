//! A customer who pays by bank: what Plaid Link hands the page, and the page on which the debit is authorised.

use quittance::sandbox::load::World;
use serde_json::{Value, json};
use uuid::Uuid;

use super::payer::{Page, Payer};

/// What Link would hand over: a public token and an account of it.
pub struct Picked {
    pub public_token: String,
    pub account: String,
    pub item: String,
}

/// Plaid's own API as its clients' tests use it.
pub async fn plaid(world: &World, path: &str, body: &Value) -> Value {
    let plaid = &world.endpoints.plaid;
    let request = world.http.post(format!("{}{path}", plaid.api_url)).json(body);
    let request = request.header("PLAID-CLIENT-ID", &plaid.client_id).header("PLAID-SECRET", &plaid.secret);
    request.send().await.expect("Plaid").json().await.expect("JSON")
}

/// What happens at Plaid or at the bank from outside.
pub async fn at_plaid(world: &World, path: &str) -> Value {
    let url = format!("{}/{path}", world.endpoints.plaid.control_url);
    let answer = if path == "state" {
        world.http.get(url).send().await
    } else {
        world.http.post(url).json(&json!({})).send().await
    };
    answer.expect("Plaid's control").json().await.expect("JSON")
}

/// A sign-in at First Platypus Bank. `ending` names one of Stripe's test accounts by its last digits.
pub async fn link(world: &World, ending: &str) -> Picked {
    let before: Vec<Value> = at_plaid(world, "state").await["items"].as_array().cloned().unwrap_or_default();
    let body = json!({"institution_id": "ins_109508", "initial_products": ["auth"],
        "options": {"override_username": "user_ach", "override_password": "pass_good",
            "webhook": format!("{}/webhooks/plaid", world.endpoints.page_url)}});
    let made = plaid(world, "/sandbox/public_token/create", &body).await;
    let public_token = made["public_token"].as_str().unwrap_or_else(|| panic!("no token: {made}")).to_owned();
    let items = at_plaid(world, "state").await["items"].as_array().cloned().unwrap_or_default();
    let known = |item: &Value| before.iter().any(|old| old["item_id"] == item["item_id"]);
    let item = items.iter().find(|item| !known(item)).expect("a new item");
    let account = item["accounts"].as_array().into_iter().flatten().find(|account| account["mask"] == ending);
    let account = account.unwrap_or_else(|| panic!("no account ending {ending}: {item}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    Picked { public_token, account: text(&account["account_id"]), item: text(&item["item_id"]) }
}

impl Payer {
    /// Hands what Link gave to the page. Answers what its script is told.
    pub async fn hand_over(&self, shown: &Page, picked: &Picked, amount: Option<&str>, save: bool) -> Value {
        let csrf = shown.input("csrf");
        let form = [
            ("csrf", csrf.as_str()),
            ("public_token", &picked.public_token),
            ("account", &picked.account),
            ("save_bank", if save { "yes" } else { "" }),
            ("choice", if amount.is_some() { "part" } else { "full" }),
            ("amount", amount.unwrap_or_default()),
        ];
        self.post_json("/bank/chosen", &form).await
    }

    /// Authorises what the review page shows. Answers the page that follows.
    pub async fn authorise(&self, review: &Page, url: &str, press: Uuid) -> Page {
        let press = press.to_string();
        let (csrf, minor, hash) = (review.input("csrf"), review.input("minor"), review.input("text_hash"));
        let part = if review.text.contains("name=\"part\"") { review.input("part") } else { String::new() };
        let form = [
            ("csrf", csrf.as_str()),
            ("press", &press),
            ("minor", &minor),
            ("text_hash", &hash),
            ("part", &part),
            ("continues", ""),
        ];
        self.post_page(url.split('?').next().unwrap_or(url), &form).await
    }

    /// From Link to the page that says the money is on its way. Answers the attempt's address.
    pub async fn pay_by_bank(&self, ending: &str, amount: Option<&str>, save: bool) -> Page {
        let shown = self.page().await;
        let picked = link(self.world(), ending).await;
        let told = self.hand_over(&shown, &picked, amount, save).await;
        assert_eq!(told["state"], "go", "{told}");
        let url = told["url"].as_str().expect("an address").to_owned();
        let review = self.at(&url).await;
        review.says("Your authorisation").says("I authorise");
        self.authorise(&review, &url, Uuid::new_v4()).await
    }
}
