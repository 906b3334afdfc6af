//! What the payer's browser loads: the script in place of Stripe.js, the card form's frame, the bank's 3-D Secure page, and the
//! page on which a customer tells small deposits.

mod deposits;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::control::authenticate;
use super::ledger::Kind;
use super::server::{Stripe, lock};
use super::world::text;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Frames of the stand-in run nothing but the stand-in's own files.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action *; base-uri 'none'";

pub fn router() -> Router<Arc<Stripe>> {
    let asset = |kind: &'static str, body: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body))
    };
    Router::new()
        .route("/endive/stripe.js", asset(SCRIPT, include_str!("assets/stripe.js")))
        .route("/endive/element.js", asset(SCRIPT, include_str!("assets/element.js")))
        .route("/endive/element.css", asset(STYLE, include_str!("assets/element.css")))
        .route("/endive/challenge.js", asset(SCRIPT, include_str!("assets/challenge.js")))
        .route("/endive/challenge.css", asset(STYLE, include_str!("assets/challenge.css")))
        .route("/endive/element.html", get(async || page(include_str!("assets/element.html").into_response())))
        .route("/3ds/{intent}/{challenge}", get(question).post(answered))
        .route("/microdeposits/{intent}", get(deposits::asked).post(deposits::told))
}

/// A page with the policy of the frames.
fn page(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    embedded: bool,
}

#[derive(Deserialize)]
struct Answered {
    outcome: String,
    #[serde(default)]
    embedded: bool,
}

fn layout(over: bool, body: Markup) -> Response {
    titled("Confirm with your bank", over, body)
}

fn titled(title: &str, over: bool, body: Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/endive/challenge.css";
                script src="/endive/challenge.js" {}
            }
            body data-over=(over) { main { (body) } }
        }
    };
    page(markup.into_string().into_response())
}

fn open_intent(stripe: &Stripe, id: &str, challenge: &str) -> Option<Value> {
    let world = lock(&stripe.world);
    let intent = world.ledger.get(Kind::of_id(id)?, id)?;
    (text(intent, "_challenge") == Some(challenge)).then(|| intent.clone())
}

async fn question(
    State(stripe): State<Arc<Stripe>>,
    Path((id, challenge)): Path<(String, String)>,
    Query(shown): Query<Shown>,
) -> Response {
    let Some(intent) = open_intent(&stripe, &id, &challenge) else {
        return layout(
            true,
            html! { h1 { "This question is answered" } p { "Go back to the page that you came from." } },
        );
    };
    layout(
        false,
        html! {
            h1 { "Your bank asks: is it you?" }
            @if let (Some(amount), Some(currency)) = (intent["amount"].as_i64(), text(&intent, "currency")) {
                p { "A payment of " (amount) " " (currency) " (in minor units) waits for your word." }
            } @else {
                p { "A card is to be stored." }
            }
            form method="post" {
                input type="hidden" name="embedded" value=(shown.embedded);
                button name="outcome" value="complete" { "Complete" }
                button name="outcome" value="fail" { "Fail" }
            }
        },
    )
}

async fn answered(
    State(stripe): State<Arc<Stripe>>,
    Path((id, challenge)): Path<(String, String)>,
    headers: HeaderMap,
    Form(answered): Form<Answered>,
) -> Response {
    let open = open_intent(&stripe, &id, &challenge);
    let result = match &open {
        // Answered before: the intent stands as it is.
        None => lock(&stripe.world).show(Kind::of_id(&id).unwrap_or(Kind::PaymentIntent), &id),
        Some(_) => stripe.change(|world| authenticate(world, &id, answered.outcome == "complete")),
    };
    let Ok(intent) = result else { return StatusCode::NOT_FOUND.into_response() };
    let return_url = open.as_ref().and_then(|intent| text(intent, "_return_url"));
    match return_url {
        Some(return_url) if !answered.embedded && !asked_by_script(&headers) => {
            Redirect::to(&back_to(return_url, &intent)).into_response()
        }
        _ => super::api::cors(layout(true, html! { h1 { "Thank you" } p { "You can go back now." } })),
    }
}

fn asked_by_script(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "cors")
}

/// The address to return to, with what Stripe adds to it.
fn back_to(return_url: &str, intent: &Value) -> String {
    let prefix = text(intent, "object").unwrap_or("payment_intent");
    let status = if intent["status"] == "succeeded" { "succeeded" } else { "failed" };
    let joint = if return_url.contains('?') { '&' } else { '?' };
    format!(
        "{return_url}{joint}{prefix}={}&{prefix}_client_secret={}&redirect_status={status}",
        text(intent, "id").unwrap_or_default(),
        text(intent, "client_secret").unwrap_or_default(),
    )
}
