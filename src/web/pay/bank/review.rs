//! The page on which the customer reads the authorisation and orders the debit.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::super::cookie::Visitor;
use super::super::super::layout::Page;
use super::super::super::limits::What;
use super::super::super::state::App;
use super::super::super::states::{self, Said};
use super::super::attempt::read_amount;
use super::super::page::{Typed, show};
use super::super::{fault, see_other, visitor};
use super::BANK;
use crate::domain::Money;
use crate::domain::mandate;
use crate::domain::payable::admit;
use crate::engine::banks::{Agreed, BankOrder, BankRefused, Review};
use crate::engine::payments::{Choice, Error, Invoice, Method, NotConfirmed, OrgError, Refused, Started, Wish};
use crate::engine::receipts::{money_words, time_words};
use crate::store::links::Link;

/// Where the payer authorises. Everything in the address is looked at again there.
pub fn review_url(link: &Link, bank: &str, part: Option<&str>, continues: &str) -> String {
    let mut form = crate::stripe::Form::new();
    if let Some(part) = part {
        form = form.with("part", part);
    }
    if !continues.is_empty() {
        form = form.with("continues", continues);
    }
    let query = form.into_body();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/pay/{}/bank/{bank}{mark}{query}", link.id)
}

#[derive(Debug, Default, Deserialize)]
pub struct Look {
    #[serde(default)]
    part: Option<String>,
    #[serde(default)]
    continues: String,
}

/// What is about to be ordered.
struct Order {
    invoice: Invoice,
    review: Review,
    amount: Money,
    shown: Money,
}

