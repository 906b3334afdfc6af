//! The receipt's anatomy, from its head to its foot.

use krilla::tagging::{ArtifactType, BBox, ListNumbering, TableHeaderScope, Tag};

use super::content::{contact, entries, facts, notes, payee, payer, sentence, title};
use super::draw::{Cover, write};
use super::faces::Weight;
use super::model::{Company, Receipt};
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
