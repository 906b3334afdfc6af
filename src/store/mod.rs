//! All SQL: SQLite for one sidecar, PostgreSQL for several. Both run the same statements wherever the dialects agree.
//!
//! Times are milliseconds of the engine's [`SteadyClock`](crate::engine::clock::SteadyClock), ids are text, flags are 0 and 1.

pub mod attempts;
pub mod bank_letters;
pub mod banks;
pub mod commands;
pub mod customers;
mod database;
pub mod desk;
pub mod effects;
pub mod files;
pub mod hints;
pub mod intake;
mod invoices;
pub mod leases;
pub mod links;
pub mod lock;
pub mod mandates;
pub mod outbox;
pub mod overview;
mod ownerless;
pub mod payments;
pub mod receipts;
pub mod sessions;
pub mod stamp;
pub mod stored_methods;
mod sweeps;
pub mod verifications;
#[macro_use]
mod statements;

#[cfg(test)]
pub(crate) mod harness;

pub use database::{Db, Store, Tx};
pub(crate) use statements::{execute, fetch_all, fetch_one, fetch_optional, fetch_scalar};

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database answered with an error, or not at all.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The migrations could not be run.
    #[error("the database could not be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The URL names no database that we know.
    #[error("database.url is {found:?}; expected sqlite://path/to/file.db or postgres://user@host/name")]
    Url {
        /// Without a password.
        found: String,
    },
    /// SQLite does not keep what it was told to keep.
    #[error("SQLite is not durable here: {pragma} is {found}, expected {expected}")]
    NotDurable {
        /// The setting.
        pragma: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Another process runs on this database.
    #[error("another quittance runs on {path}; stop it, or use PostgreSQL, which several may share")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The lock file could not be made.
    #[error("the lock file {path} could not be made: {source}")]
    LockFile {
        /// The lock file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The work was taken from us, since we looked dead.
    #[error("this sidecar no longer holds {what}: another one took over")]
    Lost {
        /// The claim or lease.
        what: String,
    },
    /// What is stored can't be understood.
    #[error("the database holds {what} that this version does not understand: {found:?}")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// The value.
        found: String,
    },
}

/// What the store answers.
pub type Result<T> = std::result::Result<T, Error>;
