//! The ledger: the last reading of every payment at Stripe that concerns this org.

use sqlx::FromRow;

use super::attempts::{stored_id, stored_money};
use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional, fetch_scalar};
use crate::domain::attempt::MethodKind;
use crate::domain::payable::Counted;
use crate::domain::payment::{Part, Payment};
use crate::domain::{Money, SalesforceId};

/// Where a payment came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Link,
    /// Taken by a clerk.
    Desk,
    /// Asked for in the org, while the customer was away.
    Charge,
    /// Made at Stripe by other means.
    Elsewhere,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Desk => "desk",
            Self::Charge => "charge",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// One payment.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerPayment {
    /// PaymentIntent id, else charge id.
    pub stripe_id: String,
    pub charge_id: Option<String>,
    pub attempt_id: Option<String>,
    pub invoice: Option<SalesforceId>,
    pub account: Option<SalesforceId>,
    pub link: Option<String>,
    pub kind: MethodKind,
    pub source: Source,
    /// What was asked for.
    pub asked: Money,
    pub state: Payment,
    pub method_detail: Option<String>,
    pub descriptor: Option<String>,
    pub failure: Option<String>,
    /// Seconds since 1970.
    pub received_s: Option<i64>,
    /// Asked back by the customer's bank and not decided. It counts as paid until it is.
    pub disputed: Money,
    /// When money went back last; seconds since 1970.
    pub returned_s: Option<i64>,
    pub receipt_number: Option<String>,
}

impl LedgerPayment {
    /// What came in and went back; nothing of both unless it settled.
    pub fn part(&self) -> Part {
        match self.state {
            Payment::Settled { part } => part,
            _ => Part::received(Money::zero(self.asked.currency())),
        }
    }
}

#[derive(FromRow)]
struct Row {
    stripe_id: String,
    charge_id: Option<String>,
    attempt_id: Option<String>,
    invoice_id: Option<String>,
    account_id: Option<String>,
    link_id: Option<String>,
    kind: String,
    source: String,
    currency: String,
    asked_minor: i64,
    received_minor: i64,
    refunded_minor: i64,
    lost_minor: i64,
    state: String,
    method_detail: Option<String>,
    descriptor: Option<String>,
    failure: Option<String>,
    received_s: Option<i64>,
    disputed_minor: i64,
    returned_s: Option<i64>,
    receipt_number: Option<String>,
}

impl TryFrom<Row> for LedgerPayment {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |what, found: &str| Error::Unreadable { what, found: found.to_owned() };
        let money = |minor| stored_money(minor, &row.currency);
        let part = Part {
            received: money(row.received_minor)?,
            refunded: money(row.refunded_minor)?,
            lost: money(row.lost_minor)?,
        };
        let state = match row.state.as_str() {
            "processing" => Payment::Processing,
            "declined" => Payment::Declined,
            "settled" => Payment::Settled { part },
            "canceled" => Payment::Canceled,
            other => return Err(unreadable("a payment's state", other)),
        };
        Ok(Self {
            asked: money(row.asked_minor)?,
            state,
            invoice: row.invoice_id.as_deref().map(stored_id).transpose()?,
            account: row.account_id.as_deref().map(stored_id).transpose()?,
            kind: MethodKind::from_name(&row.kind).ok_or_else(|| unreadable("a kind of method", &row.kind))?,
            source: match row.source.as_str() {
                "link" => Source::Link,
                "desk" => Source::Desk,
                "charge" => Source::Charge,
                _ => Source::Elsewhere,
            },
            stripe_id: row.stripe_id,
            charge_id: row.charge_id,
            attempt_id: row.attempt_id,
            link: row.link_id,
            method_detail: row.method_detail,
            descriptor: row.descriptor,
            failure: row.failure,
            received_s: row.received_s,
            disputed: money(row.disputed_minor)?,
            returned_s: row.returned_s,
            receipt_number: row.receipt_number,
        })
    }
}

impl Store {
    pub async fn payment(&self, stripe_id: &str) -> Result<Option<LedgerPayment>> {
        let mut tx = self.reading().await?;
        tx.payment(stripe_id).await
    }

    pub async fn payment_of_attempt(&self, attempt: &str) -> Result<Option<LedgerPayment>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(&mut tx, Row, "SELECT * FROM payments WHERE attempt_id = $1", attempt)?;
        row.map(LedgerPayment::try_from).transpose()
    }

    /// The payments of an invoice, oldest first.
    pub async fn payments_of(&self, invoice: &SalesforceId) -> Result<Vec<LedgerPayment>> {
        let mut tx = self.reading().await?;
        tx.payments_of(invoice).await
    }
}

