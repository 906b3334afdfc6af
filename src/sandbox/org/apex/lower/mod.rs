//! From the parser's tree to the typed one: first every class's outline, then the bodies with all names known.

mod declarations;
mod expressions;
mod modifiers;
mod names;
mod outline;
mod queries;
mod sight;
mod statements;
mod types;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tree_sitter::{Node, Parser, Tree};

use super::ast::{Body, Class, ClassId, ClassKind, Name, Pos, Sight, Trigger, Type};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the Apex grammar doesn't fit this build of the parser: {0}")]
    Grammar(String),
    #[error("{file}:{line}: this is not Apex that the parser understands; correct the line or the one before it")]
    Syntax { file: Name, line: u32 },
    #[error(
        "{file}:{line}: the parser can't read a statement that begins with Trigger.new[…]; put the row into a variable \
         first, as in a loop over Trigger.new"
    )]
    TriggerIndex { file: Name, line: u32 },
    #[error("{file}:{line}: {what} is not modelled by the sandbox; write it another way or extend the runtime")]
    Unmodelled { file: Name, line: u32, what: String },
    #[error("{file}:{line}: {what}")]
    Wrong { file: Name, line: u32, what: String },
}

/// Everything that was loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    pub classes: Vec<Class>,
    pub by_name: HashMap<String, ClassId>,
    pub triggers: Vec<Trigger>,
    /// Where each line that can be executed begins: file and line, by the marks of statements.
    pub marks: Vec<(Name, u32)>,
}

pub struct Source {
    file: Name,
    text: String,
    tree: Tree,
}

/// What the bodies need to know of a class before any body is lowered.
pub struct Outline<'t> {
    source: &'t Source,
    node: Node<'t>,
    name: Name,
    outer: Option<ClassId>,
    kind: ClassKind,
    sight: Sight,
    is_test: bool,
    superclass: Option<Type>,
    fields: Vec<OutlineField>,
    /// Lower-case names of its methods.
    methods: Vec<String>,
    constants: Vec<Name>,
}

pub struct OutlineField {
    name: String,
    of: Type,
    is_static: bool,
    is_final: bool,
    sight: Sight,
    property: bool,
    slot: usize,
}

pub struct Program<'t> {
    outlines: Vec<Outline<'t>>,
    by_name: HashMap<String, ClassId>,
    marks: RefCell<Vec<(Name, u32)>>,
}

/// Lowers one class's or trigger's bodies.
pub struct Lower<'p, 't> {
    program: &'p Program<'t>,
    source: &'t Source,
    class: Option<ClassId>,
    is_static: bool,
    /// In a constructor or an initialiser, where final members get their value.
    initialising: bool,
    /// Slots of final locals that have their value.
    finals: HashSet<usize>,
    /// Inside an accessor, the property's own name means its store.
    accessor_of: Option<String>,
    scopes: Vec<Vec<(String, usize, Type)>>,
    slots: usize,
}

/// Parses and lowers all classes and triggers beneath `dirs`.
pub fn load(dirs: &[PathBuf]) -> Result<Loaded, LoadError> {
    let mut files = Vec::new();
    for dir in dirs {
        collect(dir, &mut files)?;
    }
    files.sort();
    files.dedup();
    let mut texts = Vec::new();
    for path in files {
        let text =
            std::fs::read_to_string(&path).map_err(|source| LoadError::Unreadable { path: path.clone(), source })?;
        texts.push((path.display().to_string(), text));
    }
    load_texts(texts)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: dir.to_owned(), source };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "cls" || extension == "trigger") {
            files.push(path);
        }
    }
    Ok(())
}

