//! From words to a tree, by the binding strength of the operators.

use super::functions::Function;
use super::lexer::{Token, tokens};
use super::{Node, Operator};
use crate::sandbox::org::host::Value;
use crate::sandbox::org::schema::{FieldKind, Object, Schema};

pub fn parse(text: &str, schema: &Schema, object: &Object) -> Result<Node, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, at: 0, schema, object };
    let root = parser.either()?;
    match parser.peek() {
        None => Ok(root),
        Some(token) => Err(format!("{token:?} is left over at the end of the formula")),
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    schema: &'a Schema,
    object: &'a Object,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Takes the next token if it is one of these signs.
    fn sign(&mut self, signs: &[(&'static str, Operator)]) -> Option<Operator> {
        let Some(Token::Sign(found)) = self.peek() else { return None };
        let operator = signs.iter().find(|(sign, _)| sign == found).map(|(_, operator)| *operator)?;
        self.at += 1;
        Some(operator)
    }

    fn is_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        if found {
            self.at += 1;
        }
        found
    }

    /// One level of left-associative operators.
    fn level(
        &mut self,
        signs: &[(&'static str, Operator)],
        below: fn(&mut Self) -> Result<Node, String>,
    ) -> Result<Node, String> {
        let mut left = below(self)?;
        while let Some(operator) = self.sign(signs) {
            let right = below(self)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn either(&mut self) -> Result<Node, String> {
        self.level(&[("||", Operator::Or)], Self::both)
    }

    fn both(&mut self) -> Result<Node, String> {
        self.level(&[("&&", Operator::And)], Self::comparison)
    }

    fn comparison(&mut self) -> Result<Node, String> {
        let signs = [
            ("<>", Operator::NotEqual),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        self.level(&signs, Self::sum)
    }

    fn sum(&mut self) -> Result<Node, String> {
        let signs = [("+", Operator::Add), ("-", Operator::Subtract), ("&", Operator::Concat)];
        self.level(&signs, Self::product)
    }

    fn product(&mut self) -> Result<Node, String> {
        self.level(&[("*", Operator::Multiply), ("/", Operator::Divide)], Self::power)
    }

    fn power(&mut self) -> Result<Node, String> {
        self.level(&[("^", Operator::Power)], Self::signed)
    }

    fn signed(&mut self) -> Result<Node, String> {
        if self.is_sign("-") {
            return Ok(Node::Negative(Box::new(self.signed()?)));
        }
        if self.is_sign("+") {
            return self.signed();
        }
        if self.is_sign("!") {
            return Ok(Node::Call(Function::Not, vec![self.signed()?]));
        }
        self.single()
    }

    fn single(&mut self) -> Result<Node, String> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Node::Literal(Value::Number(number))),
            Some(Token::Text(text)) => Ok(Node::Literal(Value::Text(text))),
            Some(Token::Sign("(")) => {
                let inner = self.either()?;
                if self.is_sign(")") { Ok(inner) } else { Err("a bracket is not closed".to_owned()) }
            }
            Some(Token::Name(name)) => self.named(&name),
            Some(token) => Err(format!("{token:?} can't stand here")),
            None => Err("the formula ends too early".to_owned()),
        }
    }

    fn named(&mut self, name: &str) -> Result<Node, String> {
        if self.is_sign("(") {
            return self.call(name);
        }
        match name.to_lowercase().as_str() {
            "true" => return Ok(Node::Literal(Value::Bool(true))),
            "false" => return Ok(Node::Literal(Value::Bool(false))),
            "null" => return Ok(Node::Literal(Value::Null)),
            _ => {}
        }
        if let Some(global) = name.strip_prefix('$') {
            return match global.split_once('.') {
                Some((kind, field)) if kind.eq_ignore_ascii_case("Permission") => {
                    Ok(Node::Permission(field.to_owned()))
                }
                Some((kind, field)) if kind.eq_ignore_ascii_case("User") => Ok(Node::User(field.to_owned())),
                Some((kind, field)) if kind.eq_ignore_ascii_case("Organization") => {
                    Ok(Node::Organization(field.to_owned()))
                }
                _ => Err(format!("${global} is no global that the sandbox knows")),
            };
        }
        self.field(name)
    }

    fn call(&mut self, name: &str) -> Result<Node, String> {
        let function = Function::named(name).ok_or_else(|| format!("the function {name} is unknown"))?;
        let mut arguments = Vec::new();
        if !self.is_sign(")") {
            loop {
                arguments.push(self.either()?);
                if self.is_sign(")") {
                    break;
                }
                if !self.is_sign(",") {
                    return Err(format!("{name} lacks a comma or its closing bracket"));
                }
            }
        }
        function.check(name, &arguments)?;
        if function == Function::Regex
            && let [_, Node::Literal(Value::Text(pattern))] = arguments.as_slice()
        {
            let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?;
            return Ok(Node::Matches(Box::new(arguments.swap_remove(0)), pattern));
        }
        Ok(Node::Call(function, arguments))
    }

    /// A field of the record, or of a parent up to ten lookups away.
    fn field(&self, path: &str) -> Result<Node, String> {
        let unknown = || format!("Field {path} does not exist. Check spelling.");
        let mut parts: Vec<&str> = path.split('.').collect();
        let last = parts.pop().ok_or_else(unknown)?;
        let mut object = self.object;
        for relationship in &parts {
            let lookup = object.parent(relationship).ok_or_else(unknown)?;
            let FieldKind::Reference { to, .. } = &lookup.kind else { return Err(unknown()) };
            object = to.first().and_then(|name| self.schema.object(name)).ok_or_else(unknown)?;
        }
        let field = object.field(last).ok_or_else(unknown)?;
        let parents = parts.into_iter().map(str::to_owned).collect();
        Ok(Node::Field { parents, name: field.name.clone() })
    }
}
