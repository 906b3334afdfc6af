//! Amounts of money, exact and checked.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::Currency;

/// An amount in minor units of its currency (USD 10_000 is $100.00). Never negative: what flows back is a refund.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies in one sum.
    #[error("{0} and {1} can't be added or compared")]
    Mixed(Currency, Currency),
    /// More was taken away than there was.
    #[error("{part} is more than {from}")]
    Overdrawn {
        /// What there was.
        from: Money,
        /// What was to be taken away.
        part: Money,
    },
    /// Larger than we can hold.
    #[error("the amount is too large")]
    TooLarge,
    /// Below zero.
    #[error("an amount can't be negative")]
    Negative,
    /// Not a decimal number.
    #[error("{0:?} is not an amount")]
    NotANumber(String),
    /// More decimals than the currency has.
    #[error("{text:?} has more decimals than {currency} has")]
    TooFine {
        /// As written.
        text: String,
        /// Whose decimals count.
        currency: Currency,
    },
    /// Stripe takes this currency in coarser steps.
    #[error("Stripe takes {currency} in steps of {step} minor units, and {minor} is not one")]
    OffStep {
        /// The amount.
        minor: i64,
        /// The step.
        step: i64,
        /// The currency.
        currency: Currency,
    },
}

impl Money {
    /// An amount of `minor` units; fails below zero.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor < 0 { Err(MoneyError::Negative) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads what a person or a plain text writes: digits and at most one point, no sign, no exponent, no grouping.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        if text.contains(['e', 'E', '+']) {
            return Err(MoneyError::NotANumber(text.to_owned()));
        }
        Self::exact(text, 0, text, currency)
    }

    /// Reads a number as Salesforce writes it: `120.0`, `120`, and from ten million on `1.2E7`.
    pub fn from_salesforce_text(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotANumber(text.to_owned());
        match text.split_once(['e', 'E']) {
            None => Self::exact(text, 0, text, currency),
            Some((mantissa, power)) => {
                let power: i32 = power.parse().map_err(|_| wrong())?;
                if power.abs() > 30 {
                    return Err(MoneyError::TooLarge);
                }
                Self::exact(mantissa, power, text, currency)
            }
        }
    }

    /// Reads a field of a record. The fields have at most 15 digits, which survive a JSON number's way through a double
    /// and back to its shortest text unchanged; the text is then read exactly.
    pub fn from_salesforce(value: &Value, currency: Currency) -> Result<Self, MoneyError> {
        match value {
            Value::Number(number) => Self::from_salesforce_text(&number.to_string(), currency),
            Value::String(text) => Self::from_salesforce_text(text, currency),
            other => Err(MoneyError::NotANumber(other.to_string())),
        }
    }

    fn exact(mantissa: &str, power: i32, whole_text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotANumber(whole_text.to_owned());
        if let Some(rest) = mantissa.strip_prefix('-') {
            // "-0.0" is a zero that Salesforce writes for an empty formula.
            let nothing = !rest.is_empty() && rest.chars().all(|c| c == '0' || c == '.');
            return if nothing { Ok(Self::zero(currency)) } else { Err(MoneyError::Negative) };
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(wrong());
        }
        if mantissa.contains('.') && fraction.is_empty() {
            return Err(wrong());
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::zero(currency));
        }
        // value = digits × 10^(power − decimals); in minor units 10^exponent more
        let shift = power - i32::try_from(fraction.len()).map_err(|_| wrong())?
            + i32::try_from(currency.exponent()).map_err(|_| wrong())?;
        let mut number: i64 = digits.parse().map_err(|_| MoneyError::TooLarge)?;
        if shift >= 0 {
            for _ in 0..shift {
                number = number.checked_mul(10).ok_or(MoneyError::TooLarge)?;
            }
        } else {
            for _ in 0..-shift {
                if number % 10 != 0 {
                    return Err(MoneyError::TooFine { text: whole_text.to_owned(), currency });
                }
                number /= 10;
            }
        }
        Self::from_minor(number, currency)
    }

    /// Reads the integer that Stripe's API gives.
    pub fn from_stripe(amount: i64, currency: Currency) -> Result<Self, MoneyError> {
        let factor = currency.stripe_factor();
        if amount % factor != 0 {
            return Err(MoneyError::OffStep { minor: amount, step: factor, currency });
        }
        Self::from_minor(amount / factor, currency)
    }

    /// The integer that Stripe's API takes; fails where the third decimal of a three-decimal currency is not 0.
    pub fn to_stripe(self) -> Result<i64, MoneyError> {
        let step = self.currency.step_minor();
        if self.minor % step != 0 {
            return Err(MoneyError::OffStep { minor: self.minor, step, currency: self.currency });
        }
        self.minor.checked_mul(self.currency.stripe_factor()).ok_or(MoneyError::TooLarge)
    }

    /// Decimal text with all the currency's decimals, as `120.00`; no code, no grouping.
    pub fn to_decimal(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let unit = 10_i64.pow(exponent);
        format!("{}.{:0width$}", self.minor / unit, self.minor % unit, width = exponent as usize)
    }

    /// The JSON number for a field of a record.
    pub fn to_salesforce(self) -> Value {
        // up to 15 digits pass through JSON's double unchanged, see from_salesforce
        serde_json::from_str(&self.to_decimal()).unwrap_or_else(|_| Value::String(self.to_decimal()))
    }

    /// In minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Of which money.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum; fails on mixed currencies and on overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// The rest; fails on mixed currencies and on a result below zero.
    pub fn less(self, part: Self) -> Result<Self, MoneyError> {
        self.same_currency(part)?;
        let minor = self.minor.checked_sub(part.minor).filter(|minor| *minor >= 0);
        minor.map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overdrawn { from: self, part })
    }

    /// The rest, or nothing where more is taken away than there is; fails on mixed currencies.
    pub fn less_or_zero(self, part: Self) -> Result<Self, MoneyError> {
        self.same_currency(part)?;
        Ok(Self { minor: self.minor.saturating_sub(part.minor).max(0), ..self })
    }

    /// Compares; fails on mixed currencies.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::Mixed(self.currency, other.currency)) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn minor(text: &str, code: &str) -> Result<i64, MoneyError> {
        Money::from_salesforce_text(text, currency(code)).map(Money::minor)
    }

    #[test]
    fn salesforce_numbers_are_read_exactly() {
        assert_eq!(minor("120.0", "USD"), Ok(12_000));
        assert_eq!(minor("0.1", "USD"), Ok(10));
        assert_eq!(minor("1.2345678E7", "USD"), Ok(1_234_567_800));
        assert_eq!(minor("1.005", "KWD"), Ok(1_005));
        assert_eq!(minor("500", "JPY"), Ok(500));
        assert_eq!(minor("500.0", "JPY"), Ok(500));
        assert_eq!(minor("1.5E-1", "USD"), Ok(15));
        assert!(matches!(minor("500.5", "JPY"), Err(MoneyError::TooFine { .. })));
        assert!(matches!(minor("1.005", "USD"), Err(MoneyError::TooFine { .. })));
        assert_eq!(minor("-1", "USD"), Err(MoneyError::Negative));
        assert_eq!(minor("-0.0", "USD"), Ok(0));
        assert_eq!(minor("99999999999999999999", "USD"), Err(MoneyError::TooLarge));
        for text in ["", ".", "1.", "1,00", "1.2.3", "NaN", "0x10", " 1", "١٢"] {
            assert!(matches!(minor(text, "USD"), Err(MoneyError::NotANumber(_))), "{text:?} was read as an amount");
        }
    }

    #[test]
    fn a_person_may_not_write_an_exponent() {
        assert!(matches!(Money::from_decimal("1e3", currency("USD")), Err(MoneyError::NotANumber(_))));
        assert!(matches!(Money::from_decimal("+5", currency("USD")), Err(MoneyError::NotANumber(_))));
        assert_eq!(Money::from_decimal(" 12.5 ", currency("USD")).unwrap().minor(), 1_250);
    }

    #[test]
    fn stripe_counts_kronur_in_hundredths_and_dinars_in_tens_of_fils() {
        let isk = Money::from_minor(5, currency("ISK")).unwrap();
        assert_eq!(isk.to_stripe(), Ok(500));
        assert_eq!(Money::from_stripe(500, currency("ISK")), Ok(isk));
        assert!(matches!(Money::from_stripe(550, currency("UGX")), Err(MoneyError::OffStep { .. })));
        assert_eq!(Money::from_minor(5_120, currency("KWD")).unwrap().to_stripe(), Ok(5_120));
        assert!(matches!(
            Money::from_minor(5_124, currency("KWD")).unwrap().to_stripe(),
            Err(MoneyError::OffStep { .. })
        ));
        assert_eq!(Money::from_minor(700, currency("JPY")).unwrap().to_stripe(), Ok(700));
    }

    #[test]
    fn sums_are_checked() {
        let usd = |minor| Money::from_minor(minor, currency("USD")).unwrap();
        assert!(matches!(usd(1).plus(Money::zero(currency("EUR"))), Err(MoneyError::Mixed(..))));
        assert!(matches!(usd(1).less(usd(2)), Err(MoneyError::Overdrawn { .. })));
        assert_eq!(usd(1).less_or_zero(usd(2)), Ok(usd(0)));
        assert_eq!(usd(i64::MAX).plus(usd(1)), Err(MoneyError::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_written_to_a_record_is_read_back_the_same(minor in 0_i64..1_000_000_000_000_000) {
            for code in ["USD", "KWD", "JPY"] {
                let money = Money::from_minor(minor, currency(code)).unwrap();
                prop_assume!(money.to_decimal().trim_matches('0').len() <= 16);
                prop_assert_eq!(Money::from_salesforce(&money.to_salesforce(), currency(code)), Ok(money));
            }
        }
    }
}
