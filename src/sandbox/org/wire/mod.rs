//! The org on the wire: OAuth, REST with Composite and Collections, the gRPC Pub/Sub API, and a door for the console.

mod door;
mod events;
mod login;
pub mod oauth;
pub mod pubsub;
pub mod rest;
mod serve;
mod services;
mod shared;
#[cfg(test)]
mod tests;
pub mod usage;

pub use serve::{Error, Options, Served, serve};
