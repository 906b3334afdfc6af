//! Reads an amount as people type it, in any of the formats of the world, and never guesses in silence.

use crate::domain::{Currency, Money};

/// Why a typed amount is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAmount {
    Missing,
    Unreadable,
    /// The currency has fewer decimals. The nearest amounts that it has.
    TooFine {
        down: Money,
        up: Option<Money>,
    },
}

/// `decimal_comma`: how the page's language writes decimals. It decides only where the text alone doesn't: one sign
/// followed by exactly three digits.
pub fn parse(typed: &str, currency: Currency, decimal_comma: bool) -> Result<Money, NoAmount> {
    let mut text = String::new();
    let mut letters = String::new();
    for letter in typed.chars() {
        match letter {
            '0'..='9' | '.' | ',' => text.push(letter),
            '٠'..='٩' => text.push(digit(letter, '٠')),
            '۰'..='۹' => text.push(digit(letter, '۰')),
            '０'..='９' => text.push(digit(letter, '０')),
            '٫' => text.push('.'),
            '٬' => {} // only ever groups
            '．' => text.push('.'),
            '，' => text.push(','),
            // Spaces of all widths, bidi marks and apostrophes group or say nothing.
            _ if letter.is_whitespace() => {}
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2066}'..='\u{2069}' | '\u{202a}'..='\u{202e}' | '\u{200b}' => {}
            '\'' | '’' => {}
            '$' | '€' | '£' | '¥' | '￥' | '₹' | '₩' | '₺' | '₽' | '₫' | '₴' | '₪' | '฿' | '₱' =>
                {}
            _ if letter.is_alphabetic() => letters.push(letter),
            _ => return Err(NoAmount::Unreadable),
        }
    }
    // The currency's own code or sign may stand beside it; any other letter is an error, an exponent's too.
    if !letters.is_empty() && !is_own_sign(&letters, currency) {
        return Err(NoAmount::Unreadable);
    }
    if text.is_empty() {
        return Err(if typed.trim().is_empty() { NoAmount::Missing } else { NoAmount::Unreadable });
    }
    let (whole, fraction) = split(&text, currency, decimal_comma).ok_or(NoAmount::Unreadable)?;
    let exponent = usize::try_from(currency.exponent()).unwrap_or(0);
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > exponent {
        let cut = join(&whole, &fraction[..exponent]);
        let down = Money::from_decimal(&cut, currency).map_err(|_| NoAmount::Unreadable)?;
        let up = down.minor().checked_add(1).and_then(|minor| Money::from_minor(minor, currency).ok());
        return Err(NoAmount::TooFine { down, up });
    }
    Money::from_decimal(&join(&whole, fraction), currency).map_err(|_| NoAmount::Unreadable)
}

fn digit(letter: char, zero: char) -> char {
    char::from_digit(letter as u32 - zero as u32, 10).unwrap_or('0')
}

fn is_own_sign(letters: &str, currency: Currency) -> bool {
    let own = ["kr", "zł", "Kč", "Ft", "lei", "CHF", "Fr", "R", "RM", "US", "A", "C", "NZ", "HK", "S"];
    letters.eq_ignore_ascii_case(currency.code()) || own.contains(&letters)
}

