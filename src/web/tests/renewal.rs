//! "Send a new link".

use super::outside::{Browser, INVOICE, Outside};
use crate::domain::link::{LinkKind, LinkState, LinkUse, token_hash};
use crate::domain::{Command, CommandKind, LinkId, Priority, SalesforceId};
use crate::engine::clock::wall_ms;
use crate::store::harness::{on_both, sqlite};
use crate::store::links::Link;

const HOUR_MS: i64 = 3_600_000;

/// A link that ran out an hour ago, after ten days.
fn ran_out(id: &str, to: &str) -> Link {
    let now_ms = wall_ms();
    Link {
        id: LinkId::parse(id).unwrap(),
        token_hash: token_hash(&token(id)),
        kind: LinkKind::Mailed,
        invoice: SalesforceId::parse(INVOICE).unwrap(),
        sent_to: Some(to.into()),
        note: Some("Thank you".into()),
        state: LinkState::Open,
        made_ms: now_ms - 241 * HOUR_MS,
        changed_ms: now_ms - 241 * HOUR_MS,
        expires_ms: Some(now_ms - HOUR_MS),
        locked_until_ms: None,
    }
}

fn token(id: &str) -> String {
    format!("{id:x<43}")
}

async fn keep(outside: &Outside, link: &Link) {
    let mut tx = outside.store.begin().await.unwrap();
    tx.record_link_once(link).await.unwrap();
    tx.commit().await.unwrap();
}

/// The button, pressed. Answers where the browser is led.
async fn press(outside: &Outside, id: &str) -> String {
    let mut browser = Browser::new(outside);
    let address = format!("/p/{}", token(id));
    let page = browser.get(&address).await;
    assert_eq!(page.status, 410);
    let pressed = browser.post(&format!("{address}/renew"), &[("csrf", &page.hidden("csrf"))]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    pressed.headers["location"].to_str().unwrap().to_owned()
}

async fn asked(outside: &Outside) -> Vec<Command> {
    let mut tx = outside.store.begin().await.unwrap();
    let claimed = tx.claim("me", Priority::Interactive, 10, i64::MAX / 2).await.unwrap();
    claimed.into_iter().map(|one| one.command).collect()
}

#[tokio::test]
async fn a_link_that_ran_out_offers_a_new_one_and_pressing_it_often_asks_once() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        keep(&outside, &ran_out("old", "payer@example.com")).await;
        let page = Browser::new(&outside).get(&format!("/p/{}", token("old"))).await;
        assert!(page.text.contains("Send a new link") && !page.text.contains("payer@"), "{}", page.text);
        assert!(!page.text.contains("1,240"), "{}", page.text);
        let forged = Browser::new(&outside).post(&format!("/p/{}/renew", token("old")), &[("csrf", "00")]).await;
        assert_eq!(forged.status, 403);
        assert_eq!(asked(&outside).await, []);
        for _ in 0..3 {
            let to = press(&outside, "old").await;
            let told = Browser::new(&outside).get(&to).await;
            assert_eq!(told.status, 200);
            assert!(
                told.text.contains("If the invoice is still open") && !told.text.contains("payer@"),
                "{}",
                told.text
            );
        }
        let commands = asked(&outside).await;
        assert_eq!(commands.len(), 1, "{commands:?}");
        assert_eq!((commands[0].kind, commands[0].lane.as_str()), (CommandKind::RenewLink, "a00D000000IqhSLIAZ"));
        assert_eq!(outside.store.link(&LinkId::parse("old").unwrap()).await.unwrap().unwrap().state, LinkState::Open);
    })
    .await;
}

