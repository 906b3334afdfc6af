//! What must stand in no log and, in clear, in no table.

use std::cell::RefCell;
use std::io::Write;

use serde_json::json;
use sqlx::{Column, Row};

use super::outside::{Browser, LINK, Outside};
use crate::domain::LinkId;
use crate::store::harness::sqlite;
use crate::store::{Db, Store};

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each thread logs apart. It stands for the whole test binary: a subscriber of one thread alone misses what
/// another thread was the first to pass without one.
struct Captured;

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A payment by link with a decline, an outage, a forged webhook, a code that can't be mailed and a wrong one: what can be
/// logged is.
async fn flows(outside: &Outside) -> Vec<String> {
    let token = outside.link().await;
    let mut browser = Browser::new(outside);
    let page = browser.open(&token).await;
    let csrf = page.hidden("csrf");
    let begun = browser.pay(&page, Some("400"), &[]).await.json();
    let status = begun["statusUrl"].as_str().unwrap().to_owned();
    outside.decline("pi_1", "stolen_card", "ch_d1");
    browser.fetch(&format!("{status}/check"), &[("csrf", &csrf)]).await;
    outside.charge("pi_1");
    browser.fetch(&format!("{status}/check"), &[("csrf", &csrf)]).await;
    browser.get(&status).await;
    browser.post(&format!("/pay/{LINK}/code"), &[("csrf", &csrf)]).await;
    browser.post(&format!("/pay/{LINK}/verify"), &[("csrf", &csrf), ("code", "123456")]).await;
    browser.post("/webhooks/stripe", &[("id", "evt_1")]).await;
    browser.get(&format!("/p/{}", "n".repeat(43))).await;
    outside.world.lock().unwrap().stripe_down = true;
    browser.pay(&page, Some("50"), &[]).await;
    browser.fetch(&format!("{status}/check"), &[("csrf", &csrf)]).await;
    outside.world.lock().unwrap().salesforce_down = true;
    browser.get(&format!("/p/{token}")).await;
    browser.get(&format!("/p/{}", "m".repeat(43))).await;
    let link = outside.store.link(&LinkId::parse(LINK).unwrap()).await.unwrap().unwrap();
    outside.links.send_code(&link).await.unwrap_err();
    let mailed = outside.links.url(&LinkId::parse(LINK).unwrap());
    let mailed = mailed.rsplit('/').next().unwrap().to_owned();
    let cookie = browser.secret();
    vec![
        token,
        csrf,
        cookie,
        mailed,
        "pi_1_secret_x".into(),
        "key of the house".into(),
        "sk_test_1".into(),
        "whsec_1".into(),
    ]
}

#[tokio::test(flavor = "current_thread")]
async fn no_secret_and_no_personal_data_is_logged() {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("quittance=trace,info")
        .with_writer(|| Captured)
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other test of this binary listens");
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    let secrets = flows(&outside).await;
    let log = LOGGED.with_borrow(|logged| String::from_utf8_lossy(logged).into_owned());
    assert!(
        log.contains("a webhook was refused") && log.contains("logged in to Salesforce"),
        "it was listened to: {log}"
    );
    let personal = ["pay@mueller.example", "Müller", "Roof", "192.0.2.1"].map(str::to_owned);
    for text in secrets.iter().chain(&personal) {
        let line = log.lines().find(|line| line.contains(text.as_str()));
        assert_eq!(line, None, "{text:?} is logged");
    }
}

#[tokio::test]
async fn no_table_holds_a_secret_in_clear() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let secrets = flows(&outside).await;
    let tables = dump(&store).await;
    for must in ["sessions", "codes", "links", "effects", "attempts", "payments", "outbox"] {
        assert!(tables.iter().any(|(table, _)| table == must), "{must} is empty, so nothing was looked at in it");
    }
    for (table, row) in &tables {
        for secret in &secrets {
            assert!(!row.contains(secret.as_str()), "{table} holds {secret:?}: {row}");
        }
    }
    // A code has a million values, so its hash must need the key.
    let code = crate::domain::link::token_hash("123456");
    assert!(tables.iter().all(|(_, row)| !row.contains(&code)));
    assert_eq!(json!(tables.iter().filter(|(table, _)| table == "sessions").count()), json!(1));
}

/// Every row of every table as text.
async fn dump(store: &Store) -> Vec<(String, String)> {
    let Db::Sqlite { reader, .. } = &store.db else { panic!("this looks into a file") };
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(reader).await.unwrap();
    let mut all = Vec::new();
    for table in names {
        let sql = sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"));
        for row in sqlx::query(sql).fetch_all(reader).await.unwrap() {
            let cells = (0..row.columns().len()).map(|at| {
                let bytes: Result<Vec<u8>, _> = row.try_get_unchecked(at);
                let text: Result<String, _> = row.try_get_unchecked(at);
                let number: Result<i64, _> = row.try_get_unchecked(at);
                let bytes = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let name = row.column(at).name();
                format!("{name}={}", text.or(bytes).unwrap_or_else(|_| number.unwrap_or_default().to_string()))
            });
            all.push((table.clone(), cells.collect::<Vec<_>>().join(" ")));
        }
    }
    all
}
