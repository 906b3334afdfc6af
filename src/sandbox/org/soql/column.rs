//! Paths such as `Account__r.Owner.Name`, looked up once and read for many rows.

use super::Asking;
use crate::sandbox::org::fault;
use crate::sandbox::org::host::{Fault, Value};
use crate::sandbox::org::schema::{Field, FieldKind, Object};
use crate::sandbox::org::store::Row;

const MOST_PARENTS: usize = 5;

/// Lookups to walk, then a field.
#[derive(Clone)]
pub struct Column<'a> {
    pub lookups: Vec<&'a Field>,
    pub field: &'a Field,
}

impl<'a> Column<'a> {
    /// Fails as the org does when the path leads nowhere, or to something the user may not see.
    pub fn find(asking: &Asking<'a>, object: &'a Object, path: &str) -> Result<Column<'a>, Fault> {
        let mut parts: Vec<&str> = path.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        // `Account.Name` in a query on Account itself.
        if parts.first().is_some_and(|first| first.eq_ignore_ascii_case(&object.name) && object.parent(first).is_none())
        {
            parts.remove(0);
        }
        if parts.len() > MOST_PARENTS {
            return Err(fault::query(format!(
                "{path}: a path may lead through {MOST_PARENTS} parents, not {}",
                parts.len()
            )));
        }
        let mut at = object;
        let mut lookups = Vec::new();
        for relationship in parts {
            let found = at.parent(relationship).filter(|field| asking.may_read(at, field));
            let target = found.and_then(|field| match &field.kind {
                FieldKind::Reference { to, .. } => asking.reader.catalog.schema.object(to.first()?),
                _ => None,
            });
            let (Some(lookup), Some(target)) = (found, target) else {
                return Err(fault::query(format!(
                    "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a \
                     custom relationship, be sure to append the '__r' after the custom relationship name. Please \
                     reference your WSDL or the describe call for the appropriate names."
                )));
            };
            lookups.push(lookup);
            at = target;
        }
        match at.field(last).filter(|field| asking.may_read(at, field)) {
            Some(field) => Ok(Column { lookups, field }),
            None => Err(fault::query(format!(
                "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append \
                 the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
                 appropriate names.",
                at.name
            ))),
        }
    }

    /// Null where a lookup on the way is empty.
    pub fn read(&self, asking: &Asking<'a>, object: &Object, row: &Row) -> Value {
        let (mut object, mut row) = (object, row);
        for lookup in &self.lookups {
            match asking.reader.parent(row, lookup) {
                Some((parent, parent_row)) => (object, row) = (parent, parent_row),
                None => return Value::Null,
            }
        }
        match object.field(&self.field.name) {
            Some(field) => asking.reader.value(object, row, field),
            None => Value::Null,
        }
    }

    pub fn is_own(&self) -> bool {
        self.lookups.is_empty()
    }

    /// Long texts can be neither compared nor sorted nor grouped.
    pub fn filterable(self, use_: &str) -> Result<Column<'a>, Fault> {
        if matches!(self.field.kind, FieldKind::LongText { .. }) {
            return Err(fault::query(format!("field '{}' can not be {use_} in a query call", self.field.name)));
        }
        Ok(self)
    }
}
