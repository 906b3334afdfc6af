//! An invoice changed while something is open on it.

use super::send_link::ended;
use crate::engine::payments::{Error, OrgError, Payments};
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work};

/// Cancels the open card attempts that no longer fit.
pub struct ReviewInvoice(pub Payments);

impl Handler for ReviewInvoice {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            match self.0.review(&work.command.record).await {
                // Deleted meanwhile: there is nothing to pay any more, and idle attempts end by themselves.
                Ok(_) | Err(Error::Org(OrgError::Missing { .. })) => Outcome::nothing(),
                Err(error) => ended(Err(error.into())),
            }
        })
    }
}
