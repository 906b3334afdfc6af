//! SOQL over REST, a page at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::select::Select;
use super::values::record_json;
use crate::sandbox::org::host::{Access, Host, QueryOutcome, Spent};

const PAGE: usize = 2_000;
const SMALLEST_PAGE: usize = 200;
const LONGEST_SOQL: usize = 100_000;
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// The rest of each query that was too long for one page, by locator.
#[derive(Default)]
pub struct Cursors {
    open: Mutex<BTreeMap<String, Cursor>>,
}

struct Cursor {
    records: Vec<Json>,
    user: String,
    page: usize,
    opened: Timestamp,
}

pub(super) fn answer(host: &mut dyn Host, cursors: &Cursors, call: &Call) -> Result<Answer, Refusal> {
    if call.method != Method::GET {
        return Err(Refusal::method(&call.method));
    }
    match call.segments().as_slice() {
        ["query" | "queryAll", locator] => cursors.next(host, call, locator),
        [kind, ..] => query(host, cursors, call, *kind == "queryAll"),
        [] => Err(Refusal::not_found()),
    }
}

fn query(host: &mut dyn Host, cursors: &Cursors, call: &Call, deleted_too: bool) -> Result<Answer, Refusal> {
    let soql = call.parameter("q").ok_or_else(|| Refusal::bad("MALFORMED_QUERY", "The parameter q is required"))?;
    if soql.len() > LONGEST_SOQL {
        return Err(Refusal::bad("QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters."));
    }
    let is_async = host.spent().is_async;
    *host.spent() = Spent { is_async, ..Spent::default() };
    let all = if deleted_too { format!("{soql} ALL ROWS") } else { soql.to_owned() };
    let rows = match host.query(&all, &BTreeMap::new(), Access::User, true)? {
        QueryOutcome::Count(count) => {
            return Ok(Answer::json(200, json!({"totalSize": count, "done": true, "records": []})));
        }
        QueryOutcome::Rows(rows) => rows,
    };
    let (schema, select) = (host.schema(), Select::of(soql));
    let records: Vec<Json> = rows.iter().map(|row| record_json(&schema, &call.base(), row, Some(&select))).collect();
    let cursor = Cursor { records, user: host.user().id, page: page(call), opened: host.now() };
    if cursor.records.len() <= cursor.page {
        return Ok(Answer::json(
            200,
            json!({"totalSize": cursor.records.len(), "done": true, "records": cursor.records}),
        ));
    }
    let locator = new_locator();
    let first = cursor.slice(call, &locator, 0);
    let mut open = cursors.open.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|_, cursor| host.now() - KEPT < cursor.opened);
    open.insert(locator, cursor);
    Ok(Answer::json(200, first))
}

impl Cursors {
    fn next(&self, host: &dyn Host, call: &Call, locator: &str) -> Result<Answer, Refusal> {
        let invalid = || Refusal::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (locator, offset) = locator.rsplit_once('-').ok_or_else(invalid)?;
        let offset: usize = offset.parse().map_err(|_| invalid())?;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let cursor = open.get(locator).filter(|cursor| {
            cursor.user == host.user().id && host.now() - KEPT < cursor.opened && offset <= cursor.records.len()
        });
        Ok(Answer::json(200, cursor.ok_or_else(invalid)?.slice(call, locator, offset)))
    }
}

impl Cursor {
    fn slice(&self, call: &Call, locator: &str, offset: usize) -> Json {
        let end = self.records.len().min(offset + self.page);
        let records = self.records.get(offset..end).unwrap_or_default();
        let done = end == self.records.len();
        let mut json = json!({"totalSize": self.records.len(), "done": done});
        if !done {
            json["nextRecordsUrl"] = json!(format!("{}/query/{locator}-{end}", call.base()));
        }
        json["records"] = json!(records);
        json
    }
}

/// `Sforce-Query-Options: batchSize=500`; between 200 and 2,000.
fn page(call: &Call) -> usize {
    let header = call.headers.get("sforce-query-options").map(String::as_str).unwrap_or_default();
    let asked = header.split(',').find_map(|option| {
        let (name, value) = option.split_once('=')?;
        name.trim().eq_ignore_ascii_case("batchSize").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    asked.map_or(PAGE, |asked| asked.clamp(SMALLEST_PAGE, PAGE))
}

fn new_locator() -> String {
    let opaque = uuid::Uuid::new_v4().simple().to_string();
    format!("01g{}", opaque.get(..15).unwrap_or(&opaque))
}
