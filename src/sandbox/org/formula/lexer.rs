//! A formula's words.

use std::str::FromStr;

use bigdecimal::BigDecimal;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Number(BigDecimal),
    Text(String),
    /// A function, a field path or a global such as `$User.Id`.
    Name(String),
    Sign(&'static str),
}

const SIGNS: &[&str] =
    &["<>", "!=", "<=", ">=", "==", "&&", "||", "(", ")", ",", "+", "-", "*", "/", "^", "&", "=", "<", ">", "!"];

pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or("a comment has no end")?;
            rest = rest[end + 2..].trim_start();
            continue;
        }
        if first == '"' || first == '\'' {
            let (word, length) = quoted(rest, first)?;
            tokens.push(Token::Text(word));
            rest = rest[length..].trim_start();
            continue;
        }
        if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit())) {
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number =
                BigDecimal::from_str(&rest[..length]).map_err(|_| format!("{} is no number", &rest[..length]))?;
            tokens.push(Token::Number(number));
            rest = rest[length..].trim_start();
            continue;
        }
        if first.is_alphabetic() || first == '$' || first == '_' {
            let length =
                rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | ':'))).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            rest = rest[length..].trim_start();
            continue;
        }
        let sign =
            SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(|| format!("{first} means nothing here"))?;
        tokens.push(Token::Sign(sign));
        rest = rest[sign.len()..].trim_start();
    }
    Ok(tokens)
}

/// The text within the quotes and how many bytes it took with them.
fn quoted(text: &str, quote: char) -> Result<(String, usize), String> {
    let mut word = String::new();
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => {
                match letter {
                    'n' => word.push('\n'),
                    't' => word.push('\t'),
                    'r' => word.push('\r'),
                    '"' | '\'' | '\\' => word.push(letter),
                    // In a pattern the backslash is the pattern's own.
                    other => word.extend(['\\', other]),
                }
                escaped = false;
            }
            '\\' => escaped = true,
            _ if letter == quote => return Ok((word, place + letter.len_utf8())),
            _ => word.push(letter),
        }
    }
    Err("a text has no closing quote".to_owned())
}
