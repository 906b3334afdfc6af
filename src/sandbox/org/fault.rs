//! The exceptions that the database itself raises, in the org's own words.

use super::host::{Fault, RowError, SaveOp};

pub fn fault(exception: &str, message: impl Into<String>) -> Fault {
    Fault {
        exception: exception.to_owned(),
        message: message.into(),
        rows: Vec::new(),
        stack: Vec::new(),
        uncatchable: false,
    }
}

pub fn query(message: impl Into<String>) -> Fault {
    fault("System.QueryException", message)
}

/// No catch block sees it: the transaction is over.
pub fn limit(message: impl Into<String>) -> Fault {
    Fault { uncatchable: true, ..fault("System.LimitException", message) }
}

pub fn row_error(status_code: &str, message: impl Into<String>, fields: &[&str]) -> RowError {
    RowError {
        status_code: status_code.to_owned(),
        message: message.into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    }
}

/// `System.DmlException` with the text an admin knows: the verb, the first failing row, its code and its fields.
pub fn dml(op: SaveOp, rows: Vec<(usize, Option<String>, RowError)>) -> Fault {
    let verb = match op {
        SaveOp::Insert => "Insert",
        SaveOp::Update => "Update",
        SaveOp::Upsert => "Upsert",
        SaveOp::Delete => "Delete",
        SaveOp::Undelete => "Undelete",
    };
    let message = match rows.first() {
        None => format!("{verb} failed."),
        Some((index, id, error)) => {
            let with_id = id.as_ref().map(|id| format!(" with id {id}")).unwrap_or_default();
            format!(
                "{verb} failed. First exception on row {index}{with_id}; first error: {}, {}: [{}]",
                error.status_code,
                error.message,
                error.fields.join(", ")
            )
        }
    };
    Fault {
        rows: rows.into_iter().map(|(index, _, error)| (index, error)).collect(),
        ..fault("System.DmlException", message)
    }
}
