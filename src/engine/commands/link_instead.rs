//! A clerk's page has a link mailed to the customer.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Frees what waits for the customer, mails the link, and answers the request behind the page.
pub struct LinkInstead(pub Links);

impl Handler for LinkInstead {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.mail_instead(&request, &work.command).await
            };
            answered(done.await, &work.command)
        })
    }
}
