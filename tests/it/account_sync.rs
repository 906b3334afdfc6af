//! Accounts become Customers: through the package's own trigger, the bus, the daemon and back.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};

use crate::house::{House, Postgres};

async fn synced(world: &World, account: &str) -> Value {
    let soql = format!("SELECT Id, Name, Stripe_Customer_Id__c, Stripe_In_Sync__c FROM Account WHERE Id = '{account}'");
    until("the account to be in sync", 30, || async {
        let row = world.one(&soql).await?;
        Ok(if row["Stripe_In_Sync__c"] == true && row["Stripe_Customer_Id__c"].is_string() {
            Ok(row)
        } else {
            Err(row.to_string())
        })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

async fn customers_of(world: &World, account: &str) -> Vec<Value> {
    let state = world.stripe_state().await.expect("Stripe's state");
    let all = state["customers"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|customer| customer["metadata"]["sf_account_id"] == account).collect()
}

async fn a_new_account_gets_its_customer_id(house: House) {
    let account = house
        .insert(
            "Account",
            &json!({"Name": "Ørsted & Søn", "Billing_Email__c": "regnskab@orsted.example", "BillingCity": "Aarhus"}),
        )
        .await
        .expect("insert");
    let row = synced(&house, &account).await;
    let customers = customers_of(&house, &account).await;
    assert_eq!(customers.len(), 1, "one Customer for one account");
    assert_eq!(row["Stripe_Customer_Id__c"], customers[0]["id"]);
    assert_eq!(customers[0]["name"], "Ørsted & Søn");
    assert_eq!(customers[0]["email"], "regnskab@orsted.example");
    assert_eq!(customers[0]["address"]["city"], "Aarhus");
    assert_eq!(customers[0]["metadata"]["sf_org_id"], house.endpoints.salesforce.org_id);
}

#[tokio::test]
async fn an_account_inserted_over_rest_comes_back_with_its_customer_id() {
    a_new_account_gets_its_customer_id(House::start().await).await;
}

#[tokio::test]
async fn an_account_inserted_over_rest_comes_back_with_its_customer_id_on_postgresql() {
    a_new_account_gets_its_customer_id(House::start_with(&[], Some(Postgres::start())).await).await;
}

#[tokio::test]
async fn a_change_and_its_undoing_both_reach_stripe() {
    let house = House::start().await;
    let account = house.insert("Account", &json!({"Name": "A", "Phone": "1"})).await.expect("insert");
    synced(&house, &account).await;
    for phone in ["2", "1", "2"] {
        house.update("Account", &account, &json!({"Phone": phone})).await.expect("update");
        synced(&house, &account).await;
        let customers = customers_of(&house, &account).await;
        assert_eq!((customers.len(), customers[0]["phone"].as_str()), (1, Some(phone)));
    }
}

#[tokio::test]
async fn an_import_of_400_accounts_makes_400_customers_with_few_calls_and_two_events() {
    let house = House::start().await;
    let before = counters(&house).await;
    for half in 0..2 {
        let rows: Vec<Value> = (0..200).map(|row| json!({"Name": format!("Import {half}-{row}")})).collect();
        house.insert_many("Account", &rows).await.expect("import");
    }
    until("all accounts to be in sync", 90, || async {
        let waiting = house.query("SELECT Id FROM Account WHERE Stripe_In_Sync__c = false").await?;
        Ok(if waiting.is_empty() { Ok(()) } else { Err(format!("{} wait", waiting.len())) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let state = house.stripe_state().await.expect("Stripe's state");
    assert_eq!(state["customers"].as_array().map(Vec::len), Some(400));
    let after = counters(&house).await;
    let delivered = after["delivered_events"].as_i64().unwrap_or_default()
        - before["delivered_events"].as_i64().unwrap_or_default();
    assert_eq!(delivered, 2, "one delivered event for each chunk of 200, and none for our own write-back");
}

async fn counters(house: &House) -> Value {
    let url = format!("{}/_sandbox/org/counters", house.endpoints.salesforce.instance_url);
    house.http.get(url).send().await.expect("counters").json().await.expect("JSON")
}
