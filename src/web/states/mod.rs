//! What is said in each state: what happened, what it means for the money, what to do. "Nothing was charged" stands only
//! where that is known.

mod amounts;
mod banks;
mod declines;
mod desk;
mod links;
mod mandates;
mod outcomes;
mod refusals;
mod returns;
mod said;
#[cfg(test)]
mod tests;
mod visits;

pub use amounts::amount;
pub use banks::{bank_declined, bank_refused, not_chosen};
pub use declines::declined;
pub use desk::{
    account_refused, bank_asks_customer, bank_refused_at_desk, cards_are_off, choose_method, moto_refused, no_address,
    not_made, page_ran_out, refused_at_desk, token_over,
};
pub use links::{ended_link, link, renewed, unknown};
pub use mandates::{mandate_over, mandate_refused, not_mailed};
pub use outcomes::{bank_asks, checking, our_fault, withdrawn};
pub use refusals::refused;
pub use returns::{went_back, what_went_back};
pub use said::Said;
pub use visits::{card_number, form_too_old, no_cookie, page_too_old, too_many, too_much};

/// Stands only where it is known.
const NOTHING: &str = "Nothing was charged.";
