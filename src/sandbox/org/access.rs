//! What a user may do: objects and fields by profile and permission sets, custom permissions by permission sets alone.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Catalog, PermissionSet};
use super::host::{FieldAccess, ObjectAccess, User, Value};
use super::schema::{Field, FieldKind, Object, ObjectKind};
use super::seed;
use super::store::{Row, Store};

/// One user's rights, summed up once per transaction.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    administrator: bool,
    /// The profile gives the standard objects and their standard fields.
    standard_profile: bool,
    objects: BTreeMap<String, ObjectAccess>,
    fields: BTreeMap<String, FieldAccess>,
    custom_permissions: BTreeSet<String>,
    classes: BTreeSet<String>,
    user_permissions: BTreeSet<String>,
}

impl Rights {
    /// An administrator may do everything, and yet holds a custom permission only where a permission set gives it: a
    /// rule that spares the holder of a permission would otherwise spare every administrator.
    pub fn of(catalog: &Catalog, store: &Store, user: &User) -> Rights {
        let profile = profile_of(store, &user.id);
        let mut rights = Rights {
            administrator: user.permission_sets.is_none(),
            standard_profile: profile.as_deref().is_none_or(|name| name == seed::STANDARD_USER),
            ..Rights::default()
        };
        let mut names: BTreeSet<String> = assigned(store, &user.id).into_iter().collect();
        names.extend(user.permission_sets.iter().flatten().cloned());
        for name in names {
            if let Some(set) = catalog.permission_sets.get(&name) {
                rights.add(set);
            }
        }
        rights
    }

    /// Rights of the org itself, for the console and for its own jobs.
    pub fn everything() -> Rights {
        Rights { administrator: true, ..Rights::default() }
    }

    fn add(&mut self, set: &PermissionSet) {
        for (object, access) in &set.objects {
            let sum = self.objects.entry(object.clone()).or_default();
            sum.create |= access.create;
            sum.read |= access.read;
            sum.edit |= access.edit;
            sum.delete |= access.delete;
            sum.view_all |= access.view_all;
            sum.modify_all |= access.modify_all;
        }
        for (field, access) in &set.fields {
            let sum = self.fields.entry(field.clone()).or_default();
            sum.readable |= access.readable;
            sum.editable |= access.editable;
        }
        self.custom_permissions.extend(set.custom_permissions.iter().map(|name| name.to_lowercase()));
        self.classes.extend(set.classes.iter().map(|name| name.to_lowercase()));
        self.user_permissions.extend(set.user_permissions.iter().map(|name| name.to_lowercase()));
    }

    /// A custom permission, or a system permission of a permission set.
    pub fn has_permission(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.custom_permissions.contains(&name) || self.user_permissions.contains(&name)
    }

    pub fn may_call(&self, class: &str) -> bool {
        self.administrator || self.classes.contains(&class.to_lowercase())
    }

    pub fn is_administrator(&self) -> bool {
        self.administrator
    }

    pub fn object(&self, catalog: &Catalog, name: &str) -> ObjectAccess {
        if self.administrator {
            return ObjectAccess::ALL;
        }
        let mut access = self.objects.get(&name.to_lowercase()).copied().unwrap_or_default();
        match catalog.schema.object(name).map(|object| &object.kind) {
            Some(ObjectKind::Standard) if self.standard_profile || is_setup(name) => {
                access.read = true;
                if !is_setup(name) {
                    (access.create, access.edit, access.delete) = (true, true, true);
                }
            }
            Some(ObjectKind::CustomMetadata) => access.read = true,
            _ => {}
        }
        access
    }

    pub fn field(&self, catalog: &Catalog, object: &str, field: &str) -> FieldAccess {
        let Some(object) = catalog.schema.object(object) else { return FieldAccess::default() };
        let Some(field) = object.field(field) else { return FieldAccess::default() };
        self.field_of(catalog, object, field)
    }

