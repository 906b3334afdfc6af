//! Type names to types.

use std::sync::Arc;

use tree_sitter::Node;

use super::{LoadError, Lower, Program, Source, children};
use crate::sandbox::org::apex::ast::{ClassId, Type};

/// Platform classes that may stand as a type, without their namespace.
const NATIVE: &[&str] = &[
    "saveresult",
    "upsertresult",
    "deleteresult",
    "undeleteresult",
    "error",
    "querylocator",
    "batchablecontext",
    "batchable",
    "stateful",
    "queueable",
    "queueablecontext",
    "schedulable",
    "schedulablecontext",
    "comparable",
    "comparator",
    "callable",
    "type",
    "sobjecttype",
    "sobjectfield",
    "describesobjectresult",
    "describefieldresult",
    "sobjecttypefields",
    "picklistentry",
    "savepoint",
    "jsongenerator",
    "uuid",
    "accesslevel",
    "triggeroperation",
    "statuscode",
    "roundingmode",
    "timezone",
    "pattern",
    "matcher",
    "eventbus",
    "testbroker",
    "triggercontext",
    "sobjectaccessdecision",
    "accesstype",
    "displaytype",
    "displaytype",
    "logginglevel",
    "iterator",
    "asyncoptions",
    "user",
    "version",
    "allowscallouts",
    "raisesplatformevents",
    "dmloptions",
    "eventpublishfailurecallback",
    "eventpublishsuccesscallback",
    "installhandler",
    "installcontext",
    "uninstallhandler",
    "finalizer",
    "finalizercontext",
];

impl<'t> Program<'t> {
    pub(super) fn type_of(&self, source: &Source, node: Node<'_>, class: Option<ClassId>) -> Result<Type, LoadError> {
        match node.kind() {
            "void_type" => Ok(Type::Void),
            "boolean_type" => Ok(Type::Boolean),
            "type_identifier" | "identifier" | "scoped_type_identifier" | "field_access" => {
                match self.named(source.text(node), class) {
                    Type::Class(id) if !self.sees(class, id, self.outlines[id].sight) => {
                        Err(source.wrong(node, format!("Type is not visible: {}", self.outlines[id].name)))
                    }
                    of => Ok(of),
                }
            }
            "array_type" => {
                let element = self.type_of(source, source.child(node, "element")?, class)?;
                Ok(Type::List(Arc::new(element)))
            }
            "generic_type" => {
                let parts = children(node);
                let (name, arguments) = (parts[0], parts[parts.len() - 1]);
                let mut arguments = children(arguments)
                    .into_iter()
                    .map(|argument| self.type_of(source, argument, class))
                    .collect::<Result<Vec<_>, _>>()?
                    .into_iter();
                let name = source.text(name).to_lowercase();
                let name = name.strip_prefix("system.").unwrap_or(&name);
                Ok(match (name, arguments.next(), arguments.next()) {
                    ("list", Some(element), None) => Type::List(Arc::new(element)),
                    ("set", Some(element), None) => Type::Set(Arc::new(element)),
                    ("map", Some(key), Some(value)) => Type::Map(Arc::new(key), Arc::new(value)),
                    ("iterable", Some(_), None) => Type::Iterable,
                    _ => Type::Native(Arc::from(without_namespace(name))),
                })
            }
            other => Err(source.unmodelled(node, format!("a type written as {other}"))),
        }
    }

    pub(super) fn named(&self, text: &str, class: Option<ClassId>) -> Type {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(id) = self.find_class(&text, class) {
            return Type::Class(id);
        }
        let lower = text.to_lowercase();
        let name = without_namespace(&lower);
        match name {
            "void" => Type::Void,
            "object" => Type::Object,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "long" => Type::Long,
            "double" => Type::Double,
            "decimal" => Type::Decimal,
            "string" => Type::String,
            "id" => Type::Id,
            "date" => Type::Date,
            "datetime" => Type::Datetime,
            "time" => Type::Time,
            "blob" => Type::Blob,
            "sobject" => Type::SObject(None),
            "exception" => Type::Exception(Arc::from("Exception")),
            _ if name.ends_with("exception") => {
                let own = &text[text.len() - name.len()..];
                let space = if lower.starts_with("eventbus.") { "EventBus" } else { "System" };
                Type::Exception(Arc::from(format!("{space}.{own}")))
            }
            // `User` alone is the sObject.
            _ if NATIVE.contains(&name) && name != "user" => Type::Native(Arc::from(name)),
            _ => Type::SObject(Some(Arc::from(&text[text.len() - name.len()..]))),
        }
    }

    /// A class by the name it may be called from inside `class`.
    pub(super) fn find_class(&self, text: &str, class: Option<ClassId>) -> Option<ClassId> {
        let lower = text.to_lowercase();
        let mut around = class;
        while let Some(id) = around {
            let mut heir = Some(id);
            while let Some(owner) = heir {
                let outline = &self.outlines[owner];
                if let Some(found) = self.by_name.get(&format!("{}.{lower}", outline.name.to_lowercase())) {
                    return Some(*found);
                }
                heir = match outline.superclass {
                    Some(Type::Class(parent)) => Some(parent),
                    _ => None,
                };
            }
            around = self.outlines[id].outer;
        }
        self.by_name.get(&lower).copied()
    }
}

/// Takes off `System.`, `Schema.`, `Database.`, …
pub(super) fn without_namespace(lower: &str) -> &str {
    for space in ["system.", "schema.", "database.", "eventbus.", "messaging."] {
        if let Some(rest) = lower.strip_prefix(space) {
            return rest;
        }
    }
    lower
}

impl<'t> Lower<'_, 't> {
    pub(super) fn type_of(&self, node: Node<'_>) -> Result<Type, LoadError> {
        self.program.type_of(self.source, node, self.class)
    }

    /// The type of a declared name; `String names[]` counts as a list.
    pub(super) fn declared(&self, of: &Type, declarator: Node<'_>) -> Type {
        match declarator.child_by_field_name("dimensions") {
            Some(_) => Type::List(Arc::new(of.clone())),
            None => of.clone(),
        }
    }
}
