//! A stored method is charged.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Charges, or has a link mailed, and answers the request.
pub struct ChargeStored(pub Links);

impl Handler for ChargeStored {
    // The request names its method by a relationship, so it is read by a query of its own.
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.charge(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}
