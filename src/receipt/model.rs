//! What a receipt says.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use super::Logo;

/// An amount as it is printed: minor units, the number of decimals they stand for, and the ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    pub minor: i64,
    pub decimals: u8,
    pub code: String,
}

impl Amount {
    pub fn new(minor: i64, decimals: u8, code: impl Into<String>) -> Amount {
        Amount { minor, decimals, code: code.into() }
    }
}

/// Who was paid. Comes from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// The name that customers know.
    pub name: String,
    /// The name in the company register, where it differs.
    pub legal_name: Option<String>,
    /// One entry a line.
    pub address: Vec<String>,
    /// Where a customer's country is not known, this decides between Letter and A4.
    pub country: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub website: Option<String>,
    /// With its kind, as "VAT DE123456789".
    pub tax_number: Option<String>,
    pub logo: Option<Logo>,
    /// Red, green, blue of a thin stripe at the head of the page.
    pub color: Option<[u8; 3]>,
    /// Printed near the end, as "Refunds: write to billing@acme.example within 30 days."
    pub refund_policy: Option<String>,
}

/// Who paid.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    pub name: String,
    /// One entry a line.
    pub address: Vec<String>,
    /// ISO 3166 two-letter code, or an English name as people type it; decides between Letter and A4.
    pub country: Option<String>,
}

/// What was paid for.
#[derive(Clone, Debug)]
pub struct Invoice {
    pub number: String,
    pub date: Option<Date>,
    pub due: Option<Date>,
    pub what_for: Option<String>,
    pub total: Amount,
}

/// A payment on the same invoice that came before this one.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub amount: Amount,
    pub date: Option<Date>,
    pub receipt_number: Option<String>,
}

/// A tax that is part of the amount, for countries where a part payment has to show it.
#[derive(Clone, Debug)]
pub struct TaxShare {
    /// As "VAT 19 %".
    pub label: String,
    pub amount: Amount,
}

/// How it was paid, as "Visa ending 4242" or "Bank account at Chase ending 6789".
#[derive(Clone, Debug)]
pub struct Method {
    pub description: String,
    /// What the customer's bank statement shows.
    pub statement_descriptor: Option<String>,
}

/// Which paper it is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Money has arrived. It becomes a receipt for part payment where something is left to pay.
    Payment,
    /// Money went back.
    Refund {
        /// The number of the receipt that it takes back from.
        of_receipt: Option<String>,
    },
    /// A bank payment has begun: no receipt yet.
    BankPaymentStarted { expected_by: Option<Date> },
    /// A bank payment came back after all.
    BankPaymentReturned { of_receipt: Option<String>, reason: String },
}

/// One receipt. Everything that is printed, so that the same value gives the same bytes.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// As "R-2031".
    pub number: String,
    pub kind: Kind,
    pub customer: Customer,
    pub invoice: Invoice,
    /// What was paid, refunded, begun or returned.
    pub amount: Amount,
    /// When, in the company's time zone: the zone is printed.
    pub at: ZonedDateTime,
    pub method: Method,
    /// The payment's id at Stripe.
    pub transaction: String,
    pub earlier: Vec<Earlier>,
    /// What is still to be paid after this.
    pub left: Amount,
    pub taxes: Vec<TaxShare>,
    /// Made with a test key: no money moved.
    pub test: bool,
}
