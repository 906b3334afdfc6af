//! Expressions.

use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use tree_sitter::Node;

use super::{LoadError, Lower, children, position};
use crate::sandbox::org::apex::ast::{BinaryOp, Call, CallTarget, Expr, ExprKind, Literal, Merge, Save, Type};
use crate::sandbox::org::host::{Access, SaveOp};

impl<'t> Lower<'_, 't> {
    pub(super) fn expression(&mut self, node: Node<'t>) -> Result<Expr, LoadError> {
        let kind = self.expression_kind(node)?;
        Ok(Expr { pos: position(node), kind })
    }

    fn boxed_expr(&mut self, node: Node<'t>, field: &str) -> Result<Box<Expr>, LoadError> {
        let node = self.source.child(node, field)?;
        Ok(Box::new(self.expression(node)?))
    }

    /// A variable's first value; `{ … }` alone makes a list of the declared type.
    pub(super) fn initial(&mut self, node: Node<'t>, of: &Type) -> Result<Expr, LoadError> {
        match (node.kind(), of) {
            ("array_initializer", Type::List(element)) => {
                let items = children(node).into_iter().map(|item| self.expression(item)).collect::<Result<_, _>>()?;
                let kind = ExprKind::NewList { element: element.clone(), items, set: false };
                Ok(Expr { pos: position(node), kind })
            }
            _ => self.expression(node),
        }
    }

    pub(super) fn arguments(&mut self, node: Node<'t>) -> Result<Vec<Expr>, LoadError> {
        children(node).into_iter().map(|argument| self.expression(argument)).collect()
    }

    fn expression_kind(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let source = self.source;
        match node.kind() {
            "int"
            | "decimal_floating_point_literal"
            | "boolean"
            | "string_literal"
            | "multi_line_string_literal"
            | "null_literal" => self.literal(node),
            "this" => Ok(ExprKind::This),
            "identifier" => self.identifier(node),
            "field_access" => self.field_access(node),
            "parenthesized_expression" => {
                let inner = children(node).into_iter().next();
                self.expression_kind(inner.ok_or_else(|| source.unmodelled(node, "empty parentheses"))?)
            }
            "class_literal" => {
                let inner = children(node).into_iter().next();
                let of = self.type_of(inner.ok_or_else(|| source.unmodelled(node, "a type without a name"))?)?;
                Ok(ExprKind::TypeLiteral(of))
            }
            "array_access" => {
                let array = self.boxed_expr(node, "array")?;
                Ok(ExprKind::Index { array, index: self.boxed_expr(node, "index")? })
            }
            "method_invocation" => {
                let written = source.text(source.child(node, "name")?);
                let target = self.call_target(node, written)?;
                let args = self.arguments(source.child(node, "arguments")?)?;
                let (written, name) = (Arc::from(written), Arc::from(written.to_lowercase()));
                let scope = match &target {
                    CallTarget::Platform(class) if **class == *"database" => self.in_sight(),
                    _ => Vec::new(),
                };
                Ok(ExprKind::Call(Box::new(Call { scope, target, written, name, args })))
            }
            "object_creation_expression" | "array_creation_expression" | "map_creation_expression" => self.new_of(node),
            "query_expression" => self.query(node),
            "dml_expression" => self.save(node),
            "cast_expression" => {
                let to = self.type_of(source.child(node, "type")?)?;
                let value = self.boxed_expr(node, "value")?;
                let through_object = self.is_object(source.child(node, "value")?);
                Ok(ExprKind::Cast { to, value, through_object })
            }
            "instanceof_expression" => {
                let value = self.boxed_expr(node, "left")?;
                Ok(ExprKind::InstanceOf { value, of: self.type_of(source.child(node, "right")?)? })
            }
            "ternary_expression" => Ok(ExprKind::Ternary(
                self.boxed_expr(node, "condition")?,
                self.boxed_expr(node, "consequence")?,
                self.boxed_expr(node, "alternative")?,
            )),
            "unary_expression" => {
                let operator = source.text(source.child(node, "operator")?);
                let operand = source.child(node, "operand")?;
                if operator == "-" && operand.kind() == "int" {
                    return self.integer(node, &format!("-{}", source.text(operand)));
                }
                let operand = Box::new(self.expression(operand)?);
                match operator {
                    "!" => Ok(ExprKind::Not(operand)),
                    "-" => Ok(ExprKind::Negate(operand)),
                    "~" => Ok(ExprKind::Complement(operand)),
                    _ => Ok(operand.kind),
                }
            }
            "update_expression" => {
                let operator = source.child(node, "operator")?;
                let operand = source.child(node, "operand")?;
                let by = if source.text(operator) == "++" { 1 } else { -1 };
                let before = operator.start_byte() < operand.start_byte();
                Ok(ExprKind::Step { target: self.target(operand)?, by, before })
            }
            "assignment_expression" => {
                let target = self.target(source.child(node, "left")?)?;
                let written: String =
                    source.text(source.child(node, "operator")?).chars().filter(|c| !c.is_whitespace()).collect();
                let op = match written.strip_suffix('=') {
                    Some("") => None,
                    Some(op) => Some(self.operator(node, op)?),
                    None => return Err(source.unmodelled(node, written)),
                };
                Ok(ExprKind::Assign { target, op, value: self.boxed_expr(node, "right")? })
            }
            "binary_expression" => {
                let left = self.boxed_expr(node, "left")?;
                let right = self.boxed_expr(node, "right")?;
                let written: String =
                    source.text(source.child(node, "operator")?).chars().filter(|c| !c.is_whitespace()).collect();
                match written.as_str() {
                    "&&" => Ok(ExprKind::And(left, right)),
                    "||" => Ok(ExprKind::Or(left, right)),
                    "??" => Ok(ExprKind::Coalesce(left, right)),
                    op => Ok(ExprKind::Binary { op: self.operator(node, op)?, left, right }),
                }
            }
            other => Err(source.unmodelled(node, format!("a {other} as a value"))),
        }
    }

    fn operator(&self, node: Node<'t>, written: &str) -> Result<BinaryOp, LoadError> {
        Ok(match written {
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Subtract,
            "*" => BinaryOp::Multiply,
            "/" => BinaryOp::Divide,
            "==" => BinaryOp::Equal,
            "!=" | "<>" => BinaryOp::NotEqual,
            "===" => BinaryOp::Same,
            "!==" => BinaryOp::NotSame,
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessOrEqual,
            ">" => BinaryOp::Greater,
            ">=" => BinaryOp::GreaterOrEqual,
            "&" => BinaryOp::BitAnd,
            "|" => BinaryOp::BitOr,
            "^" => BinaryOp::BitXor,
            "<<" => BinaryOp::ShiftLeft,
            ">>" => BinaryOp::ShiftRight,
            ">>>" => BinaryOp::ShiftRightUnsigned,
            other => return Err(self.source.unmodelled(node, format!("the operator {other}"))),
        })
    }

    /// Whether an expression's static type is `Object`, as far as the text shows it: then a cast checks the run-time
    /// type instead of converting numbers.
    fn is_object(&self, node: Node<'t>) -> bool {
        match node.kind() {
            "identifier" => matches!(self.local(self.source.text(node)), Some((_, Type::Object))),
            "method_invocation" => node.child_by_field_name("name").is_some_and(|name| {
                matches!(self.source.text(name).to_lowercase().as_str(), "get" | "put" | "deserializeuntyped")
            }),
            "parenthesized_expression" => children(node).first().is_some_and(|inner| self.is_object(*inner)),
            "cast_expression" => {
                node.child_by_field_name("type").is_some_and(|of| self.source.text(of).eq_ignore_ascii_case("object"))
            }
            _ => false,
        }
    }

    fn integer(&self, node: Node<'t>, text: &str) -> Result<ExprKind, LoadError> {
        let text = text.replace('_', "");
        let literal = match text.strip_suffix(['l', 'L']) {
            Some(digits) => digits.parse().map(Literal::Long).ok(),
            None => text.parse().map(Literal::Integer).ok(),
        };
        literal.map(ExprKind::Literal).ok_or_else(|| self.source.wrong(node, "Illegal integer"))
    }

    fn literal(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let text = self.source.text(node);
        let literal = match node.kind() {
            "int" => return self.integer(node, text),
            "boolean" => Literal::Boolean(text.eq_ignore_ascii_case("true")),
            "null_literal" => Literal::Null,
            "string_literal" => Literal::String(Arc::from(unescape(&text[1..text.len() - 1]))),
            "multi_line_string_literal" => {
                let inner = text.trim_start_matches("'''").trim_end_matches("'''");
                let inner = inner.strip_prefix("\r\n").or(inner.strip_prefix('\n')).unwrap_or(inner);
                Literal::String(Arc::from(unescape(inner)))
            }
            _ => match text.strip_suffix(['d', 'D']) {
                Some(double) => Literal::Double(
                    double.parse().map_err(|_| self.source.wrong(node, format!("Illegal double {text}")))?,
                ),
                None => Literal::Decimal(
                    BigDecimal::from_str(text)
                        .map_err(|_| self.source.wrong(node, format!("Illegal decimal {text}")))?,
                ),
            },
        };
        Ok(ExprKind::Literal(literal))
    }

    fn new_of(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let source = self.source;
        let of = self.type_of(source.child(node, "type")?)?;
        if let Some(arguments) = node.child_by_field_name("arguments") {
            if let Type::SObject(Some(object)) = of {
                let mut fields = Vec::new();
                for argument in children(arguments) {
                    if argument.kind() != "assignment_expression" {
                        return Err(source.unmodelled(argument, format!("new {object} without field names")));
                    }
                    let name = source.text(source.child(argument, "left")?);
                    fields.push((Arc::from(name), self.expression(source.child(argument, "right")?)?));
                }
                return Ok(ExprKind::NewSObject { object, fields });
            }
            return Ok(ExprKind::New { class: of, args: self.arguments(arguments)? });
        }
        if let Some(size) = node.child_by_field_name("dimensions").filter(|part| part.kind() == "dimensions_expr") {
            let size = size.named_child(0).ok_or_else(|| source.unmodelled(node, "an array without a size"))?;
            return Ok(ExprKind::NewArray { element: Arc::new(of), size: Box::new(self.expression(size)?) });
        }
        let value = source.child(node, "value")?;
        let array = node.child_by_field_name("dimensions").is_some();
        match of {
            Type::Map(key, held) => {
                let mut pairs = Vec::new();
                for pair in children(value) {
                    let parts = children(pair);
                    let [k, v] = parts[..] else {
                        return Err(source.unmodelled(pair, "a map entry without its two sides"));
                    };
                    pairs.push((self.expression(k)?, self.expression(v)?));
                }
                Ok(ExprKind::NewMap { key, value: held, pairs })
            }
            of => {
                let items = children(value).into_iter().map(|item| self.expression(item)).collect::<Result<_, _>>()?;
                Ok(match of {
                    Type::List(element) if !array => ExprKind::NewList { element, items, set: false },
                    Type::Set(element) if !array => ExprKind::NewList { element, items, set: true },
                    other => ExprKind::NewList { element: Arc::new(other), items, set: false },
                })
            }
        }
    }

    fn save(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let source = self.source;
        let kind = children(node)
            .into_iter()
            .find(|child| child.kind() == "dml_type")
            .and_then(|child| child.named_child(0))
            .map_or("", |child| child.kind());
        let op = match kind {
            "insert" => SaveOp::Insert,
            "update" => SaveOp::Update,
            "upsert" => SaveOp::Upsert,
            "delete" => SaveOp::Delete,
            "undelete" => SaveOp::Undelete,
            "merge" => return self.merge(node),
            other => return Err(source.unmodelled(node, other)),
        };
        let rows = self.expression(source.child(node, "target")?)?;
        let external_id = node
            .child_by_field_name("upsert_key")
            .map(|key| source.text(key).rsplit('.').next().unwrap_or_default().trim().to_owned());
        Ok(ExprKind::Save(Box::new(Save { op, rows, access: self.dml_access(node), external_id })))
    }

    fn merge(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let winner = self.expression(self.source.child(node, "target")?)?;
        let losers = self.expression(self.source.child(node, "merge_with")?)?;
        Ok(ExprKind::Merge(Box::new(Merge { winner, losers, access: self.dml_access(node) })))
    }

    fn dml_access(&self, node: Node<'t>) -> Access {
        let as_user = |child: Node<'t>| {
            child.kind() == "dml_security_mode" && self.source.text(child).eq_ignore_ascii_case("user")
        };
        if children(node).into_iter().any(as_user) { Access::User } else { Access::System }
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n' | 'N') => out.push('\n'),
            Some('r' | 'R') => out.push('\r'),
            Some('t' | 'T') => out.push('\t'),
            Some('b' | 'B') => out.push('\u{8}'),
            Some('f' | 'F') => out.push('\u{c}'),
            Some('u' | 'U') => {
                let code: String = chars.by_ref().take(4).collect();
                out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            // A pattern's own escapes stay for the query.
            Some(c @ ('_' | '%')) => out.extend(['\\', c]),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}
