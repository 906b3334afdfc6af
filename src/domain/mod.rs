//! Money, ids and commands: pure values with no I/O, no clock and no database.

pub mod attempt;
pub mod bank;
pub mod command;
pub mod consent;
pub mod currency;
pub mod decline;
#[cfg(test)]
mod histories;
pub mod ids;
pub mod invoice_mapping;
pub mod link;
pub mod mandate;
pub mod money;
pub mod payable;
pub mod payment;
pub mod postal;
pub mod verification;

pub use command::{Command, CommandKind, Priority};
pub use currency::Currency;
pub use ids::{ChargeId, CommandId, CustomerId, IntentId, LinkId, OrgId, RequestId, SalesforceId};
pub use invoice_mapping::InvoiceMapping;
pub use money::{Money, MoneyError};
