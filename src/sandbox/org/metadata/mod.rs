//! Reads the package's metadata from its source tree. Files are known by their endings, whatever folder they lie in;
//! a file that says something the sandbox can't do is an error that names it.

mod field;
mod object;
mod permission_set;
mod record;
mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::catalog::{Catalog, Formulas};
use super::formula::Formula;
use super::host::Record;
use super::org::{OrgError, OrgOptions};
use super::schema::{FieldKind, Schema};
use super::standard;
use xml::Element;

/// A file of the tree, read as XML text.
pub(super) struct File {
    pub path: PathBuf,
    pub text: String,
}

impl File {
    /// The file's name before the first of its endings: `Total__c` of `Total__c.field-meta.xml`.
    pub fn stem(&self, ending: &str) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_suffix(ending).unwrap_or(&name).to_owned()
    }

    /// The object's folder, for a file in `objects/<Object>/<kind>/`.
    pub fn object(&self) -> String {
        let folder = self.path.parent().and_then(Path::parent).and_then(Path::file_name);
        folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub fn error(&self, what: impl Into<String>) -> OrgError {
        OrgError::Metadata { file: self.path.display().to_string(), what: what.into() }
    }

    pub fn read<T>(&self, what: impl FnOnce(Element) -> Result<T, String>) -> Result<T, OrgError> {
        let document = roxmltree::Document::parse(&self.text).map_err(|error| self.error(error.to_string()))?;
        what(Element(document.root_element())).map_err(|error| self.error(error))
    }
}

/// Loads all trees into one catalog. A later tree may add to an earlier one's objects, and its custom metadata records
/// take the place of an earlier one's, as they do when an admin deploys his own after the package.
pub fn load(dirs: &[PathBuf], options: &OrgOptions) -> Result<Catalog, OrgError> {
    let mut files = Vec::new();
    for dir in dirs {
        let mut tree = Vec::new();
        collect(dir, &mut tree)?;
        tree.sort_by(|one, other| one.path.cmp(&other.path));
        files.append(&mut tree);
    }

    let mut schema = Schema::default();
    for object in standard::objects(options) {
        schema.add(object);
    }
    let mut catalog = Catalog::default();
    // Where each formula came from, for the error that names its file.
    let mut origins: BTreeMap<String, PathBuf> = BTreeMap::new();

    for file in ending(&files, ".object-meta.xml") {
        object::load(file, &mut schema, &mut catalog, options)?;
    }
    for file in ending(&files, ".field-meta.xml") {
        field::load(file, &mut schema, &mut origins)?;
    }
    for file in ending(&files, ".validationRule-meta.xml") {
        object::load_rule(file, &mut schema, &mut origins)?;
    }
    for file in ending(&files, ".labels-meta.xml") {
        file.read(|root| {
            for label in root.children("labels") {
                schema
                    .labels
                    .insert(label.text("fullName").unwrap_or_default(), label.text("value").unwrap_or_default());
            }
            Ok(())
        })?;
    }
    for file in ending(&files, ".customPermission-meta.xml") {
        let name = file.stem(".customPermission-meta.xml");
        let label = file.read(|root| Ok(root.text("label")))?;
        catalog.custom_permissions.insert(name.clone(), label.unwrap_or(name));
    }
    for file in ending(&files, ".permissionset-meta.xml") {
        let set = permission_set::load(file, &schema, &catalog)?;
        catalog.permission_sets.insert(set.name.clone(), set);
    }
    for file in ending(&files, ".md-meta.xml") {
        let record = record::load(file, &schema)?;
        let same = |known: &Record| {
            known.object == record.object && known.fields.get("DeveloperName") == record.fields.get("DeveloperName")
        };
        match catalog.metadata_records.iter_mut().find(|known| same(known)) {
            Some(known) => known.fields.extend(record.fields),
            None => catalog.metadata_records.push(record),
        }
    }
    point_everywhere(&mut schema);
    check_references(&schema, &origins)?;
    parse_formulas(&schema, &mut catalog, &origins)?;
    catalog.schema = Arc::new(schema);
    Ok(catalog)
}

fn collect(dir: &Path, files: &mut Vec<File>) -> Result<(), OrgError> {
    let failed = |path: &Path, error: std::io::Error| OrgError::Metadata {
        file: path.display().to_string(),
        what: format!("can't be read: {error}"),
    };
    let entries = std::fs::read_dir(dir).map_err(|error| failed(dir, error))?;
    for entry in entries {
        let path = entry.map_err(|error| failed(dir, error))?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.to_string_lossy().ends_with("-meta.xml") {
            let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            files.push(File { path, text });
        }
    }
    Ok(())
}

fn ending<'a>(files: &'a [File], ending: &'a str) -> impl Iterator<Item = &'a File> {
    files.iter().filter(move |file| file.path.to_string_lossy().ends_with(ending))
}

/// Puts every object that holds records in the place of `*`, which is how a file finds its record.
fn point_everywhere(schema: &mut Schema) {
    let all: Vec<String> = schema
        .objects()
        .filter(|object| matches!(object.name.as_str(), "Account" | "Contact" | "User") || object.name.ends_with("__c"))
        .map(|object| object.name.clone())
        .collect();
    let mut changed = Vec::new();
    for object in schema.objects() {
        let mut object = object.clone();
        let mut touched = false;
        for field in object.fields.values_mut() {
            if let FieldKind::Reference { to, .. } = &mut field.kind
                && to.iter().any(|name| name == "*")
            {
                *to = all.clone();
                touched = true;
            }
        }
        if touched {
            changed.push(object);
        }
    }
    for object in changed {
        schema.add(object);
    }
}

fn check_references(schema: &Schema, origins: &BTreeMap<String, PathBuf>) -> Result<(), OrgError> {
    for object in schema.objects() {
        for field in object.fields.values() {
            let FieldKind::Reference { to, .. } = &field.kind else { continue };
            if let Some(missing) = to.iter().find(|name| schema.object(name).is_none()) {
                let key = format!("{}.{}", object.name, field.name);
                let file = origins.get(&key).map_or(key, |path| path.display().to_string());
                return Err(OrgError::Metadata {
                    file,
                    what: format!("refers to {missing}, which the org does not have"),
                });
            }
        }
    }
    Ok(())
}

fn parse_formulas(schema: &Schema, catalog: &mut Catalog, origins: &BTreeMap<String, PathBuf>) -> Result<(), OrgError> {
    for object in schema.objects() {
        let mut formulas = Formulas::default();
        let parse = |name: &str, text: &str| {
            Formula::parse(text, schema, object).map_err(|what| {
                let key = format!("{}.{name}", object.name);
                let file = origins.get(&key).map_or(key, |path| path.display().to_string());
                OrgError::Metadata { file, what }
            })
        };
        for field in object.fields.values() {
            if let Some(text) = &field.formula {
                formulas.fields.insert(field.name.clone(), parse(&field.name, text)?);
            }
            if let Some(text) = &field.default_formula {
                formulas.defaults.push((field.name.clone(), parse(&field.name, text)?));
            }
        }
        for rule in &object.validation_rules {
            formulas.rules.push(parse(&rule.name, &rule.formula)?);
        }
        catalog.formulas.insert(object.name.to_lowercase(), formulas);
    }
    Ok(())
}
