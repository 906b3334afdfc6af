//! Everything that the stand-in knows, as JSON documents by kind and id, with an append-only journal so that a killed
//! sandbox finds its Stripe again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

macro_rules! kinds {
    ($($kind:ident $name:literal $prefix:literal),* $(,)?) => {
        /// What a document is. The prefix starts its ids.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($kind),* }

        impl Kind {
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];
            /// The name as Stripe's `object` field spells it.
            pub fn name(self) -> &'static str { match self { $(Kind::$kind => $name),* } }
            pub fn prefix(self) -> &'static str { match self { $(Kind::$kind => $prefix),* } }
        }
    };
}

kinds! {
    Customer "customer" "cus_",
    PaymentMethod "payment_method" "pm_",
    BankAccount "bank_account" "ba_",
    PaymentIntent "payment_intent" "pi_",
    SetupIntent "setup_intent" "seti_",
    Charge "charge" "ch_",
    Refund "refund" "re_",
    Dispute "dispute" "du_",
    BalanceTransaction "balance_transaction" "txn_",
    Mandate "mandate" "mandate_",
    CustomerSession "customer_session" "cuss_",
    WebhookEndpoint "webhook_endpoint" "we_",
    Event "event" "evt_",
    // From here on: the stand-in's own bookkeeping, never shown as an object.
    BankToken "token" "btok_",
    Delivery "delivery" "whd_",
    IdempotentCall "idempotent_call" "idem_",
    Timer "timer" "tmr_",
    Setting "setting" "set_",
}

impl Kind {
    pub fn of_id(id: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| id.starts_with(kind.prefix()))
    }

    fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Fields that lists are filtered by; looked up without reading every document.
const INDEXED: &[&str] = &["customer", "email", "payment_intent", "charge", "event", "source"];

#[derive(Debug, Default)]
struct Table {
    documents: HashMap<String, (u64, Value)>,
    order: BTreeMap<u64, String>,
    index: HashMap<(&'static str, String), BTreeSet<u64>>,
}

impl Table {
    fn put(&mut self, id: &str, sequence: u64, value: Value) {
        self.unindex(id);
        let sequence = self.documents.get(id).map_or(sequence, |(old, _)| *old);
        for field in INDEXED {
            if let Some(text) = value[*field].as_str() {
                self.index.entry((field, text.to_owned())).or_default().insert(sequence);
            }
        }
        self.order.insert(sequence, id.to_owned());
        self.documents.insert(id.to_owned(), (sequence, value));
    }

    fn remove(&mut self, id: &str) {
        self.unindex(id);
        if let Some((sequence, _)) = self.documents.remove(id) {
            self.order.remove(&sequence);
        }
    }

    fn unindex(&mut self, id: &str) {
        let Some((sequence, value)) = self.documents.get(id) else { return };
        for field in INDEXED {
            if let Some(text) = value[*field].as_str()
                && let Some(set) = self.index.get_mut(&(*field, text.to_owned()))
            {
                set.remove(sequence);
            }
        }
    }
}

#[derive(Debug, Default)]
pub struct Ledger {
    tables: HashMap<Kind, Table>,
    sequence: u64,
    changed: Vec<(Kind, String)>,
    journal: Option<File>,
}

impl Ledger {
    /// Reads the journal in `dir`, writes it anew without its history, and goes on appending to it.
    pub fn open(dir: Option<&Path>) -> io::Result<Ledger> {
        let mut ledger = Ledger::default();
        let Some(dir) = dir else { return Ok(ledger) };
        std::fs::create_dir_all(dir)?;
        let path = dir.join("stripe.journal");
        if path.exists() {
            ledger.read(&path)?;
        }
        let fresh: PathBuf = dir.join("stripe.journal.new");
        let mut file = File::create(&fresh)?;
        let mut lines = Vec::new();
        for (kind, table) in &ledger.tables {
            for id in table.order.values() {
                ledger.line(*kind, id, &mut lines);
            }
        }
        file.write_all(&lines)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        ledger.journal = Some(OpenOptions::new().append(true).open(&path)?);
        Ok(ledger)
    }

    fn read(&mut self, path: &Path) -> io::Result<()> {
        for line in BufReader::new(File::open(path)?).lines() {
            // The last line may be torn by a kill in the middle of its write; it was never answered for.
            let Ok(entry) = serde_json::from_str::<Value>(&line?) else { continue };
            let (Some(kind), Some(id)) = (entry["kind"].as_str().and_then(Kind::named), entry["id"].as_str()) else {
                continue;
            };
            let table = self.tables.entry(kind).or_default();
            match (entry["sequence"].as_u64(), &entry["value"]) {
                (Some(sequence), value @ Value::Object(_)) => {
                    self.sequence = self.sequence.max(sequence);
                    table.put(id, sequence, value.clone());
                }
                _ => table.remove(id),
            }
        }
        Ok(())
    }

