//! Money, ids and commands: pure values with no I/O, no clock and no database.

pub mod attempt;
pub mod command;
pub mod currency;
pub mod decline;
pub mod ids;
pub mod link;
pub mod money;
pub mod payable;
pub mod payment;
pub mod postal;

pub use command::{Command, CommandKind, Priority};
pub use currency::Currency;
pub use ids::{ChargeId, CommandId, CustomerId, IntentId, LinkId, OrgId, RequestId, SalesforceId};
pub use money::{Money, MoneyError};
