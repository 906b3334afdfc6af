//! What the customer presses: the authorisation, that there is none, and what the statement shows.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::deposits::{self, Read, Who};
use super::super::limits::What;
use super::super::pay::{fault, see_other};
use super::super::state::App;
use super::super::states::{self, Said};
use super::guard;
use super::page::show;
use crate::engine::payments::{Accepted, Told};
use crate::store::verifications::Verification;
use crate::stripe::Priority;

#[derive(Debug, Default, Deserialize)]
pub struct Press {
    #[serde(default)]
    csrf: String,
    /// Of the text that was shown.
    #[serde(default)]
    text_hash: String,
}

/// POST /mandate/{id}/agree: what is kept as evidence is durable before Stripe is asked.
pub async fn agree(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Press>,
) -> Response {
    let (visitor, one) = match guard(&app, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if let Err(said) = may_act(&app, &visitor, &one, &form.csrf) {
        return show(&app, &visitor, &one, Some(&said), &Read::default()).await;
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let agent = Some(text(header::USER_AGENT)).filter(|text| !text.is_empty()).unwrap_or("unknown");
    let accepted = Accepted {
        text_hash: form.text_hash,
        address: app.client(peer.ip(), forwarded).to_string(),
        user_agent: agent.to_owned(),
    };
    match app.payments().accept(&one, &accepted).await {
        Ok(Ok(())) => {}
        Ok(Err(no)) => {
            let said = states::mandate_refused(&app, no);
            return again(&app, &visitor, &one, &said, &Read::default()).await;
        }
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    carry_on(&app, &one).await;
    see_other(&format!("/mandate/{}", one.id))
}

/// POST /mandate/{id}/decline
pub async fn decline(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Press>,
) -> Response {
    let (visitor, one) = match guard(&app, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if let Err(said) = may_act(&app, &visitor, &one, &form.csrf) {
        return show(&app, &visitor, &one, Some(&said), &Read::default()).await;
    }
    match app.payments().decline(&one).await {
        Ok(()) => see_other(&format!("/mandate/{}", one.id)),
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

/// POST /mandate/{id}
pub async fn deposits(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(read): Form<Read>,
) -> Response {
    let (visitor, one) = match guard(&app, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if let Err(said) = may_act(&app, &visitor, &one, &read.csrf) {
        return show(&app, &visitor, &one, Some(&said), &read).await;
    }
    if uuid::Uuid::parse_str(&read.press).is_err() {
        return show(&app, &visitor, &one, Some(&too_old()), &read).await;
    }
    let values = match deposits::values(&one, &read) {
        Ok(values) => values,
        Err(said) => return show(&app, &visitor, &one, Some(&said), &read).await,
    };
    match app.payments().tell_deposits(&one, &read.press, &values).await {
        Ok(Told::Taken) => carry_on(&app, &one).await,
        Ok(Told::Wrong { left }) => {
            return again(&app, &visitor, &one, &deposits::wrong(&one, left, Who::Customer), &read).await;
        }
        Ok(Told::NotAsked) => {}
        Ok(Told::StripeDown) => return show(&app, &visitor, &one, Some(&deposits::not_known()), &read).await,
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    see_other(&format!("/mandate/{}", one.id))
}

/// The page as it stands after a press that was refused.
async fn again(app: &App, visitor: &Visitor, one: &Verification, said: &Said, read: &Read) -> Response {
    match app.payments().store().verification(&one.id).await {
        Ok(now) => show(app, visitor, now.as_ref().unwrap_or(one), Some(said), read).await,
        Err(error) => fault(app, &error.to_string(), true),
    }
}

/// What is durable is carried on as soon as Stripe answers.
async fn carry_on(app: &App, one: &Verification) {
    if let Err(error) = app.payments().carry_on(&one.id, Priority::Customer).await {
        tracing::warn!(verification.id = %one.id, %error, "a bank account waits to be carried on");
    }
}

fn may_act(app: &App, visitor: &Visitor, one: &Verification, csrf: &str) -> Result<(), Box<Said>> {
    if !visitor.wrote(csrf) {
        return Err(Box::new(too_old()));
    }
    app.limits.take(What::Pay, &one.id).map_err(|wait| Box::new(states::too_many(wait)))
}

fn too_old() -> Said {
    let mut said = states::form_too_old();
    said.to_do = "Read this page again, then press once more.".to_owned();
    said
}
