//! GET /pay/{link}: the invoice, how much, with what, Pay.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::state::App;
use super::super::states::Said;
use super::super::{assets, states};
use super::about::{history, summary};
use super::form::{empty_summary, form};
use super::{fault, renew, say, visitor};
use crate::domain::MoneyError;
use crate::domain::attempt::MethodKind;
use crate::domain::link::LinkUse;
use crate::domain::payable::Standing;
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Freshness, Invoice, InvoiceStatus, KnownInvoice, OrgError, Refused};
use crate::engine::receipts::money_words;
use crate::store::attempts::{Attempt, AttemptState};
use crate::store::banks::Bank;
use crate::store::links::Link;
use crate::store::payments::LedgerPayment;
use crate::stripe::{PaymentMethod, Priority};

/// What a page before this one hands over.
#[derive(Debug, Default, Deserialize)]
pub struct Ask {
    /// The attempt that the payer was at.
    #[serde(default)]
    pub from: Option<String>,
    /// The payer pays what came back to them once more.
    #[serde(default)]
    pub pay: Option<String>,
}

/// What was typed, kept through every refusal.
#[derive(Debug, Default, Clone)]
pub struct Typed {
    pub part: bool,
    pub amount: String,
    pub save: bool,
    pub method: Option<String>,
    pub continues: Option<String>,
    /// The form is wanted even where everything was paid back.
    pub anyway: bool,
}

/// Everything that the page shows.
pub struct Shown {
    pub invoice: Invoice,
    pub freshness: Freshness,
    pub standing: Standing,
    pub payments: Vec<LedgerPayment>,
    pub open: Vec<Attempt>,
    pub cards: Vec<PaymentMethod>,
    /// Stored ones.
    pub banks: Vec<Bank>,
}

pub async fn page(
    State(app): State<App>,
    Path(link): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let (visitor, link) = match visitor(&app, &link, &headers).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let mut typed = Typed { anyway: ask.pay.is_some(), ..Typed::default() };
    let mut said = None;
    if let Some(from) = &ask.from
        && let Ok(Some(attempt)) = app.payments().store().attempt(from).await
        && attempt.link == link.id.as_str()
    {
        typed = typed_of(&attempt);
        if attempt.state == AttemptState::Declined {
            let code = attempt.decline_code.as_deref();
            let decline = crate::domain::decline::Decline::from_codes(code, code, None);
            said = Some(super::status::declined(&attempt, decline));
        }
    }
    show(&app, &visitor, &link, said.as_ref(), typed).await
}

fn typed_of(attempt: &Attempt) -> Typed {
    Typed {
        part: true,
        amount: attempt.amount.to_decimal(),
        save: attempt.save,
        method: match attempt.kind {
            MethodKind::Card => attempt.method.clone(),
            MethodKind::BankAccount => attempt.method.as_ref().map(|bank| format!("{}{bank}", super::bank::BANK)),
        },
        continues: attempt.state.reserves().then(|| attempt.id.clone()),
        anyway: true,
    }
}

/// The page, with a summary above the form where something was refused.
pub async fn show(app: &App, visitor: &Visitor, link: &Link, said: Option<&Said>, typed: Typed) -> Response {
    let shown = match gather(app, visitor, link).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(refused)) => return say(app, &states::refused(app, &refused), None),
        Err(error) => return fault(app, &error.to_string(), true),
    };
    let number = shown.invoice.number.clone();
    match answer(app, visitor, link, said, &typed, &shown) {
        Ok(response) => response,
        Err(error) => fault(app, &format!("invoice {number}: {error}"), true),
    }
}

async fn gather(app: &App, visitor: &Visitor, link: &Link) -> Result<Result<Shown, Refused>, Error> {
    let payments = app.payments();
    let KnownInvoice { invoice, freshness } = match payments.known_invoice(&link.invoice).await {
        Ok(known) => known,
        Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => return Ok(Err(Refused::CannotCheck)),
        Err(Error::Org(OrgError::Missing { .. })) => return Ok(Err(Refused::Withdrawn)),
        Err(error) => return Err(error),
    };
    let standing = payments.standing(&invoice).await?;
    let store = payments.store();
    let cards = match (&invoice.customer, visitor.verified) {
        (Some(customer), true) => {
            payments.stripe().cards_of(customer, Priority::Customer).await.unwrap_or_else(|error| {
                tracing::warn!(link.id = %link.id, error = %error, "stored cards could not be read");
                Vec::new()
            })
        }
        _ => Vec::new(),
    };
    let banks = super::bank::stored_banks(app, visitor, &invoice).await?;
    Ok(Ok(Shown {
        payments: store.payments_of(&invoice.id).await?,
        open: store.open_attempts_of(&invoice.id).await?,
        invoice,
        freshness,
        standing,
        cards,
        banks,
    }))
}

