//! A database is restored to a time before a bank account was taken down: what was agreed to is lost, and says so.

use serde_json::json;

use crate::house::House;
use crate::house::payer;
use crate::phone_banks::{GOOD, at_stripe, days, request_says, tell, the_debit, verifying};
use crate::phone_pages::{customer_at, mailed};

#[tokio::test]
async fn a_verification_that_a_restored_database_forgot_ends_and_one_that_was_debited_is_found() {
    let house = House::start_with(&["--clock"], None).await;
    let forgotten = payer::invoice(&house, "R-LOST", json!(40), "USD").await;
    let verified = payer::invoice(&house, "R-VERIFIED", json!(45), "USD").await;
    let debited = payer::invoice(&house, "R-DEBITED", json!(50), "USD").await;
    let kept = tempfile::tempdir().expect("a folder");
    house.kill_daemon().await;
    house.back_up(kept.path());
    house.start_daemon().await;
    house.is_ready().await;
    verifying(&house, &forgotten, GOOD, "checking", None).await;
    verifying(&house, &verified, GOOD, "checking", None).await;
    let page_lost = payer::invoice(&house, "R-PAGE", json!(35), "USD").await;
    mailed(&house, &page_lost, None).await;
    let (customer, _) = customer_at(&house, &page_lost).await;
    request_says(&house, &page_lost, "Verifying", "has not accepted it yet").await;
    let (clerk, page) = verifying(&house, &debited, GOOD, "checking", None).await;
    tell(&clerk, &page, &[("code", "SM11AA")]).await.says("The account is verified");
    let debit = the_debit(&house, &debited).await;
    request_says(&house, &debited, "Working", "is on its way").await;

    house.kill_daemon().await;
    house.restore(kept.path());
    // Told on Stripe's own page while nobody knows of it.
    let setup = at_stripe(&house, "setup_intents", &verified.invoice).await.remove(0);
    let hosted = setup["next_action"]["verify_with_microdeposits"]["hosted_verification_url"].as_str();
    let hosted = hosted.expect("Stripe's own page").to_owned();
    let shown = house.http.get(&hosted).send().await.expect("Stripe's page").text().await.expect("text");
    assert!(shown.contains("The six characters"), "{shown}");
    let told = house.http.post(&hosted).form(&[("code", "SM99ZZ")]).send().await.expect("Stripe's page");
    assert!(told.text().await.expect("text").contains("role=\"alert\""), "a wrong code is a try");
    let told = house.http.post(&hosted).form(&[("code", "sm11aa")]).send().await.expect("Stripe's page");
    assert!(told.text().await.expect("text").contains("is verified"));
    house.start_daemon().await;
    house.is_ready().await;

    for scene in [&forgotten, &verified] {
        request_says(&house, scene, "Failed", "nothing was charged. Take the account down again.").await;
        assert!(at_stripe(&house, "payment_intents", &scene.invoice).await.is_empty(), "{}", scene.name);
    }
    // Its request's own event may come again first: then it waits for its page to be opened, and ends with that.
    house
        .eventually("the request of a lost page to wait for nobody", 30, || async {
            let soql = format!(
                "SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '{}'",
                page_lost.invoice
            );
            let row = house.one(&soql).await?;
            Ok(if row["State__c"] == "Verifying" { Err(row.to_string()) } else { Ok(()) })
        })
        .await;
    assert_eq!(customer.page().await.status, 404);
    let setup = at_stripe(&house, "setup_intents", &forgotten.invoice).await.remove(0);
    assert_eq!(setup["status"], "canceled", "nobody can verify what nobody debits");
    // What was debited is adopted, and settles once.
    days(&house, 9).await;
    debited.stands(&house, "Paid", 50.0, 0.0).await;
    request_says(&house, &debited, "Done", "$50.00 USD was paid").await;
    let made = at_stripe(&house, "payment_intents", &debited.invoice).await;
    assert_eq!(made.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&debit["id"]]);
    for scene in [&forgotten, &verified] {
        scene.stands(&house, "Open", 0.0, if scene.name == forgotten.name { 40.0 } else { 45.0 }).await;
    }
    house
        .eventually("no account to be stored", 30, || async {
            let stored = house.query("SELECT Id FROM Stored_Payment_Method__c WHERE State__c != 'Removed'").await?;
            Ok(if stored.is_empty() { Ok(()) } else { Err(format!("{stored:?}")) })
        })
        .await;
    // What the bank says weeks later still reaches the clerk.
    let id = debit["id"].as_str().expect("an id");
    house.stripe_control(&format!("intents/{id}/return"), &json!({"code": "R10"})).await.expect("it comes back");
    debited.stands(&house, "Open", 0.0, 50.0).await;
    request_says(&house, &debited, "Failed", "was paid and went back").await;
}
