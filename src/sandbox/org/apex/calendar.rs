//! Methods of Date and Datetime, in the running user's time zone where the platform uses it.

use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use super::eval::{Interp, Res, Thrown};
use super::value::Val;

impl Interp<'_> {
    pub fn midnight(&self, date: Date) -> Res<Timestamp> {
        date.to_zoned_datetime(self.zone.clone()).map(|at| at.timestamp()).map_err(|_| self.bad_date())
    }

    fn bad_date(&self) -> Thrown {
        self.throw("System.TypeException", "Invalid date")
    }

    pub fn today(&self) -> Date {
        self.host.now().to_zoned_datetime(self.zone.clone()).date()
    }

    /// Months and days beyond their range roll over: day 0 is the last of the month before.
    fn rolled(&self, year: i32, month: i32, day: i32) -> Res<Date> {
        let months = i64::from(year) * 12 + i64::from(month) - 1;
        let first = i16::try_from(months.div_euclid(12))
            .ok()
            .and_then(|year| Date::new(year, (months.rem_euclid(12) + 1) as i8, 1).ok());
        first.and_then(|first| first.checked_add((i64::from(day) - 1).days()).ok()).ok_or_else(|| self.bad_date())
    }

    #[inline(never)]
    pub fn date_method(&mut self, own: Date, name: &str, args: &[Val]) -> Res<Val> {
        let failed = |this: &Self| this.bad_date();
        Ok(match (name, args) {
            ("year", []) => Val::Int(i32::from(own.year())),
            ("month", []) => Val::Int(i32::from(own.month())),
            ("day", []) => Val::Int(i32::from(own.day())),
            ("dayofyear", []) => Val::Int(i32::from(own.day_of_year())),
            ("adddays", [Val::Int(days)]) => Val::Date(own.checked_add(days.days()).map_err(|_| failed(self))?),
            ("addmonths", [Val::Int(months)]) => Val::Date(own.checked_add(months.months()).map_err(|_| failed(self))?),
            ("addyears", [Val::Int(years)]) => Val::Date(own.checked_add(years.years()).map_err(|_| failed(self))?),
            ("daysbetween", [Val::Date(other)]) => {
                let span = own.until((jiff::Unit::Day, *other)).map_err(|_| failed(self))?;
                Val::Int(span.get_days())
            }
            ("monthsbetween", [Val::Date(other)]) => Val::Int(
                (i32::from(other.year()) - i32::from(own.year())) * 12 + i32::from(other.month())
                    - i32::from(own.month()),
            ),
            ("issameday", [Val::Date(other)]) => Val::Bool(own == *other),
            ("tostartofmonth", []) => Val::Date(own.first_of_month()),
            ("tostartofweek", []) => {
                let back = i32::from(own.weekday().to_sunday_zero_offset());
                Val::Date(own.checked_sub(back.days()).map_err(|_| failed(self))?)
            }
            ("format", []) => Val::str(format!("{}/{}/{}", own.month(), own.day(), own.year())),
            ("tostring", []) => Val::str(own.to_string()),
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return self.any_method(&Val::Date(own), name, args),
        })
    }

    /// `Date.…`.
    pub fn date_static(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        Ok(match (name, args) {
            ("today", []) => Val::Date(self.today()),
            ("newinstance", [Val::Int(year), Val::Int(month), Val::Int(day)]) => {
                Val::Date(self.rolled(*year, *month, *day)?)
            }
            ("valueof", [Val::Str(text)]) => {
                let parsed = text.get(..10).unwrap_or(text).parse::<Date>();
                Val::Date(parsed.map_err(|_| self.throw("System.TypeException", format!("Invalid date: {text}")))?)
            }
            ("valueof", [Val::Date(date)]) => Val::Date(*date),
            ("valueof", [Val::DateTime(at)]) => Val::Date(at.to_zoned_datetime(self.zone.clone()).date()),
            ("daysinmonth", [Val::Int(year), Val::Int(month)]) => {
                Val::Int(i32::from(self.rolled(*year, *month, 1)?.days_in_month()))
            }
            ("isleapyear", [Val::Int(year)]) => Val::Bool(self.rolled(*year, 1, 1)?.in_leap_year()),
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return Err(self.unmodelled(format!("Date.{name} with {} arguments", args.len()))),
        })
    }

    #[inline(never)]
    pub fn datetime_method(&mut self, own: Timestamp, name: &str, args: &[Val]) -> Res<Val> {
        let local = own.to_zoned_datetime(self.zone.clone());
        let gmt = own.to_zoned_datetime(TimeZone::UTC);
        let failed = |this: &Self| this.throw("System.TypeException", "Invalid date/time");
        let (base, plain) = match name.strip_suffix("gmt") {
            Some(plain) => (&gmt, plain),
            None => (&local, name),
        };
        let moved = |this: &Self, at: Result<ZonedDateTime, jiff::Error>| {
            at.map(|at| Val::DateTime(at.timestamp())).map_err(|_| failed(this))
        };
        Ok(match (plain, args) {
            ("gettime", []) => Val::Long(own.as_millisecond()),
            ("date", []) => Val::Date(base.date()),
            ("time", []) => Val::Time(base.time()),
            ("year", []) => Val::Int(i32::from(base.year())),
            ("month", []) => Val::Int(i32::from(base.month())),
            ("day", []) => Val::Int(i32::from(base.day())),
            ("hour", []) => Val::Int(i32::from(base.hour())),
            ("minute", []) => Val::Int(i32::from(base.minute())),
            ("second", []) => Val::Int(i32::from(base.second())),
            ("millisecond", []) => Val::Int(i32::from(base.millisecond())),
            ("dayofyear", []) => Val::Int(i32::from(base.day_of_year())),
            ("adddays", [Val::Int(by)]) => moved(self, local.checked_add(by.days()))?,
            ("addmonths", [Val::Int(by)]) => moved(self, local.checked_add(by.months()))?,
            ("addyears", [Val::Int(by)]) => moved(self, local.checked_add(by.years()))?,
            ("addhours", [Val::Int(by)]) => moved(self, local.checked_add(by.hours()))?,
            ("addminutes", [Val::Int(by)]) => moved(self, local.checked_add(by.minutes()))?,
            ("addseconds", [Val::Int(by)]) => moved(self, local.checked_add(by.seconds()))?,
            ("issameday", [Val::DateTime(other)]) => {
                Val::Bool(local.date() == other.to_zoned_datetime(self.zone.clone()).date())
            }
            ("format", []) => Val::str(formatted(base, "M/d/yyyy, h:mm a")),
            ("format", [Val::Str(pattern)]) => Val::str(formatted(base, pattern)),
            ("format", [Val::Str(pattern), Val::Str(zone)]) => {
                let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
                Val::str(formatted(&own.to_zoned_datetime(zone), pattern))
            }
            ("tostring", []) => Val::str(self.text(&Val::DateTime(own))?),
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return self.any_method(&Val::DateTime(own), name, args),
        })
    }

    /// `Datetime.…`.
    pub fn datetime_static(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        let bad = |this: &Self, text: &str| this.throw("System.TypeException", format!("Invalid date/time: {text}"));
        let zone = if name.ends_with("gmt") { TimeZone::UTC } else { self.zone.clone() };
        let at = |this: &Self, date: Date, time: civil::Time| {
            date.to_datetime(time)
                .to_zoned_datetime(zone.clone())
                .map(|at| Val::DateTime(at.timestamp()))
                .map_err(|_| bad(this, &date.to_string()))
        };
        match (name.strip_suffix("gmt").unwrap_or(name), args) {
            ("now", []) => {
                // Milliseconds, as the platform's clock has them.
                let now = Timestamp::from_millisecond(self.host.now().as_millisecond());
                now.map(Val::DateTime).map_err(|_| bad(self, "now"))
            }
            ("newinstance", [Val::Long(ms)]) => {
                Timestamp::from_millisecond(*ms).map(Val::DateTime).map_err(|_| bad(self, &ms.to_string()))
            }
            ("newinstance", [Val::Int(ms)]) => {
                Timestamp::from_millisecond(i64::from(*ms)).map(Val::DateTime).map_err(|_| bad(self, &ms.to_string()))
            }
            ("newinstance", [Val::Date(date), Val::Time(time)]) => at(self, *date, *time),
            ("newinstance", [Val::Int(year), Val::Int(month), Val::Int(day), clock @ ..]) => {
                let date = self.rolled(*year, *month, *day)?;
                let part = |index: usize| match clock.get(index) {
                    Some(Val::Int(value)) => i64::from(*value),
                    _ => 0,
                };
                let start = date.to_datetime(civil::Time::midnight());
                let moved = start
                    .checked_add(part(0).hours().minutes(part(1)).seconds(part(2)))
                    .map_err(|_| bad(self, &date.to_string()))?;
                at(self, moved.date(), moved.time())
            }
            ("valueof", [Val::Str(text)]) => {
                let parsed = civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &**text).map_err(|_| bad(self, text))?;
                at(self, parsed.date(), parsed.time())
            }
            ("valueof", [Val::DateTime(own)]) => Ok(Val::DateTime(*own)),
            (_, [Val::Null, ..]) => Err(self.null_argument()),
            _ => Err(self.unmodelled(format!("Datetime.{name} with {} arguments", args.len()))),
        }
    }

    /// `Time.newInstance`.
    pub fn time_static(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("newinstance", [Val::Int(h), Val::Int(m), Val::Int(s), Val::Int(ms)]) => {
                match civil::Time::new(*h as i8, *m as i8, *s as i8, *ms * 1_000_000) {
                    Ok(time) => Ok(Val::Time(time)),
                    Err(_) => Err(self.throw("System.TypeException", "Invalid time")),
                }
            }
            _ => Err(self.unmodelled(format!("Time.{name}"))),
        }
    }

    pub fn iso(at: Timestamp) -> String {
        at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
            + &format!(".{:03}Z", at.to_zoned_datetime(TimeZone::UTC).millisecond())
    }
}

