//! Writes what lies in the outbox to Salesforce: at once what a person waits for, the rest in calls of a thousand.

use std::time::Duration;

use serde_json::{Map, Value};

use super::house::House;
use super::retry;
use crate::domain::Priority;
use crate::salesforce::{self, Class, Record, RowError, Upsert, advice, class_of};
use crate::store;
use crate::store::outbox::{Key, Outgoing, Write};

/// What one Composite call takes.
const AT_ONCE: i64 = 1_000;
/// A bulk write waits so long for others, then goes anyway.
const LONGEST_WAIT_MS: i64 = 45_000;
/// With nothing more in work, so long for stragglers.
const STRAGGLERS_MS: i64 = 300;
/// A lock that another process held is tried again at once a few times, then ever later.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// The records that a Payment Error points at.
const ABOUT: &[&str] = &["Account__c", "Invoice__c", "Payment__c", "Payment_Request__c"];
/// A row that fails in ways that should pass becomes a Payment Error after so many tries.
const MOST_ATTEMPTS: i64 = 12;
/// How often what was refused is tried again by itself: a missing right, and anything else.
const REFUSED_HOURLY: Duration = Duration::from_secs(3_600);
const REFUSED_DAILY: Duration = Duration::from_secs(24 * 3_600);

/// Writes until the house stops, then once more what a person waits for.
pub async fn run(house: House) {
    tokio::join!(interactive(&house), bulk(&house));
}

async fn interactive(house: &House) {
    while !house.stop.is_cancelled() {
        if !flush(house, false).await {
            rest(house, Duration::from_millis(250)).await;
        }
    }
    flush(house, false).await;
}

async fn bulk(house: &House) {
    while !house.stop.is_cancelled() {
        let go = match bulk_is_due(house).await {
            Ok(go) => go,
            Err(error) => {
                tracing::error!(%error, "the outbox could not be read");
                false
            }
        };
        if !go || !flush(house, true).await {
            rest(house, Duration::from_millis(200)).await;
        }
    }
}

async fn rest(house: &House, at_most: Duration) {
    tokio::select! {
        () = house.stop.cancelled() => {}
        () = house.outbox_filled.notified() => {}
        () = tokio::time::sleep(at_most) => {}
    }
}

async fn bulk_is_due(house: &House) -> store::Result<bool> {
    let now_ms = house.now_ms();
    let mut tx = house.store.reading().await?;
    let waiting = tx.outbox_waiting(true, now_ms).await?;
    if waiting.due == 0 {
        return Ok(false);
    }
    let age_ms = now_ms - waiting.oldest_ms;
    let due = waiting.due >= AT_ONCE
        || age_ms >= LONGEST_WAIT_MS
        || (age_ms >= STRAGGLERS_MS && !tx.in_work(Priority::Bulk, now_ms + STRAGGLERS_MS).await?);
    // With the day's calls nearly used up, what nobody waits for leaves them to what somebody does.
    let short = house.salesforce.usage().is_short() && age_ms < 10 * LONGEST_WAIT_MS;
    Ok(due && !short)
}

/// One call's worth. Answers whether there was any, and it could be sent.
pub(super) async fn flush(house: &House, with_bulk: bool) -> bool {
    let me = house.me();
    match take(house, &me, with_bulk).await {
        Ok(rows) if rows.is_empty() => false,
        Ok(rows) => send(house, &me, &rows).await,
        Err(error) => {
            tracing::error!(%error, "the outbox could not be read");
            house.doubt();
            false
        }
    }
}

