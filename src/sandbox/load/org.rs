//! The org as an administrator or a clerk uses it: over REST, with their own session.

use serde_json::{Value, json};

use super::{Error, World};

impl World {
    fn rest(&self, path: &str) -> String {
        let salesforce = &self.endpoints.salesforce;
        format!("{}/services/data/v{}{path}", salesforce.instance_url, salesforce.api_version)
    }

    /// Inserts one record as the administrator; returns its Id.
    pub async fn insert(&self, object: &str, fields: &Value) -> Result<String, Error> {
        let what = format!("inserting a {object}");
        let request = self
            .http
            .post(self.rest(&format!("/sobjects/{object}")))
            .bearer_auth(&self.endpoints.salesforce.admin_token)
            .json(fields);
        let answer = self.json(&what, request).await?;
        answer["id"].as_str().map(str::to_owned).ok_or(Error::Unreadable { what, why: answer.to_string() })
    }

    /// Inserts up to 200 records in one call; every one must succeed.
    pub async fn insert_many(&self, object: &str, rows: &[Value]) -> Result<Vec<String>, Error> {
        let what = format!("inserting {} {object} records", rows.len());
        let records: Vec<Value> = rows
            .iter()
            .map(|row| {
                let mut row = row.clone();
                row["attributes"] = json!({"type": object});
                row
            })
            .collect();
        let body = json!({"allOrNone": true, "records": records});
        let request = self
            .http
            .post(self.rest("/composite/sobjects"))
            .bearer_auth(&self.endpoints.salesforce.admin_token)
            .json(&body);
        let answer = self.json(&what, request).await?;
        let ids: Option<Vec<String>> =
            answer.as_array().map(|rows| rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect());
        match ids {
            Some(ids) if ids.len() == rows.len() => Ok(ids),
            _ => Err(Error::Unreadable { what, why: answer.to_string().chars().take(500).collect() }),
        }
    }

    pub async fn update(&self, object: &str, id: &str, fields: &Value) -> Result<(), Error> {
        let request = self
            .http
            .patch(self.rest(&format!("/sobjects/{object}/{id}")))
            .bearer_auth(&self.endpoints.salesforce.admin_token)
            .json(fields);
        self.send(&format!("updating {object} {id}"), request).await.map(|_| ())
    }

    pub async fn delete(&self, object: &str, id: &str) -> Result<(), Error> {
        let request = self
            .http
            .delete(self.rest(&format!("/sobjects/{object}/{id}")))
            .bearer_auth(&self.endpoints.salesforce.admin_token);
        self.send(&format!("deleting {object} {id}"), request).await.map(|_| ())
    }

    /// All rows of a query, page by page.
    pub async fn query(&self, soql: &str) -> Result<Vec<Value>, Error> {
        let what = format!("the query {soql:?}");
        let token = &self.endpoints.salesforce.admin_token;
        let mut answer =
            self.json(&what, self.http.get(self.rest("/query")).query(&[("q", soql)]).bearer_auth(token)).await?;
        let mut rows = Vec::new();
        loop {
            let page = answer["records"]
                .as_array_mut()
                .ok_or_else(|| Error::Unreadable { what: what.clone(), why: "no records".to_owned() })?;
            rows.append(page);
            let Some(next) = answer["nextRecordsUrl"].as_str() else { return Ok(rows) };
            let url = format!("{}{next}", self.endpoints.salesforce.instance_url);
            answer = self.json(&what, self.http.get(url).bearer_auth(token)).await?;
        }
    }

    pub async fn one(&self, soql: &str) -> Result<Value, Error> {
        let mut rows = self.query(soql).await?;
        if rows.len() == 1 {
            return Ok(rows.remove(0));
        }
        Err(Error::Unreadable {
            what: format!("the query {soql:?}"),
            why: format!("{} rows where one was expected", rows.len()),
        })
    }

    /// Presses a button: calls the component's own Apex controller as the clerk.
    pub async fn press(&self, class: &str, method: &str, parameters: &Value) -> Result<Value, Error> {
        let url = format!("{}/_sandbox/apex/{class}/{method}", self.endpoints.salesforce.instance_url);
        let request = self.http.post(url).bearer_auth(&self.endpoints.salesforce.clerk_token).json(parameters);
        self.json(&format!("{class}.{method}"), request).await
    }
}
