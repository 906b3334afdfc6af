//! SOQL from Apex: binds, the access mode, and what becomes of the rows.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bigdecimal::ToPrimitive;
use regex::Regex;

use super::ast::{Call, Name, Query, Type};
use super::eval::{Frame, Interp, Res};
use super::value::{Native, Val};
use crate::sandbox::org::host::{Access, Bind, QueryOutcome, Record};

impl Interp<'_> {
    /// An inline query.
    #[inline(never)]
    pub fn query(&mut self, query: &Query, frame: &mut Frame) -> Res<Val> {
        let mut binds = BTreeMap::new();
        for (at, value) in query.binds.iter().enumerate() {
            let value = self.eval(value, frame)?;
            binds.insert(format!("b{at}"), self.bind(&value)?);
        }
        self.run_query(&query.text, &binds, query.access)
    }

    fn run_query(&mut self, text: &str, binds: &BTreeMap<String, Bind>, access: Access) -> Res<Val> {
        let sharing = self.sharing || access == Access::User;
        match self.host.query(text, binds, access, sharing) {
            Err(fault) => Err(self.thrown_by(fault)),
            Ok(QueryOutcome::Count(count)) => Ok(Val::Int(i32::try_from(count).unwrap_or(i32::MAX))),
            Ok(QueryOutcome::Rows(rows)) => Ok(self.rows(text, &rows)),
        }
    }

    fn rows(&self, text: &str, rows: &[Record]) -> Val {
        let object = rows.first().map(|row| Name::from(row.object.as_str())).or_else(|| {
            let from = FROM.captures(text)?.get(1)?.as_str();
            Some(Name::from(self.schema.object(from).map_or(from, |object| object.name.as_str())))
        });
        let counts = match object.as_deref() {
            Some("AggregateResult") => count_names(text),
            _ => Vec::new(),
        };
        let items = rows.iter().map(|row| {
            let value = self.sobject_of(row);
            if let Val::SObject(sobject) = &value {
                for (name, field) in &mut sobject.borrow_mut().fields {
                    if let Val::Dec(number) = field
                        && counts.iter().any(|count| count.eq_ignore_ascii_case(name))
                    {
                        *field = Val::Int(number.to_i32().unwrap_or(i32::MAX));
                    }
                }
            }
            value
        });
        Val::list(Arc::new(Type::SObject(object)), items.collect())
    }

    fn bind(&mut self, value: &Val) -> Res<Bind> {
        let many = match value {
            Val::List(list) => list.items.borrow().clone(),
            Val::Set(set) => set.store.keys(),
            one => return Ok(Bind::One(self.bound(one)?)),
        };
        Ok(Bind::Many(many.iter().map(|one| self.bound(one)).collect::<Res<_>>()?))
    }

    fn bound(&mut self, value: &Val) -> Res<crate::sandbox::org::host::Value> {
        match value {
            // A record stands for its Id.
            Val::SObject(row) => {
                let id = row.borrow().id().map_or(Val::Null, Val::Id);
                self.stored(&id)
            }
            Val::Enum(..) | Val::PlatformEnum(..) | Val::Native(_) | Val::SObjectType(_) => {
                let text = self.text(value)?;
                self.stored(&Val::str(text))
            }
            other => self.stored(other),
        }
    }

    /// `Database.query`, `countQuery`, `getQueryLocator`: simple binds are the locals and members in sight.
    #[inline(never)]
    pub fn dynamic_query(&mut self, call: &Call, args: Vec<Val>, frame: &mut Frame) -> Res<Val> {
        let access = self.access_of(args.get(1))?;
        let rows = match args.first() {
            // `getQueryLocator([SELECT …])`: the rows are here already.
            Some(rows @ Val::List(_)) => rows.clone(),
            Some(Val::Str(text)) => {
                let (text, names, mode) = split_binds(text);
                let mut binds = BTreeMap::new();
                for (at, name) in names.iter().enumerate() {
                    let value = self.in_sight(name, call, frame)?;
                    binds.insert(format!("b{at}"), self.bind(&value)?);
                }
                self.run_query(&text, &binds, mode.unwrap_or(access))?
            }
            _ => return Err(self.null_argument()),
        };
        self.outcome(&call.name, rows)
    }

    fn outcome(&mut self, method: &str, rows: Val) -> Res<Val> {
        match (method, &rows) {
            ("getquerylocator" | "getquerylocatorwithbinds", _) => Ok(Val::native(Native::QueryLocator { rows })),
            ("countquery" | "countquerywithbinds", Val::Int(_)) => Ok(rows),
            ("countquery" | "countquerywithbinds", Val::List(list)) => Ok(Val::Int(list.items.borrow().len() as i32)),
            _ => Ok(rows),
        }
    }

    fn in_sight(&mut self, name: &str, call: &Call, frame: &mut Frame) -> Res<Val> {
        if let Some((_, slot)) = call.scope.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Ok(frame.local(*slot));
        }
        let runtime = self.runtime;
        if let Some(this) = frame.this.clone()
            && runtime.instance_field(this.class, name).is_some()
        {
            return self.instance_get(&this, name);
        }
        let mut around = frame.class;
        while let Some(id) = around {
            if let Some(field) = runtime.class(id).static_field(name) {
                return self.static_get(id, field.slot);
            }
            around = runtime.class(id).outer;
        }
        Err(self.throw("System.QueryException", format!("Variable does not exist: {name}")))
    }

    /// `Database.queryWithBinds` and its like.
    pub fn query_with_binds(&mut self, method: &str, args: &[Val]) -> Res<Val> {
        let [Val::Str(text), Val::Map(given), rest @ ..] = args else {
            return Err(self.null_argument());
        };
        let access = self.access_of(rest.first())?;
        let (text, names, mode) = split_binds(text);
        let pairs = given.store.pairs();
        let mut binds = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            let found = pairs.iter().find(|(key, _)| matches!(key, Val::Str(key) if key.eq_ignore_ascii_case(name)));
            let Some((_, value)) = found else {
                let text = format!("Key '{name}' does not exist in the bindMap");
                return Err(self.throw("System.QueryException", text));
            };
            binds.insert(format!("b{at}"), self.bind(value)?);
        }
        let rows = self.run_query(&text, &binds, mode.unwrap_or(access))?;
        self.outcome(method, rows)
    }

    pub fn access_of(&self, level: Option<&Val>) -> Res<Access> {
        match level {
            None => Ok(Access::System),
            Some(Val::PlatformEnum(_, constant)) if **constant == *"USER_MODE" => Ok(Access::User),
            Some(Val::PlatformEnum(..)) => Ok(Access::System),
            Some(other) => Err(self.unmodelled(format!("an access level of type {}", self.type_name(other)))),
        }
    }
}

