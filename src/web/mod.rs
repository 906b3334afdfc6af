//! The pages that a payer sees, Stripe's webhooks, and what an operator's tools ask for.

mod address;
mod amount;
mod assets;
mod cookie;
mod deposits;
mod desk;
mod health;
mod layout;
mod limits;
mod mandate;
mod numbers;
mod pay;
mod receipt;
mod router;
mod security;
mod state;
mod states;
#[cfg(test)]
mod tests;
mod webhooks;

pub use router::router;
pub use state::{App, Banks, Company, Settings};
