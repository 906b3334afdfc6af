//! Saving.
use super::fault;
use super::host::*;
use super::reader::Reader;
use super::schema::{Field, Object};
use super::store::Row;
use super::transaction::Transaction;
pub fn save(
    _tx: &mut Transaction,
    _op: SaveOp,
    _rows: &mut Vec<Record>,
    _options: &SaveOptions,
) -> Result<Vec<RowResult>, Fault> {
    Err(fault::query("not yet"))
}
pub fn merge(
    _tx: &mut Transaction,
    _w: &mut Record,
    _l: &[String],
    _options: &SaveOptions,
) -> Result<Vec<RowResult>, Fault> {
    Err(fault::query("not yet"))
}
pub fn coerce(_field: &Field, value: &Value) -> Result<Value, RowError> {
    Ok(value.clone())
}
pub fn apply_defaults(_reader: &Reader, _object: &Object, _given: &Record, _fields: &mut Row) {}
pub fn missing_fields(names: &[&str]) -> RowError {
    fault::row_error("REQUIRED_FIELD_MISSING", format!("Required fields are missing: [{}]", names.join(", ")), names)
}
pub fn no_such_column(name: &str, object: &str) -> RowError {
    fault::row_error("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"), &[name])
}
pub fn number_in(_format: &str, _text: &str) -> Option<u64> {
    None
}