fn answer(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    said: Option<&Said>,
    typed: &Typed,
    shown: &Shown,
) -> Result<Response, MoneyError> {
    let number = &shown.invoice.number;
    let balance = shown.standing.balance()?;
    let credit = shown.standing.credit()?;
    let settled = shown.standing.settled;
    let processing = shown.open.iter().find(|attempt| attempt.state == AttemptState::Processing);
    let back = states::what_went_back(app, &shown.payments);
    if shown.invoice.status != InvoiceStatus::Open {
        let withdrawn = states::withdrawn(app);
        let body = html! {
            @match &back {
                Some(back) => { (back.body()) p { (withdrawn.happened) } }
                None => (withdrawn.body()),
            }
            (history(link, shown)?)
        };
        let heading = back.map_or(withdrawn.heading, |back| back.heading);
        return Ok(Page::new(&heading, body).quoting(number).respond(app));
    }
    if !credit.is_zero() {
        let company = &app.settings.company.name;
        let body = html! {
            h1 tabindex="-1" autofocus { "Nothing to pay" }
            p class="lead" { "You have paid " strong class="money" { (money_words(credit)) } " more than is due; " bdi { (company) } " keeps it as your credit." }
            (history(link, shown)?)
        };
        return Ok(Page::new("Nothing to pay", body).quoting(number).respond(app));
    }
    if balance.is_zero() {
        let heading = match &back {
            Some(back) => back.heading.as_str(),
            None if settled.is_zero() => "Nothing to pay",
            None => "This invoice is paid",
        };
        let body = html! {
            @match &back {
                Some(back) => { (back.body()) p { "Nothing is left to pay on this invoice." } }
                None => {
                    h1 tabindex="-1" autofocus { (heading) }
                    p class="lead" { strong class="money" { (money_words(shown.standing.total)) } " was paid in full." }
                    p { "You don't need to do anything." }
                }
            }
            (history(link, shown)?)
        };
        return Ok(Page::new(heading, body).quoting(number).respond(app));
    }
    match link.usable(wall_ms()) {
        LinkUse::Pays => {}
        other => {
            let renewal =
                renew::offer(link, &shown.invoice, &shown.standing, &format!("/pay/{}", link.id), &visitor.csrf);
            return Ok(renew::ended(app, other, renewal, number, Some(history(link, shown)?)));
        }
    }
    let covered = shown.standing.payable()?.is_zero();
    if let Some(attempt) = processing.filter(|_| covered) {
        let said = Said::new(
            200,
            "A payment is on its way",
            format!(
                "{} is being processed by the bank; until it arrives the invoice shows it as in progress.",
                money_words(attempt.amount)
            ),
            "You don't need to do anything. We e-mail you when it has arrived.",
        );
        let body = html! { (said.body()) (history(link, shown)?) };
        return Ok(Page::new(&said.heading, body).quoting(number).respond(app));
    }
    // All of it went back to the payer, by the company: whoever looks now reads that first.
    if let Some(back) = &back
        && settled.is_zero()
        && shown.open.is_empty()
        && !typed.anyway
        && said.is_none()
        && shown.payments.iter().all(|payment| payment.part().lost.is_zero() && payment.disputed.is_zero())
    {
        let body = html! {
            (back.body())
            p { a class="button" href={ "/pay/" (link.id) "?pay=again" } { "Pay invoice " bdi { (number) } " again" } }
            (history(link, shown)?)
        };
        return Ok(Page::new(&back.heading, body).quoting(number).respond(app));
    }
    let heading = if settled.is_zero() && shown.standing.on_its_way.is_zero() {
        format!("Pay invoice {number}")
    } else {
        format!("{} left to pay", money_words(shown.standing.offered()?))
    };
    let title = match said {
        Some(said) => format!("Error: {} – {heading}", said.heading),
        None => heading.clone(),
    };
    let body = html! {
        @if let Some(said) = said { (said.summary()) }
        @else { (empty_summary()) }
        h1 tabindex="-1" autofocus[said.is_none()] { (heading) }
        div class="sides" {
            (summary(app, shown)?)
            div {
                @if let Some(back) = &back { (back.notice()) }
                (form(app, visitor, link, said, typed, shown)?)
                (history(link, shown)?)
            }
        }
    };
    let status = said.map_or(axum::http::StatusCode::OK, |said| said.status);
    let scripts = [assets::PAY.path.as_str(), assets::BANK.path.as_str()];
    let scripts = if app.payments().banks().is_some() { &scripts[..] } else { &scripts[..1] };
    Ok(Page::new(&title, body).status(status).quoting(number).with_scripts(scripts).with_stripe().respond(app))
}
