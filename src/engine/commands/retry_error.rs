//! An admin pressed Retry on a Payment Error.

use crate::engine::house::House;
use crate::engine::intake::{self, Retaken, Trouble};
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work};
use crate::store;
use crate::store::outbox::Write;

/// Does again what the error names: a command, a refused write, a file, a payment's booking, an event. If it fails once
/// more, the error opens again.
pub struct RetryError {
    house: House,
}

const NOTHING_TO_RETRY: &str =
    "This error names nothing that can run again. Save the record that it is about, then discard the error.";

impl RetryError {
    /// In this house.
    pub fn new(house: House) -> Self {
        Self { house }
    }

    async fn retry(&self, work: Work) -> Outcome {
        if work.record.is_none() {
            return Outcome::nothing(); // deleted: nobody waits for it
        }
        let Some(named) = work.text("Command_Id__c") else { return Outcome::nothing() };
        if work.text("State__c") != Some("Retry Requested") {
            return Outcome::nothing();
        }
        if let Some(event) = named.strip_prefix("event:") {
            return self.event(named, event).await;
        }
        match self.put_back(named).await {
            Ok(()) => {
                self.house.commands_came.notify_waiters();
                self.house.outbox_filled.notify_one();
                Outcome::nothing()
            }
            Err(error) => error.into(),
        }
    }

    /// Puts back what is named, and marks the error, in one transaction and by the same key: what fails again is written
    /// after this, and wins.
    async fn put_back(&self, named: &str) -> store::Result<()> {
        let now_ms = self.house.now_ms();
        let mut tx = self.house.store.begin().await?;
        let known = match named.split_once(':') {
            Some(("write", target)) => tx.retry_refused(target, now_ms).await?,
            Some(("file", id)) => tx.retry_file(id, now_ms).await?,
            Some(("book", stripe_id)) => {
                // One that was given up is a dead letter; one whose record was refused was booked without a command.
                if !tx.run_again(named, now_ms).await? && !tx.knows_command(named).await? {
                    tx.hint(stripe_id, now_ms).await?;
                }
                true
            }
            // The next customer or clerk tries again; if it still fails, it is open again.
            Some(("bank" | "desk", _)) => true,
            // One that is being worked on counts.
            _ => tx.run_again(named, now_ms).await? || tx.knows_command(named).await?,
        };
        let marked = match known {
            true => mark(named, "Resolved"),
            false => mark(named, "Open").with("Remedy__c", NOTHING_TO_RETRY),
        };
        tx.write_out(&marked, now_ms).await?;
        tx.commit().await
    }

    async fn event(&self, named: &str, event: &str) -> Outcome {
        match intake::retake(&self.house, event).await {
            Ok(Retaken::Understood) => Outcome::Done(vec![mark(named, "Resolved")]),
            Ok(Retaken::Unknown) => Outcome::Done(vec![mark(named, "Open").with("Remedy__c", NOTHING_TO_RETRY)]),
            Ok(Retaken::StillBad { why }) => {
                let sentence = store::outbox::cut(&format!("A command event could not be understood: {why}"), 255);
                Outcome::Done(vec![mark(named, "Open").with("Sentence__c", sentence)])
            }
            Err(Trouble::Salesforce(error)) => error.into(),
            Err(Trouble::Store(error)) => error.into(),
        }
    }
}

fn mark(named: &str, state: &str) -> Write {
    Write::upsert("Payment_Error__c", "Command_Id__c", named).with("State__c", state)
}

impl Handler for RetryError {
    fn read_back(&self) -> Option<ReadBack> {
        Some(ReadBack { object: "Payment_Error__c", fields: vec!["Id", "Command_Id__c", "State__c"] })
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(self.retry(work))
    }
}
