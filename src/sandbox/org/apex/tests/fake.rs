//! An org in memory: enough database for the runtime's own tests.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sandbox::org::apex::Runtime;
use crate::sandbox::org::host::{
    Access, Bind, Currency, Fault, Host, Job, Program, QueryOutcome, Record, RowError, RowResult, SaveOp, SaveOptions,
    Spent, TriggerCall, TriggerOp, User, Value,
};
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind, OnDelete, Schema};

pub struct FakeOrg {
    runtime: Arc<Runtime>,
    schema: Arc<Schema>,
    pub rows: Vec<Record>,
    pub published: Vec<Record>,
    pub jobs: Vec<Job>,
    pub queries: Vec<(String, BTreeMap<String, Bind>, Access, bool)>,
    pub saves: Vec<(SaveOp, usize, Access, bool)>,
    delivered: usize,
    savepoints: Vec<Vec<Record>>,
    spent: Spent,
    user: User,
    state: Option<Box<dyn Any>>,
}

fn field(name: &str, kind: FieldKind) -> Field {
    Field {
        name: name.to_owned(),
        label: name.trim_end_matches("__c").replace('_', " "),
        writable: !matches!(kind, FieldKind::AutoNumber { .. }),
        kind,
        required: false,
        unique: false,
        case_sensitive: false,
        external_id: false,
        default_formula: None,
        formula: None,
        blank_as_zero: true,
    }
}

fn text() -> FieldKind {
    FieldKind::Text { length: 255 }
}

fn lookup(to: &str, relationship: &str, children: &str) -> FieldKind {
    FieldKind::Reference {
        to: vec![to.to_owned()],
        relationship: Some(relationship.to_owned()),
        children: Some(children.to_owned()),
        master_detail: false,
        on_delete: OnDelete::SetNull,
    }
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    let number = || FieldKind::Number { precision: 18, scale: 2 };
    let kinds = [
        (
            "Account",
            "001",
            ObjectKind::Standard,
            vec![("Phone", text()), ("Total__c", number()), ("Active__c", FieldKind::Checkbox)],
        ),
        (
            "Contact",
            "003",
            ObjectKind::Standard,
            vec![("LastName", text()), ("AccountId", lookup("Account", "Account", "Contacts"))],
        ),
        (
            "Payment__c",
            "a00",
            ObjectKind::Custom,
            vec![
                ("Account__c", lookup("Account", "Account__r", "Payments__r")),
                ("Amount__c", number()),
                ("Day__c", FieldKind::Date),
                ("At__c", FieldKind::DateTime),
                ("Number__c", FieldKind::AutoNumber { format: "P-{0}".to_owned() }),
            ],
        ),
        ("Notice__e", "e00", ObjectKind::PlatformEvent { after_commit: true }, vec![("Text__c", text())]),
    ];
    for (name, prefix, kind, fields) in kinds {
        let mut object = Object {
            name: name.to_owned(),
            label: name.to_owned(),
            plural_label: format!("{name}s"),
            key_prefix: prefix.to_owned(),
            kind,
            fields: BTreeMap::new(),
            validation_rules: Vec::new(),
        };
        object.add(field("Id", FieldKind::Id));
        object.add(field("Name", text()));
        for (name, kind) in fields {
            object.add(field(name, kind));
        }
        schema.add(object);
    }
    schema.labels.insert("Greeting".to_owned(), "Good day".to_owned());
    schema
}

impl FakeOrg {
    pub fn new(runtime: Arc<Runtime>) -> FakeOrg {
        FakeOrg {
            runtime,
            schema: Arc::new(schema()),
            rows: Vec::new(),
            published: Vec::new(),
            jobs: Vec::new(),
            queries: Vec::new(),
            saves: Vec::new(),
            delivered: 0,
            savepoints: Vec::new(),
            spent: Spent::default(),
            user: User {
                id: "005000000000001AAA".to_owned(),
                username: "admin@example.com".to_owned(),
                name: "Ada Admin".to_owned(),
                permission_sets: None,
                time_zone: "America/New_York".to_owned(),
                language: "en_US".to_owned(),
            },
            state: None,
        }
    }

    fn fire(
        &mut self,
        object: &str,
        operation: TriggerOp,
        new: Option<&mut Vec<Record>>,
        old: Option<&mut Vec<Record>>,
    ) -> Result<(), Fault> {
        let runtime = self.runtime.clone();
        if !runtime.has_trigger(object, operation) {
            return Ok(());
        }
        runtime.fire(self, TriggerCall { object, operation, new, old })
    }

    fn id(record: &Record) -> Option<String> {
        match record.fields.get("Id") {
            Some(Value::Id(id)) => Some(id.clone()),
            _ => None,
        }
    }
}

