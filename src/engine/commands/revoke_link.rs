//! A link ends.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Revokes the link, and cancels the card attempts under it.
pub struct RevokeLink(pub Links);

impl Handler for RevokeLink {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.revoke(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}
