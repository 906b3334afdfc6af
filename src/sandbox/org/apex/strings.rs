//! Methods of String and Id.

use std::sync::Arc;

use super::ast::{Name, Type};
use super::eval::{Interp, Res, Thrown};
use super::patterns::replacement;
use super::value::Val;

impl Interp<'_> {
    #[inline(never)]
    pub fn string_method(&mut self, own: &Name, name: &str, args: &[Val]) -> Res<Val> {
        if let [Val::Null, ..] = args
            && !matches!(name, "equals" | "equalsignorecase")
        {
            return Err(self.null_argument());
        }
        // An Id stands for its text wherever one is asked for.
        let texts: Vec<Val> = args
            .iter()
            .map(|arg| match arg {
                Val::Id(id) => Val::Str(id.clone()),
                other => other.clone(),
            })
            .collect();
        let args = texts.as_slice();
        Ok(match (name, args) {
            ("length", []) => Val::Int(utf16(own).len() as i32),
            ("tolowercase", _) => Val::str(own.to_lowercase()),
            ("touppercase", _) => Val::str(own.to_uppercase()),
            ("trim", []) => Val::str(own.trim_matches(|c: char| c <= ' ')),
            ("equals", [other]) => Val::Bool(match other {
                Val::Str(other) | Val::Id(other) => own == other,
                _ => false,
            }),
            ("equalsignorecase", [other]) => {
                Val::Bool(matches!(other, Val::Str(other) | Val::Id(other) if super::eval::same_text(own, other)))
            }
            ("contains", [Val::Str(part) | Val::Id(part)]) => Val::Bool(own.contains(&**part)),
            ("containsignorecase", [Val::Str(part)]) => Val::Bool(own.to_lowercase().contains(&part.to_lowercase())),
            ("startswith", [Val::Str(part) | Val::Id(part)]) => Val::Bool(own.starts_with(&**part)),
            ("startswithignorecase", [Val::Str(part)]) => {
                Val::Bool(own.to_lowercase().starts_with(&part.to_lowercase()))
            }
            ("endswith", [Val::Str(part)]) => Val::Bool(own.ends_with(&**part)),
            ("endswithignorecase", [Val::Str(part)]) => Val::Bool(own.to_lowercase().ends_with(&part.to_lowercase())),
            ("indexof", [Val::Str(part)]) => Val::Int(index(own, part, 0)),
            ("indexof", [Val::Str(part), Val::Int(from)]) => Val::Int(index(own, part, *from)),
            ("lastindexof", [Val::Str(part)]) => match own.rfind(&**part) {
                Some(at) => Val::Int(utf16(&own[..at]).len() as i32),
                None => Val::Int(-1),
            },
            ("substring", [Val::Int(from)]) => self.substring(own, *from, None)?,
            ("substring", [Val::Int(from), Val::Int(to)]) => self.substring(own, *from, Some(*to))?,
            ("left", [Val::Int(count)]) => {
                let units = utf16(own);
                Val::str(from_utf16(&units[..clamp(*count, units.len())]))
            }
            ("right", [Val::Int(count)]) => {
                let units = utf16(own);
                Val::str(from_utf16(&units[units.len() - clamp(*count, units.len())..]))
            }
            ("mid", [Val::Int(from), Val::Int(count)]) => {
                let units = utf16(own);
                let from = clamp(*from, units.len());
                let to = clamp(*count, units.len() - from) + from;
                Val::str(from_utf16(&units[from..to]))
            }
            ("charat", [Val::Int(at)]) => match usize::try_from(*at).ok().and_then(|at| utf16(own).get(at).copied()) {
                Some(unit) => Val::Int(i32::from(unit)),
                None => return Err(self.string_exception(format!("Index out of bounds: {at}"))),
            },
            ("replace", [Val::Str(from), Val::Str(to)]) => Val::str(own.replace(&**from, to)),
            ("replaceall", [Val::Str(pattern), Val::Str(to)]) => {
                Val::str(self.regex(pattern)?.replace_all(own, replacement(to)))
            }
            ("replacefirst", [Val::Str(pattern), Val::Str(to)]) => {
                Val::str(self.regex(pattern)?.replace(own, replacement(to)))
            }
            ("split", [Val::Str(pattern)]) => Val::strings(self.split(own, pattern, 0)?),
            ("split", [Val::Str(pattern), Val::Int(limit)]) => Val::strings(self.split(own, pattern, *limit)?),
            ("remove", [Val::Str(part)]) => {
                Val::str(if part.is_empty() { own.to_string() } else { own.replace(&**part, "") })
            }
            ("removestart", [Val::Str(part)]) => Val::str(own.strip_prefix(&**part).unwrap_or(own)),
            ("removeend", [Val::Str(part)]) => Val::str(own.strip_suffix(&**part).unwrap_or(own)),
            ("removestartignorecase", [Val::Str(part)]) => match own.get(..part.len()) {
                Some(start) if start.eq_ignore_ascii_case(part) => Val::str(&own[part.len()..]),
                _ => Val::Str(own.clone()),
            },
            ("removeendignorecase", [Val::Str(part)]) => {
                let at = own.len().saturating_sub(part.len());
                match own.get(at..) {
                    Some(end) if end.eq_ignore_ascii_case(part) => Val::str(&own[..at]),
                    _ => Val::Str(own.clone()),
                }
            }
            ("substringbefore", [Val::Str(part)]) => {
                Val::str(own.split_once(&**part).map_or(&**own, |(before, _)| before))
            }
            ("substringafter", [Val::Str(part)]) => Val::str(own.split_once(&**part).map_or("", |(_, after)| after)),
            ("substringbeforelast", [Val::Str(part)]) => {
                Val::str(own.rsplit_once(&**part).map_or(&**own, |(before, _)| before))
            }
            ("substringafterlast", [Val::Str(part)]) => {
                Val::str(own.rsplit_once(&**part).map_or("", |(_, after)| after))
            }
            ("substringbetween", [Val::Str(open), Val::Str(close)]) => {
                let inner = own.split_once(&**open).and_then(|(_, rest)| rest.split_once(&**close));
                inner.map_or(Val::Null, |(inner, _)| Val::str(inner))
            }
            ("substringbetween", [Val::Str(tag)]) => {
                let inner = own.split_once(&**tag).and_then(|(_, rest)| rest.split_once(&**tag));
                inner.map_or(Val::Null, |(inner, _)| Val::str(inner))
            }
            ("capitalize", []) => Val::str(first(own, |c| c.to_uppercase().collect())),
            ("uncapitalize", []) => Val::str(first(own, |c| c.to_lowercase().collect())),
            ("deletewhitespace", []) => Val::str(own.chars().filter(|c| !c.is_whitespace()).collect::<String>()),
            ("normalizespace", []) => Val::str(own.split_whitespace().collect::<Vec<_>>().join(" ")),
            ("reverse", []) => Val::str(own.chars().rev().collect::<String>()),
            ("repeat", [Val::Int(count)]) => Val::str(own.repeat(clamp(*count, 1_000_000))),
            ("leftpad", [Val::Int(length)]) => Val::str(pad(own, *length, " ", true)),
            ("leftpad", [Val::Int(length), Val::Str(with)]) => Val::str(pad(own, *length, with, true)),
            ("rightpad", [Val::Int(length)]) => Val::str(pad(own, *length, " ", false)),
            ("rightpad", [Val::Int(length), Val::Str(with)]) => Val::str(pad(own, *length, with, false)),
            ("abbreviate", [Val::Int(max)]) => {
                let units = utf16(own);
                if *max < 4 {
                    let text = format!("Minimum abbreviation width is 4 : {max}");
                    return Err(self.throw("System.IllegalArgumentException", text));
                }
                match units.len() > clamp(*max, usize::MAX) {
                    true => Val::str(format!("{}...", from_utf16(&units[..clamp(*max - 3, units.len())]))),
                    false => Val::Str(own.clone()),
                }
            }
            ("isnumeric", []) => Val::Bool(!own.is_empty() && own.chars().all(|c| c.is_numeric())),
            ("isalpha", []) => Val::Bool(!own.is_empty() && own.chars().all(char::is_alphabetic)),
            ("isalphanumeric", []) => Val::Bool(!own.is_empty() && own.chars().all(char::is_alphanumeric)),
            ("iswhitespace", []) => Val::Bool(own.chars().all(char::is_whitespace)),
            ("isalllowercase", []) => Val::Bool(!own.is_empty() && own.chars().all(char::is_lowercase)),
            ("isalluppercase", []) => Val::Bool(!own.is_empty() && own.chars().all(char::is_uppercase)),
            ("countmatches", [Val::Str(part)]) => {
                Val::Int(if part.is_empty() { 0 } else { own.matches(&**part).count() as i32 })
            }
            ("compareto", [Val::Str(other)]) => {
                let (a, b) = (utf16(own), utf16(other));
                let differs = a.iter().zip(&b).find(|(a, b)| a != b);
                Val::Int(match differs {
                    Some((a, b)) => i32::from(*a) - i32::from(*b),
                    None => a.len() as i32 - b.len() as i32,
                })
            }
            ("containsany", [Val::Str(any)]) => Val::Bool(own.chars().any(|c| any.contains(c))),
            ("containsnone", [Val::Str(any)]) => Val::Bool(!own.chars().any(|c| any.contains(c))),
            ("containsonly", [Val::Str(any)]) => Val::Bool(own.chars().all(|c| any.contains(c))),
            ("containswhitespace", []) => Val::Bool(own.chars().any(char::is_whitespace)),
            ("hashcode", []) => Val::Int(super::exceptions::hash(own)),
            ("getchars", []) => {
                let chars = utf16(own).into_iter().map(|unit| Val::Int(i32::from(unit))).collect();
                Val::list(Arc::new(Type::Integer), chars)
            }
            ("escapehtml4" | "escapehtml3", []) => {
                Val::str(own.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"))
            }
            ("escapexml", []) => Val::str(
                own.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
                    .replace('"', "&quot;")
                    .replace('\'', "&apos;"),
            ),
            ("tostring", []) => Val::Str(own.clone()),
            ("getsobjecttype" | "to15", []) => {
                let Val::Id(id) = self.id(own)? else { return Err(self.null_pointer()) };
                self.id_method(&id, name, args)?
            }
            _ => return self.any_method(&Val::Str(own.clone()), name, args),
        })
    }

    fn substring(&self, own: &str, from: i32, to: Option<i32>) -> Res<Val> {
        let units = utf16(own);
        let length = units.len() as i32;
        let to = to.unwrap_or(length);
        if from < 0 || from > length {
            return Err(self.string_exception(format!("Starting position out of bounds: {from}")));
        }
        if to < from || to > length {
            return Err(self.string_exception(format!("Ending position out of bounds: {to}")));
        }
        Ok(Val::str(from_utf16(&units[from as usize..to as usize])))
    }

    pub fn string_exception(&self, text: String) -> Thrown {
        self.throw("System.StringException", text)
    }

    pub fn id_method(&mut self, id: &Name, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("to15", []) => Ok(Val::str(&id[..15])),
            ("getsobjecttype", []) => match self.schema.object_by_prefix(id) {
                Some(object) => Ok(Val::SObjectType(Arc::from(object.name.as_str()))),
                None => Err(self.string_exception(format!("Invalid id prefix: {}", &id[..3]))),
            },
            _ => self.string_method(id, name, args),
        }
    }

    /// `String.…`.
    pub fn string_static(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        Ok(match (name, args.as_slice()) {
            ("isblank", [value]) => Val::Bool(text_of(value).is_none_or(|text| text.trim().is_empty())),
            ("isnotblank", [value]) => Val::Bool(!text_of(value).is_none_or(|text| text.trim().is_empty())),
            ("isempty", [value]) => Val::Bool(text_of(value).is_none_or(|text| text.is_empty())),
            ("isnotempty", [value]) => Val::Bool(!text_of(value).is_none_or(|text| text.is_empty())),
            ("valueof", [Val::Null]) => Val::Null,
            ("valueof" | "valueofgmt", [value]) => Val::str(self.text(value)?),
            ("join", [items, Val::Str(between)]) => {
                let items = match items {
                    Val::List(list) => list.items.borrow().clone(),
                    Val::Set(set) => set.store.keys(),
                    _ => return Err(self.null_argument()),
                };
                let mut parts = Vec::with_capacity(items.len());
                for item in &items {
                    parts.push(if item.is_null() { String::new() } else { self.text(item)? });
                }
                Val::str(parts.join(between))
            }
            ("format", [Val::Str(pattern), Val::List(items)]) => {
                let items = items.items.borrow().clone();
                let mut texts = Vec::new();
                for item in &items {
                    texts.push(self.text(item)?);
                }
                Val::str(message(pattern, &texts))
            }
            ("escapesinglequotes", [Val::Str(text)]) => Val::str(text.replace('\\', "\\\\").replace('\'', "\\'")),
            ("fromchararray", [Val::List(chars)]) => {
                let units: Vec<u16> = chars
                    .items
                    .borrow()
                    .iter()
                    .filter_map(|unit| match unit {
                        Val::Int(unit) => u16::try_from(*unit).ok(),
                        _ => None,
                    })
                    .collect();
                Val::str(from_utf16(&units))
            }
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return Err(self.unmodelled(format!("String.{name} with {} arguments", args.len()))),
        })
    }
}

