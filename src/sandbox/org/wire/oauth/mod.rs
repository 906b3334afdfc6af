//! Who may come in: registered clients, their tokens, and the sessions behind them.

mod clients;
mod jwt;
mod pem;
mod sessions;

pub use clients::{Client, Clients, Reply, Request};
pub use pem::{KeyError, PublicKey};
pub use sessions::{Session, Sessions};

/// The private key that the sandbox's own client signs with. It opens nothing but a sandbox.
pub const SANDBOX_PRIVATE_KEY: &str = include_str!("sandbox_client_key.pem");
/// The public half of [`SANDBOX_PRIVATE_KEY`].
pub const SANDBOX_PUBLIC_KEY: &str = include_str!("sandbox_client_public_key.pem");
