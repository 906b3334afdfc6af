//! What a field takes, in the form in which it is stored.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use jiff::Timestamp;

use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{RowError, Value};
use crate::sandbox::org::record_id;
use crate::sandbox::org::schema::{Field, FieldKind};

/// Brings a value into a field's type: texts trimmed and `''` null, milliseconds dropped, numbers with all their digits.
pub fn coerce(field: &Field, value: &Value) -> Result<Value, RowError> {
    let value = match value {
        Value::Text(text) => {
            // A no-break space is no space to the org.
            let trimmed = text.trim_matches(|letter: char| letter.is_whitespace() && letter != '\u{a0}');
            if trimmed.is_empty() { Value::Null } else { Value::Text(trimmed.to_owned()) }
        }
        other => other.clone(),
    };
    if value == Value::Null {
        return Ok(if field.kind == FieldKind::Checkbox { Value::Bool(false) } else { Value::Null });
    }
    match &field.kind {
        FieldKind::Text { length } | FieldKind::LongText { length } => short_text(field, &value, *length),
        FieldKind::Phone => short_text(field, &value, 40),
        FieldKind::Url => short_text(field, &value, 255),
        FieldKind::AutoNumber { .. } => short_text(field, &value, 255),
        FieldKind::Email => {
            let value = short_text(field, &value, 80)?;
            match &value {
                Value::Text(text) if !is_email(text) => {
                    let message = format!("{}: invalid email address: {text}", field.label);
                    Err(row_error("INVALID_EMAIL_ADDRESS", message, &[&field.name]))
                }
                _ => Ok(value),
            }
        }
        FieldKind::Checkbox => match &value {
            Value::Bool(flag) => Ok(Value::Bool(*flag)),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            other => Err(wrong_type(field, other)),
        },
        FieldKind::Number { precision, scale }
        | FieldKind::Currency { precision, scale }
        | FieldKind::Percent { precision, scale } => number(field, &value, precision.saturating_sub(*scale)),
        FieldKind::Date => match &value {
            Value::Date(date) => Ok(Value::Date(*date)),
            Value::Text(text) => text.parse().map(Value::Date).map_err(|_| wrong_type(field, &value)),
            other => Err(wrong_type(field, other)),
        },
        FieldKind::DateTime => {
            let time = match &value {
                Value::DateTime(time) => *time,
                Value::Text(text) => text.parse().map_err(|_| wrong_type(field, &value))?,
                Value::Date(date) => {
                    jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| wrong_type(field, &value))?
                }
                other => return Err(wrong_type(field, other)),
            };
            Timestamp::from_second(time.as_second()).map(Value::DateTime).map_err(|_| wrong_type(field, &value))
        }
        FieldKind::Picklist { values, restricted } => {
            let Value::Text(text) = &value else { return Err(wrong_type(field, &value)) };
            if let Some(known) = values.iter().find(|known| known.name.eq_ignore_ascii_case(text)) {
                return Ok(Value::Text(known.name.clone()));
            }
            if *restricted {
                let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
                return Err(row_error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &[&field.name]));
            }
            short_text(field, &value, 255)
        }
        FieldKind::Id | FieldKind::Reference { .. } => match &value {
            Value::Id(text) | Value::Text(text) => record_id::parse(text).map(Value::Id).ok_or_else(|| {
                let message = format!("{}: id value of incorrect type: {text}", field.label);
                row_error("MALFORMED_ID", message, &[&field.name])
            }),
            other => Err(wrong_type(field, other)),
        },
    }
}

fn short_text(field: &Field, value: &Value, most: usize) -> Result<Value, RowError> {
    let (Value::Text(text) | Value::Id(text)) = value else { return Err(wrong_type(field, value)) };
    if text.chars().count() > most {
        let shown: String = text.chars().take(255).collect();
        let message = format!("{}: data value too large: {shown} (max length={most})", field.label);
        return Err(row_error("STRING_TOO_LONG", message, &[&field.name]));
    }
    Ok(Value::Text(text.clone()))
}

/// Only the digits left of the point are limited; those right of it are kept as given.
fn number(field: &Field, value: &Value, most_digits: u32) -> Result<Value, RowError> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::Text(text) => BigDecimal::from_str(text).map_err(|_| wrong_type(field, value))?,
        other => return Err(wrong_type(field, other)),
    };
    let whole = number.abs().with_scale_round(0, bigdecimal::RoundingMode::Down).to_plain_string();
    if whole != "0" && whole.len() > most_digits as usize {
        let mut shown = number.to_plain_string();
        if !shown.contains('.') {
            shown.push_str(".0");
        }
        let message = format!("{}: value outside of valid range on numeric field: {shown}", field.label);
        return Err(row_error("NUMBER_OUTSIDE_VALID_RANGE", message, &[&field.name]));
    }
    Ok(Value::Number(number))
}

fn wrong_type(field: &Field, value: &Value) -> RowError {
    let shown = match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text(text) | Value::Id(text) => text.clone(),
        Value::Number(number) => number.to_plain_string(),
        Value::Date(date) => date.to_string(),
        Value::DateTime(time) => time.to_string(),
    };
    let message = format!("{}: value not of required type: {shown}", field.label);
    row_error("INVALID_TYPE_ON_FIELD_IN_RECORD", message, &[&field.name])
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_letter = |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    !local.is_empty()
        && local.chars().all(local_letter)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

pub fn missing_fields(names: &[&str]) -> RowError {
    let message = format!("Required fields are missing: [{}]", names.join(", "));
    row_error("REQUIRED_FIELD_MISSING", message, names)
}

pub fn no_such_column(name: &str, object: &str) -> RowError {
    row_error("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"), &[name])
}
