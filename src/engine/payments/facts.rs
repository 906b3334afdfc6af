//! What a receipt says, fixed in the transaction that settles the payment.

use serde::{Deserialize, Serialize};

use super::Invoice;
use crate::domain::payable::Standing;
use crate::domain::payment::Payment;
use crate::domain::{Currency, Money, MoneyError};
use crate::store::payments::LedgerPayment;

/// An amount as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub minor: i64,
    pub currency: String,
}

impl Sum {
    pub fn money(&self) -> Option<Money> {
        Money::from_minor(self.minor, Currency::from_code(&self.currency).ok()?).ok()
    }
}

impl From<Money> for Sum {
    fn from(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency().code().to_owned() }
    }
}

/// A payment that came before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierPayment {
    pub amount: Sum,
    pub received_s: Option<i64>,
    pub receipt_number: Option<String>,
}

/// Everything that the receipt prints but the company's own data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFacts {
    pub number: String,
    pub link_id: Option<String>,
    pub invoice_id: Option<String>,
    pub invoice_number: String,
    pub what_for: Option<String>,
    pub due: Option<jiff::civil::Date>,
    pub total: Sum,
    pub customer_name: String,
    pub address: Vec<String>,
    pub country: Option<String>,
    pub amount: Sum,
    pub received_s: i64,
    pub method: String,
    pub descriptor: Option<String>,
    pub transaction: String,
    pub earlier: Vec<EarlierPayment>,
    pub left: Sum,
    pub test: bool,
}

/// The invoice's description, and what else the org wants customers to see.
fn what_for(invoice: &Invoice) -> Option<String> {
    let extras = invoice.extras.iter().map(|(label, text)| format!("{label}: {text}"));
    let all: Vec<String> = invoice.description.clone().into_iter().chain(extras).collect();
    (!all.is_empty()).then(|| all.join(" · "))
}

/// `standing` counts this payment already; `before` are the ledger's payments of the invoice without it.
pub(super) fn facts(
    number: &str,
    payment: &LedgerPayment,
    invoice: &Invoice,
    standing: &Standing,
    before: &[LedgerPayment],
    test: bool,
) -> Result<ReceiptFacts, MoneyError> {
    let settled_before = before.iter().filter(|one| matches!(one.state, Payment::Settled { .. }));
    let earlier = settled_before
        .map(|one| {
            Ok(EarlierPayment {
                amount: one.part().kept()?.into(),
                received_s: one.received_s,
                receipt_number: one.receipt_number.clone(),
            })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    Ok(ReceiptFacts {
        number: number.to_owned(),
        link_id: payment.link.clone(),
        invoice_id: Some(invoice.id.as_str().to_owned()),
        invoice_number: invoice.number.clone(),
        what_for: what_for(invoice),
        due: invoice.due,
        total: invoice.total.into(),
        customer_name: invoice.account_name.clone(),
        address: invoice.address.clone(),
        country: invoice.country.clone(),
        amount: payment.part().received.into(),
        received_s: payment.received_s.unwrap_or_default(),
        method: payment.method_detail.clone().unwrap_or_else(|| payment.kind.in_salesforce().to_owned()),
        descriptor: payment.descriptor.clone(),
        transaction: payment.stripe_id.clone(),
        earlier,
        left: standing.balance()?.into(),
        test,
    })
}
