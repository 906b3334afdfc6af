use super::*;
use crate::domain::{Command, CommandId, CommandKind, Priority, SalesforceId};
use crate::store::Store;
use crate::store::harness::{on_both, postgres};

pub(crate) fn command(id: &str, lane: u32) -> Command {
    let lane = SalesforceId::parse(&format!("001D0000000{lane:04}")).unwrap();
    Command { id: CommandId::parse(id).unwrap(), kind: CommandKind::SyncAccount, record: lane.clone(), lane }
}

fn trouble() -> Trouble {
    Trouble { code: "x".into(), sentence: "It failed.".into(), remedy: "Try again.".into() }
}

async fn enqueue(store: &Store, commands: &[Command]) -> u64 {
    let mut tx = store.begin().await.unwrap();
    let added = tx.enqueue(commands, 1_000).await.unwrap();
    tx.commit().await.unwrap();
    added
}

async fn claim(store: &Store, limit: i64, now_ms: i64) -> Vec<Claimed> {
    let mut tx = store.begin().await.unwrap();
    let claimed = tx.claim("me", Priority::Bulk, limit, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn done(store: &Store, claimed: &Claimed) {
    let mut tx = store.begin().await.unwrap();
    tx.done("me", claimed, 2_000).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.command.id.as_str()).collect()
}

#[tokio::test]
async fn a_command_is_done_once_while_undone_and_again_after_it_ended() {
    on_both(async |store| {
        assert_eq!(enqueue(&store, &[command("a", 1), command("a", 1)]).await, 1);
        let first = claim(&store, 10, 1_000).await;
        assert_eq!(first[0].run, 1);
        assert_eq!(enqueue(&store, &[command("a", 1)]).await, 0, "it is being worked on");
        done(&store, &first[0]).await;
        assert_eq!(enqueue(&store, &[command("a", 1)]).await, 1);
        assert_eq!(claim(&store, 10, 1_000).await[0].run, 2);
    })
    .await;
}

#[tokio::test]
async fn a_lane_keeps_its_order_and_holds_up_no_other() {
    on_both(async |store| {
        enqueue(&store, &[command("a1", 1), command("a2", 1), command("b1", 2), command("a3", 1)]).await;
        let first = claim(&store, 10, 1_000).await;
        assert_eq!(ids(&first), ["a1", "b1"]);
        assert!(claim(&store, 10, 1_000).await.is_empty(), "a1 is still being worked on");
        let mut tx = store.begin().await.unwrap();
        tx.try_again("me", &first[0], &trouble(), 9_000, true).await.unwrap();
        tx.commit().await.unwrap();
        assert!(claim(&store, 10, 8_999).await.is_empty(), "a1 waits for its next try, and a2 behind it");
        let again = claim(&store, 10, 9_000).await;
        assert_eq!(ids(&again), ["a1"]);
        assert_eq!(again[0].attempts, 1);
        let mut tx = store.begin().await.unwrap();
        tx.give_up("me", &again[0], &trouble(), 9_000).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ids(&claim(&store, 10, 9_000).await), ["a2"], "a dead letter holds nobody up");
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_retried_twice_comes_back_once() {
    on_both(async |store| {
        enqueue(&store, &[command("a", 1)]).await;
        let claimed = claim(&store, 1, 1_000).await;
        let mut tx = store.begin().await.unwrap();
        tx.give_up("me", &claimed[0], &trouble(), 1_000).await.unwrap();
        assert_eq!(tx.dead_letters(10).await.unwrap()[0].sentence.as_deref(), Some("It failed."));
        assert!(tx.revive("a", 2_000).await.unwrap());
        assert!(!tx.revive("a", 2_000).await.unwrap());
        tx.commit().await.unwrap();
        let again = claim(&store, 10, 2_000).await;
        assert_eq!((again.len(), again[0].run, again[0].attempts), (1, 2, 0));
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_over_once_it_or_a_later_command_about_its_record_is_done() {
    on_both(async |store| {
        enqueue(&store, &[command("a:1", 1), command("b:1", 2), command("c:1", 3)]).await;
        let mut tx = store.begin().await.unwrap();
        for one in tx.claim("me", Priority::Bulk, 10, 1_000).await.unwrap() {
            tx.give_up("me", &one, &trouble(), 1_000).await.unwrap();
        }
        tx.commit().await.unwrap();
        enqueue(&store, &[command("a:2", 1), command("b:1", 2)]).await;
        let mut over = Vec::new();
        for one in claim(&store, 10, 2_000).await {
            let mut tx = store.begin().await.unwrap();
            tx.done("me", &one, 2_000).await.unwrap();
            over.push(tx.errors_over(&one.command, 2_000).await.unwrap());
            assert!(tx.errors_over(&one.command, 2_000).await.unwrap().is_empty(), "told once");
            tx.commit().await.unwrap();
        }
        assert_eq!(over, [["a:1"], ["b:1"]]);
        let left = store.reading().await.unwrap().dead_letters(10).await.unwrap();
        assert_eq!(left.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["c:1"], "another record's stays");
    })
    .await;
}

#[tokio::test]
async fn whoever_lost_the_claim_cannot_end_the_command() {
    on_both(async |store| {
        enqueue(&store, &[command("a", 1)]).await;
        let claimed = claim(&store, 1, 1_000).await;
        let mut tx = store.begin().await.unwrap();
        let lost = tx.done("another", &claimed[0], 1_000).await;
        assert!(matches!(lost, Err(Error::Lost { .. })));
    })
    .await;
}

#[tokio::test]
async fn two_sidecars_never_claim_the_same_command_nor_the_same_lane() {
    let (store, _) = postgres().await;
    let commands: Vec<_> = (0..300).map(|n| command(&format!("c{n}"), n % 60)).collect();
    enqueue(&store, &commands).await;
    let workers = (0..4).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let me = format!("sidecar {worker}");
            let mut order = Vec::new();
            let mut idle = 0;
            while idle < 20 {
                let mut tx = store.begin().await.unwrap();
                let claimed = tx.claim(&me, Priority::Bulk, 7, 1_000).await.unwrap();
                tx.commit().await.unwrap();
                idle = if claimed.is_empty() { idle + 1 } else { 0 };
                for one in claimed {
                    let mut tx = store.begin().await.unwrap();
                    tx.done(&me, &one, 1_000).await.unwrap();
                    order.push(one.command.id.to_string());
                    tx.commit().await.unwrap();
                }
            }
            order
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 300);
}
