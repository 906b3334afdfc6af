//! Receipts as they may come, one for each thing that can go wrong on paper.

use jiff::civil::date;
use quittance::receipt::{Amount, Company, Customer, Earlier, Invoice, Kind, Logo, Method, Receipt, TaxShare};

type Case = (&'static str, Receipt, Vec<&'static str>);

fn usd(minor: i64) -> Amount {
    Amount::new(minor, 2, "USD")
}

pub fn part_payment() -> (Receipt, Company) {
    let company = Company {
        name: "Northwind Traders".to_owned(),
        legal_name: Some("Northwind Traders Ltd".to_owned()),
        address: vec!["12 Harbour Street".to_owned(), "Bristol BS1 4RN".to_owned(), "United Kingdom".to_owned()],
        country: Some("GB".to_owned()),
        phone: Some("+44 117 496 0123".to_owned()),
        email: Some("billing@northwind.example".to_owned()),
        website: None,
        tax_number: Some("VAT GB 123 4567 89".to_owned()),
        logo: Some(Logo::new(include_bytes!("logo.png").to_vec(), "Northwind Traders").expect("a logo")),
        color: Some([0x1d, 0x4e, 0x89]),
        refund_policy: Some("Refunds: write to billing@northwind.example within 30 days.".to_owned()),
    };
    let receipt = Receipt {
        number: "R-2031".to_owned(),
        kind: Kind::Payment,
        customer: Customer {
            name: "Jane Doe & Sons".to_owned(),
            address: vec!["400 Main Street, Suite 12".to_owned(), "Springfield, IL 62701".to_owned(), "USA".to_owned()],
            country: Some("US".to_owned()),
        },
        invoice: Invoice {
            number: "INV-1042".to_owned(),
            date: Some(date(2026, 11, 3)),
            due: Some(date(2026, 12, 14)),
            what_for: Some("Consulting in October, 8 hours on site".to_owned()),
            total: usd(124_000),
        },
        amount: usd(40_000),
        at: date(2026, 11, 23).at(14, 2, 9, 0).in_tz("Europe/Berlin").expect("the zone is known"),
        method: Method {
            description: "Visa ending 4242".to_owned(),
            statement_descriptor: Some("ACME*INV1042".to_owned()),
        },
        transaction: "pi_3QK2d8LkdIwHu7ix0zZfXyqA".to_owned(),
        earlier: vec![Earlier {
            amount: usd(20_000),
            date: Some(date(2026, 11, 9)),
            receipt_number: Some("R-1987".to_owned()),
        }],
        left: usd(64_000),
        taxes: Vec::new(),
        test: false,
    };
    (receipt, company)
}

pub fn papers() -> Vec<Case> {
    let (part, _) = part_payment();
    let full = Receipt {
        amount: usd(104_000),
        left: usd(0),
        taxes: vec![TaxShare { label: "VAT 20 %".to_owned(), amount: usd(17_333) }],
        ..part.clone()
    };
    let refund = Receipt {
        number: "R-2040".to_owned(),
        kind: Kind::Refund { of_receipt: Some("R-2031".to_owned()) },
        amount: usd(10_000),
        left: usd(74_000),
        ..part.clone()
    };
    let started = Receipt {
        kind: Kind::BankPaymentStarted { expected_by: Some(date(2026, 12, 9)) },
        method: Method { description: "Chase account ending 6789".to_owned(), statement_descriptor: None },
        ..part.clone()
    };
    let returned = Receipt {
        kind: Kind::BankPaymentReturned {
            of_receipt: Some("R-2031".to_owned()),
            reason: "Not enough money".to_owned(),
        },
        ..started.clone()
    };
    vec![
        (
            "full-payment",
            full,
            vec![
                "Receipt Receipt number",
                "of which VAT 20 %",
                "$173.33 USD",
                "Left to pay $0.00 USD",
                "is paid in full",
            ],
        ),
        (
            "refund",
            refund,
            vec![
                "Refund receipt",
                "Refunded on",
                "Refunded to Visa ending 4242",
                "For receipt R-2031",
                "$100.00 USD refunded on 23 November 2026",
                "5 to 10 business days",
            ],
        ),
        (
            "bank-started",
            started,
            vec!["Payment confirmation", "Expected by 9 December 2026", "In progress by bank", "not yet a receipt"],
        ),
        ("bank-returned", returned, vec!["Payment returned", "Not enough money", "Receipt R-2031 no longer holds"]),
    ]
}

