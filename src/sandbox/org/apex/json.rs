//! JSON both ways. A reader and writer of its own, because Decimals keep their digits.

use std::cell::RefCell;
use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;

use super::ast::{ClassKind, Type};
use super::eval::{Interp, Res, decimal_text};
use super::sobjects::field_type;
use super::value::{SObj, Val};

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

/// `JSON.createGenerator`.
#[derive(Debug, Default)]
pub struct Generator {
    text: String,
    /// Whether something stands already in each open object or array.
    open: Vec<bool>,
    after_name: bool,
}

impl Generator {
    fn separate(&mut self) {
        if std::mem::take(&mut self.after_name) {
            return;
        }
        if let Some(begun) = self.open.last_mut() {
            if *begun {
                self.text.push(',');
            }
            *begun = true;
        }
    }
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
fn read(text: &str) -> Result<Document, usize> {
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

fn quoted(out: &mut String, text: &str) {
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

impl Interp<'_> {
    /// `JSON.…`.
    pub fn json(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        match (name, args.as_slice()) {
            ("serialize", [value]) => self.serialized(value, false),
            ("serialize", [value, Val::Bool(suppress)]) => self.serialized(value, *suppress),
            ("serializepretty", [value, ..]) => {
                let mut text = String::new();
                self.write_json(&mut text, value, false)?;
                let document = read(&text).map_err(|_| self.unmodelled("this value as JSON"))?;
                let mut out = String::new();
                pretty(&mut out, &document, 0);
                Ok(Val::str(out))
            }
            ("deserialize" | "deserializestrict", [Val::Str(text), Val::Type(of)]) => {
                let document = self.read_json(text)?;
                let of = of.clone();
                self.typed(&document, &of, name == "deserializestrict")
            }
            ("deserializeuntyped", [Val::Str(text)]) => {
                let document = self.read_json(text)?;
                self.untyped(&document)
            }
            ("creategenerator", [_]) => {
                Ok(Val::native(super::value::Native::JsonGenerator(RefCell::new(Generator::default()))))
            }
            (_, [Val::Null, ..]) => Err(self.null_argument()),
            _ => Err(self.unmodelled(format!("JSON.{name} with {} arguments", args.len()))),
        }
    }

    fn serialized(&mut self, value: &Val, suppress: bool) -> Res<Val> {
        let mut text = String::new();
        self.write_json(&mut text, value, suppress)?;
        Ok(Val::str(text))
    }

    pub fn read_json(&self, text: &str) -> Res<Document> {
        read(text).map_err(|at| {
            let before = &text[..at];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
            let message = match text[at..].chars().next() {
                Some(c) => format!(
                    "Unexpected character ('{c}' (code {})): was expecting a valid JSON value at input location \
                     [{line},{column}]",
                    c as u32
                ),
                None => format!("Unexpected end-of-input at input location [{line},{column}]"),
            };
            self.throw("System.JSONException", message)
        })
    }

    pub fn write_json(&mut self, out: &mut String, value: &Val, suppress: bool) -> Res<()> {
        match value {
            Val::Null => out.push_str("null"),
            Val::Bool(_) | Val::Int(_) | Val::Long(_) | Val::Double(_) => {
                let text = self.text(value)?;
                out.push_str(&text);
            }
            Val::Dec(value) => out.push_str(&decimal_text(value)),
            Val::Str(text) | Val::Id(text) => quoted(out, text),
            Val::DateTime(at) => quoted(out, &Interp::iso(*at)),
            Val::Blob(bytes) => {
                use base64::Engine;
                quoted(out, &base64::engine::general_purpose::STANDARD.encode(&**bytes));
            }
            Val::Date(_) | Val::Time(_) | Val::Enum(..) | Val::PlatformEnum(..) => {
                let text = self.text(value)?;
                quoted(out, &text);
            }
            Val::List(list) => {
                let items = list.items.borrow().clone();
                self.write_items(out, &items, suppress)?;
            }
            Val::Set(set) => self.write_items(out, &set.store.keys(), suppress)?,
            Val::Map(map) => {
                out.push('{');
                for (at, (key, value)) in map.store.pairs().iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    let key = self.text(key)?;
                    quoted(out, &key);
                    out.push(':');
                    self.write_json(out, value, suppress)?;
                }
                out.push('}');
            }
            Val::SObject(row) => {
                let row = row.borrow().clone();
                self.write_sobject(out, &row, suppress)?;
            }
            Val::Object(instance) if instance.exception.is_none() => {
                out.push('{');
                let mut first = true;
                let mut classes = vec![instance.class];
                while let Some(parent) = classes.last().and_then(|class| self.runtime.parent(*class)) {
                    classes.push(parent);
                }
                let runtime = self.runtime;
                for class in classes.into_iter().rev() {
                    for field in &runtime.class(class).fields {
                        if field.is_transient {
                            continue;
                        }
                        let value = self.instance_get(instance, &field.name)?;
                        if suppress && value.is_null() {
                            continue;
                        }
                        if !std::mem::take(&mut first) {
                            out.push(',');
                        }
                        quoted(out, &field.name);
                        out.push(':');
                        self.write_json(out, &value, suppress)?;
                    }
                }
                out.push('}');
            }
            other => return Err(self.unmodelled(format!("a {} as JSON", self.type_name(other)))),
        }
        Ok(())
    }

    fn write_items(&mut self, out: &mut String, items: &[Val], suppress: bool) -> Res<()> {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.write_json(out, item, suppress)?;
        }
        out.push(']');
        Ok(())
    }

