//! What Stripe answers when it does not do what was asked: the status and the error envelope.

use serde_json::{Map, Value, json};

/// A refused request.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<String>,
    pub message: String,
    pub param: Option<String>,
    pub decline_code: Option<String>,
    /// Objects that travel inside the envelope: `payment_intent`, `setup_intent`, `charge`, `payment_method`.
    pub with: Map<String, Value>,
    /// Whether the request had begun to execute. Only then does the idempotency key keep the answer.
    pub executed: bool,
}

pub type Answer = Result<Value, Refusal>;

impl Refusal {
    fn new(status: u16, kind: &'static str, message: String) -> Refusal {
        Refusal {
            status,
            kind,
            code: None,
            message,
            param: None,
            decline_code: None,
            with: Map::new(),
            executed: false,
        }
    }

    /// The request itself is wrong; nothing began.
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_request_error", message.into())
    }

    pub fn parameter(code: &str, param: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal::invalid(message).code(code).param(param)
    }

    pub fn unknown_parameter(name: &str) -> Refusal {
        Refusal::parameter("parameter_unknown", name, format!("Received unknown parameter: {name}"))
    }

    pub fn missing(name: &str) -> Refusal {
        Refusal::parameter("parameter_missing", name, format!("Missing required param: {name}."))
    }

    /// The object in the path does not exist: 404.
    pub fn no_such(what: &str, id: &str) -> Refusal {
        let mut refusal = Refusal::no_such_param(what, id, "id");
        refusal.status = 404;
        refusal
    }

    /// An object named in a parameter does not exist: 400.
    pub fn no_such_param(what: &str, id: &str, param: &str) -> Refusal {
        Refusal::parameter("resource_missing", param, format!("No such {what}: '{id}'")).executed()
    }

    /// The object is in a state that does not allow it.
    pub fn state(code: &str, message: impl Into<String>) -> Refusal {
        Refusal::invalid(message).code(code).executed()
    }

    pub fn card(code: &str, decline_code: Option<&str>, message: &str) -> Refusal {
        let mut refusal = Refusal::new(402, "card_error", message.to_owned()).code(code).executed();
        refusal.decline_code = decline_code.map(str::to_owned);
        refusal
    }

    pub fn unauthorised(message: impl Into<String>) -> Refusal {
        Refusal::new(401, "invalid_request_error", message.into())
    }

    pub fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(403, "invalid_request_error", message.into())
    }

    pub fn no_route(method: &str, path: &str) -> Refusal {
        let message = format!("Unrecognized request URL ({method}: {path}). This stand-in does not know it.");
        Refusal::new(404, "invalid_request_error", message)
    }

    pub fn key_reused(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "idempotency_error", message.into())
    }

    pub fn key_in_use(key: &str) -> Refusal {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key: {key}. Send it again once that \
             request is done."
        );
        Refusal::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    pub fn rate_limited() -> Refusal {
        Refusal::new(429, "invalid_request_error", "Request rate limit exceeded.".to_owned()).code("rate_limit")
    }

    pub fn lock_timeout() -> Refusal {
        let message = "This object cannot be accessed right now because another API request is currently accessing it.";
        Refusal::new(429, "invalid_request_error", message.to_owned()).code("lock_timeout")
    }

    pub fn server(status: u16) -> Refusal {
        Refusal::new(status, "api_error", "Something went wrong on the stand-in's side.".to_owned())
    }

    pub fn code(mut self, code: &str) -> Refusal {
        self.code = Some(code.to_owned());
        self
    }

    pub fn param(mut self, param: impl Into<String>) -> Refusal {
        self.param = Some(param.into());
        self
    }

    pub fn executed(mut self) -> Refusal {
        self.executed = true;
        self
    }

    pub fn with(mut self, name: &str, object: Value) -> Refusal {
        self.with.insert(name.to_owned(), object);
        self
    }

    /// The envelope as it goes over the wire.
    pub fn body(&self) -> Value {
        let mut error = Map::new();
        if let Some(charge) = self.with.get("charge") {
            error.insert("charge".to_owned(), charge.clone());
        }
        if let Some(code) = &self.code {
            error.insert("code".to_owned(), json!(code));
            error.insert(
                "doc_url".to_owned(),
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))),
            );
        }
        if let Some(decline_code) = &self.decline_code {
            error.insert("decline_code".to_owned(), json!(decline_code));
        }
        error.insert("message".to_owned(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".to_owned(), json!(param));
        }
        for (name, object) in &self.with {
            error.insert(name.clone(), object.clone());
        }
        error.insert("type".to_owned(), json!(self.kind));
        json!({ "error": error })
    }
}
