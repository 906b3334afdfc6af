//! What is wrong with a configuration, each error with its key.

use std::fmt;

use figment::error::{Actual, Kind};

/// What was wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As salesforce.client_id.
    pub key: String,
    /// What stands there; a secret is not shown.
    pub found: String,
    /// What should.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; expected {}", self.key, self.found, self.expected)
    }
}

/// Why the configuration can't be used: all that is wrong with it, not only the first.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be used:\n{}", .0.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n"))]
pub struct Error(pub Vec<Problem>);

pub(super) fn problem(key: impl Into<String>, found: impl fmt::Display, expected: impl Into<String>) -> Problem {
    Problem { key: key.into(), found: found.to_string(), expected: expected.into() }
}

/// figment's error as ours. Values are shown by type only: a key may be a secret.
pub(super) fn told(error: figment::Error) -> Problem {
    let path = error.path.join(".");
    // The path of an unknown key may end in it already.
    let inside = |name: &str| error.path.last().is_some_and(|last| last == name);
    let key = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false if inside(name) => path.clone(),
        false => format!("{path}.{name}"),
    };
    match error.kind {
        Kind::MissingField(name) => problem(key(&name), "nothing", "a value"),
        Kind::UnknownField(name, known) => {
            problem(key(&name), "a key that does not exist", format!("one of {}", known.join(", ")))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            problem(path.clone(), kind_of(&found), expected)
        }
        Kind::Message(message) => {
            problem(if path.is_empty() { "the file".into() } else { path }, message, "valid TOML")
        }
        other => problem(if path.is_empty() { "the file".into() } else { path }, other, "valid TOML"),
    }
}

fn kind_of(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}
