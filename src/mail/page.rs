//! A letter's body before it is HTML or plain text: the same facts in the same order for both.

use unicode_bidi::{BidiClass, bidi_class};

/// Words of ours and words from records, kept apart so that a name can't change the direction of the sentence around
/// it, nor pass for markup.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrase(pub(super) Vec<Piece>);

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Ours(String),
    Theirs(String),
}

impl Phrase {
    pub(super) fn ours(words: impl Into<String>) -> Phrase {
        Phrase(vec![Piece::Ours(words.into())])
    }
    pub(super) fn theirs(words: &str) -> Phrase {
        Phrase::default().and_theirs(words)
    }
    pub(super) fn and(mut self, words: impl Into<String>) -> Phrase {
        self.0.push(Piece::Ours(words.into()));
        self
    }
    pub(super) fn and_theirs(mut self, words: &str) -> Phrase {
        self.0.push(Piece::Theirs(one_line(words)));
        self
    }

    /// For the subject and the plain text: right-to-left names between U+2068 and U+2069.
    pub(super) fn to_text(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Ours(words) => words.clone(),
                Piece::Theirs(words) if reads_right_to_left(words) => format!("\u{2068}{words}\u{2069}"),
                Piece::Theirs(words) => words.clone(),
            })
            .collect()
    }
}

fn reads_right_to_left(words: &str) -> bool {
    words.chars().any(|sign| matches!(bidi_class(sign), BidiClass::R | BidiClass::AL))
}

/// Without line breaks, control characters and direction marks: none of them belongs into a name.
pub(super) fn one_line(text: &str) -> String {
    let printable = text.chars().map(|sign| match sign {
        sign if sign.is_whitespace() => ' ',
        sign => sign,
    });
    let kept = printable.filter(|sign| {
        !sign.is_control() && !matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    });
    kept.collect::<String>().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The whole letter.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) subject: Phrase,
    /// What a mail program shows beside the subject.
    pub(super) preheader: Phrase,
    pub(super) test: bool,
    pub(super) heading: Phrase,
    pub(super) parts: Vec<Part>,
    /// Company, postal address, how to reach it.
    pub(super) foot: Vec<Phrase>,
    /// Red, green, blue of the button and the stripe.
    pub(super) color: [u8; 3],
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Paragraph(Phrase),
    /// Set large: the amount, or the code.
    Large(Phrase),
    Facts(Vec<(&'static str, Phrase)>),
    Button {
        label: Phrase,
        url: String,
    },
    /// The clerk's own words.
    Note {
        from: Phrase,
        words: String,
    },
    Small(Phrase),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_to_left_name_is_isolated_and_its_own_marks_are_dropped() {
        let phrase = Phrase::ours("Invoice from ").and_theirs("\u{202e}חברה\r\nBcc: x").and(", due");
        assert_eq!(phrase.to_text(), "Invoice from \u{2068}חברה Bcc: x\u{2069}, due");
        assert_eq!(Phrase::theirs("Acme\u{200f}").to_text(), "Acme");
    }
}
