//! Requests of the org: read back, understood, answered.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Error, Links, PaymentsError};
use crate::domain::{InvoiceMapping, LinkId, RequestId, SalesforceId};
use crate::engine::payments::{quoted, text};
use crate::store::outbox::{Notice, Write, cut};

/// The kind of the request behind a clerk's page.
pub(super) const TAKE: &str = "Take Payment";

/// A `Payment_Request__c` as read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub record: SalesforceId,
    pub id: RequestId,
    pub kind: String,
    pub state: String,
    pub invoice: Option<SalesforceId>,
    pub link: Option<LinkId>,
    pub email: Option<String>,
    pub note: Option<String>,
    pub link_expires_ms: Option<i64>,
    pub expires_ms: Option<i64>,
    pub token_hash: Option<String>,
    /// The id at Stripe of the stored method that is to be charged.
    pub method: Option<String>,
    /// How much, as Salesforce writes it.
    pub amount: Option<Value>,
}

impl Request {
    /// Begins the id of its command.
    pub(super) fn command(&self) -> &'static str {
        match self.kind.as_str() {
            "Charge Stored Method" => "charge",
            TAKE => "take",
            _ => "send",
        }
    }
}

/// A query of requests, whose condition the caller appends; `lookup` is the org's field for the invoice.
fn request_query(lookup: &str) -> String {
    format!(
        "SELECT Id, Request_Id__c, Kind__c, State__c, {lookup}, Payment_Link__r.Link_Id__c, Email__c, Note__c, \
         Link_Expires_At__c, Expires_At__c, Token_Hash__c, Amount__c, \
         Stored_Payment_Method__r.Stripe_Payment_Method_Id__c FROM Payment_Request__c WHERE"
    )
}

impl Links {
    /// Reads a request back by its record id.
    pub async fn request(&self, record: &SalesforceId) -> Result<Request, Error> {
        let found = self.find(&format!("Id = {}", quoted(record.as_str())), Duration::from_secs(20)).await?;
        understand(&found.ok_or_else(|| Error::Gone { record: record.to_string() })?)
    }

    pub(super) async fn find(&self, condition: &str, limit: Duration) -> Result<Option<Value>, Error> {
        let lookup = &self.payments.house().invoices.get().request_lookup;
        let soql = format!("{} {condition}", request_query(lookup));
        let found = self.payments.org().query(&soql, limit).await.map_err(PaymentsError::from)?;
        Ok(found.into_iter().next().map(|record| InvoiceMapping::canonical_lookup(lookup, record)))
    }

    pub(super) async fn refuse(&self, request: &Request, sentence: &str) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.write_out(&answer(request, "Refused", sentence).telling(notice(request, "refused")), now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    pub(super) async fn done(&self, request: &Request, sentence: &str) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.write_out(&answer(request, "Done", sentence).telling(notice(request, "sent")), now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }
}

/// Whether somebody has answered this request before. One that failed is open to a Retry.
pub(super) fn over(request: &Request) -> bool {
    matches!(request.state.as_str(), "Sent" | "Done" | "Refused" | "Expired")
}

pub(super) fn invoice_of(request: &Request) -> Result<SalesforceId, Error> {
    request
        .invoice
        .clone()
        .ok_or_else(|| Error::Request { record: request.record.to_string(), why: "it names no invoice".into() })
}

pub(super) fn answer(request: &Request, state: &str, sentence: &str) -> Write {
    Write::update("Payment_Request__c", request.record.as_str())
        .with("State__c", state)
        .with("Sentence__c", cut(sentence, 255))
}

pub(super) fn notice(request: &Request, state: &str) -> Notice {
    let record = request.invoice.as_ref().unwrap_or(&request.record);
    Notice {
        record_id: record.as_str().to_owned(),
        request_id: request.id.as_str().to_owned(),
        state: state.to_owned(),
    }
}

pub(super) fn understand(record: &Value) -> Result<Request, Error> {
    let id = text(record, "Id").unwrap_or_default();
    let wrong = |why: String| Error::Request { record: id.clone(), why };
    let time = |field: &str| match text(record, field) {
        None => Ok(None),
        // 2026-11-23T14:02:00.000+0000: the offset has no colon.
        Some(time) => parse_time(&time).map(Some).ok_or_else(|| wrong(format!("{field} is {time:?}"))),
    };
    let request_id = text(record, "Request_Id__c").unwrap_or_default();
    Ok(Request {
        record: SalesforceId::parse(&id).map_err(|error| wrong(error.to_string()))?,
        id: RequestId::parse(&request_id).map_err(|error| wrong(error.to_string()))?,
        kind: text(record, "Kind__c").unwrap_or_default(),
        state: text(record, "State__c").unwrap_or_default(),
        invoice: text(record, "Invoice__c").and_then(|id| SalesforceId::parse(&id).ok()),
        link: text(record, "Payment_Link__r.Link_Id__c").and_then(|id| LinkId::parse(&id).ok()),
        email: text(record, "Email__c"),
        note: text(record, "Note__c"),
        link_expires_ms: time("Link_Expires_At__c")?,
        expires_ms: time("Expires_At__c")?,
        token_hash: text(record, "Token_Hash__c").map(|hash| hash.to_ascii_lowercase()),
        method: text(record, "Stored_Payment_Method__r.Stripe_Payment_Method_Id__c"),
        amount: record.get("Amount__c").filter(|amount| !amount.is_null()).cloned(),
    })
}

pub(super) fn parse_time(text: &str) -> Option<i64> {
    let parsed: Option<Timestamp> = text.parse().ok();
    let parsed = parsed.or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok());
    parsed.map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn salesforce_times_with_and_without_a_colon_are_read() {
        assert_eq!(parse_time("1970-01-01T00:00:01.000+0000"), Some(1_000));
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(parse_time("1970-01-01T02:00:01.500+0200"), Some(1_500));
        assert_eq!(parse_time("tomorrow"), None);
    }

    #[test]
    fn a_request_is_read_with_its_link_and_hash() {
        let record = json!({
            "Id": "a01D000000IqhSL", "Request_Id__c": "0b8f7e6c-1111-4222-8333-444455556666", "Kind__c": "Revoke Link",
            "State__c": "Waiting", "Invoice__c": "a00D000000IqhSL", "Payment_Link__r": {"Link_Id__c": "link-1"},
            "Email__c": null, "Note__c": " ", "Link_Expires_At__c": "2026-12-14T22:59:00.000+0000", "Expires_At__c": null,
            "Token_Hash__c": "ABCDEF",
        });
        let request = understand(&record).unwrap();
        assert_eq!(request.link.unwrap().as_str(), "link-1");
        assert_eq!(request.token_hash.as_deref(), Some("abcdef"));
        assert_eq!(request.note, None);
        assert_eq!(request.link_expires_ms, Some(1_797_289_140_000));
    }
}
