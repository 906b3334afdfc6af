//! What the org knows about its objects: read from the package's metadata files and from the standard objects' list.

use std::collections::BTreeMap;

/// Every object of the org, by API name. Look-ups ignore case, as the org does.
#[derive(Debug, Default)]
pub struct Schema {
    objects: BTreeMap<String, Object>,
    /// Custom labels by name, in the org's language.
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub plural_label: String,
    /// The three characters with which its records' ids begin.
    pub key_prefix: String,
    pub kind: ObjectKind,
    pub fields: BTreeMap<String, Field>,
    pub validation_rules: Vec<ValidationRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKind {
    Standard,
    Custom,
    /// `after_commit` is the publish behaviour.
    PlatformEvent {
        after_commit: bool,
    },
    CustomMetadata,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: FieldKind,
    pub required: bool,
    pub unique: bool,
    pub case_sensitive: bool,
    pub external_id: bool,
    pub default_formula: Option<String>,
    /// For formula fields; `kind` is then the result's type.
    pub formula: Option<String>,
    pub blank_as_zero: bool,
    /// False for formulas, auto-numbers and system fields.
    pub writable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    Id,
    Text {
        length: usize,
    },
    LongText {
        length: usize,
    },
    Email,
    Phone,
    Url,
    Checkbox,
    Number {
        precision: u32,
        scale: u32,
    },
    Currency {
        precision: u32,
        scale: u32,
    },
    Percent {
        precision: u32,
        scale: u32,
    },
    Date,
    DateTime,
    Picklist {
        values: Vec<PicklistValue>,
        restricted: bool,
    },
    AutoNumber {
        format: String,
    },
    /// `relationship` is the name to the parent (`Account__r`, `Owner`), `children` the name from it (`Payments__r`).
    Reference {
        to: Vec<String>,
        relationship: Option<String>,
        children: Option<String>,
        master_detail: bool,
        on_delete: OnDelete,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct PicklistValue {
    pub name: String,
    pub label: String,
    pub default: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    SetNull,
    Restrict,
    Cascade,
}

#[derive(Debug, Clone)]
pub struct ValidationRule {
    pub name: String,
    pub formula: String,
    pub message: String,
    pub field: Option<String>,
}

impl Schema {
    pub fn add(&mut self, object: Object) {
        self.objects.insert(object.name.to_lowercase(), object);
    }

    pub fn object(&self, name: &str) -> Option<&Object> {
        self.objects.get(&name.to_lowercase())
    }

    pub fn object_by_prefix(&self, id: &str) -> Option<&Object> {
        let prefix = id.get(..3)?;
        self.objects.values().find(|object| object.key_prefix == prefix)
    }

    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }
}

impl Object {
    /// By API name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(&name.to_lowercase())
    }

    pub fn add(&mut self, field: Field) {
        self.fields.insert(field.name.to_lowercase(), field);
    }

    /// The lookup field behind a relationship name such as `Account__r`.
    pub fn parent(&self, relationship: &str) -> Option<&Field> {
        self.fields.values().find(|field| {
            matches!(&field.kind, FieldKind::Reference { relationship: Some(name), .. } if name.eq_ignore_ascii_case(relationship))
        })
    }
}
