//! Looks up in the org what waits there, after events may have been lost.

use serde_json::Value;

use super::clock::wall_ms;
use super::house::House;
use crate::domain::{Command, CommandId, CommandKind, InvoiceMapping, SalesforceId};
use crate::{salesforce, store};

/// The fact that says that it is to be done; a crash in between does it again.
pub const WANTED: &str = "reconcile";

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The org.
    #[error(transparent)]
    Salesforce(#[from] salesforce::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Does it if it is to be done; answers how many commands came of it.
pub async fn if_wanted(house: &House) -> Result<Option<usize>, Error> {
    if house.store.reading().await?.meta(WANTED).await?.is_none() {
        return Ok(None);
    }
    let commands = waiting_in_org(house).await?;
    for part in commands.chunks(500) {
        let mut tx = house.store.begin().await?;
        tx.enqueue(part, house.now_ms()).await?;
        tx.commit().await?;
    }
    let mut tx = house.store.begin().await?;
    tx.unset_meta(WANTED).await?;
    tx.commit().await?;
    house.commands_came.notify_waiters();
    Ok(Some(commands.len()))
}

async fn waiting_in_org(house: &House) -> Result<Vec<Command>, Error> {
    let query = async |soql: &str| house.salesforce.query(soql).await;
    // What is beyond these the org's hourly batch publishes.
    let accounts =
        query("SELECT Id, Stripe_Fingerprint__c FROM Account WHERE Stripe_In_Sync__c = FALSE LIMIT 20000").await?;
    let lookup = &house.invoices.get().request_lookup;
    let requests = query(&format!(
        "SELECT Id, Request_Id__c, Kind__c, {lookup} FROM Payment_Request__c WHERE State__c = 'Waiting' LIMIT 20000"
    ))
    .await?;
    let requests = requests.into_iter().map(|row| InvoiceMapping::canonical_lookup(lookup, row)).collect::<Vec<_>>();
    let errors = query("SELECT Id FROM Payment_Error__c WHERE State__c = 'Retry Requested' LIMIT 5000").await?;
    let now = wall_ms();
    let commands = accounts
        .iter()
        .filter_map(account)
        .chain(requests.iter().filter_map(request))
        .chain(errors.iter().filter_map(|row| retry(row, now)))
        .collect();
    Ok(commands)
}

fn text<'a>(row: &'a Value, field: &str) -> Option<&'a str> {
    row.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn command(id: &str, kind: CommandKind, record: &str, lane: &str) -> Option<Command> {
    Some(Command {
        id: CommandId::parse(id).ok()?,
        kind,
        record: SalesforceId::parse(record).ok()?,
        lane: SalesforceId::parse(lane).ok()?,
    })
}

fn account(row: &Value) -> Option<Command> {
    let id = text(row, "Id")?;
    let fingerprint = text(row, "Stripe_Fingerprint__c").unwrap_or_default();
    command(&format!("{id}:{fingerprint}"), CommandKind::SyncAccount, id, id)
}

fn request(row: &Value) -> Option<Command> {
    let (id, request) = (text(row, "Id")?, text(row, "Request_Id__c")?);
    let (prefix, kind) = match text(row, "Kind__c")? {
        "Send Payment Link" => ("send", CommandKind::SendLink),
        "Copy Link" => ("copy", CommandKind::CopyLink),
        "Take Payment" => ("take", CommandKind::TakePayment),
        "Revoke Link" => ("revoke", CommandKind::RevokeLink),
        "Charge Stored Method" => ("charge", CommandKind::ChargeStored),
        "Sync Now" => ("sweep", CommandKind::SyncNow),
        _ => return None,
    };
    command(&format!("{prefix}:{request}"), kind, id, text(row, "Invoice__c").unwrap_or(id))
}

fn retry(row: &Value, now_ms: i64) -> Option<Command> {
    let id = text(row, "Id")?;
    command(&format!("retry:{id}:{now_ms}"), CommandKind::RetryError, id, id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_waits_gets_the_command_id_that_its_event_had() {
        let row = json!({"Id": "001D000000IqhSLIAZ", "Stripe_Fingerprint__c": "f1"});
        assert_eq!(account(&row).unwrap().id.as_str(), "001D000000IqhSLIAZ:f1");
        let row = json!({"Id": "a02D000000IqhSL", "Request_Id__c": "r-1", "Kind__c": "Send Payment Link",
            "Invoice__c": "a01D000000IqhSL"});
        let found = request(&row).unwrap();
        assert_eq!((found.id.as_str(), found.kind), ("send:r-1", CommandKind::SendLink));
        assert_eq!(found.lane, SalesforceId::parse("a01D000000IqhSL").unwrap());
    }
}
