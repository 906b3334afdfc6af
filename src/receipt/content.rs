//! What a receipt says, without how it is drawn.

use super::figures::{date, date_and_time, format_amount};
use super::model::{Company, Kind, Receipt};
use super::wording;

/// The title, as it stands at the head and in the viewer's window.
pub(super) fn title(receipt: &Receipt) -> &'static str {
    match receipt.kind {
        Kind::Payment if receipt.left.minor > 0 => "Receipt for part payment",
        Kind::Payment => "Receipt",
        Kind::Refund { .. } => "Refund receipt",
        Kind::BankPaymentStarted { .. } => "Payment confirmation",
        Kind::BankPaymentReturned { .. } => "Payment returned",
    }
}

/// "$400.00 USD paid on 23 November 2026".
pub(super) fn sentence(receipt: &Receipt) -> String {
    let (amount, day) = (format_amount(&receipt.amount), date(receipt.at.date()));
    match receipt.kind {
        Kind::Payment => format!("{amount} paid on {day}"),
        Kind::Refund { .. } => format!("{amount} refunded on {day}"),
        Kind::BankPaymentStarted { .. } => format!("Bank payment of {amount} started on {day}"),
        Kind::BankPaymentReturned { .. } => format!("Bank payment of {amount} came back on {day}"),
    }
}

/// What stands beside the label of each line under the title.
pub(super) fn facts(receipt: &Receipt) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let numbered = matches!(receipt.kind, Kind::Payment | Kind::Refund { .. });
    rows.push((if numbered { wording::RECEIPT_NUMBER } else { wording::NUMBER }, receipt.number.clone()));
    let when = match receipt.kind {
        Kind::Payment => wording::PAID_ON,
        Kind::Refund { .. } => wording::REFUNDED_ON,
        Kind::BankPaymentStarted { .. } => wording::STARTED_ON,
        Kind::BankPaymentReturned { .. } => wording::RETURNED_ON,
    };
    rows.push((when, date_and_time(&receipt.at)));
    if let Kind::BankPaymentStarted { expected_by: Some(day) } = receipt.kind {
        rows.push((wording::EXPECTED_BY, date(day)));
    }
    if let Kind::BankPaymentReturned { reason, .. } = &receipt.kind {
        rows.push((wording::REASON, reason.clone()));
    }
    if let Kind::Refund { of_receipt: Some(of) } | Kind::BankPaymentReturned { of_receipt: Some(of), .. } =
        &receipt.kind
    {
        rows.push((wording::REPLACES, of.clone()));
    }
    let invoice = &receipt.invoice;
    let dated = invoice.date.map(|day| format!("{}, {}", invoice.number, date(day)));
    rows.push((wording::INVOICE, dated.unwrap_or_else(|| invoice.number.clone())));
    if let Some(what) = invoice.what_for.as_ref().filter(|what| !what.trim().is_empty()) {
        rows.push((wording::WHAT_FOR, what.clone()));
    }
    let refund = matches!(receipt.kind, Kind::Refund { .. });
    let method = if refund { wording::REFUNDED_TO } else { wording::METHOD };
    rows.push((method, receipt.method.description.clone()));
    rows.push((wording::TRANSACTION, receipt.transaction.clone()));
    if let Some(descriptor) = &receipt.method.statement_descriptor {
        rows.push((wording::STATEMENT, descriptor.clone()));
    }
    rows
}

/// Who was paid.
pub(super) fn payee(company: &Company) -> Vec<String> {
    let mut lines = vec![company.name.clone()];
    lines.extend(company.legal_name.iter().filter(|legal| **legal != company.name).cloned());
    lines.extend(company.address.iter().cloned());
    lines
        .extend([&company.phone, &company.email, &company.website, &company.tax_number].into_iter().flatten().cloned());
    lines
}

/// Who paid.
pub(super) fn payer(receipt: &Receipt) -> Vec<String> {
    let mut lines = vec![receipt.customer.name.clone()];
    lines.extend(receipt.customer.address.iter().cloned());
    lines
}

