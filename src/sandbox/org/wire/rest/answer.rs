//! What a call is answered with, and the ways to refuse it.

use serde_json::{Value as Json, json};

use crate::sandbox::org::host::{Fault, RowError};

pub enum Body {
    None,
    Json(Json),
    /// A file's content.
    Bytes(Vec<u8>),
}

/// An answer that is not a refusal. It may still report rows that failed.
pub struct Answer {
    pub status: u16,
    pub body: Body,
    pub location: Option<String>,
    /// The transaction must be taken back although there is an answer: all or none, and not all.
    pub undo: bool,
}

impl Answer {
    pub fn json(status: u16, body: Json) -> Answer {
        Answer { status, body: Body::Json(body), location: None, undo: false }
    }

    pub fn empty() -> Answer {
        Answer { status: 204, body: Body::None, location: None, undo: false }
    }
}

/// A refused call: a status and Salesforce's array of errors.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub errors: Vec<RowError>,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status, errors: vec![error(code, message, &[])] }
    }

    pub fn bad(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, code, message)
    }

    pub fn not_found() -> Refusal {
        Refusal::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub fn method(method: &http::Method) -> Refusal {
        let text = format!("HTTP Method '{method}' not allowed. Allowed are those that the resource documents");
        Refusal::new(405, "METHOD_NOT_ALLOWED", text)
    }

    /// The errors of one record that could not be saved.
    pub fn rows(errors: Vec<RowError>) -> Refusal {
        let status = match errors.first().map(|error| error.status_code.as_str()) {
            Some("INSUFFICIENT_ACCESS_OR_READONLY") => 403,
            Some("ENTITY_IS_DELETED" | "NOT_FOUND") => 404,
            _ => 400,
        };
        Refusal { status, errors }
    }

    pub fn body(&self) -> Json {
        let errors = self.errors.iter().map(|error| {
            let mut json = json!({"message": error.message, "errorCode": error.status_code});
            if !error.fields.is_empty() {
                json["fields"] = json!(error.fields);
            }
            json
        });
        Json::Array(errors.collect())
    }
}

/// An exception of the org or its Apex, as REST words it.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        if !fault.rows.is_empty() {
            return Refusal::rows(fault.rows.into_iter().map(|(_, error)| error).collect());
        }
        let has = |text: &str| fault.message.to_lowercase().contains(text);
        let code = match fault.exception.as_str() {
            "System.QueryException" if has("no such column") || has("didn't understand relationship") => {
                "INVALID_FIELD"
            }
            "System.QueryException" if has("is not supported") && has("sobject type") => "INVALID_TYPE",
            "System.QueryException" => "MALFORMED_QUERY",
            "System.NoAccessException" => "INSUFFICIENT_ACCESS_OR_READONLY",
            "System.LimitException" => "QUERY_TOO_COMPLICATED",
            _ => "UNKNOWN_EXCEPTION",
        };
        let status = match code {
            "UNKNOWN_EXCEPTION" => 500,
            "INSUFFICIENT_ACCESS_OR_READONLY" => 403,
            _ => 400,
        };
        Refusal::new(status, code, fault.message)
    }
}

pub(super) fn error(code: &str, message: impl Into<String>, fields: &[&str]) -> RowError {
    RowError {
        status_code: code.to_owned(),
        message: message.into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    }
}

/// A row's errors inside a save result: there the code is called `statusCode`.
pub(super) fn row_errors(errors: &[RowError]) -> Json {
    let errors = errors
        .iter()
        .map(|error| json!({"statusCode": error.status_code, "message": error.message, "fields": error.fields}));
    Json::Array(errors.collect())
}
