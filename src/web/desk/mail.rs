//! The customer's page goes out once more, as the clerk asks.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::super::deposits::Read;
use super::super::pay::{fault, see_other};
use super::super::state::App;
use super::super::states;
use super::verification::{guard, may_act, show};

#[derive(Debug, Default, Deserialize)]
pub struct Again {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    /// The address that the button named.
    #[serde(default)]
    mail_to: String,
}

/// POST /desk/{link}/verifications/{id}/mail
pub async fn again(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Again>,
) -> Response {
    let (visitor, link, one) = match guard(&app, &link, &id, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let refusal = match may_act(&app, &visitor, &link, &form.csrf) {
        Err(said) => Some(*said),
        Ok(()) if uuid::Uuid::parse_str(&form.press).is_err() => Some(states::form_too_old()),
        Ok(()) => match app.links.mail_page(&one, &form.press, &form.mail_to).await {
            Ok(Ok(())) => None,
            Ok(Err(no)) => Some(states::not_mailed(no)),
            Err(error) => return fault(&app, &error.to_string(), true),
        },
    };
    match refusal {
        None => see_other(&format!("/desk/{}/verifications/{}", link.id, one.id)),
        Some(said) => show(&app, &visitor, &link, &one, Some(&said), &Read::default()).await,
    }
}
