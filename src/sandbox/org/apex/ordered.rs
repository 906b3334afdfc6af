//! A map that keeps the order of insertion: the store of Apex's sets and maps.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::ast::Name;
use super::value::Val;

/// What two keys are compared by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Null,
    Number(i64),
    Text(Name),
    Other(String),
    Many(Vec<Key>),
    /// An object without `equals`: the place in memory.
    Place(usize),
}

#[derive(Debug, Default)]
pub struct OrderedMap {
    inner: RefCell<Inner>,
    /// How many loops are running over it: it can't be changed while any is.
    pub iterating: Cell<u32>,
}

#[derive(Debug, Default)]
struct Inner {
    places: HashMap<Key, usize>,
    /// Removed entries leave a gap until the next compaction.
    entries: Vec<Option<(Val, Val)>>,
}

impl OrderedMap {
    pub fn len(&self) -> usize {
        self.inner.borrow().places.len()
    }

    pub fn contains(&self, key: &Val) -> bool {
        self.inner.borrow().places.contains_key(&key.key())
    }

    pub fn get(&self, key: &Val) -> Option<Val> {
        let inner = self.inner.borrow();
        let at = *inner.places.get(&key.key())?;
        inner.entries[at].as_ref().map(|(_, value)| value.clone())
    }

    /// Returns the value that was there.
    pub fn insert(&self, key: Val, value: Val) -> Option<Val> {
        let inner = &mut *self.inner.borrow_mut();
        let by = key.key();
        if let Some(at) = inner.places.get(&by) {
            let entry = inner.entries[*at].as_mut()?;
            return Some(std::mem::replace(&mut entry.1, value));
        }
        inner.places.insert(by, inner.entries.len());
        inner.entries.push(Some((key, value)));
        None
    }

    pub fn remove(&self, key: &Val) -> Option<Val> {
        let inner = &mut *self.inner.borrow_mut();
        let at = inner.places.remove(&key.key())?;
        let (_, value) = inner.entries[at].take()?;
        if inner.entries.len() > 32 && inner.entries.len() > inner.places.len() * 2 {
            let mut to = vec![0; inner.entries.len()];
            let mut next = 0;
            for (from, entry) in inner.entries.iter().enumerate() {
                to[from] = next;
                next += usize::from(entry.is_some());
            }
            inner.places.values_mut().for_each(|place| *place = to[*place]);
            inner.entries.retain(Option::is_some);
        }
        Some(value)
    }

    pub fn clear(&self) {
        *self.inner.borrow_mut() = Inner::default();
    }

    pub fn keys(&self) -> Vec<Val> {
        self.inner.borrow().entries.iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    pub fn values(&self) -> Vec<Val> {
        self.inner.borrow().entries.iter().flatten().map(|(_, value)| value.clone()).collect()
    }

    pub fn pairs(&self) -> Vec<(Val, Val)> {
        self.inner.borrow().entries.iter().flatten().cloned().collect()
    }
}
