//! The org's event bus: topics, their retained events and replay ids, and the Avro that travels.

mod allowance;
mod avro;
mod journal;
mod log;
mod topics;

pub use allowance::Door;
pub use avro::{DecodeError, EncodeError, EventSchema};
pub use log::{ReplayId, Retained};
pub use topics::{Bus, Error, Options, Start};
