//! What stands before a declaration: modifiers and annotations.

use tree_sitter::Node;

use super::{LoadError, Source, children};
use crate::sandbox::org::apex::ast::{Annotation, Sharing, Sight};

/// Annotations that change nothing here, or whose meaning the runtime knows. Any other one is refused.
const KNOWN: &[&str] = &[
    "istest",
    "testvisible",
    "testsetup",
    "auraenabled",
    "invocablemethod",
    "invocablevariable",
    "suppresswarnings",
    "deprecated",
    "namespaceaccessible",
];

#[derive(Default)]
pub(super) struct Modifiers {
    words: Vec<String>,
    pub annotations: Vec<Annotation>,
}

impl Modifiers {
    pub fn of(source: &Source, node: Node<'_>) -> Result<Modifiers, LoadError> {
        let mut found = Modifiers::default();
        for group in children(node).into_iter().filter(|child| child.kind() == "modifiers") {
            for one in children(group) {
                if one.kind() == "annotation" {
                    found.annotations.push(annotation(source, one)?);
                } else if let Some(word) = one.named_child(0) {
                    if word.kind() == "webservice" {
                        return Err(source.unmodelled(one, "webservice"));
                    }
                    found.words.push(word.kind().to_owned());
                }
            }
        }
        Ok(found)
    }

    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    pub fn has_annotation(&self, name: &str) -> bool {
        self.annotations.iter().any(|own| own.name == name)
    }

    pub fn sharing(&self) -> Option<Sharing> {
        match () {
            () if self.has("with_sharing") => Some(Sharing::With),
            () if self.has("without_sharing") => Some(Sharing::Without),
            () if self.has("inherited_sharing") => Some(Sharing::Inherited),
            () => None,
        }
    }

    /// Without a word for it, a member is private.
    pub fn sight(&self) -> Sight {
        let in_tests = self.has_annotation("testvisible");
        match () {
            () if self.has("public") || self.has("global") => Sight::Public,
            () if self.has("protected") && in_tests => Sight::ProtectedTestVisible,
            () if self.has("protected") => Sight::Protected,
            () if in_tests => Sight::TestVisible,
            () => Sight::Private,
        }
    }

    /// Whether it says itself who may use it.
    pub fn narrows(&self) -> bool {
        ["public", "global", "protected", "private"].iter().any(|word| self.has(word))
    }

    /// `testMethod` is the older way to write `@IsTest`.
    pub fn with_test_method(mut self) -> Vec<Annotation> {
        if self.has("testMethod") {
            self.annotations.push(Annotation { name: "istest".to_owned(), arguments: String::new() });
        }
        self.annotations
    }
}

fn annotation(source: &Source, node: Node<'_>) -> Result<Annotation, LoadError> {
    let name = source.text(source.child(node, "name")?).to_lowercase();
    let arguments = node.child_by_field_name("arguments").map_or("", |list| source.text(list));
    let arguments: String = arguments.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    if !KNOWN.contains(&name.as_str()) {
        return Err(source.unmodelled(node, format!("@{name}")));
    }
    if name == "istest" && arguments.contains("seealldata=true") {
        return Err(source.unmodelled(node, "@IsTest(SeeAllData=true)"));
    }
    Ok(Annotation { name, arguments })
}
