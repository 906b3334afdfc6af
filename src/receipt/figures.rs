//! Amounts, dates and times as people read them.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use super::model::Amount;

/// Signs that every reader knows and the Latin font has. The code follows the figure in any case, so "$" is never
/// mistaken for another dollar.
const SIGNS: &[(&str, &str)] = &[
    ("USD", "$"),
    ("CAD", "$"),
    ("AUD", "$"),
    ("NZD", "$"),
    ("SGD", "$"),
    ("HKD", "$"),
    ("MXN", "$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("CNY", "¥"),
    ("INR", "₹"),
    ("KRW", "₩"),
    ("ILS", "₪"),
    ("PHP", "₱"),
    ("UAH", "₴"),
    ("VND", "₫"),
];

/// `$1,240.00 USD`, `¥12,000 JPY`, `12.345 KWD`. The space does not break.
pub fn format_amount(amount: &Amount) -> String {
    let code = amount.code.to_uppercase();
    let sign = SIGNS.iter().find(|(known, _)| *known == code).map_or("", |(_, sign)| sign);
    let minus = if amount.minor < 0 { "-" } else { "" };
    format!("{minus}{sign}{}\u{a0}{code}", digits(amount.minor.unsigned_abs(), amount.decimals))
}

/// Grouped by three, with all the decimals that the currency has.
fn digits(minor: u64, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let padded = format!("{minor:0>width$}", width = decimals + 1);
    let (whole, part) = padded.split_at(padded.len() - decimals);
    let mut grouped = String::with_capacity(padded.len() + whole.len() / 3 + 1);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if decimals > 0 {
        grouped.push('.');
        grouped.push_str(part);
    }
    grouped
}

/// `23 November 2026`: the month in letters reads the same on both sides of the Atlantic.
pub(super) fn date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `23 November 2026, 14:02 CET (UTC+01:00)`. A zone without letters of its own shows its offset alone.
pub(super) fn date_and_time(at: &ZonedDateTime) -> String {
    let zone = at.strftime("%Z").to_string();
    let offset = at.strftime("%:z").to_string();
    let time = at.strftime("%-d %B %Y, %H:%M");
    match zone.chars().all(|sign| sign.is_ascii_alphabetic()) && !zone.is_empty() {
        true if zone == "UTC" => format!("{time} UTC"),
        true => format!("{time} {zone} (UTC{offset})"),
        false => format!("{time} UTC{offset}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(minor: i64, decimals: u8, code: &str) -> String {
        format_amount(&Amount::new(minor, decimals, code)).replace('\u{a0}', " ")
    }

    #[test]
    fn each_currency_shows_its_own_decimals() {
        assert_eq!(written(124_000, 2, "USD"), "$1,240.00 USD");
        assert_eq!(written(5, 2, "eur"), "€0.05 EUR");
        assert_eq!(written(12_000, 0, "JPY"), "¥12,000 JPY");
        assert_eq!(written(12_345, 3, "KWD"), "12.345 KWD");
        assert_eq!(written(i64::MAX, 2, "USD"), "$92,233,720,368,547,758.07 USD");
        assert_eq!(written(100_000, 2, "CHF"), "1,000.00 CHF");
        assert_eq!(written(0, 0, "KRW"), "₩0 KRW");
        assert_eq!(written(i64::MIN, 0, "XAF"), "-9,223,372,036,854,775,808 XAF");
    }

    #[test]
    fn a_time_says_its_zone() {
        let at = |text: &str| text.parse::<ZonedDateTime>().unwrap();
        assert_eq!(
            date_and_time(&at("2026-11-23T14:02:09+01:00[Europe/Berlin]")),
            "23 November 2026, 14:02 CET (UTC+01:00)"
        );
        assert_eq!(date_and_time(&at("2026-01-02T03:04:05Z[UTC]")), "2 January 2026, 03:04 UTC");
        assert_eq!(date_and_time(&at("2026-01-02T03:04:05+05:45[+05:45]")), "2 January 2026, 03:04 UTC+05:45");
    }
}
