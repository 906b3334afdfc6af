//! Formulas.
use super::host::Value;
use super::reader::Reader;
use super::schema::{Field, Object};
use super::store::Row;
pub struct Formula;
impl Formula {
    pub fn field_value(&self, _reader: &Reader, _object: &Object, _row: &Row, _field: &Field) -> Value {
        Value::Null
    }
}
