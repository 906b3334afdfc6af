//! Links that don't pay, and those that nobody knows.

use super::super::state::App;
use super::Said;
use crate::domain::link::LinkUse;
use crate::engine::clock::wall_ms;
use crate::engine::receipts::time_words;

/// A link that doesn't pay.
pub fn link(app: &App, usage: LinkUse) -> Said {
    ended_link(app, usage, false)
}

/// The same; `renewable` where its page offers to mail another one.
pub fn ended_link(app: &App, usage: LinkUse, renewable: bool) -> Said {
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
            if renewable {
                format!("Have a fresh link sent to the address that {company} has for it.")
            } else {
                format!("Ask {company} for a fresh link.")
            },
        ),
        LinkUse::Replaced => Said::new(
            410,
            format!("{company} replaced this link"),
            "A newer e-mail has the link that works.",
            if renewable {
                "Look for the newest mail, or have it sent again.".to_owned()
            } else {
                format!("Look for the newest mail, or ask {company} to send it again.")
            },
        ),
        LinkUse::Revoked => Said::new(
            410,
            "This link no longer works",
            format!("{company} switched it off."),
            format!("Ask {company} for a new one."),
        ),
    }
}

/// Another link was asked for. The same words whatever comes of it: they must not tell whether there is an address.
pub fn renewed(app: &App) -> Said {
    let company = &app.settings.company.name;
    Said::new(
        200,
        "Look into your mailbox",
        format!(
            "If the invoice is still open, an e-mail with a link that works is on its way to the address that {company} last sent one to."
        ),
        format!("It takes a few minutes. If none arrives, look among unwanted mail, or ask {company}."),
    )
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
