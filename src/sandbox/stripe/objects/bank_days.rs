//! Business days of the banks: neither weekends nor holidays of the Federal Reserve.

use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

/// The banks' day is that of the East coast; an hour more or less in summer changes nothing here.
const EASTERN: Offset = Offset::constant(-5);
/// What comes in after this hour is worked on the next day.
const CUT_OFF_HOUR: i8 = 21;

/// The same time of day, `days` business days later.
pub fn later(from_s: i64, days: u32) -> i64 {
    let Ok(from) = Timestamp::from_second(from_s) else { return from_s };
    let local = EASTERN.to_datetime(from);
    let mut date = local.date();
    let late = local.hour() >= CUT_OFF_HOUR;
    for _ in 0..days + u32::from(late) {
        date = next(date);
    }
    let whole_days = (date - local.date()).get_days();
    from_s + i64::from(whole_days) * 86_400
}

fn next(date: Date) -> Date {
    let mut day = date.saturating_add(1.day());
    while !is_open(day) {
        day = day.saturating_add(1.day());
    }
    day
}

fn is_open(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(date)
}

fn is_holiday(date: Date) -> bool {
    // A holiday on a Sunday is kept on the Monday; one on a Saturday is not kept.
    let fixed = |day: Date| (day.month(), day.day());
    let fixed_days = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)];
    let yesterday = date.saturating_sub(1.day());
    let kept = date.weekday() == Weekday::Monday && fixed_days.contains(&fixed(yesterday));
    if kept || fixed_days.contains(&fixed(date)) {
        return true;
    }
    let nth = (date.day() - 1) / 7 + 1;
    let last = date.saturating_add(7.days()).month() != date.month();
    match (date.month(), date.weekday()) {
        (1 | 2, Weekday::Monday) => nth == 3,
        (5, Weekday::Monday) => last,
        (9, Weekday::Monday) => nth == 1,
        (10, Weekday::Monday) => nth == 2,
        (11, Weekday::Thursday) => nth == 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::later;

    #[test]
    fn weekends_and_holidays_do_not_count() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        for (from, days, to) in [
            // Wednesday before Thanksgiving 2026: Friday, Monday, Tuesday, Wednesday.
            ("2026-11-25T15:00:00Z", 4, "2026-12-02T15:00:00Z"),
            ("2026-11-23T15:00:00Z", 1, "2026-11-24T15:00:00Z"),
            // After 21:00 in the East it is tomorrow's.
            ("2026-11-24T02:30:00Z", 1, "2026-11-26T02:30:00Z"),
            // The fourth of July 2027 is a Sunday, kept on the Monday.
            ("2027-07-02T15:00:00Z", 1, "2027-07-06T15:00:00Z"),
            ("2026-12-24T15:00:00Z", 2, "2026-12-29T15:00:00Z"),
        ] {
            assert_eq!(later(at(from), days), at(to), "{from} + {days}");
        }
    }
}
