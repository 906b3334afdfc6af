//! Working a formula out. A blank is [`Value::Null`] throughout; texts treat it as the empty one.

use std::cmp::Ordering;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::functions::Function;
use super::{Node, Operator, Scope};
use crate::sandbox::org::host::Value;
use crate::sandbox::org::schema::{Field, FieldKind, Object};
use crate::sandbox::org::store::Row;

/// Formulas refer to formulas and nest; beyond this they go in a circle. A thread of 2 MiB must bear it.
const DEPTH: usize = 120;

thread_local! {
    static LEVEL: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

pub fn evaluate(node: &Node, scope: &Scope) -> Result<Value, String> {
    let level = LEVEL.get();
    if level > DEPTH {
        return Err("the formula refers to itself".to_owned());
    }
    LEVEL.set(level + 1);
    let value = work_out(node, scope);
    LEVEL.set(level);
    value
}

fn work_out(node: &Node, scope: &Scope) -> Result<Value, String> {
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Field { parents, name } => Ok(field(scope, scope.row, parents, name)),
        Node::Permission(name) => Ok(Value::Bool(scope.reader.rights.has_permission(name))),
        Node::User(name) => Ok(global(scope, "User", &scope.reader.user.id, name)),
        Node::Organization(name) => {
            let id = scope.reader.store.table("Organization").and_then(|table| table.rows().next()).map(|(id, _)| id);
            Ok(id.map_or(Value::Null, |id| global(scope, "Organization", id, name)))
        }
        Node::Negative(inner) => match evaluate(inner, scope)? {
            Value::Null => Ok(Value::Null),
            value => Ok(Value::Number(-number(&value)?)),
        },
        Node::Matches(inner, pattern) => Ok(Value::Bool(pattern.is_match(&text(&evaluate(inner, scope)?)))),
        Node::Binary(operator, left, right) => binary(*operator, left, right, scope),
        Node::Call(function, arguments) => call(*function, arguments, scope),
    }
}

fn global(scope: &Scope, object: &str, id: &str, name: &str) -> Value {
    let Some(object) = scope.reader.catalog.schema.object(object) else { return Value::Null };
    let (Some(row), Some(field)) = (scope.reader.store.row(&object.name, id), object.field(name)) else {
        return if name.eq_ignore_ascii_case("Id") { Value::Id(id.to_owned()) } else { Value::Null };
    };
    scope.reader.value(object, row, field)
}

/// A field's value as formulas see it: percent as a fraction, a blank number as zero where the formula says so.
fn field(scope: &Scope, row: &Row, parents: &[String], name: &str) -> Value {
    let mut object: &Object = scope.object;
    let mut row: &Row = row;
    let mut found = true;
    for relationship in parents {
        let parent = object.parent(relationship).and_then(|lookup| scope.reader.parent(row, lookup));
        let Some((parent, parent_row)) = parent else {
            found = false;
            break;
        };
        object = parent;
        row = parent_row;
    }
    let field = if found { object.field(name) } else { target_field(scope, parents, name) };
    let Some(field) = field else { return Value::Null };
    let value = if found { scope.reader.value(object, row, field) } else { Value::Null };
    match (&field.kind, value) {
        (FieldKind::Percent { .. }, Value::Number(number)) => {
            Value::Number((number / BigDecimal::from(100)).normalized())
        }
        (FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }, Value::Null)
            if scope.blank_as_zero =>
        {
            Value::Number(BigDecimal::zero())
        }
        (FieldKind::Checkbox, Value::Null) => Value::Bool(false),
        (_, value) => value,
    }
}

/// The field at the end of a path, when some lookup on the way is empty.
fn target_field<'a>(scope: &'a Scope, parents: &[String], name: &str) -> Option<&'a Field> {
    let schema = &scope.reader.catalog.schema;
    let mut object = schema.object(&scope.object.name)?;
    for relationship in parents {
        let FieldKind::Reference { to, .. } = &object.parent(relationship)?.kind else { return None };
        object = schema.object(to.first()?)?;
    }
    object.field(name)
}

