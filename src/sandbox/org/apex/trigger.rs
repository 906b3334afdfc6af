//! Triggers: the context that `Trigger.…` reads, and one firing.

use std::rc::Rc;
use std::sync::Arc;

use super::Runtime;
use super::ast::{Pos, Type};
use super::eval::{Entry, Frame, Interp, Locals, Res, Thrown};
use super::value::Val;
use crate::sandbox::org::host::{Fault, Host, Record, TriggerCall, TriggerOp};

/// A trigger may set off triggers only so deep.
const MAX_DEPTH: u32 = 16;

#[derive(Debug)]
pub struct TriggerContext {
    operation: TriggerOp,
    new: Val,
    old: Val,
    new_map: Val,
    old_map: Val,
    size: usize,
}

impl TriggerOp {
    fn constant(self) -> &'static str {
        match self {
            TriggerOp::BeforeInsert => "BEFORE_INSERT",
            TriggerOp::BeforeUpdate => "BEFORE_UPDATE",
            TriggerOp::BeforeDelete => "BEFORE_DELETE",
            TriggerOp::AfterInsert => "AFTER_INSERT",
            TriggerOp::AfterUpdate => "AFTER_UPDATE",
            TriggerOp::AfterDelete => "AFTER_DELETE",
            TriggerOp::AfterUndelete => "AFTER_UNDELETE",
        }
    }

    fn words(self) -> &'static str {
        match self {
            TriggerOp::BeforeInsert => "BeforeInsert",
            TriggerOp::BeforeUpdate => "BeforeUpdate",
            TriggerOp::BeforeDelete => "BeforeDelete",
            TriggerOp::AfterInsert => "AfterInsert",
            TriggerOp::AfterUpdate => "AfterUpdate",
            TriggerOp::AfterDelete => "AfterDelete",
            TriggerOp::AfterUndelete => "AfterUndelete",
        }
    }

    fn is_before(self) -> bool {
        matches!(self, TriggerOp::BeforeInsert | TriggerOp::BeforeUpdate | TriggerOp::BeforeDelete)
    }
}

/// Runs every trigger of the object for this operation, one after the other, on the same rows.
pub fn fire(runtime: &Runtime, host: &mut dyn Host, call: TriggerCall<'_>) -> Result<(), Fault> {
    let matching: Vec<_> = runtime
        .triggers
        .iter()
        .filter(|trigger| {
            trigger.object.eq_ignore_ascii_case(call.object) && trigger.operations.contains(&call.operation)
        })
        .cloned()
        .collect();
    if matching.is_empty() {
        return Ok(());
    }
    let mut interp = Interp::new(runtime, host);
    let state = interp.state.clone();
    if state.trigger_depth.get() >= MAX_DEPTH {
        return Err(Fault {
            exception: "System.DmlException".to_owned(),
            message: "Maximum trigger depth exceeded".to_owned(),
            rows: Vec::new(),
            stack: Vec::new(),
            uncatchable: false,
        });
    }
    state.trigger_depth.set(state.trigger_depth.get() + 1);
    let outcome = fire_each(&mut interp, &matching, call);
    state.trigger_depth.set(state.trigger_depth.get() - 1);
    outcome
}

