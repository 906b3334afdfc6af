//! Files on records: Composite takes none, so each is a call of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::soql_text;
use super::{Client, Error};

/// A file for a record.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// The record.
    pub record_id: &'a str,
    /// What the clerk reads.
    pub title: &'a str,
    /// With extension.
    pub file_name: &'a str,
    /// The bytes.
    pub content: &'a [u8],
}

impl Client {
    /// Looks for an earlier upload of the same name to the same record.
    pub async fn find_file(&self, record_id: &str, file_name: &str) -> Result<Option<String>, Error> {
        let soql = format!(
            "SELECT Id FROM ContentVersion WHERE FirstPublishLocationId = {} AND PathOnClient = {} LIMIT 1",
            soql_text(record_id),
            soql_text(file_name)
        );
        let rows = self.query(&soql).await?;
        Ok(rows.first().and_then(|row| row.get("Id")).and_then(Value::as_str).map(str::to_owned))
    }

    /// Uploads; answers the ContentVersion's id.
    pub async fn upload_file(&self, file: NewFile<'_>) -> Result<String, Error> {
        let body = json!({
            "Title": file.title,
            "PathOnClient": file.file_name,
            "FirstPublishLocationId": file.record_id,
            "VersionData": STANDARD.encode(file.content),
        });
        let answer = self.rest("upload", Method::POST, "/sobjects/ContentVersion", Some(&body)).await?;
        answer
            .get("id")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Error::Unreadable { call: "upload", why: "no id".into() })
    }
}
