//! DML statements, `Database.…` and `EventBus.publish`.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::Type;
use super::eval::{Interp, Res, Thrown};
use super::value::{Native, SaveResultKind, Val};
use crate::sandbox::org::host::{Access, Record, RowResult, SaveOp, SaveOptions};
use crate::sandbox::org::schema::ObjectKind;

impl Interp<'_> {
    /// `insert rows;` and its like.
    pub fn save_statement(
        &mut self,
        op: SaveOp,
        rows: Val,
        access: Access,
        external_id: Option<String>,
    ) -> Res<Vec<RowResult>> {
        self.save(op, rows, true, access, external_id)
    }

    fn save(
        &mut self,
        op: SaveOp,
        rows: Val,
        all_or_none: bool,
        access: Access,
        external_id: Option<String>,
    ) -> Res<Vec<RowResult>> {
        self.must_write("a DML statement")?;
        let rows = match rows {
            Val::Null => return Err(self.null_pointer()),
            Val::List(list) => list.items.borrow().clone(),
            row => vec![row],
        };
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            records.push(self.record_to_save(op, row)?);
        }
        self.check_duplicates(op, &rows, &records)?;
        let object = records[0].object.clone();
        if records.iter().any(|record| record.object != object) {
            return Err(self.unmodelled("one DML statement over several objects"));
        }
        let options = SaveOptions { all_or_none, access, sharing: self.sharing || access == Access::User, external_id };
        let ids: Vec<Option<String>> = match op {
            SaveOp::Insert => vec![None; rows.len()],
            _ => rows.iter().map(id_of).collect(),
        };
        let results = match self.host.save(op, &mut records, &options) {
            Ok(results) => results,
            Err(fault) => {
                let thrown = self.thrown_by(fault);
                if let Thrown::Exception(Val::Exception(data)) = &thrown {
                    data.borrow_mut().ids = ids;
                }
                self.hand_back_errors(&rows, &records);
                return Err(thrown);
            }
        };
        for ((row, result), record) in rows.iter().zip(&results).zip(&records) {
            let Val::SObject(row) = row else { continue };
            let mut row = row.borrow_mut();
            if result.success
                && let Some(id) = &result.id
                && matches!(op, SaveOp::Insert | SaveOp::Upsert)
            {
                row.set(Arc::from("Id"), Val::Id(Arc::from(id.as_str())));
            }
            if !result.success {
                let known = row.errors.len();
                row.errors.extend(record.errors.iter().skip(known).cloned());
            }
        }
        Ok(results)
    }

    fn hand_back_errors(&self, rows: &[Val], records: &[Record]) {
        for (row, record) in rows.iter().zip(records) {
            if let Val::SObject(row) = row {
                let mut row = row.borrow_mut();
                let known = row.errors.len();
                row.errors.extend(record.errors.iter().skip(known).cloned());
            }
        }
    }

    fn record_to_save(&mut self, op: SaveOp, row: &Val) -> Res<Record> {
        match row {
            Val::SObject(row) => {
                let row = row.borrow();
                if row.in_trigger && op != SaveOp::Delete {
                    let text = "DML statement cannot operate on trigger.new or trigger.old";
                    return Err(self.throw("System.SObjectException", text));
                }
                let mut record = self.record_of(&row)?;
                record.errors.clear();
                record.queried = false;
                // Formulas and system fields can only have come from a query; a save passes over them.
                if let Some(object) = self.schema.object(&record.object) {
                    record
                        .fields
                        .retain(|name, _| name == "Id" || object.field(name).is_none_or(|field| field.writable));
                }
                Ok(record)
            }
            // `Database.delete(id)`.
            Val::Id(id) if matches!(op, SaveOp::Delete | SaveOp::Undelete) => {
                let Some(object) = self.schema.object_by_prefix(id) else {
                    return Err(self.throw("System.StringException", format!("Invalid id: {id}")));
                };
                let mut record = Record { object: object.name.clone(), ..Record::default() };
                record.fields.insert("Id".to_owned(), crate::sandbox::org::host::Value::Id(id.to_string()));
                Ok(record)
            }
            Val::Null => Err(self.null_pointer()),
            other => Err(self.unmodelled(format!("a DML statement on {}", self.type_name(other)))),
        }
    }

    fn check_duplicates(&self, op: SaveOp, rows: &[Val], records: &[Record]) -> Res<()> {
        if matches!(op, SaveOp::Insert | SaveOp::Upsert) {
            let mut seen = HashSet::new();
            for row in rows {
                if let Val::SObject(row) = row
                    && !seen.insert(Rc::as_ptr(row))
                {
                    let text = "Before Insert or Upsert list must not have two identically equal elements";
                    return Err(self.throw("System.ListException", text));
                }
            }
        }
        if op != SaveOp::Insert {
            let mut seen = HashSet::new();
            for record in records {
                if let Some(crate::sandbox::org::host::Value::Id(id)) = record.fields.get("Id")
                    && !seen.insert(id)
                {
                    return Err(self.throw("System.ListException", format!("Duplicate id in list: {id}")));
                }
            }
        }
        Ok(())
    }

    /// `Database.…`.
    #[inline(never)]
    pub fn database(&mut self, method: &str, args: Vec<Val>) -> Res<Val> {
        let op = match method {
            "insert" | "insertimmediate" => Some(SaveOp::Insert),
            "update" | "updateimmediate" => Some(SaveOp::Update),
            "upsert" => Some(SaveOp::Upsert),
            "delete" | "deleteimmediate" => Some(SaveOp::Delete),
            "undelete" => Some(SaveOp::Undelete),
            _ => None,
        };
        if let Some(op) = op {
            return self.database_save(op, args);
        }
        match (method, args.as_slice()) {
            ("querywithbinds" | "countquerywithbinds" | "getquerylocatorwithbinds", _) => {
                self.query_with_binds(method, &args)
            }
            ("merge", [winner @ Val::SObject(_), losers, options @ ..]) => {
                let (mut all_or_none, mut access) = (true, Access::System);
                for option in options {
                    match option {
                        Val::Bool(value) => all_or_none = *value,
                        level => access = self.access_of(Some(level))?,
                    }
                }
                self.merge(winner, losers, all_or_none, access)
            }
            ("setsavepoint", []) => {
                let point = self.host.savepoint().map_err(|fault| self.thrown_by(fault))?;
                Ok(Val::native(Native::Savepoint(point)))
            }
            ("rollback", [Val::Native(point)]) => match &**point {
                Native::Savepoint(point) => match self.host.rollback(*point) {
                    Ok(()) => Ok(Val::Null),
                    Err(fault) => Err(self.thrown_by(fault)),
                },
                _ => Err(self.unmodelled("Database.rollback to something that is not a savepoint")),
            },
            ("executebatch", [batch @ Val::Object(_)]) => self.execute_batch(batch, 200),
            ("executebatch", [batch @ Val::Object(_), Val::Int(scope)]) => {
                match usize::try_from(*scope) {
                    Ok(scope @ 1..=2000) => self.execute_batch(batch, scope),
                    _ => Err(self
                        .throw("System.InvalidParameterValueException", "the batch scope must be between 1 and 2000")),
                }
            }
            _ => Err(self.unmodelled(format!("Database.{method} with {} arguments", args.len()))),
        }
    }

    fn database_save(&mut self, op: SaveOp, args: Vec<Val>) -> Res<Val> {
        let mut args = args.into_iter();
        let Some(rows) = args.next() else { return Err(self.unmodelled("DML without rows")) };
        let (mut all_or_none, mut access, mut external_id) = (true, Access::System, None);
        for arg in args {
            match &arg {
                Val::Bool(value) => all_or_none = *value,
                Val::PlatformEnum(..) => access = self.access_of(Some(&arg))?,
                Val::SObjectField(_, field) => external_id = Some(field.to_string()),
                other => return Err(self.unmodelled(format!("a DML option of type {}", self.type_name(other)))),
            }
        }
        let single = !matches!(rows, Val::List(_));
        let rows = match rows {
            Val::Str(text) => self.id(&text)?,
            other => other,
        };
        let kind = match op {
            SaveOp::Insert | SaveOp::Update => SaveResultKind::Save,
            SaveOp::Upsert => SaveResultKind::Upsert,
            SaveOp::Delete => SaveResultKind::Delete,
            SaveOp::Undelete => SaveResultKind::Undelete,
        };
        let results = self.save(op, rows, all_or_none, access, external_id)?;
        Ok(self.results(kind, results, single))
    }

    /// `merge winner losers;` and `Database.merge(winner, losers, allOrNone, accessLevel)`.
    pub fn merge(&mut self, winner: &Val, losers: &Val, all_or_none: bool, access: Access) -> Res<Val> {
        self.must_write("a merge")?;
        let single = !matches!(losers, Val::List(_));
        let losers = match losers {
            Val::List(list) => list.items.borrow().clone(),
            one => vec![one.clone()],
        };
        let ids: Vec<String> = losers.iter().filter_map(id_of).collect();
        if ids.len() != losers.len() {
            return Err(self.null_argument());
        }
        let mut record = self.record_to_save(SaveOp::Update, winner)?;
        let options =
            SaveOptions { all_or_none, access, sharing: self.sharing || access == Access::User, external_id: None };
        match self.host.merge(&mut record, &ids, &options) {
            Ok(results) => Ok(self.results(SaveResultKind::Save, results, single)),
            Err(fault) => Err(self.thrown_by(fault)),
        }
    }

    fn results(&self, kind: SaveResultKind, results: Vec<RowResult>, single: bool) -> Val {
        let mut results: Vec<Val> = results
            .into_iter()
            .map(|result| {
                Val::native(Native::SaveResult {
                    kind,
                    // A failed insert has no Id to tell; a failed update still tells which row.
                    id: result.id,
                    success: result.success,
                    created: result.created,
                    errors: result.errors,
                })
            })
            .collect();
        match single {
            true => results.pop().unwrap_or(Val::Null),
            false => Val::list(Arc::new(Type::Native(Arc::from("saveresult"))), results),
        }
    }

    /// `EventBus.publish`.
    pub fn publish(&mut self, events: Val) -> Res<Val> {
        self.must_write("a publish")?;
        let single = !matches!(events, Val::List(_));
        let events = match events {
            Val::Null => return Err(self.null_argument()),
            Val::List(list) => list.items.borrow().clone(),
            one => vec![one],
        };
        let mut records = Vec::new();
        for event in &events {
            let Val::SObject(row) = event else { return Err(self.null_argument()) };
            let record = self.record_of(&row.borrow())?;
            let is_event = self
                .schema
                .object(&record.object)
                .is_some_and(|object| matches!(object.kind, ObjectKind::PlatformEvent { .. }));
            if !is_event {
                let text = format!("{} is not a platform event", record.object);
                return Err(self.throw("System.UnexpectedException", text));
            }
            records.push(record);
        }
        if records.is_empty() {
            return Ok(self.results(SaveResultKind::Save, Vec::new(), false));
        }
        let published = records.clone();
        let results = self.host.publish(records);
        let good = published.into_iter().zip(&results).filter(|(_, result)| result.success).map(|(event, _)| event);
        self.note_events(good);
        Ok(self.results(SaveResultKind::Save, results, single))
    }
}

fn id_of(row: &Val) -> Option<String> {
    match row {
        Val::SObject(row) => row.borrow().id().map(|id| id.to_string()),
        Val::Id(id) => Some(id.to_string()),
        _ => None,
    }
}