pub fn long_names() -> (Receipt, Company) {
    let (mut receipt, mut company) = part_payment();
    let words = "Society for the Promotion of Very Long and Entirely Legal Company Names in All Member States ";
    receipt.customer.name = words.repeat(3).chars().take(252).collect::<String>() + "End";
    company.name = "W".repeat(255);
    company.logo = None;
    receipt.invoice.what_for = Some("Reconciliation ".repeat(17).trim().to_owned());
    receipt.invoice.number = "INV-".to_owned() + &"8".repeat(76);
    (receipt, company)
}

pub fn scripts() -> Vec<Case> {
    let (base, _) = part_payment();
    let named = |name: &str, address: &[&str]| {
        let mut receipt = base.clone();
        receipt.customer.name = name.to_owned();
        receipt.customer.address = address.iter().map(|line| (*line).to_owned()).collect();
        receipt.customer.country = None;
        receipt
    };
    vec![
        (
            "japanese",
            named("株式会社山田製作所", &["東京都千代田区丸の内一丁目9番1号", "日本"]),
            vec!["株式会社山田製作所", "丸の内一丁目"],
        ),
        (
            "arabic",
            named("شركة النور للتجارة (Al Noor) ش.م.م", &["شارع الملك فهد 12", "الرياض 12211"]),
            vec!["شركة النور للتجارة", "Al Noor", "شارع الملك فهد"],
        ),
        ("hebrew", named("חברת השמש בע\"מ", &["רחוב הרצל 5, תל אביב"]), vec!["חברת השמש", "תל אביב"]),
        (
            "many-scripts",
            named(
                "Zażółć Ελληνικά Общество บริษัท कंपनी தமிழ் 한국 华为 ქართული",
                &["Nguyễn Thị Hồng · Đường Lê Lợi", "ಕಂಪನಿ తెలుగు മലയാളം বাংলা", "emoji 😀 is replaced"],
            ),
            vec!["Zażółć", "Ελληνικά", "Общество", "한국", "Nguyễn"],
        ),
    ]
}

pub fn currencies() -> Vec<Case> {
    let (base, _) = part_payment();
    let paid = |decimals: u8, code: &str, total: i64, paid: i64| {
        let amount = |minor| Amount::new(minor, decimals, code);
        let mut receipt =
            Receipt { amount: amount(paid), left: amount(total - paid), earlier: Vec::new(), ..base.clone() };
        receipt.invoice.total = amount(total);
        receipt
    };
    vec![
        ("kwd", paid(3, "KWD", 1_240_500, 400_125), vec!["400.125 KWD paid on", "1,240.500 KWD", "840.375 KWD"]),
        ("jpy", paid(0, "JPY", 1_240_000, 400_000), vec!["¥400,000 JPY paid on", "¥1,240,000 JPY"]),
        ("huge", paid(2, "IDR", i64::MAX, i64::MAX / 2), vec!["92,233,720,368,547,758.07 IDR"]),
    ]
}

pub fn many_payments() -> (Receipt, Company) {
    let (mut receipt, company) = part_payment();
    receipt.earlier = (0..100)
        .map(|nth| Earlier {
            amount: usd(100),
            date: Some(date(2026, 1, 1).checked_add(jiff::Span::new().days(nth)).expect("a day")),
            receipt_number: Some(format!("R-{}", 1000 + nth)),
        })
        .collect();
    (receipt, company)
}
