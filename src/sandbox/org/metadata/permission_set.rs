//! `*.permissionset-meta.xml`.

use super::File;
use crate::sandbox::org::catalog::{Catalog, PermissionSet};
use crate::sandbox::org::host::{FieldAccess, ObjectAccess};
use crate::sandbox::org::org::OrgError;
use crate::sandbox::org::schema::{Field, Object, Schema};

/// A grant on something that does not exist, or on a field that may not be granted, is an error, as it is at a deploy.
pub fn load(file: &File, schema: &Schema, catalog: &Catalog) -> Result<PermissionSet, OrgError> {
    let name = file.stem(".permissionset-meta.xml");
    file.read(|root| {
        let mut set = PermissionSet {
            label: root.text("label").unwrap_or_else(|| name.clone()),
            name,
            ..PermissionSet::default()
        };
        for grant in root.children("objectPermissions") {
            let object = grant.text("object").unwrap_or_default();
            if schema.object(&object).is_none() {
                return Err(format!("grants rights on {object}, which the org does not have"));
            }
            let access = ObjectAccess {
                create: grant.is_true("allowCreate"),
                read: grant.is_true("allowRead"),
                edit: grant.is_true("allowEdit"),
                delete: grant.is_true("allowDelete"),
                view_all: grant.is_true("viewAllRecords"),
                modify_all: grant.is_true("modifyAllRecords"),
            };
            set.objects.insert(object.to_lowercase(), access);
        }
        for grant in root.children("fieldPermissions") {
            let path = grant.text("field").unwrap_or_default();
            let Some((object, granted)) = path
                .split_once('.')
                .and_then(|(object, field)| {
                    Some((schema.object(object)?, granted_fields(schema.object(object)?, field)))
                })
                .filter(|(_, granted)| !granted.is_empty())
            else {
                return Err(format!("grants rights on {path}, which the org does not have"));
            };
            let access = FieldAccess { readable: grant.is_true("readable"), editable: grant.is_true("editable") };
            for field in granted {
                if field.required {
                    return Err(format!(
                        "grants rights on {path}; a required field can't be granted, everybody sees it"
                    ));
                }
                if let Some(address) = address_of(object, field).filter(|_| path.ends_with(&field.name)) {
                    return Err(format!(
                        "grants rights on {path}; an address is granted as a whole: {}.{address}",
                        object.name
                    ));
                }
                set.fields.insert(format!("{}.{}", object.name, field.name).to_lowercase(), access);
            }
        }
        for grant in root.children("customPermissions").filter(|grant| grant.is_true("enabled")) {
            let permission = grant.text("name").unwrap_or_default();
            if !catalog.custom_permissions.contains_key(&permission) {
                return Err(format!("grants the custom permission {permission}, which the org does not have"));
            }
            set.custom_permissions.insert(permission);
        }
        let classes = root.children("classAccesses").filter(|grant| grant.is_true("enabled"));
        set.classes.extend(classes.filter_map(|grant| grant.text("apexClass")));
        let permissions = root.children("userPermissions").filter(|grant| grant.is_true("enabled"));
        set.user_permissions.extend(permissions.filter_map(|grant| grant.text("name")));
        Ok(set)
    })
}

/// What a line of a permission set covers: one field, or the parts of an address.
fn granted_fields<'a>(object: &'a Object, name: &str) -> Vec<&'a Field> {
    match (object.field(name), name.strip_suffix("Address")) {
        (Some(field), _) => vec![field],
        (None, Some(address)) => ADDRESS.iter().filter_map(|part| object.field(&format!("{address}{part}"))).collect(),
        (None, None) => Vec::new(),
    }
}

/// The address that a standard field is a part of.
fn address_of(object: &Object, field: &Field) -> Option<String> {
    let stem = ADDRESS.iter().find_map(|part| field.name.strip_suffix(part)).filter(|stem| !stem.is_empty())?;
    let is_address = ADDRESS.iter().all(|part| object.field(&format!("{stem}{part}")).is_some());
    is_address.then(|| format!("{stem}Address"))
}

const ADDRESS: &[&str] = &["Street", "City", "State", "PostalCode", "Country"];
