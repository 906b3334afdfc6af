//! A JSON document as text: read and written, numbers as they stand.

use std::fmt::Write;
use std::str::FromStr;

use bigdecimal::BigDecimal;

/// A parsed document; numbers as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Document>),
    Object(Vec<(String, Document)>),
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let hit = self.peek() == Some(c);
        if hit {
            self.at += c.len_utf8();
        }
        hit
    }

    fn value(&mut self, depth: usize) -> Option<Document> {
        if depth > 100 {
            return None;
        }
        match self.peek()? {
            '{' => {
                self.at += 1;
                let mut pairs: Vec<(String, Document)> = Vec::new();
                if self.take('}') {
                    return Some(Document::Object(pairs));
                }
                loop {
                    self.peek().filter(|c| *c == '"')?;
                    let name = self.string()?;
                    if !self.take(':') {
                        return None;
                    }
                    let value = self.value(depth + 1)?;
                    // The last of two equal names wins.
                    pairs.retain(|(own, _)| *own != name);
                    pairs.push((name, value));
                    if self.take('}') {
                        return Some(Document::Object(pairs));
                    }
                    if !self.take(',') {
                        return None;
                    }
                }
            }
            '[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.take(']') {
                    return Some(Document::Array(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.take(']') {
                        return Some(Document::Array(items));
                    }
                    if !self.take(',') {
                        return None;
                    }
                }
            }
            '"' => self.string().map(Document::Text),
            '-' | '0'..='9' => {
                let rest = &self.text[self.at..];
                let end = rest.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(rest.len());
                let number = &rest[..end];
                BigDecimal::from_str(number).ok()?;
                self.at += end;
                Some(Document::Number(number.to_owned()))
            }
            _ => {
                for (word, value) in
                    [("null", Document::Null), ("true", Document::Bool(true)), ("false", Document::Bool(false))]
                {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Some(value);
                    }
                }
                None
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let mut end = None;
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                _ => {}
            }
        }
        let end = end?;
        self.at += end;
        serde_json::from_str(&rest[..end]).ok()
    }
}

/// Reads a whole document; the place where it stops being JSON otherwise.
pub fn read(text: &str) -> Result<Document, usize> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0).ok_or(reader.at)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.at),
    }
}

impl From<&serde_json::Value> for Document {
    fn from(json: &serde_json::Value) -> Document {
        match json {
            serde_json::Value::Null => Document::Null,
            serde_json::Value::Bool(value) => Document::Bool(*value),
            serde_json::Value::Number(number) => Document::Number(number.to_string()),
            serde_json::Value::String(text) => Document::Text(text.clone()),
            serde_json::Value::Array(items) => Document::Array(items.iter().map(Document::from).collect()),
            serde_json::Value::Object(pairs) => {
                Document::Object(pairs.iter().map(|(name, value)| (name.clone(), Document::from(value))).collect())
            }
        }
    }
}

pub fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

pub fn pretty(out: &mut String, document: &Document, depth: usize) {
    let indent = "  ".repeat(depth + 1);
    match document {
        Document::Null => out.push_str("null"),
        Document::Bool(value) => out.push_str(&value.to_string()),
        Document::Number(text) => out.push_str(text),
        Document::Text(text) => quoted(out, text),
        Document::Array(items) => {
            out.push_str("[ ");
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                pretty(out, item, depth);
            }
            out.push_str(" ]");
        }
        Document::Object(pairs) => {
            out.push('{');
            for (at, (name, value)) in pairs.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                out.push_str(&indent);
                quoted(out, name);
                out.push_str(" : ");
                pretty(out, value, depth + 1);
            }
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
    }
}
