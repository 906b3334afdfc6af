//! Take Payment by a new bank account: taken down on the phone, verified over days, debited once.

use std::time::Duration;

use quittance::sandbox::load::World;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::payer::{self, Page, Payer, Scene, payment};
use crate::house::{House, Postgres};

pub const GOOD: &str = "000123456789";

/// What the clerk's browser asks of Stripe, with the publishable key. Answers the method's id.
pub async fn typed_in(world: &World, number: &str, holder_type: &str, account_type: &str) -> String {
    let form = [
        ("type", "us_bank_account"),
        ("us_bank_account[routing_number]", "110000000"),
        ("us_bank_account[account_number]", number),
        ("us_bank_account[account_holder_type]", holder_type),
        ("us_bank_account[account_type]", account_type),
        ("billing_details[name]", "Larkspur Holdings"),
        ("billing_details[email]", "books@larkspur.example"),
    ];
    let stripe = &world.endpoints.stripe;
    let request = world.http.post(format!("{}/v1/payment_methods", stripe.api_url)).form(&form);
    let made: Value =
        request.bearer_auth(&stripe.publishable_key).send().await.expect("Stripe").json().await.expect("JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("no method: {made}")).to_owned()
}

/// The clerk presses Take Payment on the invoice and Continue on the page.
pub async fn clerk_at(house: &House, scene: &Scene) -> Payer {
    let opened =
        house.press("TakePaymentController", "open", &json!({"invoiceId": scene.invoice})).await.expect("open");
    let text = opened.to_string();
    let begin = text.find("http").unwrap_or_else(|| panic!("no address in {text}"));
    Payer::enter(house, text[begin..].split('"').next().unwrap_or_default()).await
}

/// From the numbers to what is read out. Answers its address and the page.
pub async fn to_read_out(clerk: &Payer, method: &str, amount: Option<&str>) -> (String, Page) {
    let place = clerk.place();
    let form_page = clerk.at(&format!("{place}/account")).await;
    let csrf = form_page.input("csrf");
    let form = [
        ("csrf", csrf.as_str()),
        ("method", method),
        ("choice", if amount.is_some() { "part" } else { "full" }),
        ("amount", amount.unwrap_or_default()),
    ];
    (format!("{place}/account/{method}"), clerk.post_page(&format!("{place}/account"), &form).await)
}

fn agreed(review: &Page, press: Uuid) -> Vec<(String, String)> {
    let mut form = vec![("press".to_owned(), press.to_string())];
    for name in ["csrf", "minor", "text_hash"] {
        form.push((name.to_owned(), review.input(name)));
    }
    if review.text.contains("name=\"part\"") {
        form.push(("part".to_owned(), review.input("part")));
    }
    form
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The customer agreed. Answers the page of the verification.
async fn agree(clerk: &Payer, address: &str, review: &Page) -> Page {
    clerk.post_page(address, &pairs(&agreed(review, Uuid::new_v4()))).await
}

/// The address of the verification that a page shows.
pub fn address_of(page: &Page) -> String {
    let begin = page.text.find("/desk/").into_iter().chain(page.text.match_indices("/desk/").map(|(at, _)| at));
    let mut begin =
        begin.filter(|at| page.text[*at..].split('"').next().is_some_and(|text| text.contains("/verifications/")));
    let begin = begin.next().unwrap_or_else(|| panic!("no verification on {}", page.text));
    let address = page.text[begin..].split('"').next().unwrap_or_default();
    let ends = ["/stop", "/mail"];
    ends.iter().find_map(|end| address.strip_suffix(end)).unwrap_or(address).to_owned()
}

/// The clerk enters what the customer reads out.
pub async fn tell(clerk: &Payer, page: &Page, values: &[(&str, &str)]) -> Page {
    let (csrf, press) = (page.input("csrf"), page.input("press"));
    let mut form = vec![("csrf", csrf.as_str()), ("press", press.as_str())];
    form.extend_from_slice(values);
    clerk.post_page(&address_of(page), &form).await
}

/// From Take Payment to an account that waits for its deposits.
pub async fn verifying(house: &House, scene: &Scene, number: &str, kind: &str, amount: Option<&str>) -> (Payer, Page) {
    let clerk = clerk_at(house, scene).await;
    let method = typed_in(house, number, "company", kind).await;
    let (address, review) = to_read_out(&clerk, &method, amount).await;
    review.says("Read this out");
    let page = agree(&clerk, &address, &review).await;
    page.says("The account is being verified");
    (clerk, page)
}

pub async fn request_says(house: &House, scene: &Scene, state: &str, words: &str) {
    let soql = format!(
        "SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '{}'",
        scene.invoice
    );
    house
        .eventually(&format!("a request of {} to be {state}: {words}", scene.name), 30, || async {
            let rows = house.query(&soql).await?;
            let fits = |row: &Value| {
                row["State__c"] == state && row["Sentence__c"].as_str().is_some_and(|said| said.contains(words))
            };
            Ok(if rows.iter().any(fits) { Ok(()) } else { Err(format!("{rows:?}")) })
        })
        .await;
}

pub async fn at_stripe(world: &World, kind: &str, invoice: &str) -> Vec<Value> {
    let state = world.stripe_state().await.expect("Stripe's state");
    let all = state[kind].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|one| one["metadata"]["sf_invoice_id"] == invoice).collect()
}

pub async fn the_debit(house: &House, scene: &Scene) -> Value {
    house
        .eventually("the debit at Stripe", 30, || async {
            let made = at_stripe(house, "payment_intents", &scene.invoice).await;
            assert!(made.len() <= 1, "never two debits: {made:?}");
            Ok(made.into_iter().find(|one| one["status"] == "processing").ok_or_else(|| "no debit yet".to_owned()))
        })
        .await
}

pub async fn days(house: &House, days: i64) {
    house.stripe_control("clock", &json!({ "advance_days": days })).await.expect("the clock");
}

/// The customer tells the deposits on Stripe's own page.
async fn told_at_stripe(house: &House, scene: &Scene, form: &[(&str, &str)]) -> Value {
    let setup = at_stripe(house, "setup_intents", &scene.invoice).await.remove(0);
    let stripe = &house.endpoints.stripe;
    let url =
        format!("{}/v1/setup_intents/{}/verify_microdeposits", stripe.api_url, setup["id"].as_str().expect("an id"));
    let request = house.http.post(url).bearer_auth(&stripe.secret_key).header("Stripe-Version", "2026-10-28.endive");
    request.form(form).send().await.expect("Stripe").json().await.expect("JSON")
}

async fn a_companys_account_is_verified_by_its_code_and_debited_by_itself(house: &House) {
    let scene = payer::sent(house, "P-CODE", json!(65), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    clerk.page().await.says("Take a new bank account");
    let place = clerk.place();
    let form_page = clerk.at(&format!("{place}/account")).await;
    for id in ["routing", "number", "again", "holder"] {
        assert!(
            form_page.text.contains(&format!("id=\"{id}\"")) && !form_page.text.contains(&format!("name=\"{id}\""))
        );
    }
    let method = typed_in(house, GOOD, "company", "checking").await;
    to_read_out(&clerk, &method, Some("abc")).await.1.says("Enter the amount in figures");
    to_read_out(&clerk, &method, Some("66")).await.1.says("65.00 USD");
    to_read_out(&clerk, "pm_nobody", None).await.1.says("This bank account can't be used");
    to_read_out(&clerk, "pm_card_visa", None).await.1.says("This bank account can't be used");
    // Somebody else's, and a customer's id that the page never asks for.
    let stranger = payer::invoice(house, "P-OTHER", json!(10), "USD").await;
    let foreign = house.card_on_file(&stranger.account, "pm_usBankAccount_success").await;
    to_read_out(&clerk, &foreign, None).await.1.says("This bank account can't be used");

    let (address, review) = to_read_out(&clerk, &method, Some("25")).await;
    review.says("You authorise Larkspur Supply Company, Inc.").says("$25.00").says("ending 6789").says("110000000");
    review.says("Larkspur Holdings").says("P-CODE");
    let mut forged = agreed(&review, Uuid::new_v4());
    forged.retain(|(name, _)| name != "text_hash");
    forged.push(("text_hash".to_owned(), "0".repeat(64)));
    clerk.post_page(&address, &pairs(&forged)).await.says("The authorisation changed");
    assert!(at_stripe(house, "setup_intents", &scene.invoice).await.is_empty(), "what is refused never reaches Stripe");
    let press = Uuid::new_v4();
    let mut form = agreed(&review, press);
    form.push(("customer".to_owned(), "cus_of_somebody".to_owned()));
    let page = clerk.post_page(&address, &pairs(&form)).await;
    page.says("The account is being verified").says("SM…").says("10 tries are left");
    clerk.post_page(&address, &pairs(&form)).await.says("The account is being verified");
    let setups = at_stripe(house, "setup_intents", &scene.invoice).await;
    assert_eq!(setups.len(), 1, "the same press is one verification");
    to_read_out(&clerk, &method, Some("25")).await.1.says("This bank account can't be used");
    request_says(house, &scene, "Verifying", "$25.00 USD from STRIPE TEST BANK ending 6789 waits").await;
    let mandate = house.stripe_state().await.expect("state")["mandates"]
        .as_array()
        .and_then(|all| all.iter().find(|mandate| mandate["id"] == setups[0]["mandate"]).cloned())
        .expect("the mandate");
    assert_eq!(mandate["customer_acceptance"]["type"], "offline");
    assert!(mandate["customer_acceptance"]["accepted_at"].as_i64().is_some_and(|at| at > 1_700_000_000), "{mandate}");
    scene.stands(house, "Open", 0.0, 65.0).await;
    assert_eq!(scene.row(house).await["Payable__c"].as_f64(), Some(65.0), "a verifying payment reserves nothing");

    tell(&clerk, &page, &[("code", "11AA")]).await.says("That is no such code").says("No try was used up");
    let wrong = tell(&clerk, &page, &[("code", "SM00ZZ")]).await;
    wrong.says("The code is not the one").says("9 tries are left");
    // The same press again is the same try.
    tell(&clerk, &page, &[("code", "SM00ZZ")]).await.says("9 tries are left");
    request_says(house, &scene, "Verifying", "9 tries are left").await;
    // Days later another press of Take Payment leads back.
    days(house, 2).await;
    let later = clerk_at(house, &scene).await;
    let listed = later.page().await;
    listed.says("Being verified");
    let shown = later.at(&address_of(&listed)).await;
    tell(&later, &shown, &[("code", "sm 11aa")]).await.says("The account is verified");
    let debit = the_debit(house, &scene).await;
    assert_eq!((&debit["amount"], &debit["customer"]), (&json!(2500), &setups[0]["customer"]));
    let id = debit["id"].as_str().expect("an id");
    let expected =
        json!({"State__c": "Processing", "Amount__c": 25, "Source__c": "Take Payment", "Method__c": "Bank Account"});
    payment(house, id, expected).await;
    request_says(house, &scene, "Working", "is on its way").await;
    let letter = house
        .eventually("the letter with the authorisation", 30, || async {
            let mails = house.mails().await?;
            let found = mails.iter().find(|mail| {
                mail["to"].to_string().contains(&scene.email) && mail["subject"].to_string().contains("has started")
            });
            Ok(found.cloned().ok_or_else(|| format!("{} mails", mails.len())))
        })
        .await;
    let letter = house.mail(letter["id"].as_str().expect("an id")).await.expect("the mail");
    let text = letter["text"].as_str().expect("text").replace("\n> ", " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("You authorise Larkspur Supply Company, Inc.") && text.contains("Given on "), "{text}");
    days(house, 9).await;
    scene.stands(house, "Partly Paid", 25.0, 40.0).await;
    request_says(house, &scene, "Done", "$25.00 USD was paid").await;
    assert_eq!(at_stripe(house, "payment_intents", &scene.invoice).await.len(), 1);
    let stored =
        house.query("SELECT Id FROM Stored_Payment_Method__c WHERE Kind__c = 'Bank Account'").await.expect("rows");
    assert_eq!(stored.len(), 1, "what was typed in for one debit is nothing stored; the stranger's is");
    // Another invoice's clerk sees nothing of it.
    let theirs = clerk_at(house, &stranger).await;
    let id = address_of(&shown).rsplit('/').next().expect("an id").to_owned();
    assert_eq!(theirs.at(&format!("{}/verifications/{id}", theirs.place())).await.status, 404);
}

async fn three_wrong_pairs_of_amounts_end_it_and_nothing_is_charged(house: &House) {
    let scene = payer::invoice(house, "P-AMOUNTS", json!(40), "USD").await;
    let (clerk, mut page) = verifying(house, &scene, GOOD, "savings", None).await;
    page.says("3 tries are left");
    request_says(house, &scene, "Verifying", "Two small deposits").await;
    tell(&clerk, &page, &[("first", "1.32"), ("second", "0.45")]).await.says("between $0.01 and $0.99");
    for left in ["2 tries are left", "1 try is left"] {
        page = tell(&clerk, &page, &[("first", "0.01"), ("second", ".02")]).await;
        page.says("The amounts are not those of the deposits").says(left);
    }
    let over = tell(&clerk, &page, &[("first", "0.01"), ("second", ".02")]).await;
    over.says("could not be verified").says("Too many wrong values").says("nothing was charged");
    request_says(house, &scene, "Failed", "Too many wrong values").await;
    days(house, 12).await;
    assert!(at_stripe(house, "payment_intents", &scene.invoice).await.is_empty());

    let right = payer::invoice(house, "P-PAIR", json!(40), "USD").await;
    let (clerk, page) = verifying(house, &right, GOOD, "savings", None).await;
    tell(&clerk, &page, &[("first", "0.32"), ("second", "45")]).await.says("The account is verified");
    the_debit(house, &right).await;
    days(house, 9).await;
    right.stands(house, "Paid", 40.0, 0.0).await;
}

async fn deposits_that_nobody_tells_end_after_ten_days(house: &House) {
    let scene = payer::invoice(house, "P-LATE", json!(40), "USD").await;
    let (clerk, page) = verifying(house, &scene, GOOD, "checking", None).await;
    let never = payer::invoice(house, "P-NEVER", json!(40), "USD").await;
    verifying(house, &never, "000666666661", "checking", None).await;
    days(house, 5).await;
    request_says(house, &never, "Failed", "The deposits could not be made").await;
    days(house, 6).await;
    request_says(house, &scene, "Failed", "within ten days").await;
    clerk.at(&address_of(&page)).await.says("within ten days");
    assert!(at_stripe(house, "payment_intents", &scene.invoice).await.is_empty());
}

async fn what_was_paid_meanwhile_is_not_debited_again(house: &House) {
    let scene = payer::sent(house, "P-PAID", json!(40), "USD").await;
    let (clerk, page) = verifying(house, &scene, GOOD, "checking", Some("30")).await;
    let customer = Payer::enter(house, &scene.link).await;
    customer.pay(Some("20")).await;
    scene.stands(house, "Partly Paid", 20.0, 20.0).await;
    let told = tell(&clerk, &page, &[("code", "SM11AA")]).await;
    told.says("Nothing was charged");
    request_says(house, &scene, "Failed", "no longer open on P-PAID").await;
    assert_eq!(at_stripe(house, "payment_intents", &scene.invoice).await.len(), 1, "the customer's own");
    scene.stands(house, "Partly Paid", 20.0, 20.0).await;
}

async fn a_customer_who_takes_it_back_is_not_debited(house: &House) {
    let scene = payer::invoice(house, "P-STOP", json!(40), "USD").await;
    let (clerk, page) = verifying(house, &scene, GOOD, "checking", None).await;
    let csrf = page.input("csrf");
    let path = format!("{}/stop", address_of(&page));
    clerk.post_page(&path, &[("csrf", "forged")]).await.says("Let's continue where you were");
    clerk.post_page(&path, &[("csrf", &csrf)]).await.says("The verification was stopped");
    request_says(house, &scene, "Failed", "was stopped, nothing was charged").await;
    house
        .eventually("the SetupIntent to be canceled", 30, || async {
            let setup = at_stripe(house, "setup_intents", &scene.invoice).await.remove(0);
            Ok(if setup["status"] == "canceled" { Ok(()) } else { Err(setup.to_string()) })
        })
        .await;
    assert!(at_stripe(house, "payment_intents", &scene.invoice).await.is_empty());
}

/// Told on Stripe's page while the daemon is down: the sweep finds it, and the payment goes on.
async fn what_happens_while_the_daemon_is_down_is_found(house: &House) {
    let scene = payer::invoice(house, "P-DOWN", json!(40), "USD").await;
    verifying(house, &scene, GOOD, "checking", None).await;
    let taken_back = payer::invoice(house, "P-REVOKED", json!(40), "USD").await;
    verifying(house, &taken_back, GOOD, "checking", None).await;
    house.kill_daemon().await;
    assert_eq!(told_at_stripe(house, &scene, &[("descriptor_code", "SM11AA")]).await["status"], "succeeded");
    let setup = told_at_stripe(house, &taken_back, &[("descriptor_code", "SM11AA")]).await;
    let mandate = setup["mandate"].as_str().expect("a mandate");
    house.stripe_control(&format!("mandates/{mandate}/revoke"), &json!({})).await.expect("it is taken back");
    house.start_daemon().await;
    house.is_ready().await;
    the_debit(house, &scene).await;
    request_says(house, &scene, "Working", "is on its way").await;
    request_says(house, &taken_back, "Failed", "The authorisation for this account has ended").await;
    let made = at_stripe(house, "payment_intents", &taken_back.invoice).await;
    assert!(made.iter().all(|one| one["status"] == "canceled"), "{made:?}");
    days(house, 9).await;
    scene.stands(house, "Paid", 40.0, 0.0).await;
    taken_back.stands(house, "Open", 0.0, 40.0).await;
}

#[tokio::test]
async fn a_bank_account_taken_down_on_the_phone_is_verified_and_then_debited() {
    let house = House::start_with(&["--clock"], None).await;
    a_companys_account_is_verified_by_its_code_and_debited_by_itself(&house).await;
    three_wrong_pairs_of_amounts_end_it_and_nothing_is_charged(&house).await;
    deposits_that_nobody_tells_end_after_ten_days(&house).await;
}

#[tokio::test]
async fn a_verified_account_is_debited_once_or_not_at_all_on_postgresql() {
    let house = House::start_with(&["--clock"], Some(Postgres::start())).await;
    what_was_paid_meanwhile_is_not_debited_again(&house).await;
    a_customer_who_takes_it_back_is_not_debited(&house).await;
    what_happens_while_the_daemon_is_down_is_found(&house).await;
}

/// The daemon dies somewhere in the press, and somewhere between the deposits and the debit.
#[tokio::test]
async fn a_daemon_killed_anywhere_verifies_and_debits_once() {
    let house = House::start_with(&["--clock"], None).await;
    for (place, wait) in [5, 40, 90, 160, 260, 400].into_iter().enumerate() {
        let scene = payer::invoice(&house, &format!("P-KILL-{place}"), json!(20), "USD").await;
        let clerk = clerk_at(&house, &scene).await;
        let method = typed_in(&house, GOOD, "company", "checking").await;
        let (address, review) = to_read_out(&clerk, &method, None).await;
        let form = agreed(&review, Uuid::new_v4());
        house.fault("slow", 0.3).await;
        kill_within(&house, wait, clerk.try_form(&address, &pairs(&form))).await;
        // The same press is the same verification; one that was durable went on without it.
        house
            .eventually("the same press to be taken", 60, || async {
                let told = clerk.post_page(&address, &pairs(&form)).await;
                Ok(if told.text.contains("Stripe does not answer") { Err(told.text) } else { Ok(()) })
            })
            .await;
        request_says(&house, &scene, "Verifying", "enters the code").await;
        let setups = at_stripe(&house, "setup_intents", &scene.invoice).await;
        assert_eq!(setups.len(), 1, "{setups:?}");

        let page = clerk.page().await;
        let page = clerk.at(&address_of(&page)).await;
        let (csrf, press) = (page.input("csrf"), page.input("press"));
        let form = [("csrf", csrf.as_str()), ("press", press.as_str()), ("code", "SM11AA")];
        house.fault("slow", 0.3).await;
        kill_within(&house, wait, clerk.try_form(&address_of(&page), &form)).await;
        house
            .eventually("Stripe to answer the same press", 60, || async {
                let told = clerk.post_page(&address_of(&page), &form).await;
                Ok(if told.text.contains("Stripe does not answer") { Err(told.text) } else { Ok(()) })
            })
            .await;
        the_debit(&house, &scene).await;
        request_says(&house, &scene, "Working", "is on its way").await;
        house.kill_daemon().await;
        days(&house, 9).await;
        house.start_daemon().await;
        house.is_ready().await;
        scene.stands(&house, "Paid", 20.0, 0.0).await;
        request_says(&house, &scene, "Done", "$20.00 USD was paid").await;
        assert_eq!(at_stripe(&house, "payment_intents", &scene.invoice).await.len(), 1);
    }
    assert_eq!(house.payment_errors().await, 0);
}

pub async fn kill_within(house: &House, wait_ms: u64, act: impl Future<Output = ()>) {
    tokio::join!(act, async {
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        house.kill_daemon().await;
    });
    house.fault("slow", 0.0).await;
    house.start_daemon().await;
    house.is_ready().await;
}