fn binary(operator: Operator, left: &Node, right: &Node, scope: &Scope) -> Result<Value, String> {
    if matches!(operator, Operator::And | Operator::Or) {
        let left = truth(&evaluate(left, scope)?);
        let decided = (operator == Operator::Or) == left;
        return Ok(Value::Bool(if decided { left } else { truth(&evaluate(right, scope)?) }));
    }
    let left = evaluate(left, scope)?;
    let right = evaluate(right, scope)?;
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(&left, &right))),
        Operator::NotEqual => Ok(Value::Bool(!equal(&left, &right))),
        Operator::Less => compared(&left, &right, |order| order == Ordering::Less),
        Operator::LessOrEqual => compared(&left, &right, |order| order != Ordering::Greater),
        Operator::Greater => compared(&left, &right, |order| order == Ordering::Greater),
        Operator::GreaterOrEqual => compared(&left, &right, |order| order != Ordering::Less),
        Operator::Concat => Ok(Value::Text(text(&left) + &text(&right))),
        Operator::Add => add(&left, &right, 1),
        Operator::Subtract => add(&left, &right, -1),
        _ if left == Value::Null || right == Value::Null => Ok(Value::Null),
        Operator::Multiply => Ok(Value::Number(number(&left)? * number(&right)?)),
        Operator::Divide => {
            let divisor = number(&right)?;
            if divisor.is_zero() {
                return Err("Division by zero".to_owned());
            }
            Ok(Value::Number((number(&left)? / divisor).with_prec(34).normalized()))
        }
        _ => power(&number(&left)?, &number(&right)?),
    }
}

/// Texts with texts, numbers with numbers, dates with days.
fn add(left: &Value, right: &Value, sign: i64) -> Result<Value, String> {
    let days = |value: &Value| -> Result<i64, String> {
        number(value)?.to_i64().map(|days| days * sign).ok_or_else(|| "too many days".to_owned())
    };
    Ok(match (left, right) {
        (Value::Text(_) | Value::Id(_), _) | (_, Value::Text(_) | Value::Id(_)) if sign > 0 => {
            Value::Text(text(left) + &text(right))
        }
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Date(one), Value::Date(other)) if sign < 0 => Value::Number(days_between(*other, *one).into()),
        (Value::DateTime(one), Value::DateTime(other)) if sign < 0 => {
            let seconds = BigDecimal::from(one.as_second() - other.as_second());
            Value::Number((seconds / BigDecimal::from(86_400)).with_prec(34).normalized())
        }
        (Value::Date(date), count) | (count, Value::Date(date)) => {
            let moved = date.checked_add(Span::new().days(days(count)?)).map_err(|error| error.to_string())?;
            Value::Date(moved)
        }
        (Value::DateTime(time), count) | (count, Value::DateTime(time)) => {
            let seconds = (number(count)? * BigDecimal::from(86_400)).to_i64().unwrap_or_default() * sign;
            let moved = Timestamp::from_second(time.as_second() + seconds).map_err(|error| error.to_string())?;
            Value::DateTime(moved)
        }
        _ if sign > 0 => Value::Number(number(left)? + number(right)?),
        _ => Value::Number(number(left)? - number(right)?),
    })
}

fn days_between(from: Date, to: Date) -> i64 {
    to.since(from).map(|span| i64::from(span.get_days())).unwrap_or_default()
}

