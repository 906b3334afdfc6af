//! A link whose token the clerk holds starts to work.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Registers the link by the hash that the request holds.
pub struct CopyLink(pub Links);

impl Handler for CopyLink {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.copy(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}
