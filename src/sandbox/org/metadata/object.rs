//! `*.object-meta.xml` and `*.validationRule-meta.xml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::File;
use super::xml::Element;
use crate::sandbox::org::catalog::Catalog;
use crate::sandbox::org::org::{OrgError, OrgOptions};
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind, Schema, ValidationRule};
use crate::sandbox::org::standard;

pub fn load(file: &File, schema: &mut Schema, catalog: &mut Catalog, options: &OrgOptions) -> Result<(), OrgError> {
    let name = file.stem(".object-meta.xml");
    file.read(|root| {
        if root.text("sharingModel").as_deref() == Some("Private") {
            catalog.private_objects.insert(name.to_lowercase());
        }
        // A standard object's file says only how the org shares it.
        if schema.object(&name).is_some() {
            return Ok(());
        }
        schema.add(new_object(&name, root, schema, options)?);
        Ok(())
    })
}

fn new_object(name: &str, root: Element, schema: &Schema, options: &OrgOptions) -> Result<Object, String> {
    let kind = if name.ends_with("__e") {
        let behavior = root.text("publishBehavior").unwrap_or_default();
        ObjectKind::PlatformEvent { after_commit: behavior == "PublishAfterCommit" }
    } else if name.ends_with("__mdt") {
        ObjectKind::CustomMetadata
    } else if name.ends_with("__c") {
        ObjectKind::Custom
    } else {
        return Err(format!("{name} is a standard object that the sandbox does not have"));
    };
    let label = root.text("label").unwrap_or_else(|| name.to_owned());
    let mut object = Object {
        name: name.to_owned(),
        plural_label: root.text("pluralLabel").unwrap_or_else(|| label.clone()),
        label,
        key_prefix: free_prefix(name, &kind, schema),
        kind,
        fields: BTreeMap::new(),
        validation_rules: Vec::new(),
    };
    match object.kind {
        ObjectKind::PlatformEvent { .. } => standard::add_event_fields(&mut object),
        ObjectKind::CustomMetadata => standard::add_metadata_fields(&mut object),
        _ => {
            let name_field = root.child("nameField");
            object.add(name_field_of(name_field)?);
            let is_detail = root.text("sharingModel").as_deref() == Some("ControlledByParent");
            standard::add_system_fields(&mut object, !is_detail, options);
        }
    }
    Ok(object)
}

fn name_field_of(element: Option<Element>) -> Result<Field, String> {
    let Some(element) = element else { return Err("a custom object needs a nameField".to_owned()) };
    let mut field = standard::plain("Name", &element.text("label").unwrap_or_else(|| "Name".to_owned()));
    match element.text("type").as_deref() {
        Some("AutoNumber") => {
            let format = element.text("displayFormat").unwrap_or_else(|| "{0}".to_owned());
            field.kind = FieldKind::AutoNumber { format };
            field.writable = false;
        }
        Some("Text") | None => {
            field.kind = FieldKind::Text { length: 80 };
            field.required = true;
        }
        Some(other) => return Err(format!("a nameField can't be of type {other}")),
    }
    Ok(field)
}

/// Three characters that follow from the name alone wherever possible, so that a new object does not change the ids of
/// another one's records.
fn free_prefix(name: &str, kind: &ObjectKind, schema: &Schema) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let first = match kind {
        ObjectKind::PlatformEvent { .. } => 'e',
        ObjectKind::CustomMetadata => 'm',
        _ => 'a',
    };
    let seed = name.bytes().fold(7usize, |sum, byte| (sum * 31 + byte as usize) % 3_844);
    let mut place = seed;
    loop {
        let prefix = format!("{first}{}{}", DIGITS[place / 62] as char, DIGITS[place % 62] as char);
        if schema.objects().all(|object| object.key_prefix != prefix) {
            return prefix;
        }
        place = (place + 1) % 3_844;
    }
}

pub fn load_rule(file: &File, schema: &mut Schema, origins: &mut BTreeMap<String, PathBuf>) -> Result<(), OrgError> {
    let name = file.object();
    let Some(mut object) = schema.object(&name).cloned() else {
        return Err(file.error(format!("belongs to {name}, which the org does not have")));
    };
    let rule = file.read(|root| {
        if !root.is_true("active") {
            return Ok(None);
        }
        Ok(Some(ValidationRule {
            name: root.text("fullName").unwrap_or_else(|| file.stem(".validationRule-meta.xml")),
            formula: root.text("errorConditionFormula").ok_or("an active rule needs an errorConditionFormula")?,
            message: root.text("errorMessage").ok_or("an active rule needs an errorMessage")?,
            field: root.text("errorDisplayField"),
        }))
    })?;
    if let Some(rule) = rule {
        origins.insert(format!("{}.{}", object.name, rule.name), file.path.clone());
        object.validation_rules.push(rule);
        schema.add(object);
    }
    Ok(())
}
