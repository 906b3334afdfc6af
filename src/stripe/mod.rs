//! Stripe: a thin typed client for the calls that we make, and the check of its webhooks.
//!
//! The caller gives every write its idempotency key and its exact body, because both are stored before the call.
//! Answers are read leniently: a field or value that we don't know is no error.

mod account;
mod charges;
mod client;
mod customers;
mod disputes;
mod error;
mod events;
mod form;
mod intents;
mod limiter;
mod list;
mod methods;
mod refunds;
mod setups;
mod sources;
pub mod webhook;

pub use account::Account;
pub(crate) use charges::brand_name;
pub use charges::{BalanceTransaction, Charge, MethodDetails};
pub use client::{API_VERSION, Client, Priority, Settings, SettingsError};
pub use customers::Customer;
pub use disputes::Dispute;
pub use error::{Error, Retry};
pub use events::{Event, Hint};
pub use form::Form;
pub use intents::{NewIntent, NextAction, PaymentError, PaymentIntent};
pub use limiter::Limiter;
pub use list::{Created, Expandable, List};
pub use methods::{Card, PaymentMethod};
pub use refunds::Refund;
pub use setups::{Microdeposits, NewSetup, SetupIntent};
pub use sources::BankSource;
