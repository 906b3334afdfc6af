//! The daemon's work: taking commands in, doing them in order, and writing to Salesforce what came of it.

pub mod banks;
pub mod clock;
pub mod commands;
pub mod customer_list;
pub mod customers;
pub mod heartbeat;
pub mod house;
pub mod intake;
pub mod links;
pub mod mapping;
pub mod notices;
pub mod outbox;
pub mod payments;
pub mod pulse;
pub mod receipts;
pub mod reconcile;
pub mod retry;
#[cfg(test)]
mod tests;
pub mod work;
pub mod worker;