/// GET /pay/{link}/bank/{bank}: the authorisation, word for word, before anything is debited.
pub async fn review(
    State(app): State<App>,
    Path((link, bank)): Path<(String, String)>,
    Query(look): Query<Look>,
    headers: HeaderMap,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    match order(&app, &visitor, &link, &bank, look.part.as_deref()).await {
        Ok(Ok(order)) => review_page(&app, &visitor, &link, &look, &order, None),
        Ok(Err(said)) => back(&app, &visitor, &link, &bank, &look, &said).await,
        Err(error) => fault(&app, &error.to_string(), true),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Authorised {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    part: Option<String>,
    #[serde(default)]
    continues: String,
    /// Of the text that was shown.
    #[serde(default)]
    text_hash: String,
    /// What the page said would be debited, in minor units.
    #[serde(default)]
    minor: i64,
    #[serde(default)]
    take_over: String,
    /// "yes" where the payer was told of a payment of the same amount, and means this one too.
    #[serde(default)]
    again: String,
}

/// POST /pay/{link}/bank/{bank}: the press that authorises and pays.
pub async fn authorise(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((link, bank)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Authorised>,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let look = Look { part: form.part.clone().filter(|part| !part.is_empty()), continues: form.continues.clone() };
    if !visitor.wrote(&form.csrf) || uuid::Uuid::parse_str(&form.press).is_err() {
        return back(&app, &visitor, &link, &bank, &look, &states::form_too_old()).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return back(&app, &visitor, &link, &bank, &look, &states::too_many(wait)).await;
    }
    // The same press again goes on where it stands, whatever the invoice has become by it.
    match app.payments().store().attempt_of_press(&form.press).await {
        Ok(Some(attempt)) if attempt.link == link.id.as_str() => {
            if let Some(intent) = attempt.intent.clone() {
                return confirm(&app, &visitor, &link, &bank, &look, Started { attempt, intent, client_secret: None })
                    .await;
            }
        }
        Ok(_) => {}
        Err(error) => return fault(&app, &error.to_string(), true),
    }
    let order = match order(&app, &visitor, &link, &bank, look.part.as_deref()).await {
        Ok(Ok(order)) => order,
        Ok(Err(said)) => return back(&app, &visitor, &link, &bank, &look, &said).await,
        Err(error) => return fault(&app, &error.to_string(), true),
    };
    if order.amount.minor() != form.minor {
        let said = states::refused(&app, &Refused::Changed { left: order.shown });
        return review_page(&app, &visitor, &link, &look, &order, Some(&said));
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let wish = Wish {
        press: form.press.clone(),
        link: link.id.clone(),
        choice: if look.part.is_some() { Choice::Part(order.amount) } else { Choice::Full },
        shown: order.shown,
        save: order.review.bank.save,
        method: Method::Bank(BankOrder {
            bank: bank.clone(),
            session_hash: visitor.session_hash.clone(),
            verified: visitor.verified,
            agreed: Some(Agreed {
                text_hash: form.text_hash.clone(),
                address: app.client(peer.ip(), forwarded).to_string(),
                user_agent: Some(text(header::USER_AGENT))
                    .filter(|text| !text.is_empty())
                    .unwrap_or("unknown")
                    .to_owned(),
            }),
        }),
        continues: Some(form.continues.clone()).filter(|id| !id.is_empty()),
        take_over: form.take_over == "yes",
        again: form.again == "yes",
    };
    match app.payments().start(&wish).await {
        Ok(Ok(started)) => confirm(&app, &visitor, &link, &bank, &look, started).await,
        Ok(Err(Refused::Bank(BankRefused::Agree))) => {
            let said = states::bank_refused(&app, &BankRefused::Agree);
            review_page(&app, &visitor, &link, &look, &order, Some(&said))
        }
        Ok(Err(refused)) => {
            let said = states::refused(&app, &refused);
            if said.again {
                return review_page(&app, &visitor, &link, &look, &order, Some(&said));
            }
            back(&app, &visitor, &link, &bank, &look, &said).await
        }
        Err(error) => {
            let nothing = !matches!(&error, Error::Stripe(error) if error.may_have_happened());
            fault(&app, &error.to_string(), nothing)
        }
    }
}

/// Confirms, unless it was, and leads to the page that says what became of it.
async fn confirm(app: &App, visitor: &Visitor, link: &Link, bank: &str, look: &Look, started: Started) -> Response {
    let id = started.attempt.id.clone();
    match app.payments().confirm_stored(&started).await {
        Ok(Some(NotConfirmed::Bank(no))) => {
            return back(app, visitor, link, bank, look, &states::bank_refused(app, &no)).await;
        }
        // Phone orders are clerks' alone.
        Ok(None | Some(NotConfirmed::Moto)) => {
            // Booked from what Stripe says, before the payer looks; if it doesn't answer, the page asks again.
            if let Err(error) = app.payments().check(&id).await {
                tracing::warn!(attempt.id = %id, %error, "a bank payment could not be read yet");
            }
        }
        // It may have happened: the status page reads the intent and says what is true.
        Err(error) => tracing::warn!(attempt.id = %id, %error, "a confirm has no known outcome yet"),
    }
    see_other(&format!("/pay/{}/attempts/{id}", link.id))
}

/// Reads all of it again: invoice, amount, bank. `Err` inside says why it can't be ordered.
async fn order(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    bank: &str,
    part: Option<&str>,
) -> Result<Result<Order, Said>, Error> {
    let payments = app.payments();
    let refuse = |refused: Refused| Ok(Err(states::refused(app, &refused)));
    let invoice = match payments.known_invoice(&link.invoice).await {
        Ok(known) => known.invoice,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => return refuse(Refused::CannotCheck),
        Err(error) => return Err(error),
    };
    let customer = match payments.customer_id(&invoice).await? {
        Some(customer) => customer,
        None => return refuse(Refused::Bank(BankRefused::Unknown)),
    };
    let asks = BankOrder {
        bank: bank.to_owned(),
        session_hash: visitor.session_hash.clone(),
        verified: visitor.verified,
        agreed: None,
    };
    let bank = match payments.bank_for(&customer, &asks).await? {
        Ok(bank) => bank,
        Err(no) => return refuse(Refused::Bank(no)),
    };
    let standing = payments.standing(&invoice).await?;
    let shown = standing.offered()?;
    if shown.currency().code() != "USD" {
        return refuse(Refused::Bank(BankRefused::Currency));
    }
    let amount = match part {
        None => shown,
        Some(typed) => match read_amount(typed, shown.currency()) {
            Ok(amount) => amount,
            Err(said) => return Ok(Err(*said)),
        },
    };
    if let Err(no) = admit(shown, amount) {
        return refuse(Refused::Amount(no));
    }
    let review = payments.bank_review(&invoice, bank, amount).await?;
    Ok(Ok(Order { invoice, review, amount, shown }))
}

/// The payment page, with what was refused above the form.
async fn back(app: &App, visitor: &Visitor, link: &Link, bank: &str, look: &Look, said: &Said) -> Response {
    let typed = Typed {
        part: look.part.is_some(),
        amount: look.part.clone().unwrap_or_default(),
        method: Some(format!("{BANK}{bank}")),
        continues: Some(look.continues.clone()).filter(|id| !id.is_empty()),
        ..Typed::default()
    };
    show(app, visitor, link, Some(said), typed).await
}

fn review_page(app: &App, visitor: &Visitor, link: &Link, look: &Look, order: &Order, said: Option<&Said>) -> Response {
    let company = &app.settings.company.name;
    let amount = money_words(order.amount);
    let words = order.review.bank.words();
    let heading = format!("Pay {amount} from your bank");
    let body = html! {
        @if let Some(said) = said { (said.summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { (heading) }
        p class="lead" { "For invoice " bdi { (order.invoice.number) } ", from " bdi { (words) } "." }
        section aria-labelledby="mandate-heading" class="mandate" {
            h2 id="mandate-heading" { "Your authorisation" }
            @match (&order.review.text, order.review.given_ms) {
                (Some(text), _) => p id="mandate" class="wrap" { (text) },
                (None, Some(given_ms)) => p id="mandate" {
                    "On " (time_words(given_ms, &app.settings.zone)) " you authorised " bdi { (company) }
                    " to debit this account for payments that you order. By pressing the button you order this one."
                },
                (None, None) => {}
            }
        }
        p { "The money usually takes 4 business days. Until then the invoice shows it as in progress. We e-mail you a confirmation"
            @if order.review.text.is_some() { " with a copy of this authorisation" }
            " now, and the receipt when the money has arrived." }
        form method="post" action={ "/pay/" (link.id) "/bank/" (order.review.bank.id) } {
            input type="hidden" name="csrf" value=(visitor.csrf);
            input type="hidden" name="press" value=(uuid::Uuid::new_v4());
            @if let Some(part) = &look.part { input type="hidden" name="part" value=(part); }
            input type="hidden" name="continues" value=(look.continues);
            input type="hidden" name="minor" value=(order.amount.minor());
            input type="hidden" name="text_hash" value=(order.review.text.as_deref().map(mandate::hash).unwrap_or_default());
            @let again = said.is_some_and(|said| said.again);
            button type="submit" class="primary" id="authorise" name=[again.then_some("again")] value=[again.then_some("yes")] {
                @if order.review.text.is_some() { "Authorise and pay " } @else { "Pay " }
                span class="money" { (amount) }
                @if again { " again" }
            }
        }
        p { a href={ "/pay/" (link.id) } { "Back to the invoice" } }
    };
    let title = match said {
        Some(said) => format!("Error: {} – {heading}", said.heading),
        None => heading.clone(),
    };
    let status = said.map_or(axum::http::StatusCode::OK, |said| said.status);
    Page::new(&title, body).status(status).quoting(&order.invoice.number).respond(app)
}
