//! Statements.

use std::rc::Rc;
use std::sync::Arc;

use super::{Flow, Frame, Interp, Res, Thrown};
use crate::sandbox::org::apex::ast::{Catch, Expr, ExprKind, Stmt, StmtKind, Type, When};
use crate::sandbox::org::apex::value::{List, Val};

impl Interp<'_> {
    pub fn run(&mut self, statements: &[Stmt], frame: &mut Frame) -> Res<Flow> {
        for statement in statements {
            match self.statement(statement, frame)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Stmt, frame: &mut Frame) -> Res<Flow> {
        self.at(statement.pos);
        if let Some(mark) = statement.mark {
            self.runtime.coverage.hit(mark);
        }
        self.tick()?;
        match &statement.kind {
            StmtKind::Block(statements) => self.run(statements, frame),
            StmtKind::Expr(expr) => self.eval(expr, frame).map(|_| Flow::On),
            StmtKind::Locals(locals) => {
                for (slot, of, value) in locals {
                    let value = match value {
                        Some(value) => {
                            let value = self.eval(value, frame)?;
                            self.coerce(value, of)?
                        }
                        None => Val::Null,
                    };
                    frame.set_local(*slot, value);
                }
                Ok(Flow::On)
            }
            StmtKind::If(condition, then, otherwise) => match (self.truth(condition, frame)?, otherwise) {
                (true, _) => self.statement(then, frame),
                (false, Some(otherwise)) => self.statement(otherwise, frame),
                (false, None) => Ok(Flow::On),
            },
            StmtKind::Return(value) => Ok(Flow::Return(match value {
                Some(value) => self.eval(value, frame)?,
                None => Val::Null,
            })),
            StmtKind::Break => Ok(Flow::Break),
            StmtKind::Continue => Ok(Flow::Continue),
            StmtKind::Nothing => Ok(Flow::On),
            StmtKind::While(condition, body) => {
                while self.truth(condition, frame)? {
                    match self.statement(body, frame)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        _ => self.tick()?,
                    }
                }
                Ok(Flow::On)
            }
            StmtKind::DoWhile(body, condition) => loop {
                match self.statement(body, frame)? {
                    Flow::Break => return Ok(Flow::On),
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    _ => {}
                }
                if !self.truth(condition, frame)? {
                    return Ok(Flow::On);
                }
            },
            StmtKind::For { init, condition, update, body } => self.for_loop(init, condition, update, body, frame),
            StmtKind::ForEach { slot, element, over, body } => self.for_each(*slot, element, over, body, frame),
            StmtKind::Throw(value) => {
                let value = self.eval(value, frame)?;
                Err(self.raise(value, statement))
            }
            StmtKind::Try { body, catches, finally } => self.try_statement(body, catches, finally.as_deref(), frame),
            StmtKind::Switch { on, arms, otherwise } => self.switch(on, arms, otherwise.as_deref(), frame),
            StmtKind::RunAs(user, body) => self.run_as(user, body, frame),
        }
    }

    pub fn truth(&mut self, condition: &Expr, frame: &mut Frame) -> Res<bool> {
        match self.eval(condition, frame)? {
            Val::Bool(value) => Ok(value),
            Val::Null => Err(self.null_pointer()),
            other => Err(self.unmodelled(format!("a condition of type {}", self.type_name(&other)))),
        }
    }

    #[inline(never)]
    fn for_loop(
        &mut self,
        init: &[Stmt],
        condition: &Option<Expr>,
        update: &[Expr],
        body: &Stmt,
        frame: &mut Frame,
    ) -> Res<Flow> {
        self.run(init, frame)?;
        loop {
            if let Some(condition) = condition
                && !self.truth(condition, frame)?
            {
                return Ok(Flow::On);
            }
            match self.statement(body, frame)? {
                Flow::Break => return Ok(Flow::On),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                _ => {}
            }
            self.tick()?;
            for step in update {
                self.eval(step, frame)?;
            }
        }
    }

    #[inline(never)]
    fn for_each(&mut self, slot: usize, element: &Type, over: &Expr, body: &Stmt, frame: &mut Frame) -> Res<Flow> {
        let value = self.eval(over, frame)?;
        // Over a query, a list variable takes chunks of 200.
        if matches!(element, Type::List(_)) && is_query(over) {
            let Val::List(rows) = &value else { return Err(self.unmodelled("a loop over this query")) };
            let rows = rows.items.borrow().clone();
            for chunk in rows.chunks(200) {
                let chunk = Val::list(Arc::new(Type::SObject(None)), chunk.to_vec());
                frame.set_local(slot, self.coerce(chunk, element)?);
                match self.statement(body, frame)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    _ => {}
                }
            }
            return Ok(Flow::On);
        }
        match &value {
            Val::List(list) => {
                list.iterating.set(list.iterating.get() + 1);
                let outcome = self.over_list(slot, element, list, body, frame);
                list.iterating.set(list.iterating.get() - 1);
                outcome
            }
            Val::Set(set) => {
                let items = set.store.keys();
                set.store.iterating.set(set.store.iterating.get() + 1);
                let list =
                    List { element: set.element.clone(), items: items.into(), iterating: std::cell::Cell::new(0) };
                let outcome = self.over_list(slot, element, &Rc::new(list), body, frame);
                set.store.iterating.set(set.store.iterating.get() - 1);
                outcome
            }
            Val::Object(_) => {
                let iterator = self.method_on(value, "iterator", Vec::new())?;
                loop {
                    match self.method_on(iterator.clone(), "hasnext", Vec::new())? {
                        Val::Bool(true) => {}
                        _ => return Ok(Flow::On),
                    }
                    let item = self.method_on(iterator.clone(), "next", Vec::new())?;
                    frame.set_local(slot, self.coerce(item, element)?);
                    match self.statement(body, frame)? {
                        Flow::Break => return Ok(Flow::On),
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        _ => {}
                    }
                }
            }
            Val::Null => Err(self.null_pointer()),
            other => Err(self.unmodelled(format!("a loop over {}", self.type_name(other)))),
        }
    }

    fn over_list(&mut self, slot: usize, element: &Type, list: &Rc<List>, body: &Stmt, frame: &mut Frame) -> Res<Flow> {
        let mut at = 0;
        loop {
            let Some(item) = list.items.borrow().get(at).cloned() else { return Ok(Flow::On) };
            at += 1;
            frame.set_local(slot, self.coerce(item, element)?);
            match self.statement(body, frame)? {
                Flow::Break => return Ok(Flow::On),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                _ => {}
            }
        }
    }

    #[inline(never)]
    fn raise(&mut self, value: Val, statement: &Stmt) -> Thrown {
        self.at(statement.pos);
        let trace = self.trace();
        let data = match &value {
            Val::Exception(data) => data,
            Val::Object(instance) => match &instance.exception {
                Some(data) => {
                    let data = &mut *data.borrow_mut();
                    mark_thrown(data, statement, trace);
                    return Thrown::Exception(value.clone());
                }
                None => return self.unmodelled("a throw of something that is not an exception"),
            },
            Val::Null => return self.null_pointer(),
            _ => return self.unmodelled("a throw of something that is not an exception"),
        };
        mark_thrown(&mut data.borrow_mut(), statement, trace);
        Thrown::Exception(value)
    }

    #[inline(never)]
    fn try_statement(
        &mut self,
        body: &[Stmt],
        catches: &[Catch],
        finally: Option<&[Stmt]>,
        frame: &mut Frame,
    ) -> Res<Flow> {
        let depth = self.stack.len();
        let sharing = self.sharing;
        let mut outcome = self.run(body, frame);
        if let Err(Thrown::Exception(value)) = outcome {
            self.stack.truncate(depth);
            self.sharing = sharing;
            outcome = match catches.iter().find(|catch| self.is_instance(&value, &catch.of)) {
                Some(catch) => {
                    frame.set_local(catch.slot, value);
                    self.run(&catch.body, frame)
                }
                None => Err(Thrown::Exception(value)),
            };
        }
        let Some(finally) = finally else { return outcome };
        if matches!(outcome, Err(Thrown::Fatal(_))) {
            return outcome;
        }
        self.stack.truncate(depth);
        self.sharing = sharing;
        match self.run(finally, frame)? {
            Flow::On => outcome,
            instead => Ok(instead),
        }
    }

    #[inline(never)]
    fn switch(
        &mut self,
        on: &Expr,
        arms: &[(Vec<When>, Vec<Stmt>)],
        otherwise: Option<&[Stmt]>,
        frame: &mut Frame,
    ) -> Res<Flow> {
        let subject = self.eval(on, frame)?;
        for (whens, body) in arms {
            for when in whens {
                let hit = match when {
                    When::Value(value) => {
                        let value = self.eval(value, frame)?;
                        match (&subject, &value) {
                            // Unlike `==`, a switch tells upper from lower case.
                            (Val::Str(a), Val::Str(b)) => a == b,
                            (Val::Null, Val::Null) => true,
                            (Val::Null, _) | (_, Val::Null) => false,
                            _ => self.equal(&subject, &value)?,
                        }
                    }
                    When::Constant(name) => match &subject {
                        Val::Enum(class, at) => self.runtime.class(*class).constants[*at].eq_ignore_ascii_case(name),
                        Val::PlatformEnum(_, constant) => constant.eq_ignore_ascii_case(name),
                        Val::Null => false,
                        other => {
                            let what = format!("the case {name} of a switch on {}", self.type_name(other));
                            return Err(self.unmodelled(what));
                        }
                    },
                    When::SObject { object, slot } => match &subject {
                        Val::SObject(row) if row.borrow().object().eq_ignore_ascii_case(object) => {
                            frame.set_local(*slot, subject.clone());
                            true
                        }
                        _ => false,
                    },
                };
                if hit {
                    return self.run(body, frame);
                }
            }
        }
        match otherwise {
            Some(body) => self.run(body, frame),
            None => Ok(Flow::On),
        }
    }

    #[inline(never)]
    fn run_as(&mut self, user: &Expr, body: &[Stmt], frame: &mut Frame) -> Res<Flow> {
        let user = self.eval(user, frame)?;
        let user = self.user_of(&user)?;
        let before = self.host.set_user(user);
        let outcome = self.run(body, frame);
        self.host.set_user(before);
        outcome
    }
}

pub fn is_query(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Query(_))
}

fn mark_thrown(data: &mut crate::sandbox::org::apex::value::ExceptionData, statement: &Stmt, trace: Vec<String>) {
    // Thrown again, an exception keeps where it came from.
    if !data.thrown {
        data.thrown = true;
        data.line = statement.pos.line;
        data.stack = trace;
        if data.name.ends_with("AuraHandledException") && !data.message_set {
            // The client still gets the text; Apex reads another.
            data.message_set = false;
        }
    }
}
