//! Queries, from their text to their rows.

mod aggregate;
mod ast;
mod column;
mod condition;
mod date_literal;
mod lexer;
mod parse;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use bigdecimal::ToPrimitive;

use super::access::Rights;
use super::fault;
use super::host::{Access, Bind, Fault, QueryOutcome, Record, Value};
use super::reader::Reader;
use super::schema::{Field, FieldKind, Object, ObjectKind};
use super::store::Row;
use ast::{Group, Literal, Operand, Order, Query, Select};
use column::Column;
use condition::{Source, Test};

const MOST_OFFSET: usize = 2_000;
const MOST_UNBOUNDED: usize = 200;

pub struct Answer {
    pub outcome: QueryOutcome,
    /// What counts toward the transaction's query rows.
    pub rows_read: usize,
}

/// Who asks, with which bind values, and what they may see.
#[derive(Clone, Copy)]
struct Asking<'a> {
    reader: &'a Reader<'a>,
    binds: &'a BTreeMap<String, Bind>,
    user_mode: bool,
    sharing: bool,
}

impl Asking<'_> {
    fn may_read(&self, object: &Object, field: &Field) -> bool {
        !self.user_mode || self.rights().field_of(self.reader.catalog, object, field).readable
    }

    fn rights(&self) -> &Rights {
        self.reader.rights
    }
}

/// A row that was found.
type Found<'a> = (&'a String, &'a Arc<Row>);

pub fn run(
    reader: &Reader,
    locks: &BTreeMap<String, jiff::Timestamp>,
    soql: &str,
    binds: &BTreeMap<String, Bind>,
    access: Access,
    sharing: bool,
) -> Result<Answer, Fault> {
    let query = parse::parse(soql).map_err(fault::query)?;
    let user_mode = query.mode.unwrap_or(access) == Access::User;
    let asking = Asking { reader, binds, user_mode, sharing: sharing || user_mode };
    let object = object(&asking, &query.from)?;
    if query.for_update && !query.order.is_empty() {
        return Err(fault::query("FOR UPDATE can't stand beside ORDER BY"));
    }
    if matches!(query.select.as_slice(), [Select::Count]) {
        let found = found(&asking, object, &query, None)?;
        return Ok(Answer { outcome: QueryOutcome::Count(found.len() as u64), rows_read: 1 });
    }
    if !query.group.is_empty() || query.select.iter().any(|select| matches!(select, Select::Aggregate { .. })) {
        return aggregate::run(&asking, object, &query);
    }
    let plan = Plan::new(&asking, object, &query)?;
    let found = found(&asking, object, &query, None)?;
    if query.for_update
        && let Some((id, _)) = found.iter().find(|(id, _)| locks.get(*id).is_some_and(|until| *until > reader.now))
    {
        return Err(fault::query(format!(
            "Record Currently Unavailable: The record you are attempting to edit, or one of its related records, is \
             currently being modified by another user. Please try again. ({id})"
        )));
    }
    let mut rows_read = found.len();
    let rows = found.into_iter().map(|(_, row)| plan.record(&asking, row, &mut rows_read)).collect();
    Ok(Answer { outcome: QueryOutcome::Rows(rows), rows_read })
}

/// The first column of a semi-join's query.
fn values<'a>(asking: &Asking<'a>, query: &Query) -> Result<Vec<Value>, Fault> {
    let object = object(asking, &query.from)?;
    let [Select::Field { path, .. }] = query.select.as_slice() else {
        return Err(fault::query("a query within IN selects one field"));
    };
    let column = Column::find(asking, object, path)?;
    let found = found(asking, object, query, None)?;
    Ok(found.into_iter().map(|(_, row)| column.read(asking, object, row)).collect())
}

fn object<'a>(asking: &Asking<'a>, name: &str) -> Result<&'a Object, Fault> {
    let catalog = asking.reader.catalog;
    let found = catalog.schema.object(name).filter(|object| {
        let is_event = matches!(object.kind, ObjectKind::PlatformEvent { .. });
        !is_event && (!asking.user_mode || asking.rights().object(catalog, &object.name).read)
    });
    found.ok_or_else(|| {
        fault::query(format!(
            "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the \
             '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
        ))
    })
}

/// The rows that match, sorted and cut. `parent` narrows a subquery to the children of one row.
fn found<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    query: &Query,
    parent: Option<(&Field, &str)>,
) -> Result<Vec<Found<'a>>, Fault> {
    let test = query.condition.as_ref().map(|condition| Test::new(asking, object, condition)).transpose()?;
    let mut rows = matching(asking, object, test.as_ref(), query.all_rows, parent);
    sort(asking, object, &query.order, &mut rows)?;
    cut(asking, query, &mut rows)?;
    Ok(rows)
}

