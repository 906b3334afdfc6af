//! What every row must satisfy after its before triggers: required fields, living parents, validation rules.

use super::draft::Draft;
use super::missing_fields;
use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::formula::Scope;
use crate::sandbox::org::host::{RowError, Value};
use crate::sandbox::org::schema::{Field, FieldKind, Object};
use crate::sandbox::org::transaction::Transaction;

pub fn check(transaction: &Transaction, object: &Object, draft: &mut Draft) {
    name_person(object, draft);
    let missing: Vec<&str> = object
        .fields
        .values()
        .filter(|field| field.required && field.writable && field.kind != FieldKind::Checkbox)
        .map(|field| field.name.as_str())
        .filter(|name| !draft.row.contains_key(*name))
        .collect();
    let mut errors: Vec<RowError> = Vec::new();
    if !missing.is_empty() {
        errors.push(missing_fields(&missing));
    }
    for field in object.fields.values() {
        errors.extend(check_parent(transaction, field, draft));
    }
    if errors.is_empty() {
        errors.extend(broken_rules(transaction, object, draft));
    }
    draft.errors.extend(errors);
}

/// A person account's name is made of its parts.
fn name_person(object: &Object, draft: &mut Draft) {
    if object.field("IsPersonAccount").is_none() {
        return;
    }
    if let Some(Value::Text(last)) = draft.row.get("LastName") {
        let name = match draft.row.get("FirstName") {
            Some(Value::Text(first)) => format!("{first} {last}"),
            _ => last.clone(),
        };
        draft.row.insert("Name".to_owned(), Value::Text(name));
    }
}

/// A lookup that was set must lead to a living record of the right object.
fn check_parent(transaction: &Transaction, field: &Field, draft: &Draft) -> Option<RowError> {
    let FieldKind::Reference { to, .. } = &field.kind else { return None };
    let Value::Id(id) = draft.row.get(&field.name)? else { return None };
    if draft.before.as_ref().is_some_and(|before| before.get(&field.name) == draft.row.get(&field.name)) {
        return None;
    }
    let Some(target) = transaction.catalog().schema.object_by_prefix(id).filter(|target| to.contains(&target.name))
    else {
        let message = format!("{}: id value of incorrect type: {id}", field.label);
        return Some(row_error("FIELD_INTEGRITY_EXCEPTION", message, &[&field.name]));
    };
    match transaction.store().row(&target.name, id) {
        None => Some(row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[&field.name])),
        Some(row) if row.get("IsDeleted") == Some(&Value::Bool(true)) => {
            Some(row_error("ENTITY_IS_DELETED", "entity is deleted", &[&field.name]))
        }
        Some(_) => super::prepare::check_lock(transaction, id, &Default::default()).err(),
    }
}

fn broken_rules(transaction: &Transaction, object: &Object, draft: &Draft) -> Vec<RowError> {
    let Some(formulas) = transaction.catalog().formulas(object) else { return Vec::new() };
    let reader = transaction.reader();
    let scope =
        Scope { reader: &reader, object, row: &draft.row, before: draft.before.as_deref(), blank_as_zero: false };
    let mut errors = Vec::new();
    for (rule, formula) in object.validation_rules.iter().zip(&formulas.rules) {
        let fields: Vec<&str> = rule.field.iter().map(String::as_str).collect();
        match formula.evaluate(&scope) {
            Ok(Value::Bool(true)) => {
                errors.push(row_error("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message.clone(), &fields));
            }
            Ok(_) => {}
            Err(what) => {
                let message = format!("The formula in the {} validation rule is invalid: {what}", rule.name);
                errors.push(row_error("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, &fields));
            }
        }
    }
    errors
}