    fn line(&self, kind: Kind, id: &str, out: &mut Vec<u8>) {
        let document = self.tables.get(&kind).and_then(|table| table.documents.get(id));
        let entry = match document {
            Some((sequence, value)) => json!({"kind": kind.name(), "id": id, "sequence": sequence, "value": value}),
            None => json!({"kind": kind.name(), "id": id}),
        };
        out.extend_from_slice(entry.to_string().as_bytes());
        out.push(b'\n');
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.tables.get(&kind)?.documents.get(id).map(|(_, value)| value)
    }

    /// Keeps a document under its `id`.
    pub fn put(&mut self, kind: Kind, value: Value) {
        let id = value["id"].as_str().unwrap_or_default().to_owned();
        self.sequence += 1;
        self.tables.entry(kind).or_default().put(&id, self.sequence, value);
        self.changed.push((kind, id));
    }

    pub fn remove(&mut self, kind: Kind, id: &str) {
        self.tables.entry(kind).or_default().remove(id);
        self.changed.push((kind, id.to_owned()));
    }

    pub fn newest_first(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let table = self.tables.get(&kind);
        table.into_iter().flat_map(|table| table.order.values().rev().map(|id| &table.documents[id].1))
    }

    pub fn oldest_first(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let table = self.tables.get(&kind);
        table.into_iter().flat_map(|table| table.order.values().map(|id| &table.documents[id].1))
    }

    /// Documents whose indexed `field` holds `value`, newest first.
    pub fn having(&self, kind: Kind, field: &'static str, value: &str) -> Vec<&Value> {
        debug_assert!(INDEXED.contains(&field), "{field} is not indexed");
        let Some(table) = self.tables.get(&kind) else { return Vec::new() };
        let found = table.index.get(&(field, value.to_owned())).into_iter().flatten().rev();
        found.filter_map(|sequence| table.order.get(sequence)).map(|id| &table.documents[id].1).collect()
    }

    /// Where a document stands in the order of creation.
    pub fn sequence(&self, kind: Kind, id: &str) -> Option<u64> {
        self.tables.get(&kind)?.documents.get(id).map(|(sequence, _)| *sequence)
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.tables.get(&kind).map_or(0, |table| table.documents.len())
    }

    /// Writes what changed since the last call, in one write.
    pub fn commit(&mut self) -> io::Result<()> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        let Some(mut journal) = self.journal.take() else { return Ok(()) };
        let mut lines = Vec::new();
        for (kind, id) in &changed {
            self.line(*kind, id, &mut lines);
        }
        let written = journal.write_all(&lines);
        self.journal = Some(journal);
        written
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Ledger};

    #[test]
    fn a_restart_finds_what_was_committed_and_ignores_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(Some(dir.path())).unwrap();
        ledger.put(Kind::Customer, json!({"id": "cus_1", "email": "a@b.c"}));
        ledger.put(Kind::Customer, json!({"id": "cus_2", "email": "a@b.c"}));
        ledger.commit().unwrap();
        ledger.put(Kind::Customer, json!({"id": "cus_1", "email": "new@b.c"}));
        ledger.remove(Kind::Customer, "cus_2");
        ledger.commit().unwrap();
        let path = dir.path().join("stripe.journal");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"kind\":\"customer\",\"id\":\"cus_3\",\"seq");
        std::fs::write(&path, text).unwrap();

        let again = Ledger::open(Some(dir.path())).unwrap();
        assert_eq!(again.count(Kind::Customer), 1);
        assert_eq!(again.having(Kind::Customer, "email", "new@b.c").len(), 1);
        assert_eq!(again.having(Kind::Customer, "email", "a@b.c").len(), 0);
    }

    #[test]
    fn a_change_keeps_the_place_in_the_order() {
        let mut ledger = Ledger::default();
        ledger.put(Kind::Charge, json!({"id": "ch_1"}));
        ledger.put(Kind::Charge, json!({"id": "ch_2"}));
        ledger.put(Kind::Charge, json!({"id": "ch_1", "paid": true}));
        let ids: Vec<_> = ledger.newest_first(Kind::Charge).map(|charge| charge["id"].clone()).collect();
        assert_eq!(ids, [json!("ch_2"), json!("ch_1")]);
    }
}
