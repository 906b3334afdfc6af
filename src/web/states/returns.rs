//! Money that went back, or that the customer's bank asks back.

use super::super::state::App;
use super::Said;
use crate::domain::attempt::MethodKind;
use crate::engine::receipts::{date_words, money_words};
use crate::store::payments::LedgerPayment;

/// What is to be said of a payment that did not simply stay.
pub fn went_back(app: &App, payment: &LedgerPayment) -> Option<Said> {
    let company = &app.settings.company.name;
    let part = payment.part();
    let with = payment.method_detail.as_deref();
    let day = |s| jiff::Timestamp::from_second(s).ok().map(|at| at.to_zoned_datetime(app.settings.zone.clone()).date());
    let on = payment.returned_s.and_then(day).map(|day| format!(" on {}", date_words(day))).unwrap_or_default();
    if !payment.disputed.is_zero() {
        return Some(Said::new(
            200,
            "This payment is being reviewed by your bank",
            format!(
                "You, or whoever holds {}, questioned {}.",
                with.unwrap_or("the card"),
                money_words(payment.disputed)
            ),
            format!("Contact {company} if that was a mistake; don't pay it again yet."),
        ));
    }
    if !part.lost.is_zero() {
        let amount = money_words(part.lost);
        return Some(match payment.kind {
            MethodKind::Card => Said::new(
                200,
                format!("Your bank took {amount} back"),
                format!("It went back to {}{on}, after the payment was questioned.", with.unwrap_or("your card")),
                format!("It counts as not paid. Contact {company} before you pay again."),
            ),
            MethodKind::BankAccount => Said::new(
                200,
                "The bank payment came back",
                format!("{} returned {amount}{on}, and it is due again.", with.unwrap_or("Your bank")),
                "Pay another way, or try again once the account is ready.",
            ),
        });
    }
    if part.refunded.is_zero() {
        return None;
    }
    let heading = format!("{} was refunded", money_words(part.refunded));
    let happened = format!(
        "Sent back to {}{on}; banks take 5 to 10 business days to show it.",
        with.unwrap_or("where it came from")
    );
    let to_do = if part.refunded == part.received {
        format!("Pay again only if {company} asks for it.")
    } else {
        format!("The rest of {} stays paid.", money_words(part.received))
    };
    Some(Said::new(200, heading, happened, to_do))
}

/// The same of an invoice's payments: one under review first, else the one whose money went back last.
pub fn what_went_back(app: &App, payments: &[LedgerPayment]) -> Option<Said> {
    let latest = payments.iter().max_by_key(|payment| (!payment.disputed.is_zero(), payment.returned_s))?;
    went_back(app, latest)
}
