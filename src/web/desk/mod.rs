//! Take Payment: the page on which a clerk charges what a customer has on file, or a card or bank account that the customer reads
//! out, while on the phone with them.

pub mod account;
pub mod agree;
pub mod card;
pub mod charge;
pub mod mail;
pub mod open;
pub mod page;
mod parts;
pub mod send;
pub mod verification;
