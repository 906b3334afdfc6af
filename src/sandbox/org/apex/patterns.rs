//! Regular expressions: Pattern, Matcher, and what String does with them.

use std::cell::{Cell, RefCell};

use regex::Regex;

use super::eval::{Interp, Res};
use super::value::{Native, Val};

impl Interp<'_> {
    pub fn regex(&self, pattern: &str) -> Res<Regex> {
        Regex::new(pattern).map_err(|_| self.unmodelled(format!("the regular expression {pattern}")))
    }

    /// As Java splits: no leading empty part for a zero-width match, trailing ones dropped with limit 0.
    pub fn split(&self, own: &str, pattern: &str, limit: i32) -> Res<Vec<String>> {
        let pattern = self.regex(pattern)?;
        let (mut parts, mut at) = (Vec::new(), 0);
        for hit in pattern.find_iter(own) {
            if limit > 0 && parts.len() as i32 == limit - 1 {
                break;
            }
            if hit.end() == 0 || hit.is_empty() && hit.start() == own.len() {
                continue;
            }
            parts.push(own[at..hit.start()].to_owned());
            at = hit.end();
        }
        parts.push(own[at..].to_owned());
        if limit == 0 {
            while parts.len() > 1 && parts.last().is_some_and(String::is_empty) {
                parts.pop();
            }
        }
        Ok(parts)
    }

    pub fn pattern_method(&mut self, native: &Native, name: &str, args: &[Val]) -> Res<Val> {
        match (native, name, args) {
            (Native::Pattern(regex), "matcher", [Val::Str(text)]) => Ok(Val::native(Native::Matcher {
                regex: regex.clone(),
                text: text.clone(),
                at: Cell::new(0),
                groups: RefCell::new(Vec::new()),
            })),
            (Native::Pattern(regex), "pattern", []) => Ok(Val::str(regex.as_str())),
            (Native::Matcher { regex, text, groups, .. }, "matches", []) => {
                let whole = self.regex(&format!("^(?:{})$", regex.as_str()))?;
                let found = whole.captures(text);
                let hit = found.is_some();
                *groups.borrow_mut() = found.map(|found| spans(&found)).unwrap_or_default();
                Ok(Val::Bool(hit))
            }
            (Native::Matcher { regex, text, at, groups }, "find", []) => {
                let found = regex.captures_at(text, at.get().min(text.len()));
                let hit = found.is_some();
                *groups.borrow_mut() = found.map(|found| spans(&found)).unwrap_or_default();
                if let Some(Some((start, end))) = groups.borrow().first() {
                    at.set(if start == end { end + 1 } else { *end });
                }
                Ok(Val::Bool(hit))
            }
            (Native::Matcher { text, groups, .. }, "group", args) => {
                let at = match args {
                    [Val::Int(at)] => usize::try_from(*at).unwrap_or(usize::MAX),
                    _ => 0,
                };
                match groups.borrow().get(at) {
                    Some(Some((start, end))) => Ok(Val::str(&text[*start..*end])),
                    Some(None) => Ok(Val::Null),
                    None => Err(self.string_exception("No match found".to_owned())),
                }
            }
            _ => Err(self.unmodelled(format!("Matcher.{name}"))),
        }
    }
}

fn spans(found: &regex::Captures<'_>) -> Vec<Option<(usize, usize)>> {
    found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
}

/// Java writes `$1` and escapes with a backslash; the regex crate wants `${1}` and `$$`.
pub fn replacement(java: &str) -> String {
    let (mut out, mut chars) = (String::new(), java.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '$' => {
                out.push_str("${");
                while let Some(digit) = chars.peek().copied().filter(char::is_ascii_digit) {
                    out.push(digit);
                    chars.next();
                }
                out.push('}');
            }
            c => out.push(c),
        }
    }
    out
}
