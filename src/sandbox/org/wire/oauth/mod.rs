//! Who may come in: registered clients, their tokens, and the sessions behind them.

mod clients;
mod jwt;
mod pem;
mod sessions;

pub use clients::{Client, Clients, Reply, Request};
pub use pem::{KeyError, PublicKey};
pub use sessions::{Session, Sessions};

/// The private key of the sandbox's own client.
#[cfg(test)]
pub(crate) const SANDBOX_PRIVATE_KEY: &str = include_str!("../../../keys/client.pem");
/// The public half of [`SANDBOX_PRIVATE_KEY`].
#[cfg(test)]
pub(crate) const SANDBOX_PUBLIC_KEY: &str = include_str!("../../../keys/client.pub.pem");
