//! The fonts, in the order in which they are asked for a character.

use std::sync::LazyLock;

use krilla::text::Font;

/// Regular or bold. Only Latin, Greek and Cyrillic have a bold face of their own; others are thickened when drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// One font, ready for shaping and for embedding.
pub(super) struct Face {
    pub(super) font: Font,
    pub(super) shaper: rustybuzz::Face<'static>,
    pub(super) bold: bool,
}

impl Face {
    /// The files are part of the program, so one that can't be read is skipped rather than a panic: the chain then
    /// falls through to the next, and the test below finds it.
    fn load(bytes: &'static [u8], bold: bool) -> Option<Face> {
        let font = Font::new(krilla::Data::from(bytes), 0)?;
        let shaper = rustybuzz::Face::from_slice(bytes, 0)?;
        Some(Face { font, shaper, bold })
    }

    pub(super) fn has(&self, sign: char) -> bool {
        self.shaper.glyph_index(sign).is_some_and(|glyph| glyph.0 != 0)
    }

    pub(super) fn units_per_em(&self) -> f32 {
        self.font.units_per_em()
    }
}

/// Declares the chain: each font is parsed the first time that a character asks for it.
macro_rules! chain {
    ($($name:ident = $file:literal, $bold:literal;)+) => {
        $(static $name: LazyLock<Option<Face>> =
            LazyLock::new(|| Face::load(include_bytes!(concat!("../../assets/fonts/", $file)), $bold));)+
        #[cfg(test)]
        static ALL: &[(&str, &LazyLock<Option<Face>>)] = &[$(($file, &$name)),+];
    };
}

chain! {
    REGULAR = "NotoSans-Regular.ttf", false;
    BOLD = "NotoSans-Bold.ttf", true;
    ARABIC = "NotoSansArabic-Regular.ttf", false;
    HEBREW = "NotoSansHebrew-Regular.ttf", false;
    THAI = "NotoSansThai-Regular.ttf", false;
    DEVANAGARI = "NotoSansDevanagari-Regular.ttf", false;
    BENGALI = "NotoSansBengali-Regular.ttf", false;
    TAMIL = "NotoSansTamil-Regular.ttf", false;
    TELUGU = "NotoSansTelugu-Regular.ttf", false;
    KANNADA = "NotoSansKannada-Regular.ttf", false;
    MALAYALAM = "NotoSansMalayalam-Regular.ttf", false;
    GUJARATI = "NotoSansGujarati-Regular.ttf", false;
    GURMUKHI = "NotoSansGurmukhi-Regular.ttf", false;
    SINHALA = "NotoSansSinhala-Regular.ttf", false;
    ARMENIAN = "NotoSansArmenian-Regular.ttf", false;
    GEORGIAN = "NotoSansGeorgian-Regular.ttf", false;
    KHMER = "NotoSansKhmer-Regular.ttf", false;
    LAO = "NotoSansLao-Regular.ttf", false;
    MYANMAR = "NotoSansMyanmar-Regular.ttf", false;
    ETHIOPIC = "NotoSansEthiopic-Regular.ttf", false;
    EAST_ASIAN = "DroidSansFallback.ttf", false;
}

/// The script's own font. Asking by block keeps a Latin receipt from parsing twenty fonts.
fn by_block(sign: char) -> Option<&'static LazyLock<Option<Face>>> {
    Some(match sign as u32 {
        0x0530..=0x058f | 0xfb13..=0xfb17 => &ARMENIAN,
        0x0590..=0x05ff | 0xfb1d..=0xfb4f => &HEBREW,
        0x0600..=0x06ff | 0x0750..=0x077f | 0x08a0..=0x08ff | 0xfb50..=0xfdff | 0xfe70..=0xfefc => &ARABIC,
        0x0900..=0x097f | 0xa8e0..=0xa8ff => &DEVANAGARI,
        0x0980..=0x09ff => &BENGALI,
        0x0a00..=0x0a7f => &GURMUKHI,
        0x0a80..=0x0aff => &GUJARATI,
        0x0b80..=0x0bff => &TAMIL,
        0x0c00..=0x0c7f => &TELUGU,
        0x0c80..=0x0cff => &KANNADA,
        0x0d00..=0x0d7f => &MALAYALAM,
        0x0d80..=0x0dff => &SINHALA,
        0x0e00..=0x0e7f => &THAI,
        0x0e80..=0x0eff => &LAO,
        0x1000..=0x109f | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f => &MYANMAR,
        0x10a0..=0x10ff | 0x1c90..=0x1cbf | 0x2d00..=0x2d2f => &GEORGIAN,
        0x1200..=0x139f | 0x2d80..=0x2ddf => &ETHIOPIC,
        0x1780..=0x17ff | 0x19e0..=0x19ff => &KHMER,
        0x1100..=0x11ff | 0x2e80.. => &EAST_ASIAN,
        _ => return None,
    })
}

/// The font to draw `sign` with: the Latin one, the script's own, the East Asian one, in this order. `None` if no
/// font has it.
pub(super) fn face_for(sign: char, weight: Weight) -> Option<&'static Face> {
    let latin = match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    };
    let chain = [Some(latin), Some(&REGULAR), by_block(sign), Some(&EAST_ASIAN)];
    chain.into_iter().flatten().filter_map(|face| face.as_ref()).find(|face| face.has(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_can_be_read() {
        for (file, face) in ALL {
            assert!(face.is_some(), "{file} can't be parsed");
        }
    }

    #[test]
    fn the_scripts_that_customers_write_in_all_have_a_font() {
        let names = [
            "Zażółć gęślą jaźń",
            "Nguyễn Thị Hồng",
            "Ελληνική Εταιρεία",
            "Общество",
            "شركة النور",
            "خدمات پارسی",
            "חברת השמש",
            "บริษัท",
            "कंपनी",
            "কোম্পানি",
            "நிறுவனம்",
            "కంపెనీ",
            "ಕಂಪನಿ",
            "കമ്പനി",
            "કંપની",
            "ਕੰਪਨੀ",
            "සමාගම",
            "ընկերություն",
            "კომპანია",
            "ក្រុមហ៊ុន",
            "ບໍລິສັດ",
            "ကုမ္ပဏီ",
            "ኩባንያ",
            "株式会社山田",
            "カンパニー",
            "有限公司",
            "华为技术",
            "주식회사",
        ];
        for name in names {
            for sign in name.chars().filter(|sign| *sign != ' ') {
                assert!(face_for(sign, Weight::Bold).is_some(), "no font for {sign:?} of {name}");
            }
        }
    }

    #[test]
    fn what_no_font_has_is_known_to_be_missing() {
        assert!(face_for('😀', Weight::Regular).is_none());
        assert!(face_for('\u{10ffff}', Weight::Regular).is_none());
    }
}
