//! An admin pressed Retry on a Payment Error.

use crate::domain::{Command, CommandId, CommandKind, SalesforceId};
use crate::engine::house::House;
use crate::engine::payments::BOOK;
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work};
use crate::store::outbox::Write;

/// Runs the command again that the error names. If it fails once more, the error opens again.
pub struct RetryError {
    house: House,
}

impl RetryError {
    /// In this house.
    pub fn new(house: House) -> Self {
        Self { house }
    }

    async fn retry(&self, work: Work) -> Outcome {
        if work.record.is_none() {
            return Outcome::nothing(); // deleted: nobody waits for it
        }
        let Some(command) = work.text("Command_Id__c") else { return Outcome::nothing() };
        if work.text("State__c") != Some("Retry Requested") {
            return Outcome::nothing();
        }
        match self.put_back(command, &work.command.record).await {
            Ok(true) => {
                self.house.commands_came.notify_waiters();
                let error =
                    Write::update("Payment_Error__c", work.command.record.as_str()).with("State__c", "Resolved");
                Outcome::Done(vec![error])
            }
            Ok(false) => {
                let error = Write::update("Payment_Error__c", work.command.record.as_str())
                    .with("State__c", "Open")
                    .with("Remedy__c", "This error names no command that can run again. Save the record that it is about, then discard the error.");
                Outcome::Done(vec![error])
            }
            Err(error) => error.into(),
        }
    }

    /// Whether there is such a command; one that is being worked on counts.
    async fn put_back(&self, command: &str, record: &SalesforceId) -> crate::store::Result<bool> {
        let now_ms = self.house.now_ms();
        let mut tx = self.house.store.begin().await?;
        let mut known = tx.run_again(command, now_ms).await? || tx.knows_command(command).await?;
        // A payment whose record Salesforce refused was booked without a command; it gets one now.
        if !known
            && command.starts_with(BOOK)
            && let Ok(id) = CommandId::parse(command)
        {
            let kind = CommandKind::BookPayment;
            tx.enqueue(&[Command { id, kind, record: record.clone(), lane: record.clone() }], now_ms).await?;
            known = true;
        }
        tx.commit().await?;
        Ok(known)
    }
}

impl Handler for RetryError {
    fn read_back(&self) -> Option<ReadBack> {
        Some(ReadBack { object: "Payment_Error__c", fields: vec!["Id", "Command_Id__c", "State__c"] })
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(self.retry(work))
    }
}
