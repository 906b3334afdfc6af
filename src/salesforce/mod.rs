//! Salesforce: tokens, the Pub/Sub API, REST and Composite.

mod avro;
mod client;
mod collections;
mod error;
mod events;
mod files;
mod token;

/// The Pub/Sub API's wire contract.
#[allow(missing_docs, clippy::all)]
pub mod eventbus {
    tonic::include_proto!("eventbus.v1");
}

pub use client::{API_VERSION, Client, Settings, Usage, soql_text};
pub use collections::{Outcome, Record, RowError, Upsert};
pub use error::{Class, Error, advice, class_of};
pub use events::{Delivery, From, Incoming, Subscription, Topic};
pub use files::NewFile;
pub use token::{Login, Token};