impl Tx {
    pub async fn payment(&mut self, stripe_id: &str) -> Result<Option<LedgerPayment>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM payments WHERE stripe_id = $1", stripe_id)?;
        row.map(LedgerPayment::try_from).transpose()
    }

    pub async fn payments_of(&mut self, invoice: &SalesforceId) -> Result<Vec<LedgerPayment>> {
        let sql = "SELECT * FROM payments WHERE invoice_id = $1 ORDER BY received_s, stripe_id";
        fetch_all!(self, Row, sql, invoice.as_str())?.into_iter().map(LedgerPayment::try_from).collect()
    }

    /// What the ledger counts towards an invoice, by payment.
    pub async fn counted(&mut self, invoice: &SalesforceId) -> Result<Vec<Counted>> {
        let payments = self.payments_of(invoice).await?;
        let part = |payment: LedgerPayment| {
            let kept = payment
                .part()
                .kept()
                .map_err(|error| Error::Unreadable { what: "a payment's amounts", found: error.to_string() })?;
            Ok(Counted { stripe_id: Some(payment.stripe_id), kept })
        };
        payments.into_iter().map(part).collect()
    }

    /// Takes room too: money on its way that no attempt of ours stands for.
    pub async fn processing_elsewhere(&mut self, invoice: &SalesforceId) -> Result<Vec<Money>> {
        let payments = self.payments_of(invoice).await?;
        let under_way = |payment: &LedgerPayment| payment.attempt_id.is_none() && payment.state == Payment::Processing;
        Ok(payments.into_iter().filter(under_way).map(|payment| payment.asked).collect())
    }

    /// Writes the last reading. The same reading twice leaves the same row.
    pub async fn set_payment(&mut self, payment: &LedgerPayment, now_ms: i64) -> Result<()> {
        let part = payment.part();
        let kept =
            part.kept().map_err(|error| Error::Unreadable { what: "a payment's amounts", found: error.to_string() })?;
        execute!(
            self,
            "INSERT INTO payments (stripe_id, charge_id, attempt_id, invoice_id, account_id, link_id, kind, source, currency,
                 asked_minor, received_minor, refunded_minor, lost_minor, kept_minor, state, method_detail, descriptor, failure,
                 received_s, receipt_number, changed_ms, disputed_minor, returned_s)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
             ON CONFLICT (stripe_id) DO UPDATE SET charge_id = $2, attempt_id = $3, invoice_id = $4, account_id = $5,
                 link_id = $6, kind = $7, source = $8, currency = $9, asked_minor = $10, received_minor = $11,
                 refunded_minor = $12, lost_minor = $13, kept_minor = $14, state = $15, method_detail = $16, descriptor = $17,
                 failure = $18, received_s = $19, receipt_number = $20, changed_ms = $21,
                 disputed_minor = $22, returned_s = $23",
            payment.stripe_id.as_str(),
            payment.charge_id.as_deref(),
            payment.attempt_id.as_deref(),
            payment.invoice.as_ref().map(SalesforceId::as_str),
            payment.account.as_ref().map(SalesforceId::as_str),
            payment.link.as_deref(),
            payment.kind.name(),
            payment.source.name(),
            payment.asked.currency().code(),
            payment.asked.minor(),
            part.received.minor(),
            part.refunded.minor(),
            part.lost.minor(),
            kept.minor(),
            payment.state.name(),
            payment.method_detail.as_deref(),
            payment.descriptor.as_deref(),
            payment.failure.as_deref(),
            payment.received_s,
            payment.receipt_number.as_deref(),
            now_ms,
            payment.disputed.minor(),
            payment.returned_s,
        )?;
        Ok(())
    }

    /// The next receipt number, in the transaction that settles: one that is rolled back uses none up.
    pub async fn next_receipt_number(&mut self) -> Result<String> {
        let sql = "UPDATE counters SET value = value + 1 WHERE name = 'receipts' RETURNING value";
        let number = fetch_scalar!(self, i64, sql)?
            .ok_or_else(|| Error::Unreadable { what: "the counter of receipts", found: "no row".into() })?;
        Ok(format!("R-{:06}", number))
    }

    /// `taken` was handed out already: the next number is a later one. A restored database has forgotten some.
    pub async fn skip_receipt_numbers(&mut self, taken: &str) -> Result<()> {
        let Some(number) = taken.strip_prefix("R-").and_then(|number| number.parse::<i64>().ok()) else {
            return Ok(());
        };
        execute!(self, "UPDATE counters SET value = $1 WHERE name = 'receipts' AND value < $1", number)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use crate::store::harness::on_both;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_payment_is_read_back_as_written_and_counts_what_was_kept() {
        on_both(async |store| {
            let invoice = SalesforceId::parse("a00D000000IqhSL").unwrap();
            let part = Part { received: usd(500), refunded: usd(200), lost: usd(0) };
            let payment = LedgerPayment {
                stripe_id: "pi_1".into(),
                charge_id: Some("ch_1".into()),
                attempt_id: None,
                invoice: Some(invoice.clone()),
                account: None,
                link: None,
                kind: MethodKind::Card,
                source: Source::Elsewhere,
                asked: usd(500),
                state: Payment::Settled { part },
                method_detail: Some("Visa ending 4242".into()),
                descriptor: None,
                failure: None,
                received_s: Some(1_764_000_000),
                disputed: usd(50),
                returned_s: Some(1_764_100_000),
                receipt_number: None,
            };
            let mut tx = store.begin().await.unwrap();
            tx.set_payment(&payment, 1).await.unwrap();
            tx.set_payment(&payment, 2).await.unwrap();
            assert_eq!(
                tx.counted(&invoice).await.unwrap(),
                [Counted { stripe_id: Some("pi_1".into()), kept: usd(300) }]
            );
            tx.commit().await.unwrap();
            assert_eq!(store.payment("pi_1").await.unwrap(), Some(payment));
        })
        .await;
    }

    #[tokio::test]
    async fn a_receipt_number_of_a_transaction_that_never_was_is_given_again() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tx.next_receipt_number().await.unwrap(), "R-000001");
            drop(tx);
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tx.next_receipt_number().await.unwrap(), "R-000001");
            assert_eq!(tx.next_receipt_number().await.unwrap(), "R-000002");
        })
        .await;
    }
}
