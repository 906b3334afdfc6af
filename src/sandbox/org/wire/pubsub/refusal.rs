//! How a call ends in an error: a gRPC status whose trailers say which one it is.

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

const PREFIX: &str = "sfdc.platform.eventbus.grpc.";

/// One kind of error: the end of its `error-code`, its status and its words.
pub(super) struct Refusal(&'static str, Code, &'static str);

pub(super) const AUTH: Refusal = Refusal(
    "service.auth.error",
    Code::Unauthenticated,
    "An authentication exception occurred. The session is invalid or has expired.",
);
pub(super) const HEADERS: Refusal = Refusal(
    "service.auth.headers.invalid",
    Code::Unauthenticated,
    "The accesstoken, instanceurl and tenantid headers must all be given.",
);
pub(super) const AUTH_REFRESH: Refusal =
    Refusal("service.auth.refresh.invalid", Code::InvalidArgument, "The auth_refresh field must not be used.");
pub(super) const TOPIC_EMPTY: Refusal =
    Refusal("topic.validation.empty", Code::InvalidArgument, "The topic name can't be empty.");
pub(super) const TOPIC_NOT_FOUND: Refusal =
    Refusal("topic.not.found", Code::NotFound, "The topic doesn't exist, or your user doesn't have permission to it.");
pub(super) const SCHEMA_INVALID: Refusal =
    Refusal("schema.validation.failed", Code::InvalidArgument, "The schema ID is empty or unknown.");
pub(super) const CANNOT_SUBSCRIBE: Refusal = Refusal(
    "subscription.topic.cannot.subscribe",
    Code::PermissionDenied,
    "The user doesn't have read permission on the event.",
);
pub(super) const CANNOT_PUBLISH: Refusal =
    Refusal("topic.meta.permission", Code::PermissionDenied, "The user doesn't have create permission on the event.");
pub(super) const REPLAY_CORRUPTED: Refusal = Refusal(
    "subscription.fetch.replayid.corrupted",
    Code::InvalidArgument,
    "The Replay ID validation failed. Ensure that the Replay ID is valid.",
);
pub(super) const REPLAY_MISSING: Refusal = Refusal(
    "subscription.fetch.replayid.validation.failed",
    Code::InvalidArgument,
    "A Replay ID must be given with the CUSTOM preset.",
);
pub(super) const REQUESTED_INVALID: Refusal = Refusal(
    "subscription.fetch.requested.events.invalid",
    Code::InvalidArgument,
    "The number of requested events must be greater than 0.",
);
pub(super) const TOPIC_MISMATCH: Refusal = Refusal(
    "subscription.fetch.topic.mismatch",
    Code::InvalidArgument,
    "The topic name can't change within a subscription.",
);
pub(super) const DELIVERY_LIMIT: Refusal = Refusal(
    "subscription.limit.exceeded",
    Code::ResourceExhausted,
    "You have exceeded the event delivery limit for your org.",
);
pub(super) const PUBLISH_TOPIC_EMPTY: Refusal =
    Refusal("publish.topic.validation.empty", Code::InvalidArgument, "The topic name can't be empty.");
pub(super) const PUBLISH_MISMATCH: Refusal =
    Refusal("publish.topic.mismatch", Code::InvalidArgument, "The topic name can't change within a stream.");
pub(super) const PUBLISH_EMPTY: Refusal =
    Refusal("publish.event.count.invalid", Code::InvalidArgument, "A publish request must hold at least one event.");

impl Refusal {
    /// The status, whose message ends with the call's id.
    pub fn status(&self, rpc_id: &str) -> Status {
        let Refusal(suffix, code, text) = self;
        let mut trailers = MetadataMap::new();
        for (key, value) in [("error-code", format!("{PREFIX}{suffix}")), ("rpc-id", rpc_id.to_owned())] {
            if let Ok(value) = MetadataValue::try_from(value) {
                trailers.insert(key, value);
            }
        }
        Status::with_metadata(*code, format!("{text} rpcId: {rpc_id}"), trailers)
    }
}

/// As the network reports a broken connection: no trailers.
pub(super) fn broken() -> Status {
    Status::unavailable("RST_STREAM closed stream. HTTP/2 error code: INTERNAL_ERROR")
}
