//! Take Payment by a private person's bank account: authorised on a mailed page, on which the deposits are told too.

use quittance::sandbox::load::World;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::payer::{self, Page, Payer, Scene, payment};
use crate::house::{House, Postgres};
use crate::phone_banks::{
    GOOD, address_of, at_stripe, clerk_at, days, kill_within, request_says, the_debit, to_read_out, typed_in,
};

const AUTHORISE: &str = "Authorise $";
const VERIFY: &str = "Verify your bank account";

/// What the clerk's press on the review page posts.
fn mailing(review: &Page, press: Uuid) -> Vec<(String, String)> {
    let mut form = vec![("press".to_owned(), press.to_string())];
    for name in ["csrf", "minor", "mail_to"] {
        form.push((name.to_owned(), review.input(name)));
    }
    form
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// From Take Payment to a page that is being mailed. Answers the clerk and what the clerk sees.
pub async fn mailed(house: &House, scene: &Scene, amount: Option<&str>) -> (Payer, Page) {
    let clerk = clerk_at(house, scene).await;
    let method = typed_in(house, GOOD, "individual", "checking").await;
    let (address, review) = to_read_out(&clerk, &method, amount).await;
    let mut form = mailing(&review, Uuid::new_v4());
    if amount.is_some() {
        form.push(("part".to_owned(), review.input("part")));
    }
    let page = clerk.post_page(&address, &pairs(&form)).await;
    page.says("Waiting for the customer");
    (clerk, page)
}

/// The mails about an invoice that lead to its page, the oldest first.
async fn letters(world: &World, subject: &str, scene: &Scene) -> Vec<Value> {
    let number = |mail: &Value| mail["id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
    let ours = |mail: &Value| {
        let about = mail["subject"].as_str().unwrap_or_default();
        about.contains(subject) && about.contains(&scene.name)
    };
    let mut mails: Vec<Value> = world.mails().await.expect("the mailbox").into_iter().filter(ours).collect();
    mails.sort_by_key(number);
    mails
}

/// Waits for so many of them. Answers the text of the last and the address in it.
async fn letter(house: &House, subject: &str, scene: &Scene, count: usize) -> (Value, String) {
    let found = house
        .eventually(&format!("{count} mails about {subject} {}", scene.name), 30, || async {
            let found = letters(house, subject, scene).await;
            Ok(if found.len() >= count { Ok(found) } else { Err(format!("{} of them", found.len())) })
        })
        .await;
    assert_eq!(found.len(), count, "{found:?}");
    let mail = house.mail(found[count - 1]["id"].as_str().expect("an id")).await.expect("the mail");
    let prefix = format!("{}/m/", house.endpoints.page_url);
    let text = mail["text"].as_str().expect("text");
    let link = text.split_whitespace().find(|word| word.starts_with(&prefix));
    (mail.clone(), link.unwrap_or_else(|| panic!("no page in {text}")).to_owned())
}

/// The customer follows the mail and presses Continue.
pub async fn customer_at(house: &House, scene: &Scene) -> (Payer, String) {
    let (_, link) = letter(house, AUTHORISE, scene, 1).await;
    (Payer::enter(house, &link).await, link)
}

async fn press(customer: &Payer, shown: &Page, what: &str) -> Page {
    let csrf = shown.input("csrf");
    let mut form = vec![("csrf", csrf.as_str())];
    let hash = if what == "agree" { shown.input("text_hash") } else { String::new() };
    if what == "agree" {
        form.push(("text_hash", hash.as_str()));
    }
    customer.post_page(&format!("{}/{what}", customer.place()), &form).await
}

async fn enter_code(customer: &Payer, shown: &Page, code: &str) -> Page {
    let (csrf, press) = (shown.input("csrf"), shown.input("press"));
    customer.post_page(&customer.place(), &[("csrf", &csrf), ("press", &press), ("code", code)]).await
}

fn plain(mail: &Value) -> String {
    let text = mail["text"].as_str().expect("text").replace("\n> ", " ").replace('\u{a0}', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn nothing_at_stripe(house: &House, scene: &Scene) {
    for kind in ["setup_intents", "payment_intents"] {
        assert!(at_stripe(house, kind, &scene.invoice).await.is_empty(), "{kind}");
    }
}

async fn a_private_person_authorises_on_the_mailed_page_and_tells_the_deposits_there(house: &House) {
    let scene = payer::invoice(house, "I-PAGE", json!(65), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    let method = typed_in(house, GOOD, "individual", "checking").await;
    let (address, review) = to_read_out(&clerk, &method, Some("25")).await;
    review.says("A private person agrees in writing").says(&scene.email).says("Larkspur Holdings").says("$25.00");
    assert!(!review.text.contains("Read this out"), "a word on the phone is no authorisation of a private person's");
    let once = Uuid::new_v4();
    let mut form = mailing(&review, once);
    form.push(("part".to_owned(), review.input("part")));
    let mut forged = form.clone();
    forged.retain(|(name, _)| name != "mail_to");
    clerk.post_page(&address, &pairs(&forged)).await.says("another e-mail address now").says(&scene.email);
    forged.push(("mail_to".to_owned(), "somebody@else.example".to_owned()));
    clerk.post_page(&address, &pairs(&forged)).await.says("another e-mail address now");
    let page = clerk.post_page(&address, &pairs(&form)).await;
    page.says("Waiting for the customer");
    clerk.post_page(&address, &pairs(&form)).await.says("Waiting for the customer");
    request_says(house, &scene, "Verifying", "the authorisation by e-mail (i-page@customers.example)").await;
    let (mail, link) = letter(house, AUTHORISE, &scene, 1).await;
    let text = plain(&mail);
    for words in ["Authorise $25.00 USD", "I-PAGE", "Nothing is debited before"] {
        assert!(text.contains(words) || mail["subject"].to_string().replace('\u{a0}', " ").contains(words), "{text}");
    }
    clerk.at(&address_of(&page)).await.says("has the authorisation by e-mail");
    // A scanner follows links, and is no customer.
    for _ in 0..2 {
        Payer::look(house, &link).await.says("Continue to read what you are asked to authorise");
    }
    let forged = house.http.post(&link).form(&[("csrf", "forged")]).send().await.expect("an answer");
    assert_eq!(forged.status().as_u16(), 403);
    let base = &house.endpoints.page_url;
    let token = link.rsplit('/').next().expect("a token");
    let stranger = payer::sent(house, "I-OTHER", json!(10), "USD").await;
    let theirs = stranger.link.rsplit('/').next().expect("a token");
    for wrong in [
        format!("{base}/m/short"),
        format!("{base}/m/{}", "n".repeat(43)),
        format!("{base}/p/{token}"),
        format!("{base}/m/{theirs}"),
        format!("{base}/agent/{token}"),
    ] {
        assert_eq!(Payer::look(house, &wrong).await.status, 404, "{wrong}");
    }
    nothing_at_stripe(house, &scene).await;

    let customer = Payer::enter(house, &link).await;
    let shown = customer.page().await;
    shown.says("I authorise Larkspur Supply Company, Inc. to debit $25.00").says("of Larkspur Holdings");
    shown.says("ending 6789, routing number 110000000").says("I-PAGE").says("What happens then");
    assert_eq!(Payer::look(house, &format!("{base}{}", customer.place())).await.status, 403, "without a cookie");
    let outsider = Payer::enter(house, &stranger.link).await;
    assert_eq!(outsider.at(&customer.place()).await.status, 403, "with another's cookie");
    let agree = format!("{}/agree", customer.place());
    let (csrf, hash) = (shown.input("csrf"), shown.input("text_hash"));
    customer.post_page(&agree, &[("csrf", "forged"), ("text_hash", &hash)]).await.says("continue where you were");
    let changed = customer.post_page(&agree, &[("csrf", &csrf), ("text_hash", &"0".repeat(64))]).await;
    changed.says("The authorisation changed while you were here");
    // The invoice gets another number between the look and the press.
    house.update("Invoice__c", &scene.invoice, &json!({"Name": "I-PAGE-2"})).await.expect("the new number");
    let changed = customer.post_page(&agree, &[("csrf", &csrf), ("text_hash", &hash)]).await;
    changed.says("The authorisation changed while you were here").says("for invoice I-PAGE-2");
    nothing_at_stripe(house, &scene).await;
    let hash = changed.input("text_hash");
    let fields = [("csrf", csrf.as_str()), ("text_hash", hash.as_str())];
    let (one, other) = tokio::join!(customer.post_page(&agree, &fields), customer.post_page(&agree, &fields));
    for page in [&one, &other] {
        assert!(page.text.contains("Verify your bank account") || page.text.contains("was taken"), "{}", page.text);
    }
    press(&customer, &shown, "decline").await.says("Verify your bank account");
    customer.post_page(&agree, &[("csrf", &csrf), ("text_hash", "stale")]).await.says("Verify your bank account");
    let setups = at_stripe(house, "setup_intents", &scene.invoice).await;
    assert_eq!(setups.len(), 1, "two presses are one authorisation");
    let mandates = house.stripe_state().await.expect("state")["mandates"].clone();
    let mandate = mandates.as_array().and_then(|all| all.iter().find(|one| one["id"] == setups[0]["mandate"]));
    let acceptance = &mandate.expect("the mandate")["customer_acceptance"];
    assert_eq!(acceptance["type"], "online");
    assert_eq!(acceptance["online"], json!({"ip_address": "127.0.0.1", "user_agent": "Payer/1.0"}));
    assert!(acceptance["accepted_at"].as_i64().is_some_and(|at| at > 1_700_000_000), "{acceptance}");
    clerk.at(&address_of(&page)).await.says("The account is being verified").says("10 tries are left");
    request_says(house, &scene, "Verifying", "enters the code on the mailed page, or tells you").await;
    let (mail, again) = letter(house, VERIFY, &scene, 1).await;
    assert_eq!(again, link, "one page");
    let text = plain(&mail);
    assert!(text.contains("I authorise Larkspur Supply Company, Inc.") && text.contains("Given on "), "{text}");
    scene.stands(house, "Open", 0.0, 65.0).await;

    days(house, 2).await;
    let customer = Payer::enter(house, &link).await;
    let shown = customer.page().await;
    shown.says("enter the code here");
    enter_code(&customer, &shown, "11AA").await.says("That is no such code").says("No try was used up");
    let wrong = enter_code(&customer, &shown, "SM00ZZ").await;
    wrong.says("The code is not the one").says("9 tries are left").says("Look at your statement again");
    // The same press again is the same try.
    enter_code(&customer, &shown, "SM00ZZ").await.says("9 tries are left");
    let told = enter_code(&customer, &wrong, "sm11aa").await;
    assert!(told.text.contains("is verified") || told.text.contains("is on its way"), "{}", told.text);
    let debit = the_debit(house, &scene).await;
    assert_eq!((&debit["amount"], &debit["customer"]), (&json!(2500), &setups[0]["customer"]));
    let id = debit["id"].as_str().expect("an id");
    payment(house, id, json!({"State__c": "Processing", "Amount__c": 25, "Source__c": "Take Payment"})).await;
    request_says(house, &scene, "Working", "is on its way").await;
    customer.page().await.says("Your bank payment is on its way");
    days(house, 9).await;
    scene.stands(house, "Partly Paid", 25.0, 40.0).await;
    request_says(house, &scene, "Done", "$25.00 USD was paid").await;
    customer.page().await.says("Payment received");
    assert_eq!(at_stripe(house, "payment_intents", &scene.invoice).await.len(), 1);
    let stored = house.query("SELECT Id FROM Stored_Payment_Method__c WHERE Kind__c = 'Bank Account'").await;
    assert!(stored.expect("rows").is_empty(), "one debit, and nothing stored");
}

async fn who_does_not_agree_is_not_debited(house: &House) {
    let scene = payer::invoice(house, "I-NO", json!(40), "USD").await;
    let (clerk, page) = mailed(house, &scene, None).await;
    let (customer, link) = customer_at(house, &scene).await;
    let shown = customer.page().await;
    press(&customer, &shown, "decline").await.says("You did not authorise this payment");
    request_says(house, &scene, "Failed", "The customer did not authorise $40.00 USD").await;
    clerk.at(&address_of(&page)).await.says("The customer did not authorise");
    press(&customer, &shown, "agree").await.says("You did not authorise this payment");
    Payer::enter(house, &link).await.page().await.says("You did not authorise this payment");
    nothing_at_stripe(house, &scene).await;

    let stopped = payer::invoice(house, "I-STOP", json!(40), "USD").await;
    let (clerk, page) = mailed(house, &stopped, None).await;
    let (customer, _) = customer_at(house, &stopped).await;
    let shown = customer.page().await;
    let csrf = page.input("csrf");
    clerk.post_page(&format!("{}/stop", address_of(&page)), &[("csrf", &csrf)]).await.says("was stopped");
    press(&customer, &shown, "agree").await.says("This payment was stopped").says("Nothing was charged");
    request_says(house, &stopped, "Failed", "was stopped, nothing was charged").await;
    nothing_at_stripe(house, &stopped).await;
}

async fn what_the_invoice_has_become_decides_at_the_press(house: &House) {
    let gone = payer::invoice(house, "I-GONE", json!(40), "USD").await;
    mailed(house, &gone, None).await;
    let (customer, _) = customer_at(house, &gone).await;
    let shown = customer.page().await;
    house.update("Invoice__c", &gone.invoice, &json!({"Status__c": "Cancelled"})).await.expect("cancelled");
    customer.page().await.says("has withdrawn this invoice");
    request_says(house, &gone, "Verifying", "has not accepted it yet").await; // a look changes nothing
    press(&customer, &shown, "agree").await.says("has withdrawn this invoice");
    request_says(house, &gone, "Failed", "I-GONE can't be paid any more").await;
    customer.page().await.says("has withdrawn this invoice");
    nothing_at_stripe(house, &gone).await;

    let less = payer::invoice(house, "I-LESS", json!(40), "USD").await;
    mailed(house, &less, Some("30")).await;
    let (customer, _) = customer_at(house, &less).await;
    let shown = customer.page().await;
    house.update("Invoice__c", &less.invoice, &json!({"Total__c": 20})).await.expect("a lower total");
    press(&customer, &shown, "agree").await.says("That much is no longer due");
    request_says(house, &less, "Failed", "no longer open on I-LESS").await;
    nothing_at_stripe(house, &less).await;
}

async fn the_address_is_salesforces_and_a_wrong_one_is_corrected(house: &House) {
    let scene = payer::invoice(house, "I-MAIL", json!(40), "USD").await;
    let set = async |address: Value| {
        let account = json!({"Billing_Email__c": address});
        house.update("Account", &scene.account, &account).await.expect("another address");
    };
    set(Value::Null).await;
    let clerk = clerk_at(house, &scene).await;
    let method = typed_in(house, GOOD, "individual", "checking").await;
    let (address, review) = to_read_out(&clerk, &method, None).await;
    review.says("There is no e-mail address for this customer").says("Fill Billing Email");
    set(json!("nobody@customers.example")).await;
    let review = clerk.at(&address).await;
    let page = clerk.post_page(&address, &pairs(&mailing(&review, Uuid::new_v4()))).await;
    request_says(house, &scene, "Verifying", "nobody@customers.example does not exist, says the mail server: correct")
        .await;
    let place = address_of(&page);
    let again = async |shown: &Page, press: Uuid| {
        let (csrf, to, press) = (shown.input("csrf"), shown.input("mail_to"), press.to_string());
        clerk.post_page(&format!("{place}/mail"), &[("csrf", &csrf), ("press", &press), ("mail_to", &to)]).await
    };
    let stale = clerk.at(&place).await;
    set(json!("first@customers.example")).await;
    again(&stale, Uuid::new_v4()).await.says("another e-mail address now").says("first@customers.example");
    let once = Uuid::new_v4();
    let shown = clerk.at(&place).await;
    again(&shown, once).await;
    let (mail, first) = letter(house, AUTHORISE, &scene, 1).await;
    assert!(mail["to"].to_string().contains("first@customers.example"), "{}", mail["to"]);
    request_says(house, &scene, "Verifying", "by e-mail (first@customers.example)").await;
    again(&shown, once).await;
    let reader = Payer::enter(house, &first).await;
    let theirs = reader.page().await;
    // It was somebody else's: who got that mail can do nothing any more.
    set(json!("second@customers.example")).await;
    let shown = clerk.at(&place).await;
    again(&shown, Uuid::new_v4()).await;
    let (mail, second) = letter(house, AUTHORISE, &scene, 2).await;
    assert!(mail["to"].to_string().contains("second@customers.example"), "{}", mail["to"]);
    assert_ne!(first, second);
    assert_eq!(Payer::look(house, &first).await.status, 404);
    assert_eq!(press(&reader, &theirs, "agree").await.status, 403);
    nothing_at_stripe(house, &scene).await;
    let customer = Payer::enter(house, &second).await;
    let shown = customer.page().await;
    // The mail server is away: the page is there, and its letter is tried again.
    house.fault("refused_mail", 1.0).await;
    press(&customer, &shown, "agree").await.says("Verify your bank account");
    house.fault("refused_mail", 0.0).await;
    letter(house, VERIFY, &scene, 1).await;
}

async fn a_mail_server_that_is_away_is_told_and_tried_again(house: &House) {
    let scene = payer::invoice(house, "I-AWAY", json!(40), "USD").await;
    house.fault("refused_mail", 1.0).await;
    let (clerk, page) = mailed(house, &scene, None).await;
    request_says(house, &scene, "Verifying", "does not take the authorisation for i-away@customers.example now").await;
    house.fault("refused_mail", 0.0).await;
    // The clerk doesn't wait for the next try.
    let place = address_of(&page);
    let shown = clerk.at(&place).await;
    let (csrf, to, press) = (shown.input("csrf"), shown.input("mail_to"), Uuid::new_v4().to_string());
    clerk.post_page(&format!("{place}/mail"), &[("csrf", &csrf), ("press", &press), ("mail_to", &to)]).await;
    request_says(house, &scene, "Verifying", "has not accepted it yet").await;
    assert!(!letters(house, AUTHORISE, &scene).await.is_empty());
}

async fn a_companys_customer_tells_the_deposits_on_a_mailed_page_too(house: &House) {
    let scene = payer::invoice(house, "I-FIRM", json!(40), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    let method = typed_in(house, GOOD, "company", "savings").await;
    let (address, review) = to_read_out(&clerk, &method, None).await;
    let mut form = vec![("press".to_owned(), Uuid::new_v4().to_string())];
    form.extend(["csrf", "minor", "text_hash"].map(|name| (name.to_owned(), review.input(name))));
    let page = clerk.post_page(&address, &pairs(&form)).await;
    page.says("The account is being verified").says(&scene.email);
    let (mail, link) = letter(house, VERIFY, &scene, 1).await;
    let text = plain(&mail);
    assert!(text.contains("You authorise Larkspur Supply Company, Inc.") && text.contains("their amounts"), "{text}");
    request_says(house, &scene, "Verifying", "enters their amounts on the mailed page").await;
    let customer = Payer::enter(house, &link).await;
    let shown = customer.page().await;
    let enter = async |shown: &Page, first: &str, second: &str| {
        let (csrf, press) = (shown.input("csrf"), shown.input("press"));
        let form = [("csrf", csrf.as_str()), ("press", press.as_str()), ("first", first), ("second", second)];
        customer.post_page(&customer.place(), &form).await
    };
    let wrong = enter(&shown, "0.01", "0.02").await;
    wrong.says("The amounts are not those of the deposits").says("2 tries are left");
    // The clerk sees the same tries, and the mail can be asked for again.
    let seen = clerk.at(&address_of(&page)).await;
    seen.says("2 tries are left");
    let (csrf, to, press) = (seen.input("csrf"), seen.input("mail_to"), Uuid::new_v4().to_string());
    let again = format!("{}/mail", address_of(&page));
    clerk.post_page(&again, &[("csrf", &csrf), ("press", &press), ("mail_to", &to)]).await;
    assert_eq!(letter(house, VERIFY, &scene, 2).await.1, link);
    enter(&wrong, "0.32", "45").await;
    the_debit(house, &scene).await;
    days(house, 9).await;
    scene.stands(house, "Paid", 40.0, 0.0).await;
}

/// Nobody opened the page for a day.
async fn what_nobody_accepts_is_over_after_a_day(house: &House) {
    let scene = payer::invoice(house, "I-DAY", json!(40), "USD").await;
    mailed(house, &scene, None).await;
    let (customer, link) = customer_at(house, &scene).await;
    let shown = customer.page().await;
    let late = payer::invoice(house, "I-LATE", json!(40), "USD").await;
    mailed(house, &late, None).await;
    customer_at(house, &late).await;
    let changed = house
        .sql("UPDATE verifications SET made_ms = made_ms - 86400001 WHERE stage = 'agreeing' AND invoice_number LIKE 'I-DAY%'")
        .await;
    assert_eq!(changed, 1);
    customer.page().await.says("This authorisation has run out");
    press(&customer, &shown, "agree").await.says("This authorisation has run out");
    request_says(house, &scene, "Failed", "did not accept the authorisation of $40.00 USD").await;
    Payer::enter(house, &link).await.page().await.says("This authorisation has run out");
    nothing_at_stripe(house, &scene).await;
    // Nobody looks at the other one either: it ends by itself.
    house.sql("UPDATE verifications SET made_ms = made_ms - 86400001 WHERE invoice_number = 'I-LATE'").await;
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    request_says(house, &late, "Failed", "Press Take Payment to begin again").await;
}

#[tokio::test]
async fn a_private_persons_account_is_authorised_by_mail_verified_and_debited() {
    let house = House::start_with(&["--clock"], None).await;
    a_private_person_authorises_on_the_mailed_page_and_tells_the_deposits_there(&house).await;
    what_nobody_accepts_is_over_after_a_day(&house).await;
    a_mail_server_that_is_away_is_told_and_tried_again(&house).await;
}

#[tokio::test]
async fn a_page_that_is_not_accepted_debits_nobody_on_postgresql() {
    let house = House::start_with(&["--clock"], Some(Postgres::start())).await;
    who_does_not_agree_is_not_debited(&house).await;
    what_the_invoice_has_become_decides_at_the_press(&house).await;
    the_address_is_salesforces_and_a_wrong_one_is_corrected(&house).await;
    a_companys_customer_tells_the_deposits_on_a_mailed_page_too(&house).await;
}

/// The daemon dies somewhere in the press that mails, in the one that authorises, and in the one that tells the deposits.
#[tokio::test]
async fn a_daemon_killed_anywhere_mails_one_page_and_debits_once() {
    let house = House::start_with(&["--clock"], None).await;
    for (place, wait) in [5, 40, 90, 160, 260, 400].into_iter().enumerate() {
        let scene = payer::invoice(&house, &format!("I-KILL-{place}"), json!(20), "USD").await;
        let clerk = clerk_at(&house, &scene).await;
        let method = typed_in(&house, GOOD, "individual", "checking").await;
        let (address, review) = to_read_out(&clerk, &method, None).await;
        let form = mailing(&review, Uuid::new_v4());
        house.fault("slow", 0.3).await;
        kill_within(&house, wait, clerk.try_form(&address, &pairs(&form))).await;
        house
            .eventually("the same press to be taken", 60, || async {
                let told = clerk.post_page(&address, &pairs(&form)).await;
                Ok(if told.text.contains("Waiting for the customer") { Ok(()) } else { Err(told.text) })
            })
            .await;
        request_says(&house, &scene, "Verifying", "has not accepted it yet").await;
        let link = the_page(&house, &scene).await;

        let customer = Payer::enter(&house, &link).await;
        let shown = customer.page().await;
        let (csrf, hash) = (shown.input("csrf"), shown.input("text_hash"));
        let agree = format!("{}/agree", customer.place());
        let fields = [("csrf", csrf.as_str()), ("text_hash", hash.as_str())];
        house.fault("slow", 0.3).await;
        kill_within(&house, wait, customer.try_form(&agree, &fields)).await;
        house
            .eventually("the deposits to be asked for", 60, || async {
                let told = customer.post_page(&agree, &fields).await;
                Ok(if told.text.contains("Verify your bank account") { Ok(()) } else { Err(told.text) })
            })
            .await;
        let setups = at_stripe(&house, "setup_intents", &scene.invoice).await;
        assert_eq!(setups.len(), 1, "{setups:?}");

        let shown = customer.page().await;
        let (csrf, press) = (shown.input("csrf"), shown.input("press"));
        let fields = [("csrf", csrf.as_str()), ("press", press.as_str()), ("code", "SM11AA")];
        house.fault("slow", 0.3).await;
        kill_within(&house, wait, customer.try_form(&customer.place(), &fields)).await;
        house
            .eventually("Stripe to answer the same press", 60, || async {
                let told = customer.post_page(&customer.place(), &fields).await;
                Ok(if told.text.contains("Stripe does not answer") { Err(told.text) } else { Ok(()) })
            })
            .await;
        the_debit(&house, &scene).await;
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

/// Where a kill fell between the mail server's word and our note of it, the same letter comes twice, under one Message-ID.
async fn the_page(house: &House, scene: &Scene) -> String {
    let found = letters(house, AUTHORISE, scene).await;
    let ids: std::collections::BTreeSet<String> = found.iter().map(|mail| mail["message_id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{found:?}");
    let mail = house.mail(found[0]["id"].as_str().expect("an id")).await.expect("the mail");
    let prefix = format!("{}/m/", house.endpoints.page_url);
    let text = mail["text"].as_str().expect("text");
    text.split_whitespace().find(|word| word.starts_with(&prefix)).expect("the page").to_owned()
}
