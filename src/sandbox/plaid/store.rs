//! Everything that the stand-in knows, as JSON documents by kind and id, with an append-only journal so that a killed
//! sandbox finds its Plaid again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    LinkToken,
    Session,
    PublicToken,
    AccessToken,
    Item,
    Key,
    Delivery,
    Setting,
}

impl Kind {
    const ALL: &[(Kind, &str)] = &[
        (Kind::LinkToken, "link_token"),
        (Kind::Session, "session"),
        (Kind::PublicToken, "public_token"),
        (Kind::AccessToken, "access_token"),
        (Kind::Item, "item"),
        (Kind::Key, "key"),
        (Kind::Delivery, "delivery"),
        (Kind::Setting, "setting"),
    ];

    fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

#[derive(Debug, Default)]
pub struct Store {
    documents: BTreeMap<(Kind, String), (u64, Value)>,
    sequence: u64,
    lines: Vec<u8>,
    journal: Option<File>,
}

impl Store {
    pub fn open(dir: Option<&Path>) -> io::Result<Store> {
        let mut store = Store::default();
        let Some(dir) = dir else { return Ok(store) };
        std::fs::create_dir_all(dir)?;
        let path = dir.join("plaid.journal");
        if path.exists() {
            for line in std::fs::read(&path)?.split(|byte| *byte == b'\n') {
                // The last line may be torn by a kill in the middle of its write; it was never answered for.
                let Ok(mut entry) = serde_json::from_slice::<Value>(line) else { continue };
                let Some(kind) = entry["kind"].as_str().and_then(Kind::named) else { continue };
                let value = entry["value"].take();
                if value.is_null() {
                    store.documents.remove(&(kind, entry["id"].as_str().unwrap_or_default().to_owned()));
                } else {
                    store.put(kind, value);
                }
            }
        }
        // Written anew, so that history and a torn end don't stay.
        let fresh = dir.join("plaid.journal.new");
        store.lines.clear();
        let mut alive: Vec<_> = store.documents.iter().map(|((kind, _), (at, value))| (*at, *kind, value)).collect();
        alive.sort_by_key(|(at, ..)| *at);
        let lines: String = alive.into_iter().map(|(_, kind, value)| line(kind, value)).collect();
        std::fs::write(&fresh, lines)?;
        std::fs::rename(&fresh, &path)?;
        store.journal = Some(OpenOptions::new().append(true).open(&path)?);
        Ok(store)
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.documents.get(&(kind, id.to_owned())).map(|(_, value)| value)
    }

    /// Keeps a document under its `id`; a change keeps its place in the order.
    pub fn put(&mut self, kind: Kind, value: Value) {
        self.lines.extend_from_slice(line(kind, &value).as_bytes());
        self.sequence += 1;
        let key = (kind, value["id"].as_str().unwrap_or_default().to_owned());
        let sequence = self.documents.get(&key).map_or(self.sequence, |(old, _)| *old);
        self.documents.insert(key, (sequence, value));
    }

    pub fn remove(&mut self, kind: Kind, id: &str) {
        self.documents.remove(&(kind, id.to_owned()));
        let entry = json!({"kind": kind.name(), "id": id, "value": null});
        self.lines.extend_from_slice(format!("{entry}\n").as_bytes());
    }

    /// Oldest first.
    pub fn all(&self, kind: Kind) -> Vec<&Value> {
        let range = (kind, String::new())..;
        let of_kind = self.documents.range(range).take_while(|((other, _), _)| *other == kind);
        let mut found: Vec<&(u64, Value)> = of_kind.map(|(_, entry)| entry).collect();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// Writes what changed since the last call, in one write.
    pub fn commit(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        match &mut self.journal {
            Some(journal) => journal.write_all(&lines),
            None => Ok(()),
        }
    }
}

fn line(kind: Kind, value: &Value) -> String {
    format!("{}\n", json!({"kind": kind.name(), "id": value["id"], "value": value}))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Store};

    #[test]
    fn a_restart_finds_what_was_committed_in_its_order_and_ignores_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(Some(dir.path())).unwrap();
        for id in ["b", "a", "gone"] {
            store.put(Kind::Item, json!({"id": id}));
        }
        store.put(Kind::Item, json!({"id": "b", "changed": true}));
        store.remove(Kind::Item, "gone");
        store.commit().unwrap();
        let path = dir.path().join("plaid.journal");
        let torn = std::fs::read_to_string(&path).unwrap() + "{\"kind\":\"item\",\"id\":\"c\",\"val";
        std::fs::write(&path, torn).unwrap();
        for _ in 0..2 {
            let again = Store::open(Some(dir.path())).unwrap();
            assert_eq!(again.all(Kind::Item), [&json!({"id": "b", "changed": true}), &json!({"id": "a"})]);
        }
    }
}