fn power(base: &BigDecimal, exponent: &BigDecimal) -> Result<Value, String> {
    let whole = exponent.to_i64().filter(|whole| exponent.is_integer() && whole.abs() <= 1_000);
    if let Some(whole) = whole {
        let mut product = BigDecimal::from(1);
        for _ in 0..whole.abs() {
            product = (product * base).with_prec(64);
        }
        if whole < 0 {
            if product.is_zero() {
                return Err("Division by zero".to_owned());
            }
            product = BigDecimal::from(1) / product;
        }
        return Ok(Value::Number(product.with_prec(34).normalized()));
    }
    let result = base.to_f64().unwrap_or(f64::NAN).powf(exponent.to_f64().unwrap_or(f64::NAN));
    BigDecimal::from_str(&result.to_string()).map(Value::Number).map_err(|_| "the power has no value".to_owned())
}

fn call(function: Function, arguments: &[Node], scope: &Scope) -> Result<Value, String> {
    let value = |place: usize| evaluate(&arguments[place], scope);
    let word = |place: usize| -> Result<String, String> { Ok(text(&evaluate(&arguments[place], scope)?)) };
    let count = |place: usize| -> Result<usize, String> {
        Ok(number(&evaluate(&arguments[place], scope)?)?
            .to_i64()
            .unwrap_or_default()
            .max(0)
            .to_usize()
            .unwrap_or_default())
    };
    let own = |row: &Row, node: &Node| match node {
        Node::Field { parents, name } => field(scope, row, parents, name),
        _ => Value::Null,
    };
    Ok(match function {
        Function::If => return evaluate(&arguments[if truth(&value(0)?) { 1 } else { 2 }], scope),
        Function::And => {
            for node in arguments {
                if !truth(&evaluate(node, scope)?) {
                    return Ok(Value::Bool(false));
                }
            }
            Value::Bool(true)
        }
        Function::Or => {
            for node in arguments {
                if truth(&evaluate(node, scope)?) {
                    return Ok(Value::Bool(true));
                }
            }
            Value::Bool(false)
        }
        Function::Not => Value::Bool(!truth(&value(0)?)),
        Function::IsBlank => Value::Bool(is_blank(&value(0)?)),
        // Text is never null by this older function.
        Function::IsNull => Value::Bool(value(0)? == Value::Null && !is_text(&arguments[0], scope)),
        Function::BlankValue | Function::NullValue => {
            let first = value(0)?;
            if is_blank(&first) { value(1)? } else { first }
        }
        Function::IsPickVal => Value::Bool(word(0)? == word(1)?),
        Function::Case => {
            let subject = value(0)?;
            let pairs = &arguments[1..arguments.len() - 1];
            for pair in pairs.chunks(2) {
                if equal(&subject, &evaluate(&pair[0], scope)?) {
                    return evaluate(&pair[1], scope);
                }
            }
            value(arguments.len() - 1)?
        }
        Function::Max => return extreme(arguments, scope, Ordering::Greater),
        Function::Min => return extreme(arguments, scope, Ordering::Less),
        Function::IsNew => Value::Bool(scope.before.is_none()),
        Function::IsChanged => Value::Bool(match scope.before {
            None => false,
            Some(before) => own(before, &arguments[0]) != own(scope.row, &arguments[0]),
        }),
        Function::PriorValue => own(scope.before.unwrap_or(scope.row), &arguments[0]),
        Function::Today => Value::Date(scope.reader.today()),
        Function::Now => Value::DateTime(scope.reader.now),
        Function::Text => {
            let text = text(&value(0)?);
            Value::Text(text)
        }
        Function::Value => match value(0)? {
            Value::Null => Value::Null,
            given => {
                let given = text(&given);
                let number = BigDecimal::from_str(given.trim()).map_err(|_| format!("{given} is no number"))?;
                Value::Number(number)
            }
        },
        Function::IsNumber => Value::Bool(BigDecimal::from_str(word(0)?.trim()).is_ok()),
        Function::Len => Value::Number((word(0)?.chars().count() as u64).into()),
        Function::Left => Value::Text(word(0)?.chars().take(count(1)?).collect()),
        Function::Right => {
            let word = word(0)?;
            let skip = word.chars().count().saturating_sub(count(1)?);
            Value::Text(word.chars().skip(skip).collect())
        }
        Function::Mid => Value::Text(word(0)?.chars().skip(count(1)?.saturating_sub(1)).take(count(2)?).collect()),
        Function::Contains => Value::Bool(word(0)?.contains(&word(1)?)),
        Function::Begins => Value::Bool(word(0)?.starts_with(&word(1)?)),
        Function::Includes => {
            let wanted = word(1)?;
            Value::Bool(word(0)?.split(';').any(|chosen| chosen == wanted))
        }
        Function::Find => {
            let (wanted, within) = (word(0)?, word(1)?);
            let start = if arguments.len() > 2 { count(2)?.saturating_sub(1) } else { 0 };
            let rest: String = within.chars().skip(start).collect();
            let place = rest.find(&wanted).map_or(0, |byte| rest[..byte].chars().count() + start + 1);
            Value::Number((place as u64).into())
        }
        Function::Substitute => Value::Text(word(0)?.replace(&word(1)?, &word(2)?)),
        Function::Upper => Value::Text(word(0)?.to_uppercase()),
        Function::Lower => Value::Text(word(0)?.to_lowercase()),
        Function::Trim => Value::Text(word(0)?.trim().to_owned()),
        Function::LPad | Function::RPad => {
            let (given, length) = (word(0)?, count(1)?);
            let filler = if arguments.len() > 2 { word(2)? } else { " ".to_owned() };
            let missing = length.saturating_sub(given.chars().count());
            let padding: String = filler.chars().cycle().take(if filler.is_empty() { 0 } else { missing }).collect();
            let padded = if function == Function::LPad { padding + &given } else { given + &padding };
            Value::Text(padded.chars().take(length).collect())
        }
        Function::Regex => {
            let pattern = regex::Regex::new(&format!("^(?:{})$", word(1)?)).map_err(|error| error.to_string())?;
            Value::Bool(pattern.is_match(&word(0)?))
        }
        Function::Date => {
            let part = |place: usize| -> Result<i16, String> {
                number(&value(place)?)?.to_i16().ok_or_else(|| "the date does not exist".to_owned())
            };
            let small = |part: i16| i8::try_from(part).map_err(|_| "the date does not exist".to_owned());
            Value::Date(Date::new(part(0)?, small(part(1)?)?, small(part(2)?)?).map_err(|error| error.to_string())?)
        }
        Function::DateValue => match value(0)? {
            Value::DateTime(time) => Value::Date(scope.reader.zone().to_datetime(time).date()),
            Value::Null => Value::Null,
            Value::Date(date) => Value::Date(date),
            other => Value::Date(text(&other).parse().map_err(|_| format!("{} is no date", text(&other)))?),
        },
        Function::DateTimeValue => match value(0)? {
            Value::Null => Value::Null,
            Value::DateTime(time) => Value::DateTime(time),
            Value::Date(date) => Value::DateTime(midnight(date)?),
            other => {
                let given = text(&other).replace(' ', "T");
                Value::DateTime(
                    format!("{}Z", given.trim_end_matches('Z')).parse().map_err(|_| format!("{given} is no time"))?,
                )
            }
        },
        Function::Year | Function::Month | Function::Day => match value(0)? {
            Value::Date(date) => Value::Number(match function {
                Function::Year => date.year().into(),
                Function::Month => date.month().into(),
                _ => date.day().into(),
            }),
            Value::Null => Value::Null,
            other => return Err(format!("{} is no date", text(&other))),
        },
        Function::AddMonths => match value(0)? {
            Value::Date(date) => {
                let months = number(&value(1)?)?.to_i64().unwrap_or_default();
                Value::Date(date.checked_add(Span::new().months(months)).map_err(|error| error.to_string())?)
            }
            _ => Value::Null,
        },
        Function::Abs
        | Function::Floor
        | Function::Ceiling
        | Function::MFloor
        | Function::MCeiling
        | Function::Round
        | Function::Mod => return numeric(function, arguments, scope),
    })
}

