//! The evaluator: walks the tree with one [`Interp`] per entry from outside (a trigger's firing, a call, a job).

mod assign;
mod calls;
mod coerce;
mod expressions;
mod objects;
mod operators;
mod statements;
mod text;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use coerce::{from_double, full_id, whole};
pub use objects::Statics;
pub use operators::{compare, same_text};
pub use text::decimal_text;

use super::Runtime;
use super::ast::{ClassId, Name, Pos};
use super::heap::Heap;
use super::testing::TestState;
use super::trigger::TriggerContext;
use super::value::{ExceptionData, Instance, Val};
use crate::sandbox::org::host::{Fault, Host};
use crate::sandbox::org::schema::Schema;

/// Statements stand for CPU time: so many count as a millisecond.
pub const STATEMENTS_PER_MS: u64 = 500;
pub const CPU_MS: u64 = 10_000;
pub const CPU_MS_ASYNC: u64 = 60_000;
/// The platform allows 1,000 calls; the native stack of a debug build holds fewer.
const MAX_CALLS: usize = 120;

/// Why evaluation stopped.
#[derive(Debug)]
pub enum Thrown {
    /// An exception that a catch block may take.
    Exception(Val),
    /// A limit, a failed assertion, or something that isn't modelled: ends the transaction.
    Fatal(Box<Fault>),
}

pub type Res<T> = Result<T, Thrown>;

/// How a statement ended.
pub enum Flow {
    On,
    Break,
    Continue,
    Return(Val),
}

/// What kind of work the transaction does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Running {
    #[default]
    Request,
    Batch,
    Queueable,
    Scheduled,
}

/// Lives as long as the transaction, kept by the host.
#[derive(Default)]
pub struct State {
    pub running: Cell<Running>,
    /// Inside a component's cacheable call: nothing may be saved.
    pub read_only: Cell<bool>,
    pub statics: RefCell<HashMap<ClassId, Rc<Statics>>>,
    pub trigger_depth: Cell<u32>,
    pub heap: Heap,
    pub test: RefCell<Option<TestState>>,
}

struct Holder(Rc<State>);

pub struct Entry {
    pub label: Name,
    pub file: Name,
    pub pos: Pos,
}

pub struct Frame {
    pub locals: Locals,
    pub this: Option<Rc<Instance>>,
    pub class: Option<ClassId>,
}

/// The local variables of a call at work; whoever weighs the heap looks at them too.
#[derive(Clone)]
pub struct Locals(Rc<RefCell<Vec<Val>>>);

impl Locals {
    pub fn new(values: Vec<Val>) -> Locals {
        Locals(Rc::new(RefCell::new(values)))
    }

    pub fn each(&self, look: impl FnMut(&Val)) {
        self.0.borrow().iter().for_each(look);
    }
}

impl Frame {
    pub fn local(&self, slot: usize) -> Val {
        self.locals.0.borrow()[slot].clone()
    }

    pub fn set_local(&self, slot: usize, value: Val) {
        // The old value may end here, and it isn't dropped under the borrow.
        let old = std::mem::replace(&mut self.locals.0.borrow_mut()[slot], value);
        drop(old);
    }
}

pub struct Interp<'h> {
    pub runtime: &'h Runtime,
    pub host: &'h mut (dyn Host + 'h),
    pub state: Rc<State>,
    pub schema: Arc<Schema>,
    pub stack: Vec<Entry>,
    pub trigger: Option<Rc<TriggerContext>>,
    /// Whether the class at work enforces the user's sharing.
    pub sharing: bool,
    pub zone: TimeZone,
    /// Whether the last link of a chain was skipped by `?.`.
    pub skipped: bool,
    /// Whether the field read last was an empty lookup, through which further fields read null.
    pub empty_lookup: bool,
}

