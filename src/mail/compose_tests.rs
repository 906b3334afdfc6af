use mail_parser::{MessageParser, MimeHeaders, PartType};

use super::super::letter::{Attachment, Contact, Invoice, Link, Recipient};
use super::*;

fn sender() -> Sender {
    let mut sender = Sender::new("Acme", "Acme Billing <billing@acme.example>", Some("billing@acme.example")).unwrap();
    sender.contact = Contact {
        phone: Some("+1 555 0100".to_owned()),
        email: Some("billing@acme.example".to_owned()),
        postal: Some("1 Acme Way, Springfield".to_owned()),
    };
    sender
}

fn invoice() -> Invoice {
    Invoice {
        number: "INV-1042".to_owned(),
        what_for: Some("Consulting in October".to_owned()),
        due: Some(jiff::civil::date(2026, 12, 14)),
    }
}

fn link() -> Link {
    Link {
        url: "https://pay.acme.example/p/Zk3vQ0yC7vJm2hN8s1xW4tR6uB9eD5gLaKfPiYoTqEA".to_owned(),
        works_until: Some("14 December 2026, 23:59 CET".to_owned()),
    }
}

fn pdf() -> Attachment {
    Attachment { name: "Receipt-R-2031-Acme-INV-1042.pdf".to_owned(), pdf: b"%PDF-1.7 \xff\x00 end".to_vec() }
}

fn letter(content: Content) -> Letter {
    Letter {
        to: Recipient { name: Some("Jane Doe".to_owned()), address: "jane@customer.example".to_owned() },
        message_id: "a1b2.receipt@pay.acme.example".to_owned(),
        in_reply_to: None,
        at: "2026-11-23T13:02:09Z".parse().unwrap(),
        content,
        test: false,
    }
}

fn request() -> Content {
    Content::Request {
        invoice: invoice(),
        due: "$1,240.00 USD".to_owned(),
        paid_before: None,
        note: Some("Thank you for your patience.\nKind regards, Ann".to_owned()),
        link: link(),
    }
}

fn receipt(left: Option<&str>) -> Content {
    Content::Receipt {
        invoice: invoice(),
        number: "R-2031".to_owned(),
        amount: "$400.00 USD".to_owned(),
        paid_at: "23 November 2026, 14:02 CET".to_owned(),
        method: "Visa ending 4242".to_owned(),
        statement_descriptor: Some("ACME*INV1042".to_owned()),
        left: left.map(str::to_owned),
        link: Some(link()),
        pdf: pdf(),
    }
}

fn code() -> Content {
    Content::Code {
        invoice: invoice(),
        code: "483920".to_owned(),
        until: "14:35 CET".to_owned(),
        page_host: "pay.acme.example".to_owned(),
    }
}

fn all() -> Vec<(&'static str, Content)> {
    let bank = "Chase account ending 6789".to_owned();
    vec![
        ("request", request()),
        (
            "reminder",
            Content::Reminder {
                invoice: invoice(),
                left: "$840.00 USD".to_owned(),
                paid_before: Some("$400.00 USD".to_owned()),
                link: link(),
                unsubscribe: Some("https://pay.acme.example/stop/abc".to_owned()),
            },
        ),
        (
            "link-again",
            Content::LinkAgain { invoice: invoice(), left: "$840.00 USD".to_owned(), link: link(), older_works: false },
        ),
        ("receipt", receipt(Some("$840.00 USD"))),
        ("receipt-full", receipt(None)),
        (
            "refund",
            Content::Refund {
                invoice: invoice(),
                number: "R-2040".to_owned(),
                amount: "$100.00 USD".to_owned(),
                to: "Visa ending 4242".to_owned(),
                left: None,
                pdf: pdf(),
            },
        ),
        ("code", code()),
        (
            "authorise",
            Content::Authorise {
                invoice: invoice(),
                amount: "$840.00 USD".to_owned(),
                bank: bank.clone(),
                link: link(),
            },
        ),
        (
            "deposits",
            Content::Deposits {
                invoice: invoice(),
                amount: "$840.00 USD".to_owned(),
                bank: bank.clone(),
                code: true,
                arrives_by: Some(jiff::civil::date(2026, 12, 1)),
                mandate: Some("On 28 November 2026 I authorise Acme to debit $840.00 USD.".to_owned()),
                link: link(),
            },
        ),
        (
            "bank-started",
            Content::BankPaymentStarted {
                invoice: invoice(),
                amount: "$840.00 USD".to_owned(),
                bank: bank.clone(),
                expected_by: Some(jiff::civil::date(2026, 12, 9)),
                mandate: None,
                pdf: None,
            },
        ),
        (
            "bank-returned",
            Content::BankPaymentReturned {
                invoice: invoice(),
                amount: "$840.00 USD".to_owned(),
                bank,
                reason: "Not enough money".to_owned(),
                left: "$840.00 USD".to_owned(),
                link: Some(link()),
            },
        ),
    ]
}

