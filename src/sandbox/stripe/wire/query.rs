//! The search query language: `metadata['k']:'v' AND status:'succeeded'`, numeric comparisons, `-` for not, `OR`.

use serde_json::Value;

use crate::sandbox::stripe::refusal::Refusal;

#[derive(Debug)]
pub struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

#[derive(Debug)]
struct Clause {
    not: bool,
    path: Vec<String>,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Is,
    Contains,
    Above,
    AtLeast,
    Below,
    AtMost,
}

fn bad(query: &str) -> Refusal {
    Refusal::invalid(format!("We were unable to parse your search query: {query}")).param("query")
}

impl Query {
    /// Fails on anything that it can't read, and on a field outside `fields`.
    pub fn parse(query: &str, fields: &[&str]) -> Result<Query, Refusal> {
        let mut clauses = Vec::new();
        let mut joins = Vec::new();
        let mut rest = query.trim();
        loop {
            let (clause, after) = Clause::parse(rest).ok_or_else(|| bad(query))?;
            if !fields.contains(&clause.path[0].as_str()) {
                let message = format!("Field `{}` is an unsupported search field for this resource.", clause.path[0]);
                return Err(Refusal::invalid(message).param("query"));
            }
            clauses.push(clause);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            let (word, after) = rest.split_once(char::is_whitespace).ok_or_else(|| bad(query))?;
            match word.to_ascii_uppercase().as_str() {
                "AND" => joins.push(false),
                "OR" => joins.push(true),
                _ => return Err(bad(query)),
            }
            rest = after.trim_start();
        }
        if joins.contains(&true) && joins.contains(&false) {
            return Err(Refusal::invalid("A query can't combine AND and OR.").param("query"));
        }
        Ok(Query { clauses, any: joins.contains(&true) })
    }

    pub fn matches(&self, object: &Value) -> bool {
        let mut results = self.clauses.iter().map(|clause| clause.matches(object));
        if self.any { results.any(|yes| yes) } else { results.all(|yes| yes) }
    }
}

impl Clause {
    fn parse(text: &str) -> Option<(Clause, &str)> {
        let (not, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))?;
        let mut path: Vec<String> = text[..end].split('.').map(str::to_owned).collect();
        let mut rest = &text[end..];
        if let Some(inner) = rest.strip_prefix('[') {
            let (key, after) = quoted(inner)?;
            path.push(key);
            rest = after.strip_prefix(']')?;
        }
        let operators = [
            (">=", Operator::AtLeast),
            ("<=", Operator::AtMost),
            (">", Operator::Above),
            ("<", Operator::Below),
            ("~", Operator::Contains),
            (":", Operator::Is),
        ];
        let (operator, rest) =
            operators.iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|rest| (*op, rest)))?;
        let (value, rest) = if rest.starts_with(['\'', '"']) {
            quoted(rest)?
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        if path[0].is_empty() || (value.is_empty() && operator != Operator::Is) {
            return None;
        }
        Some((Clause { not, path, operator, value }, rest))
    }

    fn matches(&self, object: &Value) -> bool {
        let found = self.path.iter().fold(object, |at, part| &at[part.as_str()]);
        let holds = match (found, self.operator) {
            (Value::Null, _) => self.value == "null" && self.operator == Operator::Is,
            (Value::String(text), Operator::Is) => text.eq_ignore_ascii_case(&self.value),
            (Value::String(text), Operator::Contains) => text.to_lowercase().contains(&self.value.to_lowercase()),
            (Value::Number(number), operator) => {
                let (Some(left), Ok(right)) = (number.as_i64(), self.value.parse::<i64>()) else { return false };
                match operator {
                    Operator::Is => left == right,
                    Operator::Above => left > right,
                    Operator::AtLeast => left >= right,
                    Operator::Below => left < right,
                    Operator::AtMost => left <= right,
                    Operator::Contains => false,
                }
            }
            _ => false,
        };
        holds != self.not
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            c if c == quote => return Some((out, &text[at + 1..])),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Query;

    const FIELDS: &[&str] = &["metadata", "status", "amount"];

    #[test]
    fn metadata_states_and_amounts_are_found() {
        let intent = json!({"metadata": {"sf_account_id": "001A"}, "status": "succeeded", "amount": 500});
        for (query, expected) in [
            ("metadata['sf_account_id']:'001A'", true),
            ("metadata[\"sf_account_id\"]:\"001B\"", false),
            ("status:'succeeded' AND amount>499", true),
            ("status:'canceled' OR amount<=500", true),
            ("-status:'succeeded'", false),
        ] {
            assert_eq!(Query::parse(query, FIELDS).unwrap().matches(&intent), expected, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for query in
            ["", "status", "status:'a' status:'b'", "status:'a' AND amount>1 OR amount<2", "shoe:'x'", "status:'a"]
        {
            assert!(Query::parse(query, FIELDS).is_err(), "{query}");
        }
    }
}