    fn write_sobject(&mut self, out: &mut String, row: &SObj, suppress: bool) -> Res<()> {
        out.push_str("{\"attributes\":{\"type\":");
        quoted(out, row.object());
        if let Some(id) = row.id() {
            let _ = write!(out, ",\"url\":\"/services/data/v66.0/sobjects/{}/{id}\"", row.object());
        }
        out.push('}');
        for (name, value) in &row.fields {
            // A queried null is left out, an assigned one is written.
            if row.queried && value.is_null() {
                continue;
            }
            out.push(',');
            quoted(out, name);
            out.push(':');
            match value {
                Val::List(children) => {
                    let children = children.items.borrow().clone();
                    let _ = write!(out, "{{\"totalSize\":{},\"done\":true,\"records\":", children.len());
                    self.write_items(out, &children, suppress)?;
                    out.push('}');
                }
                value => self.write_json(out, value, suppress)?,
            }
        }
        out.push('}');
        Ok(())
    }

    pub fn untyped(&mut self, document: &Document) -> Res<Val> {
        Ok(match document {
            Document::Null => Val::Null,
            Document::Bool(value) => Val::Bool(*value),
            Document::Text(text) => Val::str(text),
            Document::Number(text) => {
                if text.contains(['.', 'e', 'E']) {
                    Val::Dec(BigDecimal::from_str(text).unwrap_or_default())
                } else if let Ok(value) = text.parse() {
                    Val::Int(value)
                } else if let Ok(value) = text.parse() {
                    Val::Long(value)
                } else {
                    let message = format!("For input string: \"{text}\" at [line:1, column:1]");
                    return Err(self.throw("System.JSONException", message));
                }
            }
            Document::Array(items) => {
                let items = items.iter().map(|item| self.untyped(item)).collect::<Res<_>>()?;
                Val::list(Arc::new(Type::Object), items)
            }
            Document::Object(pairs) => {
                let mut entries = Vec::new();
                for (name, value) in pairs {
                    entries.push((Val::str(name), self.untyped(value)?));
                }
                Val::map(Arc::new(Type::String), Arc::new(Type::Object), entries)
            }
        })
    }

