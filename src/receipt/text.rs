//! From a text in any script to lines of glyphs: the font chosen for each character, right-to-left runs put in their
//! visual order, lines broken where a reader expects it and, where nothing fits, between any two letters.

use std::ops::Range;

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_normalization::UnicodeNormalization;

use super::faces::{Face, Weight, face_for};

/// Longest text that is printed; what follows is cut with "…". No field of ours is longer than 255 characters.
const LONGEST: usize = 600;

/// What a character becomes that no font has.
const REPLACEMENT: char = '?';

/// Glyphs of one font in one direction.
pub(super) struct Run {
    pub(super) face: &'static Face,
    pub(super) glyphs: Vec<KrillaGlyph>,
    pub(super) text: String,
    /// Bold was asked for and this font has none, so it is drawn with an outline.
    pub(super) thicken: bool,
    width: f32,
}

/// One line, ready to be drawn from its left end.
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    /// In points, without the blank at its end.
    pub(super) width: f32,
    /// The paragraph reads from right to left.
    pub(super) rtl: bool,
    /// What a screen reader should say, where glyphs stand in another order than their letters.
    pub(super) spoken: Option<String>,
}

impl Run {
    /// In ems.
    pub(super) fn width(&self) -> f32 {
        self.width
    }
}

/// How a text is set, and how much of Unicode is tried.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) weight: Weight,
    pub(super) size: f32,
    /// Latin letters only: the last resort, when a PDF with all scripts could not be written.
    pub(super) plain: bool,
}

/// A character with the font that draws it.
#[derive(Clone, Copy)]
struct Sign {
    at: usize,
    face: &'static Face,
}

/// Breaks `text` into lines no wider than `widest` points. An empty text has no line.
pub(super) fn wrap(text: &str, style: Style, widest: f32) -> Vec<Line> {
    let (text, signs) = printable(text, style);
    if text.is_empty() {
        return Vec::new();
    }
    let bidi = BidiInfo::new(&text, None);
    // The blanks were unified, so the text is one paragraph.
    let Some(paragraph) = bidi.paragraphs.first() else { return Vec::new() };
    let rtl = paragraph.level.is_rtl();
    let clusters = clusters(&text, &signs, &bidi.levels, style);
    let mut lines = Vec::new();
    for range in breaks(&text, &clusters, widest / style.size) {
        let (levels, visual) = bidi.visual_runs(paragraph, range.clone());
        let spoken = visual.iter().any(|run| levels[run.start].is_rtl()).then(|| text[range.clone()].to_owned());
        let mut runs = Vec::new();
        for run in visual {
            let level = levels[run.start];
            let mut parts: Vec<Run> =
                by_face(&signs, run).map(|(face, part)| shape(&text[part], face, level, style)).collect();
            if level.is_rtl() {
                parts.reverse();
            }
            runs.append(&mut parts);
        }
        let blanks = text[range.clone()].trim_end_matches(' ').len() + range.start..range.end;
        let width: f32 = clusters
            .iter()
            .filter(|cluster| range.contains(&cluster.at) && !blanks.contains(&cluster.at))
            .map(|cluster| cluster.advance)
            .sum();
        lines.push(Line { runs, width: width * style.size, rtl, spoken });
    }
    lines
}

/// The text with one kind of blank, no control or direction characters, and a replacement for what no font has.
fn printable(text: &str, style: Style) -> (String, Vec<Sign>) {
    let mut out = String::with_capacity(text.len());
    let mut signs: Vec<Sign> = Vec::new();
    let mut push = |out: &mut String, sign: char, face: &'static Face| {
        signs.push(Sign { at: out.len(), face });
        out.push(sign);
    };
    let mut last: Option<&'static Face> = None;
    let mut count = 0;
    for sign in text.nfc() {
        let Some(sign) = unified(sign) else { continue };
        if sign == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if matches!(sign, '\u{200c}' | '\u{200d}') && !out.chars().next_back().is_some_and(joins) {
            continue; // part of an emoji, or stray
        }
        count += 1;
        if count > LONGEST {
            if let Some(face) = face_for('…', style.weight) {
                push(&mut out, '…', face);
            }
            break;
        }
        let clings = sign == ' ' || sign == '\u{a0}' || bidi_class(sign) == BidiClass::NSM || joins_letters(sign);
        let held = last.filter(|face| clings && face.has(sign));
        let found = held.or_else(|| if style.plain && sign > '\u{17f}' { None } else { face_for(sign, style.weight) });
        let (sign, face) = match found {
            Some(face) => (sign, Some(face)),
            None if joins_letters(sign) => continue,
            None => (REPLACEMENT, face_for(REPLACEMENT, style.weight)),
        };
        let Some(face) = face else { continue };
        push(&mut out, sign, face);
        last = Some(face);
    }
    let kept = out.trim_end_matches(' ').len();
    out.truncate(kept);
    signs.retain(|sign| sign.at < kept);
    (out, signs)
}

