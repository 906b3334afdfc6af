//! Conversions: implicit at assignments, explicit in casts, and `instanceof`.

use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::{BigDecimal, ToPrimitive};

use super::{Interp, Res};
use crate::sandbox::org::apex::ast::{Name, Type};
use crate::sandbox::org::apex::value::Val;

impl Interp<'_> {
    /// A value as a variable of type `to` holds it.
    pub fn coerce(&mut self, value: Val, to: &Type) -> Res<Val> {
        Ok(match (value, to) {
            (Val::Null, _) => Val::Null,
            (value, Type::Object | Type::Void | Type::Native(_)) => value,
            (value @ Val::Bool(_), Type::Boolean) => value,
            (value @ Val::Int(_), Type::Integer) => value,
            (Val::Int(value), Type::Long) => Val::Long(i64::from(value)),
            (value @ Val::Long(_), Type::Long) => value,
            (Val::Int(value), Type::Double) => Val::Double(f64::from(value)),
            (Val::Long(value), Type::Double) => Val::Double(value as f64),
            (value @ Val::Double(_), Type::Double) => value,
            (Val::Dec(value), Type::Double) => Val::Double(value.to_f64().unwrap_or(f64::NAN)),
            (Val::Int(value), Type::Decimal) => Val::Dec(BigDecimal::from(value)),
            (Val::Long(value), Type::Decimal) => Val::Dec(BigDecimal::from(value)),
            (Val::Double(value), Type::Decimal) => Val::Dec(from_double(value)),
            (value @ Val::Dec(_), Type::Decimal) => value,
            (value @ Val::Str(_), Type::String) => value,
            (Val::Id(id), Type::String) => Val::Str(id),
            (value @ Val::Id(_), Type::Id) => value,
            (Val::Str(text), Type::Id) => self.id(&text)?,
            (value @ Val::Date(_), Type::Date) => value,
            (value @ Val::DateTime(_), Type::Datetime) => value,
            (Val::Date(date), Type::Datetime) => Val::DateTime(self.midnight(date)?),
            (value @ Val::Time(_), Type::Time) => value,
            (value @ Val::Blob(_), Type::Blob) => value,
            (Val::List(rows), Type::SObject(of)) => {
                let items = rows.items.borrow();
                match items.as_slice() {
                    [] => {
                        let text = "List has no rows for assignment to SObject";
                        return Err(self.throw("System.QueryException", text));
                    }
                    [row] => {
                        let row = row.clone();
                        drop(items);
                        return self.coerce(row, &Type::SObject(of.clone()));
                    }
                    _ => {
                        let text = "List has more than 1 row for assignment to SObject";
                        return Err(self.throw("System.QueryException", text));
                    }
                }
            }
            // A list keeps its own element type; what it holds is checked where it is taken out.
            (value @ Val::List(_), Type::List(_) | Type::Iterable) => value,
            (value @ Val::Set(_), Type::Set(_) | Type::Iterable) => value,
            (value @ Val::Map(_), Type::Map(..)) => value,
            (value, to) if self.is_instance(&value, to) => value,
            (value, to) => return Err(self.conversion(&value, to)),
        })
    }

    fn conversion(&self, value: &Val, to: &Type) -> super::Thrown {
        let text = format!("Invalid conversion from runtime type {} to {}", self.type_name(value), self.type_text(to));
        self.throw("System.TypeException", text)
    }

    /// What goes into a collection.
    pub fn coerce_element(&mut self, value: Val, of: &Arc<Type>) -> Res<Val> {
        match (&value, &**of) {
            (Val::SObject(row), Type::SObject(Some(name))) if !row.borrow().object().eq_ignore_ascii_case(name) => {
                let text = format!("Collection store exception adding {} to List<{name}>", row.borrow().object());
                Err(self.throw("System.TypeException", text))
            }
            _ => self.coerce(value, of),
        }
    }

    #[inline(never)]
    pub fn cast(&mut self, value: Val, to: &Type, through_object: bool) -> Res<Val> {
        if !through_object {
            let narrowed = match (&value, to) {
                (Val::Long(value), Type::Integer) => Some(Val::Int(*value as i32)),
                (Val::Double(value), Type::Integer) => Some(Val::Int(*value as i32)),
                (Val::Double(value), Type::Long) => Some(Val::Long(*value as i64)),
                (Val::Dec(value), Type::Integer) => Some(Val::Int(whole(value) as i32)),
                (Val::Dec(value), Type::Long) => Some(Val::Long(whole(value))),
                _ => None,
            };
            if let Some(value) = narrowed {
                return Ok(value);
            }
        }
        match (&value, to) {
            // Through `Object`, a number keeps its own type: only the widening that Java's boxes allow.
            (Val::Dec(_), Type::Double) | (Val::Int(_) | Val::Long(_) | Val::Double(_), Type::Decimal) => {}
            (Val::List(list), Type::List(element)) => {
                let fits = match (&*list.element, &**element) {
                    (a, b) if a == b => true,
                    (Type::SObject(_), Type::SObject(_)) | (Type::Object, _) | (_, Type::Object) => true,
                    (Type::Class(a), Type::Class(b)) => {
                        self.runtime.steps(*a, *b).is_some() || self.runtime.steps(*b, *a).is_some()
                    }
                    (Type::List(_) | Type::Map(..) | Type::Set(_) | Type::Native(_), _) => true,
                    _ => false,
                };
                if !fits {
                    return Err(self.conversion(&value, to));
                }
                return Ok(value);
            }
            _ => {}
        }
        self.coerce(value, to)
    }

    pub fn is_instance(&self, value: &Val, of: &Type) -> bool {
        match (value, of) {
            (Val::Null, _) => false,
            (_, Type::Object) => true,
            (Val::Bool(_), Type::Boolean) => true,
            (Val::Int(_), Type::Integer | Type::Long | Type::Double | Type::Decimal) => true,
            (Val::Long(_), Type::Long | Type::Double | Type::Decimal) => true,
            (Val::Double(_), Type::Double | Type::Decimal) => true,
            (Val::Dec(_), Type::Decimal | Type::Double) => true,
            (Val::Str(_), Type::String) | (Val::Id(_), Type::Id | Type::String) => true,
            (Val::Date(_), Type::Date) | (Val::DateTime(_), Type::Datetime) | (Val::Time(_), Type::Time) => true,
            (Val::Blob(_), Type::Blob) => true,
            (Val::List(_) | Val::Set(_), Type::Iterable) => true,
            (Val::List(list), Type::List(element)) => self.element_is(&list.element, element),
            (Val::Set(set), Type::Set(element)) => self.element_is(&set.element, element),
            (Val::Map(map), Type::Map(key, held)) => {
                self.element_is(&map.key, key) && self.element_is(&map.value, held)
            }
            (Val::SObject(_), Type::SObject(None)) => true,
            (Val::SObject(row), Type::SObject(Some(of))) => row.borrow().object().eq_ignore_ascii_case(of),
            (Val::Object(instance), Type::Class(of)) => self.runtime.steps(instance.class, *of).is_some(),
            (Val::Object(instance), Type::Exception(of)) => {
                self.runtime.is_exception(instance.class) && self.runtime.exception_is(instance.class, of)
            }
            (Val::Object(instance), Type::Native(of)) => self.runtime.implements(instance.class, of),
            (Val::Exception(data), Type::Exception(of)) => {
                **of == *"Exception" || data.borrow().name.eq_ignore_ascii_case(of)
            }
            (Val::Enum(class, _), Type::Class(of)) => class == of,
            (Val::PlatformEnum(own, _), Type::Native(of)) => own.eq_ignore_ascii_case(of),
            (Val::SObjectType(_), Type::Native(of)) => **of == *"sobjecttype",
            (Val::SObjectField(..), Type::Native(of)) => **of == *"sobjectfield",
            (Val::Type(_), Type::Native(of)) => **of == *"type",
            (Val::Native(_), Type::Native(of)) => {
                self.type_name(value).to_lowercase().ends_with(&format!(".{of}"))
                    || self.type_name(value).eq_ignore_ascii_case(of)
            }
            _ => false,
        }
    }

    fn element_is(&self, own: &Type, of: &Type) -> bool {
        match (own, of) {
            (own, of) if own == of => true,
            (_, Type::Object) => true,
            (Type::SObject(_), Type::SObject(None)) => true,
            (Type::SObject(Some(a)), Type::SObject(Some(b))) => a.eq_ignore_ascii_case(b),
            (Type::Class(a), Type::Class(b)) => self.runtime.steps(*a, *b).is_some(),
            _ => false,
        }
    }

    pub fn id(&self, text: &str) -> Res<Val> {
        match full_id(text) {
            Some(id) => Ok(Val::Id(id)),
            None => Err(self.throw("System.StringException", format!("Invalid id: {text}"))),
        }
    }
}

/// Toward zero; what doesn't fit wraps.
pub fn whole(value: &BigDecimal) -> i64 {
    let value = value.with_scale_round(0, bigdecimal::RoundingMode::Down);
    value.to_i64().unwrap_or_else(|| value.to_f64().unwrap_or(0.0) as i64)
}

/// By its shortest text, not by its binary expansion.
pub fn from_double(value: f64) -> BigDecimal {
    BigDecimal::from_str(&super::text::double_text(value)).unwrap_or_default()
}

/// The 18 characters of an Id given as 15 or 18.
pub fn full_id(text: &str) -> Option<Name> {
    if !matches!(text.len(), 15 | 18) || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let short = &text[..15];
    let mut full = short.to_owned();
    for group in short.as_bytes().chunks(5) {
        let bits =
            group.iter().enumerate().filter(|(_, b)| b.is_ascii_uppercase()).fold(0, |sum, (at, _)| sum | 1 << at);
        full.push(char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]));
    }
    if text.len() == 18 {
        // With 18 characters the suffix says the case; a given suffix must be one at least in form.
        return text[15..].eq_ignore_ascii_case(&full[15..]).then(|| Arc::from(full));
    }
    Some(Arc::from(full))
}
