//! The pages against small stand-ins for Stripe and Salesforce: every room is the real one.

mod mandates;
mod outside;
mod pages;
mod payments;
mod renewal;
mod returns;
mod secrets;
