//! The page on which a clerk types the card of a caller, where an administrator has turned that on. The number goes from Stripe's
//! own frame to Stripe; what is posted here is the id of what Stripe made of it.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};

use super::super::assets;
use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::pay::{fault, form::card_words, say, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::charge::{Door, Pressed, press};
use super::page::{Chosen, offer};
use super::parts;
use crate::domain::{Money, MoneyError};
use crate::engine::payments::Invoice;
use crate::engine::receipts::money_words;
use crate::store::links::Link;
use crate::stripe::PaymentMethod;

/// GET /desk/{link}/card
pub async fn page(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    match visitor_of(&app, &link, &headers, true).await {
        Ok((visitor, link)) => show(&app, &visitor, &link, None, &Chosen::default()).await,
        Err(response) => *response,
    }
}

/// POST /desk/{link}/card
pub async fn typed(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    press(&app, &link, &headers, &pressed, Door::Typed).await
}

/// The page, with what was refused above. A card that was typed and not used yet need not be typed again.
pub(super) async fn show(app: &App, visitor: &Visitor, link: &Link, said: Option<&Said>, chosen: &Chosen) -> Response {
    if !app.payments().settings().desk.take_cards {
        return say(app, &states::cards_are_off(), None);
    }
    let (invoice, offered) = match offer(app, link).await {
        Ok(offer) => offer,
        Err(response) => return *response,
    };
    let kept = if chosen.method.is_empty() {
        None
    } else {
        match app.payments().typed_card(link, &chosen.method, None).await {
            Ok(found) => found.ok(),
            Err(error) => return fault(app, &error.to_string(), true),
        }
    };
    let number = invoice.number.as_str();
    match body(app, visitor, link, &invoice, offered, kept.as_ref(), said, chosen) {
        Ok(body) => {
            let title = match said {
                Some(said) => format!("Error: {} – A new card", said.heading),
                None => format!("A new card for {number}"),
            };
            let status = said.map_or(StatusCode::OK, |said| said.status);
            let scripts = [assets::CARD.path.as_str()];
            let page = Page::new(&title, body).status(status).quoting(number);
            if kept.is_some() { page.respond(app) } else { page.with_scripts(&scripts).with_stripe().respond(app) }
        }
        Err(error) => fault(app, &error.to_string(), true),
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a part of one page")]
fn body(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    invoice: &Invoice,
    offered: Money,
    kept: Option<&PaymentMethod>,
    said: Option<&Said>,
    chosen: &Chosen,
) -> Result<Markup, MoneyError> {
    let method = kept.map(|card| card.id.as_str()).unwrap_or_default();
    let form_id = if kept.is_some() { "kept-card" } else { "card" };
    let currency = offered.currency();
    Ok(html! {
        @if let Some(said) = said { (said.summary()) }
        @if kept.is_none() {
            div class="summary" id="card-summary" role="group" aria-labelledby="card-heading" tabindex="-1" hidden {
                h2 id="card-heading" {}
                p id="card-todo" {}
            }
        }
        h1 tabindex="-1" autofocus[said.is_none()] { "A new card for " bdi { (invoice.number) } }
        p class="lead" { bdi { (invoice.account_name) } " owes " strong class="money" { (money_words(offered)) } "." }
        form id=(form_id) method="post" action={ "/desk/" (link.id) "/card" } novalidate
            data-publishable-key=(app.settings.publishable_key) data-amount=(offered.to_stripe()?) data-currency=(currency.stripe_code()) {
            (parts::hidden(&visitor.csrf, offered, chosen))
            input type="hidden" name="method" value=(method);
            (parts::amount(offered, said, chosen)?)
            section aria-labelledby="card-section" {
                h2 id="card-section" { "The card" }
                @match kept {
                    Some(card) => {
                        p id="kept" { (card_words(card)) ", as you typed it. It was not charged." }
                        p { a href={ "/desk/" (link.id) "/card" } { "Type another card" } }
                    }
                    None => (fields()),
                }
            }
            p { "Say the amount, and have the customer agree, before you press. The number must not be written down, nor stay on a recording of the call." }
            p id="progress" role="status" {}
            (parts::presses("card-button", said))
        }
        (parts::send_instead(&visitor.csrf, link))
        p { a href={ "/desk/" (link.id) } { "Back to the payment" } }
        p class="quiet" { "The card is used for this payment and not stored. Its number goes straight to Stripe; "
            bdi { (app.settings.company.name) } " sees the last four digits." }
    })
}

/// Stripe's frame is put here.
fn fields() -> Markup {
    html! {
        noscript {
            div class="summary" {
                h2 { "Typing a card needs JavaScript" }
                p { "The number goes straight from this browser to Stripe, and that needs it. Send the customer a link instead." }
            }
        }
        p id="card-loading" role="status" {}
        div id="card-frame" class="card-frame" {}
    }
}
