//! The receipt, read by other people's PDF readers: poppler for text, structure and picture.
//!
//! The PDFs and pictures stay in `target/test-output/receipts`, to be looked at.

mod gallery;

use std::path::{Path, PathBuf};
use std::process::Command;

use quittance::receipt::{Company, Receipt, render};

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../test-output/receipts");
    std::fs::create_dir_all(&folder).expect("target can be written");
    folder
}

fn poppler(program: &str, options: &[&str], file: &Path, out: Option<&Path>) -> String {
    let run = Command::new(program).args(options).arg(file).args(out).output();
    let run = run.unwrap_or_else(|error| panic!("{program}: {error}. Install the package poppler-utils."));
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Writes the PDF and its picture, and reads it back.
struct Read {
    text: String,
    info: String,
    structure: String,
    size: usize,
}

fn read(name: &str, receipt: &Receipt, company: &Company) -> Read {
    let pdf = render(receipt, company).expect("a receipt");
    let file = folder().join(format!("{name}.pdf"));
    std::fs::write(&file, &pdf).expect("target can be written");
    poppler("pdftoppm", &["-r", "70", "-png"], &file, Some(&folder().join(name)));
    let unmarked = |text: String| text.replace(['\u{202a}', '\u{202b}', '\u{202c}', '\u{2068}', '\u{2069}'], "");
    let squeezed =
        |text: String| unmarked(text).replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    Read {
        text: squeezed(poppler("pdftotext", &["-layout"], &file, Some(Path::new("-")))),
        info: squeezed(poppler("pdfinfo", &["-enc", "UTF-8"], &file, None)),
        structure: squeezed(poppler("pdfinfo", &["-enc", "UTF-8", "-struct-text"], &file, None)),
        size: pdf.len(),
    }
}

#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn a_part_payment_says_all_that_a_receipt_must_say() {
    let (receipt, company) = gallery::part_payment();
    let read = read("part-payment", &receipt, &company);
    holds(
        &read.text,
        &[
            "Receipt for part payment",
            "R-2031",
            "23 November 2026, 14:02 CET (UTC+01:00)",
            "INV-1042, 3 November 2026",
            "Visa ending 4242",
            "pi_3QK2d8LkdIwHu7ix0zZfXyqA",
            "ACME*INV1042",
            "Northwind Traders Ltd",
            "VAT GB 123 4567 89",
            "$400.00 USD paid on 23 November 2026",
            "Invoice total INV-1042 $1,240.00 USD",
            "Paid before 9 November 2026, R-1987 $200.00 USD",
            "This payment 23 November 2026, R-2031 $400.00 USD",
            "Left to pay due 14 December 2026 $640.00 USD",
            "Receipt for payment. Not a tax invoice; see invoice INV-1042.",
            "R-2031 · Page 1 of 1",
        ],
    );
    holds(
        &read.info,
        &["Title: Receipt for part payment R-2031 from Northwind Traders", "Tagged: yes", "Pages: 1", "letter"],
    );
    assert!(!read.text.contains("TEST"));
    assert!(read.size < 200_000, "{} bytes are too many for a mail", read.size);
}

#[test]
fn a_screen_reader_hears_headings_tables_and_the_logo_in_order() {
    let (receipt, company) = gallery::part_payment();
    let heard = read("part-payment-heard", &receipt, &company).structure;
    let order = [
        "H1",
        "Receipt for part payment",
        "Figure",
        "Receipt number",
        "R-2031",
        "H2",
        "Paid to",
        "Northwind Traders Ltd",
        "Paid by",
        "Jane Doe & Sons",
        "H2",
        "$400.00 USD paid on",
        "Table",
        "Invoice total",
        "Left to pay",
        "Not a tax",
    ];
    let mut rest = heard.as_str();
    for step in order {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step:?} does not come next in: {rest}"));
        rest = &rest[at + step.len()..];
    }
    assert!(!heard.contains("Page 1 of 1"), "page numbers are no content: {heard}");
}

#[test]
fn the_same_receipt_is_the_same_bytes() {
    let (receipt, company) = gallery::part_payment();
    let first = render(&receipt, &company).expect("a receipt");
    assert_eq!(first, render(&receipt, &company).expect("a receipt"));
    let other = Receipt { number: "R-2032".to_owned(), ..receipt };
    assert_ne!(first, render(&other, &company).expect("a receipt"));
}

#[test]
fn each_paper_has_its_own_title_and_promise() {
    for (name, receipt, parts) in gallery::papers() {
        let (_, company) = gallery::part_payment();
        let read = read(name, &receipt, &company);
        holds(&read.text, &parts);
        holds(&read.info, &["Tagged: yes", "Pages: 1"]);
    }
}

#[test]
fn a_name_of_255_characters_is_printed_whole_and_nothing_leaves_the_paper() {
    let (receipt, company) = gallery::long_names();
    let read = read("long-names", &receipt, &company);
    let joined: String = read.structure.split(' ').collect();
    let name: String = receipt.customer.name.split(' ').collect();
    assert!(joined.contains(&name), "the name was cut: {}", read.structure);
    holds(&read.text, &["Page 1 of"]);
}

#[test]
fn other_scripts_can_be_read_back() {
    for (name, receipt, parts) in gallery::scripts() {
        let (_, company) = gallery::part_payment();
        let read = read(name, &receipt, &company);
        // Poppler before 24 turns right-to-left words round once more than the file does; each reading shows that the
        // letters are there.
        let seen = read.structure + &read.text;
        for part in parts {
            let turned: String = part.chars().rev().collect();
            assert!(seen.contains(part) || seen.contains(&turned), "{part:?} is missing in: {seen}");
        }
        holds(&read.info, &["Tagged: yes"]);
    }
}

#[test]
fn currencies_keep_their_own_decimals() {
    for (name, receipt, parts) in gallery::currencies() {
        let (_, company) = gallery::part_payment();
        holds(&read(name, &receipt, &company).text, &parts);
    }
}

#[test]
fn a_test_payment_says_so_loudly() {
    let (mut receipt, company) = gallery::part_payment();
    receipt.test = true;
    let read = read("test-payment", &receipt, &company);
    holds(&read.structure, &["TEST: no money moved"]);
}

#[test]
fn a_hundred_earlier_payments_go_on_to_further_pages() {
    let (receipt, company) = gallery::many_payments();
    let read = read("many-payments", &receipt, &company);
    holds(&read.text, &["R-1000", "R-1099", "Page 1 of 5", "Page 5 of 5", "Left to pay"]);
    assert_eq!(read.text.matches("Date and reference").count(), 5, "the table's head stands on each page");
}

#[test]
fn the_paper_follows_the_customers_country() {
    let (mut receipt, company) = gallery::part_payment();
    for (country, paper) in [(Some("US"), "letter"), (Some("Germany"), "A4"), (Some("Canada"), "letter"), (None, "A4")]
    {
        receipt.customer.country = country.map(str::to_owned);
        holds(&read("paper", &receipt, &company).info, &[paper]);
    }
}

#[test]
fn hostile_names_never_fail_a_receipt() {
    let (mut receipt, company) = gallery::part_payment();
    let names = [
        "",
        " ",
        "\0\u{1}\u{fffe}\u{feff}",
        "<b>&amp;</b>",
        "😀👩‍💻🏳️‍🌈",
        "\u{202e}gpj.exe",
        "\u{10ffff}\u{e000}",
        "=1+1",
        "אב\u{200d}12ab(سلام)",
    ];
    for name in names {
        receipt.customer.name = name.to_owned();
        receipt.invoice.number = name.to_owned();
        render(&receipt, &company).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
}
