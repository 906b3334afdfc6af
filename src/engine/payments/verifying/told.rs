//! What the request's record says of a verification.

use crate::domain::bank::Reason;
use crate::domain::verification::{Mail, Stage, Way};
use crate::engine::receipts::money_words;
use crate::store::outbox::{Notice, Write, cut};
use crate::store::verifications::Verification;

/// The request as it stands by this verification, with the notice that calls the open component.
pub(in crate::engine) fn write(one: &Verification) -> Write {
    let (state, notice) = match one.stage {
        Stage::Agreeing | Stage::Starting | Stage::Waiting => ("Verifying", "processing"),
        Stage::Verified | Stage::Charging | Stage::Charged => ("Working", "processing"),
        Stage::Unpayable | Stage::Failed | Stage::Stopped => ("Failed", "failed"),
    };
    let notice =
        Notice { record_id: one.invoice.as_str().to_owned(), request_id: one.link.clone(), state: notice.to_owned() };
    Write::update("Payment_Request__c", &one.record)
        .with("State__c", state)
        .with("Sentence__c", cut(&sentence(one), 255))
        .telling(notice)
        .of(&format!("take:{}", one.link))
}

/// How it stands, in one sentence or two: what happened, then what to do.
pub fn sentence(one: &Verification) -> String {
    // A field of a record is searched and filtered by what people type.
    let amount = money_words(one.amount).replace('\u{a0}', " ");
    let account = one.words();
    match one.stage {
        Stage::Agreeing => agreeing(one, &amount, &account),
        Stage::Starting => format!("{amount} from {account}: Stripe is being asked to verify the account."),
        Stage::Waiting => waiting(one, &amount, &account),
        Stage::Verified | Stage::Charging => format!("{account} is verified; {amount} is being debited."),
        Stage::Charged => format!("{amount} from {account} is on its way."),
        Stage::Unpayable => format!("{account} was verified and not debited. {}", why_unpaid(one, &amount)),
        Stage::Failed => format!("{account} could not be verified, nothing was charged. {}", why_failed(one)),
        Stage::Stopped => stopped(one, &amount, &account),
    }
}

fn agreeing(one: &Verification, amount: &str, account: &str) -> String {
    let to = one.mail_to.as_deref().unwrap_or_default();
    match one.mail {
        Some(Mail::Sent) => format!(
            "{amount} from {account} waits for the customer, who has the authorisation by e-mail ({to}) and has not accepted it yet."
        ),
        Some(Mail::Refused) => format!(
            "{amount} from {account} waits. {to} does not exist, says the mail server: correct Billing Email, press Take Payment, and mail it again."
        ),
        Some(Mail::Retrying) => format!(
            "{amount} from {account} waits. The mail server does not take the authorisation for {to} now; it is tried again."
        ),
        Some(Mail::Sending) | None => format!("{amount} from {account}: the authorisation is being mailed to {to}."),
    }
}

fn stopped(one: &Verification, amount: &str, account: &str) -> String {
    let invoice = &one.invoice_number;
    match one.reason.as_deref().unwrap_or_default() {
        DECLINED => format!("The customer did not authorise {amount} from {account}, nothing was charged."),
        NOT_ACCEPTED => format!(
            "The customer did not accept the authorisation of {amount} from {account} within a day, nothing was charged. Press Take Payment to begin again."
        ),
        NOT_OPEN => format!(
            "{amount} from {account} was not authorised: that much is no longer open on {invoice}. Nothing was charged. Press Take Payment for what is."
        ),
        WITHDRAWN => format!("{amount} from {account} was not authorised: {invoice} can't be paid any more."),
        _ => format!("The verification of {account} was stopped, nothing was charged."),
    }
}

fn waiting(one: &Verification, amount: &str, account: &str) -> String {
    let day = one.arrives_s.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let day = day.map(|at| format!(" by {}", at.strftime("%b %-d"))).unwrap_or_default();
    let (deposits, what) = match one.way {
        Some(Way::Amounts) => ("Two small deposits reach it", "their amounts"),
        Some(Way::Code) => ("A deposit of $0.01 with a code (SM…) reaches it", "the code"),
        None => return format!("{amount} from {account}: Stripe is verifying the account."),
    };
    let tries = match (one.way, one.tries_left) {
        (Some(way), Some(left)) if left < way.tries() => format!(" {}", tries_left(left)),
        _ => String::new(),
    };
    let mailed = one.mail_to.is_some() && one.mail != Some(Mail::Refused);
    let page = if mailed { "the mailed page" } else { "Stripe's page" };
    format!(
        "{amount} from {account} waits. {deposits}{day}; the customer enters {what} on {page}, or tells you: press Take Payment.{tries}"
    )
}