    pub fn field_of(&self, catalog: &Catalog, object: &Object, field: &Field) -> FieldAccess {
        if self.administrator {
            return FieldAccess { readable: true, editable: field.writable };
        }
        let whole = self.object(catalog, &object.name);
        let standard = !field.name.ends_with("__c");
        let by_profile =
            standard && object.kind == ObjectKind::Standard && (self.standard_profile || is_setup(&object.name));
        let always = matches!(field.kind, FieldKind::Id)
            || SYSTEM_FIELDS.contains(&field.name.as_str())
            || field.required
            || (standard && object.kind != ObjectKind::Standard)
            || matches!(object.kind, ObjectKind::PlatformEvent { .. } | ObjectKind::CustomMetadata)
            || matches!(field.kind, FieldKind::Reference { master_detail: true, .. });
        let mut access = FieldAccess::default();
        if always || by_profile {
            access = FieldAccess { readable: whole.read || whole.create, editable: true };
        }
        let key = format!("{}.{}", object.name.to_lowercase(), field.name.to_lowercase());
        if let Some(granted) = self.fields.get(&key) {
            access.readable |= granted.readable || granted.editable;
            access.editable |= granted.editable;
        }
        access.editable &= field.writable && (whole.create || whole.edit);
        access
    }

    /// Whether sharing lets the user see this row: all, unless the object is private; then the owner's, or all with
    /// View All.
    pub fn sees(&self, catalog: &Catalog, object: &Object, row: &Row, user: &User) -> bool {
        if self.administrator || !catalog.private_objects.contains(&object.name.to_lowercase()) {
            return true;
        }
        let access = self.object(catalog, &object.name);
        access.view_all
            || access.modify_all
            || self.user_permissions.contains("viewalldata")
            || matches!(row.get("OwnerId"), Some(Value::Id(owner)) if *owner == user.id)
    }
}

pub const SYSTEM_FIELDS: &[&str] = &[
    "Id",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "IsDeleted",
    "OwnerId",
];

/// Objects that describe the org itself: everybody may read them, nobody but an administrator changes them.
fn is_setup(object: &str) -> bool {
    const SETUP: &[&str] = &[
        "User",
        "Organization",
        "Profile",
        "PermissionSet",
        "PermissionSetAssignment",
        "CustomPermission",
        "SetupEntityAccess",
        "ApexClass",
        "AsyncApexJob",
        "CronTrigger",
        "CronJobDetail",
        "CurrencyType",
    ];
    SETUP.iter().any(|name| name.eq_ignore_ascii_case(object))
}

/// Whether an object is one of the org's setup objects, which may not be saved together with others.
pub fn is_mixed_dml_object(object: &str) -> bool {
    const SETUP: &[&str] = &["User", "PermissionSet", "PermissionSetAssignment", "Profile"];
    SETUP.iter().any(|name| name.eq_ignore_ascii_case(object))
}

fn profile_of(store: &Store, user: &str) -> Option<String> {
    let user = store.row("User", user)?;
    let Value::Id(profile) = user.get("ProfileId")? else { return None };
    match store.row("Profile", profile)?.get("Name")? {
        Value::Text(name) => Some(name.clone()),
        _ => None,
    }
}

/// Names of the permission sets that are assigned to a user.
pub fn assigned(store: &Store, user: &str) -> Vec<String> {
    let Some(table) = store.table("PermissionSetAssignment") else { return Vec::new() };
    let ids = table.find("AssigneeId", &Value::Id(user.to_owned())).unwrap_or_default();
    ids.iter()
        .filter_map(|id| {
            let row = table.row(id)?;
            if row.get("IsDeleted") == Some(&Value::Bool(true)) {
                return None;
            }
            let Value::Id(set) = row.get("PermissionSetId")? else { return None };
            match store.row("PermissionSet", set)?.get("Name")? {
                Value::Text(name) => Some(name.clone()),
                _ => None,
            }
        })
        .collect()
}

/// Whether the user's profile is the administrator's.
pub fn is_administrator(store: &Store, user: &str) -> bool {
    profile_of(store, user).as_deref() == Some(seed::SYSTEM_ADMINISTRATOR)
}
