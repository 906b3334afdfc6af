//! The org's first records: the organization, its profiles and users, and a row for each thing of the package that can
//! be queried (permission sets, custom permissions, custom metadata).

use super::fault;
use super::host::{Fault, Value};
use super::org::{Org, OrgError};
use super::reader;
use super::schema::FieldKind;
use super::store::Row;
use super::transaction::Transaction;
use std::sync::Arc;

/// Username of the seeded administrator, who may do everything.
/// The currency of the org itself.
pub const CORPORATE_CURRENCY: &str = "USD";
pub const ADMINISTRATOR: &str = "administrator@sandbox.example";
/// Username of the seeded clerk.
pub const CLERK: &str = "clerk@sandbox.example";
/// Username of the seeded integration user, who may do only what permission sets say.
pub const INTEGRATION: &str = "integration@sandbox.example";
/// Username of the user as whom event triggers run.
pub const AUTOMATED_PROCESS: &str = "automated.process@sandbox.example";

pub const SYSTEM_ADMINISTRATOR: &str = "System Administrator";
pub const STANDARD_USER: &str = "Standard User";
pub const API_ONLY: &str = "Minimum Access - API Only Integrations";

/// Adds what is missing; a second opening of the same state changes nothing.
pub fn seed(org: &Org) -> Result<(), OrgError> {
    let system = reader::system_user(&org.options.time_zone);
    org.transact(&system, false, |transaction| {
        organization(transaction);
        let profiles = [SYSTEM_ADMINISTRATOR, STANDARD_USER, API_ONLY]
            .map(|name| find_or_create(transaction, "Profile", "Name", name, &[]));
        let minimum = profiles[2].clone();
        create_user(transaction, AUTOMATED_PROCESS, "Automated", "Process", &minimum);
        create_user(transaction, ADMINISTRATOR, "Ada", "Administrator", &profiles[0]);
        create_user(transaction, CLERK, "Clara", "Clerk", &profiles[1]);
        create_user(transaction, INTEGRATION, "", "Integration", &minimum);
        permissions(transaction);
        metadata_records(transaction);
        Ok(())
    })
    .map_err(failed)?;
    let options = org.options.clone();
    for name in options.clerk_permission_sets.iter().flat_map(|name| named(org, name)) {
        assign(org, CLERK, &name)?;
    }
    for name in options.integration_permission_sets.iter().flat_map(|name| named(org, name)) {
        assign(org, INTEGRATION, &name)?;
    }
    Ok(())
}

pub fn add_user(org: &Org, username: &str, name: &str, profile: &str) -> Result<(), OrgError> {
    let system = reader::system_user(&org.options.time_zone);
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    org.transact(&system, false, |transaction| {
        let profile = find_or_create(transaction, "Profile", "Name", profile, &[]);
        create_user(transaction, username, first, last, &profile);
        Ok(())
    })
    .map_err(failed)
}

/// The permission sets that a name stands for: itself, or with a `*` before it all that end like it.
fn named(org: &Org, name: &str) -> Vec<String> {
    match name.strip_prefix('*') {
        Some(ending) => org.catalog.permission_sets.keys().filter(|own| own.ends_with(ending)).cloned().collect(),
        None => vec![name.to_owned()],
    }
}

pub fn assign(org: &Org, username: &str, permission_set: &str) -> Result<(), OrgError> {
    let system = reader::system_user(&org.options.time_zone);
    let user = org.user(username).ok_or_else(|| OrgError::NoUser(username.to_owned()))?;
    if user.permission_sets.as_ref().is_some_and(|sets| sets.iter().any(|name| name == permission_set)) {
        return Ok(());
    }
    org.transact(&system, false, |transaction| {
        let found = transaction
            .store()
            .table("PermissionSet")
            .and_then(|table| table.find("Name", &Value::Text(permission_set.to_owned())))
            .and_then(|ids| ids.into_iter().next());
        let Some(set) = found else {
            return Err(fault::query(format!("no permission set is called {permission_set}")));
        };
        let fields = [("AssigneeId", Value::Id(user.id.clone())), ("PermissionSetId", Value::Id(set))];
        transaction.create("PermissionSetAssignment", &fields);
        Ok(())
    })
    .map_err(|_| OrgError::NoPermissionSet(permission_set.to_owned()))
}

fn failed(fault: Fault) -> OrgError {
    OrgError::Seed(fault.message)
}

fn organization(transaction: &mut Transaction) {
    let options = transaction.org.options.clone();
    let row = Row::from([
        ("Id".to_owned(), Value::Id(options.org_id.clone())),
        ("Name".to_owned(), text("Sandbox")),
        ("OrganizationType".to_owned(), text(&options.organization_type)),
        ("IsSandbox".to_owned(), Value::Bool(options.is_sandbox)),
        ("InstanceName".to_owned(), text("LOCAL")),
        ("NamespacePrefix".to_owned(), Value::Null),
        ("TimeZoneSidKey".to_owned(), text(&options.time_zone)),
        ("DefaultLocaleSidKey".to_owned(), text("en_US")),
        ("LanguageLocaleKey".to_owned(), text("en_US")),
        ("CreatedDate".to_owned(), Value::DateTime(transaction.now)),
    ]);
    if transaction.store().row("Organization", &options.org_id).is_none() {
        transaction.put("Organization", &options.org_id, Some(Arc::new(row)));
    }
    if options.multi_currency {
        for (code, corporate) in
            [(CORPORATE_CURRENCY, true), ("EUR", false), ("GBP", false), ("JPY", false), ("KWD", false)]
        {
            let fields = [
                ("IsActive", Value::Bool(true)),
                ("IsCorporate", Value::Bool(corporate)),
                ("ConversionRate", Value::Number(1.into())),
            ];
            find_or_create(transaction, "CurrencyType", "IsoCode", code, &fields);
        }
    }
}

