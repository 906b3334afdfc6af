//! The daemon's work: taking commands in, doing them in order, and writing to Salesforce what came of it.

pub mod clock;
pub mod links;
pub mod payments;
pub mod receipts;
pub mod retry;
