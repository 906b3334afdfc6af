//! The receipt's anatomy, from its head to its foot.

use krilla::tagging::{ArtifactType, BBox, ListNumbering, TableHeaderScope, Tag};

use super::draw::{Cover, write};
use super::faces::Weight;
use super::figures::{date, date_and_time, format_amount};
use super::model::{Company, Kind, Receipt};
use super::sheet::{BLACK, Edge, Element, HAIR, Ink, Look, Mark, Owner, Paper, QUIET, Sheets, WIDTH};
use super::{Error, Logo, wording};

const LABEL: f32 = 128.0;
const H1: std::num::NonZeroU16 = std::num::NonZeroU16::MIN;
const H2: std::num::NonZeroU16 = H1.saturating_add(1);

/// Draws the receipt as a PDF. Blocks for some milliseconds: call it inside `tokio::task::spawn_blocking`.
///
/// The same receipt and company give the same bytes. No name, script or picture makes it fail: a character that no
/// font has is replaced, and if the whole can't be written it is tried without the logo, then in Latin letters only.
pub fn render(receipt: &Receipt, company: &Company) -> Result<Vec<u8>, Error> {
    let logo = company.logo.as_ref();
    let mut reason = String::new();
    for (logo, plain) in [(logo, false), (None, false), (None, true)] {
        match Composer::new(receipt, company, logo, plain).compose() {
            Ok(pdf) => return Ok(pdf),
            Err(why) => reason = why,
        }
    }
    Err(Error::Unwritable { number: receipt.number.clone(), reason })
}

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

struct Composer<'a> {
    receipt: &'a Receipt,
    company: &'a Company,
    logo: Option<&'a Logo>,
    sheets: Sheets,
    structure: Vec<Element>,
}

