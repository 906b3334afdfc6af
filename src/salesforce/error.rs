//! What can go wrong at Salesforce, as decisions for the caller, with an admin's sentence and remedy.

use std::time::Duration;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It passes by itself: try again soon.
    Retry,
    /// It passes, but not soon: an allocation is used up.
    Later,
    /// This record can't be written or read as it is; others can.
    Refused,
    /// The integration user may not, or the package is not there.
    Permission,
    /// We are not logged in, and a new token did not help.
    Session,
}

/// One error of the Salesforce room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer; a write may or may not have happened.
    #[error("Salesforce gave no answer to {call}")]
    NoAnswer {
        /// Which call.
        call: &'static str,
        /// Why, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// REST said no.
    #[error("Salesforce refused {call}: {message} ({code}, status {status})")]
    Answer {
        /// Which call.
        call: &'static str,
        /// HTTP status.
        status: u16,
        /// errorCode.
        code: String,
        /// Its message.
        message: String,
    },
    /// OAuth said no.
    #[error("Salesforce does not log us in: {description} ({code})")]
    Login {
        /// error.
        code: String,
        /// error_description.
        description: String,
        /// Whether the login server itself failed.
        passing: bool,
    },
    /// gRPC said no.
    #[error("the Pub/Sub API ended {call}: {message} ({code})")]
    Bus {
        /// Which call.
        call: &'static str,
        /// The error-code trailer without its prefix, or the gRPC status.
        code: String,
        /// Its message.
        message: String,
        /// What to do.
        class: Class,
    },
    /// The stream said nothing for longer than it may.
    #[error("the event stream was silent for {} s", after.as_secs())]
    Silent {
        /// How long.
        after: Duration,
    },
    /// An answer that we can't read.
    #[error("Salesforce answered {call} with something that we can't read: {why}")]
    Unreadable {
        /// Which call.
        call: &'static str,
        /// Why.
        why: String,
    },
    /// The configuration can't be used.
    #[error("{0}")]
    Settings(String),
}

impl Error {
    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::NoAnswer { .. } | Self::Unreadable { .. } | Self::Silent { .. } => Class::Retry,
            Self::Answer { status: 500.., code, .. } if class_of(code) != Class::Refused => class_of(code),
            Self::Answer { status: 500.. | 429 | 420, .. } => Class::Retry,
            Self::Answer { status: 401, .. } => Class::Session,
            // The same code stands for the day's calls, which come back in hours, and for too many calls at the same moment.
            Self::Answer { code, message, .. } if code == "REQUEST_LIMIT_EXCEEDED" && is_of_the_moment(message) => {
                Class::Retry
            }
            Self::Answer { code, .. } => class_of(code),
            Self::Login { passing: true, .. } => Class::Retry,
            Self::Login { .. } => Class::Session,
            Self::Bus { class, .. } => *class,
            Self::Settings(_) => Class::Permission,
        }
    }

    /// The code for filters and logs.
    pub fn code(&self) -> String {
        match self {
            Self::NoAnswer { .. } => "salesforce_no_answer".into(),
            // A gateway in front of the org answers in HTML, without a code.
            Self::Answer { code, status, .. } if code.is_empty() => format!("http_{status}"),
            Self::Answer { code, .. } | Self::Login { code, .. } | Self::Bus { code, .. } => code.clone(),
            Self::Silent { .. } => "stream_silent".into(),
            Self::Unreadable { .. } => "salesforce_unreadable".into(),
            Self::Settings(_) => "configuration".into(),
        }
    }

    /// What the admin can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Login { code, description, .. } => login_advice(code, description),
            Self::NoAnswer { .. }
            | Self::Unreadable { .. }
            | Self::Silent { .. }
            | Self::Answer { status: 500.., .. } => {
                "It is tried again by itself. If it goes on, see status.salesforce.com and the network between the two."
            }
            Self::Settings(_) => "Correct the configuration and start again.",
            Self::Answer { code, message, .. } if code == "REQUEST_LIMIT_EXCEEDED" && is_of_the_moment(message) => {
                "Too many calls ran in the org at the same moment. It is tried again by itself."
            }
            Self::Answer { code, .. } => advice(code),
            Self::Bus { code, .. } => bus_advice(code),
        }
    }

    /// Whether the call was refused for what it holds, so that a part of it may pass.
    pub fn is_about_the_content(&self) -> bool {
        matches!(self, Self::Answer { status: 400 | 413, .. }) && self.class() == Class::Refused
    }

    /// Whether one of the ids asked for is what was refused.
    pub fn is_about_an_id(&self) -> bool {
        matches!(self, Self::Answer { code, .. } if matches!(&**code, "MALFORMED_ID" | "INVALID_ID_FIELD" | "INVALID_CROSS_REFERENCE_KEY"))
    }

    /// Whether the stored replay id is of no use any more.
    pub fn is_lost_replay_id(&self) -> bool {
        matches!(self, Self::Bus { code, .. } if code == "subscription.fetch.replayid.corrupted"
            || code == "subscription.fetch.replayid.validation.failed")
    }

    pub(super) fn wants_new_token(&self) -> bool {
        match self {
            // Two 401 texts that are no expiry: a new token would be refused the same way.
            Self::Answer { status: 401, message, .. } => {
                !message.contains("not attached to Agent") && !message.contains("not valid for use with the REST API")
            }
            Self::Bus { class, .. } => *class == Class::Session,
            _ => false,
        }
    }
}

