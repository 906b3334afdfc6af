//! What was given up: seen and mended from the command line and from the org, safely twice; and the two commands that look.

use serde_json::{Value, json};

use crate::house::House;

/// An account whose command is given up, because it names a Customer that Stripe does not know.
async fn given_up(house: &House, name: &str) -> (String, Value) {
    let typed = format!("cus_{name}");
    let account =
        house.insert("Account", &json!({"Name": name, "Stripe_Customer_Id__c": typed})).await.expect("insert");
    let soql = format!("SELECT Id, Command_Id__c, State__c FROM Payment_Error__c WHERE Account__c = '{account}'");
    let error = house
        .eventually("its Payment Error", 30, || async {
            let row = house.one(&soql).await?;
            Ok(if row["State__c"] == "Open" { Ok(row) } else { Err(row.to_string()) })
        })
        .await;
    (account, error)
}

async fn state(house: &House, error: &Value, wanted: &str) {
    let soql = format!("SELECT State__c FROM Payment_Error__c WHERE Id = '{}'", error["Id"].as_str().expect("an Id"));
    house
        .eventually(&format!("the error to be {wanted}"), 30, || async {
            let row = house.one(&soql).await?;
            Ok(if row["State__c"] == wanted { Ok(()) } else { Err(row.to_string()) })
        })
        .await;
}

#[tokio::test]
async fn the_operator_lists_shows_retries_and_discards_and_twice_does_no_more_than_once() {
    let house = House::start().await;
    let (account, error) = given_up(&house, "Mended").await;
    let (_, other) = given_up(&house, "Dropped").await;
    let (id, other_id) =
        (error["Command_Id__c"].as_str().expect("an id"), other["Command_Id__c"].as_str().expect("an id"));
    let list = house.quittance(&["dead-letter", "list"]);
    assert!(list.contains(id) && list.contains(other_id) && list.contains("Clear Stripe Customer Id"), "{list}");
    let shown = house.quittance(&["dead-letter", "show", id]);
    assert!(shown.contains("customer_unknown") && shown.contains("cus_Mended"), "{shown}");
    let status = house.quittance(&["status"]);
    assert!(status.contains("dead letters         2; see quittance dead-letter list"), "{status}");

    // Not mended yet: it is given up again, and the error is open again.
    house.quittance(&["dead-letter", "retry", id]);
    house
        .eventually("the letter to be back", 20, || async {
            let list = house.quittance(&["dead-letter", "list"]);
            Ok(if list.contains(id) { Ok(()) } else { Err(list) })
        })
        .await;
    state(&house, &error, "Open").await;

    for _ in 0..2 {
        let said = house.quittance(&["dead-letter", "retry", id]);
        assert!(said.contains("put back into the queue") || said.contains("nothing done"), "{said}");
    }
    // Mending it is a change of the account, and its own command makes the old error's one true.
    house.update("Account", &account, &json!({"Stripe_Customer_Id__c": null, "Phone": "1"})).await.expect("clearing");
    house.synced(&account).await;
    state(&house, &error, "Resolved").await;
    assert_eq!(house.customers_of(&account).await.len(), 1);

    let discarded = house.quittance(&["dead-letter", "discard", other_id]);
    assert!(discarded.contains("discarded"), "{discarded}");
    let again = house.quittance(&["dead-letter", "discard", other_id]);
    assert!(again.contains("is no dead letter; nothing done"), "{again}");
    state(&house, &other, "Discarded").await;
    assert!(house.quittance(&["dead-letter", "list"]).contains("no dead letters"));
    let unknown = house.quittance(&["dead-letter", "show", "nothing"]);
    assert!(unknown.contains("quittance dead-letter list shows"), "{unknown}");
}

#[tokio::test]
async fn retry_in_the_org_runs_the_command_again_and_pressing_it_twice_is_safe() {
    let house = House::start().await;
    let (account, error) = given_up(&house, "Again").await;
    let id = error["Id"].as_str().expect("an Id");
    let retry = json!({"State__c": "Retry Requested"});
    house.update("Payment_Error__c", id, &retry).await.expect("Retry");
    // Nothing was mended, so it opens again rather than staying "Resolved".
    house
        .eventually("the second failure", 30, || async {
            let shown = house.quittance(&["dead-letter", "list", "--json"]);
            let letters: Value = serde_json::from_str(&shown).unwrap_or_default();
            Ok(if letters[0]["command"]["run"].as_i64() > Some(1) { Ok(()) } else { Err(shown) })
        })
        .await;
    state(&house, &error, "Open").await;

    house.update("Account", &account, &json!({"Stripe_Customer_Id__c": null})).await.expect("clearing");
    house.update("Payment_Error__c", id, &retry).await.expect("Retry");
    house.update("Payment_Error__c", id, &json!({"State__c": "Open"})).await.expect("back");
    house.update("Payment_Error__c", id, &retry).await.expect("Retry again");
    house.synced(&account).await;
    house.idle().await;
    state(&house, &error, "Resolved").await;
    assert_eq!(house.customers_of(&account).await.len(), 1);
}

#[tokio::test]
async fn check_says_what_is_well_and_what_is_not_and_how_to_mend_it() {
    let house = House::start().await;
    let well = house.quittance(&["check"]);
    assert!(!well.contains("FAIL"), "{well}");
    for line in ["configuration", "database", "Salesforce login", "Stripe", "mail"] {
        assert!(well.contains(line), "{line} is missing in:\n{well}");
    }
    house.fault("stripe_down", 1.0).await;
    house.fault("salesforce_down", 1.0).await;
    let ill = house.quittance(&["check"]);
    assert!(ill.lines().filter(|line| line.starts_with("FAIL")).count() >= 2, "{ill}");

    let config = house.dir().join("broken.toml");
    let text = std::fs::read_to_string(&house.endpoints.daemon_config).expect("the configuration");
    std::fs::write(&config, text.replace("secret_key = \"sk_", "secret_key = \"pk_")).expect("a broken one");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_quittance"))
        .arg("check")
        .arg("--config")
        .arg(&config)
        .output()
        .expect("the quittance binary");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("stripe.secret_key"), "{said}");
}
