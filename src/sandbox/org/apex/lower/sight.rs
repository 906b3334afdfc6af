//! Who may see a member, and where a final one may get its value.

use std::sync::Arc;

use tree_sitter::Node;

use super::{LoadError, Lower, OutlineField, Program, Source, position};
use crate::sandbox::org::apex::ast::{ClassId, ExprKind, Sight, Type};

impl<'t> Program<'t> {
    /// Numbers a line that can be executed.
    pub(super) fn mark(&self, source: &Source, node: Node<'_>) -> u32 {
        let mut marks = self.marks.borrow_mut();
        marks.push((Arc::clone(&source.file), position(node).line));
        marks.len() as u32 - 1
    }

    fn outermost(&self, class: ClassId) -> ClassId {
        match self.outlines[class].outer {
            Some(outer) => self.outermost(outer),
            None => class,
        }
    }

    fn extends(&self, class: ClassId, of: ClassId) -> bool {
        class == of || matches!(self.outlines[class].superclass, Some(Type::Class(parent)) if self.extends(parent, of))
    }

    /// Whether code in `from` (`None`: a trigger) may use what `owner` declares.
    pub(super) fn sees(&self, from: Option<ClassId>, owner: ClassId, sight: Sight) -> bool {
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
        in_tests && self.outlines[outermost].is_test || by_heirs && self.extends(from, owner)
    }

    fn static_field(&self, class: ClassId, slot: usize) -> Option<&OutlineField> {
        self.outlines[class].fields.iter().find(|field| field.is_static && field.slot == slot)
    }
}

impl<'t> Lower<'_, 't> {
    /// The sentence that refuses a static member, if this code may not see it.
    pub(super) fn hidden(&self, kind: &ExprKind) -> Option<String> {
        let (ExprKind::StaticField(class, slot) | ExprKind::StaticProperty(class, slot)) = kind else { return None };
        let field = self.program.static_field(*class, *slot)?;
        let seen = self.program.sees(self.class, *class, field.sight);
        (!seen).then(|| format!("Variable is not visible: {}.{}", self.program.outlines[*class].name, field.name))
    }

    /// Refuses an assignment to a final local, and to a final member outside its class's constructors and initialisers.
    pub(super) fn must_vary(&self, node: Node<'t>, kind: &ExprKind) -> Result<(), LoadError> {
        let (name, right) = match kind {
            ExprKind::Local(slot) if self.finals.contains(slot) => (self.source.text(node), false),
            ExprKind::ThisField(slot) => {
                let mut heir = self.class;
                let mut found = None;
                while let (Some(class), None) = (heir, found) {
                    let outline = &self.program.outlines[class];
                    found = outline.fields.iter().find(|field| !field.is_static && field.slot == *slot);
                    heir = match outline.superclass {
                        Some(Type::Class(parent)) => Some(parent),
                        _ => None,
                    };
                }
                match found {
                    Some(field) if field.is_final => (field.name.as_str(), self.initialising && !self.is_static),
                    _ => return Ok(()),
                }
            }
            ExprKind::StaticField(class, slot) => match self.program.static_field(*class, *slot) {
                Some(field) if field.is_final => {
                    (field.name.as_str(), self.initialising && self.is_static && self.class == Some(*class))
                }
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        match right {
            true => Ok(()),
            false => Err(self.source.wrong(node, format!("Final variable can't be assigned again: {name}"))),
        }
    }
}
