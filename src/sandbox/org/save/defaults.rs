//! What an unset field of a new row gets.

use crate::sandbox::org::formula::Scope;
use crate::sandbox::org::host::{Record, Value};
use crate::sandbox::org::reader::Reader;
use crate::sandbox::org::schema::{FieldKind, Object};
use crate::sandbox::org::store::Row;

use super::coerce;

/// Gives defaults to the fields that the caller did not name; an explicit null stays.
pub fn apply_defaults(reader: &Reader, object: &Object, given: &Record, row: &mut Row) {
    let is_given = |name: &str| given.fields.keys().any(|known| known.eq_ignore_ascii_case(name));
    if let Some(formulas) = reader.catalog.formulas(object) {
        for (name, formula) in &formulas.defaults {
            if is_given(name) {
                continue;
            }
            let Some(field) = object.field(name) else { continue };
            let scope = Scope { reader, object, row, before: None, blank_as_zero: true };
            let value = formula.evaluate(&scope).unwrap_or(Value::Null);
            if let Ok(value) = coerce(field, &value)
                && value != Value::Null
            {
                row.insert(field.name.clone(), value);
            }
        }
    }
    for field in object.fields.values() {
        if row.contains_key(&field.name) || field.formula.is_some() {
            continue;
        }
        match &field.kind {
            FieldKind::Checkbox => {
                row.insert(field.name.clone(), Value::Bool(false));
            }
            FieldKind::Picklist { values, .. } if !is_given(&field.name) => {
                if let Some(value) = values.iter().find(|value| value.default) {
                    row.insert(field.name.clone(), Value::Text(value.name.clone()));
                }
            }
            _ => {}
        }
    }
}
