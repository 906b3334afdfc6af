//! What the pages say, and what stands in none of them.

use super::outside::{Browser, LINK, Outside};
use crate::domain::LinkId;
use crate::domain::link::LinkState;
use crate::engine::clock::wall_ms;
use crate::store::harness::sqlite;

/// Nothing inline, and none of the words that the pages don't use.
fn is_clean(text: &str) {
    assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" onclick"), "{text}");
    for script in text.split("<script").skip(1) {
        let tag = script.split("</script>").next().unwrap_or_default();
        assert!(tag.contains("src=") && tag.trim_end().ends_with('>'), "an inline script: {tag}");
    }
}

#[tokio::test]
async fn opening_a_link_changes_nothing_and_continue_wants_a_person() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let token = outside.link().await;
    let mut browser = Browser::new(&outside);
    let before = browser.get(&format!("/p/{token}")).await;
    is_clean(&before.text);
    assert!(before.headers.get("set-cookie").is_none());
    assert_eq!(before.headers["cache-control"], "no-store");
    assert_eq!(before.headers["referrer-policy"], "no-referrer");
    let policy = before.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let forged = browser.post(&format!("/p/{token}"), &[("csrf", "00")]).await;
    assert_eq!(forged.status, 403);
    let on = browser.post(&format!("/p/{token}"), &[("csrf", &before.hidden("csrf"))]).await;
    let cookie = on.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", &format!("Path=/pay/{LINK}")] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let stranger = Browser::new(&outside).get(&format!("/pay/{LINK}")).await;
    assert_eq!(stranger.status, 403);
    assert!(!stranger.text.contains("1,240"), "{}", stranger.text);
}

#[tokio::test]
async fn malformed_and_never_issued_tokens_are_answered_alike() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let mut browser = Browser::new(&outside);
    let never = browser.get(&format!("/p/{}", "x".repeat(43))).await;
    let malformed = browser.get("/p/abc").await;
    assert_eq!((never.status, malformed.status), (404, 404));
    assert_eq!(never.text, malformed.text);
}

#[tokio::test]
async fn each_state_of_the_page_has_its_own_words() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let token = outside.link().await;
    let mut browser = Browser::new(&outside);
    let open = browser.open(&token).await;
    is_clean(&open.text);
    assert!(open.text.contains("Roof &lt;repair&gt;"), "{}", open.text);
    assert!(open.text.len() < 20_000, "{}", open.text.len());
    let hidden = regexless(&open.text);
    insta::assert_snapshot!("open", hidden);
    for (amount, words) in [
        ("", "Enter the amount you want to pay"),
        ("abc", "Enter the amount in figures, like 250 or 250.50"),
        ("1e3", "Enter the amount in figures, like 250 or 250.50"),
        ("-5", "Enter the amount in figures, like 250 or 250.50"),
        ("0.10", "The smallest card payment is $0.50"),
        ("1,240.01", "is left to pay. Enter that or less"),
        ("10.005", "USD has 2 decimals"),
        ("1239.90", "too little to pay by card"),
    ] {
        let refused = browser.pay(&open, Some(amount), &[]).await;
        assert_eq!(refused.status, 422, "{amount}: {}", refused.text);
        let said = refused.json();
        assert!(said["todo"].as_str().unwrap().replace('\u{a0}', " ").contains(words), "{amount}: {said}");
        assert_eq!(said["field"], "amount");
    }
    assert_eq!(outside.world.lock().unwrap().intents.len(), 0);

    outside.world.lock().unwrap().status = "Cancelled".into();
    assert!(browser.get(&format!("/pay/{LINK}")).await.text.contains("has withdrawn this invoice"));
    outside.world.lock().unwrap().status = "Open".into();
    assert_eq!(browser.get(&format!("/pay/{LINK}")).await.status, 200);

    outside.world.lock().unwrap().salesforce_down = true;
    let copy = browser.get(&format!("/pay/{LINK}")).await;
    assert!(copy.text.contains("Amounts as of"), "{}", copy.text);
    outside.world.lock().unwrap().salesforce_down = false;

    let id = LinkId::parse(LINK).unwrap();
    let mut tx = outside.store.begin().await.unwrap();
    tx.extend_link(&id, Some(wall_ms() - 1_000), wall_ms()).await.unwrap();
    tx.commit().await.unwrap();
    let expired = browser.get(&format!("/p/{token}")).await;
    assert_eq!(expired.status, 410);
    assert!(expired.text.contains("This link has run out") && !expired.text.contains("1,240"), "{}", expired.text);
    let mut tx = outside.store.begin().await.unwrap();
    tx.end_link(&id, LinkState::Revoked, wall_ms()).await.unwrap();
    tx.commit().await.unwrap();
    let revoked = browser.get(&format!("/p/{token}")).await;
    assert_eq!(revoked.status, 410);
    assert!(revoked.text.contains("This link no longer works"));
}

#[tokio::test]
async fn without_script_the_page_says_so_and_keeps_what_was_typed() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let token = outside.link().await;
    let mut browser = Browser::new(&outside);
    let page = browser.open(&token).await;
    let (csrf, press, shown) = (page.hidden("csrf"), page.hidden("press"), page.hidden("shown"));
    let form = [
        ("csrf", csrf.as_str()),
        ("press", &press),
        ("shown", &shown),
        ("currency", "USD"),
        ("choice", "part"),
        ("amount", "2000"),
        ("method", "new"),
    ];
    let refused = browser.post(&format!("/pay/{LINK}/attempts"), &form).await;
    is_clean(&refused.text);
    assert!(refused.text.contains("Card payment needs JavaScript"), "{}", refused.text);
    assert!(refused.text.contains("value=\"2000\""));
    let stale =
        browser.post(&format!("/pay/{LINK}/attempts"), &[("csrf", "old"), ("amount", "77"), ("choice", "part")]).await;
    assert_eq!(stale.status, 403);
    assert!(stale.text.contains("value=\"77\""), "{}", stale.text);
}

#[tokio::test]
async fn a_webhook_is_stored_before_it_is_acknowledged_and_a_forged_one_never() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let mut browser = Browser::new(&outside);
    let forged = browser.post("/webhooks/stripe", &[("id", "evt_1")]).await;
    assert_eq!(forged.status, 400);
    assert_eq!(outside.store.take_hints("me", 10, i64::MAX, 0).await.unwrap().len(), 0);
}

/// The page without what differs each time.
fn regexless(text: &str) -> String {
    let mut out = text.to_owned();
    for name in ["csrf", "press"] {
        let mark = format!("name=\"{name}\" value=\"");
        let mut from = 0;
        while let Some(at) = out[from..].find(&mark).map(|at| from + at + mark.len()) {
            let end = at + out[at..].find('"').unwrap_or(0);
            out.replace_range(at..end, "*");
            from = at;
        }
    }
    for folder in ["/assets/page.", "/assets/pay."] {
        if let Some(at) = out.find(folder).map(|at| at + folder.len()) {
            out.replace_range(at..at + 12, "*");
        }
    }
    out.replace("><", ">\n<")
}
