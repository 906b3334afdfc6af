//! A page on which a clerk takes a payment starts to work.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Registers the page by the hash that the request holds.
pub struct TakePayment(pub Links);

impl Handler for TakePayment {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.take(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}
