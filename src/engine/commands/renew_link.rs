//! A customer asked for a fresh link on the page of one that ran out or was replaced.

use super::send_link::ended;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Mails a fresh link, where the invoice still owes.
pub struct RenewLink(pub Links);

impl Handler for RenewLink {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move { ended(self.0.renew(&work.command).await) })
    }
}
