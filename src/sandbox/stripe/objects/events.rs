//! `/v1/events`: the last 30 days.

use serde_json::Value;

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::World;

const KEPT_S: i64 = 30 * 86_400;

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let kind = params.filled("type")?;
    let kinds = params.list("types")?;
    let delivered = params.boolean("delivery_success")?;
    params.finish()?;
    if kind.is_some() && kinds.is_some() {
        return Err(Refusal::invalid("type and types exclude one another.").param("types"));
    }
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > 20) {
        return Err(Refusal::invalid("types can hold at most 20 names.").param("types"));
    }
    let since = world.now_s() - KEPT_S;
    let fits = |event: &Value| {
        let name = event["type"].as_str().unwrap_or_default();
        let one = kind.as_deref().is_none_or(|kind| match kind.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == kind,
        });
        let several = kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == name));
        let delivery = delivered.is_none_or(|wanted| (event["pending_webhooks"] == 0) == wanted);
        one && several && delivery
    };
    let recent = world.ledger.newest_first(Kind::Event).filter(|event| event["created"].as_i64() >= Some(since));
    page.of(world, Kind::Event, "/v1/events", recent.filter(|event| fits(event)))
}
