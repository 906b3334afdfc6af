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

    /// All objects of a kind, newest first, from where this page can begin: later pages don't read the earlier ones.
    pub fn all<'a>(&self, world: &'a World, kind: Kind) -> impl Iterator<Item = &'a Value> {
        let cursor = self.starting_after.as_deref().and_then(|id| world.ledger.sequence(kind, id));
        world.ledger.newest_first_below(kind, cursor)
    }

    /// Cuts the page out of `items`, which come newest first.
    pub fn of<'a>(&self, world: &World, kind: Kind, url: &str, items: impl Iterator<Item = &'a Value>) -> Answer {
        let place = |id: &str| {
            let kind = Kind::of_id(id).unwrap_or(kind);
            world.ledger.sequence(kind, id).ok_or_else(|| Refusal::no_such_param(kind.name(), id, "starting_after"))
        };
        let place_of = |item: &Value| place(item["id"].as_str().unwrap_or_default()).unwrap_or_default();
        let older_than = self.starting_after.as_deref().map(place).transpose()?;
        let newer_than = self.ending_before.as_deref().map(place).transpose()?;
        let mut found = items
            .skip_while(|item| older_than.is_some_and(|cursor| place_of(item) >= cursor))
            .take_while(|item| newer_than.is_none_or(|cursor| place_of(item) > cursor))
            .filter(|item| item["created"].as_i64().is_none_or(|created| self.created.holds(created)));
        let (data, has_more) = if newer_than.is_some() {
            // Backwards: the ones next to the cursor, still newest first.
            let mut all: Vec<&Value> = found.collect();
            let surplus = all.len().saturating_sub(self.limit);
            all.drain(..surplus);
            (all, surplus > 0)
        } else {
            let data: Vec<&Value> = found.by_ref().take(self.limit).collect();
            (data, found.next().is_some())
        };
        let data: Vec<Value> = data.into_iter().map(public).collect();
        Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
    }
}