fn matching<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    test: Option<&Test<'a>>,
    all_rows: bool,
    parent: Option<(&Field, &str)>,
) -> Vec<Found<'a>> {
    let Some(table) = asking.reader.store.table(&object.name) else { return Vec::new() };
    let find = |column: &Column<'a>, value: &Value| match (&column.field.kind, value) {
        (FieldKind::Id, Value::Id(id)) => Some(vec![id.clone()]),
        _ => table.find(&column.field.name, value),
    };
    let candidates = match parent {
        Some((field, id)) => table.find(&field.name, &Value::Id(id.to_owned())),
        None => test.and_then(|test| test.candidates(&find)),
    };
    let keeps = |row: &Arc<Row>| {
        (all_rows || row.get("IsDeleted") != Some(&Value::Bool(true)))
            && (!asking.sharing || asking.rights().sees(asking.reader.catalog, object, row, asking.reader.user))
            && test.is_none_or(|test| {
                test.passes(&|source| match source {
                    Source::Column(column) => column.read(asking, object, row),
                    Source::Aggregate(_) => Value::Null,
                })
            })
    };
    match candidates {
        Some(ids) => {
            // Borrow the id from the row, since the list of ids does not live on.
            let rows = ids.iter().filter_map(|id| table.entry(id));
            rows.filter(|(_, row)| keeps(row)).collect()
        }
        None => table.rows().filter(|(_, row)| keeps(row)).collect(),
    }
}

fn sort<'a>(asking: &Asking<'a>, object: &'a Object, orders: &[Order], rows: &mut Vec<Found<'a>>) -> Result<(), Fault> {
    if orders.is_empty() {
        return Ok(());
    }
    let mut columns = Vec::new();
    for order in orders {
        let Operand::Path(path) = &order.by else {
            return Err(fault::query("an aggregate sorts grouped queries alone"));
        };
        columns.push(Column::find(asking, object, path)?.filterable("sorted")?);
    }
    let mut keyed: Vec<(Vec<Value>, Found<'a>)> = rows
        .drain(..)
        .map(|found| (columns.iter().map(|column| column.read(asking, object, found.1)).collect(), found))
        .collect();
    keyed.sort_by(|(left, _), (right, _)| {
        let fields = columns.iter().map(|column| Some(column.field));
        in_order(orders, fields, left, right)
    });
    rows.extend(keyed.into_iter().map(|(_, found)| found));
    Ok(())
}

/// Compares two rows' sort values. Nulls come first both ways, unless the query says otherwise.
fn in_order<'f>(
    orders: &[Order],
    fields: impl Iterator<Item = Option<&'f Field>>,
    left: &[Value],
    right: &[Value],
) -> Ordering {
    for (((order, field), left), right) in orders.iter().zip(fields).zip(left).zip(right) {
        let nulls = if order.nulls_last { Ordering::Greater } else { Ordering::Less };
        let by_value = match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => nulls,
            (_, Value::Null) => nulls.reverse(),
            _ => {
                let place = |value: &Value| match field.map(|field| &field.kind) {
                    // A picklist sorts as it is listed.
                    Some(FieldKind::Picklist { values, .. }) => {
                        values.iter().position(|known| known.name == condition::shown(value)).unwrap_or(values.len())
                    }
                    _ => 0,
                };
                let up = place(left).cmp(&place(right)).then_with(|| condition::order(left, right, false));
                if order.descending { up.reverse() } else { up }
            }
        };
        if by_value != Ordering::Equal {
            return by_value;
        }
    }
    Ordering::Equal
}

fn cut<T>(asking: &Asking, query: &Query, rows: &mut Vec<T>) -> Result<(), Fault> {
    if let Some(offset) = count(asking, query.offset.as_ref())? {
        if offset > MOST_OFFSET {
            return Err(fault::query(format!(
                "Maximum SOQL offset allowed is {MOST_OFFSET} (NUMBER_OUTSIDE_VALID_RANGE)"
            )));
        }
        rows.drain(..offset.min(rows.len()));
    }
    if let Some(limit) = count(asking, query.limit.as_ref())? {
        rows.truncate(limit);
    }
    Ok(())
}

fn count(asking: &Asking, literal: Option<&Literal>) -> Result<Option<usize>, Fault> {
    let Some(literal) = literal else { return Ok(None) };
    match condition::literal_values(asking, literal)?.as_slice() {
        [Value::Number(number)] if number.to_usize().is_some() => Ok(number.to_usize()),
        _ => Err(fault::query("LIMIT and OFFSET take a whole number that is not negative")),
    }
}

/// What is made of each row.
struct Plan<'a> {
    object: &'a Object,
    columns: Vec<Column<'a>>,
    shown: Vec<(String, Column<'a>)>,
    children: Vec<Children<'a>>,
}

struct Children<'a> {
    relationship: &'a str,
    lookup: &'a Field,
    query: Query,
    plan: Plan<'a>,
}