#[tokio::test]
async fn the_fresh_link_goes_to_the_old_address_and_a_crash_before_the_mail_makes_no_second_one() {
    on_both(async |store| {
        let outside = Outside::start(store).await;
        keep(&outside, &ran_out("old", "payer@example.com")).await;
        press(&outside, "old").await;
        let command = asked(&outside).await.remove(0);
        for _ in 0..2 {
            // There is no mail server here: each try ends at the mail, as a kill would.
            let error = outside.links.renew(&command).await.expect_err("nothing listens there");
            assert!(error.is_passing(), "{error}");
        }
        let invoice = SalesforceId::parse(INVOICE).unwrap();
        let open = outside.store.open_links_of(&invoice).await.unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        let fresh = &open[0];
        assert_eq!((fresh.sent_to.as_deref(), fresh.note.as_deref()), (Some("payer@example.com"), Some("Thank you")));
        assert_eq!(fresh.usable(wall_ms()), LinkUse::Pays);
        let life_ms = fresh.expires_ms.unwrap() - fresh.made_ms;
        assert_eq!(life_ms, 240 * HOUR_MS, "as long as the old one was meant to work");
        let message = format!("<{}.request@acme.example>", fresh.id);
        assert!(!outside.store.record_mail(&message, "request", 1).await.unwrap(), "recorded, and not sent");
        let links = outside.outbox("Payment_Link__c").await;
        assert_eq!(links.iter().map(|link| link["State__c"].clone()).collect::<Vec<_>>(), ["Replaced"]);
        let old = Browser::new(&outside).get(&format!("/p/{}", token("old"))).await;
        assert!(old.text.contains("replaced this link") && old.text.contains("Send it again"), "{}", old.text);
        // The company switches the fresh one off before its mail could go.
        let mut tx = outside.store.begin().await.unwrap();
        tx.end_link(&fresh.id, LinkState::Revoked, wall_ms()).await.unwrap();
        tx.commit().await.unwrap();
        outside.links.renew(&command).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_replaced_address_is_never_brought_back_and_a_revoked_or_copied_link_offers_nothing() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let invoice = SalesforceId::parse(INVOICE).unwrap();
    keep(&outside, &Link { state: LinkState::Replaced, ..ran_out("wrong", "wrong@example.com") }).await;
    let newer = Link { expires_ms: None, made_ms: wall_ms() - HOUR_MS, ..ran_out("newer", "right@example.com") };
    keep(&outside, &newer).await;
    press(&outside, "wrong").await;
    let command = asked(&outside).await.remove(0);
    outside.links.renew(&command).await.expect_err("nothing listens there");
    assert_eq!(outside.store.open_links_of(&invoice).await.unwrap(), [newer], "the newer link is mailed as it is");

    let mut tx = outside.store.begin().await.unwrap();
    tx.end_link(&LinkId::parse("newer").unwrap(), LinkState::Revoked, wall_ms()).await.unwrap();
    tx.commit().await.unwrap();
    outside.links.renew(&command).await.expect("nothing is sent once the company has switched the last one off");
    keep(&outside, &Link { kind: LinkKind::Copied, sent_to: None, ..ran_out("copied", "") }).await;
    for id in ["newer", "copied"] {
        let page = Browser::new(&outside).get(&format!("/p/{}", token(id))).await;
        assert!(page.status == 410 && !page.text.contains("<form") && page.text.contains("Ask Acme"), "{}", page.text);
    }
}

#[tokio::test]
async fn no_new_link_for_an_invoice_that_owes_nothing() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    keep(&outside, &ran_out("old", "payer@example.com")).await;
    press(&outside, "old").await;
    let command = asked(&outside).await.remove(0);
    outside.world.lock().unwrap().status = "Cancelled".into();
    let page = Browser::new(&outside).get(&format!("/p/{}", token("old"))).await;
    assert!(page.status == 410 && !page.text.contains("<form"), "{}", page.text);
    outside.links.renew(&command).await.expect("nothing is mailed");
    let old = outside.store.link(&LinkId::parse("old").unwrap()).await.unwrap().unwrap();
    assert_eq!(old.state, LinkState::Open, "and nothing is replaced");
}
