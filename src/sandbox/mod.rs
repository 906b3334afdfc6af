//! Stand-ins for Salesforce, Stripe, Plaid and mail that speak the real protocols on loopback.
//! They share no code with the daemon, whose mistakes they must be able to see.

pub mod clock;
pub mod console;
pub mod daemon;
pub mod faults;
mod listen;
pub mod load;
pub mod mailbox;
pub mod org;
pub mod plaid;
mod request_log;
pub mod seed;
mod settings;
pub mod start;
pub mod stripe;
pub mod tls;
