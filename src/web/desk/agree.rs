//! What the clerk reads out to a company's customer, word for word, and the press that says that the customer agreed. A private
//! person gets a page by mail instead.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::attempt::read_amount;
use super::super::pay::{fault, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::account::{Entered, show};
use crate::domain::{Currency, Money, mandate};
use crate::engine::payments::{AccountAgreed, AccountRefused, AccountReview};
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::stripe::Priority;

/// Everything in the address is looked at again there.
pub(super) fn review_url(link: &Link, method: &str, part: Option<&str>) -> String {
    let query = crate::stripe::Form::new().maybe("part", part).into_body();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/desk/{}/account/{method}{mark}{query}", link.id)
}

#[derive(Debug, Default, Deserialize)]
pub struct Look {
    #[serde(default)]
    part: Option<String>,
}

/// GET /desk/{link}/account/{method}
pub async fn read_out(
    State(app): State<App>,
    Path((link, method)): Path<(String, String)>,
    Query(look): Query<Look>,
    headers: HeaderMap,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let amount = match amount(look.part.as_deref()) {
        Ok(amount) => amount,
        Err(said) => return show(&app, &visitor, &link, Some(&said), &Entered::default()).await,
    };
    match app.payments().account_review(&link, &method, amount).await {
        Ok(Ok(review)) => review_page(&app, &visitor, &link, &review, look.part.as_deref(), None),
        Ok(Err(no)) => {
            show(&app, &visitor, &link, Some(&states::account_refused(&app, &no)), &Entered::default()).await
        }
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Agreed {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    part: Option<String>,
    #[serde(default)]
    minor: i64,
    /// Of the text that was read out.
    #[serde(default)]
    text_hash: String,
    /// Where the page said that it is mailed.
    #[serde(default)]
    mail_to: Option<String>,
}

/// POST /desk/{link}/account/{method}
pub async fn agreed(
    State(app): State<App>,
    Path((link, method)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Agreed>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let refuse = async |said: Said| show(&app, &visitor, &link, Some(&said), &Entered::default()).await;
    if !visitor.wrote(&form.csrf) || uuid::Uuid::parse_str(&form.press).is_err() {
        return refuse(states::form_too_old()).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return refuse(states::too_many(wait)).await;
    }
    let part = match amount(form.part.as_deref().filter(|part| !part.is_empty())) {
        Ok(part) => part,
        Err(said) => return refuse(*said).await,
    };
    let agreed = AccountAgreed {
        press: form.press.clone(),
        link: link.id.clone(),
        method,
        part,
        minor: form.minor,
        text_hash: form.text_hash.clone(),
        mail_to: form.mail_to.clone(),
    };
    let one = match app.links.begin_verification(&link, &agreed).await {
        Ok(Ok(one)) => one,
        // Nothing has to be typed again where the same account goes on.
        Ok(Err(no @ (AccountRefused::Agree | AccountRefused::NoAddress | AccountRefused::OtherAddress))) => {
            return review_again(&app, &visitor, &link, &agreed, form.part.as_deref(), &no).await;
        }
        Ok(Err(no)) => return refuse(states::account_refused(&app, &no)).await,
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    if let Err(error) = app.payments().carry_on(&one.id, Priority::Customer).await {
        // What was agreed to is durable, and is carried on as soon as Stripe answers.
        tracing::warn!(verification.id = %one.id, %error, "a bank account waits to be verified");
    }
    see_other(&format!("/desk/{}/verifications/{}", link.id, one.id))
}

async fn review_again(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    agreed: &AccountAgreed,
    part: Option<&str>,
    no: &AccountRefused,
) -> Response {
    let said = states::account_refused(app, no);
    match app.payments().account_review(link, &agreed.method, agreed.part).await {
        Ok(Ok(review)) => review_page(app, visitor, link, &review, part.filter(|part| !part.is_empty()), Some(&said)),
        Ok(Err(no)) => show(app, visitor, link, Some(&states::account_refused(app, &no)), &Entered::default()).await,
        Err(error) => fault(app, &error.to_string(), true),
    }
}

fn amount(part: Option<&str>) -> Result<Option<Money>, Box<Said>> {
    let Some(part) = part else { return Ok(None) };
    let usd = Currency::from_code("USD").map_err(|_| Box::new(states::form_too_old()))?;
    read_amount(part, usd).map(Some)
}

fn review_page(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    review: &AccountReview,
    part: Option<&str>,
    said: Option<&Said>,
) -> Response {
    let account = &review.account;
    let amount = money_words(review.amount);
    let body = html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { "Have the customer authorise " span class="money" { (amount) } }
        p class="lead" { "For invoice " bdi { (review.invoice.number) } ", from " bdi { (account.bank) } " ending " (account.last4) ", held by " bdi { (account.holder) } "." }
        @if account.is_company {
            section aria-labelledby="mandate-heading" class="mandate" {
                h2 id="mandate-heading" { "Read this out" }
                p id="mandate" class="wrap" { (review.text) }
            }
            p { "Ask: " strong { "Do you agree?" } " Press only after a clear yes. The words are kept with the time, and a copy goes to the customer with the first letter about the account." }
            form method="post" action={ "/desk/" (link.id) "/account/" (account.method) } {
                (hidden(visitor, review, part))
                input type="hidden" name="text_hash" value=(mandate::hash(&review.text));
                button type="submit" class="primary" id="agree" { "The customer agreed: verify the account" }
            }
        } @else {
            (by_mail(visitor, link, review, part))
        }
        p { a href={ "/desk/" (link.id) "/account" } { "Enter other numbers" } }
    };
    let title = format!("Authorise {amount}");
    let status = said.map_or(StatusCode::OK, |said| said.status);
    Page::new(&title, body).status(status).quoting(&review.invoice.number).respond(app)
}

fn hidden(visitor: &Visitor, review: &AccountReview, part: Option<&str>) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(visitor.csrf);
        input type="hidden" name="press" value=(uuid::Uuid::new_v4());
        @if let Some(part) = part { input type="hidden" name="part" value=(part); }
        input type="hidden" name="minor" value=(review.amount.minor());
    }
}

/// What a private person says on the phone is not enough for this debit.
fn by_mail(visitor: &Visitor, link: &Link, review: &AccountReview, part: Option<&str>) -> Markup {
    let action = format!("/desk/{}/account/{}", link.id, review.account.method);
    html! {
        section aria-labelledby="mail-heading" class="mandate" {
            h2 id="mail-heading" { "A private person agrees in writing, while you are on the phone" }
            @match &review.invoice.email {
                Some(address) => {
                    p { "A page with the authorisation goes to " strong { bdi { (address) } }
                        ", the address that Salesforce has. Ask the customer whether that is right and can be read now." }
                    p { "If it is another, correct Billing Email on the invoice or its account in Salesforce, then open this page again." }
                    form method="post" action=(action) {
                        (hidden(visitor, review, part))
                        input type="hidden" name="mail_to" value=(address);
                        button type="submit" class="primary" id="mail" { "Mail the authorisation to the customer" }
                    }
                }
                None => {
                    p { "There is no e-mail address for this customer, so the authorisation can't be mailed. Nothing was charged." }
                    p { "Fill Billing Email on the invoice or its account in Salesforce, then open this page again." }
                    p { a class="button" href=(review_url(link, &review.account.method, part)) { "Look again" } }
                }
            }
            details {
                summary { "What the customer reads there" }
                p id="mandate" class="wrap" { (review.text) }
            }
        }
    }
}
