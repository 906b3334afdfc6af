//! Which resource answers a call.

use std::sync::Arc;

use http::Method;

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::query::Cursors;
use super::{collections, describe, query, resources, sobject};
use crate::sandbox::org::bus::Bus;
use crate::sandbox::org::host::Host;
use crate::sandbox::org::wire::usage::{Kind, Usage};

/// The REST API of one org, apart from the org itself.
pub struct Api {
    pub bus: Arc<Bus>,
    pub usage: Arc<Usage>,
    pub cursors: Cursors,
}

impl Api {
    /// Answers anything but a Composite, inside a transaction. `whole` is an outer Composite's allOrNone.
    pub fn answer(&self, host: &mut dyn Host, call: &Call, whole: bool) -> Result<Answer, Refusal> {
        match call.segments().as_slice() {
            [] => Ok(resources::index(call)),
            ["limits"] => resources::limits(call, &self.usage, &self.bus),
            ["query" | "queryAll"] | ["query" | "queryAll", _] => query::answer(host, &self.cursors, call),
            ["event", "eventSchema", _] | ["sobjects", _, "eventSchema"] => {
                resources::event_schema(host, call, &self.bus)
            }
            ["sobjects"] if call.method == Method::GET => Ok(describe::all(host, call)),
            ["sobjects", name] if call.method == Method::GET => {
                Ok(describe::basic(host, call, sobject::object(host, &host.schema(), name)?))
            }
            ["sobjects", name, "describe"] if call.method == Method::GET => {
                Ok(describe::object(host, call, sobject::object(host, &host.schema(), name)?))
            }
            ["sobjects", _] | ["sobjects", _, _] | ["sobjects", _, _, _] => sobject::answer(host, call),
            ["composite", "sobjects", ..] => collections::answer(host, call, whole),
            _ => Err(Refusal::not_found()),
        }
    }

    /// What a call counts as.
    pub fn kind(call: &Call) -> Kind {
        match (call.segments().as_slice(), &call.method) {
            (["composite"], _) => Kind::Composite,
            (["query" | "queryAll", ..], _) => Kind::Query,
            (["composite", "sobjects", _], &Method::GET | &Method::POST) => Kind::Retrieve,
            (["composite", "sobjects", ..], _) => Kind::Collection,
            (["sobjects", _, "describe"] | ["sobjects"], &Method::GET) => Kind::Describe,
            (["sobjects", _, "eventSchema"] | ["event", ..], _) => Kind::Describe,
            (["sobjects", ..], &Method::GET) => Kind::Read,
            (["sobjects", ..], _) => Kind::Write,
            _ => Kind::Other,
        }
    }
}
