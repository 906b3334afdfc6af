//! Lists: newest first, cursors, `created` ranges.

use serde_json::{Value, json};

use super::params::Params;
use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::world::{World, public};

/// `created=…` or `created[gte]=…` and its kin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl Range {
    pub fn take(params: &mut Params, name: &str) -> Result<Range, Refusal> {
        if !params.has(name) {
            return Ok(Range::default());
        }
        if let Ok(Some(exact)) = params.clone_of(name).integer(name) {
            params.forget(name);
            return Ok(Range { gte: Some(exact), lte: Some(exact), ..Range::default() });
        }
        let Some(mut child) = params.child(name)? else { return Ok(Range::default()) };
        let range = Range {
            gt: child.integer("gt")?,
            gte: child.integer("gte")?,
            lt: child.integer("lt")?,
            lte: child.integer("lte")?,
        };
        child.finish()?;
        Ok(range)
    }

    pub fn holds(&self, value: i64) -> bool {
        self.gt.is_none_or(|bound| value > bound)
            && self.gte.is_none_or(|bound| value >= bound)
            && self.lt.is_none_or(|bound| value < bound)
            && self.lte.is_none_or(|bound| value <= bound)
    }
}

/// The part of a list request that all lists share.
#[derive(Debug)]
pub struct Page {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
    created: Range,
}

impl Page {
    pub fn take(params: &mut Params) -> Result<Page, Refusal> {
        let limit = params.integer("limit")?.unwrap_or(10);
        if !(1..=100).contains(&limit) {
            return Err(Refusal::invalid("This value must be between 1 and 100 (inclusive).").param("limit"));
        }
        let page = Page {
            limit: limit as usize,
            starting_after: params.filled("starting_after")?,
            ending_before: params.filled("ending_before")?,
            created: Range::take(params, "created")?,
        };
        if page.starting_after.is_some() && page.ending_before.is_some() {
            return Err(Refusal::invalid("starting_after and ending_before exclude one another."));
        }
        Ok(page)
    }

    /// Cuts the page out of `items`, which come newest first.
    pub fn of<'a>(&self, world: &World, kind: Kind, url: &str, items: impl Iterator<Item = &'a Value>) -> Answer {
        self.of_shown(world, kind, url, items, public)
    }

    pub fn of_shown<'a>(
        &self,
        world: &World,
        kind: Kind,
        url: &str,
        items: impl Iterator<Item = &'a Value>,
        show: impl Fn(&Value) -> Value,
    ) -> Answer {
        let cursor = |id: &Option<String>, param: &str| match id {
            None => Ok(None),
            Some(id) => {
                let kind = Kind::of_id(id).unwrap_or(kind);
                let sequence = world.ledger.sequence(kind, id);
                sequence.map(Some).ok_or_else(|| Refusal::no_such_param(kind.name(), id, param))
            }
        };
        let older_than = cursor(&self.starting_after, "starting_after")?;
        let newer_than = cursor(&self.ending_before, "ending_before")?;
        let place = |item: &Value| {
            let id = item["id"].as_str().unwrap_or_default();
            world.ledger.sequence(Kind::of_id(id).unwrap_or(kind), id).unwrap_or_default()
        };
        let mut found: Vec<&Value> = items
            .filter(|item| item["created"].as_i64().is_none_or(|created| self.created.holds(created)))
            .filter(|item| older_than.is_none_or(|cursor| place(item) < cursor))
            .filter(|item| newer_than.is_none_or(|cursor| place(item) > cursor))
            .collect();
        let has_more = found.len() > self.limit;
        if newer_than.is_some() {
            // Backwards: the ones next to the cursor, still newest first.
            found.drain(..found.len().saturating_sub(self.limit));
        } else {
            found.truncate(self.limit);
        }
        let data: Vec<Value> = found.into_iter().map(show).collect();
        Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
    }
}
