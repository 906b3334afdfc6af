//! A row on its way into the database.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sandbox::org::host::RowError;
use crate::sandbox::org::store::Row;

pub struct Draft {
    /// Where the row stands in the statement.
    pub place: usize,
    /// `None` until a new row is written.
    pub id: Option<String>,
    /// `None` for a new row.
    pub before: Option<Arc<Row>>,
    pub row: Row,
    /// Fields that the caller named: they take no default.
    pub given: BTreeSet<String>,
    pub errors: Vec<RowError>,
}

impl Draft {
    pub fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }
}
