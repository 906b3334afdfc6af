//! Plaid: a thin typed client for the calls that we make, and the check of its webhooks.
//!
//! Plaid has no idempotency keys. What is lost on the way is asked for anew: an exchange whose answer was lost leaves a
//! token that is used up, and the customer chooses the bank again.

mod client;
mod error;
mod items;
mod link;
mod tokens;
pub mod webhook;

pub use client::{Client, Settings, SettingsError};
pub use error::Error;
pub use items::Account;
pub use link::{LinkToken, NewLink};
pub use tokens::Exchanged;
pub use webhook::{Event, Keys};
