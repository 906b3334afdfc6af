//! One-time codes, and what they open: the stored cards.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::state::App;
use super::super::states::{self, Said};
use super::{fault, say, see_other, visitor};
use crate::engine::clock::wall_ms;
use crate::store::links::Link;
use crate::store::sessions::CodeOutcome;
use crate::stripe::Priority;

/// How long stored cards show after a code.
const VERIFIED_MS: i64 = 30 * 60 * 1000;

#[derive(Deserialize)]
pub struct Ask {
    #[serde(default)]
    csrf: String,
}

#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
pub struct Remove {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    method: String,
}

/// POST /pay/{link}/code: mails a code. Never by opening a page.
pub async fn send(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Ask>,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        return say(&app, &states::form_too_old(), None);
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return say(&app, &states::too_many(wait), None);
    }
    // In the background: the answer takes the same time whether there is an address or not.
    let links = app.links.clone();
    let sent = link.clone();
    tokio::spawn(async move {
        if let Err(error) = links.send_code(&sent).await {
            tracing::warn!(link.id = %sent.id, error = %error, "a code could not be sent");
        }
    });
    see_other(&format!("/pay/{}/verify", link.id))
}

/// GET /pay/{link}/verify
pub async fn ask(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor(&app, &link, &headers).await {
        Ok((visitor, link)) => code_page(&app, &visitor, &link, None),
        Err(response) => *response,
    }
}

fn code_page(app: &App, visitor: &Visitor, link: &Link, error: Option<&str>) -> Response {
    let company = &app.settings.company.name;
    let body = html! {
        h1 tabindex="-1" { "Enter the code from your e-mail" }
        p { "If " bdi { (company) } " has an e-mail address for you, a code is on its way to it. It works for 15 minutes." }
        form method="post" action={ "/pay/" (link.id) "/verify" } novalidate {
            input type="hidden" name="csrf" value=(visitor.csrf);
            label for="code" { "Six-digit code" }
            @if let Some(error) = error { p class="field-error" id="code-error" { (error) } }
            input type="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 -]*" maxlength="20"
                enterkeyhint="done" autofocus spellcheck="false" dir="ltr" aria-describedby=[error.map(|_| "code-error")]
                aria-invalid=[error.map(|_| "true")];
            button type="submit" class="primary" { "Continue" }
        }
        form method="post" action={ "/pay/" (link.id) "/code" } {
            input type="hidden" name="csrf" value=(visitor.csrf);
            button type="submit" class="link" { "Send another code" }
        }
        p { a href={ "/pay/" (link.id) } { "Pay with a new card instead" } }
    };
    let title = if error.is_some() { "Error: Enter the code" } else { "Enter the code" };
    let status = if error.is_some() { 422 } else { 200 };
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    Page::new(title, body).status(status).respond(app)
}

/// POST /pay/{link}/verify
pub async fn verify(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Typed>,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        return say(&app, &states::form_too_old(), None);
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return say(&app, &states::too_many(wait), None);
    }
    let code = digits(&form.code);
    if code.len() != 6 {
        return code_page(&app, &visitor, &link, Some("Enter all six digits."));
    }
    let hash = app.links.code_hash(&link.id, &code);
    let now_ms = wall_ms();
    let tried = app.payments().store().try_code(&visitor.session_hash, &link.id, &hash, now_ms, now_ms + VERIFIED_MS);
    match tried.await {
        Ok(CodeOutcome::Right) => see_other(&format!("/pay/{}", link.id)),
        Ok(CodeOutcome::Wrong) => {
            code_page(&app, &visitor, &link, Some("That code is not right. Check the newest e-mail."))
        }
        Ok(CodeOutcome::RanOut) => {
            code_page(&app, &visitor, &link, Some("This code doesn't work any more. Have another one sent."))
        }
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

/// Spaces, hyphens and the digits of other scripts are taken as meant.
fn digits(typed: &str) -> String {
    let digit = |letter: char| match letter {
        '0'..='9' => Some(letter),
        '٠'..='٩' => char::from_digit(letter as u32 - '٠' as u32, 10),
        '۰'..='۹' => char::from_digit(letter as u32 - '۰' as u32, 10),
        '０'..='９' => char::from_digit(letter as u32 - '０' as u32, 10),
        _ => None,
    };
    typed.chars().filter_map(digit).collect()
}

/// POST /pay/{link}/methods/remove
pub async fn remove(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Remove>,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) || !visitor.verified {
        return say(&app, &states::form_too_old(), None);
    }
    let payments = app.payments();
    let customer = match payments.known_invoice(&link.invoice).await {
        Ok(known) => known.invoice.customer,
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    if let Some(bank) = form.method.strip_prefix(super::bank::BANK) {
        let known = match payments.store().bank(bank).await {
            Ok(known) => known,
            Err(error) => return fault(&app, &error.to_string(), true),
        };
        if known.is_some_and(|known| Some(&known.customer) == customer.as_ref())
            && let Err(error) = payments.remove_bank(bank).await
        {
            // It is noted as leaving, or nothing was changed; the round of chores goes on with what is noted.
            tracing::warn!(link.id = %link.id, %error, "a stored bank could not be removed yet");
        }
        return see_other(&format!("/pay/{}", link.id));
    }
    // The id came from a browser: it must be this customer's.
    let owned = match payments.stripe().payment_method(&form.method, Priority::Customer).await {
        Ok(method) => customer.as_deref().is_some_and(|customer| method.belongs_to(customer)),
        Err(error) if error.is_missing() => false,
        Err(_) => {
            let said = Said::new(
                503,
                "The card could not be removed now",
                "Stripe does not answer.",
                "Try again in some minutes.",
            );
            return say(&app, &said, None);
        }
    };
    if owned {
        let key = format!("detach:{}", form.method);
        let path = format!("/v1/payment_methods/{}/detach", form.method);
        if let Err(error) = payments.store().effect_begin(&key, "POST", &path, "", payments.now_ms()).await {
            return fault(&app, &error.to_string(), true);
        }
        if let Err(error) = payments.stripe().detach_payment_method(&form.method, &key, Priority::Customer).await {
            tracing::warn!(link.id = %link.id, error = %error, "a stored card could not be removed");
            let said = Said::new(
                503,
                "The card could not be removed now",
                "Stripe does not answer.",
                "Try again in some minutes.",
            );
            return say(&app, &said, None);
        }
        if let Some(customer) = &customer
            && let Err(error) = payments.store().hint_all([customer.as_str()], payments.now_ms()).await
        {
            // Stripe's event, or the night's sweep, tells the org all the same.
            tracing::warn!(%error, "the org is told later that a card was removed");
        }
        payments.nudge();
    }
    see_other(&format!("/pay/{}", link.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_however_it_was_pasted() {
        for typed in ["123456", "123 456", "123-456", " 123456\n", "١٢٣٤٥٦", "１２３４５６"] {
            assert_eq!(digits(typed), "123456", "{typed:?}");
        }
    }
}
