//! The Pub/Sub API: gRPC, with Salesforce's own flow control, metadata and error trailers.

mod publish;
mod refusal;
mod service;
mod subscribe;
#[cfg(test)]
mod tests;

pub use service::{EventAccess, EventRights, PubSub};

/// The messages and the service's skeleton, made from `proto/`.
#[allow(clippy::all, missing_docs)]
pub mod contract {
    tonic::include_proto!("eventbus.v1");
}
