//! From sheets to a PDF/UA-1 file.

use krilla::Document;
use krilla::color::{luma, rgb};
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ContentTag, Identifier, Node, SpanTag, TagGroup, TagTree};
use krilla::{SerializeSettings, image::Image};

use super::sheet::{Element, Ink, Mark, Owner, Sheets};
use super::text::Line;
use super::wording;

/// What stands around the pages.
pub(super) struct Cover {
    pub(super) title: String,
    pub(super) number: String,
    pub(super) author: String,
    pub(super) at: jiff::ZonedDateTime,
}

/// Writes the file. The same sheets and cover give the same bytes: the date is the payment's, the id comes from the
/// number.
pub(super) fn write(
    sheets: Sheets,
    structure: Vec<Element>,
    cover: Cover,
    logo: Option<Image>,
) -> Result<Vec<u8>, String> {
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| format!("{error:?}"))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut leaves: Vec<Vec<Identifier>> = vec![Vec::new(); sheets.leaves];
    let (width, height) = (sheets.paper.width, sheets.paper.height);
    for marks in sheets.pages {
        let settings = PageSettings::from_wh(width, height).ok_or("the paper has no extent")?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        let mut open: Option<Owner> = None;
        for (owner, mark) in marks {
            let spoken = match &mark {
                Mark::Text { line, .. } => line.spoken.clone(),
                _ => None,
            };
            if open != Some(owner) || spoken.is_some() {
                if open.is_some() {
                    surface.end_tagged();
                }
                match owner {
                    Owner::Artifact(kind) => {
                        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
                    }
                    Owner::Leaf(leaf) => {
                        let span = SpanTag::empty().with_actual_text(spoken.as_deref());
                        let tag = if spoken.is_some() { ContentTag::Span(span) } else { ContentTag::Other };
                        let id = surface.start_tagged(tag);
                        if let Some(ids) = leaves.get_mut(leaf) {
                            ids.push(id);
                        }
                    }
                }
                open = Some(owner);
            }
            put(&mut surface, mark, logo.as_ref(), (width, height));
            // What is spoken stands for this line alone.
            if spoken.is_some() && open.take().is_some() {
                surface.end_tagged();
            }
        }
        if open.is_some() {
            surface.end_tagged();
        }
        surface.finish();
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some(wording::LANG.to_owned()));
    for element in structure {
        tree.push(node(element, &leaves));
    }
    document.set_tag_tree(tree);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(cover.title.clone(), XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    document.set_outline(outline);
    document.set_metadata(metadata(cover));
    document.finish().map_err(said)
}

fn metadata(cover: Cover) -> Metadata {
    let at = &cover.at;
    let offset = at.offset().seconds();
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(at.month().unsigned_abs())
        .day(at.day().unsigned_abs())
        .hour(at.hour().unsigned_abs())
        .minute(at.minute().unsigned_abs())
        .second(at.second().unsigned_abs())
        .utc_offset_hour(i8::try_from(offset / 3600).unwrap_or_default())
        .utc_offset_minute(u8::try_from(offset.abs() / 60 % 60).unwrap_or_default());
    Metadata::new()
        .title(cover.title)
        .language(wording::LANG.to_owned())
        .text_direction(TextDirection::LeftToRight)
        .authors(vec![cover.author])
        .creator("Quittance".to_owned())
        .document_id(format!("quittance:receipt:{}", cover.number))
        .creation_date(date)
}

fn node(element: Element, leaves: &[Vec<Identifier>]) -> Node {
    match element {
        Element::Branch(tag, children) => {
            let mut group = TagGroup::new(tag);
            for child in children {
                match child {
                    Element::Leaf(leaf) => leaves.get(leaf).into_iter().flatten().for_each(|id| group.push(*id)),
                    branch => group.push(node(branch, leaves)),
                }
            }
            Node::Group(group)
        }
        Element::Leaf(leaf) => {
            let mut group = TagGroup::new(krilla::tagging::Tag::P);
            leaves.get(leaf).into_iter().flatten().for_each(|id| group.push(*id));
            Node::Group(group)
        }
    }
}

fn put(surface: &mut Surface<'_>, mark: Mark, logo: Option<&Image>, paper: (f32, f32)) {
    match mark {
        Mark::Text { line, x, baseline, size, ink } => text(surface, &line, x, baseline, size, ink),
        Mark::Rule { x, y, width, thickness, ink } => {
            let Some(rect) = Rect::from_xywh(x, y, width, thickness) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(ink)));
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
        Mark::Picture { x, y, width, height } => {
            let (Some(logo), Some(size)) = (logo, Size::from_wh(width, height)) else { return };
            surface.push_transform(&Transform::from_translate(x, y));
            surface.draw_image(logo.clone(), size);
            surface.pop();
        }
        Mark::Watermark { line, size } => {
            let (middle, centre) = (paper.0 / 2.0, paper.1 / 2.0);
            surface.push_transform(&Transform::from_rotate_at(-52.0, middle, centre));
            text(surface, &line, middle - line.width / 2.0, centre + size * 0.36, size, Ink::Grey(0xee));
            surface.pop();
        }
    }
}

fn text(surface: &mut Surface<'_>, line: &Line, x: f32, baseline: f32, size: f32, ink: Ink) {
    surface.set_fill(Some(fill(ink)));
    let mut x = x;
    for run in &line.runs {
        let stroke = run.thicken.then(|| Stroke { paint: fill(ink).paint, width: size * 0.035, ..Stroke::default() });
        surface.set_stroke(stroke);
        surface.draw_glyphs(Point::from_xy(x, baseline), &run.glyphs, run.face.font.clone(), &run.text, size, false);
        x += run.width() * size;
    }
    surface.set_stroke(None);
}

fn fill(ink: Ink) -> Fill {
    let paint = match ink {
        Ink::Grey(level) => luma::Color::new(level).into(),
        Ink::Color([red, green, blue]) => rgb::Color::new(red, green, blue).into(),
    };
    Fill { paint, opacity: NormalizedF32::ONE, ..Fill::default() }
}

/// krilla's account of what was wrong, without the customer's words in it.
fn said(error: KrillaError) -> String {
    match error {
        KrillaError::Validation(faults) => {
            let names: Vec<String> = faults
                .iter()
                .map(|(fault, _)| format!("{fault:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_owned())
                .collect();
            format!("not PDF/UA-1: {}", names.join(", "))
        }
        KrillaError::Font(_, reason) => format!("a font could not be embedded: {reason}"),
        KrillaError::Image(_, _, reason) => format!("the logo could not be embedded: {reason}"),
        other => format!("{:?}", std::mem::discriminant(&other)),
    }
}
