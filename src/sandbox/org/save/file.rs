//! Files: a new version measures its data, makes its document, and links it to the record it was published to.

use base64::Engine;
use md5::{Digest, Md5};

use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{RowError, Value};
use crate::sandbox::org::reader;
use crate::sandbox::org::store::Row;
use crate::sandbox::org::transaction::Transaction;

/// Fills in what the org works out itself, and makes the document of a first version.
pub fn complete(transaction: &mut Transaction, row: &mut Row) -> Result<(), RowError> {
    let missing: Vec<&str> =
        ["PathOnClient", "VersionData"].into_iter().filter(|name| !row.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(super::missing_fields(&missing));
    }
    let data = base64::engine::general_purpose::STANDARD
        .decode(reader::text(row, "VersionData"))
        .map_err(|_| row_error("INVALID_BASE64_BINARY", "VersionData is not base64", &["VersionData"]))?;
    let path = reader::text(row, "PathOnClient");
    let name = path.rsplit(['/', '\\']).next().unwrap_or(&path).to_owned();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    row.entry("Title".to_owned()).or_insert_with(|| Value::Text(stem.to_owned()));
    let size = Value::Number((data.len() as u64).into());
    row.insert("ContentSize".to_owned(), size.clone());
    row.insert("Checksum".to_owned(), Value::Text(hex::encode(Md5::digest(&data))));
    row.insert("IsLatest".to_owned(), Value::Bool(true));
    if !extension.is_empty() {
        row.insert("FileExtension".to_owned(), Value::Text(extension.to_owned()));
        row.insert("FileType".to_owned(), Value::Text(extension.to_uppercase()));
    }
    let document = match row.get("ContentDocumentId") {
        Some(Value::Id(document)) => document.clone(),
        _ => {
            let title = row.get("Title").cloned().unwrap_or(Value::Null);
            let kind = row.get("FileType").cloned().unwrap_or(Value::Null);
            let ending = row.get("FileExtension").cloned().unwrap_or(Value::Null);
            let fields = [("Title", title), ("ContentSize", size), ("FileType", kind), ("FileExtension", ending)];
            transaction.create("ContentDocument", &fields)
        }
    };
    let earlier = versions(transaction, &document);
    for version in &earlier {
        transaction.amend("ContentVersion", version, &[("IsLatest", Value::Bool(false))]);
    }
    row.insert("VersionNumber".to_owned(), Value::Text((earlier.len() + 1).to_string()));
    row.insert("ContentDocumentId".to_owned(), Value::Id(document));
    Ok(())
}

/// Makes the written version its document's latest, and links a new document.
pub fn publish(transaction: &mut Transaction, id: &str, row: &Row) {
    let document = reader::text(row, "ContentDocumentId");
    transaction.amend("ContentDocument", &document, &[("LatestPublishedVersionId", Value::Id(id.to_owned()))]);
    if reader::text(row, "VersionNumber") != "1" {
        return;
    }
    let mut links = vec![(reader::text(row, "OwnerId"), "I")];
    if let Some(Value::Id(record)) = row.get("FirstPublishLocationId") {
        links.push((record.clone(), "V"));
    }
    for (linked, share) in links {
        let fields = [
            ("ContentDocumentId", Value::Id(document.clone())),
            ("LinkedEntityId", Value::Id(linked)),
            ("ShareType", Value::Text(share.to_owned())),
            ("Visibility", Value::Text("AllUsers".to_owned())),
        ];
        transaction.create("ContentDocumentLink", &fields);
    }
}

fn versions(transaction: &Transaction, document: &str) -> Vec<String> {
    let found = transaction.store().table("ContentVersion");
    found.and_then(|table| table.find("ContentDocumentId", &Value::Id(document.to_owned()))).unwrap_or_default()
}
