//! Accounts become Customers: through the package's own trigger, the bus, the daemon and back.

use serde_json::{Value, json};

use crate::house::{House, Postgres};

async fn a_new_account_gets_its_customer_id(house: House) {
    let account = house
        .insert(
            "Account",
            &json!({"Name": "Ørsted & Søn", "Billing_Email__c": "regnskab@orsted.example", "BillingCity": "Aarhus"}),
        )
        .await
        .expect("insert");
    let row = house.synced(&account).await;
    let customers = house.customers_of(&account).await;
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
    house.synced(&account).await;
    for phone in ["2", "1", "2"] {
        house.update("Account", &account, &json!({"Phone": phone})).await.expect("update");
        house.synced(&account).await;
        let customers = house.customers_of(&account).await;
        assert_eq!((customers.len(), customers[0]["phone"].as_str()), (1, Some(phone)));
    }
}

#[tokio::test]
async fn an_import_of_400_accounts_makes_400_customers_with_few_calls_and_two_events() {
    let house = House::start().await;
    let before = house.delivered_events().await;
    for half in 0..2 {
        let rows: Vec<Value> = (0..200).map(|row| json!({"Name": format!("Import {half}-{row}")})).collect();
        house.insert_many("Account", &rows).await.expect("import");
    }
    house.all_synced(90).await;
    let state = house.stripe_state().await.expect("Stripe's state");
    assert_eq!(state["customers"].as_array().map(Vec::len), Some(400));
    let after = house.delivered_events().await;
    assert_eq!(after - before, 2, "one delivered event for each chunk of 200, and none for our own write-back");
}