/// `texts`: file name and content.
pub fn load_texts(texts: Vec<(String, String)>) -> Result<Loaded, LoadError> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_sfapex::apex::LANGUAGE.into())
        .map_err(|error| LoadError::Grammar(error.to_string()))?;
    let mut sources = Vec::new();
    for (file, text) in texts {
        let file: Name = Arc::from(file);
        let tree = parser.parse(&text, None).ok_or_else(|| LoadError::Grammar("the parser gave no tree".to_owned()))?;
        if tree.root_node().has_error() {
            let row = first_error(tree.root_node()).start_position().row;
            let line = row as u32 + 1;
            let written = text.lines().nth(row).unwrap_or_default().to_lowercase().replace(' ', "");
            if ["trigger.new[", "trigger.old["].iter().any(|start| written.contains(start)) {
                return Err(LoadError::TriggerIndex { file, line });
            }
            return Err(LoadError::Syntax { file, line });
        }
        sources.push(Source { file, text, tree });
    }
    let program = Program::outline(&sources)?;
    let mut loaded = Loaded { by_name: program.by_name.clone(), ..Loaded::default() };
    for id in 0..program.outlines.len() {
        loaded.classes.push(program.class(id)?);
    }
    for source in &sources {
        for node in children(source.tree.root_node()) {
            if node.kind() == "trigger_declaration" {
                loaded.triggers.push(program.trigger(source, node)?);
            }
        }
    }
    loaded.marks = program.marks.into_inner();
    Ok(loaded)
}

fn first_error(node: Node<'_>) -> Node<'_> {
    let mut cursor = node.walk();
    let broken = node.children(&mut cursor).find(|child| child.has_error() || child.is_missing());
    match broken {
        Some(child) if !node.is_error() => first_error(child),
        _ => node,
    }
}

/// Named children without comments.
pub fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !matches!(child.kind(), "line_comment" | "block_comment" | "comment"))
        .collect()
}

pub fn position(node: Node<'_>) -> Pos {
    let at = node.start_position();
    Pos { line: at.row as u32 + 1, column: at.column as u32 + 1 }
}

impl Source {
    pub fn text(&self, node: Node<'_>) -> &str {
        &self.text[node.byte_range()]
    }

    fn unmodelled(&self, node: Node<'_>, what: impl Into<String>) -> LoadError {
        LoadError::Unmodelled { file: self.file.clone(), line: position(node).line, what: what.into() }
    }

    fn wrong(&self, node: Node<'_>, what: impl Into<String>) -> LoadError {
        LoadError::Wrong { file: self.file.clone(), line: position(node).line, what: what.into() }
    }

    /// A child that the grammar promises.
    fn child<'n>(&self, node: Node<'n>, field: &str) -> Result<Node<'n>, LoadError> {
        node.child_by_field_name(field)
            .ok_or_else(|| self.unmodelled(node, format!("a {} without its {field}", node.kind())))
    }
}

impl<'p, 't> Lower<'p, 't> {
    fn new(program: &'p Program<'t>, source: &'t Source, class: Option<ClassId>, is_static: bool) -> Self {
        Lower {
            program,
            source,
            class,
            is_static,
            initialising: false,
            finals: HashSet::new(),
            accessor_of: None,
            scopes: vec![Vec::new()],
            slots: 0,
        }
    }

    fn initialising(mut self) -> Self {
        self.initialising = true;
        self
    }

    fn declare(&mut self, name: &str, of: Type) -> usize {
        let slot = self.slots;
        self.slots += 1;
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name.to_lowercase(), slot, of));
        }
        slot
    }

    fn local(&self, name: &str) -> Option<(usize, &Type)> {
        self.scopes
            .iter()
            .rev()
            .flat_map(|scope| scope.iter().rev())
            .find(|(local, _, _)| local.eq_ignore_ascii_case(name))
            .map(|(_, slot, of)| (*slot, of))
    }

    fn in_sight(&self) -> Vec<(Name, usize)> {
        self.scopes.iter().flatten().map(|(name, slot, _)| (Arc::from(name.as_str()), *slot)).collect()
    }

    fn body(mut self, block: Node<'t>) -> Result<Body, LoadError> {
        let statements = self.block(block)?;
        Ok(Body { statements, slots: self.slots })
    }
}
