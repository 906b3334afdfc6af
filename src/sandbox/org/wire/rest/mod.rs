//! The REST API: one call in, one answer out, inside a transaction of the org.

mod answer;
mod api;
mod call;
mod collections;
mod composite;
mod describe;
mod query;
mod resources;
mod select;
mod sobject;
mod values;

pub use answer::{Answer, Body, Refusal};
pub use api::Api;
pub use call::{Call, parameters};
pub use composite::Composite;
pub use query::Cursors;
pub use resources::versions;
pub use values::record_json;
