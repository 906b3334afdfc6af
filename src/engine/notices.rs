//! Publishes notices to open components, and uploads files.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::house::House;
use super::retry;
use crate::salesforce::{Class, Error, NewFile, soql_text};
use crate::store;
use crate::store::files::OutgoingFile;
use crate::store::outbox::{QueuedNotice, Write};

/// The topic of notices.
pub const TOPIC: &str = "/event/Payment_Notice__e";
/// After so long a component has re-read its record by itself.
const NOTICE_LIFE_MS: i64 = 10 * 60 * 1_000;
const AT_ONCE: i64 = 100;
/// How often the allocation is looked at: each look is an API call.
const ALLOCATION_EVERY: Duration = Duration::from_secs(900);
const ALLOCATION_AGAIN: Duration = Duration::from_secs(120);
/// Of several sidecars one publishes and uploads: two that look at the same moment would both find nothing and both send.
const LEASE: &str = "notices and files";
const FILE_ATTEMPTS: i64 = 20;

/// Publishes until the house stops.
pub async fn run(house: House) {
    let mut allocation = Allocation::default();
    while !house.stop.is_cancelled() {
        let published = publish(&house, &mut allocation).await;
        if !published {
            tokio::select! {
                () = house.stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    }
}

/// How near the day's event deliveries are to their end.
#[derive(Default)]
pub(super) struct Allocation {
    read: Option<Instant>,
    short: bool,
}

impl Allocation {
    /// Above four fifths of the day's deliveries no notice goes: commands need the rest.
    pub(super) async fn is_short(&mut self, house: &House) -> bool {
        let every = if self.short { ALLOCATION_AGAIN } else { ALLOCATION_EVERY };
        if self.read.is_none_or(|read| read.elapsed() > every) {
            self.read = Some(Instant::now());
            // What can't be read counts as used up: a component re-reads its record without us, a command can't.
            self.short = house.salesforce.limits().await.ok().as_ref().is_none_or(uses_four_fifths);
        }
        self.short
    }
}

fn uses_four_fifths(limits: &Value) -> bool {
    let figure = |name| limits.pointer(&format!("/DailyDeliveredPlatformEvents/{name}"))?.as_i64();
    match (figure("Max"), figure("Remaining")) {
        (Some(most), Some(left)) => left.saturating_mul(5) < most,
        _ => true,
    }
}

async fn publish(house: &House, allocation: &mut Allocation) -> bool {
    let notices = match waiting(house).await {
        Ok(notices) if notices.is_empty() => return false,
        Ok(notices) => notices,
        Err(error) => {
            tracing::error!(%error, "notices could not be read");
            return false;
        }
    };
    if !is_mine(house).await {
        return false;
    }
    if !allocation.is_short(house).await {
        let events: Vec<_> = notices.iter().map(|one| (one.id.clone(), texts(one))).collect();
        let now_ms = super::clock::wall_ms();
        if let Err(error) = house.salesforce.publish(TOPIC, now_ms, &events).await {
            tracing::warn!(%error, "notices could not be published");
            if error.class() != Class::Permission {
                if let Err(error) = forget(house, &[]).await {
                    tracing::error!(%error, "old notices could not be forgotten");
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
                return false;
            }
        }
    }
    // One that was refused by itself is gone too: the component re-reads its record sooner or later.
    if let Err(error) = forget(house, &notices).await {
        tracing::error!(%error, "published notices could not be forgotten");
    }
    true
}

fn texts(notice: &QueuedNotice) -> Vec<(&str, &str)> {
    let fields =
        [("Record_Id__c", &notice.record_id), ("Request_Id__c", &notice.request_id), ("State__c", &notice.state)];
    fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.as_str())).collect()
}

pub(super) async fn is_mine(house: &House) -> bool {
    match house.store.take_lease(LEASE, &house.me()).await {
        Ok(lease) => lease.is_some(),
        Err(error) => {
            tracing::error!(%error, "the lease of notices and files could not be taken");
            false
        }
    }
}

async fn waiting(house: &House) -> store::Result<Vec<QueuedNotice>> {
    house.store.reading().await?.notices(AT_ONCE).await
}

async fn forget(house: &House, notices: &[QueuedNotice]) -> store::Result<()> {
    let mut tx = house.store.begin().await?;
    for notice in notices {
        tx.forget_notice(&notice.id).await?;
    }
    tx.forget_notices_before(house.now_ms() - NOTICE_LIFE_MS).await?;
    tx.commit().await
}

/// Uploads files until the house stops.
pub async fn run_files(house: House) {
    while !house.stop.is_cancelled() {
        let due = async { house.store.reading().await?.files_due(5, house.now_ms()).await };
        match due.await {
            Ok(files) if files.is_empty() => {}
            Ok(files) => {
                for file in &files {
                    if !is_mine(&house).await {
                        break;
                    }
                    if let Err(error) = upload(&house, file).await {
                        tracing::error!(%error, file = %file.id, "an upload could not be recorded");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "files could not be read"),
        }
        tokio::select! {
            () = house.stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
}

pub(super) async fn upload(house: &House, file: &OutgoingFile) -> store::Result<()> {
    let answer = try_upload(house, file).await;
    let now_ms = house.now_ms();
    let mut tx = house.store.begin().await?;
    match answer {
        Ok(Some(document)) => tx.file_uploaded(&file.id, &document, now_ms).await?,
        // The record is not there yet: its own write waits in the outbox.
        Ok(None) if file.attempts < FILE_ATTEMPTS => {
            let wait = retry::delay(file.attempts + 1, Duration::from_secs(1), Duration::from_secs(900));
            tx.file_again(&file.id, now_ms + i64::try_from(wait.as_millis()).unwrap_or(0)).await?;
        }
        Err(error) if error.class() != Class::Refused && file.attempts < FILE_ATTEMPTS => {
            tracing::warn!(%error, file = %file.id, "a file could not be uploaded");
            let wait = retry::delay(file.attempts + 1, Duration::from_secs(2), Duration::from_secs(3_600));
            tx.file_again(&file.id, now_ms + i64::try_from(wait.as_millis()).unwrap_or(0)).await?;
        }
        refused => {
            let (code, sentence, remedy) = match &refused {
                Err(error) => (error.code(), error.to_string(), error.remedy()),
                Ok(_) => (
                    "no_record".into(),
                    "the record that it belongs to is not in Salesforce".into(),
                    "Look for the error about that record, mend it, then press Retry here.",
                ),
            };
            let sentence = format!("The file {} could not be kept in Salesforce: {sentence}", file.file_name);
            tx.write_out(&Write::payment_error(&format!("file:{}", file.id), &code, &sentence, remedy), now_ms).await?;
            tx.file_refused(&file.id, &code, now_ms).await?;
        }
    }
    tx.commit().await
}

async fn try_upload(house: &House, file: &OutgoingFile) -> Result<Option<String>, Error> {
    let soql = format!(
        "SELECT Id FROM {} WHERE {} = {} LIMIT 1",
        file.parent_object,
        file.parent_key_field,
        soql_text(&file.parent_key)
    );
    let parents = house.salesforce.query(&soql).await?;
    let Some(parent) = parents.first().and_then(|row| row.get("Id")).and_then(|id| id.as_str()) else {
        return Ok(None);
    };
    // Always: a kill after the upload and before its record leaves no other trace.
    if let Some(earlier) = house.salesforce.find_file(parent, &file.file_name).await? {
        return Ok(Some(earlier));
    }
    let new = NewFile { record_id: parent, title: &file.title, file_name: &file.file_name, content: &file.content };
    house.salesforce.upload_file(new).await.map(Some)
}
