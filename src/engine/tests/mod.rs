//! The engine against small stand-ins for Salesforce and Stripe: every room is the real one.

mod files;
mod heartbeat;
mod notices;
mod org;
mod outbox;
mod retry_error;
#[cfg(feature = "sandbox")]
mod stream;
mod sync_account;
mod worker;
