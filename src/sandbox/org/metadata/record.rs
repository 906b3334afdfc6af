//! `Type.Record.md-meta.xml`: one record of a custom metadata type.

use super::File;
use crate::sandbox::org::host::{Record, Value};
use crate::sandbox::org::org::OrgError;
use crate::sandbox::org::save;
use crate::sandbox::org::schema::{FieldKind, Schema};

pub fn load(file: &File, schema: &Schema) -> Result<Record, OrgError> {
    let stem = file.stem(".md-meta.xml");
    let Some((kind, name)) = stem.split_once('.') else {
        return Err(file.error("the file's name must be Type.Record.md-meta.xml"));
    };
    let object_name = if kind.ends_with("__mdt") { kind.to_owned() } else { format!("{kind}__mdt") };
    let Some(object) = schema.object(&object_name) else {
        return Err(file.error(format!("is a record of {object_name}, which the org does not have")));
    };
    file.read(|root| {
        let label = root.text("label").unwrap_or_else(|| name.to_owned());
        let mut record = Record { object: object.name.clone(), ..Record::default() };
        for (field, text) in
            [("DeveloperName", name), ("MasterLabel", &label), ("Label", &label), ("QualifiedApiName", name)]
        {
            record.fields.insert(field.to_owned(), Value::Text(text.to_owned()));
        }
        for value in root.children("values") {
            let field = value.text("field").unwrap_or_default();
            let Some(field) = object.field(&field) else {
                return Err(format!("sets {field}, which {object_name} does not have"));
            };
            let Some(text) = value.text("value") else { continue };
            let given = match field.kind {
                FieldKind::Checkbox => Value::Bool(text.trim() == "true"),
                _ => Value::Text(text),
            };
            let stored = save::coerce(field, &given).map_err(|error| error.message)?;
            record.fields.insert(field.name.clone(), stored);
        }
        Ok(record)
    })
}
