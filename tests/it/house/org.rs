//! The org as these tests look at it.

use serde_json::{Value, json};

use super::House;

/// The fields that tell how an account stands with Stripe.
const ACCOUNT: &str = "SELECT Id, Name, Stripe_Customer_Id__c, Stripe_In_Sync__c FROM Account";
const ERROR: &str =
    "SELECT Id, Command_Id__c, Code__c, Sentence__c, Remedy__c, State__c, Account__c FROM Payment_Error__c";

impl House {
    /// Inserts an account and waits for its Customer.
    pub async fn synced_account(&self, fields: &Value) -> Value {
        let id = self.insert("Account", fields).await.expect("insert");
        self.synced(&id).await
    }

    /// Waits until the account is in sync.
    pub async fn synced(&self, account: &str) -> Value {
        let soql = format!("{ACCOUNT} WHERE Id = '{account}'");
        self.eventually("the account to be in sync", 30, || async {
            let row = self.one(&soql).await?;
            let done = row["Stripe_In_Sync__c"] == true && row["Stripe_Customer_Id__c"].is_string();
            Ok(if done { Ok(row) } else { Err(row.to_string()) })
        })
        .await
    }

    /// Waits until every account is in sync.
    pub async fn all_synced(&self, seconds: u64) {
        self.eventually("all accounts to be in sync", seconds, || async {
            let waiting = self.query("SELECT Id FROM Account WHERE Stripe_In_Sync__c = false").await?;
            Ok(if waiting.is_empty() { Ok(()) } else { Err(format!("{} wait", waiting.len())) })
        })
        .await;
    }

    /// Waits for a Payment Error in this state whose code is `code`.
    pub async fn payment_error(&self, code: &str, state: &str) -> Value {
        let soql = format!("{ERROR} WHERE Code__c = '{code}'");
        self.eventually(&format!("a Payment Error {code} that is {state}"), 30, || async {
            let rows = self.query(&soql).await?;
            let hit = rows.iter().find(|row| row["State__c"] == state).cloned();
            Ok(hit.ok_or_else(|| Value::from(rows).to_string()))
        })
        .await
    }

    /// How many Payment Errors there are.
    pub async fn payment_errors(&self) -> usize {
        self.query(ERROR).await.expect("the errors").len()
    }

    /// Events delivered to Pub/Sub subscribers since the sandbox started.
    pub async fn delivered_events(&self) -> i64 {
        let url = format!("{}/_sandbox/org/counters", self.endpoints.salesforce.instance_url);
        let counters: Value = self.http.get(url).send().await.expect("counters").json().await.expect("JSON");
        counters["events"]["delivered_pubsub"].as_i64().expect("a number of events")
    }

    /// Calls an exposed Apex method as the administrator.
    pub async fn apex(&self, class: &str, method: &str, parameters: &Value) -> Value {
        let url = format!("{}/_sandbox/apex/{class}/{method}", self.endpoints.salesforce.instance_url);
        let request = self.http.post(url).bearer_auth(&self.endpoints.salesforce.admin_token).json(parameters);
        let answer = request.send().await.expect("the org");
        let status = answer.status();
        let body = answer.text().await.expect("an answer");
        assert!(status.is_success(), "{class}.{method}: {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// Publishes commands over REST, as anyone with the right to publish could.
    pub async fn forge(&self, commands: &str) {
        self.insert("Payment_Command__e", &json!({"Commands__c": commands})).await.expect("publishing");
    }

    /// Waits until the daemon has nothing left to do, and answers its own figures.
    pub async fn idle(&self) -> Value {
        self.eventually("the daemon to have nothing left to do", 30, || async {
            let said = self.quittance(&["status", "--json"]);
            let status: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
            let none = ["waiting", "working", "outbox"].iter().all(|field| status[field] == 0);
            Ok(if none { Ok(status) } else { Err(said) })
        })
        .await
    }
}
