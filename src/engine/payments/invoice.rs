//! An invoice as read from Salesforce, and the copy that Pay may work on for 15 minutes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::org::{OrgError, quoted, text};
use super::{Error, Payments};
use crate::domain::payable::Counted;
use crate::domain::postal::Postal;
use crate::domain::{Currency, Money, SalesforceId};

/// Salesforce is waited for this long while a payer looks at the page.
const PAGE_LIMIT: Duration = Duration::from_secs(2);
/// A copy older than this is not paid on.
const COPY_LIFE_MS: i64 = 15 * 60 * 1000;

/// What the org says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Cancelled,
}

/// An invoice, with the payments that the org counts on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice {
    pub id: SalesforceId,
    pub number: String,
    pub status: InvoiceStatus,
    pub total: Money,
    /// As `2026-12-14`.
    pub due: Option<jiff::civil::Date>,
    pub description: Option<String>,
    pub account: SalesforceId,
    pub account_name: String,
    pub address: Vec<String>,
    pub country: Option<String>,
    /// Invoice, else account: where receipts and codes go.
    pub email: Option<String>,
    /// The account's own, where codes go.
    pub account_email: Option<String>,
    pub customer: Option<String>,
    /// What else the org wants customers to see: label and text.
    pub extras: Vec<(String, String)>,
    pub org_payments: Vec<Counted>,
}

/// An invoice and how it was come by.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownInvoice {
    pub invoice: Invoice,
    pub freshness: Freshness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Read just now.
    Read,
    /// Salesforce didn't answer; read so long ago, and young enough to pay on.
    Copy { age_ms: i64 },
}

/// The copy in the database: the invoice in our names, whatever the org calls it, and the payments as they came.
#[derive(Serialize, Deserialize)]
struct Copy {
    invoice: Value,
    payments: Vec<Value>,
}

impl Payments {
    /// Reads the invoice, and keeps a copy. `limit` is how long we wait.
    pub async fn read_invoice(&self, id: &SalesforceId, limit: Duration) -> Result<Invoice, Error> {
        let mapping = self.house().invoices.get();
        let invoices = mapping.invoice_query(&quoted(id.as_str()));
        let payments = format!(
            "SELECT Stripe_Payment_Id__c, Settled_Amount__c, Amount__c, Method__c, State__c, Currency_Code__c \
             FROM Payment__c WHERE {} = {}",
            mapping.payment_lookup,
            quoted(id.as_str())
        );
        let (invoices, payments) =
            tokio::try_join!(self.org().query(&invoices, limit), self.org().query(&payments, limit))?;
        let record = invoices
            .into_iter()
            .next()
            .ok_or_else(|| OrgError::Missing { object: mapping.object.clone(), id: id.as_str().to_owned() })?;
        let copy = Copy { invoice: mapping.canonical_invoice(&record), payments };
        let invoice = understand(&copy)?;
        let text = serde_json::to_string(&copy).map_err(|error| unreadable(id.as_str(), &error.to_string()))?;
        self.store().keep_invoice(id, &text, self.now_ms()).await?;
        Ok(invoice)
    }

    /// For the page: what Salesforce says within 2 s, else a copy under 15 minutes old, else the reason why not.
    pub async fn known_invoice(&self, id: &SalesforceId) -> Result<KnownInvoice, Error> {
        let why = match self.read_invoice(id, PAGE_LIMIT).await {
            Ok(invoice) => return Ok(KnownInvoice { invoice, freshness: Freshness::Read }),
            Err(Error::Org(error @ (OrgError::TooSlow { .. } | OrgError::Failed(_)))) => error,
            Err(error) => return Err(error),
        };
        match self.copied_invoice(id).await? {
            Some((age_ms, invoice)) if age_ms < COPY_LIFE_MS => {
                tracing::warn!(invoice.id = %id, age_ms, error = %why, "the page works on a copy of the invoice");
                Ok(KnownInvoice { invoice, freshness: Freshness::Copy { age_ms } })
            }
            _ => Err(why.into()),
        }
    }

    /// The last copy of any age, for what a receipt says.
    pub async fn copied_invoice(&self, id: &SalesforceId) -> Result<Option<(i64, Invoice)>, Error> {
        let Some((read_ms, text)) = self.store().invoice_copy(id).await? else { return Ok(None) };
        let copy: Copy = serde_json::from_str(&text).map_err(|error| unreadable(id.as_str(), &error.to_string()))?;
        Ok(Some((self.now_ms() - read_ms, understand(&copy)?)))
    }
}

fn unreadable(id: &str, why: &str) -> OrgError {
    OrgError::Unreadable { object: "the invoice".to_owned(), id: id.to_owned(), why: why.to_owned() }
}

