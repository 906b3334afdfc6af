//! What the worker hands to a command's steps, and what they answer.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::domain::{Command, CommandKind};
use crate::salesforce;
use crate::store;
use crate::store::commands::Trouble;
use crate::store::outbox::Write;
use crate::stripe;

/// A future that a handler returns.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One command to be done now.
#[derive(Clone, Debug)]
pub struct Work {
    /// The command.
    pub command: Command,
    /// Its run, from 1.
    pub run: i64,
    /// How many tries of this run failed before.
    pub attempts: i64,
    /// The record as read a moment ago; `None` where it is deleted or not visible, or where the handler reads for itself.
    pub record: Option<Map<String, Value>>,
    /// The steady clock.
    pub now_ms: i64,
}

impl Work {
    /// A text field of the record; blank is `None`.
    pub fn text(&self, field: &str) -> Option<&str> {
        let value = self.record.as_ref()?.get(field)?.as_str()?;
        (!value.trim().is_empty()).then_some(value)
    }
}

/// What a handler wants read back before it is called.
#[derive(Clone, Debug)]
pub struct ReadBack {
    /// The object of the command's record.
    pub object: &'static str,
    /// Its fields.
    pub fields: Vec<&'static str>,
}

/// How a try ended.
#[derive(Debug)]
pub enum Outcome {
    /// Done. The writes go into the outbox in the transaction that ends the command.
    Done(Vec<Write>),
    /// It may pass: again later. If that was the last try, `if_given_up` is written too.
    Later {
        /// Why.
        trouble: Trouble,
        /// Not before so long.
        after: Option<Duration>,
        /// Whether the try counts towards giving up; a rate limit or a lost lease does not.
        counts: bool,
        /// What else to write if it is given up now.
        if_given_up: Vec<Write>,
    },
    /// It can't be done as things are: dead letter and Payment Error, and these writes.
    GiveUp {
        /// Why.
        trouble: Trouble,
        /// What else to write.
        writes: Vec<Write>,
    },
}

impl Outcome {
    /// Done, with nothing to write.
    pub fn nothing() -> Self {
        Self::Done(Vec::new())
    }

    /// Again later, counted.
    pub fn later(code: &str, sentence: impl Into<String>, remedy: &str) -> Self {
        Self::Later { trouble: trouble(code, sentence, remedy), after: None, counts: true, if_given_up: Vec::new() }
    }

    /// Given up.
    pub fn give_up(code: &str, sentence: impl Into<String>, remedy: &str) -> Self {
        Self::GiveUp { trouble: trouble(code, sentence, remedy), writes: Vec::new() }
    }
}

/// A trouble from its parts.
pub fn trouble(code: &str, sentence: impl Into<String>, remedy: &str) -> Trouble {
    Trouble { code: code.to_owned(), sentence: sentence.into(), remedy: remedy.to_owned() }
}

impl From<store::Error> for Outcome {
    fn from(error: store::Error) -> Self {
        Self::later(
            "database",
            error.to_string(),
            "Look at the daemon's database; the command is tried again by itself.",
        )
    }
}

impl From<salesforce::Error> for Outcome {
    fn from(error: salesforce::Error) -> Self {
        use salesforce::Class;
        let trouble = trouble(&error.code(), error.to_string(), error.remedy());
        match error.class() {
            Class::Refused => Self::GiveUp { trouble, writes: Vec::new() },
            Class::Later => {
                Self::Later { trouble, after: Some(Duration::from_secs(900)), counts: false, if_given_up: Vec::new() }
            }
            Class::Retry | Class::Permission | Class::Session => {
                Self::Later { trouble, after: None, counts: true, if_given_up: Vec::new() }
            }
        }
    }
}

impl From<stripe::Error> for Outcome {
    fn from(error: stripe::Error) -> Self {
        let code = error.code().unwrap_or("stripe").to_owned();
        let sentence = error.to_string();
        match (error.retry(), &error) {
            (stripe::Retry::SameKey { after }, stripe::Error::TooFast { .. } | stripe::Error::Busy { .. }) => {
                Self::Later {
                    trouble: trouble("stripe_busy", sentence, "It is tried again by itself."),
                    after: Some(after),
                    counts: false,
                    if_given_up: Vec::new(),
                }
            }
            (stripe::Retry::SameKey { after }, _) => Self::Later {
                trouble: trouble("stripe_unreachable", sentence, "It is tried again by itself; see status.stripe.com."),
                after: Some(after),
                counts: true,
                if_given_up: Vec::new(),
            },
            (stripe::Retry::Never, stripe::Error::NotAllowed { .. }) => Self::Later {
                trouble: trouble(
                    "stripe_key",
                    sentence,
                    "Give the daemon a Stripe key with the rights that quittance check lists.",
                ),
                after: Some(Duration::from_secs(300)),
                counts: true,
                if_given_up: Vec::new(),
            },
            (stripe::Retry::Never, _) => {
                Self::give_up(&code, sentence, "Correct what Stripe names in the sentence, then press Retry.")
            }
        }
    }
}

/// The steps of one kind of command.
pub trait Handler: Send + Sync {
    /// What to read back first, batched with others of the kind.
    fn read_back(&self) -> Option<ReadBack>;
    /// Does it. Called again after a crash at any point, with the same run.
    fn run(&self, work: Work) -> Doing<'_>;
}

/// Which handler does which kind.
#[derive(Clone, Default)]
pub struct Registry(HashMap<CommandKind, Arc<dyn Handler>>);

impl Registry {
    /// Adds one.
    pub fn with(mut self, kind: CommandKind, handler: impl Handler + 'static) -> Self {
        self.0.insert(kind, Arc::new(handler));
        self
    }

    /// Finds one.
    pub fn get(&self, kind: CommandKind) -> Option<&Arc<dyn Handler>> {
        self.0.get(&kind)
    }
}
