//! A stand-in for Plaid: the REST API of version `2020-09-14` for bank payments, the Link script with a few banks, and
//! signed webhooks. Users and passwords are those of Plaid's own sandbox (see [`banks`]).
//!
//! What a person or a test does to it from outside the API is under `/_sandbox` (see [`control`]).

mod api;
mod banks;
mod control;
mod courier;
mod endpoints;
mod fields;
mod items;
mod keys;
mod link;
mod link_tokens;
mod refusal;
mod server;
mod store;
mod stripe_tokens;
mod world;

#[cfg(test)]
mod tests;

pub use server::{Error, Options, Plaid, Served, serve};
