//! Receipts go out: the PDF by mail, and as a File on the Payment in Salesforce.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::payments::{Error, Payments, ReceiptFacts};
use super::retry;
use crate::domain::{LinkId, Money};
use crate::mail::{self, Attachment, Content, Letter, Mailer, Recipient};
use crate::receipt::{self, Amount, Company};
use crate::store::files::OutgoingFile;
use crate::store::receipts::Receipt;

/// Draws, mails and files receipts.
#[derive(Clone)]
pub struct Receipts {
    payments: Payments,
    mailer: Mailer,
    company: Arc<Company>,
    zone: TimeZone,
}

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Payments(#[from] Error),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("the receipt {number} can't be read back: {why}")]
    Unreadable { number: String, why: String },
    #[error(transparent)]
    Drawing(#[from] receipt::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// A receipt as a file.
#[derive(Clone, Debug)]
pub struct Pdf {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// An amount as page, letter and receipt print it.
pub fn money_words(money: Money) -> String {
    receipt::format_amount(&amount(money))
}

fn amount(money: Money) -> Amount {
    let decimals = u8::try_from(money.currency().exponent()).unwrap_or(2);
    Amount::new(money.minor(), decimals, money.currency().code())
}

/// As "23 November 2026, 14:02 CET".
pub fn time_words(ms: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned_datetime(zone.clone());
    time.strftime("%-d %B %Y, %H:%M %Z").to_string()
}

/// As "14 December 2026".
pub fn date_words(date: jiff::civil::Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

impl Receipts {
    pub fn new(payments: Payments, mailer: Mailer, company: Company, zone: TimeZone) -> Self {
        Self { payments, mailer, company: Arc::new(company), zone }
    }

    /// The PDF of a receipt: the same bytes each time.
    pub async fn pdf(&self, receipt: &Receipt) -> Result<Pdf, ReceiptError> {
        let facts = read(receipt)?;
        let drawn = self.drawn(&facts).ok_or_else(|| ReceiptError::Unreadable {
            number: receipt.number.clone(),
            why: "an amount or a time is out of range".into(),
        })?;
        let name = receipt::file_name(&drawn, &self.company);
        let company = Arc::clone(&self.company);
        let number = receipt.number.clone();
        let bytes = tokio::task::spawn_blocking(move || receipt::render(&drawn, &company))
            .await
            .map_err(|error| ReceiptError::Unreadable { number, why: error.to_string() })??;
        Ok(Pdf { name, bytes })
    }

    fn drawn(&self, facts: &ReceiptFacts) -> Option<receipt::Receipt> {
        let at = Timestamp::from_second(facts.received_s).ok()?.to_zoned_datetime(self.zone.clone());
        let earlier = facts
            .earlier
            .iter()
            .map(|one| {
                Some(receipt::Earlier {
                    amount: amount(one.amount.money()?),
                    date: one
                        .received_s
                        .and_then(|s| Timestamp::from_second(s).ok())
                        .map(|time| time.to_zoned_datetime(self.zone.clone()).date()),
                    receipt_number: one.receipt_number.clone(),
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(receipt::Receipt {
            number: facts.number.clone(),
            kind: receipt::Kind::Payment,
            customer: receipt::Customer {
                name: facts.customer_name.clone(),
                address: facts.address.clone(),
                country: facts.country.clone(),
            },
            invoice: receipt::Invoice {
                number: facts.invoice_number.clone(),
                date: None,
                due: facts.due,
                what_for: facts.what_for.clone(),
                total: amount(facts.total.money()?),
            },
            amount: amount(facts.amount.money()?),
            at,
            method: receipt::Method {
                description: facts.method.clone(),
                statement_descriptor: facts.descriptor.clone(),
            },
            transaction: facts.transaction.clone(),
            earlier,
            left: amount(facts.left.money()?),
            taxes: Vec::new(),
            test: facts.test,
        })
    }

    /// Mails and files what is due. Answers how many receipts were taken.
    pub async fn follow(&self) -> Result<usize, ReceiptError> {
        const AT_ONCE: i64 = 8;
        const SENDER_DIED_MS: i64 = 180_000;
        let store = self.payments.store();
        let now_ms = self.payments.now_ms();
        let due = store.take_receipts(&self.payments.sidecar(), AT_ONCE, now_ms, now_ms + SENDER_DIED_MS).await?;
        for receipt in &due {
            if let Err(error) = self.send(receipt).await {
                let wait = retry::delay(receipt.attempts + 1, Duration::from_secs(5), Duration::from_secs(900));
                tracing::warn!(receipt.number = %receipt.number, error = %error, wait_ms = wait.as_millis(), "a receipt is tried again");
                let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(900_000);
                store.receipt_again(&receipt.number, self.payments.now_ms() + wait_ms).await?;
            }
        }
        Ok(due.len())
    }

    async fn send(&self, receipt: &Receipt) -> Result<(), ReceiptError> {
        let pdf = self.pdf(receipt).await?;
        if receipt.filed_ms.is_none() {
            // Queued with its mark in one transaction; the upload waits for the payment's record by itself.
            let now_ms = self.payments.now_ms();
            let mut tx = self.payments.store().begin().await?;
            let file = OutgoingFile {
                id: format!("receipt:{}", receipt.number),
                parent_object: "Payment__c".into(),
                parent_key_field: "Stripe_Payment_Id__c".into(),
                parent_key: receipt.stripe_id.clone(),
                title: format!("Receipt {}", receipt.number),
                file_name: pdf.name.clone(),
                content: pdf.bytes.clone(),
                attempts: 0,
            };
            tx.send_file(&file, now_ms).await?;
            tx.receipt_filed(&receipt.number, now_ms).await?;
            tx.commit().await?;
        }
        if receipt.mailed_ms.is_none() {
            self.mail(receipt, pdf).await?;
        }
        Ok(())
    }

    async fn mail(&self, receipt: &Receipt, pdf: Pdf) -> Result<(), ReceiptError> {
        let store = self.payments.store();
        let Some(address) = receipt.mail_to.clone() else {
            return Ok(store.receipt_mailed(&receipt.number, self.payments.now_ms()).await?);
        };
        let facts = read(receipt)?;
        if !store.record_mail(&receipt.message_id, "receipt", self.payments.now_ms()).await? {
            match self.mailer.send(&self.letter(receipt, &facts, address, pdf)).await {
                Ok(()) => store.mail_sent(&receipt.message_id, self.payments.now_ms()).await?,
                Err(mail::Error::RefusedAddress { answer }) => {
                    // The clerk has the File; nobody is there to mail it to.
                    tracing::warn!(receipt.number = %receipt.number, answer, "the receipt's address was refused");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(store.receipt_mailed(&receipt.number, self.payments.now_ms()).await?)
    }

    fn letter(&self, receipt: &Receipt, facts: &ReceiptFacts, address: String, pdf: Pdf) -> Letter {
        let words = |sum: &super::payments::Sum| sum.money().map(money_words).unwrap_or_default();
        let left = facts.left.money().filter(|left| !left.is_zero()).map(money_words);
        let follows = facts.link_id.as_deref().and_then(|link| LinkId::parse(link).ok());
        Letter {
            to: Recipient { name: Some(facts.customer_name.clone()).filter(|name| !name.is_empty()), address },
            message_id: receipt.message_id.clone(),
            in_reply_to: follows
                .map(|link| super::links::message_id(link.as_str(), &self.payments.settings().mail_domain)),
            at: Timestamp::from_second(facts.received_s).unwrap_or_default(),
            content: Content::Receipt {
                invoice: mail::Invoice {
                    number: facts.invoice_number.clone(),
                    what_for: facts.what_for.clone(),
                    due: facts.due,
                },
                number: facts.number.clone(),
                amount: words(&facts.amount),
                paid_at: time_words(facts.received_s.saturating_mul(1000), &self.zone),
                method: facts.method.clone(),
                statement_descriptor: facts.descriptor.clone(),
                left,
                link: None,
                pdf: Attachment { name: pdf.name, pdf: pdf.bytes },
            },
            test: facts.test,
        }
    }
}

fn read(receipt: &Receipt) -> Result<ReceiptFacts, ReceiptError> {
    serde_json::from_str(&receipt.facts)
        .map_err(|error| ReceiptError::Unreadable { number: receipt.number.clone(), why: error.to_string() })
}