fn composed(letter: &Letter) -> Vec<u8> {
    message(letter, &sender()).unwrap().formatted()
}

/// Subject, plain text, HTML, as another library reads them.
fn read(raw: &[u8]) -> (String, String, String) {
    let mail = MessageParser::default().parse(raw).unwrap();
    let html = mail.html_part(0).map(|part| match &part.body {
        PartType::Html(html) => html.to_string(),
        _ => String::new(),
    });
    (mail.subject().unwrap().to_owned(), mail.body_text(0).unwrap().to_string(), html.unwrap())
}

#[test]
fn subjects_begin_with_what_tells_them_apart() {
    let subjects: Vec<String> = all().into_iter().map(|(_, content)| read(&composed(&letter(content))).0).collect();
    assert_eq!(
        subjects,
        [
            "Invoice INV-1042 from Acme: $1,240.00 USD due 14 Dec",
            "Reminder: INV-1042 from Acme, $840.00 USD left, due 14 Dec",
            "Your new link for INV-1042 from Acme",
            "Receipt: $400.00 USD to Acme for INV-1042",
            "Receipt: $400.00 USD to Acme for INV-1042",
            "Refund of $100.00 USD for INV-1042 from Acme",
            "483920 is your Acme code for INV-1042",
            "Authorise $840.00 USD to Acme for INV-1042",
            "Verify your bank account for INV-1042 from Acme",
            "Bank payment of $840.00 USD to Acme has started",
            "Your bank payment to Acme came back: $840.00 USD is due again",
        ]
    );
}

#[test]
fn a_receipt_carries_its_headers_and_its_pdf_whole() {
    let mut letter = letter(receipt(Some("$840.00 USD")));
    letter.in_reply_to = Some("a1b2.request@pay.acme.example".to_owned());
    let raw = composed(&letter);
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.message_id(), Some("a1b2.receipt@pay.acme.example"));
    assert_eq!(mail.in_reply_to().as_text(), Some("a1b2.request@pay.acme.example"));
    assert_eq!(mail.references().as_text(), Some("a1b2.request@pay.acme.example"));
    assert_eq!(mail.from().unwrap().first().unwrap().name(), Some("Acme Billing"));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("billing@acme.example"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-11-23T13:02:09Z");
    let header = |name: &str| mail.header_raw(name).map(|value| value.trim().to_owned());
    assert_eq!(header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(header("Content-Language").as_deref(), Some("en"));
    assert_eq!(header("List-Unsubscribe"), None);
    assert_eq!(header("Precedence"), None);
    assert_eq!(mail.attachment_count(), 1);
    let file = mail.attachment(0).unwrap();
    assert_eq!(file.attachment_name(), Some("Receipt-R-2031-Acme-INV-1042.pdf"));
    assert_eq!(file.contents(), pdf().pdf);
    assert_eq!(file.content_type().unwrap().subtype(), Some("pdf"));
}

#[test]
fn both_parts_say_the_same_facts_and_stay_small() {
    for (name, content) in all() {
        let (_, text, html) = read(&composed(&letter(content)));
        assert!(html.len() <= 35_000, "{name}: {} bytes", html.len());
        assert!(text.lines().all(|line| line.chars().count() <= 74 || line.starts_with("https://")), "{name}: {text}");
        for fact in ["INV-1042", "Acme"] {
            assert!(text.contains(fact) && html.contains(fact), "{name} lacks {fact}: {text}");
        }
        assert!(
            !text.contains('!')
                && !html
                    .replace("<!--[", "")
                    .replace("<![", "")
                    .replace("<!DOCTYPE", "")
                    .replace("!important", "")
                    .contains('!'),
            "{name} shouts"
        );
    }
}

#[test]
fn the_link_stands_alone_on_its_line_and_is_the_same_in_both_parts() {
    let (_, text, html) = read(&composed(&letter(request())));
    assert!(text.lines().any(|line| line == link().url), "{text}");
    assert!(html.contains(&format!("href=\"{}\"", link().url)));
    assert!(text.contains("pay.acme.example;"), "the host is named: {text}");
}

#[test]
fn a_code_letter_holds_no_link_and_no_second_number_of_six_digits() {
    let (_, text, html) = read(&composed(&letter(code())));
    assert!(!text.contains("://") && !html.contains("<a ") && !html.contains("://"), "{text}");
    assert!(text.trim_start().starts_with("483920 is your code"), "{text}");
    let shown = html.split("</head>").nth(1).unwrap();
    for run in [text.as_str(), shown].iter().flat_map(|part| part.split(|sign: char| !sign.is_ascii_digit())) {
        assert!(run.len() != 6 || run == "483920", "{run} could pass for the code");
    }
}

#[test]
fn only_a_reminder_can_be_unsubscribed_from() {
    for (name, content) in all() {
        let raw = composed(&letter(content));
        let mail = MessageParser::default().parse(&raw).unwrap();
        let both = (mail.header_raw("List-Unsubscribe"), mail.header_raw("List-Unsubscribe-Post"));
        match name {
            "reminder" => {
                assert_eq!(both.0.map(str::trim), Some("<https://pay.acme.example/stop/abc>"));
                assert_eq!(both.1.map(str::trim), Some("List-Unsubscribe=One-Click"));
            }
            _ => assert_eq!(both, (None, None), "{name}"),
        }
    }
}

#[test]
fn names_can_neither_add_headers_nor_markup() {
    let mut letter = letter(request());
    letter.to.name = Some("Eve\r\nBcc: everyone@victims.example\r\n\r\n<script>alert(1)</script>".to_owned());
    if let Content::Request { invoice, note, .. } = &mut letter.content {
        invoice.number = "INV\r\nX-Evil: 1\"><img src=x onerror=alert(1)>".to_owned();
        invoice.what_for = Some("a & b <b>bold</b> \u{202e}gpj".to_owned());
        *note = Some("</td></table><form action=https://evil.example>".to_owned());
    }
    let raw = composed(&letter);
    let head = String::from_utf8_lossy(&raw).split("\r\n\r\n").next().unwrap().to_owned();
    assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-Evil")), "{head}");
    let (_, text, html) = read(&raw);
    for tag in ["<script", "<img", "<form", "<b>"] {
        assert!(!html.contains(tag), "{tag} came through");
    }
    assert!(html.contains("&lt;form action=https://evil.example&gt;"));
    assert!(!text.contains('\u{202e}') && !html.contains('\u{202e}'));
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.to().unwrap().iter().count(), 1);
}

