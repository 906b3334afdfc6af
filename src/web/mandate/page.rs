//! The page itself, as the verification stands.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::deposits::{self, Read, Who};
use super::super::layout::Page;
use super::super::pay::{fault, see_other, wants_json};
use super::super::state::App;
use super::super::states::{self, Said};
use super::guard;
use crate::domain::mandate;
use crate::domain::verification::{Stage, Way};
use crate::engine::payments::{Outcome, PageReview};
use crate::engine::receipts::{date_words, money_words};
use crate::store::verifications::Verification;

/// GET /mandate/{id}
pub async fn page(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match guard(&app, &id, &headers).await {
        Ok((_, one)) if wants_json(&headers) => Json(json!({ "mark": one.stage.name() })).into_response(),
        Ok((visitor, one)) => show(&app, &visitor, &one, None, &Read::default()).await,
        Err(response) => *response,
    }
}

/// GET below it: a browser that comes back to the address of a press.
pub async fn back(Path(id): Path<String>) -> Response {
    see_other(&format!("/mandate/{id}"))
}

/// The page, with what was refused above it.
pub(super) async fn show(
    app: &App,
    visitor: &Visitor,
    one: &Verification,
    said: Option<&Said>,
    read: &Read,
) -> Response {
    let (title, body) = match one.stage {
        Stage::Agreeing => match app.payments().page_review(one).await {
            Ok(Ok(review)) => ("Authorise a bank payment", to_authorise(app, visitor, one, &review, said)),
            Ok(Err(no)) => {
                let said = states::mandate_refused(app, no);
                return Page::new(&said.heading, said.body())
                    .status(said.status)
                    .quoting(&one.invoice_number)
                    .respond(app);
            }
            Err(error) => return fault(app, &error.to_string(), true),
        },
        Stage::Waiting if one.way.is_some() => ("Verify your bank account", to_tell(app, visitor, one, said, read)),
        _ => return over(app, one).await,
    };
    let title = match said {
        Some(said) => format!("Error: {} – {title}", said.heading),
        None => title.to_owned(),
    };
    let mut page = Page::new(&title, body).quoting(&one.invoice_number);
    if let Some(said) = said {
        page = page.status(said.status);
    }
    page.respond(app)
}

fn to_authorise(app: &App, visitor: &Visitor, one: &Verification, review: &PageReview, said: Option<&Said>) -> Markup {
    let company = &app.settings.company.name;
    let amount = money_words(one.amount);
    html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { "Authorise a payment of " span class="money" { (amount) } }
        p class="lead" { "To " bdi { (company) } " for invoice " bdi { (review.invoice.number) } ", from " bdi { (one.words()) } "." }
        section aria-labelledby="mandate-heading" class="mandate" {
            h2 id="mandate-heading" { "Your authorisation" }
            p id="mandate" class="wrap" { (review.text) }
        }
        section aria-labelledby="then" {
            h2 id="then" { "What happens then" }
            ol {
                li { "Small deposits reach your account in one or two business days." }
                li { "You enter on this page what your statement shows, or tell " bdi { (company) } ". The link in the e-mail leads back here, for ten days." }
                li { strong class="money" { (amount) } " is debited, once. You get a confirmation by e-mail, and the receipt when the money has arrived." }
            }
        }
        form method="post" action={ "/mandate/" (one.id) "/agree" } {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="text_hash" value=(mandate::hash(&review.text));
            button type="submit" class="primary" id="authorise" { "I authorise this debit" }
        }
        form method="post" action={ "/mandate/" (one.id) "/decline" } {
            input type="hidden" name="csrf" value=(visitor.csrf);
            button type="submit" class="secondary" id="decline" { "I don't agree" }
        }
    }
}

fn to_tell(app: &App, visitor: &Visitor, one: &Verification, said: Option<&Said>, read: &Read) -> Markup {
    let zone = app.settings.zone.clone();
    let day = one.arrives_s.and_then(|s| jiff::Timestamp::from_second(s).ok());
    let by = day.map(|at| format!(" by {}", date_words(at.to_zoned_datetime(zone).date()))).unwrap_or_default();
    let (arrives, what) = match one.way {
        Some(Way::Code) => ("A deposit of $0.01 with a code that begins with SM reaches ", "the code"),
        _ => ("Two deposits of less than a dollar reach ", "their amounts"),
    };
    html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { "Verify your bank account" }
        p class="lead" { (arrives) bdi { (one.words()) } (by) "." }
        p { "When your statement shows it, enter " (what) " here, within ten days. You can close this page: the link in the e-mail leads back to it. Or tell "
            bdi { (app.settings.company.name) } " " (what) "." }
        (deposits::form(&format!("/mandate/{}", one.id), &visitor.csrf, one, said, read, Who::Customer))
        p { "Then " strong class="money" { (money_words(one.amount)) } " is debited for invoice " bdi { (one.invoice_number) }
            ", once. Nothing has been debited yet." }
    }
}

/// What is over, or goes on by itself.
async fn over(app: &App, one: &Verification) -> Response {
    let said = match outcome(app, one).await {
        Ok(said) => said,
        Err(error) => return fault(app, &error.to_string(), false),
    };
    let moves = matches!(one.stage, Stage::Starting | Stage::Waiting | Stage::Verified | Stage::Charging);
    let body = html! {
        (said.body())
        @if moves { p { a class="button" id="follow" data-mark=(one.stage.name()) href={ "/mandate/" (one.id) } { "Look again" } } }
    };
    let scripts = [assets::FOLLOW.path.as_str()];
    Page::new(&said.heading, body)
        .status(said.status)
        .quoting(&one.invoice_number)
        .with_scripts(if moves { &scripts } else { &[] })
        .respond(app)
}

/// The debit has the verification's own id; what the bank made of it goes before what was ordered.
async fn outcome(app: &App, one: &Verification) -> Result<Said, crate::engine::payments::Error> {
    let attempt = match one.stage {
        Stage::Charged => app.payments().store().attempt(&one.id).await?,
        _ => None,
    };
    let Some(attempt) = attempt else { return Ok(states::mandate_over(app, one)) };
    let amount = money_words(one.amount);
    Ok(match app.payments().known_outcome(&attempt).await? {
        Outcome::Declined(_) | Outcome::Canceled => {
            let mut said = states::bank_declined(attempt.decline_code.as_deref().unwrap_or_default());
            said.to_do = format!("Call {} to pay in another way.", app.settings.company.name);
            said
        }
        Outcome::Paid { .. } => {
            let payment = app.payments().store().payment_of_attempt(&attempt.id).await?;
            payment.and_then(|payment| states::went_back(app, &payment)).unwrap_or_else(|| {
                Said::new(200, "Payment received", format!("{amount} has arrived."), "The receipt went out by e-mail.")
            })
        }
        _ => states::mandate_over(app, one),
    })
}
