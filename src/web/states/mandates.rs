//! What stands on the mailed page of a bank account, where there is nothing to authorise or to tell.

use super::super::state::App;
use super::{NOTHING, Said};
use crate::domain::verification::Stage;
use crate::engine::links::NotMailed;
use crate::engine::payments::PageRefused;
use crate::engine::receipts::money_words;
use crate::store::verifications::Verification;

/// An authorisation that is not taken.
pub fn mandate_refused(app: &App, no: PageRefused) -> Said {
    let company = &app.settings.company.name;
    match no {
        PageRefused::NotYet => super::refused(app, &crate::engine::payments::Refused::NotYet),
        PageRefused::CannotCheck => Said::new(
            503,
            "We can't check this invoice right now",
            format!("We take no authorisation without knowing what is due. {NOTHING}"),
            format!("Try again in some minutes, or call {company}."),
        )
        .retry(60),
        PageRefused::RanOut => ran_out(company),
        PageRefused::Withdrawn => super::withdrawn(app),
        PageRefused::NotOpen => not_open(company),
        PageRefused::Changed => Said::new(
            409,
            "The authorisation changed while you were here",
            NOTHING,
            "Read it again below, then authorise the debit.",
        ),
    }
}

fn ran_out(company: &str) -> Said {
    Said::new(
        410,
        "This authorisation has run out",
        format!("It could be given within a day. {NOTHING}"),
        format!("Call {company} to begin again."),
    )
}

fn not_open(company: &str) -> Said {
    Said::new(
        409,
        "That much is no longer due",
        format!("The invoice was paid or changed meanwhile. {NOTHING}"),
        format!("You don't need to do anything. Call {company} if that surprises you."),
    )
}

/// What the customer reads once it is over, or goes on by itself.
pub fn mandate_over(app: &App, one: &Verification) -> Said {
    let company = &app.settings.company.name;
    let amount = money_words(one.amount);
    let account = one.words();
    match (one.stage, one.reason.as_deref().unwrap_or_default()) {
        (Stage::Starting | Stage::Waiting | Stage::Agreeing, _) => Said::new(
            200,
            "Thank you, your authorisation was taken",
            format!("Stripe begins to verify {account}. Nothing has been debited yet."),
            "This page shows what comes next by itself; it takes some seconds.",
        ),
        (Stage::Verified | Stage::Charging, _) => Said::new(
            200,
            "Your account is verified",
            format!("{amount} is being debited from {account}."),
            "You don't need to do anything.",
        ),
        (Stage::Charged, _) => Said::new(
            200,
            "Your bank payment is on its way",
            format!("{amount} is debited from {account}. That usually takes 4 business days."),
            "You don't need to do anything. You get a confirmation by e-mail, and the receipt when the money has arrived.",
        ),
        (Stage::Failed, _) => Said::new(
            200,
            "Your account could not be verified",
            NOTHING,
            format!("Call {company} to pay from another account or by card."),
        ),
        (Stage::Unpayable, _) => Said::new(
            200,
            "Nothing was debited",
            format!("{account} was verified, and {amount} could not be debited any more. {NOTHING}"),
            format!("Call {company} if you still want to pay."),
        ),
        (Stage::Stopped, "declined") => Said::new(
            200,
            "You did not authorise this payment",
            NOTHING,
            format!("You don't need to do anything. {company} sees that you did not agree."),
        ),
        (Stage::Stopped, "not_accepted") => ran_out(company),
        (Stage::Stopped, "not_open") => not_open(company),
        (Stage::Stopped, "withdrawn") => super::withdrawn(app),
        (Stage::Stopped, _) => Said::new(
            200,
            "This payment was stopped",
            NOTHING,
            format!("Call {company} if you want to pay in another way."),
        ),
    }
}

/// A page that was not mailed again.
pub fn not_mailed(no: NotMailed) -> Said {
    match no {
        NotMailed::CannotCheck => Said::new(
            503,
            "Salesforce does not answer",
            "So the customer's e-mail address is not known, and nothing was mailed.",
            "Press again in a minute.",
        ),
        NotMailed::NoAddress => Said::new(
            422,
            "There is no address to mail the page to",
            "Nothing was mailed.",
            "Fill Billing Email on the invoice or its account in Salesforce, then press again.",
        ),
        NotMailed::OtherAddress => Said::new(
            409,
            "Salesforce has another e-mail address now",
            "Nothing was mailed.",
            "Look at the address on the button with the customer, then press again.",
        ),
        NotMailed::Over => Said::new(
            409,
            "There is nothing to do on that page any more",
            "Nothing was mailed.",
            "Look at how it stands.",
        ),
    }
}
