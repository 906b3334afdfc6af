//! Methods of Integer, Long, Double, Decimal and Math.

use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode, Signed, ToPrimitive, Zero};

use super::eval::{Interp, Res, compare, decimal_text, from_double, whole};
use super::value::Val;

impl Interp<'_> {
    #[inline(never)]
    pub fn number_method(&mut self, own: &Val, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("intvalue", []) => return Ok(Val::Int(truncated(own) as i32)),
            ("longvalue", []) => return Ok(Val::Long(truncated(own))),
            ("doublevalue", []) => {
                return self.coerce(own.clone(), &super::ast::Type::Double);
            }
            ("format", []) => return Ok(Val::str(grouped(&as_decimal(own)))),
            ("tostring", []) => return Ok(Val::str(self.text(own)?)),
            ("equals", [other]) => return Ok(Val::Bool(compare(own, other).is_some_and(|order| order.is_eq()))),
            _ => {}
        }
        if let Val::Double(value) = own {
            return Ok(match (name, args) {
                ("round", []) => Val::Long(value.round_ties_even() as i64),
                ("isnan", []) => Val::Bool(value.is_nan()),
                _ => return self.any_method(own, name, args),
            });
        }
        let value = as_decimal(own);
        Ok(match (name, args) {
            ("setscale", [Val::Int(scale)]) => self.scaled(&value, *scale, RoundingMode::HalfEven)?,
            ("setscale", [Val::Int(scale), mode]) => {
                let mode = self.mode(mode, &value, *scale)?;
                self.scaled(&value, *scale, mode)?
            }
            ("scale", []) => Val::Int(value.fractional_digit_count() as i32),
            ("precision", []) => Val::Int(value.digits() as i32),
            ("abs", []) => Val::Dec(value.abs()),
            ("negate", []) => Val::Dec(-value),
            ("round", []) => Val::Long(whole(&value.with_scale_round(0, RoundingMode::HalfEven))),
            ("round", [mode]) => {
                let mode = self.mode(mode, &value, 0)?;
                Val::Long(whole(&value.with_scale_round(0, mode)))
            }
            ("toplainstring", []) => Val::str(value.to_plain_string()),
            ("striptrailingzeros", []) => Val::Dec(value.normalized()),
            ("pow", [Val::Int(power)]) => {
                let mut result = BigDecimal::from(1);
                for _ in 0..*power {
                    result = &result * &value;
                }
                Val::Dec(result)
            }
            ("divide", [by, Val::Int(scale)]) => self.divided(&value, by, *scale, RoundingMode::HalfEven)?,
            ("divide", [by, Val::Int(scale), mode]) => {
                let mode = self.mode(mode, &value, *scale)?;
                self.divided(&value, by, *scale, mode)?
            }
            ("remainder", [by]) => {
                let by = as_decimal(by);
                if by.is_zero() {
                    return Err(self.divided_by_zero());
                }
                Val::Dec(value % by)
            }
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return self.any_method(own, name, args),
        })
    }

    fn scaled(&self, value: &BigDecimal, scale: i32, mode: RoundingMode) -> Res<Val> {
        if !(-33..=33).contains(&scale) {
            return Err(self.throw("System.MathException", format!("Invalid scale: {scale}")));
        }
        Ok(Val::Dec(value.with_scale_round(i64::from(scale), mode)))
    }

    fn divided(&self, value: &BigDecimal, by: &Val, scale: i32, mode: RoundingMode) -> Res<Val> {
        if by.is_null() {
            return Err(self.null_argument());
        }
        let by = as_decimal(by);
        if by.is_zero() {
            return Err(self.divided_by_zero());
        }
        // Rounded once: the quotient first to its whole part and remainder, so that no digit beyond the scale is lost.
        let shift = i64::from(scale);
        let scaled = BigDecimal::new(1.into(), -shift.max(0)) * value;
        let quotient = (&scaled / &by).with_scale_round(60, RoundingMode::Down);
        let exact = &quotient * &by == scaled;
        let sticky = if exact {
            quotient
        } else {
            let sign = if quotient.is_negative() || value.is_negative() != by.is_negative() { -1 } else { 1 };
            quotient + BigDecimal::new(sign.into(), 61)
        };
        let shifted = sticky * BigDecimal::new(1.into(), shift.max(0));
        Ok(Val::Dec(shifted.with_scale_round(shift, mode)))
    }

    /// A rounding mode; `UNNECESSARY` is checked here and then cuts nothing.
    fn mode(&self, mode: &Val, value: &BigDecimal, scale: i32) -> Res<RoundingMode> {
        let Val::PlatformEnum(_, name) = mode else { return Err(self.null_argument()) };
        Ok(match &**name {
            "CEILING" => RoundingMode::Ceiling,
            "DOWN" => RoundingMode::Down,
            "FLOOR" => RoundingMode::Floor,
            "HALF_DOWN" => RoundingMode::HalfDown,
            "HALF_EVEN" => RoundingMode::HalfEven,
            "HALF_UP" => RoundingMode::HalfUp,
            "UP" => RoundingMode::Up,
            _ => {
                if value.normalized().fractional_digit_count() > i64::from(scale) {
                    return Err(self.throw("System.MathException", "Scale insufficient"));
                }
                RoundingMode::Down
            }
        })
    }

    /// `Integer.valueOf`, `Decimal.valueOf` and their like.
    pub fn number_static(&mut self, class: &str, name: &str, args: &[Val]) -> Res<Val> {
        let ("valueof", [value]) = (name, args) else {
            if let ("tostring", [value]) = (name, args) {
                return Ok(Val::str(self.text(value)?));
            }
            return Err(self.unmodelled(format!("{class}.{name} with {} arguments", args.len())));
        };
        let text = match value {
            Val::Null => return Err(self.null_argument()),
            Val::Str(text) => text.clone(),
            number => {
                let to = match class {
                    "integer" => return Ok(Val::Int(truncated(number) as i32)),
                    "long" => return Ok(Val::Long(truncated(number))),
                    "double" => super::ast::Type::Double,
                    _ => super::ast::Type::Decimal,
                };
                return self.coerce(number.clone(), &to);
            }
        };
        let parsed = match class {
            "integer" => text.trim().parse().ok().map(Val::Int),
            "long" => text.trim().parse().ok().map(Val::Long),
            "double" => text.trim().parse().ok().map(Val::Double),
            _ => BigDecimal::from_str(text.trim()).ok().filter(|_| !text.trim().is_empty()).map(Val::Dec),
        };
        parsed.ok_or_else(|| self.throw("System.TypeException", format!("Invalid {class}: {text}")))
    }

    /// `Math.…`.
    pub fn math(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        if args.iter().any(Val::is_null) {
            return Err(self.null_argument());
        }
        Ok(match (name, args.as_slice()) {
            ("abs", [value]) => match value {
                Val::Int(value) => Val::Int(value.wrapping_abs()),
                Val::Long(value) => Val::Long(value.wrapping_abs()),
                Val::Double(value) => Val::Double(value.abs()),
                other => Val::Dec(as_decimal(other).abs()),
            },
            ("max" | "min", [a, b]) => {
                // The wider type of the two, as overloads would choose.
                let (a, b) = match (a, b) {
                    (Val::Dec(_), b) => (a.clone(), Val::Dec(as_decimal(b))),
                    (a, Val::Dec(_)) => (Val::Dec(as_decimal(a)), b.clone()),
                    (Val::Long(_), Val::Int(b)) => (a.clone(), Val::Long(i64::from(*b))),
                    (Val::Int(a), Val::Long(_)) => (Val::Long(i64::from(*a)), b.clone()),
                    (a, b) => (a.clone(), b.clone()),
                };
                let first =
                    compare(&a, &b).is_some_and(|order| if name == "max" { order.is_ge() } else { order.is_le() });
                if first { a } else { b }
            }
            ("mod", [Val::Int(_), Val::Int(0)] | [Val::Int(_) | Val::Long(_), Val::Long(0)]) => {
                return Err(self.divided_by_zero());
            }
            ("mod", [Val::Int(a), Val::Int(b)]) => Val::Int(a.wrapping_rem(*b)),
            ("mod", [a @ (Val::Int(_) | Val::Long(_)), b @ (Val::Int(_) | Val::Long(_))]) => match truncated(b) {
                0 => return Err(self.divided_by_zero()),
                by => Val::Long(truncated(a).wrapping_rem(by)),
            },
            ("round", [Val::Double(value)]) => Val::Int(value.round_ties_even() as i32),
            ("round", [value]) => {
                let rounded = as_decimal(value).with_scale_round(0, RoundingMode::HalfEven);
                match rounded.to_i32() {
                    Some(value) => Val::Int(value),
                    None => return Err(self.throw("System.MathException", "Integer overflow in Math.round")),
                }
            }
            ("roundtolong", [Val::Double(value)]) => Val::Long(value.round_ties_even() as i64),
            ("roundtolong", [value]) => {
                Val::Long(whole(&as_decimal(value).with_scale_round(0, RoundingMode::HalfEven)))
            }
            ("floor", [Val::Dec(value)]) => Val::Dec(value.with_scale_round(0, RoundingMode::Floor)),
            ("ceil", [Val::Dec(value)]) => Val::Dec(value.with_scale_round(0, RoundingMode::Ceiling)),
            ("floor", [value]) => Val::Double(as_double(value).floor()),
            ("ceil", [value]) => Val::Double(as_double(value).ceil()),
            ("pow", [a, b]) => Val::Double(as_double(a).powf(as_double(b))),
            ("sqrt", [value]) => Val::Double(as_double(value).sqrt()),
            ("signum", [value]) => Val::Double(as_double(value).signum()),
            ("log10", [value]) => Val::Double(as_double(value).log10()),
            ("log", [value]) => Val::Double(as_double(value).ln()),
            ("random", []) => Val::Double(rand::random::<f64>()),
            _ => return Err(self.unmodelled(format!("Math.{name} with {} arguments", args.len()))),
        })
    }
}

fn as_decimal(value: &Val) -> BigDecimal {
    match value {
        Val::Int(value) => BigDecimal::from(*value),
        Val::Long(value) => BigDecimal::from(*value),
        Val::Double(value) => from_double(*value),
        Val::Dec(value) => value.clone(),
        _ => BigDecimal::zero(),
    }
}

fn as_double(value: &Val) -> f64 {
    match value {
        Val::Double(value) => *value,
        other => as_decimal(other).to_f64().unwrap_or(f64::NAN),
    }
}

fn truncated(value: &Val) -> i64 {
    match value {
        Val::Int(value) => i64::from(*value),
        Val::Long(value) => *value,
        Val::Double(value) => *value as i64,
        other => whole(&as_decimal(other)),
    }
}

/// As `format()` shows it in the locale en_US: groups of three, at most three decimals.
fn grouped(value: &BigDecimal) -> String {
    let text = decimal_text(&value.with_scale_round(3, RoundingMode::HalfEven));
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let part = part.trim_end_matches('0');
    if part.is_empty() { out } else { format!("{out}.{part}") }
}
