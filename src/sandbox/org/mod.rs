//! The sandbox org: the package's own metadata and Apex, behind Salesforce's protocols.

pub mod apex;
pub mod host;
pub mod schema;
