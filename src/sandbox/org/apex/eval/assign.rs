//! Assignments, `++` and `--`.

use super::{Frame, Interp, Res};
use crate::sandbox::org::apex::ast::{BinaryOp, Expr, Name, Target};
use crate::sandbox::org::apex::value::Val;

/// A target whose object and index have been evaluated once.
enum Place<'t> {
    Plain(&'t Target),
    Field(Val, &'t Name),
    Index(Val, Val),
}

impl Interp<'_> {
    #[inline(never)]
    pub fn assign(&mut self, target: &Target, op: Option<BinaryOp>, value: &Expr, frame: &mut Frame) -> Res<Val> {
        let place = self.place(target, frame)?;
        let value = match op {
            None => self.eval(value, frame)?,
            Some(op) => {
                let old = self.read(&place, frame)?;
                let right = self.eval(value, frame)?;
                self.binary(op, old, right)?
            }
        };
        self.at(value_pos(target).unwrap_or_else(|| self.stack.last().map(|at| at.pos).unwrap_or_default()));
        self.write(&place, value, frame)
    }

    #[inline(never)]
    pub fn step(&mut self, target: &Target, by: i32, before: bool, frame: &mut Frame) -> Res<Val> {
        let place = self.place(target, frame)?;
        let old = self.read(&place, frame)?;
        let new = self.binary(BinaryOp::Add, old.clone(), Val::Int(by))?;
        let new = self.write(&place, new, frame)?;
        Ok(if before { new } else { old })
    }

    fn place<'t>(&mut self, target: &'t Target, frame: &mut Frame) -> Res<Place<'t>> {
        Ok(match target {
            Target::Field { object, name } => Place::Field(self.eval(object, frame)?, name),
            Target::Index { array, index } => {
                let array = self.eval(array, frame)?;
                Place::Index(array, self.eval(index, frame)?)
            }
            plain => Place::Plain(plain),
        })
    }

    fn read(&mut self, place: &Place<'_>, frame: &mut Frame) -> Res<Val> {
        match place {
            Place::Field(Val::Object(instance), name) => {
                self.must_see(instance.class, name, false, frame)?;
                self.instance_get(instance, name)
            }
            Place::Field(Val::SObject(row), name) => self.sobject_get(row, name),
            Place::Field(Val::Null, _) => Err(self.null_pointer()),
            Place::Field(other, name) => self.other_field(other, name),
            Place::Index(array, index) => self.list_get(array, index),
            Place::Plain(target) => match target {
                Target::Local(slot, _) => Ok(frame.local(*slot)),
                Target::ThisField(slot, _) => match &frame.this {
                    Some(this) => Ok(this.fields.borrow()[*slot].clone()),
                    None => Err(self.unmodelled("an instance field outside an instance")),
                },
                Target::ThisProperty(name) => match frame.this.clone() {
                    Some(this) => self.instance_get(&this, name),
                    None => Err(self.unmodelled("a property outside an instance")),
                },
                Target::StaticField(class, slot, _) => {
                    let statics = self.statics(*class)?;
                    let value = statics.values.borrow()[*slot].clone();
                    Ok(value)
                }
                Target::StaticProperty(class, slot) => self.static_get(*class, *slot),
                Target::Field { .. } | Target::Index { .. } => Err(self.unmodelled("this assignment")),
            },
        }
    }

    fn write(&mut self, place: &Place<'_>, value: Val, frame: &mut Frame) -> Res<Val> {
        match place {
            Place::Field(Val::Object(instance), name) => {
                self.must_see(instance.class, name, true, frame)?;
                self.instance_set(instance, name, value)
            }
            Place::Field(Val::SObject(row), name) => {
                self.sobject_put(row, name, value.clone())?;
                Ok(value)
            }
            Place::Field(Val::Null, _) => Err(self.null_pointer()),
            Place::Field(other, name) => {
                Err(self.unmodelled(format!("an assignment to {name} of {}", self.type_name(other))))
            }
            Place::Index(Val::List(list), Val::Int(at)) => {
                let value = self.coerce_element(value, &list.element)?;
                let index = usize::try_from(*at).ok().filter(|index| *index < list.items.borrow().len());
                match index {
                    Some(index) => list.items.borrow_mut()[index] = value.clone(),
                    None => return Err(self.out_of_bounds(*at)),
                }
                Ok(value)
            }
            Place::Index(..) => Err(self.null_pointer()),
            Place::Plain(target) => match target {
                Target::Local(slot, of) => {
                    let value = self.coerce(value, of)?;
                    frame.set_local(*slot, value.clone());
                    Ok(value)
                }
                Target::ThisField(slot, of) => {
                    let value = self.coerce(value, of)?;
                    match &frame.this {
                        Some(this) => this.fields.borrow_mut()[*slot] = value.clone(),
                        None => return Err(self.unmodelled("an instance field outside an instance")),
                    }
                    Ok(value)
                }
                Target::ThisProperty(name) => match frame.this.clone() {
                    Some(this) => self.instance_set(&this, name, value),
                    None => Err(self.unmodelled("a property outside an instance")),
                },
                Target::StaticField(class, slot, of) => {
                    let value = self.coerce(value, of)?;
                    let statics = self.statics(*class)?;
                    statics.values.borrow_mut()[*slot] = value.clone();
                    Ok(value)
                }
                Target::StaticProperty(class, slot) => self.static_set(*class, *slot, value),
                Target::Field { .. } | Target::Index { .. } => Err(self.unmodelled("this assignment")),
            },
        }
    }
}

fn value_pos(target: &Target) -> Option<crate::sandbox::org::apex::ast::Pos> {
    match target {
        Target::Field { object, .. } => Some(object.pos),
        Target::Index { array, .. } => Some(array.pos),
        _ => None,
    }
}