fn understand(copy: &Copy) -> Result<Invoice, OrgError> {
    let record = &copy.invoice;
    let id = text(record, "Id").unwrap_or_default();
    let wrong = |why: String| unreadable(&id, &why);
    let salesforce_id = |field: &str| {
        let found = text(record, field).ok_or_else(|| wrong(format!("{field} is blank")))?;
        SalesforceId::parse(&found).map_err(|error| wrong(error.to_string()))
    };
    let code = text(record, "Currency_Code__c").unwrap_or_else(|| "USD".to_owned());
    let currency = Currency::from_code(&code).map_err(|error| wrong(error.to_string()))?;
    let total = match record.get("Total__c") {
        None | Some(Value::Null) => Money::zero(currency),
        Some(value) => Money::from_salesforce(value, currency).map_err(|error| wrong(format!("Total__c: {error}")))?,
    };
    let status = match text(record, "Status__c").as_deref() {
        Some("Open" | "Partly Paid" | "Paid") => InvoiceStatus::Open,
        Some("Cancelled") => InvoiceStatus::Cancelled,
        _ => InvoiceStatus::Draft,
    };
    let part = |name: &str| text(record, &format!("Account__r.Billing{name}"));
    let country = part("Country");
    let address = Postal {
        street: part("Street").as_deref(),
        city: part("City").as_deref(),
        state: part("State").as_deref(),
        code: part("PostalCode").as_deref(),
        country: country.as_deref(),
    }
    .lines();
    let account_email = text(record, "Account__r.Billing_Email__c");
    Ok(Invoice {
        id: salesforce_id("Id")?,
        number: text(record, "Name").unwrap_or_default(),
        status,
        total,
        due: text(record, "Due_Date__c").and_then(|date| date.parse().ok()),
        description: text(record, "Description__c"),
        account: salesforce_id("Account__c")?,
        account_name: text(record, "Account__r.Name").unwrap_or_default(),
        address,
        country,
        email: text(record, "Billing_Email__c").or_else(|| account_email.clone()),
        account_email,
        customer: text(record, "Account__r.Stripe_Customer_Id__c"),
        extras: serde_json::from_value(record.get("Extras").cloned().unwrap_or_default()).unwrap_or_default(),
        org_payments: copy.payments.iter().filter_map(counted).collect(),
    })
}

/// A payment as the org counts it. One that can't be read counts nothing, for it can't be a payment of ours.
fn counted(record: &Value) -> Option<Counted> {
    let currency = Currency::from_code(&text(record, "Currency_Code__c").unwrap_or_else(|| "USD".to_owned())).ok()?;
    let kept = Money::from_salesforce(record.get("Settled_Amount__c")?, currency).ok()?;
    Some(Counted { stripe_id: text(record, "Stripe_Payment_Id__c"), kept })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn copy() -> Copy {
        Copy {
            invoice: json!({
                "Id": "a00D000000IqhSL", "Name": "INV-1042", "Status__c": "Partly Paid", "Total__c": 1240.0,
                "Currency_Code__c": "USD", "Due_Date__c": "2026-12-14", "Account__c": "001D000000IqhSL",
                "Account__r": {"Name": "Acme", "Billing_Email__c": "pay@acme.example", "BillingCity": "Bern",
                    "BillingPostalCode": "3000", "BillingStreet": "Gasse 1\nHof", "Stripe_Customer_Id__c": null},
            }),
            payments: vec![
                json!({"Stripe_Payment_Id__c": "pi_1", "Settled_Amount__c": 400.0, "Currency_Code__c": "USD"}),
                json!({"Stripe_Payment_Id__c": null, "Settled_Amount__c": 40.5, "Currency_Code__c": "USD"}),
                json!({"Stripe_Payment_Id__c": "pi_2", "Settled_Amount__c": null, "Currency_Code__c": "USD"}),
            ],
        }
    }

    #[test]
    fn an_invoice_is_read_with_the_payments_that_the_org_counts() {
        let invoice = understand(&copy()).expect("readable");
        assert_eq!(invoice.total.to_string(), "1240.00 USD");
        assert_eq!(invoice.email.as_deref(), Some("pay@acme.example"));
        assert_eq!(invoice.address, ["Gasse 1", "Hof", "3000 Bern"]);
        let kept: Vec<String> = invoice.org_payments.iter().map(|part| part.kept.to_string()).collect();
        assert_eq!(kept, ["400.00 USD", "40.50 USD"]);
    }

    #[test]
    fn a_total_with_more_decimals_than_the_currency_has_is_refused_rather_than_rounded() {
        let mut copy = copy();
        copy.invoice["Total__c"] = json!(10.005);
        assert!(understand(&copy).is_err());
    }
}
