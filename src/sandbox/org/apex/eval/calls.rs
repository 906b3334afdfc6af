//! Calls: whose method, which overload, and the frame it runs in.

use std::rc::Rc;
use std::sync::Arc;

use super::expressions::safe_chain;
use super::statements::is_query;
use super::{Entry, Flow, Frame, Interp, Locals, MAX_CALLS, Res};
use crate::sandbox::org::apex::ast::{
    Body, Call, CallTarget, ClassId, ClassKind, Expr, ExprKind, Method, Name, Pos, Sharing, Type,
};
use crate::sandbox::org::apex::value::{Instance, Val};

impl Interp<'_> {
    #[inline(never)]
    pub fn call(&mut self, call: &Call, expr: &Expr, frame: &mut Frame) -> Res<Val> {
        match &call.target {
            CallTarget::Own(class) => {
                let args = self.eval_all(&call.args, frame)?;
                self.at(expr.pos);
                let from = match &frame.this {
                    Some(this) if self.runtime.extends(this.class, *class) => this.class,
                    _ => *class,
                };
                let method = self.select(from, call, &args, frame)?;
                let this = if method.is_static { None } else { frame.this.clone() };
                if !method.is_static && this.is_none() {
                    return Err(self.unmodelled(format!("the instance method {} from a static place", call.written)));
                }
                self.invoke(&method, this, args)
            }
            CallTarget::Super(class) => {
                let args = self.eval_all(&call.args, frame)?;
                self.at(expr.pos);
                match self.runtime.class(*class).superclass {
                    Some(Type::Class(parent)) => {
                        let method = self.select(parent, call, &args, frame)?;
                        self.invoke(&method, frame.this.clone(), args)
                    }
                    _ => match frame.this.clone() {
                        Some(this) => self.inherited(&Val::Object(this), &call.name, args),
                        None => Err(self.unmodelled("super outside an instance")),
                    },
                }
            }
            CallTarget::Static(class) => {
                let args = self.eval_all(&call.args, frame)?;
                self.at(expr.pos);
                if self.runtime.class(*class).kind == ClassKind::Enum {
                    return self.enum_static(*class, &call.name, &args);
                }
                let method = self.select(*class, call, &args, frame)?;
                // `Outer.method()` may also name an instance method of the class at hand.
                let this = if method.is_static { None } else { frame.this.clone() };
                self.invoke(&method, this, args)
            }
            CallTarget::Platform(name) => {
                let args = self.eval_all(&call.args, frame)?;
                self.at(expr.pos);
                if **name == *"database" && matches!(&*call.name, "query" | "countquery" | "getquerylocator") {
                    return self.dynamic_query(call, args, frame);
                }
                self.platform(name, &call.name, args)
            }
            CallTarget::On { object, safe } => self.call_on(object, *safe, call, expr, frame),
        }
    }

    fn call_on(&mut self, object: &Expr, safe: bool, call: &Call, expr: &Expr, frame: &mut Frame) -> Res<Val> {
        if &*call.name == "adderror"
            && let ExprKind::Field { object: owner, name, .. } = &object.kind
        {
            let owner = self.eval(owner, frame)?;
            if let Val::SObject(row) = &owner {
                let args = self.eval_all(&call.args, frame)?;
                return self.field_error(row, name, &args);
            }
        }
        self.skipped = false;
        let receiver = self.eval(object, frame)?;
        let receiver = match receiver {
            Val::List(rows) if is_query(object) && !is_list_method(&call.name) => {
                if safe && rows.items.borrow().is_empty() {
                    Val::Null
                } else {
                    self.coerce(Val::List(rows), &Type::SObject(None))?
                }
            }
            other => other,
        };
        if receiver.is_null() {
            if safe || self.skipped && safe_chain(object) {
                self.skipped = true;
                return Ok(Val::Null);
            }
            self.at(expr.pos);
            return Err(self.null_pointer());
        }
        let args = self.eval_all(&call.args, frame)?;
        self.at(expr.pos);
        let outcome = match &receiver {
            Val::Object(this) if self.runtime.has_method(this.class, &call.name) => {
                let method = self.select(this.class, call, &args, frame)?;
                self.invoke(&method, Some(this.clone()), args)
            }
            _ => self.method_on(receiver, &call.name, args),
        };
        self.skipped = false;
        outcome
    }

    fn select(&self, class: ClassId, call: &Call, args: &[Val], frame: &Frame) -> Res<Arc<Method>> {
        let method = self.find_method(class, &call.name, args).ok_or_else(|| {
            let types: Vec<String> = args.iter().map(|arg| self.type_name(arg)).collect();
            self.unmodelled(format!(
                "{}.{}({}), for which there is no method,",
                self.runtime.class(class).name,
                call.written,
                types.join(", ")
            ))
        })?;
        self.must_see_method(&method, frame)?;
        Ok(method)
    }

    /// The best method by the arguments' types; of equal ones the most derived.
    pub fn find_method(&self, class: ClassId, name: &str, args: &[Val]) -> Option<Arc<Method>> {
        let mut best: Option<(u32, Arc<Method>)> = None;
        let mut heir = Some(class);
        while let Some(id) = heir {
            let class = self.runtime.class(id);
            for method in class.methods.get(name).into_iter().flatten() {
                if let Some(cost) = self.fit(&method.params, args)
                    && best.as_ref().is_none_or(|(least, kept)| {
                        cost < *least || cost == *least && kept.body.is_none() && method.body.is_some()
                    })
                {
                    best = Some((cost, method.clone()));
                }
            }
            heir = match class.superclass {
                Some(Type::Class(parent)) => Some(parent),
                _ => None,
            };
        }
        best.map(|(_, method)| method)
    }

    /// How far arguments are from parameters; `None` when they don't fit.
    pub fn fit(&self, params: &[(Name, Type)], args: &[Val]) -> Option<u32> {
        if params.len() != args.len() {
            return None;
        }
        params.iter().zip(args).map(|((_, of), arg)| self.distance(arg, of)).sum()
    }

    fn distance(&self, arg: &Val, to: &Type) -> Option<u32> {
        const FAR: u32 = 20;
        Some(match (arg, to) {
            (Val::Null, _) => 1,
            (_, Type::Object) => FAR,
            (Val::Bool(_), Type::Boolean) | (Val::Int(_), Type::Integer) | (Val::Long(_), Type::Long) => 0,
            (Val::Double(_), Type::Double) | (Val::Dec(_), Type::Decimal) => 0,
            (Val::Int(_), Type::Long) | (Val::Long(_), Type::Double) | (Val::Double(_), Type::Decimal) => 1,
            (Val::Dec(_), Type::Double) => 1,
            (Val::Int(_), Type::Double) | (Val::Long(_), Type::Decimal) => 2,
            (Val::Int(_), Type::Decimal) => 3,
            (Val::Str(_), Type::String) | (Val::Id(_), Type::Id) => 0,
            (Val::Str(_), Type::Id) | (Val::Id(_), Type::String) => 1,
            (Val::Date(_), Type::Date) | (Val::DateTime(_), Type::Datetime) => 0,
            (Val::Date(_), Type::Datetime) => 1,
            (Val::List(list), Type::List(element)) => u32::from(!self.elements_fit(&list.element, element)?),
            (Val::List(_), Type::Iterable) => 2,
            // A query for one row.
            (Val::List(_), Type::SObject(_)) => 5,
            (Val::SObject(row), Type::SObject(Some(of))) => {
                if !row.borrow().object().eq_ignore_ascii_case(of) {
                    return None;
                }
                0
            }
            (Val::Object(instance), Type::Class(to)) => self.runtime.steps(instance.class, *to)?,
            (arg, to) if self.is_instance(arg, to) => 1,
            _ => return None,
        })
    }

    /// `Some(true)`: the same element type; `Some(false)`: another one that may stand for it.
    fn elements_fit(&self, from: &Type, to: &Type) -> Option<bool> {
        match (from, to) {
            (from, to) if from == to => Some(true),
            (_, Type::Object) | (Type::Object, _) | (Type::SObject(_), Type::SObject(None)) => Some(false),
            (Type::SObject(None), Type::SObject(_)) => Some(false),
            (Type::SObject(Some(a)), Type::SObject(Some(b))) if a.eq_ignore_ascii_case(b) => Some(true),
            (Type::Class(a), Type::Class(b)) => self.runtime.steps(*a, *b).map(|_| false),
            (Type::List(a), Type::List(b)) => self.elements_fit(a, b),
            (Type::Native(_), Type::Native(_)) => Some(false),
            _ => None,
        }
    }

    #[inline(never)]
    pub fn invoke(&mut self, method: &Arc<Method>, this: Option<Rc<Instance>>, args: Vec<Val>) -> Res<Val> {
        let Some(body) = &method.body else {
            return Err(self.unmodelled(format!("a call of the abstract {}", method.label)));
        };
        if method.is_static {
            self.statics(method.class)?;
        }
        let mut locals = Vec::with_capacity(body.slots);
        for (arg, (_, of)) in args.into_iter().zip(&method.params) {
            locals.push(self.coerce(arg, of)?);
        }
        let value = self.enter(&method.label, method.class, body, this, locals, method.pos)?;
        match method.returns {
            Type::Void => Ok(Val::Null),
            _ => self.coerce(value, &method.returns),
        }
    }

    /// Runs a body as a call of its own.
    #[inline(never)]
    pub fn enter(
        &mut self,
        label: &Name,
        class: ClassId,
        body: &Body,
        this: Option<Rc<Instance>>,
        mut locals: Vec<Val>,
        pos: Pos,
    ) -> Res<Val> {
        if self.stack.len() >= MAX_CALLS {
            return Err(self.fatal(
                "System.LimitException",
                format!("Maximum stack depth reached: {MAX_CALLS} (the sandbox's own limit)"),
            ));
        }
        locals.resize(body.slots.max(locals.len()), Val::Null);
        let file = self.runtime.class(class).file.clone();
        self.stack.push(Entry { label: label.clone(), file, pos });
        let sharing = self.sharing;
        match self.runtime.class(class).sharing {
            Some(Sharing::With) => self.sharing = true,
            Some(Sharing::Without) => self.sharing = false,
            Some(Sharing::Inherited) | None => {}
        }
        let mut frame = Frame { locals: Locals::new(locals), this, class: Some(class) };
        self.state.heap.enter(&frame);
        let outcome = self.run(&body.statements, &mut frame);
        self.state.heap.leave();
        self.sharing = sharing;
        self.stack.pop();
        match outcome? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Val::Null),
        }
    }

    fn enum_static(&mut self, class: ClassId, name: &str, args: &[Val]) -> Res<Val> {
        let constants = &self.runtime.class(class).constants;
        match (name, args) {
            ("values", []) => {
                let all = (0..constants.len()).map(|at| Val::Enum(class, at)).collect();
                Ok(Val::list(Arc::new(Type::Class(class)), all))
            }
            ("valueof", [Val::Str(text)]) => {
                match constants.iter().position(|constant| constant.eq_ignore_ascii_case(text)) {
                    Some(at) => Ok(Val::Enum(class, at)),
                    None => {
                        Err(self.throw("System.NoSuchElementException", format!("No enum value found called {text}")))
                    }
                }
            }
            ("valueof", [Val::Null]) => Err(self.null_argument()),
            _ => Err(self.unmodelled(format!("the enum's method {name}"))),
        }
    }
}

/// Methods that a query's rows are asked for as a list.
fn is_list_method(name: &str) -> bool {
    matches!(name, "size" | "isempty" | "iterator" | "get" | "clone" | "deepclone" | "contains" | "sort")
}
