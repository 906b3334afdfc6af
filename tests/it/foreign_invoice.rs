//! An org whose invoice is an object of its own, without Invoice__c: the same link, page, money and receipt.

use serde_json::{Value, json};

use crate::house::House;
use crate::house::payer::{self, Payer, Scene};

const ARGUMENTS: [&str; 4] = ["--package", "force-app/main", "--package", "tests/foreign-invoice"];

#[tokio::test]
async fn a_bill_is_sent_paid_in_two_parts_and_closed() {
    let house = House::start_with(&ARGUMENTS, None).await;
    let email = "ada@customers.example";
    let account = house.insert("Account", &json!({"Name": "Harbour Coffee Ltd"})).await.expect("the account");
    let contact = json!({"AccountId": account, "LastName": "Byron", "Email": email});
    let contact = house.insert("Contact", &contact).await.expect("the contact");
    let bill = json!({"Number__c": "R-7", "Payer__c": contact, "Net__c": 40, "Tax__c": 3.08, "Stage__c": "Sent",
        "Pay_By__c": "2027-06-30", "Order_Number__c": "PO 4711"});
    let bill = house.insert("Bill__c", &bill).await.expect("the bill");
    let missing = house.query("SELECT Id FROM Invoice__c").await;
    assert!(missing.is_err(), "this org has no Invoice__c: {missing:?}");

    let mut scene =
        Scene { account, invoice: bill.clone(), name: "R-7".into(), email: email.into(), link: String::new() };
    scene.link = scene.send(&house, email).await;
    let payer = Payer::enter(&house, &scene.link).await;
    payer.page().await.says("Pay invoice R-7").says("43.08").says("CHF");
    let first = payer.pay(Some("20")).await;
    stands(&house, &bill, "Partly Settled", 20.0).await;
    payer.page().await.says("23.08");
    let second = payer.pay(None).await;
    stands(&house, &bill, "Closed", 43.08).await;
    payer.page().await.says("This invoice is paid");
    for intent in [first, second] {
        let soql = format!(
            "SELECT State__c, Currency_Code__c, Receipt_Number__c FROM Payment__c WHERE Stripe_Payment_Id__c = '{intent}'"
        );
        let number = house
            .eventually("the receipt's number", 30, || async {
                let row = house.one(&soql).await?;
                let done = row["State__c"] == "Settled" && row["Currency_Code__c"] == "CHF";
                Ok(row["Receipt_Number__c"].as_str().filter(|_| done).map(str::to_owned).ok_or(row.to_string()))
            })
            .await;
        payer::receipt_mail(&house, &number).await;
    }
    let payments = house.query("SELECT Bill__c FROM Payment__c").await.expect("the payments");
    assert!(payments.iter().all(|row| row["Bill__c"] == json!(bill)), "{payments:?}");
    let links = house.query("SELECT Bill__c, State__c FROM Payment_Link__c").await.expect("the links");
    assert!(links.iter().all(|row| row["Bill__c"] == json!(bill)), "{links:?}");
    let said = house.quittance(&["check"]);
    assert!(said.contains("Bill__c with all its fields"), "{said}");
    assert_eq!(house.payment_errors().await, 0);
}

/// Waits until the bill stands so.
async fn stands(house: &House, bill: &str, stage: &str, received: f64) {
    let soql = format!("SELECT Stage__c, Received__c FROM Bill__c WHERE Id = '{bill}'");
    house
        .eventually(&format!("the bill to be {stage}"), 30, || async {
            let row: Value = house.one(&soql).await?;
            let done = row["Stage__c"] == stage && row["Received__c"].as_f64() == Some(received);
            Ok(if done { Ok(()) } else { Err(row.to_string()) })
        })
        .await;
}