impl<'h> Interp<'h> {
    pub fn new(runtime: &'h Runtime, host: &'h mut (dyn Host + 'h)) -> Interp<'h> {
        let slot = host.runtime_state();
        let state = match slot.as_ref().and_then(|state: &Box<dyn Any>| state.downcast_ref::<Holder>()) {
            Some(holder) => holder.0.clone(),
            None => {
                let state = Rc::new(State::default());
                *slot = Some(Box::new(Holder(state.clone())));
                state
            }
        };
        let schema = host.schema();
        let zone = TimeZone::get(&host.user().time_zone).unwrap_or(TimeZone::UTC);
        Interp {
            runtime,
            host,
            state,
            schema,
            stack: Vec::new(),
            trigger: None,
            sharing: false,
            zone,
            skipped: false,
            empty_lookup: false,
        }
    }

    pub fn throw(&self, name: &str, message: impl Into<String>) -> Thrown {
        let data = ExceptionData {
            name: name.to_owned(),
            message: Some(message.into()),
            line: self.stack.last().map_or(0, |entry| entry.pos.line),
            stack: self.trace(),
            message_set: true,
            ..ExceptionData::default()
        };
        Thrown::Exception(Val::Exception(Rc::new(RefCell::new(data))))
    }

    pub fn null_pointer(&self) -> Thrown {
        self.throw("System.NullPointerException", "Attempt to de-reference a null object")
    }

    pub fn null_argument(&self) -> Thrown {
        self.throw("System.NullPointerException", "Argument cannot be null.")
    }

    pub fn fatal(&self, name: &str, message: impl Into<String>) -> Thrown {
        Thrown::Fatal(Box::new(Fault {
            exception: name.to_owned(),
            message: message.into(),
            rows: Vec::new(),
            stack: self.trace(),
            uncatchable: true,
        }))
    }

    pub fn unmodelled(&self, what: impl std::fmt::Display) -> Thrown {
        let place = self.stack.last().map_or_else(String::new, |at| format!("{}:{}: ", at.file, at.pos.line));
        self.fatal("Unmodelled", format!("{place}{what} is not modelled by the sandbox"))
    }

    /// What the compiler of the platform would have refused.
    pub fn fatal_here(&self, what: impl std::fmt::Display) -> Thrown {
        let place = self.stack.last().map_or_else(String::new, |at| format!("{}:{}: ", at.file, at.pos.line));
        self.fatal("Wrong", format!("{place}{what}"))
    }

    /// Refuses what a component's cacheable call may not do. The platform counts it against a limit of none.
    pub fn must_write(&self, what: &str) -> Res<()> {
        if !self.state.read_only.get() {
            return Ok(());
        }
        let place = self.stack.last().map_or_else(String::new, |at| format!("{}:{}: ", at.file, at.pos.line));
        let text = format!("{place}Too many DML statements: 1 ({what} inside @AuraEnabled(cacheable=true))");
        Err(self.fatal("System.LimitException", text))
    }

    /// Innermost first, as `getStackTraceString` shows it.
    pub fn trace(&self) -> Vec<String> {
        let line = |entry: &Entry| format!("{}: line {}, column {}", entry.label, entry.pos.line, entry.pos.column);
        self.stack.iter().rev().map(line).collect()
    }

    /// A fault from the org, as the program sees it.
    pub fn thrown_by(&self, fault: Fault) -> Thrown {
        if fault.uncatchable {
            return Thrown::Fatal(Box::new(fault));
        }
        let data = ExceptionData {
            name: fault.exception,
            message: Some(fault.message),
            rows: fault.rows,
            line: self.stack.last().map_or(0, |entry| entry.pos.line),
            stack: self.trace(),
            message_set: true,
            ..ExceptionData::default()
        };
        Thrown::Exception(Val::Exception(Rc::new(RefCell::new(data))))
    }

    /// What leaves the runtime when nobody caught it.
    pub fn fault_of(&self, thrown: Thrown) -> Fault {
        let value = match thrown {
            Thrown::Fatal(fault) => return *fault,
            Thrown::Exception(value) => value,
        };
        let Some((exception, data)) = self.exception_data(&value) else {
            return Fault {
                exception: "System.UnexpectedException".to_owned(),
                message: "something that is not an exception was thrown".to_owned(),
                rows: Vec::new(),
                stack: Vec::new(),
                uncatchable: false,
            };
        };
        let message = match (&data.message, exception.ends_with("AuraHandledException")) {
            (Some(message), _) => message.clone(),
            (None, _) => "Script-thrown exception".to_owned(),
        };
        Fault { exception, message, rows: data.rows, stack: data.stack, uncatchable: false }
    }

    /// An exception's type name and a copy of what it carries.
    pub fn exception_data(&self, value: &Val) -> Option<(String, ExceptionData)> {
        match value {
            Val::Exception(data) => {
                let data = data.borrow().clone();
                Some((data.name.clone(), data))
            }
            Val::Object(instance) => {
                let data = instance.exception.as_ref()?.borrow().clone();
                Some((self.runtime.class(instance.class).name.to_string(), data))
            }
            _ => None,
        }
    }

    pub fn tick(&mut self) -> Res<()> {
        let spent = self.host.spent();
        spent.cpu_statements += 1;
        let limit = if spent.is_async { CPU_MS_ASYNC } else { CPU_MS };
        if spent.cpu_statements > limit * STATEMENTS_PER_MS {
            return Err(self.fatal("System.LimitException", "Apex CPU time limit exceeded"));
        }
        if self.state.heap.is_due() {
            self.weigh_heap()?;
        }
        Ok(())
    }

    pub fn at(&mut self, pos: Pos) {
        if let Some(entry) = self.stack.last_mut() {
            entry.pos = pos;
        }
    }
}