/// As "2 tries are left."
pub fn tries_left(left: i64) -> String {
    if left == 1 { "1 try is left.".to_owned() } else { format!("{left} tries are left.") }
}

fn why_failed(one: &Verification) -> &'static str {
    match one.reason.as_deref().unwrap_or_default() {
        "payment_method_microdeposit_verification_attempts_exceeded" => {
            "Too many wrong values were entered. Use another account, or send the customer the link."
        }
        "payment_method_microdeposit_verification_timeout" => {
            "Nobody entered the deposits within ten days. Begin again, or send the customer the link."
        }
        "payment_method_microdeposit_failed" => {
            "The deposits could not be made: the numbers are wrong or the account is closed. Ask for another account."
        }
        "payment_method_bank_account_blocked" => "The bank has blocked it for debits. Ask for another account.",
        _ => "Stripe does not take it. Ask for another account, or send the customer the link.",
    }
}

/// The customer said no on the page.
pub(super) const DECLINED: &str = "declined";
/// A day went by.
pub(super) const NOT_ACCEPTED: &str = "not_accepted";
/// The amount was open when it was authorised.
pub(super) const NOT_OPEN: &str = "not_open";
/// The invoice can't be paid any more.
pub(super) const WITHDRAWN: &str = "withdrawn";
/// Stripe could not be asked in time, or the room was needed for another payment.
pub(super) const CLOSED: &str = "closed";

fn why_unpaid(one: &Verification, amount: &str) -> String {
    match one.reason.as_deref().unwrap_or_default() {
        NOT_OPEN => format!(
            "{amount} was authorised, and that much is no longer open on {}. Ask the customer, then press Take Payment for what is.",
            one.invoice_number
        ),
        WITHDRAWN => format!("{} can't be paid any more.", one.invoice_number),
        CLOSED => "The debit was called off before it began. Press Take Payment again.".to_owned(),
        code => format!("{} Nothing was charged.", Reason::from_code(code).for_clerk()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};
    use crate::store::verifications::sample;

    fn verification(stage: Stage) -> Verification {
        Verification {
            invoice_number: "INVOICE-2026-000123456".into(),
            amount: Money::from_minor(99_999_999, Currency::from_code("USD").unwrap()).unwrap(),
            bank: "First National Bank and Trust of Oregon".into(),
            mail_to: Some("june.alexandra.larkspur-whitcombe@customers.larkspur.example".into()),
            arrives_s: Some(1_800_000_000),
            tries_left: Some(1),
            stage,
            ..sample("v")
        }
    }

    #[test]
    fn no_sentence_loses_its_end_in_the_record() {
        let mails = [None, Some(Mail::Sending), Some(Mail::Retrying), Some(Mail::Sent), Some(Mail::Refused)];
        let reasons = [None, Some(DECLINED), Some(NOT_ACCEPTED), Some(NOT_OPEN), Some(WITHDRAWN), Some(CLOSED)];
        for stage in Stage::ALL {
            for mail in mails {
                for (reason, way) in reasons.iter().zip([None, Some(Way::Amounts), Some(Way::Code)].iter().cycle()) {
                    let reason = reason.map(str::to_owned);
                    let one = Verification { mail, reason, way: *way, ..verification(stage) };
                    let said = sentence(&one);
                    assert!(said.chars().count() <= 255, "{} characters: {said}", said.chars().count());
                }
            }
        }
    }

    #[test]
    fn what_was_not_accepted_is_told_by_who_ended_it() {
        let stopped =
            |reason: &str| sentence(&Verification { reason: Some(reason.into()), ..verification(Stage::Stopped) });
        assert!(stopped(DECLINED).starts_with("The customer did not authorise"));
        assert!(stopped(NOT_ACCEPTED).contains("within a day"));
        assert!(stopped("canceled").contains("was stopped, nothing was charged"));
        let waits = |mail| sentence(&Verification { mail, way: Some(Way::Code), ..verification(Stage::Waiting) });
        assert!(waits(Some(Mail::Sent)).contains("on the mailed page"));
        assert!(waits(Some(Mail::Refused)).contains("on Stripe's page"), "nobody has the mailed one");
    }
}