fn join(whole: &str, fraction: &str) -> String {
    let whole = if whole.is_empty() { "0" } else { whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Whole part and decimals.
fn split(text: &str, currency: Currency, decimal_comma: bool) -> Option<(String, String)> {
    let last = text.rfind(['.', ',']);
    let Some(last) = last else { return Some((text.to_owned(), String::new())) };
    let mark = text[last..].chars().next()?;
    let other = if mark == '.' { ',' } else { '.' };
    let count = text.matches(mark).count();
    let after = &text[last + 1..];
    if text.contains(other) {
        // Both: the last is the decimal sign, stands once, and the other groups by three.
        if count != 1 || after.is_empty() {
            return None;
        }
        return Some((grouped(&text[..last], other)?, after.to_owned()));
    }
    if count > 1 {
        return Some((grouped(text, mark)?, String::new()));
    }
    let before = &text[..last];
    if after.is_empty() {
        return None;
    }
    if after.len() == 3 && !before.is_empty() && before.len() <= 3 && !before.starts_with('0') {
        // 1.240: the page's language decides, and the button echoes it before any charge. A currency without decimals
        // can only mean a group.
        let decimal = if decimal_comma { ',' } else { '.' };
        return Some(if mark == decimal && currency.exponent() > 0 {
            (before.to_owned(), after.to_owned())
        } else {
            (format!("{before}{after}"), String::new())
        });
    }
    Some((before.to_owned(), after.to_owned()))
}

/// Digits grouped by three (or, as in India, by two before the last three).
fn grouped(text: &str, mark: char) -> Option<String> {
    let parts: Vec<&str> = text.split(mark).collect();
    let (first, rest) = parts.split_first()?;
    let last = rest.last()?;
    let middle = &rest[..rest.len() - 1];
    let by_three = middle.iter().all(|part| part.len() == 3) && first.len() <= 3;
    let by_two = middle.iter().all(|part| part.len() == 2) && first.len() <= 2;
    (!first.is_empty() && last.len() == 3 && (by_three || by_two)).then(|| parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(typed: &str, code: &str, comma: bool) -> Result<i64, NoAmount> {
        parse(typed, Currency::from_code(code).unwrap(), comma).map(Money::minor)
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (typed, expected) in [
            ("250", 25_000),
            ("250.5", 25_050),
            ("250,50", 25_050),
            ("1,240.00", 124_000),
            ("1.240,00", 124_000),
            ("1 240,00", 124_000),
            ("1\u{a0}240,00", 124_000),
            ("1\u{202f}240,00", 124_000),
            ("1'240.00", 124_000),
            ("1’240.00", 124_000),
            ("1,00,000", 10_000_000),
            ("1,00,000.50", 10_000_050),
            ("1,234,567", 123_456_700),
            ("1.234.567", 123_456_700),
            ("$1240", 124_000),
            ("$ 1,240.00 USD", 124_000),
            ("US$12", 1_200),
            ("٢٥٠٫٥", 25_050),
            ("۲۵۰", 25_000),
            ("２５０", 25_000),
            ("\u{200e}250\u{200f}", 25_000),
            (".50", 50),
            ("0.500", 50),
            ("007", 700),
            ("12.500000", 1_250),
        ] {
            assert_eq!(minor(typed, "USD", false), Ok(expected), "{typed:?}");
            if !typed.contains("0.500") {
                assert_eq!(minor(typed, "USD", true), Ok(expected), "{typed:?} on a page with decimal commas");
            }
        }
    }

    #[test]
    fn three_digits_after_one_sign_mean_what_the_pages_language_says() {
        assert_eq!(minor("1,240", "USD", false), Ok(124_000));
        assert_eq!(minor("1.240", "USD", true), Ok(124_000));
        assert_eq!(minor("1.240", "USD", false), Ok(124));
        assert_eq!(minor("1.240", "KWD", false), Ok(1_240));
        assert_eq!(minor("1.240", "JPY", false), Ok(1_240), "there is no other reading");
        assert_eq!(minor("1234.567", "KWD", true), Ok(1_234_567), "four digits before are no group");
    }

    #[test]
    fn what_is_no_amount_is_said_and_never_guessed() {
        for typed in [
            "-5",
            "+5",
            "1e3",
            "abc",
            "12abc",
            "1.2.3",
            "1,2,3.4",
            "1.240,0.0",
            "1..2",
            ",",
            ".",
            "5.",
            "1,23,4",
            "NaN",
            "1/2",
            "0x10",
            "½",
            "12%",
            "1,240,00.00,00",
            "=1+1",
            "EUR 5",
        ] {
            assert_eq!(minor(typed, "USD", false), Err(NoAmount::Unreadable), "{typed:?}");
        }
        for typed in ["", "  ", "\t"] {
            assert_eq!(minor(typed, "USD", false), Err(NoAmount::Missing));
        }
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_not_rounded() {
        let usd = |minor| Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap();
        assert_eq!(
            parse("10.0050", Currency::from_code("USD").unwrap(), false),
            Err(NoAmount::TooFine { down: usd(1_000), up: Some(usd(1_001)) })
        );
        assert!(matches!(minor("500.5", "JPY", false), Err(NoAmount::TooFine { .. })));
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_is_a_panic(typed in "\\PC*", comma: bool) {
            let _ = minor(&typed, "USD", comma);
            let _ = minor(&typed, "JPY", comma);
        }

        #[test]
        fn what_we_print_we_read(amount in 0_i64..99_999_999) {
            let money = Money::from_minor(amount, Currency::from_code("USD").unwrap()).unwrap();
            proptest::prop_assert_eq!(minor(&crate::engine::receipts::money_words(money), "USD", false), Ok(amount));
        }
    }
}
