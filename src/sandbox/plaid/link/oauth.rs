//! The bank's own page, where the customer signs in and allows access, and the way back.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::banks::{self, Institution};
use super::super::link_tokens;
use super::super::refusal::Refusal;
use super::super::server::{Plaid, lock};
use super::super::store::Kind;
use super::super::world::World;
use super::session;

#[derive(Deserialize)]
pub struct Answered {
    outcome: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

fn layout(title: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/link/v2/stable/link.css";
            }
            body.bank { main { (body) } }
        }
    };
    super::page("text/html; charset=utf-8", markup.into_string().into_response())
}

fn over() -> Response {
    layout(
        "This page is over",
        &html! {
            h1 { "This page is over" }
            p { "Go back to the page that you came from and choose your bank again." }
        },
    )
}

/// Session, link token and bank of a state that still waits for the customer.
fn waiting(world: &World, state: &str) -> Option<(Value, Value, &'static Institution)> {
    let session = session::by_oauth_state(world, state).filter(|session| session["state"] == "at_the_bank")?;
    let link = link_tokens::open(world, session["link_token"].as_str()?).ok()?;
    let institution = banks::institution(session["institution"].as_str()?)?;
    Some((session, link, institution))
}

fn form(link: &Value, institution: &Institution, refusal: Option<&Refusal>) -> Response {
    let who = link["client_name"].as_str().unwrap_or_default();
    let said = refusal.map(|refusal| refusal.display.clone().unwrap_or_else(|| refusal.message.clone()));
    layout(
        &format!("Sign in – {}", institution.name),
        &html! {
            h1 { (institution.name) }
            p { "Sign in to share your accounts with Plaid for " bdi { (who) } "." }
            @if let Some(said) = said { p.error role="alert" { (said) } }
            form method="post" {
                label for="user" { "User name" }
                input id="user" name="user" autocomplete="off" autocapitalize="none" spellcheck="false";
                label for="password" { "Password" }
                input id="password" name="password" type="password" autocomplete="off";
                p.hint { "This bank is a stand-in: user_good and pass_good sign in." }
                button.main name="outcome" value="allow" { "Sign in and allow" }
                button name="outcome" value="deny" { "Cancel" }
            }
        },
    )
}

pub async fn question(State(plaid): State<Arc<Plaid>>, Path(state): Path<String>) -> Response {
    match waiting(&lock(&plaid.world), &state) {
        Some((_, link, institution)) => form(&link, institution, None),
        None => over(),
    }
}

pub async fn answered(
    State(plaid): State<Arc<Plaid>>,
    Path(state): Path<String>,
    Form(answered): Form<Answered>,
) -> Response {
    plaid.change(|world| {
        let Some((mut session, link, institution)) = waiting(world, &state) else { return over() };
        if answered.outcome == "allow" {
            let (user, password) = (answered.user.trim(), answered.password.as_str());
            let signed = session::sign_in_at(world, session, &link, institution, user, password, None);
            if let Err(refusal) = signed {
                return form(&link, institution, Some(&refusal));
            }
        } else {
            session["state"] = json!("denied");
            world.put(Kind::Session, session);
        }
        match link["redirect_uri"].as_str() {
            Some(uri) => Redirect::to(&format!("{uri}?oauth_state_id={state}")).into_response(),
            None => layout("Thank you", &html! { h1 { "Thank you" } p { "You can close this window." } }),
        }
    })
}
