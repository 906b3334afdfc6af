//! Currencies as Stripe charges them: how many decimals, which steps, the smallest and largest charge.

use std::fmt;
use std::str::FromStr;

/// A currency that Stripe can charge in.
///
/// The number of decimals is Stripe's where it differs from ISO 4217 (MGA has two on paper and none at Stripe).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// Why a text is not a currency that we can charge in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// Not an ISO 4217 code.
    #[error("{0:?} is not a currency code of three letters, such as USD")]
    Unknown(String),
    /// An ISO code whose number of decimals Stripe does not charge in.
    #[error("Stripe does not charge in {0}")]
    NotCharged(String),
}

/// No decimals at Stripe, and sent as they are.
const ZERO_DECIMAL: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// No decimals, but Stripe's API counts them in hundredths that must be whole.
const ZERO_DECIMAL_SENT_IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];
/// Three decimals, the last of which must be 0 when sent to Stripe.
const THREE_DECIMAL: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// The smallest charge in minor units. Stripe applies it by settlement currency; what is not listed, Stripe decides.
const MINIMUM: [(&str, i64); 14] = [
    ("USD", 50),
    ("EUR", 50),
    ("CAD", 50),
    ("AUD", 50),
    ("CHF", 50),
    ("GBP", 30),
    ("JPY", 50),
    ("MXN", 1_000),
    ("NOK", 300),
    ("SEK", 300),
    ("DKK", 250),
    ("HUF", 17_500),
    ("CZK", 1_500),
    ("PLN", 200),
];

impl Currency {
    /// Parses an ISO 4217 code in any case.
    pub fn from_code(code: &str) -> Result<Self, CurrencyError> {
        let upper = code.trim().to_ascii_uppercase();
        let found = iso_currency::Currency::from_code(&upper).ok_or_else(|| CurrencyError::Unknown(code.to_owned()))?;
        let currency = Self(found);
        let known_at_stripe =
            ZERO_DECIMAL.contains(&found.code()) || ZERO_DECIMAL_SENT_IN_HUNDREDTHS.contains(&found.code());
        match found.exponent() {
            _ if known_at_stripe || THREE_DECIMAL.contains(&found.code()) => Ok(currency),
            Some(2) => Ok(currency),
            _ => Err(CurrencyError::NotCharged(upper)),
        }
    }

    /// The code in upper case, as Salesforce writes it.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The code in lower case, as Stripe writes it.
    pub fn stripe_code(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// How many decimals an amount has.
    pub fn exponent(self) -> u32 {
        if ZERO_DECIMAL.contains(&self.code()) || ZERO_DECIMAL_SENT_IN_HUNDREDTHS.contains(&self.code()) {
            0
        } else if THREE_DECIMAL.contains(&self.code()) {
            3
        } else {
            2
        }
    }

    /// What our minor units are multiplied by to become the integer that Stripe's API takes.
    pub fn stripe_factor(self) -> i64 {
        if ZERO_DECIMAL_SENT_IN_HUNDREDTHS.contains(&self.code()) { 100 } else { 1 }
    }

    /// The smallest difference between two chargeable amounts, in minor units: 10 where the third decimal must be 0.
    pub fn step_minor(self) -> i64 {
        if THREE_DECIMAL.contains(&self.code()) { 10 } else { 1 }
    }

    /// The smallest charge in minor units.
    pub fn minimum_minor(self) -> i64 {
        MINIMUM.iter().find(|(code, _)| *code == self.code()).map_or(self.step_minor(), |(_, minimum)| *minimum)
    }

    /// The largest charge in minor units: eight digits at Stripe, twelve for IDR.
    pub fn maximum_minor(self) -> i64 {
        let digits: i64 = if self.code() == "IDR" { 999_999_999_999 } else { 99_999_999 };
        digits / self.stripe_factor() / self.step_minor() * self.step_minor()
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        Self::from_code(code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_that_stripe_charges_in() {
        let exponent = |code: &str| Currency::from_code(code).map(Currency::exponent);
        assert_eq!(exponent("usd"), Ok(2));
        assert_eq!(exponent("JPY"), Ok(0));
        assert_eq!(exponent("MGA"), Ok(0), "two decimals in ISO 4217, none at Stripe");
        assert_eq!(exponent("UGX"), Ok(0));
        assert_eq!(exponent("ISK"), Ok(0));
        assert_eq!(exponent("KWD"), Ok(3));
        assert_eq!(exponent("HUF"), Ok(2));
        assert_eq!(exponent("CLF"), Err(CurrencyError::NotCharged("CLF".into())));
        assert_eq!(exponent("XYZ"), Err(CurrencyError::Unknown("XYZ".into())));
    }

    #[test]
    fn limits_are_in_minor_units() {
        let currency = |code| Currency::from_code(code).unwrap();
        assert_eq!(currency("USD").minimum_minor(), 50);
        assert_eq!(currency("HUF").minimum_minor(), 17_500);
        assert_eq!(currency("USD").maximum_minor(), 99_999_999);
        assert_eq!(currency("ISK").maximum_minor(), 999_999, "sent in hundredths, eight digits");
        assert_eq!(currency("KWD").maximum_minor(), 99_999_990);
        assert_eq!(currency("IDR").maximum_minor(), 999_999_999_999);
    }
}
