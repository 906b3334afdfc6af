//! COUNT, SUM and their kin, over the whole or by groups.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::BigDecimal;

use super::ast::{Aggregate, Function, Operand, Query, Select};
use super::column::Column;
use super::condition::{self, Source, Test};
use super::{Answer, Asking, Found, cut, in_order, matching};
use crate::sandbox::org::fault;
use crate::sandbox::org::host::{Fault, QueryOutcome, Record, Value};
use crate::sandbox::org::schema::{FieldKind, Object};

/// One group: the values that its rows share, and the rows.
struct Rows<'a> {
    shared: Vec<Value>,
    rows: Vec<Found<'a>>,
}

pub fn run<'a>(asking: &Asking<'a>, object: &'a Object, query: &Query) -> Result<Answer, Fault> {
    let mut by = Vec::new();
    for path in &query.group {
        by.push(Column::find(asking, object, path)?.filterable("grouped")?);
    }
    check(asking, object, query)?;
    let test = query.condition.as_ref().map(|condition| Test::new(asking, object, condition)).transpose()?;
    let rows = matching(asking, object, test.as_ref(), query.all_rows, None);
    let counts_only = query.select.iter().all(|select| match select {
        Select::Aggregate { of, .. } => matches!(of.function, Function::Count),
        _ => true,
    });
    let underlying = rows.len();
    let mut groups = grouped(asking, object, &by, rows);
    if let Some(having) = &query.having {
        let test = Test::new(asking, object, having)?;
        groups.retain(|group| {
            test.passes(&|source| match source {
                Source::Aggregate(of) => total(asking, object, of, group).unwrap_or(Value::Null),
                Source::Column(column) => shared(&by, group, column),
            })
        });
    }
    sort(asking, object, query, &by, &mut groups)?;
    cut(asking, query, &mut groups)?;
    let mut records = Vec::new();
    for group in &groups {
        records.push(record(asking, object, query, &by, group)?);
    }
    let rows_read = if counts_only { records.len() } else { underlying };
    Ok(Answer { outcome: QueryOutcome::Rows(records), rows_read })
}

/// What is selected must be grouped or added up.
fn check<'a>(asking: &Asking<'a>, object: &'a Object, query: &Query) -> Result<(), Fault> {
    for select in &query.select {
        match select {
            Select::Field { path, .. } if query.group.iter().any(|group| group.eq_ignore_ascii_case(path)) => {}
            Select::Aggregate { of, .. } => {
                let column = Column::find(asking, object, &of.path)?.filterable("aggregated")?;
                let is_number = matches!(
                    column.field.kind,
                    FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. }
                );
                if matches!(of.function, Function::Sum | Function::Avg) && !is_number {
                    return Err(fault::query(format!("field {} does not support aggregate operator", of.path)));
                }
            }
            Select::Field { path, .. } => {
                return Err(fault::query(format!("Field must be grouped or aggregated: {path}")));
            }
            _ => return Err(fault::query("a grouped query selects fields and aggregates alone")),
        }
    }
    Ok(())
}

fn grouped<'a>(asking: &Asking<'a>, object: &Object, by: &[Column<'a>], rows: Vec<Found<'a>>) -> Vec<Rows<'a>> {
    if by.is_empty() {
        return vec![Rows { shared: Vec::new(), rows }];
    }
    let mut groups: BTreeMap<Vec<Option<String>>, Rows<'a>> = BTreeMap::new();
    for found in rows {
        let shared: Vec<Value> = by.iter().map(|column| column.read(asking, object, found.1)).collect();
        let key =
            shared.iter().zip(by).map(|(value, column)| condition::key(value, column.field.case_sensitive)).collect();
        groups.entry(key).or_insert_with(|| Rows { shared, rows: Vec::new() }).rows.push(found);
    }
    groups.into_values().collect()
}

fn shared(by: &[Column], group: &Rows, wanted: &Column) -> Value {
    let same = |column: &Column| {
        column.field.name == wanted.field.name
            && column.lookups.iter().map(|field| &field.name).eq(wanted.lookups.iter().map(|field| &field.name))
    };
    by.iter().position(same).and_then(|place| group.shared.get(place)).cloned().unwrap_or(Value::Null)
}

