//! Sheets of paper before they are PDF: what is drawn where, and which element of the structure it belongs to.
//!
//! Two steps, because "page 1 of 2" can be written only when the last page is known.

use krilla::tagging::{ArtifactType, TagKind};

use super::faces::Weight;
use super::text::{Line, Style, wrap};

/// Width of everything that is printed, in points: 170 mm, which both paper sizes hold.
pub(super) const WIDTH: f32 = 482.0;

/// Letter or A4, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paper {
    pub(super) width: f32,
    pub(super) height: f32,
}

pub(super) const LETTER: Paper = Paper { width: 612.0, height: 792.0 };
pub(super) const A4: Paper = Paper { width: 595.28, height: 841.89 };

impl Paper {
    /// Letter where offices have Letter in the printer, else A4. Takes a two-letter code or a name.
    pub(super) fn of_country(country: Option<&str>) -> Paper {
        const LETTERS: &[&str] = &[
            "US",
            "USA",
            "UNITED STATES",
            "UNITED STATES OF AMERICA",
            "CA",
            "CANADA",
            "MX",
            "MEXICO",
            "MÉXICO",
            "CO",
            "COLOMBIA",
            "CL",
            "CHILE",
            "PH",
            "PHILIPPINES",
            "VE",
            "VENEZUELA",
            "PR",
            "PUERTO RICO",
        ];
        let country = country.unwrap_or_default().trim().to_uppercase();
        if LETTERS.contains(&country.as_str()) { LETTER } else { A4 }
    }

    pub(super) fn left(self) -> f32 {
        (self.width - WIDTH) / 2.0
    }
}

/// Where a mark stands in the document's structure.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Owner {
    /// Not part of it: rules, page numbers, watermarks.
    Artifact(ArtifactType),
    /// A leaf, by its number.
    Leaf(usize),
}

/// Something drawn. Coordinates are points from the top left corner.
pub(super) enum Mark {
    Text { line: Line, x: f32, baseline: f32, size: f32, ink: Ink },
    Rule { x: f32, y: f32, width: f32, thickness: f32, ink: Ink },
    Picture { x: f32, y: f32, width: f32, height: f32 },
    Watermark { line: Line, size: f32 },
}

/// Black down to the lightest grey that can still be read, and the company's colour.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ink {
    Grey(u8),
    Color([u8; 3]),
}

pub(super) const BLACK: Ink = Ink::Grey(0x11);
/// 4.5:1 and better on white.
pub(super) const QUIET: Ink = Ink::Grey(0x55);
pub(super) const HAIR: Ink = Ink::Grey(0xcc);

/// The structure that screen readers walk.
pub(super) enum Element {
    Branch(TagKind, Vec<Element>),
    Leaf(usize),
}

/// All pages, and the pen's height on the last of them.
pub(super) struct Sheets {
    pub(super) paper: Paper,
    pub(super) pages: Vec<Vec<(Owner, Mark)>>,
    pub(super) leaves: usize,
    pub(super) y: f32,
    plain: bool,
}

/// How a piece of text looks.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) ink: Ink,
}

impl Look {
    pub(super) const fn body() -> Look {
        Look { size: 10.0, weight: Weight::Regular, ink: BLACK }
    }
    pub(super) const fn bold(self) -> Look {
        Look { weight: Weight::Bold, ..self }
    }
    pub(super) const fn quiet(self) -> Look {
        Look { ink: QUIET, ..self }
    }
    pub(super) const fn sized(self, size: f32) -> Look {
        Look { size, ..self }
    }
    /// From one baseline to the next.
    pub(super) fn leading(self) -> f32 {
        self.size * if self.size > 14.0 { 1.25 } else { 1.4 }
    }
}

/// Which edge a column's lines keep to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Edge {
    Left,
    Right,
}

/// Text broken into lines for a column, not yet placed.
pub(super) struct Block {
    pub(super) lines: Vec<Line>,
    look: Look,
    edge: Edge,
    x: f32,
    width: f32,
}

impl Block {
    pub(super) fn height(&self) -> f32 {
        self.lines.len() as f32 * self.look.leading()
    }
}

impl Sheets {
    pub(super) const TOP: f32 = 54.0;
    /// Kept free at the bottom for the foot.
    pub(super) const FOOT: f32 = 78.0;

    pub(super) fn new(paper: Paper, plain: bool) -> Sheets {
        Sheets { paper, pages: vec![Vec::new()], leaves: 0, y: Sheets::TOP, plain }
    }

    pub(super) fn bottom(&self) -> f32 {
        self.paper.height - Sheets::FOOT
    }

    pub(super) fn leaf(&mut self) -> usize {
        self.leaves += 1;
        self.leaves - 1
    }

    pub(super) fn draw(&mut self, owner: Owner, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push((owner, mark));
        }
    }

    pub(super) fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = Sheets::TOP;
    }

    /// Turns the page unless `height` still fits on this one.
    pub(super) fn make_room(&mut self, height: f32) {
        if self.y + height > self.bottom() && self.y > Sheets::TOP {
            self.turn();
        }
    }

    pub(super) fn lines(&self, text: &str, look: Look, widest: f32) -> Vec<Line> {
        wrap(text, Style { weight: look.weight, size: look.size, plain: self.plain }, widest)
    }

    /// `x` is counted from the left margin.
    pub(super) fn block(&self, text: &str, look: Look, x: f32, width: f32, edge: Edge) -> Block {
        Block { lines: self.lines(text, look, width), look, edge, x, width }
    }

    /// Draws a block whose top is at `y` on this page, and returns where it ends.
    pub(super) fn place(&mut self, block: Block, owner: Owner, y: f32) -> f32 {
        let Block { lines, look, edge, x, width } = block;
        let left = self.paper.left() + x;
        // Several right-to-left lines share their right edge, as they would on a page of their own.
        let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
        let mut y = y;
        for line in lines {
            let room = match edge {
                Edge::Right => width - line.width,
                Edge::Left if line.rtl => widest - line.width,
                Edge::Left => 0.0,
            };
            let baseline = y + look.leading() / 2.0 + look.size * 0.36;
            self.draw(owner, Mark::Text { x: left + room, baseline, size: look.size, ink: look.ink, line });
            y += look.leading();
        }
        y
    }

    /// A text over the whole width, broken over pages where it must be.
    pub(super) fn paragraph(&mut self, text: &str, look: Look, tag: impl Into<TagKind>) -> Element {
        let leaf = self.leaf();
        let block = self.block(text, look, 0.0, WIDTH, Edge::Left);
        self.make_room(block.height());
        self.y = self.place(block, Owner::Leaf(leaf), self.y);
        Element::Branch(tag.into(), vec![Element::Leaf(leaf)])
    }

    pub(super) fn rule(&mut self, y: f32, thickness: f32, ink: Ink) {
        let x = self.paper.left();
        self.draw(Owner::Artifact(ArtifactType::Layout), Mark::Rule { x, y, width: WIDTH, thickness, ink });
    }
}