#[test]
fn a_right_to_left_customer_is_isolated() {
    let mut letter = letter(request());
    letter.to.name = Some("شركة النور (2026)".to_owned());
    let (_, text, html) = read(&composed(&letter));
    assert!(text.contains("Hello \u{2068}شركة النور (2026)\u{2069},"), "{text}");
    assert!(html.contains("<bdi>شركة النور (2026)</bdi>"));
}

#[test]
fn the_same_letter_is_the_same_bytes() {
    assert_eq!(composed(&letter(receipt(None))), composed(&letter(receipt(None))));
}

#[test]
fn an_address_that_is_none_is_the_clerks_to_correct() {
    for address in ["", "jane", "jane@", "a@b@c", "jane@x y", "jane@acme.example\r\nRCPT TO:<x@y>"] {
        let mut letter = letter(request());
        letter.to.address = address.to_owned();
        assert!(matches!(message(&letter, &sender()), Err(Error::RefusedAddress { .. })), "{address:?}");
    }
}

#[test]
fn a_message_id_that_would_break_its_header_is_not_sent() {
    for id in ["", "no-host", "a@b\r\nBcc: x@y", "a b@c", "a@b@c"] {
        let mut letter = letter(request());
        letter.message_id = id.to_owned();
        assert!(matches!(message(&letter, &sender()), Err(Error::Configuration { .. })), "{id:?}");
    }
}

#[test]
fn a_test_letter_says_so_before_anything_else() {
    let mut letter = letter(request());
    letter.test = true;
    let (subject, text, html) = read(&composed(&letter));
    assert!(subject.starts_with("[TEST] Invoice"), "{subject}");
    assert!(text.starts_with("*** TEST"), "{text}");
    assert!(html.contains("TEST: no money moves."));
}

/// Not a check: writes each letter for looking at, `cargo test --lib letters_to_look_at -- --ignored`.
#[test]
#[ignore = "writes files to look at"]
fn letters_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-output/letters");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, content) in all() {
        let raw = composed(&letter(content));
        let (_, text, html) = read(&raw);
        std::fs::write(folder.join(format!("{name}.eml")), &raw).unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), text).unwrap();
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}
