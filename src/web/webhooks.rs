//! POST /webhooks/stripe and /webhooks/plaid: signed, made durable, acknowledged; read and booked afterwards.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::state::App;
use crate::engine::clock::wall_ms;
use crate::plaid;
use crate::stripe::{Event, Hint, webhook};

/// The body is a hint to look; nothing in it is believed but the ids.
pub async fn stripe(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(error) = webhook::verify(signature, &body, &app.settings.webhook_secrets, wall_ms() / 1000) {
        metrics::counter!("quittance_webhooks_total", "outcome" => "refused").increment(1);
        tracing::warn!(error = %error, "a webhook was refused");
        return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response();
    }
    let event: Event = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(error) => {
            // Signed by Stripe and not an event: nothing that a resend would change.
            metrics::counter!("quittance_webhooks_total", "outcome" => "unreadable").increment(1);
            tracing::error!(error = %error, "a signed webhook can't be read");
            return StatusCode::OK.into_response();
        }
    };
    if event.livemode == app.settings.test {
        metrics::counter!("quittance_webhooks_total", "outcome" => "other_mode").increment(1);
        tracing::warn!(event.id = %event.id, event.livemode, "a webhook of the other mode is passed over");
        return StatusCode::OK.into_response();
    }
    let hint = match event.hint() {
        Hint::Intent(id) | Hint::Charge(id) | Hint::Setup(id) | Hint::Customer(id) => Some(id),
        Hint::Nothing => None,
    };
    match app.payments().store().record_event_once(&event.id, hint.as_deref(), app.payments().now_ms()).await {
        Ok(new) => {
            let outcome = if new { "new" } else { "repeated" };
            metrics::counter!("quittance_webhooks_total", "outcome" => outcome).increment(1);
            app.payments().nudge();
            StatusCode::OK.into_response()
        }
        Err(error) => {
            // Not durable: Stripe sends it again.
            tracing::error!(error = %error, "a webhook could not be stored");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Signed with a key that Plaid is asked for. A repeat does the same again, which changes nothing.
pub async fn plaid(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let refuse = |status: StatusCode, why: &str, outcome: &'static str| {
        metrics::counter!("quittance_plaid_webhooks_total", "outcome" => outcome).increment(1);
        tracing::warn!(why, "a webhook of Plaid was refused");
        (status, format!("{why}\n")).into_response()
    };
    let Some(banks) = app.payments().banks() else {
        return refuse(StatusCode::NOT_FOUND, "bank payments are not configured here", "off");
    };
    let signed = headers.get("plaid-verification").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(error) = banks.webhook_keys().verify(banks.plaid(), signed, &body, wall_ms() / 1000).await {
        // Without the key it may be Plaid's all the same: then it comes again.
        let status = match error {
            plaid::webhook::Refusal::NoKey(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        return refuse(status, &error.to_string(), "refused");
    }
    let event: plaid::Event = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(%error, "a signed webhook of Plaid can't be read");
            return StatusCode::OK.into_response();
        }
    };
    match app.payments().bank_news(&event).await {
        Ok(()) => {
            metrics::counter!("quittance_plaid_webhooks_total", "outcome" => "taken").increment(1);
            StatusCode::OK.into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a webhook of Plaid could not be stored");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
