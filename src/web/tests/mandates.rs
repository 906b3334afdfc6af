//! The mailed authorisation: what is kept of the press, and what is known of the letter.

use super::outside::{ACCOUNT, Browser, INVOICE, Outside, Seen};
use crate::domain::link::{page_token, token_hash};
use crate::domain::mandate;
use crate::domain::verification::{Mail, Stage};
use crate::domain::{Currency, Money, SalesforceId};
use crate::store::bank_letters::BankLetter;
use crate::store::harness::on_both;
use crate::store::verifications::{Verification, sample};

const ID: &str = "7b8f7e6c-1111-4222-8333-444455556666";
const TO: &str = "pay@mueller.example";
const LETTER: &str = "<7b8f7e6c.authorise@acme.example>";

fn token() -> String {
    page_token(b"key of the house", ID, TO)
}

/// Mailed to the customer, and not accepted yet; its letter is due.
async fn mailed(outside: &Outside) -> Verification {
    let now_ms = outside.payments.now_ms();
    let one = Verification {
        invoice: SalesforceId::parse(INVOICE).unwrap(),
        invoice_number: "INV-1042".into(),
        account: SalesforceId::parse(ACCOUNT).unwrap(),
        amount: Money::from_minor(40_000, Currency::from_code("USD").unwrap()).unwrap(),
        holder: "June Larkspur".into(),
        holder_type: "individual".into(),
        mail_to: Some(TO.into()),
        mail: Some(Mail::Sending),
        token_hash: Some(token_hash(&token())),
        accepted_ms: None,
        stage: Stage::Agreeing,
        made_ms: now_ms,
        ..sample(ID)
    };
    let letter = BankLetter {
        message_id: LETTER.into(),
        kind: "authorise".into(),
        stripe_id: ID.into(),
        facts: "{}".into(),
        mail_to: TO.into(),
        attempts: 0,
    };
    let mut tx = outside.store.begin().await.unwrap();
    tx.insert_verification_once(&one).await.unwrap();
    tx.insert_bank_letter(&letter, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    one
}

async fn stands(outside: &Outside) -> Verification {
    outside.store.verification(ID).await.unwrap().unwrap()
}

/// Continue, up to the authorisation.
async fn open(browser: &mut Browser) -> Seen {
    let at = format!("/m/{}", token());
    let before = browser.get(&at).await;
    let on = browser.post(&at, &[("csrf", &before.hidden("csrf"))]).await;
    assert_eq!((on.status, on.headers["location"].to_str().unwrap()), (303, format!("/mandate/{ID}").as_str()));
    browser.get(&format!("/mandate/{ID}")).await
}

#[tokio::test]
async fn the_evidence_is_durable_before_stripe_is_asked_and_a_look_keeps_nothing() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let before = mailed(&outside).await;
        let mut browser = Browser::new(&outside);
        let page = open(&mut browser).await;
        assert!(page.text.contains("I authorise Acme, Inc. to debit $400.00"), "{}", page.text);
        assert_eq!(stands(&outside).await, before, "looking and Continue change nothing");
        outside.world.lock().unwrap().stripe_down = true;
        let (csrf, hash) = (page.hidden("csrf"), page.hidden("text_hash"));
        let at = format!("/mandate/{ID}/agree");
        let refused = browser.post(&at, &[("csrf", &csrf), ("text_hash", "another")]).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(stands(&outside).await, before, "another text is not agreed to");
        for _ in 0..2 {
            let pressed = browser.post(&at, &[("csrf", &csrf), ("text_hash", &hash)]).await;
            assert_eq!(pressed.status, 303, "{}", pressed.text);
        }
        let one = stands(&outside).await;
        assert_eq!((one.stage, one.setup.as_deref()), (Stage::Starting, None), "Stripe is down");
        assert!(one.accepted_ms.is_some());
        assert_eq!(one.address.as_deref(), Some("192.0.2.1"));
        assert_eq!(one.user_agent.as_deref(), Some("unknown"));
        assert_eq!((one.version.as_str(), one.text_hash.as_str()), (mandate::PAGE_VERSION, hash.as_str()));
        assert_eq!(mandate::hash(&one.text), hash, "what is kept is what was shown");
        let said = outside.outbox("Payment_Request__c").await;
        assert!(said[0]["Sentence__c"].as_str().unwrap().contains("Stripe is being asked"), "{said:?}");
        let shown = browser.get(&format!("/mandate/{ID}")).await;
        assert!(shown.text.contains("Thank you, your authorisation was taken"), "{}", shown.text);
        // Another browser, and one that was signed in to the page before it went to another address.
        assert_eq!(Browser::new(&outside).get(&format!("/mandate/{ID}")).await.status, 403);
        let mut tx = outside.store.begin().await.unwrap();
        let elsewhere = Verification { token_hash: Some(token_hash("another")), ..one };
        tx.set_verification(&elsewhere, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(browser.get(&format!("/mandate/{ID}")).await.status, 403);
        assert_eq!(browser.get(&format!("/m/{}", token())).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn a_letter_that_the_server_took_before_a_crash_is_noted_and_one_that_it_never_heard_of_is_tried_again() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        mailed(&outside).await;
        // Nobody listens where the mail server should be.
        assert_eq!(outside.links.send_bank_letters().await.unwrap(), 1);
        assert_eq!(stands(&outside).await.mail, Some(Mail::Retrying));
        let said = outside.outbox("Payment_Request__c").await;
        assert!(said[0]["Sentence__c"].as_str().unwrap().contains("is tried again"), "{said:?}");
        // It was taken, and the daemon died before it could say so.
        let now_ms = outside.payments.now_ms();
        assert!(!outside.store.record_mail(LETTER, "page", now_ms).await.unwrap());
        outside.store.mail_sent(LETTER, now_ms).await.unwrap();
        outside.store.bank_letter_again(LETTER, now_ms).await.unwrap();
        assert_eq!(outside.links.send_bank_letters().await.unwrap(), 1);
        assert_eq!(stands(&outside).await.mail, Some(Mail::Sent), "the server that is away was not asked again");
        assert!(outside.store.take_bank_letters("me", 9, now_ms + 9_000_000, 0).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_letter_whose_page_went_elsewhere_or_is_over_is_left_out() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        let one = mailed(&outside).await;
        let mut tx = outside.store.begin().await.unwrap();
        let over = Verification { stage: Stage::Stopped, reason: Some("declined".into()), ..one };
        tx.set_verification(&over, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(outside.links.send_bank_letters().await.unwrap(), 1);
        assert_eq!(stands(&outside).await.mail, Some(Mail::Sending), "nothing was tried");
        let left = outside.store.take_bank_letters("me", 9, outside.payments.now_ms() + 9_000_000, 0).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    })
    .await;
}
