//! The steps of each kind of command.

mod book_payment;
mod charge_stored;
mod copy_link;
mod link_instead;
mod renew_link;
mod retry_error;
mod review_invoice;
mod revoke_link;
mod send_link;
mod sync_account;
mod sync_now;
mod take_payment;

pub use book_payment::BookPayment;
pub use charge_stored::ChargeStored;
pub use copy_link::CopyLink;
pub use link_instead::LinkInstead;
pub use renew_link::RenewLink;
pub use retry_error::RetryError;
pub use review_invoice::ReviewInvoice;
pub use revoke_link::RevokeLink;
pub use send_link::SendLink;
pub use sync_account::SyncAccount;
pub use sync_now::SyncNow;
pub use take_payment::TakePayment;
