//! Form bodies with bracket nesting: `a[b][c]=1`, `list[]=x`, `list[0][k]=x`.

use serde_json::{Map, Value};

use crate::sandbox::stripe::refusal::Refusal;

/// Parses a query or a form body into nested objects, lists and strings.
pub fn parse(text: &str) -> Result<Map<String, Value>, Refusal> {
    let mut root = Map::new();
    for (key, value) in pairs(text)? {
        let path = split(&key).ok_or_else(|| Refusal::invalid(format!("Invalid parameter name: {key}")))?;
        if !place(&mut root, &path, value) {
            return Err(Refusal::invalid(format!("Invalid hash or repeated parameter: {key}")).param(key));
        }
    }
    Ok(root.into_iter().map(|(key, value)| (key, listed(value))).collect())
}

/// The pairs of a form in their order, decoded.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let decoded = (decode(key), decode(value));
            match decoded {
                (Some(key), Some(value)) => Ok((key, value)),
                _ => Err(Refusal::invalid("Invalid string: the body is not UTF-8 form encoding.")),
            }
        })
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                at += 2;
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

/// `a[b][]` becomes `a`, `b`, ``.
fn split(key: &str) -> Option<Vec<String>> {
    let open = key.find('[').unwrap_or(key.len());
    let (head, mut rest) = key.split_at(open);
    if head.is_empty() {
        return None;
    }
    let mut path = vec![head.to_owned()];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[')?;
        let close = inner.find(']')?;
        path.push(inner[..close].to_owned());
        rest = &inner[close + 1..];
    }
    Some(path)
}

fn place(at: &mut Map<String, Value>, path: &[String], value: String) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    // An empty bracket opens the next element.
    let name = if first.is_empty() { at.len().to_string() } else { first.clone() };
    if rest.is_empty() {
        return at.insert(name, Value::String(value)).is_none();
    }
    match at.entry(name).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => place(inner, rest, value),
        _ => false,
    }
}

/// Turns objects whose keys count from 0 into lists.
fn listed(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let counts = !map.is_empty() && map.keys().enumerate().all(|(at, key)| *key == at.to_string());
    if counts {
        Value::Array(map.into_iter().map(|(_, value)| listed(value)).collect())
    } else {
        Value::Object(map.into_iter().map(|(key, value)| (key, listed(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn brackets_nest_and_lists_keep_their_order() {
        let form = parse("a=1&b[c][d]=x+y&l[]=p&l[]=q&m[0][k]=1&m[1][k]=%C3%A9").unwrap();
        let expected = json!({"a": "1", "b": {"c": {"d": "x y"}}, "l": ["p", "q"], "m": [{"k": "1"}, {"k": "é"}]});
        assert_eq!(serde_json::Value::Object(form), expected);
    }

    #[test]
    fn a_repeated_or_broken_name_is_refused() {
        for bad in ["a=1&a=2", "a=1&a[b]=2", "a[b=1", "[a]=1", "a=%ff", "a=%2"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
