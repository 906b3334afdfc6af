//! `*.field-meta.xml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::File;
use super::xml::Element;
use crate::sandbox::org::org::OrgError;
use crate::sandbox::org::schema::{Field, FieldKind, OnDelete, PicklistValue, Schema};
use crate::sandbox::org::standard;

pub fn load(file: &File, schema: &mut Schema, origins: &mut BTreeMap<String, PathBuf>) -> Result<(), OrgError> {
    let object_name = file.object();
    let Some(mut object) = schema.object(&object_name).cloned() else {
        return Err(file.error(format!("belongs to {object_name}, which the org does not have")));
    };
    let field = file.read(|root| {
        let name = root.text("fullName").unwrap_or_else(|| file.stem(".field-meta.xml"));
        new_field(&name, root, &object.name)
    })?;
    origins.insert(format!("{}.{}", object.name, field.name), file.path.clone());
    object.add(field);
    schema.add(object);
    Ok(())
}

fn new_field(name: &str, root: Element, object: &str) -> Result<Field, String> {
    let label = root.text("label").unwrap_or_else(|| name.to_owned());
    let declared = root.text("type").ok_or("a field needs a type")?;
    let formula = root.text("formula");
    let kind = kind_of(name, &declared, root, object, formula.is_some())?;
    let is_auto_number = matches!(kind, FieldKind::AutoNumber { .. });
    let is_master_detail = matches!(kind, FieldKind::Reference { master_detail: true, .. });
    Ok(Field {
        required: root.is_true("required") || is_master_detail,
        unique: root.is_true("unique"),
        case_sensitive: root.is_true("caseSensitive"),
        external_id: root.is_true("externalId"),
        default_formula: root.text("defaultValue").filter(|text| formula.is_none() && !text.trim().is_empty()),
        blank_as_zero: root.text("formulaTreatBlanksAs").as_deref() != Some("BlankAsBlank"),
        writable: formula.is_none() && !is_auto_number,
        kind,
        formula,
        ..standard::plain(name, &label)
    })
}

fn kind_of(name: &str, declared: &str, root: Element, object: &str, is_formula: bool) -> Result<FieldKind, String> {
    let length = |default: u32| root.number("length").unwrap_or(default) as usize;
    let precision = root.number("precision").unwrap_or(18);
    let scale = root.number("scale").unwrap_or(if is_formula { 2 } else { 0 });
    Ok(match declared {
        "Text" | "EncryptedText" => FieldKind::Text { length: length(if is_formula { 3_900 } else { 255 }) },
        "TextArea" => FieldKind::Text { length: 255 },
        "MultiselectPicklist" => FieldKind::Text { length: 4_099 },
        "LongTextArea" | "Html" => FieldKind::LongText { length: length(32_768) },
        "Email" => FieldKind::Email,
        "Phone" => FieldKind::Phone,
        "Url" => FieldKind::Url,
        "Checkbox" => FieldKind::Checkbox,
        "Number" => FieldKind::Number { precision, scale },
        "Currency" => FieldKind::Currency { precision, scale },
        "Percent" => FieldKind::Percent { precision, scale },
        "Date" => FieldKind::Date,
        "DateTime" => FieldKind::DateTime,
        "Picklist" => picklist(root)?,
        "AutoNumber" => {
            FieldKind::AutoNumber { format: root.text("displayFormat").unwrap_or_else(|| "{0}".to_owned()) }
        }
        "Lookup" | "MasterDetail" | "MetadataRelationship" => {
            let to = root.text("referenceTo").ok_or("a lookup needs a referenceTo")?;
            let is_master_detail = declared == "MasterDetail";
            let on_delete = match (is_master_detail, root.text("deleteConstraint").as_deref()) {
                (true, _) | (false, Some("Cascade")) => OnDelete::Cascade,
                (false, Some("Restrict")) => OnDelete::Restrict,
                (false, None | Some("SetNull")) => OnDelete::SetNull,
                (false, Some(other)) => return Err(format!("the deleteConstraint {other} is unknown")),
            };
            let relationship = name.strip_suffix("__c").map(|stem| format!("{stem}__r"));
            let children = root.text("relationshipName").map(|stem| {
                // A custom relationship is always asked for with its suffix.
                format!("{stem}__r")
            });
            FieldKind::Reference { to: vec![to], relationship, children, master_detail: is_master_detail, on_delete }
        }
        other => return Err(format!("a field of type {other} on {object} is more than the sandbox can do")),
    })
}

fn picklist(root: Element) -> Result<FieldKind, String> {
    let set = root.child("valueSet").ok_or("a picklist needs a valueSet")?;
    let definition = set.child("valueSetDefinition").ok_or("a picklist must list its own values here")?;
    let mut values = Vec::new();
    for value in definition.children("value") {
        if value.text("isActive").as_deref() == Some("false") {
            continue;
        }
        let name = value.text("fullName").ok_or("a picklist value needs a fullName")?;
        let label = value.text("label").unwrap_or_else(|| name.clone());
        values.push(PicklistValue { name, label, default: value.is_true("default") });
    }
    Ok(FieldKind::Picklist { values, restricted: set.is_true("restricted") })
}
