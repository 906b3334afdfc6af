//! Bank payments: from a choice in Plaid Link to a debit that is agreed to, and what follows when it settles or comes back.
//!
//! The one seam is [`choose`]: a verified bank account becomes a Stripe payment method. How it becomes one (today a bank
//! token made by Plaid, attached to the Customer) is known there and nowhere else.

mod choose;
mod errors;
mod ladder;
mod leave;
mod letters;
mod on_file;
mod order;
mod seal;

pub use choose::{Chosen, NotChosen};
pub(in crate::engine) use ladder::Step;
pub use leave::run;
pub use on_file::{BankOnFile, WhyNot};
pub use order::{Agreed, BankOrder, BankRefused, Review};

use secrecy::SecretString;

use crate::plaid;

/// What offering bank payments needs.
pub struct Banks {
    plaid: plaid::Client,
    keys: plaid::Keys,
    seal: seal::Seal,
    company: String,
    contact: String,
    customization: Option<String>,
}

impl Banks {
    /// `key` is the house's secret from which the one that seals logins is made. `contact` is how a mandate is taken back.
    pub fn new(
        plaid: plaid::Client,
        key: &SecretString,
        company: &str,
        contact: &str,
        customization: Option<&str>,
    ) -> Self {
        Self {
            plaid,
            keys: plaid::Keys::default(),
            seal: seal::Seal::new(key),
            company: company.to_owned(),
            contact: contact.to_owned(),
            customization: customization.map(str::to_owned),
        }
    }

    /// For checking what claims to come from Plaid.
    pub fn webhook_keys(&self) -> &plaid::Keys {
        &self.keys
    }

    pub fn plaid(&self) -> &plaid::Client {
        &self.plaid
    }
}
