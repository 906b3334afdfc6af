//! Everything that the org knows besides its records: objects, parsed formulas, permission sets, custom metadata.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::formula::Formula;
use super::host::{FieldAccess, ObjectAccess, Record};
use super::schema::{Object, Schema};

#[derive(Default)]
pub struct Catalog {
    pub schema: Arc<Schema>,
    pub permission_sets: BTreeMap<String, PermissionSet>,
    /// Custom permissions: label by API name.
    pub custom_permissions: BTreeMap<String, String>,
    /// Objects, in lower case, whose records only their owner sees.
    pub private_objects: BTreeSet<String>,
    /// By lower-case object name.
    pub formulas: HashMap<String, Formulas>,
    pub metadata_records: Vec<Record>,
}

/// One object's formulas, parsed.
#[derive(Default)]
pub struct Formulas {
    /// By field name in the schema's spelling.
    pub fields: HashMap<String, Formula>,
    pub defaults: Vec<(String, Formula)>,
    /// In the order of `Object::validation_rules`.
    pub rules: Vec<Formula>,
}

#[derive(Clone, Debug, Default)]
pub struct PermissionSet {
    pub name: String,
    pub label: String,
    /// By lower-case object name.
    pub objects: BTreeMap<String, ObjectAccess>,
    /// By lower-case `object.field`.
    pub fields: BTreeMap<String, FieldAccess>,
    pub custom_permissions: BTreeSet<String>,
    pub classes: BTreeSet<String>,
    /// System permissions such as `ApiEnabled` and `ViewAllData`.
    pub user_permissions: BTreeSet<String>,
}

impl Catalog {
    pub fn formulas(&self, object: &Object) -> Option<&Formulas> {
        self.formulas.get(&object.name.to_lowercase())
    }

    pub fn formula(&self, object: &Object, field: &str) -> Option<&Formula> {
        self.formulas(object)?.fields.get(field)
    }
}
