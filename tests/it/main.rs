//! What a user could see, through the started house: the real daemon and the sandbox, on loopback.
#![cfg(feature = "sandbox")]

mod account_sync;
mod bad_days;
mod booking;
mod house;
mod links;
mod service;
mod sweep;
