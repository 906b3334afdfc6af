//! The heap: what a transaction holds, weighed by a rule of thumb whenever enough was made since the last time.
//!
//! Salesforce says how much may be held and not what a thing weighs, so this finds what grows without end, not the last
//! kilobyte: a text weighs its bytes, a number up to eight, a record and an object some more than what they hold.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use super::eval::{Frame, Interp, Locals, Res};
use super::value::{Instance, Native, Val};

pub const HEAP: u64 = 6_000_000;
pub const HEAP_ASYNC: u64 = 12_000_000;
/// It is weighed anew when so much was made, whether or not it is still held.
const DUE: u64 = 250_000;
/// What a row of a query is taken for until it is weighed.
const ROW: u64 = 64;

/// Kept for as long as the transaction lasts, across all that was entered from outside.
#[derive(Default)]
pub struct Heap {
    made: Cell<u64>,
    roots: RefCell<Vec<Root>>,
}

/// What a call at work holds.
enum Root {
    Call(Locals, Option<Rc<Instance>>),
    Value(Val),
}

impl Heap {
    pub fn enter(&self, frame: &Frame) {
        self.roots.borrow_mut().push(Root::Call(frame.locals.clone(), frame.this.clone()));
    }

    pub fn hold(&self, value: Val) {
        self.roots.borrow_mut().push(Root::Value(value));
    }

    pub fn leave(&self) {
        self.roots.borrow_mut().pop();
    }

    /// Notes what an expression made.
    pub fn made(&self, value: &Val) {
        let size = match value {
            Val::Str(text) => text.len() as u64,
            Val::List(list) => ROW * list.items.borrow().len() as u64,
            _ => 16,
        };
        self.grew(size);
    }

    pub fn grew(&self, bytes: u64) {
        self.made.set(self.made.get() + bytes);
    }

    pub fn is_due(&self) -> bool {
        self.made.get() >= DUE
    }
}

pub fn heap_limit(is_async: bool) -> u64 {
    if is_async { HEAP_ASYNC } else { HEAP }
}

impl Interp<'_> {
    /// What the transaction holds now, in bytes. Ends it where that is more than it may hold.
    pub fn weigh_heap(&mut self) -> Res<u64> {
        let mut scale = Scale::default();
        for root in self.state.heap.roots.borrow().iter() {
            match root {
                Root::Call(locals, this) => {
                    locals.each(|value| scale.put(value));
                    this.iter().for_each(|this| scale.put(&Val::Object(this.clone())));
                }
                Root::Value(value) => scale.put(value),
            }
        }
        for statics in self.state.statics.borrow().values() {
            statics.values.borrow().iter().for_each(|value| scale.put(value));
        }
        let size = scale.weigh();
        self.state.heap.made.set(0);
        let spent = self.host.spent();
        spent.heap = spent.heap.max(size);
        if size > heap_limit(spent.is_async) {
            return Err(self.fatal("System.LimitException", format!("Apex heap size too large: {size}")));
        }
        Ok(size)
    }
}

/// Adds up what can be reached, each thing once.
#[derive(Default)]
struct Scale {
    seen: HashSet<usize>,
    waiting: Vec<Val>,
    bytes: u64,
}

impl Scale {
    fn put(&mut self, value: &Val) {
        self.bytes += match value {
            Val::Null => 0,
            Val::Bool(_) => 1,
            Val::Int(_) => 4,
            Val::Dec(_) => 16,
            Val::Id(_) => 18,
            Val::Str(text) if self.is_new(text.as_ptr() as usize) => text.len() as u64,
            Val::Blob(bytes) if self.is_new(Rc::as_ptr(bytes) as usize) => bytes.len() as u64,
            Val::List(_) | Val::Set(_) | Val::Map(_) | Val::SObject(_) | Val::Object(_) | Val::Native(_) => {
                self.waiting.push(value.clone());
                0
            }
            _ => 8,
        };
    }

    fn is_new(&mut self, place: usize) -> bool {
        self.seen.insert(place)
    }

    fn weigh(mut self) -> u64 {
        while let Some(value) = self.waiting.pop() {
            match &value {
                Val::List(list) if self.is_new(Rc::as_ptr(list) as usize) => {
                    let items = list.items.borrow();
                    self.bytes += 16 + 4 * items.len() as u64;
                    items.iter().for_each(|item| self.put(item));
                }
                // A key set shares the store of its map.
                Val::Set(set) if self.is_new(Rc::as_ptr(&set.store) as usize) => self.put_pairs(&set.store.pairs()),
                Val::Map(map) if self.is_new(Rc::as_ptr(&map.store) as usize) => self.put_pairs(&map.store.pairs()),
                Val::SObject(row) if self.is_new(Rc::as_ptr(row) as usize) => {
                    let row = row.borrow();
                    self.bytes += 32 + 8 * row.fields.len() as u64;
                    row.fields.iter().for_each(|(_, value)| self.put(value));
                }
                Val::Object(instance) if self.is_new(Rc::as_ptr(instance) as usize) => {
                    let fields = instance.fields.borrow();
                    self.bytes += 16 + 8 * fields.len() as u64;
                    fields.iter().for_each(|value| self.put(value));
                }
                Val::Native(native) if self.is_new(Rc::as_ptr(native) as *const u8 as usize) => match &**native {
                    Native::QueryLocator { rows } => self.put(rows),
                    Native::AccessDecision { records, .. } => self.put(records),
                    _ => self.bytes += 32,
                },
                _ => {}
            }
        }
        self.bytes
    }

    fn put_pairs(&mut self, pairs: &[(Val, Val)]) {
        self.bytes += 16 + 8 * pairs.len() as u64;
        for (key, value) in pairs {
            self.put(key);
            self.put(value);
        }
    }
}
