//! Queries.
use super::host::{Access, Bind, Fault, QueryOutcome};
use super::reader::Reader;
use std::collections::BTreeMap;
pub struct Answer {
    pub outcome: QueryOutcome,
    pub rows_read: usize,
}
pub fn run(
    _reader: &Reader,
    _locks: &BTreeMap<String, jiff::Timestamp>,
    _soql: &str,
    _binds: &BTreeMap<String, Bind>,
    _access: Access,
    _sharing: bool,
) -> Result<Answer, Fault> {
    Err(super::fault::query("not yet"))
}
