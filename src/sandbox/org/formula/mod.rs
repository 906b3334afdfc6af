//! Formulas: those of formula fields, of default values and of validation rules.

mod eval;
mod functions;
mod lexer;
mod parse;

use bigdecimal::{BigDecimal, RoundingMode};

use super::host::Value;
use super::reader::Reader;
use super::schema::{Field, FieldKind, Object, Schema};
use super::store::Row;
use functions::Function;

/// A parsed formula, its fields and functions known to exist.
#[derive(Debug)]
pub struct Formula {
    root: Node,
}

#[derive(Debug)]
enum Node {
    Literal(Value),
    /// Lookups to walk, by relationship name, then the field.
    Field {
        parents: Vec<String>,
        name: String,
    },
    Permission(String),
    /// A field of the running user.
    User(String),
    Organization(String),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, regex::Regex),
    Binary(Operator, Box<Node>, Box<Node>),
    Negative(Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// The record a formula is worked out for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub reader: &'a Reader<'a>,
    pub object: &'a Object,
    pub row: &'a Row,
    /// The row before this save; `None` for a new one.
    pub before: Option<&'a Row>,
    pub blank_as_zero: bool,
}

impl Formula {
    /// Fails with a sentence that says what is wrong: an unknown function, an unknown field, a missing bracket.
    pub fn parse(text: &str, schema: &Schema, object: &Object) -> Result<Formula, String> {
        parse::parse(text, schema, object).map(|root| Formula { root })
    }

    /// `Err` where the org would show `#Error!`.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, String> {
        eval::evaluate(&self.root, scope)
    }

    /// A formula field's value: null where the formula fails, numbers cut to the field's decimal places (ties upward).
    pub fn field_value(&self, reader: &Reader, object: &Object, row: &Row, field: &Field) -> Value {
        let scope = Scope { reader, object, row, before: None, blank_as_zero: field.blank_as_zero };
        let value = self.evaluate(&scope).unwrap_or(Value::Null);
        match (&field.kind, value) {
            (FieldKind::Checkbox, Value::Bool(flag)) => Value::Bool(flag),
            (FieldKind::Checkbox, _) => Value::Bool(false),
            (FieldKind::Percent { scale, .. }, Value::Number(number)) => {
                Value::Number(ties_upward(number * BigDecimal::from(100), i64::from(*scale)))
            }
            (FieldKind::Number { scale, .. } | FieldKind::Currency { scale, .. }, Value::Number(number)) => {
                Value::Number(ties_upward(number, i64::from(*scale)))
            }
            (_, Value::Text(text)) if text.is_empty() => Value::Null,
            (_, value) => value,
        }
    }
}

fn ties_upward(number: BigDecimal, scale: i64) -> BigDecimal {
    let mode = if number.sign() == bigdecimal::num_bigint::Sign::Minus {
        RoundingMode::HalfDown
    } else {
        RoundingMode::HalfUp
    };
    number.with_scale_round(scale, mode)
}

#[cfg(test)]
mod tests;
