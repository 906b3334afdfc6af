//! Classes, their members, and triggers.

use std::collections::HashMap;
use std::sync::Arc;

use tree_sitter::Node;

use super::{LoadError, Lower, Outline, OutlineField, Program, Source, children, position};
use crate::sandbox::org::apex::ast::{
    Annotation, Body, ChainTo, Class, ClassId, ClassKind, Expr, Field, Initialiser, Method, Name, Sharing, Trigger,
    Type,
};
use crate::sandbox::org::host::TriggerOp;

/// What stands before a declaration.
#[derive(Default)]
struct Modifiers {
    words: Vec<String>,
    annotations: Vec<Annotation>,
}

impl Modifiers {
    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    fn sharing(&self) -> Option<Sharing> {
        match () {
            () if self.has("with_sharing") => Some(Sharing::With),
            () if self.has("without_sharing") => Some(Sharing::Without),
            () if self.has("inherited_sharing") => Some(Sharing::Inherited),
            () => None,
        }
    }
}

fn modifiers(source: &Source, node: Node<'_>) -> Modifiers {
    let mut found = Modifiers::default();
    for group in children(node).into_iter().filter(|child| child.kind() == "modifiers") {
        for one in children(group) {
            if one.kind() == "annotation" {
                let name =
                    one.child_by_field_name("name").map(|name| source.text(name).to_lowercase()).unwrap_or_default();
                found.annotations.push(Annotation { name });
            } else if let Some(word) = one.named_child(0) {
                found.words.push(word.kind().to_owned());
            }
        }
    }
    found
}

impl<'t> Program<'t> {
    pub(super) fn outline(sources: &'t [Source]) -> Result<Program<'t>, LoadError> {
        let mut program = Program { outlines: Vec::new(), by_name: HashMap::new() };
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
                    let is_static = modifiers(source, member).has("static");
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
    fn inherited_slots(&self, id: ClassId, depth: usize) -> Result<usize, LoadError> {
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

    pub(super) fn class(&self, id: ClassId) -> Result<Class, LoadError> {
        let outline = &self.outlines[id];
        let (source, node) = (outline.source, outline.node);
        let own = modifiers(source, node);
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
                    let body = Lower::new(self, source, Some(id), true).body(block)?;
                    class.static_initialisers.push(Initialiser::Block(Arc::new(body)));
                }
                "block" => {
                    let body = Lower::new(self, source, Some(id), false).body(member)?;
                    class.initialisers.push(Initialiser::Block(Arc::new(body)));
                }
                "class_declaration" | "interface_declaration" | "enum_declaration" | "enum_constant" => {}
                other => return Err(source.unmodelled(member, format!("a {other} in a class"))),
            }
        }
        Ok(class)
    }

    fn field(&self, class: &mut Class, source: &'t Source, member: Node<'t>) -> Result<(), LoadError> {
        let given = modifiers(source, member);
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
                    let value: Expr = lower.initial(value, &known.of)?;
                    Some((value, lower.slots))
                }
                None => None,
            };
            let (mut getter, mut setter) = (None, None);
            for list in children(member).into_iter().filter(|child| child.kind() == "accessor_list") {
                for accessor in children(list) {
                    let Some(block) = accessor.child_by_field_name("body") else { continue };
                    let which = source.text(source.child(accessor, "accessor")?).to_lowercase();
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
        let given = modifiers(source, member);
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
            annotations: with_test_method(given),
            body,
            chain: None,
            label: Arc::from(format!("Class.{}.{name}", self.outlines[class].name)),
            pos: position(member),
        })
    }

    fn constructor(&self, class: ClassId, source: &'t Source, member: Node<'t>) -> Result<Method, LoadError> {
        let given = modifiers(source, member);
        let mut lower = Lower::new(self, source, Some(class), false);
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

/// `testMethod` is the older way to write `@IsTest`.
fn with_test_method(given: Modifiers) -> Vec<Annotation> {
    let old = given.has("testMethod");
    let mut annotations = given.annotations;
    if old {
        annotations.push(Annotation { name: "istest".to_owned() });
    }
    annotations
}

fn declarators(node: Node<'_>) -> Vec<Node<'_>> {
    children(node).into_iter().filter(|child| child.kind() == "variable_declarator").collect()
}

impl<'t> Lower<'_, 't> {
    pub(super) fn parameters(&mut self, node: Node<'t>) -> Result<Vec<(Name, Type)>, LoadError> {
        let mut params = Vec::new();
        for param in children(node) {
            let of = self.type_of(self.source.child(param, "type")?)?;
            let of = self.declared(&of, param);
            let name = self.source.text(self.source.child(param, "name")?);
            self.declare(name, of.clone());
            params.push((Arc::from(name), of));
        }
        Ok(params)
    }
}
