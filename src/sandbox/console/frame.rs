//! What all pages share.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::Problem;

/// Which entry of the menu a page belongs to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Home,
    Org,
    Mailbox,
    Stripe,
    Plaid,
    Faults,
}

const MENU: &[(Place, &str, &str)] = &[
    (Place::Home, "/", "Home"),
    (Place::Org, "/org/invoices", "Org"),
    (Place::Mailbox, "/mailbox", "Mailbox"),
    (Place::Stripe, "/stripe/payment_intents", "Stripe"),
    (Place::Plaid, "/plaid", "Plaid"),
    (Place::Faults, "/faults", "Break something"),
];

pub(super) fn page(place: Place, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Quittance sandbox" }
                link rel="stylesheet" href="/assets/console.css";
                link rel="icon" href="data:,";
                script src="/assets/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    p.band { strong { "SANDBOX" } " Stand-ins on this machine. No money moves, no mail leaves." }
                    nav aria-label="Console" {
                        ul {
                            @for (entry, address, name) in MENU {
                                li { a href=(address) aria-current=[(*entry == place).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" {
                    (body)
                    p.quiet id="news" role="status" {}
                }
            }
        }
    }
}

/// A problem in the place where the answer would have stood.
pub(super) fn problem(problem: &Problem) -> Markup {
    html! { div.problem role="alert" { p { (problem) } } }
}

/// A page that says only what went wrong, and the way back.
pub(super) fn problem_page(place: Place, why: &Problem, back: &str) -> Response {
    let body = html! {
        h1 { "That did not work" }
        (problem(why))
        p { a href=(back) { "Back" } }
    };
    (StatusCode::UNPROCESSABLE_ENTITY, page(place, "That did not work", &body)).into_response()
}

pub(super) async fn missing() -> Response {
    let body = html! { h1 { "There is no such page" } p { a href="/" { "To the first page" } } };
    (StatusCode::NOT_FOUND, page(Place::Home, "No such page", &body)).into_response()
}

pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../../assets/console/console.css"))
        .into_response()
}

pub(super) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../../assets/console/console.js"))
        .into_response()
}
