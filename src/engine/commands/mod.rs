//! The steps of each kind of command.

mod retry_error;
mod sync_account;

pub use retry_error::RetryError;
pub use sync_account::SyncAccount;