/// One kind of blank; `None` for what is not printed at all.
fn unified(sign: char) -> Option<char> {
    match sign {
        '\u{a0}' | '\u{202f}' | '\u{2007}' => Some('\u{a0}'),
        sign if sign.is_whitespace() => Some(' '),
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => None,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => None,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}' => None,
        // Private characters mean nothing outside the font they were made for.
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. => Some(REPLACEMENT),
        sign if sign.is_control() => None,
        sign => Some(sign),
    }
}

/// Joiners decide the shapes of letters in Arabic and Indic scripts.
fn joins_letters(sign: char) -> bool {
    matches!(sign, '\u{200c}' | '\u{200d}')
}

/// A letter beside which a joiner means something.
fn joins(sign: char) -> bool {
    matches!(sign as u32, 0x600..=0x8ff | 0x900..=0xdff | 0x1000..=0x109f | 0x1780..=0x17ff)
}

/// Pieces of `range` that one font draws, in logical order.
fn by_face(signs: &[Sign], range: Range<usize>) -> impl Iterator<Item = (&'static Face, Range<usize>)> {
    let mut pieces: Vec<(&'static Face, Range<usize>)> = Vec::new();
    let end = range.end;
    for sign in signs.iter().filter(|sign| range.contains(&sign.at)) {
        match pieces.last_mut() {
            Some((face, _)) if std::ptr::eq(*face, sign.face) => {}
            _ => {
                if let Some((_, piece)) = pieces.last_mut() {
                    piece.end = sign.at;
                }
                pieces.push((sign.face, sign.at..end));
            }
        }
    }
    pieces.into_iter()
}

fn shape(text: &str, face: &'static Face, level: Level, style: Style) -> Run {
    let mut text = text.to_owned();
    let mut output = glyphs(&text, face, level);
    // A font can know a letter and yet lack what shaping makes of it. PDF/UA forbids the "missing" glyph.
    if output.glyph_infos().iter().any(|info| info.glyph_id == 0) {
        text = text.chars().map(|sign| if face.has(sign) && sign != '\u{25cc}' { sign } else { ' ' }).collect();
        output = glyphs(&text, face, level);
    }
    let em = face.units_per_em();
    let mut starts: Vec<usize> = output.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut glyphs = Vec::with_capacity(output.len());
    let mut width = 0.0;
    for (info, position) in output.glyph_infos().iter().zip(output.glyph_positions()) {
        if info.glyph_id == 0 {
            continue;
        }
        let start = info.cluster as usize;
        let end = starts.get(starts.partition_point(|other| *other <= start)).copied().unwrap_or(text.len());
        let advance = position.x_advance as f32 / em;
        width += advance;
        glyphs.push(KrillaGlyph::new(
            GlyphId::new(info.glyph_id),
            advance,
            position.x_offset as f32 / em,
            position.y_offset as f32 / em,
            position.y_advance as f32 / em,
            start..end,
            None,
        ));
    }
    Run { face, glyphs, text, thicken: style.weight == Weight::Bold && !face.bold, width }
}

fn glyphs(text: &str, face: &Face, level: Level) -> rustybuzz::GlyphBuffer {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    buffer.set_direction(if level.is_rtl() { Direction::RightToLeft } else { Direction::LeftToRight });
    rustybuzz::shape(&face.shaper, &[], buffer)
}

/// What is drawn and moved as one: a letter with its marks, or a ligature.
struct Cluster {
    at: usize,
    /// In ems.
    advance: f32,
}

/// All clusters in the order of the text.
fn clusters(text: &str, signs: &[Sign], levels: &[Level], style: Style) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let level = levels[start];
        let end = (start..text.len()).find(|at| levels[*at] != level).unwrap_or(text.len());
        for (face, part) in by_face(signs, start..end) {
            let offset = part.start;
            for glyph in shape(&text[part], face, level, style).glyphs {
                let at = offset + glyph.text_range.start;
                match clusters.iter_mut().find(|cluster| cluster.at == at) {
                    Some(cluster) => cluster.advance += glyph.x_advance,
                    None => clusters.push(Cluster { at, advance: glyph.x_advance }),
                }
            }
        }
        start = end;
    }
    clusters.sort_by_key(|cluster| cluster.at);
    clusters
}

