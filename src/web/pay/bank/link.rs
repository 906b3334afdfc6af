//! Plaid Link: the token that opens it, and what it hands over.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use maud::html;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::super::super::assets;
use super::super::super::cookie::Visitor;
use super::super::super::layout::Page;
use super::super::super::limits::What;
use super::super::super::state::App;
use super::super::super::states;
use super::super::attempt::refusal_json;
use super::super::visitor;
use super::review::review_url;
use super::stored::own_bank;
use crate::engine::banks::{BankRefused, Chosen, NotChosen};
use crate::engine::payments::{Error, OrgError, Refused};
use crate::store::links::Link;

#[derive(Debug, Deserialize)]
pub struct Open {
    #[serde(default)]
    csrf: String,
    /// A stored bank that wants its customer to sign in again.
    #[serde(default)]
    bank: String,
}

/// POST /pay/{link}/bank/link: what Plaid Link is opened with.
pub async fn open(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Open>,
) -> Response {
    let (visitor, link) = match guard(&app, &link, &headers, &form.csrf).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let asked = if form.bank.is_empty() {
        match app.payments().known_invoice(&link.invoice).await {
            Ok(known) => app.payments().bank_link_token(&known.invoice.account).await,
            Err(error) => Err(error),
        }
    } else {
        match own_bank(&app, &visitor, &link, &form.bank).await {
            Ok(Some(bank)) => app.payments().bank_login_token(&bank).await,
            Ok(None) => return refusal_json(&states::bank_refused(&app, &BankRefused::Unknown), None),
            Err(error) => Err(error),
        }
    };
    match asked {
        Ok(Ok(token)) => Json(json!({ "state": "link", "linkToken": token.expose_secret() })).into_response(),
        Ok(Err(no)) => refusal_json(&states::not_chosen(&app, &no), None),
        Err(error) => failed(&app, &link, &error),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Picked {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    public_token: String,
    /// Which of the accounts behind the login.
    #[serde(default)]
    account: String,
    #[serde(default)]
    save_bank: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    continues: String,
    /// A stored bank whose login was renewed.
    #[serde(default)]
    bank: String,
}

/// POST /pay/{link}/bank/chosen: what Link handed over becomes a bank, and the payer goes on to authorise.
pub async fn chosen(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Picked>,
) -> Response {
    let (visitor, link) = match guard(&app, &link, &headers, &form.csrf).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let made = if form.bank.is_empty() {
        let chosen = Chosen {
            link: link.id.clone(),
            session_hash: visitor.session_hash.clone(),
            public_token: SecretString::from(form.public_token.as_str()),
            plaid_account: form.account.clone(),
            save: form.save_bank == "yes",
        };
        app.payments().choose_bank(&link, &chosen).await
    } else {
        match own_bank(&app, &visitor, &link, &form.bank).await {
            Ok(Some(bank)) => app.payments().bank_login_renewed(bank).await,
            Ok(None) => Ok(Err(NotChosen::Spent)),
            Err(error) => Err(error),
        }
    };
    let bank = match made {
        Ok(Ok(bank)) => bank,
        Ok(Err(NotChosen::Login { link_token })) => {
            return Json(json!({ "state": "login", "linkToken": link_token.expose_secret() })).into_response();
        }
        Ok(Err(no)) => return refusal_json(&states::not_chosen(&app, &no), None),
        Err(error) => return failed(&app, &link, &error),
    };
    let part = (form.choice == "part").then_some(form.amount.as_str());
    Json(json!({ "state": "go", "url": review_url(&link, &bank.id, part, &form.continues) })).into_response()
}

/// GET /bank/return: where a bank's own sign-in page leads back to. The window that left knows where it was.
pub async fn returned(State(app): State<App>) -> Response {
    let body = html! {
        h1 tabindex="-1" { "Back from your bank" }
        p class="lead" id="bank-return" role="status" { "If this page stays, go back to the window in which you began to pay." }
        p { "Is it closed? Open the link from the e-mail again. Nothing was charged." }
    };
    let scripts = [assets::BANK_RETURN.path.as_str()];
    Page::new("Back from your bank", body).with_scripts(&scripts).respond(&app)
}

/// A visitor whose script asks, and who wrote the form.
async fn guard(app: &App, link: &str, headers: &HeaderMap, csrf: &str) -> Result<(Visitor, Link), Box<Response>> {
    let Ok((visitor, link)) = visitor(app, link, headers).await else {
        return Err(Box::new(refusal_json(&states::no_cookie(), None)));
    };
    if !visitor.wrote(csrf) {
        return Err(Box::new(refusal_json(&states::page_too_old(), None)));
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return Err(Box::new(refusal_json(&states::too_many(wait), None)));
    }
    Ok((visitor, link))
}

fn failed(app: &App, link: &Link, error: &Error) -> Response {
    match error {
        Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_)) => {
            refusal_json(&states::refused(app, &Refused::CannotCheck), None)
        }
        error => {
            tracing::error!(link.id = %link.id, %error, "a bank could not be connected");
            refusal_json(&states::our_fault("in the log", true), None)
        }
    }
}