fn create_user(transaction: &mut Transaction, username: &str, first: &str, last: &str, profile: &str) {
    let time_zone = transaction.org.options.time_zone.clone();
    let fields = [
        ("FirstName", if first.is_empty() { Value::Null } else { text(first) }),
        ("LastName", text(last)),
        ("Email", text(username)),
        ("Alias", text(&last.chars().take(8).collect::<String>().to_lowercase())),
        ("ProfileId", Value::Id(profile.to_owned())),
        ("IsActive", Value::Bool(true)),
        ("UserType", text("Standard")),
        ("TimeZoneSidKey", text(&time_zone)),
        ("LocaleSidKey", text("en_US")),
        ("LanguageLocaleKey", text("en_US")),
        ("EmailEncodingKey", text("UTF-8")),
    ];
    find_or_create(transaction, "User", "Username", username, &fields);
}

/// A row for each permission set and custom permission, and who grants what.
fn permissions(transaction: &mut Transaction) {
    let catalog = transaction.catalog();
    for (name, label) in &catalog.custom_permissions {
        find_or_create(transaction, "CustomPermission", "DeveloperName", name, &[("MasterLabel", text(label))]);
    }
    for (name, set) in &catalog.permission_sets {
        let fields = [("Label", text(&set.label)), ("IsOwnedByProfile", Value::Bool(false)), ("Type", text("Regular"))];
        let id = find_or_create(transaction, "PermissionSet", "Name", name, &fields);
        for granted in &set.custom_permissions {
            let permission = find_or_create(transaction, "CustomPermission", "DeveloperName", granted, &[]);
            let known = transaction
                .store()
                .table("SetupEntityAccess")
                .and_then(|table| {
                    let ids = table.find("ParentId", &Value::Id(id.clone()))?;
                    ids.into_iter().find(|entry| {
                        table.row(entry).is_some_and(|row| reader::text(row, "SetupEntityId") == permission)
                    })
                })
                .is_some();
            if !known {
                let fields = [
                    ("ParentId", Value::Id(id.clone())),
                    ("SetupEntityId", Value::Id(permission)),
                    ("SetupEntityType", text("CustomPermission")),
                ];
                transaction.create("SetupEntityAccess", &fields);
            }
        }
    }
}

/// Custom metadata comes from the package at each opening and is never written down with the records.
fn metadata_records(transaction: &mut Transaction) {
    for record in &transaction.catalog().metadata_records {
        let fields: Vec<(&str, Value)> =
            record.fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        transaction.create(&record.object, &fields);
    }
}

/// The id of the row whose `key` field has this value.
pub fn find_or_create(
    transaction: &mut Transaction,
    object: &str,
    key: &str,
    value: &str,
    fields: &[(&str, Value)],
) -> String {
    let found = transaction.store().table(object).and_then(|table| match table.find(key, &text(value)) {
        Some(ids) => ids.into_iter().next(),
        None => table.rows().find(|(_, row)| row.get(key) == Some(&text(value))).map(|(id, _)| id.clone()),
    });
    if let Some(id) = found {
        return id;
    }
    let mut all = vec![(key, text(value))];
    all.extend(fields.iter().cloned());
    transaction.create(object, &all)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

impl Transaction<'_> {
    /// Writes a row of the org's own making: no triggers, no rules.
    pub(super) fn create(&mut self, object: &str, fields: &[(&str, Value)]) -> String {
        let Some(described) = self.catalog().schema.object(object) else { return String::new() };
        let Some(table) = self.world.store.table_mut(object) else { return String::new() };
        let id = table.next_id();
        let mut row: Row = fields
            .iter()
            .filter(|(_, value)| *value != Value::Null)
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        row.insert("Id".to_owned(), Value::Id(id.clone()));
        for (name, value) in [
            ("CreatedDate", Value::DateTime(self.now)),
            ("LastModifiedDate", Value::DateTime(self.now)),
            ("SystemModstamp", Value::DateTime(self.now)),
            ("CreatedById", Value::Id(self.user.id.clone())),
            ("LastModifiedById", Value::Id(self.user.id.clone())),
            ("OwnerId", Value::Id(self.user.id.clone())),
            ("IsDeleted", Value::Bool(false)),
        ] {
            let known = described.field(name);
            if known.is_some() && !row.contains_key(name) {
                row.insert(name.to_owned(), value);
            }
        }
        for field in described.fields.values() {
            if field.kind == FieldKind::Checkbox && field.formula.is_none() {
                row.entry(field.name.clone()).or_insert(Value::Bool(false));
            }
        }
        self.put(object, &id, Some(Arc::new(row)));
        id
    }

    /// Changes fields of a row of the org's own making.
    pub(super) fn amend(&mut self, object: &str, id: &str, fields: &[(&str, Value)]) {
        let Some(row) = self.store().row(object, id) else { return };
        let mut row = Row::clone(row);
        for (name, value) in fields {
            match value {
                Value::Null => row.remove(*name),
                value => row.insert((*name).to_owned(), value.clone()),
            };
        }
        self.put(object, id, Some(Arc::new(row)));
    }
}