fn numeric(function: Function, arguments: &[Node], scope: &Scope) -> Result<Value, String> {
    let mut numbers = Vec::new();
    for node in arguments {
        match evaluate(node, scope)? {
            Value::Null => return Ok(Value::Null),
            value => numbers.push(number(&value)?),
        }
    }
    let first = numbers.remove(0);
    Ok(Value::Number(match function {
        Function::Abs => first.abs(),
        // Toward and away from zero: the mathematical ones have an M in front.
        Function::Floor => first.with_scale_round(0, RoundingMode::Down),
        Function::Ceiling => first.with_scale_round(0, RoundingMode::Up),
        Function::MFloor => first.with_scale_round(0, RoundingMode::Floor),
        Function::MCeiling => first.with_scale_round(0, RoundingMode::Ceiling),
        Function::Round => {
            let places = numbers.first().and_then(ToPrimitive::to_i64).unwrap_or_default();
            first.with_scale_round(places.clamp(-30, 30), RoundingMode::HalfUp)
        }
        _ => {
            let divisor = numbers.remove(0);
            if divisor.is_zero() {
                return Err("Division by zero".to_owned());
            }
            let whole = (&first / &divisor).with_scale_round(0, RoundingMode::Floor);
            first - divisor * whole
        }
    }))
}

