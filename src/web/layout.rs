//! The frame around every page.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::state::App;

/// One page.
pub struct Page<'a> {
    pub status: StatusCode,
    pub title: &'a str,
    pub body: Markup,
    /// Our own scripts, by path; modules.
    pub scripts: &'a [&'a str],
    /// Stripe's script, on the page that takes cards.
    pub stripe: bool,
    /// What to quote to the company.
    pub quote: Option<&'a str>,
}

impl<'a> Page<'a> {
    pub fn new(title: &'a str, body: Markup) -> Self {
        Self { status: StatusCode::OK, title, body, scripts: &[], stripe: false, quote: None }
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub fn quoting(mut self, number: &'a str) -> Self {
        self.quote = Some(number);
        self
    }

    pub fn with_scripts(mut self, scripts: &'a [&'a str]) -> Self {
        self.scripts = scripts;
        self
    }

    pub fn with_stripe(mut self) -> Self {
        self.stripe = true;
        self
    }

    pub fn respond(self, app: &App) -> Response {
        let status = self.status;
        (status, Html(self.render(app).into_string())).into_response()
    }

    pub fn render(self, app: &App) -> Markup {
        let company = &app.settings.company;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex, nofollow";
                    meta name="referrer" content="no-referrer";
                    title { (self.title) " – " (company.name) }
                    link rel="stylesheet" href=(app.css.path);
                    @if self.stripe { script src=(app.settings.stripe_js_url) async {} }
                    @for script in self.scripts { script type="module" src=(script) {} }
                }
                body {
                    header {
                        @if app.settings.test {
                            p class="test-band" { strong { "Test" } " – no money moves on this page." }
                        }
                        div class="company" {
                            @if company.logo.is_some() { img src="/assets/logo" alt="" height="40"; }
                            span class="company-name" dir="auto" { (company.name) }
                        }
                    }
                    main id="main" { (self.body) }
                    footer { (contact(app, self.quote)) (by(company.privacy_url.as_deref())) }
                }
            }
        }
    }
}

/// The company's contact, always in the same place.
fn contact(app: &App, quote: Option<&str>) -> Markup {
    let company = &app.settings.company;
    html! {
        p {
            "Questions about this payment? "
            @match (&company.phone, &company.email) {
                (Some(phone), Some(email)) => { "Call " (phone_link(phone)) " or write to " (mail_link(email)) }
                (Some(phone), None) => { "Call " (phone_link(phone)) }
                (None, Some(email)) => { "Write to " (mail_link(email)) }
                (None, None) => { "Ask " bdi { (company.name) } }
            }
            @if let Some(number) = quote { " and quote " bdi { (number) } }
            "."
        }
    }
}

fn phone_link(phone: &str) -> Markup {
    let digits: String = phone.chars().filter(|letter| letter.is_ascii_digit() || *letter == '+').collect();
    html! { a href={ "tel:" (digits) } { bdi { (phone) } } }
}

fn mail_link(email: &str) -> Markup {
    html! { a href={ "mailto:" (email) } { bdi { (email) } } }
}

fn by(privacy_url: Option<&str>) -> Markup {
    html! {
        p class="quiet" {
            "Payments by Quittance"
            @if let Some(url) = privacy_url { " · " a href=(url) { "Privacy" } }
        }
    }
}
