//! One call of the REST API, whether it came by itself or inside a Composite.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value as Json;

use super::answer::Refusal;

/// A call below `/services/data/vXX.X/`.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// As `66.0`.
    pub version: String,
    /// Decoded path segments after the version; a trailing slash leaves none.
    pub path: Vec<String>,
    pub parameters: BTreeMap<String, String>,
    /// With lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Option<Json>,
}

impl Call {
    /// Takes apart what follows the host: `/services/data/v66.0/query?q=…`.
    pub fn parse(method: Method, target: &str) -> Result<Call, Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest = path.strip_prefix("/services/data/v").ok_or_else(Refusal::not_found)?;
        let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let number: f64 = version.parse().map_err(|_| Refusal::not_found())?;
        if (21.0..31.0).contains(&number) {
            return Err(Refusal::new(410, "UNSUPPORTED_API_VERSION", "This API version is retired; use a later one"));
        }
        if !(31.0..=68.0).contains(&number) || number.fract() != 0.0 {
            return Err(Refusal::not_found());
        }
        Ok(Call {
            method,
            version: format!("{number:.1}"),
            path: rest.split('/').filter(|segment| !segment.is_empty()).map(|segment| decode(segment, false)).collect(),
            parameters: parameters(query),
            headers: BTreeMap::new(),
            body: None,
        })
    }

    /// The path as patterns are written on.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The JSON object that writing calls must carry.
    pub fn object(&self) -> Result<&serde_json::Map<String, Json>, Refusal> {
        let missing =
            || Refusal::bad("JSON_PARSER_ERROR", "The HTTP entity body is required and must be a JSON object");
        self.body.as_ref().and_then(Json::as_object).ok_or_else(missing)
    }

    /// The path to a resource of this version.
    pub fn base(&self) -> String {
        format!("/services/data/v{}", self.version)
    }
}

/// The pairs of a query string or form; a repeated name keeps its last value.
pub fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        })
        .collect()
}

/// Percent-decoding; in forms a plus sign is a space. What is not well-formed stays as it is.
pub fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
            }
            (b'+', _) if plus_is_space => {
                decoded.push(b' ');
                at += 1;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_before_the_query_is_the_same_path() {
        let with = Call::parse(Method::GET, "/services/data/v66.0/query/?q=SELECT+Id%2CName+FROM+Account").unwrap();
        assert_eq!(with.segments(), ["query"]);
        assert_eq!(with.parameter("q"), Some("SELECT Id,Name FROM Account"));
    }

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        let call = Call::parse(Method::PATCH, "/services/data/v66.0/sobjects/A__c/Key__c/a%2Fb%20c+d").unwrap();
        assert_eq!(call.segments(), ["sobjects", "A__c", "Key__c", "a/b c+d"]);
        assert_eq!(decode(&encode("a/b c+d é"), false), "a/b c+d é");
        assert_eq!(decode("%zz%4", false), "%zz%4");
    }

    #[test]
    fn retired_versions_are_gone_and_future_ones_not_found() {
        let status =
            |target: &str| Call::parse(Method::GET, target).map(|_| 200).unwrap_or_else(|refusal| refusal.status);
        assert_eq!(status("/services/data/v30.0/limits"), 410);
        assert_eq!(status("/services/data/v31.0/limits"), 200);
        assert_eq!(status("/services/data/v68.0/limits"), 200);
        assert_eq!(status("/services/data/v69.0/limits"), 404);
        assert_eq!(status("/services/data/vNaN/limits"), 404);
    }
}
