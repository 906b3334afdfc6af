//! `TODAY`, `LAST_N_DAYS:3` and their kin: each a span of days where the user is.

use jiff::Span;
use jiff::civil::Date;

/// The first day of the span and the first day after it.
pub type Days = (Date, Date);

pub fn is_known(word: &str) -> bool {
    Date::new(2026, 1, 1).ok().and_then(|today| days(word, today)).is_some()
}

pub fn days(word: &str, today: Date) -> Option<Days> {
    let (name, count) = match word.split_once(':') {
        Some((name, count)) => (name, count.parse::<i64>().ok()?),
        None => (word, 0),
    };
    let day = |offset: i64| today.checked_add(Span::new().days(offset)).ok();
    let month = |offset: i64| today.first_of_month().checked_add(Span::new().months(offset)).ok();
    let week_start = -i64::from(today.weekday().to_sunday_zero_offset());
    let quarter_start = -i64::from((today.month() - 1) % 3);
    let year_start = -i64::from(today.month() - 1);
    Some(match name {
        "TODAY" => (day(0)?, day(1)?),
        "YESTERDAY" => (day(-1)?, day(0)?),
        "TOMORROW" => (day(1)?, day(2)?),
        "THIS_WEEK" => (day(week_start)?, day(week_start + 7)?),
        "LAST_WEEK" => (day(week_start - 7)?, day(week_start)?),
        "NEXT_WEEK" => (day(week_start + 7)?, day(week_start + 14)?),
        "THIS_MONTH" => (month(0)?, month(1)?),
        "LAST_MONTH" => (month(-1)?, month(0)?),
        "NEXT_MONTH" => (month(1)?, month(2)?),
        "THIS_QUARTER" | "THIS_FISCAL_QUARTER" => (month(quarter_start)?, month(quarter_start + 3)?),
        "LAST_QUARTER" | "LAST_FISCAL_QUARTER" => (month(quarter_start - 3)?, month(quarter_start)?),
        "NEXT_QUARTER" | "NEXT_FISCAL_QUARTER" => (month(quarter_start + 3)?, month(quarter_start + 6)?),
        "THIS_YEAR" | "THIS_FISCAL_YEAR" => (month(year_start)?, month(year_start + 12)?),
        "LAST_YEAR" | "LAST_FISCAL_YEAR" => (month(year_start - 12)?, month(year_start)?),
        "NEXT_YEAR" | "NEXT_FISCAL_YEAR" => (month(year_start + 12)?, month(year_start + 24)?),
        "LAST_90_DAYS" => (day(-90)?, day(1)?),
        "NEXT_90_DAYS" => (day(1)?, day(91)?),
        // Today belongs to the days that were, not to those that come.
        "LAST_N_DAYS" => (day(-count)?, day(1)?),
        "NEXT_N_DAYS" => (day(1)?, day(1 + count)?),
        "N_DAYS_AGO" => (day(-count)?, day(1 - count)?),
        "LAST_N_WEEKS" => (day(week_start - 7 * count)?, day(week_start)?),
        "NEXT_N_WEEKS" => (day(week_start + 7)?, day(week_start + 7 + 7 * count)?),
        "LAST_N_MONTHS" => (month(-count)?, month(0)?),
        "NEXT_N_MONTHS" => (month(1)?, month(1 + count)?),
        "LAST_N_YEARS" => (month(year_start - 12 * count)?, month(year_start)?),
        "NEXT_N_YEARS" => (month(year_start + 12)?, month(year_start + 12 + 12 * count)?),
        _ => return None,
    })
}
