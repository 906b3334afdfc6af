//! The sandbox org: the package's own metadata and Apex, behind Salesforce's protocols.

pub mod access;
pub mod apex;
#[cfg(test)]
mod bench;
pub mod bus;
pub mod catalog;
mod cron;
mod events;
mod fault;
mod formula;
pub mod host;
mod jobs;
mod journal;
mod metadata;
#[allow(clippy::module_inception)] // the org itself, in a folder of everything an org has
pub mod org;
mod reader;
pub mod record_id;
mod save;
pub mod schema;
mod seed;
mod soql;
mod standard;
mod store;
pub mod transaction;
pub mod wire;

pub use org::{Clock, EventSink, Org, OrgError, OrgOptions};
pub use seed::{ADMINISTRATOR, CLERK, INTEGRATION};
pub use transaction::Transaction;

#[cfg(test)]
mod tests;
