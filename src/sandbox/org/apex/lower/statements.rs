//! Statements.

use std::sync::Arc;

use tree_sitter::Node;

use super::modifiers::Modifiers;
use super::{LoadError, Lower, children, position};
use crate::sandbox::org::apex::ast::{Catch, Stmt, StmtKind, When};

impl<'t> Lower<'_, 't> {
    /// The statements between braces, in a scope of their own.
    pub(super) fn block(&mut self, node: Node<'t>) -> Result<Vec<Stmt>, LoadError> {
        self.scopes.push(Vec::new());
        let statements = children(node).into_iter().map(|child| self.statement(child)).collect();
        self.scopes.pop();
        statements
    }

    /// The condition inside `( … )`.
    fn condition(&mut self, node: Node<'t>) -> Result<super::super::ast::Expr, LoadError> {
        let node = self.source.child(node, "condition")?;
        self.expression(node)
    }

    fn boxed(&mut self, node: Node<'t>, field: &str) -> Result<Box<Stmt>, LoadError> {
        let node = self.source.child(node, field)?;
        self.scopes.push(Vec::new());
        let statement = self.statement(node);
        self.scopes.pop();
        Ok(Box::new(statement?))
    }

    pub(super) fn statement(&mut self, node: Node<'t>) -> Result<Stmt, LoadError> {
        let source = self.source;
        let kind = match node.kind() {
            "block" => StmtKind::Block(self.block(node)?),
            "local_variable_declaration" => self.locals(node)?,
            "expression_statement" => {
                let inner = children(node).into_iter().next();
                match inner {
                    Some(inner) => StmtKind::Expr(self.expression(inner)?),
                    None => StmtKind::Nothing,
                }
            }
            "if_statement" => {
                let condition = self.condition(node)?;
                let then = self.boxed(node, "consequence")?;
                let otherwise = match node.child_by_field_name("alternative") {
                    Some(_) => Some(self.boxed(node, "alternative")?),
                    None => None,
                };
                StmtKind::If(condition, then, otherwise)
            }
            "while_statement" => StmtKind::While(self.condition(node)?, self.boxed(node, "body")?),
            "do_statement" => {
                let body = self.boxed(node, "body")?;
                StmtKind::DoWhile(body, self.condition(node)?)
            }
            "for_statement" => self.for_loop(node)?,
            "enhanced_for_statement" => self.for_each(node)?,
            "return_statement" => {
                let value = children(node).into_iter().next();
                StmtKind::Return(value.map(|value| self.expression(value)).transpose()?)
            }
            "break_statement" => StmtKind::Break,
            "continue_statement" => StmtKind::Continue,
            "throw_statement" => {
                let value = children(node)
                    .into_iter()
                    .next()
                    .ok_or_else(|| source.unmodelled(node, "a throw without a value"))?;
                StmtKind::Throw(self.expression(value)?)
            }
            "try_statement" => self.try_statement(node)?,
            "switch_expression" => self.switch(node)?,
            "run_as_statement" => {
                let user = self.expression(source.child(node, "user")?)?;
                let block = children(node)
                    .into_iter()
                    .find(|child| child.kind() == "block")
                    .ok_or_else(|| source.unmodelled(node, "runAs without a block"))?;
                StmtKind::RunAs(user, self.block(block)?)
            }
            ";" => StmtKind::Nothing,
            other => return Err(source.unmodelled(node, format!("a {other} as a statement"))),
        };
        let counted = match &kind {
            StmtKind::Block(_) | StmtKind::Nothing | StmtKind::Try { .. } => false,
            StmtKind::Locals(locals) => locals.iter().any(|(_, _, value)| value.is_some()),
            _ => true,
        };
        let mark = counted.then(|| self.program.mark(source, node));
        Ok(Stmt { pos: position(node), mark, kind })
    }

    fn locals(&mut self, node: Node<'t>) -> Result<StmtKind, LoadError> {
        let source = self.source;
        let of = self.type_of(source.child(node, "type")?)?;
        let is_final = Modifiers::of(source, node)?.has("final");
        let mut locals = Vec::new();
        for declarator in children(node).into_iter().filter(|child| child.kind() == "variable_declarator") {
            let of = self.declared(&of, declarator);
            let name = source.child(declarator, "name")?;
            if self.local(source.text(name)).is_some() {
                return Err(source.wrong(name, format!("Duplicate variable: {}", source.text(name))));
            }
            let value = match declarator.child_by_field_name("value") {
                Some(value) => Some(self.initial(value, &of)?),
                None => None,
            };
            let slot = self.declare(source.text(name), of.clone());
            if is_final && value.is_some() {
                self.finals.insert(slot);
            }
            locals.push((slot, of, value));
        }
        Ok(StmtKind::Locals(locals))
    }

    fn for_loop(&mut self, node: Node<'t>) -> Result<StmtKind, LoadError> {
        self.scopes.push(Vec::new());
        let mut cursor = node.walk();
        let mut init = Vec::new();
        for part in node.children_by_field_name("init", &mut cursor).collect::<Vec<_>>() {
            if part.kind() == "local_variable_declaration" {
                init.push(self.statement(part)?);
            } else if part.is_named() {
                let value = self.expression(part)?;
                init.push(Stmt { pos: position(part), mark: None, kind: StmtKind::Expr(value) });
            }
        }
        let condition = node.child_by_field_name("condition").map(|part| self.expression(part)).transpose()?;
        let mut update = Vec::new();
        for part in node.children_by_field_name("update", &mut cursor).collect::<Vec<_>>() {
            if part.is_named() {
                update.push(self.expression(part)?);
            }
        }
        let body = self.boxed(node, "body")?;
        self.scopes.pop();
        Ok(StmtKind::For { init, condition, update, body })
    }

    fn for_each(&mut self, node: Node<'t>) -> Result<StmtKind, LoadError> {
        let source = self.source;
        let over = self.expression(source.child(node, "value")?)?;
        let element = self.type_of(source.child(node, "type")?)?;
        let element = self.declared(&element, node);
        self.scopes.push(Vec::new());
        let slot = self.declare(source.text(source.child(node, "name")?), element.clone());
        let body = self.boxed(node, "body")?;
        self.scopes.pop();
        Ok(StmtKind::ForEach { slot, element, over, body })
    }

    fn try_statement(&mut self, node: Node<'t>) -> Result<StmtKind, LoadError> {
        let source = self.source;
        let body = self.block(source.child(node, "body")?)?;
        let (mut catches, mut finally) = (Vec::new(), None);
        for part in children(node) {
            match part.kind() {
                "catch_clause" => {
                    let param = children(part)
                        .into_iter()
                        .find(|child| child.kind() == "formal_parameter")
                        .ok_or_else(|| source.unmodelled(part, "a catch without a type"))?;
                    let of = self.type_of(source.child(param, "type")?)?;
                    self.scopes.push(Vec::new());
                    let slot = self.declare(source.text(source.child(param, "name")?), of.clone());
                    let body = self.block(source.child(part, "body")?)?;
                    self.scopes.pop();
                    catches.push(Catch { of, slot, body });
                }
                "finally_clause" => {
                    let block = children(part).into_iter().next();
                    finally = block.map(|block| self.block(block)).transpose()?;
                }
                _ => {}
            }
        }
        Ok(StmtKind::Try { body, catches, finally })
    }

    fn switch(&mut self, node: Node<'t>) -> Result<StmtKind, LoadError> {
        let source = self.source;
        let on = self.expression(source.child(node, "condition")?)?;
        let (mut arms, mut otherwise) = (Vec::new(), None);
        for rule in children(source.child(node, "body")?) {
            let parts = children(rule);
            let (Some(label), Some(block)) = (parts.first(), parts.last()) else { continue };
            let values = children(*label);
            if values.is_empty() {
                otherwise = Some(self.block(*block)?);
                continue;
            }
            self.scopes.push(Vec::new());
            let mut whens = Vec::new();
            for value in values {
                whens.push(match value.kind() {
                    "when_sobject_type" => {
                        let parts = children(value);
                        let of = self.type_of(parts[0])?;
                        let slot = self.declare(source.text(parts[1]), of);
                        When::SObject { object: Arc::from(source.text(parts[0])), slot }
                    }
                    "identifier" if self.variable(source.text(value)).is_none() => {
                        When::Constant(Arc::from(source.text(value)))
                    }
                    _ => When::Value(self.expression(value)?),
                });
            }
            let body = self.block(*block)?;
            self.scopes.pop();
            arms.push((whens, body));
        }
        Ok(StmtKind::Switch { on, arms, otherwise })
    }
}
