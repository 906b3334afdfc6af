//! WHERE and HAVING: looked up and typed once, then asked of many rows.

use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::civil::Date;

use super::ast::{Aggregate, Comparison, Condition, Literal, Operand, Set};
use super::column::Column;
use super::{Asking, date_literal};
use crate::sandbox::org::fault;
use crate::sandbox::org::host::{Bind, Fault, Value};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::{Field, FieldKind, Object};

/// Where a compared value comes from.
pub enum Source<'a> {
    Column(Column<'a>),
    /// In HAVING and in ORDER BY of a grouped query.
    Aggregate(Aggregate),
}

pub enum Test<'a> {
    All(Vec<Test<'a>>),
    Any(Vec<Test<'a>>),
    Not(Box<Test<'a>>),
    Compare {
        source: Source<'a>,
        comparison: Comparison,
        right: Value,
        case_sensitive: bool,
    },
    /// Within `start` and before `end`, for a date literal.
    Days {
        source: Source<'a>,
        comparison: Comparison,
        start: Value,
        end: Value,
    },
    Like {
        source: Source<'a>,
        patterns: Vec<regex::Regex>,
    },
    In {
        source: Source<'a>,
        negated: bool,
        values: Vec<Value>,
        keys: HashSet<String>,
        case_sensitive: bool,
    },
    Includes {
        source: Source<'a>,
        negated: bool,
        wanted: Vec<String>,
    },
}

impl<'a> Test<'a> {
    pub fn new(asking: &Asking<'a>, object: &'a Object, condition: &Condition) -> Result<Test<'a>, Fault> {
        let each = |conditions: &[Condition]| -> Result<Vec<Test<'a>>, Fault> {
            conditions.iter().map(|condition| Test::new(asking, object, condition)).collect()
        };
        Ok(match condition {
            Condition::And(conditions) => Test::All(each(conditions)?),
            Condition::Or(conditions) => Test::Any(each(conditions)?),
            Condition::Not(condition) => Test::Not(Box::new(Test::new(asking, object, condition)?)),
            Condition::Compare { left, comparison, right } => compare(asking, object, left, *comparison, right)?,
            Condition::In { left, negated, set } => within(asking, object, left, *negated, set)?,
            Condition::Includes { path, negated, values } => {
                let source = Source::Column(Column::find(asking, object, path)?);
                let mut wanted = Vec::new();
                for literal in values {
                    wanted.extend(literal_values(asking, literal)?.iter().map(shown));
                }
                Test::Includes { source, negated: *negated, wanted }
            }
        })
    }

    pub fn passes(&self, read: &dyn Fn(&Source<'a>) -> Value) -> bool {
        match self {
            Test::All(tests) => tests.iter().all(|test| test.passes(read)),
            Test::Any(tests) => tests.iter().any(|test| test.passes(read)),
            Test::Not(test) => !test.passes(read),
            Test::Compare { source, comparison, right, case_sensitive } => {
                let left = read(source);
                match (&left, right) {
                    (Value::Null, Value::Null) => *comparison == Comparison::Equal,
                    (Value::Null, _) | (_, Value::Null) => *comparison == Comparison::NotEqual,
                    _ => holds(*comparison, order(&left, right, *case_sensitive)),
                }
            }
            Test::Days { source, comparison, start, end } => {
                let left = read(source);
                if left == Value::Null {
                    return *comparison == Comparison::NotEqual;
                }
                let from_start = order(&left, start, true) != Ordering::Less;
                let before_end = order(&left, end, true) == Ordering::Less;
                match comparison {
                    Comparison::Equal | Comparison::Like => from_start && before_end,
                    Comparison::NotEqual => !(from_start && before_end),
                    Comparison::Less => !from_start,
                    Comparison::LessOrEqual => before_end,
                    Comparison::Greater => !before_end,
                    Comparison::GreaterOrEqual => from_start,
                }
            }
            Test::Like { source, patterns } => match read(source) {
                Value::Null => false,
                value => patterns.iter().any(|pattern| pattern.is_match(&shown(&value))),
            },
            Test::In { source, negated, values, keys, case_sensitive } => match key(&read(source), *case_sensitive) {
                Some(key) => keys.contains(&key) != *negated,
                None => values.contains(&Value::Null) != *negated,
            },
            Test::Includes { source, negated, wanted } => {
                let chosen = shown(&read(source));
                let chosen: Vec<&str> = chosen.split(';').filter(|value| !value.is_empty()).collect();
                wanted.iter().any(|all| all.split(';').all(|one| chosen.contains(&one))) != *negated
            }
        }
    }

    /// The rows that alone can pass, where an index knows them.
    pub fn candidates(&self, find: &dyn Fn(&Column<'a>, &Value) -> Option<Vec<String>>) -> Option<Vec<String>> {
        match self {
            Test::All(tests) => tests.iter().find_map(|test| test.candidates(find)),
            Test::Compare { source: Source::Column(column), comparison: Comparison::Equal, right, .. }
                if column.is_own() && *right != Value::Null =>
            {
                find(column, right)
            }
            Test::In { source: Source::Column(column), negated: false, values, .. }
                if column.is_own() && !values.contains(&Value::Null) =>
            {
                let mut all = Vec::new();
                for value in values {
                    all.extend(find(column, value)?);
                }
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
            _ => None,
        }
    }
}

fn source<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    operand: &Operand,
) -> Result<(Source<'a>, Option<&'a Field>), Fault> {
    match operand {
        Operand::Path(path) => {
            let column = Column::find(asking, object, path)?.filterable("filtered")?;
            let field = column.field;
            Ok((Source::Column(column), Some(field)))
        }
        Operand::Aggregate(aggregate) => Ok((Source::Aggregate(aggregate.clone()), None)),
    }
}

fn compare<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    left: &Operand,
    comparison: Comparison,
    right: &Literal,
) -> Result<Test<'a>, Fault> {
    let (source, field) = source(asking, object, left)?;
    let values = literal_values(asking, right)?;
    if comparison == Comparison::Like {
        return Ok(Test::Like { source, patterns: values.iter().map(like).collect::<Result<_, _>>()? });
    }
    if let Literal::Range(word) = right {
        let Some((start, end)) = date_literal::days(word, asking.reader.today()) else {
            return Err(fault::query(format!("unexpected token: '{word}'")));
        };
        let is_time = field.is_some_and(|field| field.kind == FieldKind::DateTime);
        let edge = |date: Date| if is_time { midnight(asking, date) } else { Value::Date(date) };
        return Ok(Test::Days { source, comparison, start: edge(start), end: edge(end) });
    }
    let [value] = values.as_slice() else {
        return Err(fault::query("a list can be compared with IN alone"));
    };
    let right = match field {
        Some(field) => typed(asking, field, value)?,
        None => value.clone(),
    };
    let case_sensitive = field.is_some_and(|field| field.case_sensitive);
    Ok(Test::Compare { source, comparison, right, case_sensitive })
}

