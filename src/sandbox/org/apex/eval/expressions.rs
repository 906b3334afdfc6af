//! Expressions.

use std::rc::Rc;
use std::sync::Arc;

use super::statements::is_query;
use super::{Frame, Interp, Res};
use crate::sandbox::org::apex::ast::{Expr, ExprKind, Literal, Name, Type};
use crate::sandbox::org::apex::value::Val;

impl Interp<'_> {
    pub fn eval(&mut self, expr: &Expr, frame: &mut Frame) -> Res<Val> {
        match &expr.kind {
            ExprKind::Literal(literal) => Ok(match literal {
                Literal::Null => Val::Null,
                Literal::Boolean(value) => Val::Bool(*value),
                Literal::Integer(value) => Val::Int(*value),
                Literal::Long(value) => Val::Long(*value),
                Literal::Double(value) => Val::Double(*value),
                Literal::Decimal(value) => Val::Dec(value.clone()),
                Literal::String(value) => Val::Str(value.clone()),
            }),
            ExprKind::Local(slot) => Ok(frame.local(*slot)),
            ExprKind::This => match &frame.this {
                Some(this) => Ok(Val::Object(this.clone())),
                None => Err(self.unmodelled("`this` outside an instance")),
            },
            ExprKind::ThisField(slot) => match &frame.this {
                Some(this) => Ok(this.fields.borrow()[*slot].clone()),
                None => Err(self.unmodelled("an instance field outside an instance")),
            },
            ExprKind::Field { object, name, safe } => self.field(object, name, *safe, expr, frame),
            ExprKind::Call(call) => {
                let value = self.call(call, expr, frame)?;
                self.state.heap.made(&value);
                Ok(value)
            }
            ExprKind::Binary { op, left, right } => {
                let left = self.eval(left, frame)?;
                let right = self.eval(right, frame)?;
                let value = self.binary(*op, left, right)?;
                self.state.heap.made(&value);
                Ok(value)
            }
            ExprKind::And(left, right) => Ok(Val::Bool(self.truth(left, frame)? && self.truth(right, frame)?)),
            ExprKind::Or(left, right) => Ok(Val::Bool(self.truth(left, frame)? || self.truth(right, frame)?)),
            ExprKind::Not(value) => Ok(Val::Bool(!self.truth(value, frame)?)),
            ExprKind::Assign { target, op, value } => {
                let value = self.assign(target, *op, value, frame)?;
                self.state.heap.made(&value);
                Ok(value)
            }
            ExprKind::Step { target, by, before } => self.step(target, *by, *before, frame),
            ExprKind::Ternary(condition, yes, no) => match self.truth(condition, frame)? {
                true => self.eval(yes, frame),
                false => self.eval(no, frame),
            },
            _ => {
                let value = self.eval_rarer(expr, frame)?;
                self.state.heap.made(&value);
                Ok(value)
            }
        }
    }

    #[inline(never)]
    fn eval_rarer(&mut self, expr: &Expr, frame: &mut Frame) -> Res<Val> {
        match &expr.kind {
            ExprKind::ThisProperty(name) => {
                let Some(this) = frame.this.clone() else {
                    return Err(self.unmodelled("a property outside an instance"));
                };
                self.instance_get(&this, name)
            }
            ExprKind::StaticField(class, slot) => {
                let statics = self.statics(*class)?;
                let value = statics.values.borrow()[*slot].clone();
                Ok(value)
            }
            ExprKind::StaticProperty(class, slot) => self.static_get(*class, *slot),
            ExprKind::Index { array, index } => {
                let array = self.eval(array, frame)?;
                let index = self.eval(index, frame)?;
                self.at(expr.pos);
                self.list_get(&array, &index)
            }
            ExprKind::EnumConstant(class, at) => Ok(Val::Enum(*class, *at)),
            ExprKind::PlatformEnum(of, constant) => Ok(Val::PlatformEnum(of.clone(), constant.clone())),
            ExprKind::Token(path) => {
                self.at(expr.pos);
                self.token(path)
            }
            ExprKind::TriggerVariable(name) => self.trigger_variable(name),
            ExprKind::Label(name) => match self.schema.labels.get(&**name) {
                Some(text) => Ok(Val::str(text)),
                None => {
                    let found = self.schema.labels.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
                    match found {
                        Some((_, text)) => Ok(Val::str(text)),
                        None => Err(self.unmodelled(format!("the label {name}, which the package doesn't define,"))),
                    }
                }
            },
            ExprKind::TypeLiteral(of) => Ok(Val::Type(Rc::new(of.clone()))),
            ExprKind::New { class, args } => {
                let args = self.eval_all(args, frame)?;
                self.at(expr.pos);
                self.must_see_constructor(class, &args, frame)?;
                self.create(class, args)
            }
            ExprKind::NewSObject { object, fields } => self.new_sobject(object, fields, frame),
            ExprKind::NewList { element, items, set } => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    let value = self.eval(item, frame)?;
                    let value = self.coerce(value, element)?;
                    if *set {
                        self.must_be_key(&value)?;
                    }
                    values.push(value);
                }
                Ok(match set {
                    true => Val::set(element.clone(), values),
                    false => Val::list(element.clone(), values),
                })
            }
            ExprKind::NewArray { element, size } => match self.eval(size, frame)? {
                Val::Int(size) => Ok(Val::list(element.clone(), vec![Val::Null; usize::try_from(size).unwrap_or(0)])),
                Val::Null => Err(self.null_pointer()),
                other => Err(self.unmodelled(format!("an array of size {}", self.type_name(&other)))),
            },
            ExprKind::NewMap { key, value, pairs } => {
                let mut entries = Vec::with_capacity(pairs.len());
                for (k, v) in pairs {
                    let k = self.eval(k, frame)?;
                    let k = self.coerce(k, key)?;
                    self.must_be_key(&k)?;
                    let v = self.eval(v, frame)?;
                    entries.push((k, self.coerce(v, value)?));
                }
                Ok(Val::map(key.clone(), value.clone(), entries))
            }
            ExprKind::Cast { to, value, through_object } => {
                let value = self.eval(value, frame)?;
                self.at(expr.pos);
                self.cast(value, to, *through_object)
            }
            ExprKind::InstanceOf { value, of } => {
                let value = self.eval(value, frame)?;
                Ok(Val::Bool(!value.is_null() && self.is_instance(&value, of)))
            }
            ExprKind::Negate(value) => {
                let value = self.eval(value, frame)?;
                self.negate(value)
            }
            ExprKind::Complement(value) => match self.eval(value, frame)? {
                Val::Int(value) => Ok(Val::Int(!value)),
                Val::Long(value) => Ok(Val::Long(!value)),
                _ => Err(self.null_pointer()),
            },
            ExprKind::Coalesce(left, right) => {
                let value = self.eval(left, frame)?;
                let none = match &value {
                    Val::Null => true,
                    // A query for one row gives way when there is none; with a list on the right it never does.
                    Val::List(rows) if is_query(left) => rows.items.borrow().is_empty(),
                    _ => false,
                };
                if !none {
                    return Ok(value);
                }
                let instead = self.eval(right, frame)?;
                Ok(if matches!((&value, &instead), (Val::List(_), Val::List(_))) { value } else { instead })
            }
            ExprKind::Query(query) => {
                let value = self.query(query, frame)?;
                Ok(value)
            }
            ExprKind::Save(save) => {
                let rows = self.eval(&save.rows, frame)?;
                self.at(expr.pos);
                self.save_statement(save.op, rows, save.access, save.external_id.clone())?;
                Ok(Val::Null)
            }
            ExprKind::Merge(merge) => {
                let winner = self.eval(&merge.winner, frame)?;
                let losers = self.eval(&merge.losers, frame)?;
                self.at(expr.pos);
                self.merge(&winner, &losers, true, merge.access)
            }
            _ => Err(self.unmodelled("this expression")),
        }
    }

    pub fn eval_all(&mut self, args: &[Expr], frame: &mut Frame) -> Res<Vec<Val>> {
        args.iter().map(|arg| self.eval(arg, frame)).collect()
    }

    #[inline(never)]
    fn field(&mut self, object: &Expr, name: &Name, safe: bool, expr: &Expr, frame: &mut Frame) -> Res<Val> {
        self.skipped = false;
        let value = self.eval(object, frame)?;
        let behind = self.empty_lookup && matches!(object.kind, ExprKind::Field { .. });
        self.empty_lookup = false;
        self.at(expr.pos);
        let value = match value {
            Val::List(_) if is_query(object) => {
                if safe && matches!(&value, Val::List(rows) if rows.items.borrow().is_empty()) {
                    self.skipped = true;
                    return Ok(Val::Null);
                }
                self.coerce(value, &Type::SObject(None))?
            }
            other => other,
        };
        if value.is_null() && (safe || self.skipped && safe_chain(object)) {
            self.skipped = true;
            return Ok(Val::Null);
        }
        self.skipped = false;
        match value {
            // Through an empty lookup a field reads null; a null variable throws.
            Val::Null if behind => {
                self.empty_lookup = true;
                Ok(Val::Null)
            }
            Val::Null => Err(self.null_pointer()),
            Val::Object(instance) => {
                self.must_see(instance.class, name, false, frame)?;
                self.instance_get(&instance, name)
            }
            Val::SObject(row) => {
                let value = self.sobject_get(&row, name)?;
                self.empty_lookup = value.is_null() && self.is_lookup(&row, name);
                Ok(value)
            }
            other => self.other_field(&other, name),
        }
    }

    pub fn list_get(&mut self, array: &Val, index: &Val) -> Res<Val> {
        match (array, index) {
            (Val::Null, _) | (_, Val::Null) => Err(self.null_pointer()),
            (Val::List(list), Val::Int(at)) => {
                let found = usize::try_from(*at).ok().and_then(|at| list.items.borrow().get(at).cloned());
                found.ok_or_else(|| self.out_of_bounds(*at))
            }
            _ => Err(self.unmodelled(format!("an index into {}", self.type_name(array)))),
        }
    }

    pub fn out_of_bounds(&self, at: i32) -> super::Thrown {
        self.throw("System.ListException", format!("List index out of bounds: {at}"))
    }

    #[inline(never)]
    fn new_sobject(&mut self, object: &Name, fields: &[(Name, Expr)], frame: &mut Frame) -> Res<Val> {
        let row = self.blank_sobject(object)?;
        for (name, value) in fields {
            let value = self.eval(value, frame)?;
            self.sobject_put(&row, name, value)?;
        }
        Ok(Val::SObject(row))
    }

    /// Whether a value can stand in a `List<…>` of that element type without looking at each item.
    pub fn any_list(&self, items: Vec<Val>) -> Val {
        Val::list(Arc::new(Type::Object), items)
    }
}

/// After `a?.b`, the rest of the chain is skipped when `a` is null.
pub fn safe_chain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Field { object, safe, .. } => *safe || safe_chain(object),
        ExprKind::Call(call) => match &call.target {
            super::super::ast::CallTarget::On { object, safe } => *safe || safe_chain(object),
            _ => false,
        },
        _ => false,
    }
}
