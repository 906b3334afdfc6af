//! Take Payment: the page on which a clerk charges what a customer has on file, while on the phone with them.

pub mod account;
pub mod agree;
pub mod charge;
pub mod mail;
pub mod open;
pub mod page;
pub mod verification;
