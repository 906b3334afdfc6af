//! What is to be written to Salesforce.
//!
//! One row a record: writes to the same record coalesce, which also keeps their order. A row is taken by one sender at a time;
//! if more was merged while it was under way, its version has moved and it stays for another round.

mod notices;
mod refusals;
mod sending;
#[cfg(test)]
mod tests;
mod write;

use serde_json::{Map, Value};

pub use self::notices::QueuedNotice;
pub use self::refusals::RefusedWrite;
pub use self::sending::{Outgoing, Waiting};
pub use self::write::{Key, Notice, Write, cut};
use super::{Error, Result};

fn unreadable(what: &'static str) -> Error {
    Error::Unreadable { what, found: String::new() }
}

fn fields_of(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| unreadable("the fields of a write"))
}
