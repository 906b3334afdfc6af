//! The receipt: rendering is CPU alone.

use std::time::Instant;

use quittance::receipt::{Amount, Company, Customer, Earlier, Invoice, Kind, Method, Receipt, render};

use super::rows::{Row, Samples};

const TIMES: usize = 200;

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let latin = receipt("Jane Doe", "Consulting in October", 1)?;
    let long = receipt(
        "Διεθνής Εμπορική Εταιρεία Συμβούλων και Συνεργατών Ανώνυμος Εταιρεία 山田太郎株式会社 Привет",
        "相談料 Консультации в октябре, und was sonst noch alles auf einer langen Zeile steht",
        40,
    )?;
    let cold = Instant::now();
    render(&latin, &company())?;
    let cold = cold.elapsed();
    let mut rows = Vec::new();
    for (name, receipt) in [("one page", &latin), ("several scripts, 40 earlier payments", &long)] {
        let mut samples = Samples::default();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let start = Instant::now();
            bytes = render(receipt, &company())?.len();
            samples.add(start.elapsed());
        }
        let beside = format!("{} kB; the very first {:.1} ms", bytes / 1_000, cold.as_secs_f64() * 1_000.0);
        rows.push(Row::new(format!("receipt PDF, {name}"), samples.halves(), beside));
    }
    Ok(rows)
}

fn company() -> Company {
    Company {
        name: "Acme".to_owned(),
        legal_name: Some("Acme Consulting Ltd.".to_owned()),
        address: vec!["1 Main Street".to_owned(), "Springfield".to_owned()],
        email: Some("billing@acme.example".to_owned()),
        color: Some([0x1f, 0x4e, 0x79]),
        ..Company::default()
    }
}

fn receipt(name: &str, what_for: &str, earlier: usize) -> anyhow::Result<Receipt> {
    let usd = |minor| Amount::new(minor, 2, "USD");
    let before = |number: usize| Earlier {
        amount: usd(1_000),
        date: Some(jiff::civil::date(2026, 11, 3)),
        receipt_number: Some(format!("R-{}", 1_900 + number)),
    };
    Ok(Receipt {
        number: "R-2031".to_owned(),
        kind: Kind::Payment,
        customer: Customer {
            name: name.to_owned(),
            address: vec!["2 High Street".to_owned(), "Shelbyville".to_owned()],
            country: Some("US".to_owned()),
        },
        invoice: Invoice {
            number: "INV-1042".to_owned(),
            date: Some(jiff::civil::date(2026, 11, 3)),
            due: Some(jiff::civil::date(2026, 12, 14)),
            what_for: Some(what_for.to_owned()),
            total: usd(124_000),
        },
        amount: usd(40_000),
        at: jiff::civil::date(2026, 11, 23).at(14, 2, 9, 0).in_tz("UTC")?,
        method: Method { description: "Visa ending 4242".to_owned(), statement_descriptor: None },
        transaction: "pi_3Q0000000000000000000001".to_owned(),
        earlier: (0..earlier).map(before).collect(),
        left: usd(64_000),
        taxes: Vec::new(),
        test: false,
    })
}