fn is_of_the_moment(message: &str) -> bool {
    message.contains("ConcurrentRequests")
}

/// What a code of REST, or of a row in a save result, asks us to do.
pub fn class_of(code: &str) -> Class {
    match code {
        "UNABLE_TO_LOCK_ROW"
        | "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "QUERY_TIMEOUT"
        | "PROCESSING_HALTED"
        | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        | "API_TEMPORARILY_UNAVAILABLE"
        | "CONCURRENT_REQUESTS_LIMIT_EXCEEDED"
        | "OPERATION_TOO_LARGE"
        | "HTTP_429"
        | "" => Class::Retry,
        // A part of a Composite that failed without saying why.
        code if code.starts_with("HTTP_5") => Class::Retry,
        "REQUEST_LIMIT_EXCEEDED" | "TXN_SECURITY_METERING_ERROR" | "LIMIT_EXCEEDED" => Class::Later,
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_TYPE"
        | "API_DISABLED_FOR_ORG"
        | "FUNCTIONALITY_NOT_ENABLED"
        | "API_CURRENTLY_DISABLED" => Class::Permission,
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => Class::Session,
        _ => Class::Refused,
    }
}

/// What the admin can do about a code.
pub fn advice(code: &str) -> &'static str {
    match code {
        "UNABLE_TO_LOCK_ROW" => "Another process held the record. It is tried again by itself.",
        "REQUEST_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED" => {
            "The org has used up its API calls for today. What waits is written when there are calls again; see Setup, System Overview."
        }
        "STORAGE_LIMIT_EXCEEDED" => "The org's data storage is full. Free some, then press Retry.",
        "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => {
            "Another record has the same key. Find it, keep one of the two, then press Retry."
        }
        "DUPLICATES_DETECTED" => {
            "A duplicate rule stopped the record. Let the integration user pass the rule, then press Retry."
        }
        "REQUIRED_FIELD_MISSING" => {
            "Your org asks for a field that Quittance does not fill. Give it a default, or let the Quittance_Bypass permission pass, then press Retry."
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" | "FIELD_FILTER_VALIDATION_EXCEPTION" => {
            "A validation rule of your org stopped the record. Let the Quittance_Bypass permission pass it, then press Retry."
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" | "APEX_ERROR" => {
            "A trigger or flow of your org failed on the record. Mend it, then press Retry."
        }
        "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INSUFFICIENT_ACCESS"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_TYPE"
        | "INVALID_FIELD" => {
            "Assign the permission set Quittance_Integration to the integration user and deploy the newest package, then press Retry."
        }
        "ENTITY_IS_LOCKED" => "The record is locked by an approval. Let it end, then press Retry.",
        "ENTITY_IS_DELETED" | "NOT_FOUND" => {
            "The record was deleted. Undelete it and press Retry, or discard this error."
        }
        "STRING_TOO_LONG" | "NUMBER_OUTSIDE_VALID_RANGE" | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            "A field of the package was changed in your org. Restore it as it was deployed, then press Retry."
        }
        _ => "Read what Salesforce says, mend it, then press Retry.",
    }
}

