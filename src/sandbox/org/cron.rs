//! The schedule expressions of `System.schedule`: seconds, minutes, hours, day of month, month, day of week, year.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    second: i8,
    minute: i8,
    hours: Vec<i16>,
    days: Days,
    months: Vec<i16>,
    weekdays: Option<Vec<i16>>,
    years: Option<Vec<i16>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Any,
    Last,
    Of(Vec<i16>),
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// `None` when the expression is not one that the org takes.
    pub fn parse(text: &str) -> Option<Cron> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday, year @ ..] = parts.as_slice() else { return None };
        if year.len() > 1 || (*day == "?") == (*weekday == "?") {
            return None;
        }
        let days = match *day {
            "*" | "?" => Days::Any,
            "L" => Days::Last,
            list => Days::Of(numbers(list, 1, 31, &[])?),
        };
        let weekdays = match *weekday {
            "*" | "?" => None,
            list => Some(numbers(list, 1, 7, WEEKDAYS)?),
        };
        Some(Cron {
            second: second.parse().ok().filter(|second| (0..60).contains(second))?,
            minute: minute.parse().ok().filter(|minute| (0..60).contains(minute))?,
            hours: numbers(hour, 0, 23, &[])?,
            days,
            months: numbers(month, 1, 12, MONTHS)?,
            weekdays,
            years: match year.first() {
                None | Some(&"*") => None,
                Some(list) => Some(numbers(list, 1970, 2099, &[])?),
            },
        })
    }

    /// The first time after `after` at which the schedule fires, or `None` if it never does again.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = zone.to_datetime(after).date();
        let mut date = start;
        for _ in 0..366 * 9 {
            if self.fires_on(date) {
                for hour in &self.hours {
                    let time = Time::new(i8::try_from(*hour).ok()?, self.minute, self.second, 0).ok()?;
                    let local = DateTime::from_parts(date, time);
                    let at = zone.to_timestamp(local).ok()?;
                    if at > after {
                        return Some(at);
                    }
                }
            }
            date = date.checked_add(Span::new().days(1)).ok()?;
        }
        None
    }

    fn fires_on(&self, date: Date) -> bool {
        let day = match &self.days {
            Days::Any => true,
            Days::Last => date == date.last_of_month(),
            Days::Of(days) => days.contains(&i16::from(date.day())),
        };
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        day && self.months.contains(&i16::from(date.month()))
            && self.weekdays.as_ref().is_none_or(|days| days.contains(&weekday))
            && self.years.as_ref().is_none_or(|years| years.contains(&date.year()))
    }
}

/// `*`, `5`, `1-5`, `0/4`, `*/4`, `MON,WED`.
fn numbers(list: &str, least: i16, most: i16, names: &[&str]) -> Option<Vec<i16>> {
    let number = |text: &str| -> Option<i16> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(place) => i16::try_from(place).ok()? + 1,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&value).then_some(value)
    };
    let mut values = Vec::new();
    for part in list.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<i16>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" => (least, most),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        values.extend((from..=to).step_by(usize::try_from(step).ok()?));
    }
    values.sort_unstable();
    values.dedup();
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str) -> Option<String> {
        let after: Timestamp = after.parse().expect("a time");
        Cron::parse(cron).expect("a schedule").next_after(after, &TimeZone::UTC).map(|time| time.to_string())
    }

    #[test]
    fn an_hourly_schedule_fires_at_the_next_full_hour() {
        assert_eq!(next("0 0 * * * ?", "2026-03-01T10:00:00Z").as_deref(), Some("2026-03-01T11:00:00Z"));
        assert_eq!(next("0 30 3 * * ?", "2026-03-01T03:30:00Z").as_deref(), Some("2026-03-02T03:30:00Z"));
    }

    #[test]
    fn weekdays_months_and_last_days_are_kept() {
        assert_eq!(next("0 0 9 ? * MON-FRI", "2026-07-31T10:00:00Z").as_deref(), Some("2026-08-03T09:00:00Z"));
        assert_eq!(next("0 0 0 L FEB ?", "2026-01-01T00:00:00Z").as_deref(), Some("2026-02-28T00:00:00Z"));
        assert_eq!(next("0 0 0/6 1 1 ? 2027", "2027-01-01T06:00:00Z").as_deref(), Some("2027-01-01T12:00:00Z"));
        assert_eq!(next("0 0 0 1 1 ? 2020", "2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn an_expression_the_org_refuses_is_refused() {
        for bad in ["0 0 3 * *", "0 * 3 * * ?", "0 0 3 * * *", "0 0 25 * * ?", "0 0 3 ? * ?", "x"] {
            assert_eq!(Cron::parse(bad), None, "{bad}");
        }
    }
}
