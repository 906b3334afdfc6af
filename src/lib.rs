//! Quittance: a company on Salesforce gets paid through Stripe and Plaid.

#[cfg(feature = "sandbox")]
pub mod sandbox;
