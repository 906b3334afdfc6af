//! The resources of the API, one file each, and the tables of test cards and test bank accounts.

pub mod account;
pub mod balance;
pub mod bank_days;
pub mod banks;
pub mod cards;
pub mod charges;
pub mod confirmation;
pub mod customer_sessions;
pub mod customers;
pub mod debits;
pub mod disputes;
pub mod endings;
pub mod events;
pub mod mandates;
pub mod money;
pub mod outcomes;
pub mod payment_intents;
pub mod payment_methods;
pub mod refunds;
pub mod setup_intents;
pub mod sources;
pub mod terms;
pub mod timers;
pub mod webhook_endpoints;
