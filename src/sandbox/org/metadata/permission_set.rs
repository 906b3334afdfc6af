//! `*.permissionset-meta.xml`.

use super::File;
use crate::sandbox::org::catalog::{Catalog, PermissionSet};
use crate::sandbox::org::host::{FieldAccess, ObjectAccess};
use crate::sandbox::org::org::OrgError;
use crate::sandbox::org::schema::Schema;

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
            let known = path.split_once('.').and_then(|(object, field)| schema.object(object)?.field(field));
            let Some(field) = known else {
                return Err(format!("grants rights on {path}, which the org does not have"));
            };
            if field.required {
                return Err(format!("grants rights on {path}; a required field can't be granted, everybody sees it"));
            }
            let access = FieldAccess { readable: grant.is_true("readable"), editable: grant.is_true("editable") };
            set.fields.insert(path.to_lowercase(), access);
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