static FROM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)\bfrom\s+(\w+)").unwrap_or_else(|_| never()));
static MODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\bwith\s+(user_mode|system_mode)\b").unwrap_or_else(|_| never()));
static COUNT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^(count|count_distinct)\s*\([^)]*\)\s*(\w+)?$").unwrap_or_else(|_| never()));
static CALL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\w+\s*\([^)]*\)\s*(\w+)?$").unwrap_or_else(|_| never()));

/// The patterns above are fixed and right; a build with a wrong one fails every test.
fn never() -> Regex {
    unreachable!("a fixed pattern")
}

/// The names under which an aggregate query's counts come: they are Integers, all else is Decimal.
fn count_names(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let (Some(start), Some(end)) = (lower.find("select"), lower.find(" from ")) else { return Vec::new() };
    let (mut names, mut unnamed) = (Vec::new(), 0);
    for item in text[start + 6..end].split(',').map(str::trim) {
        let alias = CALL.captures(item).map(|found| found.get(1).map(|alias| alias.as_str().to_owned()));
        let name = match alias {
            Some(Some(alias)) => alias,
            Some(None) => {
                unnamed += 1;
                format!("expr{}", unnamed - 1)
            }
            None => continue,
        };
        if COUNT.is_match(item) {
            names.push(name);
        }
    }
    names
}

/// A dynamic query's text with `:b0`, … for its binds, their names, and the mode that the text itself asks for.
fn split_binds(text: &str) -> (String, Vec<String>, Option<Access>) {
    let mode = MODE.captures(text).map(|found| match found[1].to_lowercase().as_str() {
        "user_mode" => Access::User,
        _ => Access::System,
    });
    let text = MODE.replace(text, "");
    let (mut out, mut names, mut quoted, mut escaped) = (String::new(), Vec::new(), false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if quoted {
            quoted = escaped || c != '\'';
            escaped = !escaped && c == '\\';
        } else if c == '\'' {
            quoted = true;
        } else if c == ':' {
            let mut name = String::new();
            while chars.peek().is_some_and(|c| c.is_whitespace()) {
                chars.next();
            }
            while let Some(c) = chars.peek().copied().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
                name.push(c);
                chars.next();
            }
            if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
                out.push_str(&name);
            } else {
                out.push_str(&format!("b{}", names.len()));
                names.push(name);
            }
        }
    }
    (out, names, mode)
}
