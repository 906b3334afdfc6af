//! Paying by bank: what Plaid Link is opened with and hands over, and the page on which the debit is authorised.

mod link;
mod review;
mod stored;

pub use link::{chosen, open, returned};
pub use review::{authorise, review};

pub(super) use review::review_url;
pub(super) use stored::stored_banks;

use super::super::states::Said;

/// What begins the value of a bank among the methods; `new` or Stripe's id follows.
pub const BANK: &str = "bank:";

/// For a page without script.
pub(super) fn needs_script() -> Said {
    Said::new(
        200,
        "Choosing a bank needs JavaScript",
        "Your bank is chosen in a window of Plaid, and that needs it. Nothing was charged.",
        "Turn it on, or pay by phone or bank transfer.",
    )
}
