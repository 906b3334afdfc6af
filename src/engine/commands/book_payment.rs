//! A payment that could not be booked is booked again: somebody pressed Retry.

use crate::engine::payments::{BOOK, Error, Payments};
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work};

/// Reads the payment at Stripe again and books what is true.
pub struct BookPayment(pub Payments);

impl BookPayment {
    async fn book(&self, work: &Work) -> Outcome {
        let Some(stripe_id) = work.command.id.as_str().strip_prefix(BOOK) else { return Outcome::nothing() };
        match self.0.book_again(stripe_id).await {
            Ok(write) => Outcome::Done(write.into_iter().collect()),
            Err(Error::Store(error)) => error.into(),
            // No waiting for another try: all of them share one lane, and the sweep reads again whatever is not over.
            Err(error) => Outcome::GiveUp { trouble: error.trouble(stripe_id), writes: Vec::new() },
        }
    }
}

impl Handler for BookPayment {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move { self.book(&work).await })
    }
}
