//! The outline of every class: its name, its superclass and its members' types, before any body is lowered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tree_sitter::Node;

use super::declarations::declarators;
use super::modifiers::Modifiers;
use super::{LoadError, Outline, OutlineField, Program, Source, children};
use crate::sandbox::org::apex::ast::{ClassId, ClassKind, Name, Sight, Type};

impl<'t> Program<'t> {
    pub(super) fn outline(sources: &'t [Source]) -> Result<Program<'t>, LoadError> {
        let mut program = Program { outlines: Vec::new(), by_name: HashMap::new(), marks: RefCell::default() };
        for source in sources {
            for node in children(source.tree.root_node()) {
                match node.kind() {
                    "class_declaration" | "interface_declaration" | "enum_declaration" => {
                        program.register(source, node, None)?;
                    }
                    "trigger_declaration" => {}
                    other => {
                        return Err(source.unmodelled(node, format!("a file that holds a {other} at its top")));
                    }
                }
            }
        }
        // Superclasses first: a name may come from an inherited inner class.
        for id in 0..program.outlines.len() {
            let (node, source) = (program.outlines[id].node, program.outlines[id].source);
            if let Some(parent) = node.child_by_field_name("superclass").and_then(|clause| clause.named_child(0)) {
                let parent = program.type_of(source, parent, Some(id))?;
                program.outlines[id].superclass = Some(parent);
            }
        }
        for id in 0..program.outlines.len() {
            program.outline_fields(id)?;
        }
        for id in 0..program.outlines.len() {
            let base = program.inherited_slots(id, 0)?;
            program.outlines[id]
                .fields
                .iter_mut()
                .filter(|field| !field.is_static)
                .for_each(|field| field.slot += base);
        }
        Ok(program)
    }

    fn register(&mut self, source: &'t Source, node: Node<'t>, outer: Option<ClassId>) -> Result<(), LoadError> {
        let own = source.text(source.child(node, "name")?);
        let name: Name = match outer {
            Some(outer) => Arc::from(format!("{}.{own}", self.outlines[outer].name)),
            None => Arc::from(own),
        };
        let id = self.outlines.len();
        if self.by_name.insert(name.to_lowercase(), id).is_some() {
            return Err(source.wrong(node, format!("the class {name} is there twice")));
        }
        let kind = match node.kind() {
            "interface_declaration" => ClassKind::Interface,
            "enum_declaration" => ClassKind::Enum,
            _ => ClassKind::Class,
        };
        let given = Modifiers::of(source, node)?;
        // A class at the top of its file is seen by all: there is no other package here.
        let sight = if outer.is_some() { given.sight() } else { Sight::Public };
        let body = source.child(node, "body")?;
        let constants = children(body)
            .into_iter()
            .filter(|child| child.kind() == "enum_constant")
            .filter_map(|child| child.child_by_field_name("name"))
            .map(|name| Arc::from(source.text(name)))
            .collect();
        self.outlines.push(Outline {
            source,
            node,
            name,
            outer,
            kind,
            sight,
            is_test: given.has_annotation("istest"),
            superclass: None,
            fields: Vec::new(),
            methods: Vec::new(),
            constants,
        });
        for inner in children(body) {
            if matches!(inner.kind(), "class_declaration" | "interface_declaration" | "enum_declaration") {
                self.register(source, inner, Some(id))?;
            }
        }
        Ok(())
    }

    fn outline_fields(&mut self, id: ClassId) -> Result<(), LoadError> {
        let (node, source) = (self.outlines[id].node, self.outlines[id].source);
        let (mut own, mut statics) = (0, 0);
        for member in children(source.child(node, "body")?) {
            match member.kind() {
                "field_declaration" => {
                    let of = self.type_of(source, source.child(member, "type")?, Some(id))?;
                    let given = Modifiers::of(source, member)?;
                    let is_static = given.has("static");
                    let property = children(member).iter().any(|child| child.kind() == "accessor_list");
                    for declarator in declarators(member) {
                        let slot = if is_static { &mut statics } else { &mut own };
                        let field = OutlineField {
                            name: source.text(source.child(declarator, "name")?).to_lowercase(),
                            of: match declarator.child_by_field_name("dimensions") {
                                Some(_) => Type::List(Arc::new(of.clone())),
                                None => of.clone(),
                            },
                            is_static,
                            is_final: given.has("final"),
                            sight: given.sight(),
                            property,
                            slot: *slot,
                        };
                        *slot += 1;
                        self.outlines[id].fields.push(field);
                    }
                }
                "method_declaration" => {
                    let name = source.text(source.child(member, "name")?).to_lowercase();
                    self.outlines[id].methods.push(name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// How many slots the superclasses take.
    pub(super) fn inherited_slots(&self, id: ClassId, depth: usize) -> Result<usize, LoadError> {
        let outline = &self.outlines[id];
        if depth > 50 {
            return Err(outline.source.wrong(outline.node, format!("{} extends itself", outline.name)));
        }
        match outline.superclass {
            Some(Type::Class(parent)) => {
                let own = self.outlines[parent].fields.iter().filter(|field| !field.is_static).count();
                Ok(own + self.inherited_slots(parent, depth + 1)?)
            }
            _ => Ok(0),
        }
    }
}
