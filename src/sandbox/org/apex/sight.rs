//! Who may use an instance's members: what can only be told once the instance is there.

use std::sync::Arc;

use super::Runtime;
use super::ast::{ClassId, Method, Sight, Type};
use super::eval::{Frame, Interp, Res};
use super::value::Val;

impl Runtime {
    fn outermost(&self, class: ClassId) -> ClassId {
        match self.class(class).outer {
            Some(outer) => self.outermost(outer),
            None => class,
        }
    }

    fn sees(&self, from: Option<ClassId>, owner: ClassId, sight: Sight) -> bool {
        if sight == Sight::Public {
            return true;
        }
        let Some(from) = from else { return false };
        let outermost = self.outermost(from);
        if outermost == self.outermost(owner) {
            return true;
        }
        let in_tests = matches!(sight, Sight::TestVisible | Sight::ProtectedTestVisible);
        let by_heirs = matches!(sight, Sight::Protected | Sight::ProtectedTestVisible);
        in_tests && self.class(outermost).has_annotation("istest") || by_heirs && self.extends(from, owner)
    }
}

impl Interp<'_> {
    /// Refuses a field that the code at hand may not read, or with `write` set.
    pub fn must_see(&self, class: ClassId, name: &str, write: bool, frame: &Frame) -> Res<()> {
        let Some((owner, field)) = self.runtime.instance_field(class, name) else { return Ok(()) };
        let sight = if write { field.set_sight } else { field.sight };
        if !self.runtime.sees(frame.class, owner.id, sight) {
            return Err(self.fatal_here(format!("Variable is not visible: {}.{}", owner.name, field.name)));
        }
        if write && field.is_final {
            return Err(self.fatal_here(format!("Final variable can't be assigned again: {}", field.name)));
        }
        Ok(())
    }

    pub fn must_see_method(&self, method: &Arc<Method>, frame: &Frame) -> Res<()> {
        if self.runtime.sees(frame.class, method.class, method.sight) {
            return Ok(());
        }
        Err(self.fatal_here(format!("Method is not visible: {}", method.label)))
    }

    /// Whether `new` may be written here for the constructor that fits.
    pub fn must_see_constructor(&self, of: &Type, args: &[Val], frame: &Frame) -> Res<()> {
        let Type::Class(class) = of else { return Ok(()) };
        let constructors = &self.runtime.class(*class).constructors;
        if constructors.iter().all(|one| one.sight == Sight::Public) {
            return Ok(());
        }
        let chosen = constructors
            .iter()
            .filter_map(|one| Some((self.fit(&one.params, args)?, one)))
            .min_by_key(|(cost, _)| *cost);
        chosen.map_or(Ok(()), |(_, one)| self.must_see_method(one, frame))
    }
}
