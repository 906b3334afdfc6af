//! A receipt to vary in tests.

use super::{Amount, Company, Customer, Earlier, Invoice, Kind, Method, Receipt};

/// $400.00 of $1,240.00, paid by card to Acme.
pub(super) fn payment() -> (Receipt, Company) {
    let usd = |minor| Amount::new(minor, 2, "USD");
    let company =
        Company { name: "Acme".to_owned(), email: Some("billing@acme.example".to_owned()), ..Company::default() };
    let receipt = Receipt {
        number: "R-2031".to_owned(),
        kind: Kind::Payment,
        customer: Customer { name: "Jane Doe".to_owned(), address: Vec::new(), country: Some("US".to_owned()) },
        invoice: Invoice {
            number: "INV-1042".to_owned(),
            date: Some(jiff::civil::date(2026, 11, 3)),
            due: Some(jiff::civil::date(2026, 12, 14)),
            what_for: Some("Consulting in October".to_owned()),
            total: usd(124_000),
        },
        amount: usd(40_000),
        at: jiff::civil::date(2026, 11, 23).at(14, 2, 9, 0).in_tz("UTC").expect("UTC is always known"),
        method: Method { description: "Visa ending 4242".to_owned(), statement_descriptor: None },
        transaction: "pi_3Q0000000000000000000001".to_owned(),
        earlier: vec![Earlier { amount: usd(20_000), date: None, receipt_number: Some("R-1999".to_owned()) }],
        left: usd(64_000),
        taxes: Vec::new(),
        test: false,
    };
    (receipt, company)
}
