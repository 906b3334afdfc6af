//! Bad days: the daemon is killed, Salesforce or Stripe is away.

use serde_json::{Value, json};

use crate::house::{House, Postgres};

async fn import(house: &House, name: &str, rows: usize) {
    let rows: Vec<Value> = (0..rows).map(|row| json!({"Name": format!("{name} {row}")})).collect();
    house.insert_many("Account", &rows).await.expect("import");
}

/// On PostgreSQL the dead daemon's claims are free after 30 s without a sign of life; on SQLite at once.
async fn killed_in_an_import(house: House, kills_at: &[usize]) {
    import(&house, "Killed", 120).await;
    for &customers in kills_at {
        house
            .eventually("the import to be under way", 30, || async {
                let made = house.customers().await.len();
                Ok(if made >= customers { Ok(()) } else { Err(format!("{made} Customers")) })
            })
            .await;
        house.kill_daemon().await;
        house.start_daemon().await;
    }
    house.all_synced(90).await;
    house.idle().await;
    assert_eq!(house.customers().await.len(), 120, "no Customer twice");
    assert_eq!(house.payment_errors().await, 0);
}

#[tokio::test]
async fn a_daemon_killed_in_the_middle_of_an_import_finishes_it_with_no_customer_twice() {
    killed_in_an_import(House::start().await, &[10, 40, 80]).await;
}

#[tokio::test]
async fn a_daemon_killed_in_the_middle_of_an_import_finishes_it_with_no_customer_twice_on_postgresql() {
    killed_in_an_import(House::start_with(&[], Some(Postgres::start())).await, &[30]).await;
}

#[tokio::test]
async fn with_stripe_away_accounts_wait_and_are_done_when_it_is_back() {
    let house = House::start().await;
    house.fault("stripe_down", 1.0).await;
    let account = house.insert("Account", &json!({"Name": "Patient"})).await.expect("insert");
    house
        .eventually("a try", 20, || async {
            let status = house.quittance(&["status", "--json"]);
            Ok(if house.daemon_log().contains("waits for its next try") { Ok(()) } else { Err(status) })
        })
        .await;
    assert_eq!(house.payment_errors().await, 0, "it passes by itself, so nobody is called");
    house.fault("stripe_down", 0.0).await;
    house.synced(&account).await;
    assert_eq!(house.customers_of(&account).await.len(), 1);
}

#[tokio::test]
async fn with_salesforce_away_nothing_is_lost_and_the_daemon_starts_all_the_same() {
    let house = House::start().await;
    let row = house.synced_account(&json!({"Name": "Before"})).await;
    house.fault("salesforce_down", 1.0).await;
    let waiting = house.insert("Account", &json!({"Name": "While it is away"})).await.expect("insert");
    house.update("Account", row["Id"].as_str().expect("an Id"), &json!({"Phone": "7"})).await.expect("update");
    house
        .eventually("the stream to end", 20, || async {
            Ok(if house.daemon_log().contains("the event stream ended") { Ok(()) } else { Err("it runs".to_owned()) })
        })
        .await;
    house.fault("salesforce_down", 0.0).await;
    house.synced(&waiting).await;
    house.synced(row["Id"].as_str().expect("an Id")).await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (2, 0));
}

#[tokio::test]
async fn locked_rows_and_lost_replies_end_in_the_right_figures() {
    let house = House::start().await;
    for (fault, rate) in
        [("locked_row", 0.2), ("lost_reply", 0.05), ("server_error", 0.05), ("too_many_requests", 0.05)]
    {
        house.fault(fault, rate).await;
    }
    import(&house, "Rough", 40).await;
    house
        .eventually("most of them to have come through", 120, || async {
            let soql = "SELECT Id FROM Account WHERE Stripe_In_Sync__c = false";
            let waiting = house.query(soql).await?.len();
            Ok(if waiting <= 10 { Ok(()) } else { Err(format!("{waiting} wait")) })
        })
        .await;
    for fault in ["locked_row", "lost_reply", "server_error", "too_many_requests"] {
        house.fault(fault, 0.0).await;
    }
    // Whoever failed several times waits longer and longer.
    house.all_synced(120).await;
    house.idle().await;
    assert_eq!((house.customers().await.len(), house.payment_errors().await), (40, 0));
}
