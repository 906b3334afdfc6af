//! A query's words.

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A keyword, a path such as `Account.Name`, or a date literal such as `LAST_N_DAYS:3`.
    Name(String),
    Text(String),
    /// Numbers, dates and times stand without quotes.
    Plain(String),
    Bind(String),
    Sign(&'static str),
}

impl Token {
    pub fn shown(&self) -> String {
        match self {
            Token::Name(word) | Token::Plain(word) => word.clone(),
            Token::Text(text) => format!("'{text}'"),
            Token::Bind(name) => format!(":{name}"),
            Token::Sign(sign) => (*sign).to_owned(),
        }
    }
}

const SIGNS: &[&str] = &["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">"];

pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut length;
        if first == '\'' {
            let (word, used) = quoted(rest)?;
            tokens.push(Token::Text(word));
            length = used;
        } else if first == ':' {
            let start = rest[1..].len() - rest[1..].trim_start().len() + 1;
            let end = rest[start..].find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
            length = end.map_or(rest.len(), |end| start + end);
            tokens.push(Token::Bind(rest[start..length].to_owned()));
        } else if first.is_ascii_digit() || matches!(first, '-' | '+' | '.') {
            length = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | ':' | '.')))
                .map_or(rest.len(), |(place, _)| place);
            tokens.push(Token::Plain(rest[..length].to_owned()));
        } else if first.is_alphabetic() || first == '_' {
            let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'));
            length = rest.find(ends).unwrap_or(rest.len());
            // LAST_N_DAYS:3, but not `x IN:ids`.
            if rest[..length].to_uppercase().contains("_N_") && rest[length..].starts_with(':') {
                let digits = rest[length + 1..].find(|c: char| !c.is_ascii_digit());
                length = digits.map_or(rest.len(), |digits| length + 1 + digits);
            }
            tokens.push(Token::Name(rest[..length].to_owned()));
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("unexpected token: '{first}'"))?;
            tokens.push(Token::Sign(sign));
            length = sign.len();
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// In a LIKE pattern `\%` and `\_` keep their backslash: the pattern reads them.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut word = String::new();
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => {
                match letter {
                    'n' | 'N' => word.push('\n'),
                    'r' | 'R' => word.push('\r'),
                    't' | 'T' => word.push('\t'),
                    '\'' | '"' | '\\' => word.push(letter),
                    '%' | '_' => word.extend(['\\', letter]),
                    other => return Err(format!("Illegal string literal: the escape \\{other} is unknown")),
                }
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' => return Ok((word, place + 1)),
            _ => word.push(letter),
        }
    }
    Err("Illegal string literal: the closing quote is missing".to_owned())
}
