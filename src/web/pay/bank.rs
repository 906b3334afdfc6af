//! Paying by bank: Plaid Link's token, what Link hands over, and the page on which the debit is authorised.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use maud::html;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::state::App;
use super::super::states::{self, Said};
use super::attempt::{read_amount, refusal_json};
use super::page::{Typed, show};
use super::{fault, see_other, visitor};
use crate::domain::Money;
use crate::domain::bank::BankState;
use crate::domain::mandate;
use crate::domain::payable::admit;
use crate::engine::banks::{Agreed, BankOrder, BankRefused, Chosen, NotChosen, Review};
use crate::engine::payments::{Choice, Error, Invoice, Method, OrgError, Refused, Started, Wish};
use crate::engine::receipts::{money_words, time_words};
use crate::store::links::Link;

/// What begins the value of a bank among the methods; `new` or Stripe's id follows.
pub const BANK: &str = "bank:";

#[derive(Debug, Deserialize)]
pub struct Open {
    #[serde(default)]
    csrf: String,
    /// A stored bank that wants its customer to sign in again.
    #[serde(default)]
    bank: String,
}

/// POST /pay/{link}/bank/link: what Plaid Link is opened with.
pub async fn open(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Open>,
) -> Response {
    let (visitor, link) = match guard(&app, &link, &headers, &form.csrf).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let asked = if form.bank.is_empty() {
        match app.payments().known_invoice(&link.invoice).await {
            Ok(known) => app.payments().bank_link_token(&known.invoice.account).await,
            Err(error) => Err(error),
        }
    } else {
        match own_bank(&app, &visitor, &link, &form.bank).await {
            Ok(Some(bank)) => app.payments().bank_login_token(&bank).await,
            Ok(None) => return refusal_json(&states::bank_refused(&app, &BankRefused::Unknown), None),
            Err(error) => Err(error),
        }
    };
    match asked {
        Ok(Ok(token)) => Json(json!({ "state": "link", "linkToken": token.expose_secret() })).into_response(),
        Ok(Err(no)) => refusal_json(&states::not_chosen(&app, &no), None),
        Err(error) => failed(&app, &link, &error),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Picked {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    public_token: String,
    /// Which of the accounts behind the login.
    #[serde(default)]
    account: String,
    #[serde(default)]
    save_bank: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    continues: String,
    /// A stored bank whose login was renewed.
    #[serde(default)]
    bank: String,
}

/// POST /pay/{link}/bank/chosen: what Link handed over becomes a bank, and the payer goes on to authorise.
pub async fn chosen(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Picked>,
) -> Response {
    let (visitor, link) = match guard(&app, &link, &headers, &form.csrf).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let made = if form.bank.is_empty() {
        let chosen = Chosen {
            link: link.id.clone(),
            session_hash: visitor.session_hash.clone(),
            public_token: SecretString::from(form.public_token.as_str()),
            plaid_account: form.account.clone(),
            save: form.save_bank == "yes",
        };
        app.payments().choose_bank(&link, &chosen).await
    } else {
        match own_bank(&app, &visitor, &link, &form.bank).await {
            Ok(Some(bank)) => app.payments().bank_login_renewed(bank).await,
            Ok(None) => Ok(Err(NotChosen::Spent)),
            Err(error) => Err(error),
        }
    };
    let bank = match made {
        Ok(Ok(bank)) => bank,
        Ok(Err(NotChosen::Login { link_token })) => {
            return Json(json!({ "state": "login", "linkToken": link_token.expose_secret() })).into_response();
        }
        Ok(Err(no)) => return refusal_json(&states::not_chosen(&app, &no), None),
        Err(error) => return failed(&app, &link, &error),
    };
    let part = (form.choice == "part").then_some(form.amount.as_str());
    Json(json!({ "state": "go", "url": review_url(&link, &bank.id, part, &form.continues) })).into_response()
}

/// Where the payer authorises. Everything in the address is looked at again there.
pub(super) fn review_url(link: &Link, bank: &str, part: Option<&str>, continues: &str) -> String {
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
        Ok(Some(no)) => return back(app, visitor, link, bank, look, &states::bank_refused(app, &no)).await,
        Ok(None) => {
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

/// GET /bank/return: where a bank's own sign-in page leads back to. The window that left knows where it was.
pub async fn returned(State(app): State<App>) -> Response {
    let body = html! {
        h1 tabindex="-1" { "Back from your bank" }
        p class="lead" id="bank-return" role="status" { "If this page stays, go back to the window in which you began to pay." }
        p { "Is it closed? Open the link from the e-mail again. Nothing was charged." }
    };
    let scripts = [assets::BANK_RETURN.path.as_str()];
    Page::new("Back from your bank", body).with_scripts(&scripts).respond(&app)
}

/// The stored banks that this visitor may see, with what each is good for.
pub(super) async fn stored_banks(
    app: &App,
    visitor: &Visitor,
    invoice: &Invoice,
) -> Result<Vec<crate::store::banks::Bank>, Error> {
    if !visitor.verified || app.payments().banks().is_none() {
        return Ok(Vec::new());
    }
    let Some(customer) = app.payments().customer_id(invoice).await? else { return Ok(Vec::new()) };
    let banks = app.payments().store().banks_of(&customer).await?;
    Ok(banks.into_iter().filter(|bank| bank.save && bank.state != BankState::Leaving).collect())
}

async fn own_bank(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    id: &str,
) -> Result<Option<crate::store::banks::Bank>, Error> {
    let invoice = app.payments().known_invoice(&link.invoice).await?.invoice;
    let id = id.strip_prefix(BANK).unwrap_or(id);
    Ok(stored_banks(app, visitor, &invoice).await?.into_iter().find(|bank| bank.id == id))
}

/// A visitor whose script asks, and who wrote the form.
async fn guard(app: &App, link: &str, headers: &HeaderMap, csrf: &str) -> Result<(Visitor, Link), Box<Response>> {
    let Ok((visitor, link)) = visitor(app, link, headers).await else {
        return Err(Box::new(refusal_json(&states::no_cookie(), None)));
    };
    if !visitor.wrote(csrf) {
        return Err(Box::new(refusal_json(&states::page_too_old(), None)));
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return Err(Box::new(refusal_json(&states::too_many(wait), None)));
    }
    Ok((visitor, link))
}

fn failed(app: &App, link: &Link, error: &Error) -> Response {
    match error {
        Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_)) => {
            refusal_json(&states::refused(app, &Refused::CannotCheck), None)
        }
        error => {
            tracing::error!(link.id = %link.id, %error, "a bank could not be connected");
            refusal_json(&states::our_fault("in the log", true), None)
        }
    }
}

/// For a page without script.
pub(super) fn needs_script() -> Said {
    Said::new(
        200,
        "Choosing a bank needs JavaScript",
        "Your bank is chosen in a window of Plaid, and that needs it. Nothing was charged.",
        "Turn it on, or pay by phone or bank transfer.",
    )
}
