//! Classes, their members, and triggers.

use std::collections::HashMap;
use std::sync::Arc;

use tree_sitter::Node;

use super::modifiers::Modifiers;
use super::{LoadError, Lower, Program, Source, children, position};
use crate::sandbox::org::apex::ast::{
    Body, ChainTo, Class, ClassId, ClassKind, Expr, Field, Initialiser, Method, Name, Sight, Trigger, Type,
};
use crate::sandbox::org::host::TriggerOp;

impl<'t> Program<'t> {
    pub(super) fn class(&self, id: ClassId) -> Result<Class, LoadError> {
        let outline = &self.outlines[id];
        let (source, node) = (outline.source, outline.node);
        let own = Modifiers::of(source, node)?;
        let mut interfaces = Vec::new();
        for clause in children(node) {
            if matches!(clause.kind(), "interfaces" | "extends_interfaces") {
                for list in children(clause) {
                    for one in children(list) {
                        interfaces.push(self.type_of(source, one, Some(id))?);
                    }
                }
            }
        }
        let mut class = Class {
            id,
            name: outline.name.clone(),
            file: source.file.clone(),
            outer: outline.outer,
            kind: outline.kind,
            is_abstract: own.has("abstract"),
            superclass: outline.superclass.clone(),
            interfaces,
            sharing: own.sharing(),
            annotations: own.annotations,
            constants: outline.constants.clone(),
            fields: Vec::new(),
            static_fields: Vec::new(),
            initialisers: Vec::new(),
            static_initialisers: Vec::new(),
            methods: HashMap::new(),
            constructors: Vec::new(),
            slots: self.inherited_slots(id, 0)? + outline.fields.iter().filter(|field| !field.is_static).count(),
        };
        for member in children(source.child(node, "body")?) {
            match member.kind() {
                "field_declaration" => self.field(&mut class, source, member)?,
                "method_declaration" => {
                    let method = self.method(id, source, member)?;
                    class.methods.entry(method.name.to_lowercase()).or_default().push(Arc::new(method));
                }
                "constructor_declaration" => class.constructors.push(Arc::new(self.constructor(id, source, member)?)),
                "static_initializer" => {
                    let block = member.named_child(0).ok_or_else(|| source.unmodelled(member, "an empty block"))?;
                    let body = Lower::new(self, source, Some(id), true).initialising().body(block)?;
                    class.static_initialisers.push(Initialiser::Block(Arc::new(body)));
                }
                "block" => {
                    let body = Lower::new(self, source, Some(id), false).initialising().body(member)?;
                    class.initialisers.push(Initialiser::Block(Arc::new(body)));
                }
                "class_declaration" | "interface_declaration" | "enum_declaration" | "enum_constant" => {}
                other => return Err(source.unmodelled(member, format!("a {other} in a class"))),
            }
        }
        Ok(class)
    }

    fn field(&self, class: &mut Class, source: &'t Source, member: Node<'t>) -> Result<(), LoadError> {
        let given = Modifiers::of(source, member)?;
        let is_static = given.has("static");
        for declarator in declarators(member) {
            let name = source.text(source.child(declarator, "name")?);
            let Some(known) = self.outlines[class.id].fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
            else {
                return Err(source.wrong(declarator, format!("the field {name} has no outline")));
            };
            let initial = match declarator.child_by_field_name("value") {
                Some(value) => {
                    let mut lower = Lower::new(self, source, Some(class.id), is_static);
                    let mark = self.mark(source, value);
                    let value: Expr = lower.initial(value, &known.of)?;
                    Some((value, lower.slots, mark))
                }
                None => None,
            };
            let (mut getter, mut setter, mut set_sight) = (None, None, given.sight());
            for list in children(member).into_iter().filter(|child| child.kind() == "accessor_list") {
                for accessor in children(list) {
                    let which = source.text(source.child(accessor, "accessor")?).to_lowercase();
                    let narrowed = Modifiers::of(source, accessor)?;
                    if which == "set" && narrowed.narrows() {
                        set_sight = narrowed.sight();
                    }
                    let Some(block) = accessor.child_by_field_name("body") else { continue };
                    let mut lower = Lower::new(self, source, Some(class.id), is_static);
                    lower.accessor_of = Some(name.to_lowercase());
                    if which == "set" {
                        lower.declare("value", known.of.clone());
                        setter = Some(Arc::new(lower.body(block)?));
                    } else {
                        getter = Some(Arc::new(lower.body(block)?));
                    }
                }
            }
            let field = Field {
                name: Arc::from(name),
                of: known.of.clone(),
                is_transient: given.has("transient"),
                is_final: given.has("final"),
                sight: given.sight(),
                set_sight,
                slot: known.slot,
                initial,
                getter,
                setter,
                annotations: given.annotations.clone(),
                pos: position(declarator),
            };
            let (fields, order) = match is_static {
                true => (&mut class.static_fields, &mut class.static_initialisers),
                false => (&mut class.fields, &mut class.initialisers),
            };
            if field.initial.is_some() {
                order.push(Initialiser::Field(fields.len()));
            }
            fields.push(field);
        }
        Ok(())
    }

