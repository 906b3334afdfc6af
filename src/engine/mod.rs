//! The daemon's work: taking commands in, doing them in order, and writing to Salesforce what came of it.

pub mod clock;
pub mod payments;
pub mod commands;
pub mod customers;
pub mod house;
pub mod intake;
pub mod notices;
pub mod outbox;
pub mod pulse;
pub mod reconcile;
pub mod retry;
pub mod work;
pub mod worker;
