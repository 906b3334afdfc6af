//! Too often, too late, or from a browser that isn't signed in.

use super::{NOTHING, Said};

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

/// A card number in a field of ours.
pub fn card_number() -> Said {
    Said::new(
        422,
        "A card number does not belong there",
        "What was sent had a card number outside the card field, so it was not read and not kept. Nothing was charged.",
        "Go back, take it out, and enter it in the card field alone: from there it goes straight to Stripe.",
    )
}

/// More than any form of ours holds.
pub fn too_much() -> Said {
    Said::new(
        413,
        "That was too much",
        "What was sent is larger than any form here. Nothing was charged.",
        "Go back and try again.",
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
