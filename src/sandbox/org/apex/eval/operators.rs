//! Operators: arithmetic with Apex's widening, equality, order, text joining.

use std::cmp::Ordering;
use std::num::NonZeroU64;

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use jiff::{SignedDuration, ToSpan};

use super::coerce::full_id;
use super::{Interp, Res};
use crate::sandbox::org::apex::ast::BinaryOp;
use crate::sandbox::org::apex::value::{SObj, Val};

/// Quotients that don't end keep so many significant digits.
const QUOTIENT_DIGITS: u64 = 33;

enum Numbers {
    Int(i32, i32),
    Long(i64, i64),
    Double(f64, f64),
    Decimal(BigDecimal, BigDecimal),
}

impl Interp<'_> {
    pub fn binary(&mut self, op: BinaryOp, left: Val, right: Val) -> Res<Val> {
        match op {
            BinaryOp::Equal => Ok(Val::Bool(self.equal(&left, &right)?)),
            BinaryOp::NotEqual => Ok(Val::Bool(!self.equal(&left, &right)?)),
            BinaryOp::Same => Ok(Val::Bool(left.same(&right))),
            BinaryOp::NotSame => Ok(Val::Bool(!left.same(&right))),
            BinaryOp::Less | BinaryOp::LessOrEqual | BinaryOp::Greater | BinaryOp::GreaterOrEqual => {
                if left.is_null() || right.is_null() {
                    return Ok(Val::Bool(false));
                }
                let Some(order) = compare(&left, &right) else {
                    let text = format!("a comparison of {} and {}", self.type_name(&left), self.type_name(&right));
                    return Err(self.unmodelled(text));
                };
                Ok(Val::Bool(match op {
                    BinaryOp::Less => order.is_lt(),
                    BinaryOp::LessOrEqual => order.is_le(),
                    BinaryOp::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
            BinaryOp::Add => self.add(left, right),
            BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => self.arithmetic(op, left, right),
            _ => self.bits(op, left, right),
        }
    }

    fn add(&mut self, left: Val, right: Val) -> Res<Val> {
        let texts = matches!(left, Val::Str(_)) || matches!(right, Val::Str(_));
        let ids = matches!(left, Val::Id(_)) || matches!(right, Val::Id(_));
        if texts || ids {
            let (mut left, right) = (self.joined(&left)?, self.joined(&right)?);
            left.push_str(&right);
            return Ok(Val::str(left));
        }
        self.arithmetic(BinaryOp::Add, left, right)
    }

    fn arithmetic(&mut self, op: BinaryOp, left: Val, right: Val) -> Res<Val> {
        if let Val::Date(_) | Val::DateTime(_) = left {
            return self.move_time(op, left, right);
        }
        let Some(numbers) = widen(&left, &right) else {
            if left.is_null() || right.is_null() {
                return Err(self.null_pointer());
            }
            let text = format!("arithmetic on {} and {}", self.type_name(&left), self.type_name(&right));
            return Err(self.unmodelled(text));
        };
        Ok(match (numbers, op) {
            (Numbers::Int(a, b), BinaryOp::Add) => Val::Int(a.wrapping_add(b)),
            (Numbers::Int(a, b), BinaryOp::Subtract) => Val::Int(a.wrapping_sub(b)),
            (Numbers::Int(a, b), BinaryOp::Multiply) => Val::Int(a.wrapping_mul(b)),
            (Numbers::Int(_, 0), _) | (Numbers::Long(_, 0), BinaryOp::Divide) => return Err(self.divided_by_zero()),
            (Numbers::Int(a, b), _) => Val::Int(a.wrapping_div(b)),
            (Numbers::Long(a, b), BinaryOp::Add) => Val::Long(a.wrapping_add(b)),
            (Numbers::Long(a, b), BinaryOp::Subtract) => Val::Long(a.wrapping_sub(b)),
            (Numbers::Long(a, b), BinaryOp::Multiply) => Val::Long(a.wrapping_mul(b)),
            (Numbers::Long(a, b), _) => Val::Long(a.wrapping_div(b)),
            (Numbers::Double(a, b), BinaryOp::Add) => Val::Double(a + b),
            (Numbers::Double(a, b), BinaryOp::Subtract) => Val::Double(a - b),
            (Numbers::Double(a, b), BinaryOp::Multiply) => Val::Double(a * b),
            (Numbers::Double(_, 0.0), _) => return Err(self.divided_by_zero()),
            (Numbers::Double(a, b), _) => Val::Double(a / b),
            (Numbers::Decimal(a, b), BinaryOp::Add) => Val::Dec(a + b),
            (Numbers::Decimal(a, b), BinaryOp::Subtract) => Val::Dec(a - b),
            (Numbers::Decimal(a, b), BinaryOp::Multiply) => {
                let scale = a.fractional_digit_count() + b.fractional_digit_count();
                Val::Dec((a * b).with_scale(scale))
            }
            (Numbers::Decimal(_, b), _) if b.is_zero() => return Err(self.divided_by_zero()),
            (Numbers::Decimal(a, b), _) => Val::Dec(quotient(&a, &b)),
        })
    }

    pub fn divided_by_zero(&self) -> super::Thrown {
        self.throw("System.MathException", "Divide by 0")
    }

    fn move_time(&mut self, op: BinaryOp, left: Val, right: Val) -> Res<Val> {
        let sign = if op == BinaryOp::Subtract { -1 } else { 1 };
        match (&left, &right) {
            (_, Val::Null) => Err(self.null_pointer()),
            (Val::Date(date), Val::Int(_) | Val::Long(_)) => {
                let days = sign * right_number(&right).unwrap_or(0.0) as i64;
                date.checked_add(days.days())
                    .map(Val::Date)
                    .map_err(|_| self.throw("System.TypeException", "Invalid date"))
            }
            (Val::DateTime(at), _) if right_number(&right).is_some() => {
                let ms = (right_number(&right).unwrap_or(0.0) * 86_400_000.0).round() as i64 * sign;
                at.checked_add(SignedDuration::from_millis(ms))
                    .map(Val::DateTime)
                    .map_err(|_| self.throw("System.TypeException", "Invalid date/time"))
            }
            _ => Err(self.unmodelled(format!("{} and {} added", self.type_name(&left), self.type_name(&right)))),
        }
    }

    fn bits(&mut self, op: BinaryOp, left: Val, right: Val) -> Res<Val> {
        if let (Val::Bool(a), Val::Bool(b)) = (&left, &right) {
            return match op {
                BinaryOp::BitAnd => Ok(Val::Bool(a & b)),
                BinaryOp::BitOr => Ok(Val::Bool(a | b)),
                BinaryOp::BitXor => Ok(Val::Bool(a ^ b)),
                _ => Err(self.unmodelled("a shift of a Boolean")),
            };
        }
        match widen(&left, &right) {
            Some(Numbers::Int(a, b)) => Ok(Val::Int(match op {
                BinaryOp::BitAnd => a & b,
                BinaryOp::BitOr => a | b,
                BinaryOp::BitXor => a ^ b,
                BinaryOp::ShiftLeft => a.wrapping_shl(b as u32),
                BinaryOp::ShiftRight => a.wrapping_shr(b as u32),
                _ => (a as u32).wrapping_shr(b as u32) as i32,
            })),
            Some(Numbers::Long(a, b)) => Ok(Val::Long(match op {
                BinaryOp::BitAnd => a & b,
                BinaryOp::BitOr => a | b,
                BinaryOp::BitXor => a ^ b,
                BinaryOp::ShiftLeft => a.wrapping_shl(b as u32),
                BinaryOp::ShiftRight => a.wrapping_shr(b as u32),
                _ => (a as u64).wrapping_shr(b as u32) as i64,
            })),
            _ if left.is_null() || right.is_null() => Err(self.null_pointer()),
            _ => Err(self.unmodelled("bit arithmetic on these types")),
        }
    }

    pub fn negate(&mut self, value: Val) -> Res<Val> {
        match value {
            Val::Int(value) => Ok(Val::Int(value.wrapping_neg())),
            Val::Long(value) => Ok(Val::Long(value.wrapping_neg())),
            Val::Double(value) => Ok(Val::Double(-value)),
            Val::Dec(value) => Ok(Val::Dec(-value)),
            Val::Null => Err(self.null_pointer()),
            other => Err(self.unmodelled(format!("minus {}", self.type_name(&other)))),
        }
    }

    /// `==`.
    pub fn equal(&mut self, left: &Val, right: &Val) -> Res<bool> {
        Ok(match (left, right) {
            (Val::Null, Val::Null) => true,
            (Val::Null, _) | (_, Val::Null) => false,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Str(a), Val::Str(b)) => same_text(a, b),
            (Val::Id(a), Val::Id(b)) => a == b,
            (Val::Id(id), Val::Str(text)) | (Val::Str(text), Val::Id(id)) => {
                full_id(text).is_some_and(|other| other == *id)
            }
            (Val::List(a), Val::List(b)) => {
                let (a, b) = (a.items.borrow().clone(), b.items.borrow().clone());
                a.len() == b.len() && self.all_equal(&a, &b)?
            }
            (Val::Set(a), Val::Set(b)) => {
                a.store.len() == b.store.len() && a.store.keys().iter().all(|key| b.store.contains(key))
            }
            (Val::Map(a), Val::Map(b)) => {
                if a.store.len() != b.store.len() {
                    return Ok(false);
                }
                for (key, value) in a.store.pairs() {
                    match b.store.get(&key) {
                        Some(other) if self.equal(&value, &other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Val::SObject(a), Val::SObject(b)) => {
                if std::rc::Rc::ptr_eq(a, b) {
                    return Ok(true);
                }
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                a.object().eq_ignore_ascii_case(b.object()) && self.same_fields(&a, &b)?
            }
            (Val::Object(a), Val::Object(b)) => {
                if std::rc::Rc::ptr_eq(a, b) {
                    return Ok(true);
                }
                match self.find_method(a.class, "equals", std::slice::from_ref(right)) {
                    Some(method) => {
                        let same = self.invoke(&method, Some(a.clone()), vec![right.clone()])?;
                        matches!(same, Val::Bool(true))
                    }
                    None => false,
                }
            }
            (Val::Blob(a), Val::Blob(b)) => a == b,
            (Val::PlatformEnum(of, a), Val::PlatformEnum(other, b)) => of == other && a == b,
            (a, b) => match compare(a, b) {
                Some(order) => order.is_eq(),
                None => a.same(b),
            },
        })
    }

    fn all_equal(&mut self, left: &[Val], right: &[Val]) -> Res<bool> {
        for (a, b) in left.iter().zip(right) {
            if !self.equal(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same_fields(&mut self, left: &SObj, right: &SObj) -> Res<bool> {
        for (a, b) in [(left, right), (right, left)] {
            for (name, value) in &a.fields {
                let other = b.get(name).cloned().unwrap_or(Val::Null);
                if !self.equal(value, &other)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

pub fn same_text(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.to_lowercase() == right.to_lowercase()
}

fn right_number(value: &Val) -> Option<f64> {
    match value {
        Val::Int(value) => Some(f64::from(*value)),
        Val::Long(value) => Some(*value as f64),
        Val::Double(value) => Some(*value),
        Val::Dec(value) => value.to_f64(),
        _ => None,
    }
}

fn decimal(value: &Val) -> Option<BigDecimal> {
    match value {
        Val::Int(value) => Some(BigDecimal::from(*value)),
        Val::Long(value) => Some(BigDecimal::from(*value)),
        Val::Dec(value) => Some(value.clone()),
        _ => None,
    }
}

fn widen(left: &Val, right: &Val) -> Option<Numbers> {
    Some(match (left, right) {
        (Val::Int(a), Val::Int(b)) => Numbers::Int(*a, *b),
        (Val::Int(a), Val::Long(b)) => Numbers::Long(i64::from(*a), *b),
        (Val::Long(a), Val::Int(b)) => Numbers::Long(*a, i64::from(*b)),
        (Val::Long(a), Val::Long(b)) => Numbers::Long(*a, *b),
        (Val::Double(_), _) | (_, Val::Double(_)) => Numbers::Double(right_number(left)?, right_number(right)?),
        _ => Numbers::Decimal(decimal(left)?, decimal(right)?),
    })
}

/// The order of two values of one kind; `None` when they have none.
pub fn compare(left: &Val, right: &Val) -> Option<Ordering> {
    match (left, right) {
        (Val::Str(a) | Val::Id(a), Val::Str(b) | Val::Id(b)) => Some(collate(a, b)),
        (Val::Date(a), Val::Date(b)) => Some(a.cmp(b)),
        (Val::DateTime(a), Val::DateTime(b)) => Some(a.cmp(b)),
        (Val::Date(a), Val::DateTime(b)) => {
            a.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|a| a.timestamp().cmp(b))
        }
        (Val::DateTime(a), Val::Date(b)) => {
            b.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|b| a.cmp(&b.timestamp()))
        }
        (Val::Time(a), Val::Time(b)) => Some(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
        (Val::Enum(of, a), Val::Enum(other, b)) if of == other => Some(a.cmp(b)),
        _ => match widen(left, right)? {
            Numbers::Int(a, b) => Some(a.cmp(&b)),
            Numbers::Long(a, b) => Some(a.cmp(&b)),
            Numbers::Double(a, b) => a.partial_cmp(&b),
            Numbers::Decimal(a, b) => Some(a.cmp(&b)),
        },
    }
}

/// `<` on texts: letters and digits first, whatever their case; the rest only breaks ties.
fn collate(left: &str, right: &str) -> Ordering {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    letters(left).cmp(&letters(right)).then_with(|| left.to_lowercase().cmp(&right.to_lowercase()))
}

/// Exact where it ends within 33 digits, with at least the scale that the operands differ by.
pub fn quotient(a: &BigDecimal, b: &BigDecimal) -> BigDecimal {
    let least = (a.fractional_digit_count() - b.fractional_digit_count()).max(0);
    let digits = NonZeroU64::new(QUOTIENT_DIGITS).unwrap_or(NonZeroU64::MIN);
    let value = (a / b).with_precision_round(digits, RoundingMode::HalfUp).normalized();
    if value.fractional_digit_count() < least { value.with_scale(least) } else { value }
}
