//! The Apex runtime: parses the package's classes and triggers and runs them against the org's database.
//!
//! It knows no package by name. What it doesn't model ends the transaction with an `Unmodelled` fault that names file
//! and line; nothing is skipped in silence.

mod ast;
mod calendar;
mod collections;
mod coverage;
mod crypto;
mod databases;
mod decimals;
mod describe;
mod eval;
mod exceptions;
mod frozen;
mod heap;
mod jobs;
mod json;
mod lightning;
mod lower;
mod methods;
mod ordered;
mod patterns;
mod platform;
mod rows;
mod security;
mod sight;
mod sobjects;
mod soql;
mod strings;
mod testing;
#[cfg(test)]
mod tests;
mod trigger;
mod value;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use ast::{Class, ClassId, Field, Trigger, Type};
pub use coverage::{FileCoverage, Use};
pub use eval::{CPU_MS, STATEMENTS_PER_MS};
pub use lower::LoadError;

use super::host::{Fault, Host, Job, JobStep, Program, TriggerCall, TriggerOp};

/// The loaded program.
#[derive(Debug)]
pub struct Runtime {
    classes: Vec<Class>,
    by_name: HashMap<String, ClassId>,
    triggers: Vec<Arc<Trigger>>,
    coverage: coverage::Coverage,
}

impl Runtime {
    /// Parses all `*.cls` and `*.trigger` files beneath `dirs`. Fails on the first one that isn't Apex or uses what the
    /// runtime doesn't model.
    pub fn load(dirs: &[PathBuf]) -> Result<Runtime, LoadError> {
        lower::load(dirs).map(Runtime::from_loaded)
    }

    /// The same from texts: file name and content.
    pub fn load_texts(texts: Vec<(String, String)>) -> Result<Runtime, LoadError> {
        lower::load_texts(texts).map(Runtime::from_loaded)
    }

    fn from_loaded(loaded: lower::Loaded) -> Runtime {
        let triggers = loaded.triggers.into_iter().map(Arc::new).collect();
        let coverage = coverage::Coverage::new(loaded.marks);
        Runtime { classes: loaded.classes, by_name: loaded.by_name, triggers, coverage }
    }

    fn class(&self, id: ClassId) -> &Class {
        &self.classes[id]
    }

    fn class_named(&self, name: &str) -> Option<&Class> {
        self.by_name.get(&name.to_lowercase()).map(|id| &self.classes[*id])
    }

    fn parent(&self, class: ClassId) -> Option<ClassId> {
        match self.class(class).superclass {
            Some(Type::Class(parent)) => Some(parent),
            _ => None,
        }
    }

    fn extends(&self, class: ClassId, of: ClassId) -> bool {
        class == of || self.parent(class).is_some_and(|parent| self.extends(parent, of))
    }

    /// How many steps up from `class` to its superclass or interface `of`.
    fn steps(&self, class: ClassId, of: ClassId) -> Option<u32> {
        if class == of {
            return Some(0);
        }
        let declared = self.class(class);
        declared
            .superclass
            .iter()
            .chain(&declared.interfaces)
            .filter_map(|up| match up {
                Type::Class(up) => self.steps(*up, of).map(|steps| steps + 1),
                _ => None,
            })
            .min()
    }

    fn has_method(&self, class: ClassId, name: &str) -> bool {
        self.class(class).methods.contains_key(name)
            || self.parent(class).is_some_and(|parent| self.has_method(parent, name))
    }

    fn instance_field(&self, class: ClassId, name: &str) -> Option<(&Class, &Field)> {
        let declared = self.class(class);
        match declared.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) {
            Some(field) => Some((declared, field)),
            None => self.instance_field(self.parent(class)?, name),
        }
    }

    fn is_exception(&self, class: ClassId) -> bool {
        match self.class(class).superclass {
            Some(Type::Exception(_)) => true,
            Some(Type::Class(parent)) => self.is_exception(parent),
            _ => false,
        }
    }

    fn exception_is(&self, class: ClassId, of: &str) -> bool {
        match &self.class(class).superclass {
            Some(Type::Exception(name)) => of == "Exception" || name.eq_ignore_ascii_case(of),
            Some(Type::Class(parent)) => self.exception_is(*parent, of),
            _ => false,
        }
    }

    /// Whether a class implements a platform interface, given without namespace and in lower case.
    fn implements(&self, class: ClassId, interface: &str) -> bool {
        let declared = self.class(class);
        declared.superclass.iter().chain(&declared.interfaces).any(|up| match up {
            Type::Native(name) => &**name == interface,
            Type::Iterable => interface == "iterable",
            Type::Class(up) => self.implements(*up, interface),
            _ => false,
        })
    }
}

impl Program for Runtime {
    fn has_trigger(&self, object: &str, operation: TriggerOp) -> bool {
        self.triggers
            .iter()
            .any(|trigger| trigger.object.eq_ignore_ascii_case(object) && trigger.operations.contains(&operation))
    }

    fn fire(&self, host: &mut dyn Host, call: TriggerCall<'_>) -> Result<(), Fault> {
        trigger::fire(self, host, call)
    }

    fn invoke(
        &self,
        host: &mut dyn Host,
        class: &str,
        method: &str,
        parameters: &serde_json::Value,
    ) -> Result<serde_json::Value, Fault> {
        lightning::invoke(self, host, class, method, parameters)
    }

    fn run_job(&self, host: &mut dyn Host, job: Job, step: JobStep) -> Result<Vec<(Job, JobStep)>, Fault> {
        jobs::run(self, host, job, step)
    }
}
