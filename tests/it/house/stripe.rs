//! Stripe's side as these tests look at it.

use serde_json::Value;

use super::House;

impl House {
    /// The Customers that were made for this account and still stand.
    pub async fn customers_of(&self, account: &str) -> Vec<Value> {
        let all = self.customers().await;
        all.into_iter().filter(|customer| customer["metadata"]["sf_account_id"] == account).collect()
    }

    /// All Customers that were not deleted.
    pub async fn customers(&self) -> Vec<Value> {
        let state = self.stripe_state().await.expect("Stripe's state");
        let all = state["customers"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|customer| customer["deleted"] != true).collect()
    }

    /// Makes a Customer as somebody with the secret key would, in the dashboard or for another org.
    pub async fn make_customer(&self, fields: &[(&str, &str)]) -> String {
        let request = self
            .http
            .post(format!("{}/v1/customers", self.endpoints.stripe.api_url))
            .bearer_auth(&self.endpoints.stripe.secret_key)
            .header("Stripe-Version", "2026-10-28.endive")
            .form(fields);
        let made: Value = request.send().await.expect("Stripe").json().await.expect("JSON");
        made["id"].as_str().unwrap_or_else(|| panic!("no Customer: {made}")).to_owned()
    }

    /// Puts a card on file for an account's Customer, by its test token. Answers the method's id.
    pub async fn card_on_file(&self, account: &str, token: &str) -> String {
        let soql = format!("SELECT Stripe_Customer_Id__c FROM Account WHERE Id = '{account}'");
        let customer = self
            .eventually("the account's Customer", 30, || async {
                let row = self.one(&soql).await?;
                Ok(row["Stripe_Customer_Id__c"].as_str().map(str::to_owned).ok_or_else(|| row.to_string()))
            })
            .await;
        let request = self
            .http
            .post(format!("{}/v1/payment_methods/{token}/attach", self.endpoints.stripe.api_url))
            .bearer_auth(&self.endpoints.stripe.secret_key)
            .header("Stripe-Version", "2026-10-28.endive")
            .form(&[("customer", customer)]);
        let made: Value = request.send().await.expect("Stripe").json().await.expect("JSON");
        made["id"].as_str().unwrap_or_else(|| panic!("no card: {made}")).to_owned()
    }
}