fn failed(op: SaveOp, rows: &[Record]) -> Option<Fault> {
    let bad: Vec<(usize, RowError)> =
        rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.errors.first()?.clone()))).collect();
    let (at, first) = bad.first()?;
    let verb = match op {
        SaveOp::Insert => "Insert",
        SaveOp::Update => "Update",
        SaveOp::Upsert => "Upsert",
        SaveOp::Delete => "Delete",
        SaveOp::Undelete => "Undelete",
    };
    let message = format!(
        "{verb} failed. First exception on row {at}; first error: {}, {}: [{}]",
        first.status_code,
        first.message,
        first.fields.join(", ")
    );
    Some(Fault {
        exception: "System.DmlException".to_owned(),
        message,
        rows: bad,
        stack: Vec::new(),
        uncatchable: false,
    })
}

impl Host for FakeOrg {
    fn query(
        &mut self,
        soql: &str,
        binds: &BTreeMap<String, Bind>,
        access: Access,
        sharing: bool,
    ) -> Result<QueryOutcome, Fault> {
        self.spent.queries += 1;
        self.queries.push((soql.to_owned(), binds.clone(), access, sharing));
        let words: Vec<&str> = soql.split_whitespace().collect();
        let after = |word: &str| {
            words.iter().position(|own| own.eq_ignore_ascii_case(word)).and_then(|at| words.get(at + 1)).copied()
        };
        let object = after("FROM").unwrap_or_default().to_lowercase();
        let select = soql[6..].split(" FROM ").next().unwrap_or_default();
        let mut rows: Vec<Record> =
            self.rows.iter().filter(|row| row.object.to_lowercase() == object).cloned().collect();
        if let Some(at) = words.iter().position(|word| word.eq_ignore_ascii_case("WHERE")) {
            let (name, bind) = (words[at + 1], words.last().copied().unwrap_or_default().trim_start_matches(':'));
            let wanted: Vec<Value> = match binds.get(bind).or_else(|| binds.get("b0")) {
                Some(Bind::One(value)) => vec![value.clone()],
                Some(Bind::Many(values)) => values.clone(),
                None => Vec::new(),
            };
            let same = |a: &Value, b: &Value| match (a, b) {
                (Value::Id(a) | Value::Text(a), Value::Id(b) | Value::Text(b)) => a.eq_ignore_ascii_case(b),
                (a, b) => a == b,
            };
            rows.retain(|row| row.fields.get(name).is_some_and(|value| wanted.iter().any(|one| same(value, one))));
        }
        if select.trim().eq_ignore_ascii_case("COUNT()") {
            return Ok(QueryOutcome::Count(rows.len() as u64));
        }
        if select.contains('(') {
            let mut row = Record { object: "AggregateResult".to_owned(), ..Record::default() };
            row.fields.insert("many".to_owned(), Value::Number(rows.len().to_string().parse().unwrap_or_default()));
            row.fields.insert("expr0".to_owned(), Value::Number("1.50".parse().unwrap_or_default()));
            return Ok(QueryOutcome::Rows(vec![row]));
        }
        let names: Vec<&str> = select.split(',').map(str::trim).collect();
        let all = self.rows.clone();
        for row in &mut rows {
            row.queried = true;
            for path in names.iter().filter_map(|name| name.split_once('.')) {
                let link = path.0.replace("__r", "__c");
                let parent = match row.fields.get(&link) {
                    Some(Value::Id(id)) => all.iter().find(|other| FakeOrg::id(other).as_ref() == Some(id)).cloned(),
                    _ => None,
                };
                row.parents.insert(
                    path.0.to_owned(),
                    parent.map(|mut parent| {
                        parent.queried = true;
                        Box::new(parent)
                    }),
                );
            }
            let mut kept = BTreeMap::new();
            for name in &names {
                if !name.contains('.') {
                    kept.insert((*name).to_owned(), row.fields.get(*name).cloned().unwrap_or(Value::Null));
                }
            }
            kept.insert("Id".to_owned(), row.fields.get("Id").cloned().unwrap_or(Value::Null));
            row.fields = kept;
        }
        Ok(QueryOutcome::Rows(rows))
    }