async fn take(house: &House, me: &str, with_bulk: bool) -> store::Result<Vec<Outgoing>> {
    let now_ms = house.now_ms();
    let mut tx = house.store.begin().await?;
    let rows = tx.take_outgoing(me, with_bulk, AT_ONCE, now_ms).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Sends the rows. A call that is refused as a whole is split, until the record is found that it is refused for.
async fn send(house: &House, me: &str, rows: &[Outgoing]) -> bool {
    let mut parts = vec![rows];
    let mut sent = true;
    while let Some(part) = parts.pop() {
        let mapping = house.invoices.get();
        let fields: Vec<_> = part.iter().map(|row| mapping.outgoing(&row.write.object, &row.write.fields)).collect();
        let records: Vec<Record<'_>> =
            part.iter().zip(&fields).map(|(row, fields)| record(&row.write, fields)).collect();
        let answer = house.salesforce.write(&records).await;
        match &answer {
            Err(error) if part.len() > 1 && error.is_about_the_content() => {
                tracing::warn!(code = %error.code(), rows = part.len(), "Salesforce refused a call as a whole; it is split");
                let (first, rest) = part.split_at(part.len() / 2);
                parts.extend([rest, first]);
            }
            _ => {
                sent &= answer.is_ok();
                record_answer(house, me, part, &answer).await;
            }
        }
    }
    sent
}

/// For as long as it takes: until what Salesforce answered is recorded, the rows are claimed, and nobody would send them.
async fn record_answer(
    house: &House,
    me: &str,
    rows: &[Outgoing],
    answer: &Result<Vec<salesforce::Outcome>, salesforce::Error>,
) {
    let mut failures = 0;
    while let Err(error) = note(house, me, rows, answer).await {
        failures += 1;
        tracing::error!(%error, failures, "what Salesforce answered could not be recorded; it is tried again");
        if house.stop.is_cancelled() && failures >= 5 {
            return; // written again after the next start, which changes nothing
        }
        tokio::time::sleep(retry::delay(failures, Duration::from_millis(500), Duration::from_secs(5))).await;
    }
}

fn record<'a>(write: &'a Write, fields: &'a Map<String, Value>) -> Record<'a> {
    let key = match &write.key {
        Key::Id(id) => Upsert::ById(id.clone()),
        Key::External { field, value } => Upsert::ByExternalId { field: field.clone(), value: value.clone() },
    };
    Record { object: &write.object, key, fields }
}

async fn note(
    house: &House,
    me: &str,
    rows: &[Outgoing],
    answer: &Result<Vec<salesforce::Outcome>, salesforce::Error>,
) -> store::Result<()> {
    let now_ms = house.now_ms();
    let mut tx = house.store.begin().await?;
    match answer {
        Ok(outcomes) => {
            let written: Vec<(&Outgoing, &str)> =
                rows.iter().zip(outcomes).filter_map(|(row, outcome)| Some((row, outcome.as_deref().ok()?))).collect();
            for target in tx.confirmed_all(me, &written, now_ms).await? {
                // Others took us for dead and write it again, which changes nothing.
                tracing::warn!(%target, "a write is no longer ours");
            }
            for (row, outcome) in rows.iter().zip(outcomes) {
                if let Err(error) = outcome {
                    one_failed(&mut tx, me, row, error, now_ms).await?;
                }
            }
        }
        Err(error) if error.is_about_the_content() && rows.len() == 1 => {
            let refusal = RowError { code: error.code(), message: error.to_string(), fields: Vec::new() };
            one_failed(&mut tx, me, &rows[0], &refusal, now_ms).await?;
        }
        Err(error) => {
            let later = error.class() == Class::Later;
            tracing::warn!(code = %error.code(), remedy = error.remedy(), rows = rows.len(), "the outbox could not be written");
            for row in rows {
                let wait =
                    if later { LONGEST_DELAY } else { retry::delay(row.attempts + 1, FIRST_DELAY, LONGEST_DELAY) };
                tx.send_again(me, row, after(now_ms, wait), !later).await?;
            }
        }
    }
    tx.commit().await
}

async fn one_failed(tx: &mut store::Tx, me: &str, row: &Outgoing, error: &RowError, now_ms: i64) -> store::Result<()> {
    let class = class_of(&error.code);
    // Two upserts of a new key at once: the second finds the first's record.
    let raced = error.code == "DUPLICATE_VALUE" && matches!(row.write.key, Key::External { .. }) && row.attempts < 3;
    let passes = raced
        || matches!(class, Class::Retry | Class::Session) && row.attempts < MOST_ATTEMPTS
        || waits_for_parent(tx, row, error).await?;
    tracing::warn!(target = %row.target, code = %error.code, attempts = row.attempts, passes, "Salesforce did not write a record");
    if passes {
        let wait = retry::delay(row.attempts + 1, FIRST_DELAY, LONGEST_DELAY);
        return tx.send_again(me, row, after(now_ms, wait), true).await;
    }
    if class == Class::Later {
        return tx.send_again(me, row, after(now_ms, LONGEST_DELAY), false).await;
    }
    if row.write.object == "Payment_Error__c" {
        // What it is about may be gone, and that must not keep it from being told.
        if tx.send_without(me, row, ABOUT, now_ms).await? {
            return Ok(());
        }
        // There is nowhere else to say it but the log, so it stays and is tried hourly.
        return tx.send_again(me, row, after(now_ms, REFUSED_HOURLY), true).await;
    }
    // A rule or a right is mended by a person, who may not think of us; so it is tried again by itself, seldom.
    let wait = if class == Class::Refused { REFUSED_DAILY } else { REFUSED_HOURLY };
    let sentence = format!("Salesforce refused to write {}: {}", row.write.object, error.message);
    let told = refusal(row, &error.code, &sentence);
    tx.refused(me, row, &told, &sentence, after(now_ms, wait), now_ms).await
}

/// The record that this one belongs to is not in the org yet: its own write failed for the moment, or was confirmed in
/// another call just now.
async fn waits_for_parent(tx: &mut store::Tx, row: &Outgoing, error: &RowError) -> store::Result<bool> {
    let parents = row.write.parents();
    if error.code != "INVALID_FIELD" || parents.is_empty() || row.attempts >= MOST_ATTEMPTS {
        return Ok(false);
    }
    Ok(row.attempts < 3 || tx.any_unwritten(&parents).await?)
}

fn after(now_ms: i64, wait: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

fn refusal(row: &Outgoing, code: &str, sentence: &str) -> Write {
    let error = Write::payment_error(&row.error_id(), code, sentence, advice(code));
    match (&*row.write.object, &row.write.key) {
        ("Account", Key::Id(id)) => error.with("Account__c", id.as_str()),
        ("Invoice__c", Key::Id(id)) => error.with("Invoice__c", id.as_str()),
        ("Payment_Request__c", Key::Id(id)) => error.with("Payment_Request__c", id.as_str()),
        _ => match row.write.fields.get("Invoice__c").and_then(Value::as_str) {
            Some(invoice) => error.with("Invoice__c", invoice),
            None => error,
        },
    }
}
