//! What is said in each state: what happened, what it means for the money, what to do. "Nothing was charged" stands only
//! where that is known.

use axum::http::StatusCode;
use maud::{Markup, html};

use super::state::App;
use crate::domain::Money;
use crate::domain::decline::{Decline, Field};
use crate::domain::link::LinkUse;
use crate::domain::payable::NotPayable;
use crate::engine::clock::wall_ms;
use crate::engine::payments::Refused;
use crate::engine::receipts::{money_words, time_words};

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
            reload: false,
            retry_after_s: None,
        }
    }

    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    fn retry(mut self, seconds: i64) -> Self {
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

const NOTHING: &str = "Nothing was charged.";

/// A refusal before anything reached the bank.
pub fn refused(app: &App, refusal: &Refused) -> Said {
    let company = &app.settings.company.name;
    match refusal {
        Refused::NotYet => Said::new(
            503,
            "Payments start again in a moment",
            "We have just restarted and are checking what was paid meanwhile. Nothing was charged.",
            "Try again in a minute; what you entered is still here.",
        )
        .retry(30),
        Refused::UnknownLink => unknown(),
        Refused::Link(usage) => link(app, *usage),
        Refused::CannotCheck => Said::new(
            503,
            "We can't check this invoice right now",
            format!("We don't take a payment without knowing what is due. {NOTHING}"),
            format!("Try again in some minutes, or call {company}."),
        )
        .retry(60),
        Refused::Withdrawn => withdrawn(app),
        Refused::NothingToPay => {
            let mut said = Said::new(
                200,
                "This invoice was just paid",
                "Nothing is left to pay. You were not charged by this page.",
                "You don't need to do anything.",
            );
            said.reload = true;
            said
        }
        Refused::Changed { left } => {
            let mut said = Said::new(
                409,
                "The invoice changed while you were here",
                format!("{} is left to pay now. {NOTHING}", money_words(*left)),
                "Look at the new amount, then pay.",
            );
            said.reload = true;
            said
        }
        Refused::Amount(no) => amount(no),
        Refused::UnderWay { amount, started_ms, .. } => {
            let minutes = (app.payments().now_ms() - started_ms).max(0) / 60_000;
            let when = match minutes {
                0 => "just now".to_owned(),
                1 => "a minute ago".to_owned(),
                more => format!("{more} minutes ago"),
            };
            let mut said = Said::new(
                409,
                "A payment is already under way",
                format!("{} was started {when}, from another window or person.", money_words(*amount)),
                "Wait for its result here, or stop it and pay here.",
            );
            said.take_over = true;
            said
        }
        Refused::UnknownMethod => Said::new(
            422,
            "This stored card can't be used any more",
            NOTHING,
            "Choose another card, or enter a new one.",
        )
        .at("method"),
        Refused::StripeDown => Said::new(
            503,
            "Card payments are not available right now",
            format!("Our payment provider does not answer. {NOTHING}"),
            format!("Try again in some minutes, or call {company}."),
        )
        .retry(60),
        Refused::StripeRefused { code } => {
            tracing::error!(code, "Stripe refused to make a payment; the operator has to look");
            Said::new(500, "Something on our side failed", NOTHING, format!("Try again; if it stays, call {company}."))
        }
    }
}

/// An amount that can't be paid.
pub fn amount(no: &NotPayable) -> Said {
    let field = |heading: &str, to_do: String| Said::new(422, heading, NOTHING, to_do).at("amount");
    match no {
        NotPayable::Nothing => Said::new(200, "Nothing to pay", "Nothing is left to pay on this invoice.", ""),
        NotPayable::TooSmall { minimum } => {
            let mut said = field("Amount too small", format!("The smallest card payment is {}", money_words(*minimum)));
            said.offers.push(*minimum);
            said
        }
        NotPayable::TooLarge { payable } => {
            let mut said =
                field("Amount too large", format!("{} is left to pay. Enter that or less", money_words(*payable)));
            said.offers.push(*payable);
            said
        }
        NotPayable::AboveMaximum { maximum } => {
            let mut said = field("Amount too large", format!("The largest card payment is {}", money_words(*maximum)));
            said.offers.push(*maximum);
            said
        }
        NotPayable::RestTooSmall { rest, down, up } => {
            let text = match down {
                Some(down) => format!(
                    "{} would be left, too little to pay by card. Enter {} or {}",
                    money_words(*rest),
                    money_words(*down),
                    money_words(*up)
                ),
                None => format!(
                    "{} would be left, too little to pay by card. Enter {}",
                    money_words(*rest),
                    money_words(*up)
                ),
            };
            let mut said = field("The rest would be too small", text);
            said.offers.extend(down.iter().chain([up]));
            said
        }
        NotPayable::OffStep { down, up } => {
            let text = match down {
                Some(down) => {
                    format!("The last decimal has to be 0. Enter {} or {}", money_words(*down), money_words(*up))
                }
                None => format!("The last decimal has to be 0. Enter {}", money_words(*up)),
            };
            let mut said = field("Amount can't be paid by card", text);
            said.offers.extend(down.iter().chain([up]));
            said
        }
        NotPayable::Money(_) => Said::new(500, "Something on our side failed", NOTHING, "Call us about this invoice."),
    }
}

/// A link that doesn't pay.
pub fn link(app: &App, usage: LinkUse) -> Said {
    let company = &app.settings.company.name;
    let zone = &app.settings.zone;
    match usage {
        LinkUse::Pays => Said::new(200, "This link works", "", ""),
        LinkUse::Locked { until_ms } => Said::new(
            429,
            format!("Paying by this link is paused until {}", time_words(until_ms, zone)),
            "Several attempts in a row were declined. Nothing was charged by the declined ones.",
            format!("Use it again after that, or call {company} to pay now."),
        )
        .retry((until_ms - wall_ms()).max(1000) / 1000),
        LinkUse::Expired { since_ms } => Said::new(
            410,
            "This link has run out",
            format!("It worked until {}. Nothing was charged by that.", time_words(since_ms, zone)),
            format!("Ask {company} for a fresh link."),
        ),
        LinkUse::Replaced => Said::new(
            410,
            format!("{company} replaced this link"),
            "A newer e-mail has the link that works.",
            format!("Look for the newest mail, or ask {company} to send it again."),
        ),
        LinkUse::Revoked => Said::new(
            410,
            "This link no longer works",
            format!("{company} switched it off."),
            format!("Ask {company} for a new one."),
        ),
    }
}

/// The same bytes for malformed, never issued and another org's.
pub fn unknown() -> Said {
    Said::new(
        404,
        "Page not found",
        "The address may have been cut off when it was copied.",
        "Open the link from the e-mail again, or copy all of it.",
    )
}

pub fn withdrawn(app: &App) -> Said {
    let company = &app.settings.company.name;
    Said::new(
        200,
        "Nothing to pay",
        format!("{company} has withdrawn this invoice."),
        format!("Contact {company} if you did not expect that."),
    )
}

pub fn too_many(wait: std::time::Duration) -> Said {
    let seconds = i64::try_from(wait.as_secs()).unwrap_or(60) + 1;
    let words = if seconds < 60 { format!("{seconds} seconds") } else { format!("{} minutes", seconds / 60 + 1) };
    Said::new(429, "Too many tries in a short time", NOTHING, format!("Try again in {words}.")).retry(seconds)
}

/// The form is too old: its token doesn't fit the cookie.
pub fn form_too_old() -> Said {
    Said::new(
        403,
        "Let's continue where you were",
        "This page was open for long. Nothing was charged.",
        "Press Pay again; the amount you typed is kept.",
    )
}

/// The same on a payment's own page: what became of it was not asked, so nothing is said about it.
pub fn page_too_old() -> Said {
    Said::new(
        403,
        "Let's look at your payment again",
        "This page belongs to an earlier visit, so we can't show the result on it.",
        "Don't pay again: open the link in your e-mail, which shows what was paid.",
    )
}

pub fn no_cookie() -> Said {
    Said::new(
        403,
        "Open the link from your e-mail again",
        "This browser isn't signed in to the invoice any more. Nothing was charged by opening this page.",
        "Follow the link in the e-mail; it brings you back here.",
    )
}

/// Our own fault. `charged` is None where it isn't known.
pub fn our_fault(reference: &str, nothing_charged: bool) -> Said {
    let money = if nothing_charged { NOTHING } else { "We are checking whether you were charged." };
    Said::new(
        500,
        "Something on our side failed",
        format!("{money} Reference {reference}."),
        "Try again; if it stays, quote the reference.",
    )
}

/// A declined card. The words stand on a reading of the intent as not succeeded.
pub fn declined(decline: Decline) -> Said {
    let said = |heading: &str, happened: &str, to_do: &str| Said::new(200, heading, happened, to_do);
    match decline {
        Decline::Funds => {
            said("Your bank declined: not enough available", NOTHING, "Pay a smaller amount, or use another card.")
        }
        Decline::Detail(field) => {
            let what = match field {
                Field::Number => "card number",
                Field::SecurityCode => "security code",
                Field::Expiry => "expiry date",
                Field::Postcode => "postcode",
                Field::Any => "card details",
            };
            said(
                &format!("Check the {what}"),
                "The bank could not match it. Nothing was charged. Your bank may show the amount as pending; it goes away by itself.",
                "Correct it and pay again.",
            )
        }
        Decline::Expired => said("This card has expired", NOTHING, "Use another card."),
        Decline::NotForThis => said(
            "This card can't be used for this payment",
            "Its bank does not allow this kind of payment. Nothing was charged.",
            "Use another card, or ask the bank that issued it.",
        ),
        Decline::Limit => {
            said("Your card's limit was reached", NOTHING, "Use another card, pay a smaller amount, or try tomorrow.")
        }
        Decline::NoReason => said(
            "Your bank declined the payment",
            "It gave us no reason we can pass on. Nothing was charged.",
            "Use another card, or call the number on the back of this one.",
        ),
        Decline::Passing => said("The bank could not be reached", NOTHING, "Try again in a minute."),
        Decline::Duplicate => said(
            "A payment of the same amount was just made",
            "To keep you from paying twice, your bank stopped this one.",
            "Look at your payments below before you pay again.",
        ),
        Decline::Authentication => said(
            "Your bank could not confirm it was you",
            "The payment was stopped and nothing was charged.",
            "Try once more, or use another card.",
        ),
    }
}

/// A result that we don't know.
pub fn checking(amount: Money) -> Said {
    Said::new(
        200,
        "We are checking your payment",
        format!("Your bank has not answered yet, so we don't know whether {} was taken.", money_words(amount)),
        "Don't pay again: this page shows the result, and we e-mail it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_begs_blames_or_shouts() {
        let all = [
            Decline::Funds,
            Decline::Detail(Field::Number),
            Decline::Expired,
            Decline::NotForThis,
            Decline::Limit,
            Decline::NoReason,
            Decline::Passing,
            Decline::Duplicate,
            Decline::Authentication,
        ]
        .map(declined);
        let others = [unknown(), form_too_old(), no_cookie(), our_fault("a1", true)];
        for said in all.iter().chain(&others) {
            let text = format!("{} {} {}", said.heading, said.happened, said.to_do).to_lowercase();
            for banned in
                ["please", "sorry", "oops", "invalid", "forbidden", "an error occurred", "!", "fraud", "stolen"]
            {
                assert!(!text.contains(banned), "{banned:?} in {text:?}");
            }
        }
    }

    #[test]
    fn an_unknown_outcome_never_says_that_nothing_was_charged() {
        let amount = Money::from_minor(500, crate::domain::Currency::from_code("USD").unwrap()).unwrap();
        let said = checking(amount);
        assert!(!format!("{said:?}").to_lowercase().contains("nothing was charged"));
        assert!(!our_fault("a1", false).happened.contains("Nothing"));
    }
}