    fn save(&mut self, op: SaveOp, rows: &mut Vec<Record>, options: &SaveOptions) -> Result<Vec<RowResult>, Fault> {
        self.spent.dml_statements += 1;
        self.saves.push((op, rows.len(), options.access, options.sharing));
        let before = self.rows.clone();
        let object = rows[0].object.clone();
        let mut results = Vec::new();
        for chunk in rows.chunks_mut(200) {
            let mut chunk_rows = chunk.to_vec();
            let mut old: Vec<Record> = chunk_rows
                .iter()
                .filter(|_| op != SaveOp::Insert)
                .filter_map(|row| {
                    self.rows
                        .iter()
                        .find(|own| FakeOrg::id(own).is_some() && FakeOrg::id(own) == FakeOrg::id(row))
                        .cloned()
                })
                .collect();
            let outcome = match op {
                SaveOp::Insert => {
                    let outcome = self.fire(&object, TriggerOp::BeforeInsert, Some(&mut chunk_rows), None);
                    outcome.and_then(|()| {
                        for row in &mut chunk_rows {
                            if row.errors.is_empty() {
                                let prefix =
                                    self.schema.object(&object).map(|own| own.key_prefix.clone()).unwrap_or_default();
                                row.fields.insert(
                                    "Id".to_owned(),
                                    Value::Id(format!("{prefix}{:012}AAA", self.rows.len() + 1)),
                                );
                                self.rows.push(row.clone());
                            }
                        }
                        self.fire(&object, TriggerOp::AfterInsert, Some(&mut chunk_rows), None)
                    })
                }
                SaveOp::Delete => {
                    let outcome = self.fire(&object, TriggerOp::BeforeDelete, None, Some(&mut old));
                    outcome.and_then(|()| {
                        self.rows.retain(|own| !chunk_rows.iter().any(|row| FakeOrg::id(row) == FakeOrg::id(own)));
                        self.fire(&object, TriggerOp::AfterDelete, None, Some(&mut old))
                    })
                }
                _ => {
                    let mut merged: Vec<Record> = old.clone();
                    for (own, given) in merged.iter_mut().zip(&chunk_rows) {
                        own.fields.extend(given.fields.clone());
                    }
                    let outcome = self.fire(&object, TriggerOp::BeforeUpdate, Some(&mut merged), Some(&mut old));
                    outcome.and_then(|()| {
                        for (row, merged) in chunk_rows.iter_mut().zip(&merged) {
                            row.errors = merged.errors.clone();
                            if let Some(own) = self.rows.iter_mut().find(|own| FakeOrg::id(own) == FakeOrg::id(merged))
                            {
                                own.fields = merged.fields.clone();
                            }
                        }
                        self.fire(&object, TriggerOp::AfterUpdate, Some(&mut merged), Some(&mut old))
                    })
                }
            };
            if let Err(fault) = outcome {
                self.rows = before;
                if fault.uncatchable {
                    return Err(fault);
                }
                chunk[0].errors.push(RowError {
                    status_code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY".to_owned(),
                    message: fault.message,
                    fields: Vec::new(),
                });
                return Err(failed(op, chunk).unwrap_or_else(|| unreachable!("a row failed")));
            }
            if options.all_or_none
                && let Some(fault) = failed(op, &chunk_rows)
            {
                self.rows = before;
                return Err(fault);
            }
            for row in &chunk_rows {
                let success = row.errors.is_empty();
                results.push(RowResult {
                    id: FakeOrg::id(row).filter(|_| success),
                    success,
                    created: op == SaveOp::Insert,
                    errors: row.errors.clone(),
                });
            }
            chunk.clone_from_slice(&chunk_rows);
        }
        Ok(results)
    }

    fn publish(&mut self, events: Vec<Record>) -> Vec<RowResult> {
        self.spent.dml_statements += 1;
        let results =
            events.iter().map(|_| RowResult { id: None, success: true, created: true, errors: Vec::new() }).collect();
        self.published.extend(events);
        results
    }

    fn savepoint(&mut self) -> Result<usize, Fault> {
        self.savepoints.push(self.rows.clone());
        Ok(self.savepoints.len() - 1)
    }

    fn waiting_events(&mut self) -> Vec<Record> {
        self.published[std::mem::replace(&mut self.delivered, self.published.len())..].to_vec()
    }

    fn event_user(&self) -> User {
        self.user.clone()
    }

    fn rollback(&mut self, savepoint: usize) -> Result<(), Fault> {
        self.rows = self.savepoints[savepoint].clone();
        Ok(())
    }

    fn enqueue(&mut self, job: Job) -> Result<String, Fault> {
        self.jobs.push(job);
        Ok("707000000000001AAA".to_owned())
    }

    fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }

    fn user(&self) -> User {
        self.user.clone()
    }

    fn set_user(&mut self, user: User) -> User {
        std::mem::replace(&mut self.user, user)
    }

    fn has_permission(&self, name: &str) -> bool {
        name == "Granted"
    }

    fn now(&self) -> jiff::Timestamp {
        "2026-03-05T02:30:15.250Z".parse().unwrap_or_default()
    }

    fn currency(&self) -> Currency {
        Currency { many: true, corporate: "EUR".to_owned() }
    }

    fn spent(&mut self) -> &mut Spent {
        &mut self.spent
    }

    fn runtime_state(&mut self) -> &mut Option<Box<dyn Any>> {
        &mut self.state
    }
}