/// One row of the invoice's account.
pub(super) struct Entry {
    pub(super) item: String,
    pub(super) detail: String,
    pub(super) amount: String,
    pub(super) strong: bool,
}

/// The invoice's account: its total, what was paid before, this payment, what is left.
pub(super) fn entries(receipt: &Receipt) -> Vec<Entry> {
    let entry = |item: &str, detail: String, amount, strong| Entry {
        item: item.to_owned(),
        detail,
        amount: format_amount(amount),
        strong,
    };
    let invoice = &receipt.invoice;
    let mut entries = vec![entry(wording::TOTAL, invoice.number.clone(), &invoice.total, false)];
    for earlier in &receipt.earlier {
        let parts = [earlier.date.map(date), earlier.receipt_number.clone()];
        let detail: Vec<String> = parts.into_iter().flatten().collect();
        entries.push(entry(wording::BEFORE, detail.join(", "), &earlier.amount, false));
    }
    let this = match receipt.kind {
        Kind::Payment => wording::THIS_PAYMENT,
        Kind::Refund { .. } => wording::REFUNDED,
        Kind::BankPaymentStarted { .. } => wording::IN_PROGRESS,
        Kind::BankPaymentReturned { .. } => wording::CAME_BACK,
    };
    let detail = format!("{}, {}", date(receipt.at.date()), receipt.number);
    entries.push(entry(this, detail, &receipt.amount, true));
    for tax in &receipt.taxes {
        entries.push(entry(&format!("of which {}", tax.label), String::new(), &tax.amount, false));
    }
    let due = invoice.due.filter(|_| receipt.left.minor > 0).map(|day| format!("due {}", date(day)));
    entries.push(entry(wording::LEFT, due.unwrap_or_default(), &receipt.left, true));
    entries
}

/// The sentences below the account.
pub(super) fn notes(receipt: &Receipt, company: &Company) -> Vec<String> {
    let invoice = &receipt.invoice.number;
    let mut notes = Vec::new();
    match &receipt.kind {
        Kind::Payment if receipt.left.minor <= 0 => notes.push(format!("Invoice {invoice} is paid in full.")),
        Kind::Payment => notes.push(format!(
            "Invoice {invoice} is paid in part; {} is left to pay.",
            format_amount(&receipt.left)
        )),
        Kind::Refund { .. } => notes.push(wording::REFUND_TIME.to_owned()),
        Kind::BankPaymentStarted { .. } => notes.push(
            "This confirms that the payment has started. It is not yet a receipt: you get one when the money has arrived."
                .to_owned(),
        ),
        Kind::BankPaymentReturned { of_receipt: Some(of), .. } => {
            notes.push(format!("The bank took the money back. Receipt {of} no longer holds."));
        }
        Kind::BankPaymentReturned { .. } => {
            notes.push("The bank did not pay. The amount is due again.".to_owned());
        }
    }
    notes.push(match receipt.kind {
        Kind::Payment => format!("Receipt for payment. Not a tax invoice; see invoice {invoice}."),
        Kind::Refund { .. } => {
            format!("Receipt for a refund. Not a tax invoice or credit note; see invoice {invoice}.")
        }
        _ => format!("Not a receipt and not a tax invoice; see invoice {invoice}."),
    });
    notes.extend(company.refund_policy.clone());
    let reach: Vec<&str> = [&company.phone, &company.email].into_iter().flatten().map(String::as_str).collect();
    if !reach.is_empty() {
        let (reach, number) = (reach.join(" or "), &receipt.number);
        notes.push(format!("{}: {reach}. Quote {number} and {invoice}.", wording::QUESTIONS));
    }
    notes
}

/// The line at the foot of each page.
pub(super) fn contact(company: &Company) -> String {
    let name = company.legal_name.as_ref().unwrap_or(&company.name);
    let parts = [Some(name), company.phone.as_ref(), company.email.as_ref(), company.website.as_ref()];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(" · ")
}
