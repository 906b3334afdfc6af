//! A stand-in for Stripe: the REST API with its states, errors, idempotency, rate limits, events and webhooks, and a
//! script that takes the place of Stripe.js. Objects have the shapes of API version `2026-10-28.endive`.
//!
//! What a person or a test does to it from outside the API is under `/_sandbox` (see [`control`]).

mod api;
mod browser;
mod control;
mod courier;
mod idempotency;
mod ledger;
mod masking;
mod objects;
mod rates;
mod refusal;
mod routes;
mod server;
mod signature;
mod wire;
mod world;

#[cfg(test)]
mod tests;

use super::clock;

pub use super::clock::Clock;
pub use rates::RateLimits;
pub use server::{Error, Options, Served, Stripe, serve};
pub use signature::sign;