fn within<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    left: &Operand,
    negated: bool,
    set: &Set,
) -> Result<Test<'a>, Fault> {
    let (source, field) = source(asking, object, left)?;
    let mut values = Vec::new();
    let given = match set {
        Set::List(literals) => {
            let mut all = Vec::new();
            for literal in literals {
                all.extend(literal_values(asking, literal)?);
            }
            all
        }
        Set::Bind(name) => bound(asking, name)?,
        // Nulls among the found ones match nothing and exclude nothing.
        Set::Query(query) => super::values(asking, query)?.into_iter().filter(|value| *value != Value::Null).collect(),
    };
    for value in &given {
        values.push(match field {
            Some(field) => typed(asking, field, value)?,
            None => value.clone(),
        });
    }
    let case_sensitive = field.is_some_and(|field| field.case_sensitive);
    let keys = values.iter().filter_map(|value| key(value, case_sensitive)).collect();
    Ok(Test::In { source, negated, values, keys, case_sensitive })
}

fn bound(asking: &Asking, name: &str) -> Result<Vec<Value>, Fault> {
    let found = asking.binds.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match found {
        Some((_, Bind::One(value))) => Ok(vec![value.clone()]),
        Some((_, Bind::Many(values))) => Ok(values.clone()),
        None => Err(fault::query(format!("Variable does not exist: {name}"))),
    }
}

