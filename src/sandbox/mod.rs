//! Stand-ins for Salesforce, Stripe, Plaid and mail that speak the real protocols on loopback.
//! They share no code with the daemon, whose mistakes they must be able to see.

pub mod faults;
pub mod mailbox;
pub mod org;
pub mod tls;
pub mod stripe;
