//! What a letter says. Amounts come written out ("$1,240.00 USD"), so that page, letter and receipt show the same.

use jiff::Timestamp;
use jiff::civil::Date;

/// One letter, complete: the same value gives the same bytes.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: Recipient,
    /// With or without angle brackets; stable, chosen and stored by the caller.
    pub message_id: String,
    /// The letter that this one follows, so that mail programs show them together.
    pub in_reply_to: Option<String>,
    /// When it was decided to send it.
    pub at: Timestamp,
    pub content: Content,
    /// Made with a test key: said in subject and body.
    pub test: bool,
}

/// Whom it goes to.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// From the customer's record; greets them.
    pub name: Option<String>,
    pub address: String,
}

/// How the company is reached. Printed at the end of each letter.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub phone: Option<String>,
    pub email: Option<String>,
    /// One line, as printed on the invoice.
    pub postal: Option<String>,
}

/// The invoice that a letter is about.
#[derive(Clone, Debug)]
pub struct Invoice {
    pub number: String,
    pub what_for: Option<String>,
    pub due: Option<Date>,
}

/// The way to the payment page.
#[derive(Clone, Debug)]
pub struct Link {
    pub url: String,
    /// As "14 December 2026, 23:59 CET".
    pub works_until: Option<String>,
}

/// A file that goes with the letter.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub name: String,
    pub pdf: Vec<u8>,
}

/// The kinds of letters.
#[derive(Clone, Debug)]
pub enum Content {
    /// A clerk asks for payment.
    Request { invoice: Invoice, due: String, paid_before: Option<String>, note: Option<String>, link: Link },
    /// The same again before or after the due date. `unsubscribe` stops reminders for this invoice by one press.
    Reminder { invoice: Invoice, left: String, paid_before: Option<String>, link: Link, unsubscribe: Option<String> },
    /// A link that takes the place of another. `older_works` is false where the older one was replaced.
    LinkAgain { invoice: Invoice, left: String, link: Link, older_works: bool },
    /// Money has arrived.
    Receipt {
        invoice: Invoice,
        number: String,
        amount: String,
        /// As "23 November 2026, 14:02 CET".
        paid_at: String,
        method: String,
        statement_descriptor: Option<String>,
        /// `None` when the invoice is paid in full.
        left: Option<String>,
        link: Option<Link>,
        pdf: Attachment,
    },
    /// Money goes back.
    Refund { invoice: Invoice, number: String, amount: String, to: String, left: Option<String>, pdf: Attachment },
    /// A one-time code: the letter holds no link at all.
    Code { invoice: Invoice, code: String, until: String, page_host: String },
    /// A debit that was spoken about on the phone is to be authorised on a page.
    Authorise { invoice: Invoice, amount: String, bank: String, link: Link },
    /// Small deposits are on their way, whose values are entered on a page.
    Deposits {
        invoice: Invoice,
        amount: String,
        bank: String,
        /// One deposit with a code, rather than two amounts.
        code: bool,
        arrives_by: Option<Date>,
        /// What was authorised, to keep.
        mandate: Option<String>,
        link: Link,
    },
    /// A bank payment has begun.
    BankPaymentStarted {
        invoice: Invoice,
        amount: String,
        bank: String,
        expected_by: Option<Date>,
        mandate: Option<String>,
        pdf: Option<Attachment>,
    },
    /// A bank payment came back after all.
    BankPaymentReturned {
        invoice: Invoice,
        amount: String,
        bank: String,
        reason: String,
        /// What is due now.
        left: String,
        link: Option<Link>,
    },
}

impl Content {
    pub(super) fn attachment(&self) -> Option<&Attachment> {
        match self {
            Content::Receipt { pdf, .. } | Content::Refund { pdf, .. } => Some(pdf),
            Content::BankPaymentStarted { pdf, .. } => pdf.as_ref(),
            _ => None,
        }
    }
}
