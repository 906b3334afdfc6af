//! A link is made and mailed.

use std::time::Duration;

use crate::domain::Command;
use crate::engine::links::{Error, Links};
use crate::engine::payments::{Error as PaymentsError, OrgError};
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work, trouble};
use crate::store::commands::Trouble;
use crate::store::outbox::{Notice, Write, cut};

/// How long until a charge that could not be begun or read is looked at again.
const NOT_NOW: Duration = Duration::from_secs(5);

/// Makes the link, hands its mail over, and answers the request.
pub struct SendLink(pub Links);

impl Handler for SendLink {
    // The request names its link by a relationship, so it is read by a query of its own.
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let done = async {
                let request = self.0.request(&work.command.record).await?;
                self.0.send(&request).await
            };
            answered(done.await, &work.command)
        })
    }
}

/// How a try of a request's command ended. Given up, the clerk who waits on the request hears of it too.
pub(super) fn answered(result: Result<(), Error>, command: &Command) -> Outcome {
    let failed = |trouble: &Trouble| {
        let request = command.id.as_str().split_once(':').map_or("", |(_, id)| id);
        let notice =
            Notice { record_id: command.lane.to_string(), request_id: request.to_owned(), state: "failed".into() };
        Write::update("Payment_Request__c", command.record.as_str())
            .with("State__c", "Failed")
            .with("Sentence__c", cut(&format!("{} {}", trouble.sentence, trouble.remedy), 255))
            .telling(notice)
    };
    match ended(result) {
        Outcome::GiveUp { trouble, mut writes } => {
            writes.push(failed(&trouble));
            Outcome::GiveUp { trouble, writes }
        }
        Outcome::Later { trouble, after, counts, mut if_given_up } => {
            if_given_up.push(failed(&trouble));
            Outcome::Later { trouble, after, counts, if_given_up }
        }
        done => done,
    }
}

/// How a try ended. Its writes are in the outbox already.
pub(super) fn ended(result: Result<(), Error>) -> Outcome {
    match result {
        Ok(()) => Outcome::nothing(),
        Err(error) => outcome(error),
    }
}

fn outcome(error: Error) -> Outcome {
    let passing = error.is_passing();
    match error {
        Error::Store(error) => error.into(),
        // Not counted: one that has begun is followed to its end, and one that hasn't runs out by its own time.
        Error::NotNow(why) => Outcome::Later {
            trouble: trouble("charge_unknown", why, "It is tried again by itself."),
            after: Some(NOT_NOW),
            counts: false,
            if_given_up: Vec::new(),
        },
        Error::Payments(PaymentsError::Stripe(error)) => error.into(),
        Error::Payments(PaymentsError::Store(error)) => error.into(),
        Error::Payments(PaymentsError::Org(error @ (OrgError::TooSlow { .. } | OrgError::Failed(_)))) => {
            Outcome::later("salesforce_unreachable", error.to_string(), "It is tried again by itself.")
        }
        Error::Mail(error) if passing => Outcome::Later {
            trouble: trouble("mail", error.to_string(), "It is tried again by itself; look at the mail server."),
            after: None,
            counts: true,
            if_given_up: Vec::new(),
        },
        Error::Mail(error) => {
            Outcome::give_up("mail", error.to_string(), "Correct the mail settings or the address, then press Retry.")
        }
        // Nobody waits for it, and there is no record to write on.
        Error::Gone { record } => {
            tracing::warn!(record, "a command names a request that is not in the org; nothing is done");
            Outcome::nothing()
        }
        Error::Request { .. } | Error::Payments(_) => {
            Outcome::give_up("request", error.to_string(), "Correct the record that is named, then press Retry.")
        }
    }
}
