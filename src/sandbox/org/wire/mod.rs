//! The org on the wire: OAuth, REST with Composite and Collections, and the gRPC Pub/Sub API.

pub mod oauth;
pub mod pubsub;