fn fire_each(
    interp: &mut Interp<'_>,
    matching: &[Arc<super::ast::Trigger>],
    call: TriggerCall<'_>,
) -> Result<(), Fault> {
    let operation = call.operation;
    let (mut new_rows, mut old_rows) = (call.new, call.old);
    let element = Arc::new(Type::SObject(Some(Arc::from(call.object))));
    let list = |interp: &Interp<'_>, rows: &Option<&mut Vec<Record>>, read_only: bool| match rows {
        Some(rows) => {
            let items: Vec<Val> = rows
                .iter()
                .map(|record| {
                    let row = interp.sobject_of(record);
                    if let Val::SObject(row) = &row {
                        let mut row = row.borrow_mut();
                        row.read_only = read_only;
                        row.in_trigger = true;
                        // In a trigger every field of the row is there.
                        row.queried = false;
                    }
                    row
                })
                .collect();
            Val::list(element.clone(), items)
        }
        None => Val::Null,
    };
    let new = list(interp, &new_rows, !operation.is_before());
    let old = list(interp, &old_rows, true);
    let map = |value: &Val| match value {
        Val::List(rows) => {
            let pairs = rows
                .items
                .borrow()
                .iter()
                .filter_map(|row| match row {
                    Val::SObject(sobject) => Some((Val::Id(sobject.borrow().id()?), row.clone())),
                    _ => None,
                })
                .collect::<Vec<_>>();
            Val::map(Arc::new(Type::Id), element.clone(), pairs)
        }
        _ => Val::Null,
    };
    let context = TriggerContext {
        operation,
        new_map: if operation == TriggerOp::BeforeInsert { Val::Null } else { map(&new) },
        old_map: map(&old),
        size: new_rows.as_ref().or(old_rows.as_ref()).map_or(0, |rows| rows.len()),
        new: new.clone(),
        old: old.clone(),
    };
    interp.trigger = Some(Rc::new(context));
    for trigger in matching {
        let entry = Entry {
            label: Arc::from(format!("Trigger.{}", trigger.name)),
            file: trigger.file.clone(),
            pos: Pos { line: 1, column: 1 },
        };
        interp.stack.push(entry);
        interp.sharing = false;
        let mut frame = Frame { locals: Locals::new(vec![Val::Null; trigger.body.slots]), this: None, class: None };
        interp.state.heap.enter(&frame);
        interp.state.heap.hold(new.clone());
        interp.state.heap.hold(old.clone());
        let outcome = interp.run(&trigger.body.statements, &mut frame);
        (0..3).for_each(|_| interp.state.heap.leave());
        interp.stack.clear();
        if let Err(thrown) = outcome {
            let fatal = matches!(thrown, Thrown::Fatal(_));
            let mut fault = interp.fault_of(thrown);
            if !fatal {
                let stack = fault.stack.join("\n");
                fault.message = format!(
                    "{}: execution of {}\n\ncaused by: {}: {}\n\n{stack}",
                    trigger.name,
                    operation.words(),
                    fault.exception,
                    fault.message
                );
            }
            return Err(fault);
        }
    }
    if let (Some(rows), Val::List(list)) = (&mut new_rows, &new) {
        hand_back(interp, rows, &list.items.borrow(), operation.is_before())?;
    }
    if let (Some(rows), Val::List(list)) = (&mut old_rows, &old) {
        hand_back(interp, rows, &list.items.borrow(), false)?;
    }
    Ok(())
}

/// What the triggers did to the rows: their errors and, before the save, their values.
fn hand_back(interp: &Interp<'_>, rows: &mut [Record], items: &[Val], values: bool) -> Result<(), Fault> {
    for (record, item) in rows.iter_mut().zip(items) {
        let Val::SObject(row) = item else { continue };
        let row = row.borrow();
        record.errors.extend(row.errors.iter().skip(record.errors.len()).cloned());
        if values {
            let changed = interp.record_of(&row).map_err(|thrown| interp.fault_of(thrown))?;
            record.fields = changed.fields;
        }
    }
    Ok(())
}

impl Interp<'_> {
    pub fn trigger_variable(&mut self, name: &str) -> Res<Val> {
        if name == "isexecuting" {
            return Ok(Val::Bool(self.trigger.is_some()));
        }
        let Some(context) = self.trigger.clone() else {
            return Ok(match name {
                "isinsert" | "isupdate" | "isdelete" | "isundelete" | "isbefore" | "isafter" => Val::Bool(false),
                _ => Val::Null,
            });
        };
        let operation = context.operation;
        let of = |one: TriggerOp, other: TriggerOp| Val::Bool(operation == one || operation == other);
        Ok(match name {
            "new" => context.new.clone(),
            "old" => context.old.clone(),
            "newmap" => context.new_map.clone(),
            "oldmap" => context.old_map.clone(),
            "size" => Val::Int(context.size as i32),
            "operationtype" => Val::platform_enum("TriggerOperation", operation.constant()),
            "isbefore" => Val::Bool(operation.is_before()),
            "isafter" => Val::Bool(!operation.is_before()),
            "isinsert" => of(TriggerOp::BeforeInsert, TriggerOp::AfterInsert),
            "isupdate" => of(TriggerOp::BeforeUpdate, TriggerOp::AfterUpdate),
            "isdelete" => of(TriggerOp::BeforeDelete, TriggerOp::AfterDelete),
            "isundelete" => Val::Bool(operation == TriggerOp::AfterUndelete),
            other => return Err(self.unmodelled(format!("Trigger.{other}"))),
        })
    }
}
