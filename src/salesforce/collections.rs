//! Writing many records in one call: Composite around sObject Collections.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::API_VERSION;
use super::{Client, Error};

/// A collection takes 200 records, and a Composite five collections.
const COLLECTION: usize = 200;
const COLLECTIONS_A_CALL: usize = 5;

/// How a record is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// Updated by its Id.
    ById(String),
    /// Made, or found by an external id.
    ByExternalId {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
}

/// One record to write.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// API name of its object.
    pub object: &'a str,
    /// Which one.
    pub key: Upsert,
    /// Its fields.
    pub fields: &'a Map<String, Value>,
}

/// Why Salesforce did not write one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// statusCode.
    pub code: String,
    /// In Salesforce's words.
    pub message: String,
    /// Which fields.
    pub fields: Vec<String>,
}

/// What became of one record.
pub type Outcome = Result<String, RowError>;

#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<SavedError>,
}

#[derive(Deserialize)]
struct SavedError {
    #[serde(rename = "statusCode", alias = "errorCode", default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

impl From<SavedError> for RowError {
    fn from(error: SavedError) -> Self {
        Self { code: error.code, message: error.message, fields: error.fields }
    }
}

#[derive(Deserialize)]
struct Composite {
    #[serde(rename = "compositeResponse")]
    responses: Vec<Subresponse>,
}

#[derive(Deserialize)]
struct Subresponse {
    body: Value,
    #[serde(rename = "httpStatusCode")]
    status: u16,
}

impl Client {
    /// Writes records, 1,000 a call at most, each to its own outcome, in the order given. An `Err` means that nothing is
    /// known of the records of that call and of those after it; what was written then is written again.
    pub async fn write(&self, records: &[Record<'_>]) -> Result<Vec<Outcome>, Error> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; records.len()];
        for call in calls(records) {
            self.write_call(records, &call, &mut outcomes).await?;
        }
        let missing =
            || Err(RowError { code: String::new(), message: "no answer for this record".into(), fields: vec![] });
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
    }

    async fn write_call(
        &self,
        records: &[Record<'_>],
        call: &[Vec<usize>],
        outcomes: &mut [Option<Outcome>],
    ) -> Result<(), Error> {
        let requests: Vec<Value> =
            call.iter().enumerate().map(|(number, indices)| subrequest(records, number, indices)).collect();
        // Not collated: the order is ours, parents before children.
        let body = json!({ "allOrNone": false, "collateSubrequests": false, "compositeRequest": requests });
        let answer = self.rest("composite", Method::POST, "/composite", Some(&body)).await?;
        let unreadable = |why: String| Error::Unreadable { call: "composite", why };
        let answer: Composite = serde_json::from_value(answer).map_err(|error| unreadable(error.to_string()))?;
        if answer.responses.len() != call.len() {
            return Err(unreadable(format!("{} answers for {} requests", answer.responses.len(), call.len())));
        }
        for (indices, response) in call.iter().zip(answer.responses) {
            let saved: Option<Vec<Saved>> = (200..300)
                .contains(&response.status)
                .then(|| serde_json::from_value(response.body.clone()).ok())
                .flatten()
                .filter(|saved: &Vec<Saved>| saved.len() == indices.len());
            match saved {
                Some(saved) => {
                    for (index, saved) in indices.iter().zip(saved) {
                        outcomes[*index] = Some(outcome(saved, &records[*index].key));
                    }
                }
                None => {
                    let error = whole_refused(&response);
                    for index in indices {
                        outcomes[*index] = Some(Err(error.clone()));
                    }
                }
            }
        }
        Ok(())
    }
}

fn outcome(saved: Saved, key: &Upsert) -> Outcome {
    if saved.success {
        let id = saved.id.unwrap_or_else(|| match key {
            Upsert::ById(id) => id.clone(),
            Upsert::ByExternalId { .. } => String::new(),
        });
        return Ok(id);
    }
    let unknown = RowError { code: "UNKNOWN_EXCEPTION".into(), message: "no reason given".into(), fields: vec![] };
    Err(saved.errors.into_iter().next().map_or(unknown, RowError::from))
}

fn whole_refused(response: &Subresponse) -> RowError {
    let errors: Vec<SavedError> = serde_json::from_value(response.body.clone()).unwrap_or_default();
    let unknown =
        RowError { code: format!("HTTP_{}", response.status), message: "no reason given".into(), fields: vec![] };
    errors.into_iter().next().map_or(unknown, RowError::from)
}

/// The same object, and found in the same way: what can share a collection.
fn route<'a>(record: &'a Record<'_>) -> (&'a str, Option<&'a str>) {
    match &record.key {
        Upsert::ById(_) => (record.object, None),
        Upsert::ByExternalId { field, .. } => (record.object, Some(field)),
    }
}

/// Splits into calls of up to five collections of up to 200 records of one route, keeping the order of first appearance.
fn calls(records: &[Record<'_>]) -> Vec<Vec<Vec<usize>>> {
    let mut collections: Vec<Vec<usize>> = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let open =
            collections.iter_mut().find(|one| one.len() < COLLECTION && route(&records[one[0]]) == route(record));
        match open {
            Some(collection) => collection.push(index),
            None => collections.push(vec![index]),
        }
    }
    collections.chunks(COLLECTIONS_A_CALL).map(<[Vec<usize>]>::to_vec).collect()
}

fn subrequest(records: &[Record<'_>], number: usize, indices: &[usize]) -> Value {
    let rows: Vec<Value> = indices
        .iter()
        .map(|index| {
            let record = &records[*index];
            let mut row = Map::new();
            row.insert("attributes".into(), json!({ "type": record.object }));
            match &record.key {
                Upsert::ById(id) => row.insert("id".into(), id.as_str().into()),
                Upsert::ByExternalId { field, value } => row.insert(field.clone(), value.as_str().into()),
            };
            for (field, value) in record.fields {
                row.insert(field.clone(), value.clone());
            }
            Value::Object(row)
        })
        .collect();
    let path = match route(&records[indices[0]]) {
        (_, None) => format!("/services/data/v{API_VERSION}/composite/sobjects"),
        (object, Some(field)) => format!("/services/data/v{API_VERSION}/composite/sobjects/{object}/{field}"),
    };
    json!({
        "method": "PATCH",
        "url": path,
        "referenceId": format!("part{number}"),
        "body": { "allOrNone": false, "records": rows },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_updates_are_one_call_of_five_collections() {
        let fields = Map::new();
        let record = |object, n: usize| Record { object, key: Upsert::ById(n.to_string()), fields: &fields };
        let mut records: Vec<_> = (0..1_000).map(|n| record("Account", n)).collect();
        let split = calls(&records);
        assert_eq!(split.iter().map(|call| call.iter().map(Vec::len).collect()).collect::<Vec<Vec<_>>>(), [[200; 5]]);
        records.push(record("Invoice__c", 1));
        assert_eq!(calls(&records).len(), 2);
    }

    #[test]
    fn what_is_found_in_different_ways_shares_no_collection() {
        let fields = Map::new();
        let key = Upsert::ByExternalId { field: "Stripe_Payment_Id__c".into(), value: "pi_1".into() };
        let records = [
            Record { object: "Payment__c", key, fields: &fields },
            Record { object: "Payment__c", key: Upsert::ById("a".into()), fields: &fields },
        ];
        assert_eq!(calls(&records), [[vec![0], vec![1]]]);
        let request = subrequest(&records, 0, &[0]);
        assert_eq!(request["url"], "/services/data/v66.0/composite/sobjects/Payment__c/Stripe_Payment_Id__c");
        assert_eq!(request["body"]["records"][0]["Stripe_Payment_Id__c"], "pi_1");
    }
}