    /// A document as a declared type.
    pub fn typed(&mut self, document: &Document, of: &Type, strict: bool) -> Res<Val> {
        Ok(match (document, of) {
            (Document::Null, _) => Val::Null,
            (_, Type::Object) => self.untyped(document)?,
            (Document::Bool(value), Type::Boolean) => Val::Bool(*value),
            (Document::Number(text), Type::Integer) => match text.parse() {
                Ok(value) => Val::Int(value),
                Err(_) => return Err(self.bad_json("Illegal value for primitive")),
            },
            (Document::Number(text), Type::Long) => match text.parse() {
                Ok(value) => Val::Long(value),
                Err(_) => return Err(self.bad_json("Illegal value for primitive")),
            },
            (Document::Number(text), Type::Double) => Val::Double(text.parse().unwrap_or(f64::NAN)),
            (Document::Number(text), Type::Decimal) => Val::Dec(BigDecimal::from_str(text).unwrap_or_default()),
            (Document::Text(text), Type::Integer | Type::Long | Type::Double | Type::Decimal) => {
                let document = Document::Number(text.clone());
                match BigDecimal::from_str(text) {
                    Ok(_) => self.typed(&document, of, strict)?,
                    Err(_) => return Err(self.bad_json("Illegal value for primitive")),
                }
            }
            (Document::Text(text), Type::String) => Val::str(text),
            (Document::Number(text), Type::String) => Val::str(text),
            (Document::Bool(value), Type::String) => Val::str(value.to_string()),
            (Document::Text(text), Type::Id) => self.id(text)?,
            (Document::Text(text), Type::Date) => match text.get(..10).unwrap_or(text).parse() {
                Ok(date) => Val::Date(date),
                Err(_) => return Err(self.bad_json(&format!("Invalid date: {text}"))),
            },
            (Document::Text(text), Type::Datetime) => {
                // `+0000` as well as `Z` and `+00:00`.
                let fixed = text.strip_suffix("+0000").map_or_else(|| text.clone(), |rest| format!("{rest}Z"));
                match fixed.parse() {
                    Ok(at) => Val::DateTime(at),
                    Err(_) => return Err(self.bad_json(&format!("Invalid date/time: {text}"))),
                }
            }
            (Document::Text(text), Type::Blob) => {
                use base64::Engine;
                match base64::engine::general_purpose::STANDARD.decode(text) {
                    Ok(bytes) => Val::Blob(std::rc::Rc::new(bytes)),
                    Err(_) => return Err(self.bad_json("Illegal value for primitive")),
                }
            }
            (Document::Array(items), Type::List(element)) => {
                let items = items.iter().map(|item| self.typed(item, element, strict)).collect::<Res<_>>()?;
                Val::list(element.clone(), items)
            }
            (Document::Array(items), Type::Set(element)) => {
                let items = items.iter().map(|item| self.typed(item, element, strict)).collect::<Res<Vec<_>>>()?;
                Val::set(element.clone(), items)
            }
            (Document::Object(pairs), Type::Map(key, value)) => {
                let mut entries = Vec::new();
                for (name, held) in pairs {
                    let name = self.coerce(Val::str(name), key)?;
                    entries.push((name, self.typed(held, value, strict)?));
                }
                Val::map(key.clone(), value.clone(), entries)
            }
            (Document::Object(pairs), Type::SObject(of)) => self.typed_sobject(pairs, of.as_deref())?,
            (Document::Text(text), Type::Class(class)) if self.runtime.class(*class).kind == ClassKind::Enum => {
                let constants = &self.runtime.class(*class).constants;
                match constants.iter().position(|constant| constant.eq_ignore_ascii_case(text)) {
                    Some(at) => Val::Enum(*class, at),
                    None => return Err(self.bad_json(&format!("Invalid enum value: {text}"))),
                }
            }
            (Document::Object(pairs), Type::Class(class)) => {
                let declared = self.runtime.class(*class);
                if declared.is_abstract || declared.kind != ClassKind::Class {
                    return Err(self.bad_json(&format!("Apex Type unsupported in JSON: {}", declared.name)));
                }
                // No constructor runs.
                let instance = self.blank(*class);
                for (name, held) in pairs {
                    let runtime = self.runtime;
                    match runtime.instance_field(*class, name) {
                        Some((_, field)) => {
                            let value = self.typed(held, &field.of, strict)?;
                            self.instance_set(&instance, name, value)?;
                        }
                        None if strict => {
                            return Err(self.bad_json(&format!("Unexpected attribute: {name}")));
                        }
                        None => {}
                    }
                }
                Val::Object(instance)
            }
            (document, of) => {
                let _ = document;
                return Err(self.bad_json(&format!("Illegal value for primitive of type {}", self.type_text(of))));
            }
        })
    }

