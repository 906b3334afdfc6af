//! Quittance: a company on Salesforce gets paid through Stripe and Plaid.

pub mod mail;
pub mod receipt;
#[cfg(feature = "sandbox")]
pub mod sandbox;