impl<'a> Composer<'a> {
    fn new(receipt: &'a Receipt, company: &'a Company, logo: Option<&'a Logo>, plain: bool) -> Composer<'a> {
        let country = receipt.customer.country.as_deref().filter(|country| !country.trim().is_empty());
        let paper = Paper::of_country(country.or(company.country.as_deref()));
        Composer { receipt, company, logo, sheets: Sheets::new(paper, plain), structure: Vec::new() }
    }

    fn compose(mut self) -> Result<Vec<u8>, String> {
        if self.receipt.test {
            self.test_band();
        }
        self.head();
        self.facts();
        self.parties();
        let said = self.sheets.paragraph(
            &sentence(self.receipt),
            Look::body().bold().sized(17.0),
            Tag::Hn(H2, Some(sentence(self.receipt))),
        );
        self.structure.push(said);
        self.sheets.y += 12.0;
        self.account();
        self.notes();
        self.every_page();
        let receipt = self.receipt;
        let cover = Cover {
            title: format!("{} {} from {}", title(receipt), receipt.number, self.company.name),
            number: receipt.number.clone(),
            author: self.company.name.clone(),
            at: receipt.at.clone(),
        };
        write(self.sheets, self.structure, cover, self.logo.map(Logo::image))
    }

    fn test_band(&mut self) {
        let sheets = &mut self.sheets;
        let look = Look::body().bold();
        let block = sheets.block(wording::TEST_BAND, look, 10.0, WIDTH - 20.0, Edge::Left);
        let (x, y, height) = (sheets.paper.left(), sheets.y - 22.0, block.height() + 10.0);
        for (y, height, ink) in [(y, height, BLACK), (y + 1.0, height - 2.0, Ink::Grey(0xff))] {
            let inset = if ink == BLACK { 0.0 } else { 1.0 };
            let mark = Mark::Rule { x: x + inset, y, width: WIDTH - 2.0 * inset, thickness: height, ink };
            sheets.draw(Owner::Artifact(ArtifactType::Layout), mark);
        }
        let leaf = sheets.leaf();
        sheets.place(block, Owner::Leaf(leaf), y + 5.0);
        sheets.y = y + height + 18.0;
        self.structure.push(Element::Branch(Tag::P.into(), vec![Element::Leaf(leaf)]));
    }

    /// Title left, logo or the company's name right.
    fn head(&mut self) {
        let sheets = &mut self.sheets;
        let top = sheets.y;
        let leaf = sheets.leaf();
        let heading = sheets.block(title(self.receipt), Look::body().bold().sized(22.0), 0.0, 300.0, Edge::Left);
        let mut end = sheets.place(heading, Owner::Leaf(leaf), top);
        self.structure
            .push(Element::Branch(Tag::Hn(H1, Some(title(self.receipt).to_owned())).into(), vec![Element::Leaf(leaf)]));
        if let Some(logo) = self.logo {
            let (width, height) = logo.fit(160.0, 52.0);
            let x = sheets.paper.left() + WIDTH - width;
            let leaf = sheets.leaf();
            sheets.draw(Owner::Leaf(leaf), Mark::Picture { x, y: top, width, height });
            let area = krilla::geom::Rect::from_xywh(x, top, width, height).map(|rect| BBox::new(0, rect));
            let figure = Tag::Figure(Some(logo.alt().to_owned())).with_bbox(area);
            self.structure.push(Element::Branch(figure.into(), vec![Element::Leaf(leaf)]));
            end = end.max(top + height);
        } else {
            // The name is said again, whole, under "Paid to": a screen reader need not hear it here, and a very long one
            // is left out.
            let look = Look::body().bold().sized(13.0);
            let name = sheets.block(&self.company.name, look, 310.0, WIDTH - 310.0, Edge::Right);
            if name.lines.len() <= 3 {
                end = end.max(sheets.place(name, Owner::Artifact(ArtifactType::Layout), top + 4.0));
            }
        }
        sheets.y = end + 14.0;
    }

    /// Label and value rows, as a table with row headers.
    fn facts(&mut self) {
        let rows = facts(self.receipt);
        let sheets = &mut self.sheets;
        let mut table = Vec::new();
        for (label, value) in rows {
            let label = sheets.block(label, Look::body().quiet(), 0.0, LABEL - 10.0, Edge::Left);
            let value = sheets.block(&value, Look::body(), LABEL, WIDTH - LABEL, Edge::Left);
            let height = label.height().max(value.height());
            sheets.make_room(height);
            let (first, second, y) = (sheets.leaf(), sheets.leaf(), sheets.y);
            sheets.place(label, Owner::Leaf(first), y);
            sheets.place(value, Owner::Leaf(second), y);
            sheets.y = y + height + 2.5;
            table.push(row(vec![
                Element::Branch(Tag::TH(TableHeaderScope::Row).into(), vec![Element::Leaf(first)]),
                Element::Branch(Tag::TD.into(), vec![Element::Leaf(second)]),
            ]));
        }
        sheets.y += 14.0;
        self.structure.push(Element::Branch(Tag::Table.with_summary(Some(wording::PARTICULARS.into())).into(), table));
    }

    /// Who was paid and who paid, side by side.
    fn parties(&mut self) {
        let column = WIDTH / 2.0 - 12.0;
        let sides = [(0.0, wording::FROM, payee(self.company)), (WIDTH / 2.0 + 12.0, wording::BY, payer(self.receipt))];
        let sheets = &mut self.sheets;
        let mut blocks = Vec::new();
        let mut tallest = 0.0f32;
        for (x, heading, lines) in sides {
            let title = heading;
            let heading = sheets.block(title, Look::body().quiet(), x, column, Edge::Left);
            let mut height = heading.height() + 2.0;
            let mut texts = Vec::new();
            for (index, line) in lines.iter().enumerate() {
                let look = if index == 0 { Look::body().bold() } else { Look::body() };
                let block = sheets.block(line, look, x, column, Edge::Left);
                height += block.height();
                texts.push(block);
            }
            tallest = tallest.max(height);
            blocks.push((title, heading, texts));
        }
        sheets.make_room(tallest);
        let top = sheets.y;
        for (title, heading, texts) in blocks {
            let leaf = sheets.leaf();
            let mut y = sheets.place(heading, Owner::Leaf(leaf), top) + 2.0;
            self.structure.push(Element::Branch(Tag::Hn(H2, Some(title.to_owned())).into(), vec![Element::Leaf(leaf)]));
            for text in texts {
                let leaf = sheets.leaf();
                y = sheets.place(text, Owner::Leaf(leaf), y);
                self.structure.push(Element::Branch(Tag::P.into(), vec![Element::Leaf(leaf)]));
            }
        }
        sheets.y = top + tallest + 26.0;
    }

    /// Invoice total, paid before, this payment, left to pay.
    fn account(&mut self) {
        let mut rows = vec![self.account_head()];
        let entries = entries(self.receipt);
        let last = entries.len() - 1;
        for (index, entry) in entries.into_iter().enumerate() {
            let look = if entry.strong { Look::body().bold() } else { Look::body() };
            let sheets = &mut self.sheets;
            let item = sheets.block(&entry.item, look, 0.0, 160.0, Edge::Left);
            let detail = sheets.block(&entry.detail, Look::body().quiet(), 168.0, 158.0, Edge::Left);
            let amount = sheets.block(&entry.amount, look, 330.0, WIDTH - 330.0, Edge::Right);
            let height = item.height().max(detail.height()).max(amount.height());
            if sheets.y + height + 14.0 > sheets.bottom() {
                sheets.turn();
                // Repeated for the eye only: the table goes on in the structure.
                let owner = Owner::Artifact(ArtifactType::PaginationOther);
                self.account_head_as([owner; 3]);
            }
            let sheets = &mut self.sheets;
            let (a, b, c) = (sheets.leaf(), sheets.leaf(), sheets.leaf());
            let y = sheets.y + 6.0;
            sheets.place(item, Owner::Leaf(a), y);
            sheets.place(detail, Owner::Leaf(b), y);
            sheets.place(amount, Owner::Leaf(c), y);
            sheets.y = y + height + 6.0;
            let (thickness, ink) = if index + 1 >= last { (1.0, BLACK) } else { (0.5, HAIR) };
            sheets.rule(sheets.y, thickness, ink);
            rows.push(row(vec![
                Element::Branch(Tag::TH(TableHeaderScope::Row).into(), vec![Element::Leaf(a)]),
                Element::Branch(Tag::TD.into(), vec![Element::Leaf(b)]),
                Element::Branch(Tag::TD.into(), vec![Element::Leaf(c)]),
            ]));
        }
        self.sheets.y += 18.0;
        self.structure.push(Element::Branch(Tag::Table.with_summary(Some(wording::ACCOUNT.into())).into(), rows));
    }

    fn account_head(&mut self) -> Element {
        self.sheets.make_room(80.0);
        let leaves = [self.sheets.leaf(), self.sheets.leaf(), self.sheets.leaf()];
        self.account_head_as(leaves.map(Owner::Leaf));
        row(leaves
            .map(|leaf| Element::Branch(Tag::TH(TableHeaderScope::Column).into(), vec![Element::Leaf(leaf)]))
            .into())
    }

    fn account_head_as(&mut self, owners: [Owner; 3]) {
        let look = Look::body().quiet().sized(9.0);
        let sheets = &mut self.sheets;
        let blocks = [
            sheets.block(wording::ITEM, look, 0.0, 160.0, Edge::Left),
            sheets.block(wording::DETAIL, look, 168.0, 158.0, Edge::Left),
            sheets.block(wording::AMOUNT, look, 330.0, WIDTH - 330.0, Edge::Right),
        ];
        let y = sheets.y;
        let mut end = y;
        for (block, owner) in blocks.into_iter().zip(owners) {
            end = end.max(sheets.place(block, owner, y));
        }
        sheets.y = end + 3.0;
        sheets.rule(sheets.y, 1.0, BLACK);
    }

    /// What kind of paper this is, and whom to ask.
    fn notes(&mut self) {
        let mut items = Vec::new();
        for note in notes(self.receipt, self.company) {
            let leaf = self.sheets.leaf();
            let block = self.sheets.block(&note, Look::body().quiet().sized(9.5), 0.0, WIDTH, Edge::Left);
            self.sheets.make_room(block.height());
            self.sheets.y = self.sheets.place(block, Owner::Leaf(leaf), self.sheets.y) + 4.0;
            let body = Element::Branch(Tag::LBody.into(), vec![Element::Leaf(leaf)]);
            items.push(Element::Branch(Tag::LI.into(), vec![body]));
        }
        self.structure.push(Element::Branch(Tag::L(ListNumbering::None).into(), items));
    }

    /// Stripe, foot and watermark, once the number of pages is known.
    fn every_page(&mut self) {
        let sheets = &mut self.sheets;
        let count = sheets.pages.len();
        let (left, paper) = (sheets.paper.left(), sheets.paper);
        let look = Look::body().quiet().sized(8.5);
        let contact = contact(self.company);
        for index in 0..count {
            let mut marks = Vec::new();
            if self.receipt.test {
                let watermark = Look { weight: Weight::Bold, ..Look::body() }.sized(190.0);
                for line in sheets.lines(wording::TEST_MARK, watermark, 2000.0) {
                    let mark = Mark::Watermark { line, size: watermark.size };
                    marks.push((Owner::Artifact(ArtifactType::Watermark), mark));
                }
            }
            let ink = self.company.color.map_or(Ink::Grey(0x33), Ink::Color);
            let stripe = Mark::Rule { x: 0.0, y: 0.0, width: paper.width, thickness: 6.0, ink };
            marks.push((Owner::Artifact(ArtifactType::Layout), stripe));
            let y = paper.height - 58.0;
            let rule = Mark::Rule { x: left, y, width: WIDTH, thickness: 0.5, ink: HAIR };
            marks.push((Owner::Artifact(ArtifactType::Layout), rule));
            let baseline = |line: usize| y + 14.0 + line as f32 * look.leading();
            let foot = Owner::Artifact(ArtifactType::PaginationOther);
            for (nth, line) in sheets.lines(&contact, look, 350.0).into_iter().take(3).enumerate() {
                let (size, ink) = (look.size, look.ink);
                marks.push((foot, Mark::Text { line, x: left, baseline: baseline(nth), size, ink }));
            }
            let number = format!("{} · Page {} of {count}", self.receipt.number, index + 1);
            for (nth, line) in sheets.lines(&number, look, 125.0).into_iter().take(3).enumerate() {
                let x = left + WIDTH - line.width;
                let mark = Mark::Text { line, x, baseline: baseline(nth), size: look.size, ink: QUIET };
                marks.push((Owner::Artifact(ArtifactType::PageNumber), mark));
            }
            // Under what is printed, so that the watermark never covers a figure.
            marks.append(&mut sheets.pages[index]);
            sheets.pages[index] = marks;
        }
    }
}

fn row(cells: Vec<Element>) -> Element {
    Element::Branch(Tag::TR.into(), cells)
}

fn facts(receipt: &Receipt) -> Vec<(&'static str, String)> {
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

fn payee(company: &Company) -> Vec<String> {
    let mut lines = vec![company.name.clone()];
    lines.extend(company.legal_name.iter().filter(|legal| **legal != company.name).cloned());
    lines.extend(company.address.iter().cloned());
    lines
        .extend([&company.phone, &company.email, &company.website, &company.tax_number].into_iter().flatten().cloned());
    lines
}

fn payer(receipt: &Receipt) -> Vec<String> {
    let mut lines = vec![receipt.customer.name.clone()];
    lines.extend(receipt.customer.address.iter().cloned());
    lines
}

/// One row of the invoice's account.
struct Entry {
    item: String,
    detail: String,
    amount: String,
    strong: bool,
}

fn entries(receipt: &Receipt) -> Vec<Entry> {
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

fn notes(receipt: &Receipt, company: &Company) -> Vec<String> {
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

fn contact(company: &Company) -> String {
    let name = company.legal_name.as_ref().unwrap_or(&company.name);
    let parts = [Some(name), company.phone.as_ref(), company.email.as_ref(), company.website.as_ref()];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(" · ")
}
