//! Quittance: a company on Salesforce gets paid through Stripe and Plaid.

pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod mail;
pub mod plaid;
pub mod receipt;
pub mod salesforce;
pub mod store;
pub mod stripe;
pub mod web;

#[cfg(feature = "sandbox")]
pub mod sandbox;