/// Where the lines begin and end. `widest` is in ems.
fn breaks(text: &str, clusters: &[Cluster], widest: f32) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut width = 0.0;
    // The last place at which the line may end, and the width of what would follow it.
    let mut place: Option<(usize, f32)> = None;
    for cluster in clusters {
        if cluster.at > start && may_break_before(text, cluster.at) {
            place = Some((cluster.at, 0.0));
        }
        let blank = text[cluster.at..].starts_with(' ');
        while !blank && width + cluster.advance > widest && cluster.at > start {
            match place.take() {
                Some((at, after)) if at > start => {
                    lines.push(start..at);
                    start = at;
                    width = after;
                }
                _ => {
                    lines.push(start..cluster.at);
                    start = cluster.at;
                    width = 0.0;
                }
            }
        }
        width += cluster.advance;
        if let Some((_, after)) = &mut place {
            *after += cluster.advance;
        }
    }
    if start < text.len() {
        lines.push(start..text.len());
    }
    lines
}

fn may_break_before(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (text[..at].chars().next_back(), text[at..].chars().next()) else {
        return false;
    };
    if after == ' ' {
        return false; // blanks stay at the end of their line
    }
    match before {
        ' ' | '-' | '–' | '—' | '/' => true,
        _ => (is_east_asian(before) || is_east_asian(after)) && !closes(after) && !opens(before),
    }
}

/// Scripts that may be broken between any two letters.
fn is_east_asian(sign: char) -> bool {
    matches!(sign as u32, 0x2e80..=0xa4cf | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0xff01..=0xffee | 0x20000..=0x3ffff)
}

fn closes(sign: char) -> bool {
    "、。，．・：；？！）］｝」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:!?)]}…".contains(sign)
}

fn opens(sign: char) -> bool {
    "（［｛「『【〈《([{".contains(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { weight: Weight::Regular, size: 10.0, plain: false };

    fn logical(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.runs.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    #[test]
    fn words_stay_whole_while_they_fit_and_nothing_is_lost() {
        let text = "The quick brown fox jumps over the lazy dog";
        let lines = wrap(text, STYLE, 80.0);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| line.width <= 80.0));
        assert_eq!(logical(&lines).concat(), text);
        assert!(logical(&lines).iter().rev().skip(1).all(|line| line.ends_with(' ')), "{:?}", logical(&lines));
    }

    #[test]
    fn a_word_wider_than_the_column_is_broken_between_letters() {
        let text = "W".repeat(255);
        let lines = wrap(&text, STYLE, 100.0);
        assert!(lines.iter().all(|line| line.width <= 100.0));
        assert_eq!(logical(&lines).concat(), text);
    }

    #[test]
    fn right_to_left_words_are_put_in_visual_order_inside_a_left_to_right_line() {
        let lines = wrap("Acme שלום עולם 2026", STYLE, 500.0);
        let [line] = lines.as_slice() else { panic!("one line") };
        assert!(!line.rtl);
        let hebrew: Vec<&Run> = line.runs.iter().filter(|run| run.text.contains('ש')).collect();
        // Within the run the glyphs go from the last letter to the first.
        let starts: Vec<usize> = hebrew[0].glyphs.iter().map(|glyph| glyph.text_range.start).collect();
        assert!(starts.windows(2).all(|pair| pair[0] > pair[1]), "{starts:?}");
        assert!(wrap("שלום", STYLE, 500.0)[0].rtl);
    }

    #[test]
    fn what_has_no_glyph_is_replaced_and_what_is_not_printed_is_dropped() {
        let shown = |text: &str| logical(&wrap(text, STYLE, 500.0)).concat();
        assert_eq!(shown("a😀b"), "a?b");
        assert_eq!(shown("👩\u{200d}💻"), "??");
        assert_eq!(shown("\u{202e}evil\u{202c}\0\u{7f} \t\n x"), "evil x");
        assert_eq!(shown("   "), "");
        assert_eq!(shown("\u{f8ff}\u{feff}"), "?");
        assert_eq!(shown("e\u{301}"), "é");
    }

    #[test]
    fn east_asian_lines_do_not_begin_with_a_full_stop() {
        let text = "株式会社山田製作所。".repeat(6);
        for widest in [50.0, 60.0, 70.0, 95.0, 100.0, 101.0] {
            for line in logical(&wrap(&text, STYLE, widest)) {
                assert!(!line.starts_with('。'), "{line}");
            }
        }
    }

    #[test]
    fn no_run_ever_holds_the_missing_glyph() {
        let every: String = (0x20u32..0x11000).filter_map(char::from_u32).collect();
        for chunk in every.chars().collect::<Vec<_>>().chunks(200) {
            let text: String = chunk.iter().collect();
            for line in wrap(&text, STYLE, 400.0) {
                for run in line.runs {
                    assert!(run.glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0), "{:?}", run.text);
                }
            }
        }
    }
}