fn total<'a>(asking: &Asking<'a>, object: &'a Object, of: &Aggregate, group: &Rows) -> Result<Value, Fault> {
    let column = Column::find(asking, object, &of.path)?;
    let values =
        group.rows.iter().map(|(_, row)| column.read(asking, object, row)).filter(|value| *value != Value::Null);
    let numbers = |values: &[Value]| -> Vec<BigDecimal> {
        values
            .iter()
            .filter_map(|value| match value {
                Value::Number(number) => Some(number.clone()),
                _ => None,
            })
            .collect()
    };
    let values: Vec<Value> = values.collect();
    Ok(match of.function {
        Function::Count => Value::Number((values.len() as u64).into()),
        Function::CountDistinct => {
            let distinct: BTreeSet<_> =
                values.iter().filter_map(|value| condition::key(value, column.field.case_sensitive)).collect();
            Value::Number((distinct.len() as u64).into())
        }
        Function::Sum => match numbers(&values) {
            numbers if numbers.is_empty() => Value::Null,
            numbers => Value::Number(numbers.iter().sum()),
        },
        Function::Avg => match numbers(&values) {
            numbers if numbers.is_empty() => Value::Null,
            numbers => {
                let sum: BigDecimal = numbers.iter().sum();
                Value::Number((sum / BigDecimal::from(numbers.len() as u64)).with_prec(33).normalized())
            }
        },
        Function::Min => {
            values.into_iter().min_by(|one, other| condition::order(one, other, false)).unwrap_or(Value::Null)
        }
        Function::Max => {
            values.into_iter().max_by(|one, other| condition::order(one, other, false)).unwrap_or(Value::Null)
        }
    })
}

fn sort<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    query: &Query,
    by: &[Column<'a>],
    groups: &mut Vec<Rows<'a>>,
) -> Result<(), Fault> {
    if query.order.is_empty() {
        return Ok(());
    }
    let mut keyed = Vec::new();
    for group in groups.drain(..) {
        let mut key = Vec::new();
        for order in &query.order {
            key.push(match &order.by {
                Operand::Aggregate(of) => total(asking, object, of, &group)?,
                Operand::Path(path) => match aliased(query, path) {
                    Some(of) => total(asking, object, of, &group)?,
                    None => shared(by, &group, &Column::find(asking, object, path)?),
                },
            });
        }
        keyed.push((key, group));
    }
    keyed.sort_by(|(left, _), (right, _)| in_order(&query.order, std::iter::repeat(None), left, right));
    groups.extend(keyed.into_iter().map(|(_, group)| group));
    Ok(())
}

fn aliased<'q>(query: &'q Query, name: &str) -> Option<&'q Aggregate> {
    query.select.iter().find_map(|select| match select {
        Select::Aggregate { of, alias: Some(alias) } if alias.eq_ignore_ascii_case(name) => Some(of),
        _ => None,
    })
}

/// Aggregates without an alias are called `expr0`, `expr1`, …
fn record<'a>(
    asking: &Asking<'a>,
    object: &'a Object,
    query: &Query,
    by: &[Column],
    group: &Rows,
) -> Result<Record, Fault> {
    let mut record = Record { object: "AggregateResult".to_owned(), queried: true, ..Record::default() };
    let mut unnamed = 0;
    for select in &query.select {
        match select {
            Select::Field { path, alias } => {
                let place = query.group.iter().position(|group| group.eq_ignore_ascii_case(path)).unwrap_or_default();
                let name = alias.clone().unwrap_or_else(|| by[place].field.name.clone());
                record.fields.insert(name, group.shared[place].clone());
            }
            Select::Aggregate { of, alias } => {
                let name = alias.clone().unwrap_or_else(|| {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                });
                record.fields.insert(name, total(asking, object, of, group)?);
            }
            _ => {}
        }
    }
    Ok(record)
}
