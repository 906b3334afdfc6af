//! POST /pay/{link}/attempts: the press of Pay, by our script or by a plain form.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::amount::{NoAmount, parse};
use super::super::limits::What;
use super::super::state::App;
use super::super::states::{self, Said};
use super::bank::{BANK, needs_script, review_url};
use super::page::{Typed, show};
use super::{fault, see_other, visitor, wants_json};
use crate::domain::link::LinkUse;
use crate::domain::{Currency, Money};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Choice, Error, Method, Refused, Started, Wish};
use crate::engine::receipts::money_words;

/// The form as posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Pressed {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    shown: i64,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    continues: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
    /// An amount that was offered instead.
    #[serde(default)]
    offer: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    save: String,
    #[serde(default)]
    take_over: String,
    #[serde(default)]
    again: String,
}

pub async fn begin(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    let json = wants_json(&headers);
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(_) if json => return refusal_json(&states::no_cookie(), None),
        Err(response) => return *response,
    };
    let typed = Typed {
        part: pressed.choice == "part" || !pressed.offer.is_empty(),
        amount: if pressed.offer.is_empty() { pressed.amount.clone() } else { pressed.offer.clone() },
        save: pressed.save == "yes",
        method: Some(pressed.method.clone()).filter(|method| !method.is_empty() && method != "new"),
        anyway: true,
        continues: Some(pressed.continues.clone()).filter(|id| !id.is_empty()),
    };
    let refuse = async |said: Said| {
        if json { refusal_json(&said, None) } else { show(&app, &visitor, &link, Some(&said), typed.clone()).await }
    };
    if !visitor.wrote(&pressed.csrf) {
        let said = states::form_too_old();
        if json {
            // The page is ours, only older than the session: with the fresh token its next press goes through. Another
            // site's page can't read this answer.
            return refusal_json_with(&said, None, Some(&visitor.csrf));
        }
        return refuse(said).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return refuse(states::too_many(wait)).await;
    }
    // An offered amount only fills the field: the payer presses Pay on what the button then says.
    if !pressed.offer.is_empty() {
        return show(&app, &visitor, &link, None, typed).await;
    }
    if let Some(bank) = pressed.method.strip_prefix(BANK) {
        if bank == "new" {
            return refuse(needs_script()).await;
        }
        // The amount is looked at again there, and the debit authorised.
        let part = typed.part.then_some(typed.amount.as_str());
        let url = review_url(&link, bank, part, &pressed.continues);
        return if json { Json(json!({ "state": "go", "url": url })).into_response() } else { see_other(&url) };
    }
    let wish = match wish(&pressed, &typed, &link.id) {
        Ok(wish) => wish,
        Err(said) => return refuse(*said).await,
    };
    if matches!(wish.method, Method::Stored(_)) && !visitor.verified {
        return refuse(states::refused(&app, &Refused::UnknownMethod)).await;
    }
    if wish.method == Method::NewCard && !json {
        let said = Said::new(
            200,
            "Card payment needs JavaScript",
            "Your card details go straight to Stripe, and that needs it. Nothing was charged.",
            "Turn it on, or pay by phone or bank transfer.",
        );
        return refuse(said).await;
    }
    match app.payments().start(&wish).await {
        Ok(Ok(started)) => go_on(&app, started, json).await,
        Ok(Err(refused)) => {
            let attempt = match &refused {
                Refused::UnderWay { attempt, .. } => Some(attempt.clone()),
                _ => None,
            };
            let mut said = states::refused(&app, &refused);
            if let Refused::Link(usage) = refused
                && !matches!(usage, LinkUse::Pays)
            {
                said.reload = true;
            }
            if json { refusal_json(&said, attempt) } else { refuse(said).await }
        }
        Err(error) => {
            let nothing = !matches!(&error, Error::Stripe(error) if error.may_have_happened());
            if json {
                tracing::error!(link.id = %link.id, error = %error, "an attempt could not be begun");
                refusal_json(&states::our_fault("in the log", nothing), None)
            } else {
                fault(&app, &error.to_string(), nothing)
            }
        }
    }
}