fn extreme(arguments: &[Node], scope: &Scope, wanted: Ordering) -> Result<Value, String> {
    let mut best: Option<BigDecimal> = None;
    for node in arguments {
        let value = evaluate(node, scope)?;
        if value == Value::Null {
            return Ok(Value::Null);
        }
        let value = number(&value)?;
        if best.as_ref().is_none_or(|best| value.cmp(best) == wanted) {
            best = Some(value);
        }
    }
    Ok(best.map_or(Value::Null, Value::Number))
}

fn is_text(node: &Node, scope: &Scope) -> bool {
    match node {
        Node::Literal(value) => matches!(value, Value::Text(_)),
        Node::Field { parents, name } => target_field(scope, parents, name).is_some_and(|field| {
            !matches!(
                field.kind,
                FieldKind::Number { .. }
                    | FieldKind::Currency { .. }
                    | FieldKind::Percent { .. }
                    | FieldKind::Date
                    | FieldKind::DateTime
                    | FieldKind::Reference { .. }
            )
        }),
        _ => false,
    }
}

pub fn truth(value: &Value) -> bool {
    *value == Value::Bool(true)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        _ => false,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    if is_blank(left) || is_blank(right) {
        return is_blank(left) && is_blank(right);
    }
    match (left, right) {
        (Value::Text(_) | Value::Id(_), _) | (_, Value::Text(_) | Value::Id(_)) => {
            let (left, right) = (text(left), text(right));
            // Formulas give ids with 15 characters, Apex with 18: one record all the same.
            left == right || (left.len() == 15 && right.len() == 18 && right.starts_with(&left))
        }
        _ => left == right,
    }
}

fn compared(left: &Value, right: &Value, wanted: fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Ok(Value::Bool(false)),
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::DateTime(left), Value::Date(right)) => left.cmp(&midnight(*right)?),
        (Value::Date(left), Value::DateTime(right)) => midnight(*left)?.cmp(right),
        (left, right) => text(left).cmp(&text(right)),
    };
    Ok(Value::Bool(wanted(order)))
}

fn midnight(date: Date) -> Result<Timestamp, String> {
    jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|error| error.to_string())
}

fn number(value: &Value) -> Result<BigDecimal, String> {
    match value {
        Value::Number(number) => Ok(number.clone()),
        other => Err(format!("{} is no number", text(other))),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text(text) | Value::Id(text) => text.clone(),
        Value::Number(number) => number.normalized().to_plain_string(),
        Value::Date(date) => date.to_string(),
        Value::DateTime(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    }
}