    fn bad_json(&self, text: &str) -> super::eval::Thrown {
        self.throw("System.JSONException", text)
    }

    fn typed_sobject(&mut self, pairs: &[(String, Document)], of: Option<&str>) -> Res<Val> {
        let named = pairs.iter().find(|(name, _)| name == "attributes").and_then(|(_, attributes)| match attributes {
            Document::Object(inner) => inner.iter().find(|(name, _)| name == "type").map(|(_, of)| of),
            _ => None,
        });
        let object = match (of, named) {
            (Some(of), _) => of.to_owned(),
            (None, Some(Document::Text(of))) => of.clone(),
            _ => match pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("sobjectType")) {
                Some((_, Document::Text(of))) => of.clone(),
                _ => return Err(self.bad_json("an sObject without its type")),
            },
        };
        let row = self.blank_sobject(&object)?;
        let schema = self.schema.clone();
        for (name, held) in pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "attributes" | "sobjectType")) {
            let Some(own) = schema.object(&object) else { continue };
            if let Some(field) = own.field(name) {
                let value = self.typed(held, &field_type(&field.kind), false)?;
                row.borrow_mut().set(Arc::from(field.name.as_str()), value);
            } else if let (Some(parent), Document::Object(inner)) = (own.parent(name), held) {
                let to = match &parent.kind {
                    crate::sandbox::org::schema::FieldKind::Reference { to, .. } => to.first().cloned(),
                    _ => None,
                };
                let value = self.typed_sobject(inner, to.as_deref())?;
                row.borrow_mut().set(Arc::from(name.as_str()), value);
            } else {
                let text = format!("No such column '{name}' on sobject of type {object}");
                return Err(self.bad_json(&text));
            }
        }
        Ok(Val::SObject(row))
    }

    pub fn generator_method(&mut self, generator: &RefCell<Generator>, name: &str, args: &[Val]) -> Res<Val> {
        let write = |this: &mut Self, value: &Val| -> Res<()> {
            let mut text = String::new();
            this.write_json(&mut text, value, false)?;
            let mut own = generator.borrow_mut();
            own.separate();
            own.text.push_str(&text);
            Ok(())
        };
        let field = |name: &Val| -> Option<()> {
            let Val::Str(name) = name else { return None };
            let mut own = generator.borrow_mut();
            own.separate();
            let mut text = String::new();
            quoted(&mut text, name);
            own.text.push_str(&text);
            own.text.push(':');
            own.after_name = true;
            Some(())
        };
        match (name, args) {
            ("writestartobject" | "writestartarray", []) => {
                let mut own = generator.borrow_mut();
                own.separate();
                own.text.push(if name == "writestartobject" { '{' } else { '[' });
                own.open.push(false);
            }
            ("writeendobject" | "writeendarray", []) => {
                let mut own = generator.borrow_mut();
                own.open.pop();
                own.text.push(if name == "writeendobject" { '}' } else { ']' });
            }
            ("writefieldname", [name]) => {
                field(name).ok_or_else(|| self.null_argument())?;
            }
            ("writenullfield", [name]) => {
                field(name).ok_or_else(|| self.null_argument())?;
                write(self, &Val::Null)?;
            }
            ("writenull", []) => write(self, &Val::Null)?,
            ("getasstring", []) => return Ok(Val::str(generator.borrow().text.clone())),
            (
                "writestringfield" | "writenumberfield" | "writebooleanfield" | "writeidfield" | "writedatefield"
                | "writedatetimefield" | "writeobjectfield" | "writeblobfield",
                [name, value],
            ) => {
                field(name).ok_or_else(|| self.null_argument())?;
                write(self, value)?;
            }
            (
                "writestring" | "writenumber" | "writeboolean" | "writeid" | "writedate" | "writedatetime"
                | "writeobject" | "writeblob",
                [value],
            ) => write(self, value)?,
            _ => return Err(self.unmodelled(format!("JSONGenerator.{name}"))),
        }
        Ok(Val::Null)
    }
}

fn pretty(out: &mut String, document: &Document, depth: usize) {
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
