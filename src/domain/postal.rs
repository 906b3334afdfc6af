//! An address as an envelope of its country shows it.

/// The parts as Salesforce keeps them; any may be blank.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postal<'a> {
    /// May have line breaks.
    pub street: Option<&'a str>,
    pub city: Option<&'a str>,
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    /// A name or a two-letter code.
    pub country: Option<&'a str>,
}

/// Where the postal code stands, and the state with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// "Portland, OR 97209"
    CityCommaStateCode,
    /// "Ottawa ON K1A 0B1"
    CityStateCode,
    /// "Wellington 6011", the state on a line of its own.
    CityCode,
    /// "London", then the county, then "SW1A 2AA".
    CityThenCode,
    /// "São Paulo - SP", then "01310-100".
    CityDashState,
    /// "00144 Roma RM"
    CodeCityState,
    /// "3000 Bern", the state on a line of its own.
    CodeCity,
}

impl Order {
    fn of(postal: &Postal<'_>) -> Self {
        let country = postal.country.unwrap_or_default().to_uppercase();
        match country.as_str() {
            "US" | "USA" | "UNITED STATES" | "UNITED STATES OF AMERICA" | "PR" | "PUERTO RICO" | "JP" | "JAPAN" => {
                Self::CityCommaStateCode
            }
            // An org that sells at home often leaves the country out.
            "" if postal.state.is_some() && postal.code.is_some_and(is_zip) => Self::CityCommaStateCode,
            "CA" | "CANADA" | "AU" | "AUSTRALIA" => Self::CityStateCode,
            "NZ" | "NEW ZEALAND" | "IN" | "INDIA" | "SG" | "SINGAPORE" | "ID" | "INDONESIA" | "TH" | "THAILAND"
            | "TW" | "TAIWAN" | "KR" | "KOREA, REPUBLIC OF" | "SOUTH KOREA" | "SA" | "SAUDI ARABIA" => Self::CityCode,
            "GB" | "UK" | "UNITED KINGDOM" | "GREAT BRITAIN" | "IE" | "IRELAND" | "ZA" | "SOUTH AFRICA" => {
                Self::CityThenCode
            }
            "BR" | "BRAZIL" | "BRASIL" => Self::CityDashState,
            "IT" | "ITALY" | "ITALIA" | "MX" | "MEXICO" | "MÉXICO" => Self::CodeCityState,
            _ => Self::CodeCity,
        }
    }
}

fn is_zip(code: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    code.split_once('-').map_or_else(|| digits(code, 5), |(zip, more)| digits(zip, 5) && digits(more, 4))
}

impl Postal<'_> {
    /// One line each, without those that would be blank.
    pub fn lines(&self) -> Vec<String> {
        let trimmed = |part: Option<&str>| part.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
        let (city, state, code) = (trimmed(self.city), trimmed(self.state), trimmed(self.code));
        let join = |parts: &[&Option<String>], between: &str| {
            let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
            (!parts.is_empty()).then(|| parts.join(between))
        };
        let place = match Order::of(self) {
            Order::CityCommaStateCode => vec![join(&[&city, &join(&[&state, &code], " ")], ", ")],
            Order::CityStateCode => vec![join(&[&city, &state, &code], " ")],
            Order::CityCode => vec![join(&[&city, &code], " "), state],
            Order::CityThenCode => vec![city, state, code],
            Order::CityDashState => vec![join(&[&city, &state], " - "), code],
            Order::CodeCityState => vec![join(&[&code, &city, &state], " ")],
            Order::CodeCity => vec![join(&[&code, &city], " "), state],
        };
        let street = self.street.unwrap_or_default().lines().map(|line| trimmed(Some(line)));
        street.chain(place).chain([trimmed(self.country)]).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(city: &str, state: &str, code: &str, country: &str) -> String {
        let part = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let postal = Postal {
            street: Some("1 Way\n\n Floor 2 "),
            city: part(city),
            state: part(state),
            code: part(code),
            country: part(country),
        };
        let lines = postal.lines();
        assert_eq!(lines[..2], ["1 Way", "Floor 2"]);
        lines[2..].join(" / ")
    }

    #[test]
    fn each_country_has_its_own_order() {
        for (city, state, code, country, expected) in [
            ("Portland", "OR", "97209", "United States", "Portland, OR 97209 / United States"),
            ("Portland", "OR", "97209-1234", "", "Portland, OR 97209-1234"),
            ("Portland", "", "", "US", "Portland / US"),
            ("Ottawa", "ON", "K1A 0B1", "Canada", "Ottawa ON K1A 0B1 / Canada"),
            ("Wellington", "", "6011", "New Zealand", "Wellington 6011 / New Zealand"),
            ("London", "", "SW1A 2AA", "United Kingdom", "London / SW1A 2AA / United Kingdom"),
            ("São Paulo", "SP", "01310-100", "BR", "São Paulo - SP / 01310-100 / BR"),
            ("Roma", "RM", "00144", "Italy", "00144 Roma RM / Italy"),
            ("Bern", "", "3000", "CH", "3000 Bern / CH"),
            ("Bern", "", "3000", "", "3000 Bern"),
            ("München", "Bayern", "80331", "Germany", "80331 München / Bayern / Germany"),
            ("", "OR", "97209", "US", "OR 97209 / US"),
            ("", "", "", "", ""),
        ] {
            assert_eq!(lines(city, state, code, country), expected);
        }
    }
}
