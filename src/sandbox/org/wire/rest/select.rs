//! The select list of a query, as far as the shape of the answer depends on it.

/// What was asked for, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Select {
    pub items: Vec<Item>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    Field(String),
    Parent(String, Select),
    Children(String, Select),
}

impl Select {
    /// Reads a query's list. What it does not understand (functions, TYPEOF) it leaves out.
    pub fn of(soql: &str) -> Select {
        let mut select = Select::default();
        let Some(list) = list(soql) else { return select };
        for part in split(list) {
            let part = part.trim();
            if let Some(inner) = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')) {
                if let Some(relationship) = from(inner) {
                    select.items.push(Item::Children(relationship.to_owned(), Select::of(inner)));
                }
            } else if part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
                select.add(part);
            }
        }
        select
    }

    /// A list of field paths.
    pub fn fields<'a>(paths: impl IntoIterator<Item = &'a str>) -> Select {
        let mut select = Select::default();
        paths.into_iter().for_each(|path| select.add(path));
        select
    }

    fn add(&mut self, path: &str) {
        let Some((parent, rest)) = path.split_once('.') else {
            self.items.push(Item::Field(path.to_owned()));
            return;
        };
        let known = self.items.iter_mut().find_map(|item| match item {
            Item::Parent(name, inner) if name.eq_ignore_ascii_case(parent) => Some(inner),
            _ => None,
        });
        match known {
            Some(inner) => inner.add(rest),
            None => self.items.push(Item::Parent(parent.to_owned(), Select::fields([rest]))),
        }
    }
}

/// The text between SELECT and its own FROM.
fn list(soql: &str) -> Option<&str> {
    let soql = soql.trim();
    let keyword = soql.get(..6)?;
    if !keyword.eq_ignore_ascii_case("select") {
        return None;
    }
    let list = soql.get(6..)?;
    Some(list.get(..from_at(list)?)?.trim())
}

/// The object or relationship after the outer FROM.
fn from(soql: &str) -> Option<&str> {
    let at = from_at(soql)?;
    soql.get(at + 4..)?.split_whitespace().next()
}

fn from_at(text: &str) -> Option<usize> {
    let mut depth = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'f' | b'F' if depth == 0 => {
                let word = bytes.get(at..at + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"from"));
                let before = at
                    .checked_sub(1)
                    .and_then(|at| bytes.get(at))
                    .is_none_or(|b| b.is_ascii_whitespace() || *b == b')');
                let after = bytes.get(at + 4).is_some_and(u8::is_ascii_whitespace);
                if word && before && after {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_parents_and_subqueries_are_read_in_order() {
        let select = Select::of(
            "select Name, Account__r.Name,Account__r.Owner.Id,(SELECT Id FROM Payments__r WHERE A = 'from'), FromDate__c from Invoice__c",
        );
        let field = |name: &str| Item::Field(name.into());
        let owner = Item::Parent("Owner".into(), Select { items: vec![field("Id")] });
        assert_eq!(
            select.items,
            [
                field("Name"),
                Item::Parent("Account__r".into(), Select { items: vec![field("Name"), owner] }),
                Item::Children("Payments__r".into(), Select { items: vec![field("Id")] }),
                field("FromDate__c"),
            ]
        );
        assert!(Select::of("SELECT COUNT() FROM Account").items.is_empty());
        assert!(Select::of("nonsense é").items.is_empty());
    }
}