fn text_of(value: &Val) -> Option<&str> {
    match value {
        Val::Str(text) | Val::Id(text) => Some(text),
        _ => None,
    }
}

/// MessageFormat: `{0}`, and `''` for one quote; between single quotes nothing is replaced.
fn message(pattern: &str, items: &[String]) -> String {
    let (mut out, mut chars, mut quoted) = (String::new(), pattern.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push('\'');
            }
            '\'' => quoted = !quoted,
            '{' if !quoted => {
                let inner: String = chars.by_ref().take_while(|c| *c != '}').collect();
                match inner.trim().parse::<usize>().ok().and_then(|at| items.get(at)) {
                    Some(item) => out.push_str(item),
                    None => out.push_str(&format!("{{{inner}}}")),
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn from_utf16(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

fn clamp(value: i32, most: usize) -> usize {
    usize::try_from(value).unwrap_or(0).min(most)
}

fn index(own: &str, part: &str, from: i32) -> i32 {
    let units = utf16(own);
    let from = clamp(from, units.len());
    let rest = from_utf16(&units[from..]);
    match rest.find(part) {
        Some(at) => (from + utf16(&rest[..at]).len()) as i32,
        None => -1,
    }
}

fn first(own: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = own.chars();
    match chars.next() {
        Some(c) => change(c) + chars.as_str(),
        None => String::new(),
    }
}

fn pad(own: &str, length: i32, with: &str, left: bool) -> String {
    let missing = clamp(length, 1_000_000).saturating_sub(utf16(own).len());
    let padding: String = with.chars().cycle().take(if with.is_empty() { 0 } else { missing }).collect();
    if left { padding + own } else { format!("{own}{padding}") }
}
