//! Somebody asked for a sweep.

use super::send_link::answered;
use crate::engine::links::Links;
use crate::engine::work::{Doing, Handler, ReadBack, Work};

/// Runs the sweep and tells how many payments were read.
pub struct SyncNow(pub Links);

impl Handler for SyncNow {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.sync_now(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}