/// SimpleDateFormat's letters.
fn formatted(at: &ZonedDateTime, pattern: &str) -> String {
    let (mut out, mut chars) = (String::new(), pattern.chars().peekable());
    while let Some(c) = chars.next() {
        if c == '\'' {
            if chars.peek() == Some(&'\'') {
                chars.next();
                out.push('\'');
                continue;
            }
            out.extend(chars.by_ref().take_while(|c| *c != '\''));
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push(c);
            continue;
        }
        let mut count = 1;
        while chars.peek() == Some(&c) {
            chars.next();
            count += 1;
        }
        let number = |value: i64| format!("{value:0count$}");
        let hour = i64::from(at.hour());
        out.push_str(&match (c, count) {
            ('y' | 'u', 2) => format!("{:02}", at.year() % 100),
            ('y' | 'u', _) => number(i64::from(at.year())),
            ('M', 3) => at.strftime("%b").to_string(),
            ('M', 4..) => at.strftime("%B").to_string(),
            ('M', _) => number(i64::from(at.month())),
            ('d', _) => number(i64::from(at.day())),
            ('D', _) => number(i64::from(at.day_of_year())),
            ('H', _) => number(hour),
            ('k', _) => number(if hour == 0 { 24 } else { hour }),
            ('h', _) => number(if hour % 12 == 0 { 12 } else { hour % 12 }),
            ('K', _) => number(hour % 12),
            ('m', _) => number(i64::from(at.minute())),
            ('s', _) => number(i64::from(at.second())),
            ('S', _) => number(i64::from(at.millisecond())),
            ('a', _) => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
            ('E', 4..) => at.strftime("%A").to_string(),
            ('E', _) => at.strftime("%a").to_string(),
            ('z', _) => at.strftime("%Z").to_string(),
            ('Z', _) => at.strftime("%z").to_string(),
            ('X', _) => match at.offset().seconds() {
                0 => "Z".to_owned(),
                _ => at.strftime("%:z").to_string(),
            },
            (other, _) => other.to_string().repeat(count),
        });
    }
    out
}
