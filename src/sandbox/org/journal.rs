//! The records on disk: a file of JSON lines, one for each changed row, with a line that closes each transaction. What
//! follows the last closing line was never committed and is dropped.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use serde_json::{Value as Json, json};

use super::host::Value;
use super::org::OrgError;
use super::schema::{FieldKind, Object, ObjectKind, Schema};
use super::store::{Change, Row, Store};

pub struct Journal {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Journal {
    /// Replays what is there into the store, then writes it anew with one line for each living row.
    pub fn open(dir: &Path, schema: &Schema, store: &mut Store) -> Result<Journal, OrgError> {
        let path = dir.join("org.jsonl");
        let broken = |what: String| OrgError::State { path: path.display().to_string(), what };
        std::fs::create_dir_all(dir).map_err(|error| broken(error.to_string()))?;
        if path.exists() {
            let file = File::open(&path).map_err(|error| broken(error.to_string()))?;
            replay(BufReader::new(file), schema, store).map_err(broken)?;
        }
        let fresh = dir.join("org.jsonl.new");
        let mut file = BufWriter::new(File::create(&fresh).map_err(|error| broken(error.to_string()))?);
        write_all(&mut file, schema, store).map_err(|error| broken(error.to_string()))?;
        std::fs::rename(&fresh, &path).map_err(|error| broken(error.to_string()))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| broken(error.to_string()))?;
        Ok(Journal { file: BufWriter::new(file), path })
    }

    /// Appends the present state of every changed row, and closes the transaction.
    pub fn append(&mut self, schema: &Schema, store: &Store, changes: &[Change]) -> Result<(), OrgError> {
        self.write(schema, store, changes)
            .map_err(|error| OrgError::State { path: self.path.display().to_string(), what: error.to_string() })
    }

    fn write(&mut self, schema: &Schema, store: &Store, changes: &[Change]) -> std::io::Result<()> {
        let mut seen = BTreeSet::new();
        for change in changes {
            let Some(object) = schema.object(&change.object).filter(|object| is_kept(object)) else { continue };
            if seen.insert((&change.object, &change.id)) {
                write_row(&mut self.file, object, &change.id, store.row(&change.object, &change.id))?;
            }
        }
        writeln!(self.file, "{}", json!({"commit": true}))?;
        self.file.flush()
    }
}

/// Custom metadata belongs to the package, events to the bus.
fn is_kept(object: &Object) -> bool {
    matches!(object.kind, ObjectKind::Standard | ObjectKind::Custom)
}

fn write_all(file: &mut impl Write, schema: &Schema, store: &Store) -> std::io::Result<()> {
    for object in schema.objects().filter(|object| is_kept(object)) {
        let Some(table) = store.table(&object.name) else { continue };
        for (id, row) in table.rows() {
            write_row(file, object, id, Some(row))?;
        }
    }
    writeln!(file, "{}", json!({"commit": true}))?;
    file.flush()
}

fn write_row(file: &mut impl Write, object: &Object, id: &str, row: Option<&Arc<Row>>) -> std::io::Result<()> {
    let row = row.map(|row| {
        let fields = row.iter().map(|(name, value)| (name.clone(), to_json(value)));
        Json::Object(fields.collect())
    });
    writeln!(file, "{}", json!({"object": object.name, "id": id, "row": row}))
}

fn replay(file: impl BufRead, schema: &Schema, store: &mut Store) -> Result<(), String> {
    let mut open: Vec<(String, String, Option<Arc<Row>>)> = Vec::new();
    for line in file.lines() {
        let line = line.map_err(|error| error.to_string())?;
        // A line that was cut short by a crash is the last one, and its transaction was never closed.
        let Ok(entry) = serde_json::from_str::<Json>(&line) else { break };
        if entry.get("commit").is_some() {
            for (object, id, row) in open.drain(..) {
                store.put(&object, &id, row);
            }
            continue;
        }
        let (Some(object), Some(id)) = (entry["object"].as_str(), entry["id"].as_str()) else {
            return Err(format!("a line names no record: {line}"));
        };
        // An object or field that the package no longer has is gone, as after its deletion in the real org.
        let Some(object) = schema.object(object) else { continue };
        let row = entry["row"].as_object().map(|fields| {
            let fields =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), from_json(object, name, value)?)));
            Arc::new(fields.collect::<Row>())
        });
        if let Some(row) = &row {
            raise_counts(object, row, store);
        }
        open.push((object.name.clone(), id.to_owned(), row));
    }
    Ok(())
}

/// Auto-numbers go on after the highest one seen.
fn raise_counts(object: &Object, row: &Row, store: &mut Store) {
    for field in object.fields.values() {
        if let (FieldKind::AutoNumber { format }, Some(Value::Text(text))) = (&field.kind, row.get(&field.name))
            && let Some(number) = super::save::number_in(format, text)
            && let Some(table) = store.table_mut(&object.name)
        {
            table.raise_count(&field.name, number);
        }
    }
}

pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Text(text) | Value::Id(text) => Json::String(text.clone()),
        Value::Number(number) => Json::String(number.to_plain_string()),
        Value::Date(date) => Json::String(date.to_string()),
        Value::DateTime(time) => Json::String(time.to_string()),
    }
}

fn from_json(object: &Object, name: &str, value: &Json) -> Option<Value> {
    if let Some(flag) = value.as_bool() {
        return Some(Value::Bool(flag));
    }
    let text = value.as_str()?;
    if name.starts_with('_') {
        return Some(Value::Text(text.to_owned()));
    }
    Some(match object.field(name)?.kind {
        FieldKind::Id | FieldKind::Reference { .. } => Value::Id(text.to_owned()),
        FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. } => {
            Value::Number(BigDecimal::from_str(text).ok()?)
        }
        FieldKind::Date => Value::Date(text.parse().ok()?),
        FieldKind::DateTime => Value::DateTime(text.parse().ok()?),
        FieldKind::Checkbox => Value::Bool(text == "true"),
        _ => Value::Text(text.to_owned()),
    })
}
