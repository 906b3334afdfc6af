//! What Plaid says when it refuses: a type, a code to act on, a sentence for developers and sometimes one for users.

use serde_json::{Value, json};

/// A refused request.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: String,
    pub message: String,
    pub display: Option<String>,
}

pub type Answer = Result<Value, Refusal>;

impl Refusal {
    fn new(status: u16, kind: &'static str, code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status, kind, code: code.to_owned(), message: message.into(), display: None }
    }

    pub fn request(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, "INVALID_REQUEST", code, message)
    }

    pub fn field(message: impl Into<String>) -> Refusal {
        Refusal::request("INVALID_FIELD", message)
    }

    pub fn input(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, "INVALID_INPUT", code, message)
    }

    pub fn item(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, "ITEM_ERROR", code, message)
    }

    pub fn institution(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, "INSTITUTION_ERROR", code, message)
    }

    pub fn sandbox(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, "SANDBOX_ERROR", code, message)
    }

    pub fn too_many() -> Refusal {
        let message = "rate limit exceeded for attempts to access this endpoint, try again later";
        Refusal::new(429, "RATE_LIMIT_EXCEEDED", "RATE_LIMIT", message)
    }

    pub fn server() -> Refusal {
        let message = "an unexpected error occurred";
        Refusal::new(500, "API_ERROR", "INTERNAL_SERVER_ERROR", message)
    }

    pub fn down() -> Refusal {
        let message = "the Plaid API is temporarily unavailable due to maintenance, try again later";
        Refusal::new(503, "API_ERROR", "PLANNED_MAINTENANCE", message)
    }

    pub fn partner(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "API_ERROR", "BANK_TOKEN_NOT_CREATED", message)
    }

    pub fn no_route(path: &str) -> Refusal {
        let message = format!("no such endpoint: {path}; the stand-in does not know it");
        Refusal::new(404, "INVALID_REQUEST", "NOT_FOUND", message)
    }

    /// With a sentence that may be shown to the person at the bank's form.
    pub fn shown(mut self, display: &str) -> Refusal {
        self.display = Some(display.to_owned());
        self
    }

    /// The error as it stands on an item, in Link's callbacks and, with the request's id, in an answer.
    pub fn error(&self) -> Value {
        json!({
            "display_message": self.display, "documentation_url": "https://plaid.com/docs/errors/",
            "error_code": self.code, "error_message": self.message, "error_type": self.kind, "suggested_action": null,
        })
    }
}
