//! Stand-ins for Salesforce, Stripe, Plaid and mail that speak the real protocols on loopback.
//! They share no code with the daemon, whose mistakes they must be able to see.

pub mod console;
pub mod faults;
pub mod mailbox;
pub mod org;
pub mod stripe;
pub mod tls;
