//! The ledger as Salesforce sees it: `Payment__c` and `Payment_Link__c`.

use serde_json::{Value, json};

use super::giving_up::BOOK;
use crate::domain::MoneyError;
use crate::domain::attempt::MethodKind;
use crate::domain::link::LinkUse;
use crate::domain::payment::Payment;
use crate::store::links::Link;
use crate::store::outbox::{Notice, Write, cut};
use crate::store::payments::{LedgerPayment, Source};

/// A time in seconds as Salesforce writes it.
pub fn time_text(seconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The picklist value: what a clerk calls the state.
pub(super) fn state_word(payment: &LedgerPayment) -> Result<&'static str, MoneyError> {
    Ok(match payment.state {
        Payment::Open | Payment::Processing => "Processing",
        // A bank's no comes days later, when the customer is gone: that is no decline at the page.
        Payment::Declined if payment.kind == MethodKind::BankAccount => "Failed",
        Payment::Canceled if payment.kind == MethodKind::BankAccount && payment.failure.is_some() => "Failed",
        Payment::Declined => "Declined",
        Payment::Canceled => "Canceled",
        Payment::Settled { part } => {
            if part.kept()?.is_zero() && !part.received.is_zero() {
                if part.lost.is_zero() { "Refunded" } else { "Returned" }
            } else {
                "Settled"
            }
        }
    })
}

fn source_word(source: Source) -> &'static str {
    match source {
        Source::Link => "Payment Link",
        Source::Desk => "Take Payment",
        Source::Charge => "Stored Method",
        Source::Elsewhere => "Elsewhere",
    }
}

/// The upsert of a payment, keyed by its Stripe id, with the notice that its state calls for.
pub(super) fn payment_write(payment: &LedgerPayment) -> Result<Write, MoneyError> {
    let part = payment.part();
    let state = state_word(payment)?;
    // Amount: what was received, else what was asked for.
    let amount = if part.received.is_zero() { payment.asked } else { part.received };
    let mut write = Write::upsert("Payment__c", "Stripe_Payment_Id__c", &payment.stripe_id)
        .of(&format!("{BOOK}{}", payment.stripe_id))
        .with("State__c", state)
        .with("Source__c", source_word(payment.source))
        .with("Method__c", payment.kind.in_salesforce())
        .with("Currency_Code__c", amount.currency().code())
        .with("Amount__c", amount.to_salesforce())
        .with("Refunded__c", part.refunded.to_salesforce())
        .with("Disputed__c", part.lost.to_salesforce())
        .with("Settled_Amount__c", part.kept()?.to_salesforce())
        .with("Over_Returned__c", part.over_returned()?.to_salesforce())
        .with("Stripe_Charge_Id__c", optional(payment.charge_id.as_deref()))
        .with("Method_Detail__c", optional(payment.method_detail.as_deref().map(|text| cut(text, 80)).as_deref()))
        .with("Failure_Reason__c", optional(payment.failure.as_deref().map(|text| cut(text, 255)).as_deref()))
        .with("Received_At__c", optional(payment.received_s.and_then(time_text).as_deref()))
        .with("Receipt_Number__c", optional(payment.receipt_number.as_deref()));
    // What is not known is left as it is: a clerk may have put a payment made elsewhere on its invoice.
    if let Some(invoice) = &payment.invoice {
        write = write.with("Invoice__c", invoice.as_str());
    }
    if let Some(account) = &payment.account {
        write = write.with("Account__c", account.as_str());
    }
    if let Some(link) = payment.link.as_ref().filter(|_| payment.source == Source::Link) {
        // By external id: the link's record Id is the org's own.
        write = write.with("Payment_Link__r", json!({ "Link_Id__c": link }));
    }
    let notice = match state {
        "Processing" => Some("processing"),
        "Settled" => Some("settled"),
        "Declined" => Some("declined"),
        "Failed" => Some("failed"),
        "Returned" | "Refunded" => Some("returned"),
        _ => None,
    };
    Ok(match (notice, &payment.invoice) {
        (Some(state), Some(invoice)) => write.telling(Notice {
            record_id: invoice.as_str().to_owned(),
            request_id: payment.link.clone().unwrap_or_default(),
            state: state.to_owned(),
        }),
        _ => write,
    })
}

fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::String(text.to_owned()))
}

/// The upsert of a link's state.
pub fn link_write(link: &Link, state: &str) -> Write {
    let time = |ms: i64| time_text(ms.div_euclid(1000));
    Write::upsert("Payment_Link__c", "Link_Id__c", link.id.as_str())
        .with("Invoice__c", link.invoice.as_str())
        .with("State__c", state)
        .with("Sent_To__c", optional(link.sent_to.as_deref()))
        .with("Expires_At__c", optional(link.expires_ms.and_then(time).as_deref()))
}

/// What the org reads of a link: somebody's act decides first, then what is owed, then the times.
pub fn link_state(link: &Link, nothing_left: bool, now_ms: i64) -> &'static str {
    match link.usable(now_ms) {
        LinkUse::Revoked => "Revoked",
        LinkUse::Replaced => "Replaced",
        _ if nothing_left => "Paid",
        LinkUse::Expired { .. } => "Expired",
        LinkUse::Locked { .. } => "Locked",
        LinkUse::Pays => "Open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::MethodKind;
    use crate::domain::payment::Part;
    use crate::domain::{Currency, Money, SalesforceId};

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap()
    }

    fn payment(state: Payment) -> LedgerPayment {
        LedgerPayment {
            stripe_id: "pi_1".into(),
            charge_id: Some("ch_1".into()),
            attempt_id: None,
            invoice: Some(SalesforceId::parse("a00D000000IqhSL").unwrap()),
            account: None,
            link: None,
            kind: MethodKind::Card,
            source: Source::Link,
            asked: usd(40_000),
            state,
            method_detail: Some("Visa ending 4242".into()),
            descriptor: None,
            failure: None,
            received_s: Some(1_764_000_000),
            disputed: usd(0),
            returned_s: None,
            receipt_number: Some("R-000001".into()),
        }
    }

    #[test]
    fn a_settled_payment_says_what_was_kept_and_tells_the_invoice_page() {
        let part = Part { received: usd(40_000), refunded: usd(10_000), lost: usd(0) };
        let write = payment_write(&payment(Payment::Settled { part })).unwrap();
        assert_eq!(write.fields["State__c"], "Settled");
        assert_eq!(write.fields["Settled_Amount__c"], 300.0);
        assert_eq!(write.fields["Received_At__c"], "2025-11-24T16:00:00Z");
        assert!(!write.fields.contains_key("Account__c"), "what is not known is not overwritten");
        assert_eq!(write.notice.unwrap().state, "settled");
    }

    #[test]
    fn money_that_went_back_is_refunded_or_returned_by_who_took_it() {
        let all = |refunded, lost| Payment::Settled {
            part: Part { received: usd(500), refunded: usd(refunded), lost: usd(lost) },
        };
        assert_eq!(state_word(&payment(all(500, 0))), Ok("Refunded"));
        assert_eq!(state_word(&payment(all(0, 500))), Ok("Returned"));
        assert_eq!(state_word(&payment(all(0, 0))), Ok("Settled"));
        assert_eq!(state_word(&payment(Payment::Processing)), Ok("Processing"));
    }

    #[test]
    fn a_bank_debit_that_failed_stays_failed_when_its_room_is_freed() {
        let bank = |state, failure: Option<&str>| LedgerPayment {
            kind: MethodKind::BankAccount,
            failure: failure.map(str::to_owned),
            ..payment(state)
        };
        assert_eq!(state_word(&bank(Payment::Declined, Some("The bank account is closed."))), Ok("Failed"));
        assert_eq!(state_word(&bank(Payment::Canceled, Some("The bank account is closed."))), Ok("Failed"));
        assert_eq!(state_word(&bank(Payment::Canceled, None)), Ok("Canceled"));
        assert_eq!(payment_write(&bank(Payment::Declined, None)).unwrap().notice.unwrap().state, "failed");
    }
}
