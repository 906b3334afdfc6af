//! Auto-numbers: `INV-{0000}` makes `INV-0042`.

use jiff::civil::Date;

pub fn shown(format: &str, number: u64, today: Date) -> String {
    let mut text = String::new();
    for piece in pieces(format) {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Date(token) => text.push_str(&date(token, today)),
            Piece::Number(digits) => text.push_str(&format!("{number:0digits$}")),
        }
    }
    text
}

/// The number within a text that the format made.
pub fn number_in(format: &str, text: &str) -> Option<u64> {
    let (mut before, mut after, mut seen) = (0, 0, false);
    for piece in pieces(format) {
        let length = match piece {
            Piece::Plain(plain) => plain.len(),
            Piece::Date(token) => token.len(),
            Piece::Number(_) => {
                seen = true;
                continue;
            }
        };
        if seen {
            after += length;
        } else {
            before += length;
        }
    }
    text.get(before..text.len().checked_sub(after)?)?.parse().ok()
}

enum Piece<'a> {
    Plain(&'a str),
    Date(&'a str),
    Number(usize),
}

fn pieces(format: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        let (plain, tail) = match rest.find('{') {
            Some(start) => rest.split_at(start),
            None => (rest, ""),
        };
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        let Some(end) = tail.find('}') else {
            if !tail.is_empty() {
                pieces.push(Piece::Plain(tail));
            }
            break;
        };
        let token = &tail[1..end];
        pieces.push(if token.bytes().all(|byte| byte == b'0') {
            Piece::Number(token.len())
        } else {
            Piece::Date(token)
        });
        rest = &tail[end + 1..];
    }
    pieces
}

fn date(token: &str, today: Date) -> String {
    match token {
        "YYYY" => format!("{:04}", today.year()),
        "YY" => format!("{:02}", today.year() % 100),
        "MM" => format!("{:02}", today.month()),
        "DD" => format!("{:02}", today.day()),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_shown_can_be_read_back() {
        let day = Date::constant(2026, 3, 9);
        assert_eq!(shown("INV-{0000}", 42, day), "INV-0042");
        assert_eq!(shown("{YYYY}{MM}-{00}x", 123, day), "202603-123x");
        assert_eq!(number_in("INV-{0000}", "INV-0042"), Some(42));
        assert_eq!(number_in("{YYYY}{MM}-{00}x", "202603-123x"), Some(123));
        assert_eq!(number_in("INV-{0000}", "by hand"), None);
    }
}
