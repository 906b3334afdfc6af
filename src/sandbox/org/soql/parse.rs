//! From words to a query.

use std::str::FromStr;

use bigdecimal::BigDecimal;

use super::ast::{Aggregate, Comparison, Condition, Function, Group, Literal, Operand, Order, Query, Select, Set};
use super::lexer::{Token, tokens};
use crate::sandbox::org::host::Access;

pub fn parse(soql: &str) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(soql)?, at: 0 };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(token) => Err(unexpected(Some(token))),
    }
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        Some(token) => format!("unexpected token: '{}'", token.shown()),
        None => "unexpected token: '<EOF>'".to_owned(),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_next(&self, offset: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + offset), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    /// Takes these words if they come next, all of them.
    fn words(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(offset, word)| self.is_next(offset, word));
        if found {
            self.at += words.len();
        }
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(unexpected(self.peek())) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            other => Err(unexpected(other)),
        }
    }

    fn query(&mut self) -> Result<Query, String> {
        if !self.words(&["SELECT"]) {
            return Err(unexpected(self.peek()));
        }
        let mut select = vec![self.select()?];
        while self.sign(",") {
            select.push(self.select()?);
        }
        if !self.words(&["FROM"]) {
            return Err(unexpected(self.peek()));
        }
        let mut query = Query {
            select,
            from: self.name()?,
            condition: None,
            group: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            for_update: false,
            all_rows: false,
            mode: None,
        };
        self.alias(&mut query)?;
        if self.words(&["USING", "SCOPE"]) {
            self.name()?;
        }
        if self.words(&["WHERE"]) {
            query.condition = Some(self.condition()?);
        }
        if self.words(&["WITH"]) {
            let mode = self.name()?;
            query.mode = match mode.to_uppercase().as_str() {
                "USER_MODE" | "SECURITY_ENFORCED" => Some(Access::User),
                "SYSTEM_MODE" => Some(Access::System),
                _ => return Err(format!("unexpected token: '{mode}'")),
            };
        }
        if self.words(&["GROUP", "BY"]) {
            query.group.push(self.name()?);
            while self.sign(",") {
                query.group.push(self.name()?);
            }
            if self.words(&["HAVING"]) {
                query.having = Some(self.condition()?);
            }
        }
        if self.words(&["ORDER", "BY"]) {
            query.order.push(self.order()?);
            while self.sign(",") {
                query.order.push(self.order()?);
            }
        }
        if self.words(&["LIMIT"]) {
            query.limit = Some(self.literal()?);
        }
        if self.words(&["OFFSET"]) {
            query.offset = Some(self.literal()?);
        }
        while self.words(&["FOR"]) {
            match self.name()?.to_uppercase().as_str() {
                "UPDATE" => query.for_update = true,
                "VIEW" | "REFERENCE" => {}
                other => return Err(format!("unexpected token: '{other}'")),
            }
        }
        query.all_rows = self.words(&["ALL", "ROWS"]);
        Ok(query)
    }

    /// `FROM Account a`: the alias is taken off every path that begins with it.
    fn alias(&mut self, query: &mut Query) -> Result<(), String> {
        const NEXT: &[&str] =
            &["USING", "WHERE", "WITH", "GROUP", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "HAVING", "UPDATE"];
        let Some(Token::Name(name)) = self.peek() else { return Ok(()) };
        if NEXT.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        let prefix = format!("{}.", self.name()?.to_lowercase());
        let shorten = |path: &mut String| {
            if path.to_lowercase().starts_with(&prefix) {
                path.drain(..prefix.len());
            }
        };
        for select in &mut query.select {
            match select {
                Select::Field { path, .. } | Select::Shown { path, .. } => shorten(path),
                Select::Aggregate { of, .. } => shorten(&mut of.path),
                _ => {}
            }
        }
        for token in &mut self.tokens[self.at..] {
            if let Token::Name(path) = token {
                shorten(path);
            }
        }
        Ok(())
    }

    fn select(&mut self) -> Result<Select, String> {
        if self.sign("(") {
            let query = self.query()?;
            self.expect(")")?;
            return Ok(Select::Children(Box::new(query)));
        }
        let name = self.name()?;
        if !self.sign("(") {
            return Ok(Select::Field { path: name, alias: self.select_alias() });
        }
        if name.eq_ignore_ascii_case("FIELDS") {
            let group = match self.name()?.to_uppercase().as_str() {
                "ALL" => Group::All,
                "STANDARD" => Group::Standard,
                "CUSTOM" => Group::Custom,
                other => return Err(format!("unexpected token: '{other}'")),
            };
            self.expect(")")?;
            return Ok(Select::AllFields(group));
        }
        if name.eq_ignore_ascii_case("toLabel") || name.eq_ignore_ascii_case("FORMAT") {
            let path = self.name()?;
            self.expect(")")?;
            return Ok(Select::Shown { path, alias: self.select_alias() });
        }
        if name.eq_ignore_ascii_case("COUNT") && self.sign(")") {
            return Ok(Select::Count);
        }
        let of = self.aggregate(&name)?;
        Ok(Select::Aggregate { of, alias: self.select_alias() })
    }

    fn select_alias(&mut self) -> Option<String> {
        match self.peek() {
            Some(Token::Name(name)) if !name.eq_ignore_ascii_case("FROM") => self.name().ok(),
            _ => None,
        }
    }

    /// After the opening bracket.
    fn aggregate(&mut self, name: &str) -> Result<Aggregate, String> {
        let function = match name.to_uppercase().as_str() {
            "COUNT" => Function::Count,
            "COUNT_DISTINCT" => Function::CountDistinct,
            "SUM" => Function::Sum,
            "MIN" => Function::Min,
            "MAX" => Function::Max,
            "AVG" => Function::Avg,
            _ => return Err(format!("unexpected token: '{name}'")),
        };
        let path = self.name()?;
        self.expect(")")?;
        Ok(Aggregate { function, path })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let name = self.name()?;
        if self.sign("(") { Ok(Operand::Aggregate(self.aggregate(&name)?)) } else { Ok(Operand::Path(name)) }
    }

    fn order(&mut self) -> Result<Order, String> {
        let by = self.operand()?;
        let descending = if self.words(&["DESC"]) {
            true
        } else {
            self.words(&["ASC"]);
            false
        };
        let mut nulls_last = false;
        if self.words(&["NULLS"]) {
            nulls_last = self.words(&["LAST"]);
            if !nulls_last && !self.words(&["FIRST"]) {
                return Err(unexpected(self.peek()));
            }
        }
        Ok(Order { by, descending, nulls_last })
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let first = self.term()?;
        let mut terms = vec![first];
        let both = self.is_next(0, "AND");
        let word = if both { "AND" } else { "OR" };
        while self.words(&[word]) {
            terms.push(self.term()?);
        }
        // The org refuses `a AND b OR c` without brackets.
        if terms.len() > 1 && (self.is_next(0, "AND") || self.is_next(0, "OR")) {
            return Err(unexpected(self.peek()));
        }
        Ok(match (terms.len(), both) {
            (1, _) => terms.swap_remove(0),
            (_, true) => Condition::And(terms),
            (_, false) => Condition::Or(terms),
        })
    }

    fn term(&mut self) -> Result<Condition, String> {
        if self.words(&["NOT"]) {
            return Ok(Condition::Not(Box::new(self.term()?)));
        }
        if self.sign("(") {
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        if self.words(&["NOT", "IN"]) {
            return Ok(Condition::In { left, negated: true, set: self.set()? });
        }
        if self.words(&["IN"]) {
            return Ok(Condition::In { left, negated: false, set: self.set()? });
        }
        if self.is_next(0, "INCLUDES") || self.is_next(0, "EXCLUDES") {
            let negated = self.name()?.eq_ignore_ascii_case("EXCLUDES");
            let Operand::Path(path) = left else { return Err(unexpected(self.peek())) };
            self.expect("(")?;
            let values = self.literals()?;
            return Ok(Condition::Includes { path, negated, values });
        }
        if self.words(&["LIKE"]) {
            let right = self.literal()?;
            return Ok(Condition::Compare { left, comparison: Comparison::Like, right });
        }
        let comparison = match self.peek() {
            Some(Token::Sign("=")) => Comparison::Equal,
            Some(Token::Sign("!=" | "<>")) => Comparison::NotEqual,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::LessOrEqual,
            Some(Token::Sign(">")) => Comparison::Greater,
            Some(Token::Sign(">=")) => Comparison::GreaterOrEqual,
            other => return Err(unexpected(other)),
        };
        self.at += 1;
        let right = self.literal()?;
        Ok(Condition::Compare { left, comparison, right })
    }

    fn set(&mut self) -> Result<Set, String> {
        if let Some(Token::Bind(name)) = self.peek() {
            let name = name.clone();
            self.at += 1;
            return Ok(Set::Bind(name));
        }
        self.expect("(")?;
        if self.is_next(0, "SELECT") {
            let query = self.query()?;
            self.expect(")")?;
            return Ok(Set::Query(Box::new(query)));
        }
        Ok(Set::List(self.literals()?))
    }

    /// Up to the closing bracket.
    fn literals(&mut self) -> Result<Vec<Literal>, String> {
        let mut list = vec![self.literal()?];
        while self.sign(",") {
            list.push(self.literal()?);
        }
        self.expect(")")?;
        Ok(list)
    }

    fn literal(&mut self) -> Result<Literal, String> {
        let Some(token) = self.peek().cloned() else { return Err(unexpected(None)) };
        let literal = match &token {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Bind(name) => Literal::Bind(name.clone()),
            Token::Plain(plain) => plain_literal(plain).ok_or_else(|| unexpected(Some(&token)))?,
            Token::Name(name) => match name.to_uppercase().as_str() {
                "NULL" => Literal::Null,
                "TRUE" => Literal::Bool(true),
                "FALSE" => Literal::Bool(false),
                upper if super::date_literal::is_known(upper) => Literal::Range(upper.to_owned()),
                _ => return Err(unexpected(Some(&token))),
            },
            Token::Sign(_) => return Err(unexpected(Some(&token))),
        };
        self.at += 1;
        Ok(literal)
    }
}

fn plain_literal(plain: &str) -> Option<Literal> {
    if plain.contains('T') {
        // The org writes the offset without a colon, and takes it so.
        let colon = |text: &str| {
            let at = text.len().checked_sub(5)?;
            let offset = text.get(at..)?;
            let plain = offset.starts_with(['+', '-']) && !offset.contains(':');
            plain.then(|| format!("{}:{}", &text[..at + 3], &text[at + 3..]))
        };
        let text = colon(plain).unwrap_or_else(|| plain.to_owned());
        return text.parse().ok().map(Literal::DateTime);
    }
    if plain.len() == 10
        && plain.as_bytes()[4] == b'-'
        && let Ok(date) = plain.parse()
    {
        return Some(Literal::Date(date));
    }
    BigDecimal::from_str(plain).ok().map(Literal::Number)
}
