//! Writes what lies in the outbox to Salesforce: at once what a person waits for, the rest in calls of a thousand.

use std::time::Duration;

use super::house::House;
use super::payments::BOOK;
use super::retry;
use super::work::trouble;
use crate::domain::{Command, CommandId, CommandKind, Priority, SalesforceId};
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
/// A row that fails in ways that should pass becomes a Payment Error after so many tries.
const MOST_ATTEMPTS: i64 = 12;

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

/// One call's worth. Answers whether there was any.
async fn flush(house: &House, with_bulk: bool) -> bool {
    let rows = match take(house, with_bulk).await {
        Ok(rows) if rows.is_empty() => return false,
        Ok(rows) => rows,
        Err(error) => {
            tracing::error!(%error, "the outbox could not be read");
            return false;
        }
    };
    let records: Vec<Record<'_>> = rows.iter().map(|row| record(&row.write)).collect();
    let answer = house.salesforce.write(&records).await;
    for _ in 0..5 {
        match note(house, &rows, &answer).await {
            Ok(()) => return answer.is_ok(),
            // Written again then, which changes nothing.
            Err(error) => tracing::error!(%error, "what Salesforce answered could not be recorded"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    false
}

async fn take(house: &House, with_bulk: bool) -> store::Result<Vec<Outgoing>> {
    let now_ms = house.now_ms();
    let mut tx = house.store.begin().await?;
    let rows = tx.take_outgoing(&house.me(), with_bulk, AT_ONCE, now_ms).await?;
    tx.commit().await?;
    Ok(rows)
}

fn record(write: &Write) -> Record<'_> {
    let key = match &write.key {
        Key::Id(id) => Upsert::ById(id.clone()),
        Key::External { field, value } => Upsert::ByExternalId { field: field.clone(), value: value.clone() },
    };
    Record { object: &write.object, key, fields: &write.fields }
}

async fn note(
    house: &House,
    rows: &[Outgoing],
    answer: &Result<Vec<salesforce::Outcome>, salesforce::Error>,
) -> store::Result<()> {
    let (me, now_ms) = (house.me(), house.now_ms());
    let mut tx = house.store.begin().await?;
    match answer {
        Ok(outcomes) => {
            for (row, outcome) in rows.iter().zip(outcomes) {
                match outcome {
                    Ok(id) => tx.confirmed(&me, row, id, now_ms).await?,
                    Err(error) => one_failed(&mut tx, &me, row, error, now_ms).await?,
                }
            }
        }
        Err(error) => {
            let later = error.class() == Class::Later;
            tracing::warn!(%error, rows = rows.len(), "the outbox could not be written");
            for row in rows {
                if error.class() == Class::Refused && row.attempts >= MOST_ATTEMPTS {
                    let refusal = refusal(row, &error.code(), &error.to_string(), error.remedy());
                    bury(&mut tx, row, &error.code(), &error.to_string(), error.remedy(), now_ms).await?;
                    tx.refused(&me, row, refusal.as_ref(), now_ms).await?;
                } else {
                    let wait =
                        if later { LONGEST_DELAY } else { retry::delay(row.attempts + 1, FIRST_DELAY, LONGEST_DELAY) };
                    tx.send_again(&me, row, after(now_ms, wait), !later).await?;
                }
            }
        }
    }
    tx.commit().await
}

async fn one_failed(tx: &mut store::Tx, me: &str, row: &Outgoing, error: &RowError, now_ms: i64) -> store::Result<()> {
    let class = class_of(&error.code);
    // Two upserts of a new key at once: the second finds the first's record.
    let raced = error.code == "DUPLICATE_VALUE" && matches!(row.write.key, Key::External { .. }) && row.attempts < 3;
    let passes = raced || matches!(class, Class::Retry | Class::Session) && row.attempts < MOST_ATTEMPTS;
    tracing::warn!(target = %row.target, code = %error.code, attempts = row.attempts, passes, "Salesforce did not write a record");
    if passes {
        let wait = retry::delay(row.attempts + 1, FIRST_DELAY, LONGEST_DELAY);
        return tx.send_again(me, row, after(now_ms, wait), true).await;
    }
    if class == Class::Later {
        return tx.send_again(me, row, after(now_ms, LONGEST_DELAY), false).await;
    }
    let sentence = format!("Salesforce refused to write {}: {}", row.write.object, error.message);
    bury(tx, row, &error.code, &sentence, advice(&error.code), now_ms).await?;
    match refusal(row, &error.code, &sentence, advice(&error.code)) {
        Some(refusal) => tx.refused(me, row, Some(&refusal), now_ms).await,
        // The Payment Error itself was refused: there is nowhere else to say it but the log, so it stays and is tried hourly.
        None => tx.send_again(me, row, after(now_ms, Duration::from_secs(3_600)), true).await,
    }
}

/// A payment's record has no command behind it until one is needed: refused, it becomes a dead letter that can be retried.
async fn bury(
    tx: &mut store::Tx,
    row: &Outgoing,
    code: &str,
    sentence: &str,
    remedy: &str,
    now_ms: i64,
) -> store::Result<()> {
    let booking = row.write.command.as_deref().filter(|command| command.starts_with(BOOK));
    let Some(id) = booking.and_then(|command| CommandId::parse(command).ok()) else { return Ok(()) };
    let Some(org) = tx.meta("stamp:org").await?.and_then(|org| SalesforceId::parse(&org).ok()) else { return Ok(()) };
    let command = Command { id, kind: CommandKind::BookPayment, record: org.clone(), lane: org };
    tx.bury(&command, &trouble(code, sentence, remedy), row.attempts + 1, now_ms).await
}

fn after(now_ms: i64, wait: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

fn refusal(row: &Outgoing, code: &str, sentence: &str, remedy: &str) -> Option<Write> {
    if row.write.object == "Payment_Error__c" {
        return None;
    }
    let command = row.write.command.clone().unwrap_or_else(|| format!("write:{}", row.target));
    let error = Write::payment_error(&crate::store::outbox::cut(&command, 255), code, sentence, remedy);
    Some(match (&*row.write.object, &row.write.key) {
        ("Account", Key::Id(id)) => error.with("Account__c", id.as_str()),
        ("Invoice__c", Key::Id(id)) => error.with("Invoice__c", id.as_str()),
        ("Payment_Request__c", Key::Id(id)) => error.with("Payment_Request__c", id.as_str()),
        _ => error,
    })
}
