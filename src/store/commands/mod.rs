//! The durable queue.
//!
//! Order is kept within a lane: only the oldest undone command of a lane can be claimed, and one at a time. A command that
//! waits for its next try holds its own lane and no other; a dead one holds nothing.

mod dead_letters;
mod queue;
#[cfg(test)]
pub(crate) mod tests;

pub use self::dead_letters::{DeadLetter, Trouble};
pub use self::queue::Claimed;
use super::{Error, Result};

/// Whether the row was still this sidecar's, or who took it has lost it to another.
fn held(touched: u64, claimed: &Claimed) -> Result<()> {
    if touched == 1 { Ok(()) } else { Err(Error::Lost { what: format!("command {}", claimed.command.id) }) }
}