fn login_advice(code: &str, description: &str) -> &'static str {
    match code {
        "invalid_grant" if description.contains("approved") => {
            "Pre-authorise the integration user: set the app's policy to admin approved users and assign its permission set."
        }
        "invalid_grant" if description.contains("audience") => {
            "Set salesforce.audience to https://login.salesforce.com, or https://test.salesforce.com for a sandbox org."
        }
        "invalid_grant" if description.contains("client credentials user") => {
            "Enter a Run As user in the client credentials policy of the external client app."
        }
        "invalid_grant" if description.contains("domain") => {
            "Set salesforce.login_url to the org's own My Domain address."
        }
        "invalid_client" | "invalid_client_id" => {
            "Check salesforce.client_id and salesforce.client_secret; a new app takes some minutes to be known."
        }
        "unsupported_grant_type" => "Switch the flow on in the OAuth settings of the external client app.",
        "invalid_app_access" => "Assign the app's permission set to the integration user.",
        _ => "Check the external client app and the integration user in Setup, then run quittance check.",
    }
}

fn bus_advice(code: &str) -> &'static str {
    match code {
        "topic.not.found"
        | "subscription.topic.cannot.subscribe"
        | "topic.meta.permission"
        | "schema.meta.permission" => {
            "Deploy the package and assign the permission set Quittance_Integration to the integration user."
        }
        "subscription.limit.exceeded" => {
            "The org has used up its event deliveries for 24 hours. What was missed is found again when there are deliveries."
        }
        "service.tenant.license" => "The org's edition does not include the Pub/Sub API.",
        "service.auth.error" | "service.auth.headers.invalid" => {
            "Check that the integration user has API Enabled and that sessions are not locked to an IP address."
        }
        _ => "It is tried again by itself. If it goes on, see status.salesforce.com.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_passes_a_rule_does_not_and_a_used_up_limit_takes_long() {
        assert_eq!(class_of("UNABLE_TO_LOCK_ROW"), Class::Retry);
        assert_eq!(class_of("FIELD_CUSTOM_VALIDATION_EXCEPTION"), Class::Refused);
        assert_eq!(class_of("REQUEST_LIMIT_EXCEEDED"), Class::Later);
        assert_eq!(class_of("INVALID_TYPE"), Class::Permission);
        assert_eq!(class_of("HTTP_503"), Class::Retry, "a part of a Composite says no more than that");
        let answer =
            |status, code: &str| Error::Answer { call: "x", status, code: code.into(), message: String::new() };
        assert_eq!(answer(503, "whatever").class(), Class::Retry);
        assert_eq!(answer(403, "REQUEST_LIMIT_EXCEEDED").class(), Class::Later);
        assert_eq!(answer(401, "INVALID_SESSION_ID").class(), Class::Session);
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.".into();
        let crowded = Error::Answer { call: "x", status: 403, code: "REQUEST_LIMIT_EXCEEDED".into(), message };
        assert_eq!(crowded.class(), Class::Retry, "over in a moment, unlike the day's allocation");
    }

    #[test]
    fn too_many_calls_at_the_same_moment_pass_in_seconds_and_the_days_calls_do_not() {
        let limit = |message: &str| Error::Answer {
            call: "x",
            status: 403,
            code: "REQUEST_LIMIT_EXCEEDED".into(),
            message: message.into(),
        };
        let moment = limit("ConcurrentRequests (Concurrent API Requests) Limit exceeded.");
        assert_eq!((moment.class(), limit("TotalRequests Limit exceeded.").class()), (Class::Retry, Class::Later));
        assert!(moment.class() == Class::Retry);
    }

    #[test]
    fn a_401_that_a_new_token_cannot_mend_asks_for_none() {
        let answer =
            |message: &str| Error::Answer { call: "x", status: 401, code: "E".into(), message: message.into() };
        assert!(answer("Session expired or invalid").wants_new_token());
        assert!(!answer("This session is not valid for use with the REST API").wants_new_token());
    }
}
