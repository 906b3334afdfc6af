//! Inline SOQL: the query's text with its binds taken out.

use std::sync::Arc;

use tree_sitter::Node;

use super::{LoadError, Lower, children};
use crate::sandbox::org::apex::ast::{ExprKind, Query};
use crate::sandbox::org::host::Access;

impl<'t> Lower<'_, 't> {
    pub(super) fn query(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let source = self.source;
        let body = children(node)
            .into_iter()
            .find(|child| child.kind() == "soql_query_body")
            .ok_or_else(|| source.unmodelled(node, "SOSL"))?;
        let mut query = Query {
            text: String::new(),
            binds: Vec::new(),
            access: Access::System,
            object: Arc::from(""),
            count: false,
        };
        if let Some(from) =
            body.child_by_field_name("from_clause").and_then(|clause| children(clause).into_iter().next())
        {
            let name = if from.kind() == "storage_alias" { from.named_child(0).unwrap_or(from) } else { from };
            query.object = Arc::from(source.text(name));
        }
        if let Some(select) = body.child_by_field_name("select_clause") {
            query.count = children(select).iter().any(|child| child.kind() == "count_expression");
        }
        let mut cuts = Vec::new();
        self.cuts(body, &mut query, &mut cuts)?;
        cuts.sort_by_key(|(range, _): &(std::ops::Range<usize>, String)| range.start);
        let mut at = body.start_byte();
        for (range, replacement) in cuts {
            query.text.push_str(&source.text[at..range.start]);
            query.text.push_str(&replacement);
            at = range.end;
        }
        query.text.push_str(&source.text[at..body.end_byte()]);
        query.text = query.text.split_whitespace_outside_quotes();
        Ok(ExprKind::Query(Box::new(query)))
    }

    fn cuts(
        &mut self,
        node: Node<'t>,
        query: &mut Query,
        cuts: &mut Vec<(std::ops::Range<usize>, String)>,
    ) -> Result<(), LoadError> {
        let mut cursor = node.walk();
        for child in node.children(&mut cursor).collect::<Vec<_>>() {
            match child.kind() {
                "bound_apex_expression" => {
                    let value = children(child)
                        .into_iter()
                        .next()
                        .ok_or_else(|| self.source.unmodelled(child, "an empty bind"))?;
                    cuts.push((child.byte_range(), format!(":b{}", query.binds.len())));
                    let value = self.expression(value)?;
                    query.binds.push(value);
                }
                "with_clause" => {
                    let mode = self.source.text(child).to_lowercase();
                    query.access = match mode.split_whitespace().nth(1) {
                        Some("user_mode") => Access::User,
                        Some("system_mode") => Access::System,
                        _ => return Err(self.source.unmodelled(child, self.source.text(child))),
                    };
                    cuts.push((child.byte_range(), String::new()));
                }
                "line_comment" | "block_comment" => cuts.push((child.byte_range(), " ".to_owned())),
                _ => self.cuts(child, query, cuts)?,
            }
        }
        Ok(())
    }
}

trait Squeeze {
    fn split_whitespace_outside_quotes(&self) -> String;
}

impl Squeeze for String {
    /// One space for any run of white space, but nothing changed inside a text literal.
    fn split_whitespace_outside_quotes(&self) -> String {
        let (mut out, mut quoted, mut escaped) = (String::with_capacity(self.len()), false, false);
        for c in self.chars() {
            if quoted {
                quoted = escaped || c != '\'';
                escaped = !escaped && c == '\\';
                out.push(c);
            } else if c.is_whitespace() {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            } else {
                quoted = c == '\'';
                out.push(c);
            }
        }
        out.trim().to_owned()
    }
}
