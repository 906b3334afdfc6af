//! A state's words, and how they are drawn.

use axum::http::StatusCode;
use maud::{Markup, html};

use crate::domain::Money;

/// A state's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub status: StatusCode,
    pub heading: String,
    pub happened: String,
    pub to_do: String,
    /// The field that the words are about.
    pub field: Option<&'static str>,
    /// Amounts offered instead.
    pub offers: Vec<Money>,
    /// Another attempt holds the room; the payer may take it over.
    pub take_over: bool,
    /// The same amount was paid a moment ago; the payer may mean it.
    pub again: bool,
    /// The page itself is out of date.
    pub reload: bool,
    pub retry_after_s: Option<i64>,
}

impl Said {
    pub fn new(status: u16, heading: impl Into<String>, happened: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            heading: heading.into(),
            happened: happened.into(),
            to_do: to_do.into(),
            field: None,
            offers: Vec::new(),
            take_over: false,
            again: false,
            reload: false,
            retry_after_s: None,
        }
    }

    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    pub(super) fn retry(mut self, seconds: i64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The state as a page's body.
    pub fn body(&self) -> Markup {
        html! {
            h1 tabindex="-1" autofocus { (self.heading) }
            p class="lead" { (self.happened) }
            @if !self.to_do.is_empty() { p { (self.to_do) } }
        }
    }

    /// The state as a part of the invoice's page.
    pub fn notice(&self) -> Markup {
        html! {
            section class="notice" aria-labelledby="notice" {
                h2 id="notice" { (self.heading) }
                p { (self.happened) }
                @if !self.to_do.is_empty() { p { (self.to_do) } }
            }
        }
    }

    /// The state as a summary above the form. It takes focus; it is no live region as well, or it would be read twice.
    pub fn summary(&self) -> Markup {
        html! {
            div class="summary" id="summary" role="group" aria-labelledby="summary-heading" tabindex="-1" autofocus {
                h2 id="summary-heading" { (self.heading) }
                p id="summary-happened" { (self.happened) }
                p id="summary-todo" {
                    @match self.field {
                        Some(field) => a href={ "#" (field) } { (self.to_do) },
                        None => (self.to_do),
                    }
                }
            }
        }
    }
}
