//! Bank accounts that a clerk takes down on the phone: agreed to, verified by small deposits over days, then debited once.
//! Somebody who speaks for a company agrees on the phone; a private person accepts on a page that is mailed.
//!
//! Each step is durable before the next, and [`carry_on`](super::Payments::carry_on) goes on from wherever it stands: after
//! the press, after a webhook, in a sweep, after a crash. The attempt that is charged has the verification's own id, so no
//! order of signals makes two of it.

mod accept;
mod begin;
mod carry;
mod charge;
mod forgotten;
mod mail;
mod told;
mod turns;
mod values;

pub use accept::{Accepted, PageRefused, PageReview};
pub use begin::{AccountAgreed, AccountRefused, AccountReview, NewAccount};
pub(in crate::engine) use mail::PageLetter;
use mail::page_letter;
pub use told::{sentence, tries_left};
pub(super) use turns::Turns;
pub use values::{Told, Values};

/// Begins the name of the hint that a verification is to be carried on; its id follows.
pub(super) const HINT: &str = "verification:";

/// The name under which what becomes of one verification is decided.
fn lock_name(id: &str) -> String {
    format!("{HINT}{id}")
}
