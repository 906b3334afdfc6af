//! What clients learn about objects and fields, as far as the user may see them.

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::call::Call;
use super::sobject::visible_fields;
use crate::sandbox::org::host::Host;
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind};

/// `/sobjects`: every object that the user sees.
pub(super) fn all(host: &dyn Host, call: &Call) -> Answer {
    let schema = host.schema();
    let visible = schema.objects().filter(|object| {
        let access = host.object_access(&object.name);
        access.read || access.create
    });
    let objects: Vec<Json> = visible.map(|object| summary(host, call, object)).collect();
    Answer::json(200, json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}))
}

/// `/sobjects/X`
pub(super) fn basic(host: &dyn Host, call: &Call, object: &Object) -> Answer {
    Answer::json(200, json!({"objectDescribe": summary(host, call, object), "recentItems": []}))
}

/// `/sobjects/X/describe`
pub(super) fn object(host: &dyn Host, call: &Call, object: &Object) -> Answer {
    let mut description = summary(host, call, object);
    description["fields"] = visible_fields(host, object).map(|field| self::field(host, object, field)).collect();
    description["childRelationships"] = json!(children(host, object));
    description["recordTypeInfos"] = json!([]);
    Answer::json(200, description)
}

fn summary(host: &dyn Host, call: &Call, object: &Object) -> Json {
    let access = host.object_access(&object.name);
    let stored = !matches!(object.kind, ObjectKind::PlatformEvent { .. });
    let base = format!("{}/sobjects/{}", call.base(), object.name);
    let mut urls =
        json!({"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")});
    if !stored {
        urls["eventSchema"] = json!(format!("{base}/eventSchema"));
    }
    json!({
        "name": object.name,
        "label": object.label,
        "labelPlural": object.plural_label,
        "keyPrefix": object.key_prefix,
        "custom": object.kind != ObjectKind::Standard,
        "customSetting": false,
        "createable": access.create,
        "updateable": access.edit && stored,
        "deletable": access.delete && stored,
        "undeletable": access.delete && stored,
        "queryable": access.read && stored,
        "retrieveable": access.read && stored,
        "searchable": false,
        "triggerable": true,
        "layoutable": stored,
        "urls": urls,
    })
}

fn children(host: &dyn Host, parent: &Object) -> Vec<Json> {
    let schema = host.schema();
    let mut relationships = Vec::new();
    for object in schema.objects() {
        for field in object.fields.values() {
            if let FieldKind::Reference { to, children, .. } = &field.kind
                && to.contains(&parent.name)
                && host.object_access(&object.name).read
            {
                relationships
                    .push(json!({"childSObject": object.name, "field": field.name, "relationshipName": children}));
            }
        }
    }
    relationships
}

fn field(host: &dyn Host, object: &Object, field: &Field) -> Json {
    let access = host.field_access(&object.name, &field.name);
    let writable = field.writable && access.editable;
    let (mut length, mut precision, mut scale) = (0, 0, 0);
    let (mut references, mut relationship, mut values) = (Vec::new(), None, Vec::new());
    let mut restricted = false;
    let kind = match &field.kind {
        FieldKind::Id => {
            length = 18;
            "id"
        }
        FieldKind::Text { length: longest } => {
            length = *longest;
            "string"
        }
        FieldKind::LongText { length: longest } => {
            length = *longest;
            "textarea"
        }
        FieldKind::Email => {
            length = 80;
            "email"
        }
        FieldKind::Phone => {
            length = 40;
            "phone"
        }
        FieldKind::Url => {
            length = 255;
            "url"
        }
        FieldKind::Checkbox => "boolean",
        FieldKind::Number { precision: digits, scale: decimals } => {
            (precision, scale) = (*digits, *decimals);
            if object.kind == ObjectKind::Standard && scale == 0 && !field.name.ends_with("__c") {
                "int"
            } else {
                "double"
            }
        }
        FieldKind::Currency { precision: digits, scale: decimals } => {
            (precision, scale) = (*digits, *decimals);
            "currency"
        }
        FieldKind::Percent { precision: digits, scale: decimals } => {
            (precision, scale) = (*digits, *decimals);
            "percent"
        }
        FieldKind::Date => "date",
        FieldKind::DateTime => "datetime",
        FieldKind::Picklist { values: choices, restricted: only } => {
            length = 255;
            restricted = *only;
            let entry = |choice: &crate::sandbox::org::schema::PicklistValue| json!({"value": choice.name, "label": choice.label, "defaultValue": choice.default, "active": true});
            values = choices.iter().map(entry).collect();
            "picklist"
        }
        FieldKind::AutoNumber { .. } => {
            length = 30;
            "string"
        }
        FieldKind::Reference { to, relationship: name, .. } => {
            length = 18;
            references.clone_from(to);
            relationship.clone_from(name);
            "reference"
        }
    };
    json!({
        "name": field.name,
        "label": field.label,
        "type": kind,
        "length": length,
        "precision": precision,
        "scale": scale,
        "custom": field.name.ends_with("__c"),
        "nillable": !field.required,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "externalId": field.external_id,
        "idLookup": field.external_id || field.kind == FieldKind::Id,
        "autoNumber": matches!(field.kind, FieldKind::AutoNumber { .. }),
        "calculated": field.formula.is_some(),
        "calculatedFormula": field.formula,
        "createable": writable,
        "updateable": writable,
        "defaultedOnCreate": field.default_formula.is_some() || field.kind == FieldKind::Checkbox,
        "defaultValueFormula": field.default_formula,
        "filterable": !matches!(field.kind, FieldKind::LongText { .. }),
        "sortable": !matches!(field.kind, FieldKind::LongText { .. }),
        "groupable": !matches!(field.kind, FieldKind::LongText { .. } | FieldKind::Number { .. } | FieldKind::Currency { .. }),
        "nameField": field.name == "Name",
        "picklistValues": values,
        "restrictedPicklist": restricted,
        "referenceTo": references,
        "relationshipName": relationship,
    })
}