pub fn literal_values(asking: &Asking, literal: &Literal) -> Result<Vec<Value>, Fault> {
    Ok(vec![match literal {
        Literal::Null | Literal::Range(_) => Value::Null,
        Literal::Bool(flag) => Value::Bool(*flag),
        Literal::Text(text) => Value::Text(text.clone()),
        Literal::Number(number) => Value::Number(number.clone()),
        Literal::Date(date) => Value::Date(*date),
        Literal::DateTime(time) => Value::DateTime(*time),
        Literal::Bind(name) => return bound(asking, name),
    }])
}

/// A compared value in the field's own type.
fn typed(asking: &Asking, field: &Field, value: &Value) -> Result<Value, Fault> {
    let wrong = |expected: &str| {
        fault::query(format!("value of filter criterion for field '{}' must be of type {expected}", field.name))
    };
    Ok(match (&field.kind, value) {
        (FieldKind::Checkbox, Value::Null) => Value::Bool(false),
        (FieldKind::Checkbox, Value::Bool(flag)) => Value::Bool(*flag),
        (FieldKind::Checkbox, _) => return Err(wrong("boolean and should not be enclosed in quotes")),
        (_, Value::Null) => Value::Null,
        (FieldKind::Id | FieldKind::Reference { .. }, Value::Id(id) | Value::Text(id)) => {
            if id.is_empty() {
                return Ok(Value::Null);
            }
            Value::Id(record_id::parse(id).ok_or_else(|| fault::query(format!("invalid ID field: {id}")))?)
        }
        (FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }, Value::Number(number)) => {
            Value::Number(number.clone())
        }
        (FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }, _) => {
            return Err(wrong("double and should not be enclosed in quotes"));
        }
        (FieldKind::Date, Value::Date(date)) => Value::Date(*date),
        (FieldKind::Date, Value::DateTime(time)) => Value::Date(asking.reader.zone().to_datetime(*time).date()),
        (FieldKind::Date, _) => return Err(wrong("date and should not be enclosed in quotes")),
        (FieldKind::DateTime, Value::DateTime(time)) => Value::DateTime(*time),
        (FieldKind::DateTime, Value::Date(date)) => midnight(asking, *date),
        (FieldKind::DateTime, _) => return Err(wrong("dateTime and should not be enclosed in quotes")),
        (_, Value::Text(text) | Value::Id(text)) => {
            if text.is_empty() {
                Value::Null
            } else {
                Value::Text(text.clone())
            }
        }
        _ => return Err(wrong("string and should be enclosed in quotes")),
    })
}

fn midnight(asking: &Asking, date: Date) -> Value {
    asking.reader.zone().to_timestamp(date.at(0, 0, 0, 0)).map_or(Value::Null, Value::DateTime)
}

/// `%` any run, `_` one character, case aside.
fn like(value: &Value) -> Result<regex::Regex, Fault> {
    let mut pattern = String::from("(?is)^");
    let text = shown(value);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => pattern.push_str(".*"),
            '_' => pattern.push('.'),
            '\\' => pattern.push_str(&regex::escape(&letters.next().unwrap_or('\\').to_string())),
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    pattern.push('$');
    regex::Regex::new(&pattern).map_err(|error| fault::query(error.to_string()))
}

fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal | Comparison::Like => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }
}

/// Two values of one type; texts by letters, case aside unless the field minds it.
pub fn order(left: &Value, right: &Value, case_sensitive: bool) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Id(left), Value::Id(right)) => left.cmp(right),
        _ if case_sensitive => shown(left).cmp(&shown(right)),
        _ => shown(left).to_lowercase().cmp(&shown(right).to_lowercase()),
    }
}

/// What equal values share; `None` for null.
pub fn key(value: &Value, case_sensitive: bool) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) if !case_sensitive => Some(text.to_lowercase()),
        other => Some(shown(other)),
    }
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text(text) | Value::Id(text) => text.clone(),
        Value::Number(number) => number.normalized().to_plain_string(),
        Value::Date(date) => date.to_string(),
        Value::DateTime(time) => time.to_string(),
    }
}
