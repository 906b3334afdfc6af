//! What a user could see, through the started house: the real daemon and the sandbox, on loopback.
#![cfg(feature = "sandbox")]

mod account_sync;
mod accounts;
mod bad_days;
mod bank_setup;
mod banks;
mod booking;
mod charge_troubles;
mod charges;
mod clock;
mod dead_letters;
mod desk;
mod desk_bank;
mod desk_card;
mod events;
mod foreign_invoice;
mod house;
mod links;
mod outages;
mod phone_banks;
mod phone_failures;
mod phone_pages;
mod restored_verifications;
mod service;
mod sidecars;
mod sign_in;
mod stored;
mod sweep;