fn wish(pressed: &Pressed, typed: &Typed, link: &crate::domain::LinkId) -> Result<Wish, Box<Said>> {
    let changed = || {
        let mut said = states::form_too_old();
        said.reload = true;
        Box::new(said)
    };
    let currency = Currency::from_code(&pressed.currency).map_err(|_| changed())?;
    let shown = Money::from_minor(pressed.shown, currency).map_err(|_| changed())?;
    if uuid::Uuid::parse_str(&pressed.press).is_err() {
        return Err(changed());
    }
    let choice = if typed.part { Choice::Part(read_amount(&typed.amount, currency)?) } else { Choice::Full };
    Ok(Wish {
        press: pressed.press.clone(),
        link: link.clone(),
        choice,
        shown,
        method: typed.method.clone().map_or(Method::NewCard, Method::Stored),
        save: typed.save && typed.method.is_none(),
        continues: typed.continues.clone(),
        take_over: pressed.take_over == "yes",
        again: pressed.again == "yes",
    })
}

pub(in crate::web) fn read_amount(typed: &str, currency: Currency) -> Result<Money, Box<Said>> {
    let said = |to_do: String| Said::new(422, "Check the amount", "Nothing was charged.", to_do).at("amount");
    // The page is in English: its decimals have a point.
    parse(typed, currency, false).map_err(|no| match no {
        NoAmount::Missing => Box::new(said("Enter the amount you want to pay".into())),
        NoAmount::Unreadable => Box::new(said("Enter the amount in figures, like 250 or 250.50".into())),
        NoAmount::TooFine { down, up } => {
            let decimals = match currency.exponent() {
                0 => "no decimals".to_owned(),
                count => format!("{count} decimals"),
            };
            let or = up.map(|up| format!(" or {}", money_words(up))).unwrap_or_default();
            let mut said = said(format!("{currency} has {decimals}. Enter {}{or}", money_words(down)));
            said.offers = [Some(down), up].into_iter().flatten().filter(|offer| !offer.is_zero()).collect();
            Box::new(said)
        }
    })
}

async fn go_on(app: &App, started: Started, json: bool) -> Response {
    let status = format!("/pay/{}/attempts/{}", started.attempt.link, started.attempt.id);
    if let Some(secret) = &started.client_secret {
        let public = &app.payments().settings().public_url;
        return Json(json!({
            "state": "confirm",
            "attempt": started.attempt.id,
            "clientSecret": secret.expose_secret(),
            "returnUrl": format!("{public}{status}/return"),
            "statusUrl": status,
        }))
        .into_response();
    }
    if started.attempt.method.is_some()
        && let Err(error) = app.payments().confirm_stored(&started).await
    {
        // It may have happened: the status page reads the intent and says what is true.
        tracing::warn!(attempt.id = %started.attempt.id, error = %error, "a confirm has no known outcome yet");
    }
    // The bank's own page, if it wants one, is reached from the status page, by the payer's press or the script.
    if json { Json(json!({ "state": "go", "url": status })).into_response() } else { see_other(&status) }
}

/// A refusal for the script.
pub fn refusal_json(said: &Said, under_way: Option<String>) -> Response {
    refusal_json_with(said, under_way, None)
}

fn refusal_json_with(said: &Said, under_way: Option<String>, csrf: Option<&str>) -> Response {
    let mut answer = said_json(said);
    if let Some(csrf) = csrf {
        answer["csrf"] = Value::from(csrf);
    }
    answer["state"] = Value::from("refused");
    answer["underWay"] = under_way.map_or(Value::Null, Value::from);
    let mut response = (said.status, Json(answer)).into_response();
    if let Some(seconds) = said.retry_after_s {
        response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A state's words for the script.
pub fn said_json(said: &Said) -> Value {
    json!({
        "heading": said.heading,
        "happened": said.happened,
        "todo": said.to_do,
        "field": said.field,
        "offers": said.offers.iter().map(|offer| json!({ "words": money_words(*offer), "value": offer.to_decimal() })).collect::<Vec<_>>(),
        "takeOver": said.take_over,
        "payAgain": said.again,
        "reload": said.reload,
        "nextPress": uuid::Uuid::new_v4().to_string(),
        "at": wall_ms(),
    })
}