impl<'a> Plan<'a> {
    fn new(asking: &Asking<'a>, object: &'a Object, query: &Query) -> Result<Plan<'a>, Fault> {
        let mut plan = Plan { object, columns: Vec::new(), shown: Vec::new(), children: Vec::new() };
        for select in &query.select {
            match select {
                Select::Field { path, alias: None } => plan.columns.push(Column::find(asking, object, path)?),
                Select::Field { alias: Some(alias), .. } => {
                    return Err(fault::query(format!("unexpected token: '{alias}'")));
                }
                Select::Shown { path, alias } => {
                    let column = Column::find(asking, object, path)?;
                    plan.shown.push((alias.clone().unwrap_or_else(|| column.field.name.clone()), column));
                }
                Select::AllFields(group) => {
                    let bounded = count(asking, query.limit.as_ref())?.is_some_and(|limit| limit <= MOST_UNBOUNDED);
                    if *group != Group::Standard && !bounded {
                        return Err(fault::query(format!(
                            "The SOQL FIELDS function must have a LIMIT of at most {MOST_UNBOUNDED}"
                        )));
                    }
                    let chosen = object.fields.values().filter(|field| match group {
                        Group::All => true,
                        Group::Standard => !field.name.ends_with("__c"),
                        Group::Custom => field.name.ends_with("__c"),
                    });
                    let readable = chosen.filter(|field| asking.may_read(object, field));
                    plan.columns.extend(readable.map(|field| Column { lookups: Vec::new(), field }));
                }
                Select::Children(query) => plan.children.push(children(asking, object, query)?),
                Select::Count => return Err(fault::query("COUNT() must be the only thing that is selected")),
                Select::Aggregate { .. } => {
                    return Err(fault::query("a plain query selects no aggregate"));
                }
            }
        }
        Ok(plan)
    }

    fn record(&self, asking: &Asking<'a>, row: &Arc<Row>, rows_read: &mut usize) -> Record {
        let mut record = Record { object: self.object.name.clone(), queried: true, ..Record::default() };
        let id = row.get("Id").cloned().unwrap_or(Value::Null);
        for column in &self.columns {
            place(asking, &mut record, self.object, row, &column.lookups, column.field);
        }
        for (name, column) in &self.shown {
            let value = match (column.read(asking, self.object, row), &column.field.kind) {
                (Value::Text(name), FieldKind::Picklist { values, .. }) => {
                    let label = values.iter().find(|value| value.name == name).map(|value| value.label.clone());
                    Value::Text(label.unwrap_or(name))
                }
                (Value::Null, _) => Value::Null,
                (value, _) => Value::Text(condition::shown(&value)),
            };
            record.fields.insert(name.clone(), value);
        }
        for children in &self.children {
            let parent = match &id {
                Value::Id(id) => Some((children.lookup, id.as_str())),
                _ => None,
            };
            let found = found(asking, children.plan.object, &children.query, parent).unwrap_or_default();
            *rows_read += found.len();
            let rows = found.into_iter().map(|(_, row)| children.plan.record(asking, row, rows_read)).collect();
            record.children.insert(children.relationship.to_owned(), rows);
        }
        record.fields.insert("Id".to_owned(), id);
        record
    }
}

/// Puts a value where its path leads, making the parents on the way.
fn place(asking: &Asking, record: &mut Record, object: &Object, row: &Row, lookups: &[&Field], field: &Field) {
    let [lookup, rest @ ..] = lookups else {
        let value = match object.field(&field.name) {
            Some(field) => asking.reader.value(object, row, field),
            None => Value::Null,
        };
        record.fields.insert(field.name.clone(), value);
        return;
    };
    let FieldKind::Reference { relationship: Some(relationship), .. } = &lookup.kind else { return };
    match asking.reader.parent(row, lookup) {
        None => {
            record.parents.entry(relationship.clone()).or_insert(None);
        }
        Some((parent, parent_row)) => {
            let made = record.parents.entry(relationship.clone()).or_insert_with(|| {
                Some(Box::new(Record { object: parent.name.clone(), queried: true, ..Record::default() }))
            });
            if let Some(made) = made {
                if let Some(id) = parent_row.get("Id") {
                    made.fields.insert("Id".to_owned(), id.clone());
                }
                place(asking, made, parent, parent_row, rest, field);
            }
        }
    }
}

fn children<'a>(asking: &Asking<'a>, parent: &'a Object, query: &Query) -> Result<Children<'a>, Fault> {
    let schema = &asking.reader.catalog.schema;
    let found = schema.objects().find_map(|object| {
        object.fields.values().find_map(|field| match &field.kind {
            FieldKind::Reference { to, children: Some(children), .. }
                if children.eq_ignore_ascii_case(&query.from)
                    && to.iter().any(|name| name.eq_ignore_ascii_case(&parent.name))
                    && asking.may_read(object, field) =>
            {
                Some((object, field, children))
            }
            _ => None,
        })
    });
    let Some((child, lookup, relationship)) = found else {
        return Err(fault::query(format!(
            "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or \
             the describe call for the appropriate names.",
            query.from
        )));
    };
    object(asking, &child.name)?;
    let plan = Plan::new(asking, child, query)?;
    // A fault in the subquery's conditions must show even when no parent is found.
    if let Some(condition) = &query.condition {
        Test::new(asking, child, condition)?;
    }
    Ok(Children { relationship, lookup, query: query.clone(), plan })
}

#[cfg(test)]
mod tests;
