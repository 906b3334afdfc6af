//! GET /pay/{link}/receipts/{number}: the PDF, in the page or as a download. Expiry ends paying, never the receipt.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::state::App;
use super::{cookie, pay, states};
use crate::domain::LinkId;

#[derive(Deserialize)]
pub struct Ask {
    #[serde(default)]
    download: Option<String>,
}

pub async fn pdf(
    State(app): State<App>,
    Path((link, number)): Path<(String, String)>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    match find(&app, &link, &number, &headers).await {
        Ok(Some(pdf)) => {
            let kind = if ask.download.is_some() { "attachment" } else { "inline" };
            let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";
            let answer = [
                (header::CONTENT_TYPE, "application/pdf".to_owned()),
                (header::CONTENT_DISPOSITION, format!("{kind}; filename=\"{}\"", pdf.name)),
                (header::CACHE_CONTROL, "private, no-store".to_owned()),
                (header::CONTENT_SECURITY_POLICY, policy.to_owned()),
                (header::X_FRAME_OPTIONS, "SAMEORIGIN".to_owned()),
            ];
            (answer, pdf.bytes).into_response()
        }
        Ok(None) => pay::say(&app, &states::unknown(), None),
        Err(response) => *response,
    }
}

async fn find(
    app: &App,
    link: &str,
    number: &str,
    headers: &HeaderMap,
) -> Result<Option<crate::engine::receipts::Pdf>, Box<Response>> {
    let fault = |error: &dyn std::fmt::Display| Box::new(pay::fault(app, &error.to_string(), true));
    let number = number.strip_suffix(".pdf").unwrap_or(number);
    let Ok(link) = LinkId::parse(link) else { return Ok(None) };
    let visitor = cookie::visitor(app, &link, headers).await.map_err(|error| fault(&error))?;
    if visitor.is_none() {
        return Err(Box::new(pay::say(app, &states::no_cookie(), None)));
    }
    let store = app.payments().store();
    let Some(receipt) = store.receipt(number).await.map_err(|error| fault(&error))? else { return Ok(None) };
    // A link shows its own invoice and nothing else.
    let link = store.link(&link).await.map_err(|error| fault(&error))?;
    let payment = store.payment(&receipt.stripe_id).await.map_err(|error| fault(&error))?;
    let same_invoice = match (link, payment) {
        (Some(link), Some(payment)) => payment.invoice == Some(link.invoice),
        _ => false,
    };
    if !same_invoice {
        return Ok(None);
    }
    app.receipts.pdf(&receipt).await.map(Some).map_err(|error| fault(&error))
}
