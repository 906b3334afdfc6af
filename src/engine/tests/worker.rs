//! The worker: order, and who waits for whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::org::{Outside, command, until};
use crate::domain::CommandKind;
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Registry, Work};
use crate::engine::worker;
use crate::store::harness::{on_both, sqlite};

/// Notes what it is asked to do; answers by the command's id.
#[derive(Clone, Default)]
struct Script {
    done: Arc<Mutex<Vec<String>>>,
    tries: Arc<AtomicUsize>,
}

impl Handler for Script {
    fn read_back(&self) -> Option<ReadBack> {
        None
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(async move {
            let id = work.command.id.as_str().to_owned();
            if id.starts_with("slow") {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            self.tries.fetch_add(1, Ordering::Relaxed);
            match id.split(':').next() {
                Some("stuck") => return Outcome::later("x", "It does not answer.", "Wait."),
                Some("panic") if work.attempts == 0 => panic!("a mistake of our own"),
                _ => {}
            }
            self.done.lock().unwrap().push(id);
            Outcome::nothing()
        })
    }
}

/// The same, but its records are read first.
struct Reading(Script);

impl Handler for Reading {
    fn read_back(&self) -> Option<ReadBack> {
        Some(ReadBack { object: "Account", fields: vec!["Id"] })
    }

    fn run(&self, work: Work) -> Doing<'_> {
        self.0.run(work)
    }
}

const A: &str = "001D000000IqhSL";
const B: &str = "001D000000IqhSM";

#[tokio::test]
async fn a_lane_keeps_its_order_and_a_stuck_one_stops_nobody_else() {
    on_both(async |store| {
        let outside = Outside::start(store.clone()).await;
        let script = Script::default();
        let sync = |id: &str, record| command(id, CommandKind::SyncNow, record);
        outside.enqueue(&[sync("slow:1", A), sync("a:2", A), sync("stuck:1", B), sync("b:2", B), sync("a:3", A)]).await;
        let registry = Registry::default().with(CommandKind::SyncNow, script.clone());
        let task = tokio::spawn(worker::run(outside.house.clone(), registry));
        until("the other lane is done", async || script.done.lock().unwrap().len() == 3).await;
        assert_eq!(*script.done.lock().unwrap(), ["slow:1", "a:2", "a:3"], "b:2 waits behind what is stuck");
        outside.house.stop.cancel();
        task.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn retries_end_as_a_dead_letter_with_an_error_and_the_lane_goes_on() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let script = Script::default();
    outside
        // Of another kind: a later sync of the same account would be the mending of the first.
        .enqueue(&[command("stuck:1", CommandKind::SyncAccount, A), command("a:2", CommandKind::ReviewInvoice, A)])
        .await;
    let registry = Registry::default()
        .with(CommandKind::SyncAccount, script.clone())
        .with(CommandKind::ReviewInvoice, script.clone());
    let task = tokio::spawn(worker::run(outside.house.clone(), registry));
    for tries in 1..=30 {
        until("the next try", async || script.tries.load(Ordering::Relaxed) >= tries).await;
        let mut tx = store.begin().await.unwrap();
        crate::store::execute!(&mut tx, "UPDATE commands SET next_at_ms = 0").unwrap();
        tx.commit().await.unwrap();
        outside.house.commands_came.notify_waiters();
    }
    until("the lane goes on", async || !script.done.lock().unwrap().is_empty()).await;
    let dead = store.reading().await.unwrap().dead_letters(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id.as_str(), dead[0].attempts), (1, "stuck:1", 30));
    let mut tx = store.begin().await.unwrap();
    let rows = tx.take_outgoing("test", true, 10, i64::MAX).await.unwrap();
    let error = &rows[0].write.fields;
    assert_eq!(
        (&error["Sentence__c"], &error["Account__c"]),
        (&json!("It does not answer."), &json!("001D000000IqhSLIAZ"))
    );
    drop(tx);
    outside.house.stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_panic_ends_as_one_failed_try_of_one_command() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let script = Script::default();
    outside.enqueue(&[command("panic:1", CommandKind::SyncNow, A), command("b:1", CommandKind::SyncNow, B)]).await;
    let registry = Registry::default().with(CommandKind::SyncNow, script.clone());
    let task = tokio::spawn(worker::run(outside.house.clone(), registry));
    until("both are done", async || script.done.lock().unwrap().len() == 2).await;
    assert_eq!(script.tries.load(Ordering::Relaxed), 3);
    outside.house.stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_forged_id_takes_nobody_elses_command_with_it() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let script = Script::default();
    let commands: Vec<_> =
        (0..40).map(|n| command(&format!("c{n}"), CommandKind::SyncAccount, &format!("001D0000000{n:04}"))).collect();
    outside.world().bad_id = Some(commands[11].record.to_string());
    outside.enqueue(&commands).await;
    let registry = Registry::default().with(CommandKind::SyncAccount, Reading(script.clone()));
    let task = tokio::spawn(worker::run(outside.house.clone(), registry));
    until("all others are done", async || script.done.lock().unwrap().len() == 39).await;
    let dead = async || store.reading().await.unwrap().dead_letters(10).await.unwrap();
    until("the forged one is given up", async || dead().await.len() == 1).await;
    assert_eq!((dead().await[0].id.as_str(), dead().await[0].code.as_deref()), ("c11", Some("no_such_record")));
    outside.house.stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_claim_in_doubt_is_freed_by_a_change_of_name() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store.clone()).await;
    let before = outside.house.me();
    outside.house.doubt();
    let task = tokio::spawn(crate::engine::pulse::run(outside.house.clone()));
    until("a new name", async || outside.house.me() != before).await;
    let mut tx = store.reading().await.unwrap();
    let names = crate::store::fetch_all!(&mut tx, (String,), "SELECT id FROM sidecars").unwrap();
    assert!(names.iter().any(|name| name.0 == outside.house.me()), "a name that nobody knows is never buried");
    assert!(!outside.house.had_doubt());
    drop(tx);
    outside.house.stop.cancel();
    task.await.unwrap();
}
