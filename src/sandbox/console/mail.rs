//! The mailbox's pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::World;
use super::frame::{self, Place};
use super::views::instant;
use crate::sandbox::mailbox::Opened;

pub(super) async fn list(State(world): State<Arc<World>>) -> Markup {
    let mails: Vec<Opened> =
        world.mailbox.since(0).iter().rev().take(200).map(crate::sandbox::mailbox::Mail::open).collect();
    let body = html! {
        h1 { "Mailbox" }
        p.quiet { "Every mail that the sidecar hands over lands here and goes nowhere else. An address that begins with "
            code { "nobody@" } " is refused." }
        div id="mails" data-live {
            @if mails.is_empty() {
                p { "No mail yet. Open an " a href="/org/invoices" { "invoice" } " and press Send Payment Link." }
            } @else {
                div.wide role="region" aria-label="Mails" tabindex="0" {
                    table {
                        thead { tr { th scope="col" { "Subject" } th scope="col" { "To" } th scope="col" { "Attached" } th scope="col" { "Received" } } }
                        tbody { @for mail in &mails { tr {
                            td { a href=(format!("/mailbox/{}", mail.id)) { bdi { @if mail.subject.is_empty() { "(no subject)" } @else { (mail.subject) } } } }
                            td { bdi { (mail.to.join(", ")) } }
                            td { (mail.attachments.len()) }
                            td { (instant(mail.received_at)) }
                        } } }
                    }
                }
            }
        }
        form method="post" action="/mailbox/clear" { button { "Throw all away" } }
    };
    frame::page(Place::Mailbox, &format!("Mailbox ({})", world.mailbox.count()), &body)
}

#[derive(Deserialize)]
pub(super) struct How {
    #[serde(rename = "as")]
    shown: Option<String>,
}

const TABS: &[(&str, &str)] = &[
    ("html", "As the customer sees it"),
    ("phone", "On a phone"),
    ("text", "Text part"),
    ("headers", "Headers"),
    ("source", "Source"),
];

pub(super) async fn one(State(world): State<Arc<World>>, Path(id): Path<u64>, Query(how): Query<How>) -> Response {
    let Some(mail) = world.mailbox.get(id) else {
        let body = html! { h1 { "That mail is gone" } p { a href="/mailbox" { "To the mailbox" } } };
        return (StatusCode::NOT_FOUND, frame::page(Place::Mailbox, "Gone", &body)).into_response();
    };
    world.mail_opened.store(true, Ordering::Relaxed);
    let opened = mail.open();
    let asked = how.shown.as_deref().unwrap_or("html");
    let shown = if opened.html.is_none() && matches!(asked, "html" | "phone") { "text" } else { asked };
    let prefix = format!("{}/p/", world.page_url);
    let pay = opened.text.iter().flat_map(|text| text.split_whitespace()).find(|word| word.starts_with(&prefix));
    let body = html! {
        h1 { bdi { (opened.subject) } }
        dl.fields {
            div { dt { "From" } dd { bdi { (opened.from) } } }
            div { dt { "To" } dd { bdi { (opened.to.join(", ")) } } }
            div { dt { "Received" } dd { (instant(opened.received_at)) } }
            @if !opened.attachments.is_empty() {
                div { dt { "Attached" } dd {
                    @for (nth, file) in opened.attachments.iter().enumerate() {
                        a href=(format!("/mailbox/api/messages/{id}/attachments/{nth}")) { (file.name) } " (" (file.size / 1024 + 1) " kB) "
                    }
                } }
            }
        }
        @if let Some(pay) = pay { p { a.main href=(pay) target="_blank" rel="noopener" { "Open the payment page" } } }
        nav.tabs aria-label="Views of this mail" {
            ul { @for (name, words) in TABS {
                li { a href=(format!("/mailbox/{id}?as={name}")) aria-current=[(*name == shown).then_some("page")] { (words) } }
            } }
        }
        @match shown {
            "html" | "phone" => iframe class=(shown) title="The mail as the customer sees it"
                src=(format!("/mailbox/api/messages/{id}/html")) sandbox="allow-popups allow-popups-to-escape-sandbox" {},
            "headers" => dl.fields { @for (name, value) in &opened.headers { div { dt { (name) } dd { (value) } } } },
            "source" => pre tabindex="0" { (String::from_utf8_lossy(&mail.raw)) },
            _ => pre tabindex="0" dir="auto" { (opened.text.as_deref().unwrap_or("This mail has no text part.")) },
        }
        p { a href="/mailbox" { "All mails" } }
    };
    frame::page(Place::Mailbox, &opened.subject, &body).into_response()
}

pub(super) async fn clear(State(world): State<Arc<World>>) -> Response {
    match world.mailbox.clear() {
        Ok(()) => Redirect::to("/mailbox").into_response(),
        Err(error) => {
            let problem = super::Problem::Said(format!("The mails could not be thrown away: {error}"));
            frame::problem_page(Place::Mailbox, &problem, "/mailbox")
        }
    }
}