    fn method(&self, class: ClassId, source: &'t Source, member: Node<'t>) -> Result<Method, LoadError> {
        let given = Modifiers::of(source, member)?;
        let name = source.text(source.child(member, "name")?);
        let is_static = given.has("static") || given.has("testMethod");
        let mut lower = Lower::new(self, source, Some(class), is_static);
        let params = lower.parameters(source.child(member, "parameters")?)?;
        let returns = lower.type_of(source.child(member, "type")?)?;
        let body = match member.child_by_field_name("body") {
            Some(block) => Some(lower.body(block)?),
            None => None,
        };
        Ok(Method {
            name: Arc::from(name),
            class,
            params,
            returns,
            is_static,
            sight: match self.outlines[class].kind {
                ClassKind::Interface => Sight::Public,
                _ => given.sight(),
            },
            annotations: given.with_test_method(),
            body,
            chain: None,
            label: Arc::from(format!("Class.{}.{name}", self.outlines[class].name)),
            pos: position(member),
        })
    }

    fn constructor(&self, class: ClassId, source: &'t Source, member: Node<'t>) -> Result<Method, LoadError> {
        let given = Modifiers::of(source, member)?;
        let mut lower = Lower::new(self, source, Some(class), false).initialising();
        let params = lower.parameters(source.child(member, "parameters")?)?;
        let block = source.child(member, "body")?;
        let (mut chain, mut statements) = (None, Vec::new());
        for part in children(block) {
            if part.kind() == "explicit_constructor_invocation" {
                let to = match source.child(part, "constructor")?.kind() {
                    "super" => ChainTo::Super,
                    _ => ChainTo::This,
                };
                chain = Some((to, lower.arguments(source.child(part, "arguments")?)?));
            } else {
                statements.push(lower.statement(part)?);
            }
        }
        Ok(Method {
            name: Arc::from("<init>"),
            class,
            params,
            returns: Type::Void,
            is_static: false,
            sight: given.sight(),
            annotations: given.annotations,
            body: Some(Body { statements, slots: lower.slots }),
            chain,
            label: Arc::from(format!("Class.{}.<init>", self.outlines[class].name)),
            pos: position(member),
        })
    }

    pub(super) fn trigger(&self, source: &'t Source, node: Node<'t>) -> Result<Trigger, LoadError> {
        let mut cursor = node.walk();
        let mut operations = Vec::new();
        for event in node.children_by_field_name("events", &mut cursor) {
            let Some(kind) = event.named_child(0) else { continue };
            operations.push(match kind.kind() {
                "before_insert" => TriggerOp::BeforeInsert,
                "before_update" => TriggerOp::BeforeUpdate,
                "before_delete" => TriggerOp::BeforeDelete,
                "after_insert" => TriggerOp::AfterInsert,
                "after_update" => TriggerOp::AfterUpdate,
                "after_delete" => TriggerOp::AfterDelete,
                "after_undelete" => TriggerOp::AfterUndelete,
                other => return Err(source.unmodelled(event, format!("the trigger event {other}"))),
            });
        }
        let body = source.child(node, "body")?;
        let block = children(body).into_iter().next().ok_or_else(|| source.unmodelled(body, "an empty trigger"))?;
        Ok(Trigger {
            name: Arc::from(source.text(source.child(node, "name")?)),
            file: source.file.clone(),
            object: Arc::from(source.text(source.child(node, "object")?)),
            operations,
            body: Lower::new(self, source, None, true).body(block)?,
        })
    }
}

pub(super) fn declarators(node: Node<'_>) -> Vec<Node<'_>> {
    children(node).into_iter().filter(|child| child.kind() == "variable_declarator").collect()
}

impl<'t> Lower<'_, 't> {
    pub(super) fn parameters(&mut self, node: Node<'t>) -> Result<Vec<(Name, Type)>, LoadError> {
        let mut params = Vec::new();
        for param in children(node) {
            let of = self.type_of(self.source.child(param, "type")?)?;
            let of = self.declared(&of, param);
            let name = self.source.text(self.source.child(param, "name")?);
            let slot = self.declare(name, of.clone());
            if Modifiers::of(self.source, param)?.has("final") {
                self.finals.insert(slot);
            }
            params.push((Arc::from(name), of));
        }
        Ok(params)
    }
}
