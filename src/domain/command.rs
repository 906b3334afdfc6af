//! What Salesforce asks us to do: a kind and ids, never data.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::{CommandId, SalesforceId};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// Make or update the Stripe Customer of an Account.
    SyncAccount,
    /// Make a payment link and mail it.
    SendLink,
    /// Register a link whose token the clerk holds.
    CopyLink,
    /// Open the page on which a clerk takes a payment.
    TakePayment,
    /// Revoke a link.
    RevokeLink,
    /// Charge what a customer stored, while the customer is away.
    ChargeStored,
    /// Run the sweep.
    SyncNow,
    /// Look whether what is open on an invoice still fits.
    ReviewInvoice,
    /// Run the command again that a Payment Error names.
    RetryError,
    /// Our own: read a payment at Stripe again and book what is true. Its record is the org's; its id names the intent.
    BookPayment,
    /// Our own: mail a fresh link, as its page was asked to. Its record is the invoice; its id names the links.
    RenewLink,
    /// Our own: mail the customer a link, because a clerk's page asked for it. Its record is the request behind that page.
    LinkInstead,
}

/// Who waits: a person, or nobody in particular. Smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits.
    Interactive,
    /// A backlog.
    Bulk,
}

impl Priority {
    /// As stored.
    pub fn number(self) -> i64 {
        match self {
            Self::Interactive => 0,
            Self::Bulk => 10,
        }
    }
}

impl CommandKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SyncAccount,
        Self::SendLink,
        Self::CopyLink,
        Self::TakePayment,
        Self::RevokeLink,
        Self::ChargeStored,
        Self::SyncNow,
        Self::ReviewInvoice,
        Self::RetryError,
        Self::BookPayment,
        Self::RenewLink,
        Self::LinkInstead,
    ];

    /// As written in events and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::SyncAccount => "sync_account",
            Self::SendLink => "send_link",
            Self::CopyLink => "copy_link",
            Self::TakePayment => "take_payment",
            Self::RevokeLink => "revoke_link",
            Self::ChargeStored => "charge_stored",
            Self::SyncNow => "sync_now",
            Self::ReviewInvoice => "review_invoice",
            Self::RetryError => "retry_error",
            Self::BookPayment => "book_payment",
            Self::RenewLink => "renew_link",
            Self::LinkInstead => "link_instead",
        }
    }

    /// By its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it may come from the bus. What is our own can't be forged from there.
    pub fn from_salesforce(self) -> bool {
        !matches!(self, Self::BookPayment | Self::RenewLink | Self::LinkInstead)
    }

    /// Who waits for it.
    pub fn priority(self) -> Priority {
        match self {
            Self::SyncAccount => Priority::Bulk,
            _ => Priority::Interactive,
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Names it, and dedupes it while it is undone.
    pub id: CommandId,
    /// What to do.
    pub kind: CommandKind,
    /// The record to read back first.
    pub record: SalesforceId,
    /// The account or invoice whose order is kept.
    pub lane: SalesforceId,
}

/// A command in an event that can't be understood; the others of the event are done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("command {place} of the event can't be understood: {why}")]
pub struct BadCommand {
    /// Which one, from 1.
    pub place: usize,
    /// Why.
    pub why: String,
}

/// Why the whole text can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON of the shape.
    #[error("the event's commands are not the JSON that we expect: {0}")]
    NotJson(String),
    /// From a newer package.
    #[error("the event has version {0} and this daemon understands version 1; upgrade the daemon")]
    Version(i64),
}

#[derive(Deserialize)]
struct Packed {
    v: i64,
    commands: Vec<Value>,
}

#[derive(Deserialize)]
struct Written {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    record: String,
    lane: String,
}

/// Reads the commands of one event. One that can't be understood does not take the others with it.
pub fn unpack(json: &str) -> Result<(Vec<Command>, Vec<BadCommand>), BadEvent> {
    let packed: Packed = serde_json::from_str(json).map_err(|error| BadEvent::NotJson(error.to_string()))?;
    if packed.v != 1 {
        return Err(BadEvent::Version(packed.v));
    }
    let mut commands = Vec::with_capacity(packed.commands.len());
    let mut bad = Vec::new();
    for (index, value) in packed.commands.into_iter().enumerate() {
        match understand(value) {
            Ok(command) => commands.push(command),
            Err(why) => bad.push(BadCommand { place: index + 1, why }),
        }
    }
    Ok((commands, bad))
}

fn understand(value: Value) -> Result<Command, String> {
    let written: Written = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let kind = CommandKind::from_name(&written.kind)
        .filter(|kind| kind.from_salesforce())
        .ok_or_else(|| format!("there is no command type {:?}", written.kind))?;
    Ok(Command {
        id: CommandId::parse(&written.id).map_err(|error| error.to_string())?,
        kind,
        record: SalesforceId::parse(&written.record).map_err(|error| error.to_string())?,
        lane: SalesforceId::parse(&written.lane).map_err(|error| error.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_contract_is_understood() {
        let (commands, bad) = unpack(include_str!("../../proto/examples/commands.json")).unwrap();
        assert_eq!(bad, []);
        let kinds: Vec<_> = commands.iter().map(|command| command.kind).collect();
        for kind in CommandKind::ALL.into_iter().filter(|kind| kind.from_salesforce()) {
            assert!(kinds.contains(&kind), "no example of {kind}");
        }
    }

    #[test]
    fn one_bad_command_does_not_take_the_others_with_it() {
        let json = r#"{"v":1,"commands":[
            {"id":"a:1","type":"sync_account","record":"001D000000IqhSL","lane":"001D000000IqhSL"},
            {"id":"b","type":"drop_tables","record":"001D000000IqhSL","lane":"001D000000IqhSL"},
            {"id":"c","type":"book_payment","record":"001D000000IqhSL","lane":"001D000000IqhSL"},
            {"id":"renew:d:e","type":"renew_link","record":"001D000000IqhSL","lane":"001D000000IqhSL"},
            {"id":"instead:f","type":"link_instead","record":"001D000000IqhSL","lane":"001D000000IqhSL"},
            7]}"#;
        let (commands, bad) = unpack(json).unwrap();
        assert_eq!(commands.len(), 1);
        assert_eq!(bad.iter().map(|one| one.place).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        assert_eq!(unpack(r#"{"v":2,"commands":[]}"#), Err(BadEvent::Version(2)));
        assert!(matches!(unpack("[]"), Err(BadEvent::NotJson(_))));
    }
}
