//! The durable queue.
//!
//! Order is kept within a lane: only the oldest undone command of a lane can be claimed, and one at a time. A command that
//! waits for its next try holds its own lane and no other; a dead one holds nothing.

use super::{Error, Result, Tx, execute, fetch_all, fetch_optional, fetch_scalar};
use crate::domain::{Command, CommandId, CommandKind, Priority, SalesforceId};

/// A command that this sidecar has taken.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What to do.
    pub command: Command,
    /// 1, and one more each time the same command comes again after it ended.
    pub run: i64,
    /// How many tries of this run have failed.
    pub attempts: i64,
    /// When it came, on the steady clock.
    pub received_ms: i64,
    /// Under which name the sidecar took it.
    pub by: String,
}

/// What went wrong, in words for the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Short and stable, for filters.
    pub code: String,
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
}

/// A command that was given up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct DeadLetter {
    /// Command id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its record.
    pub record: String,
    /// Its lane.
    pub lane: String,
    /// Which run ended so.
    pub run: i64,
    /// After how many tries.
    pub attempts: i64,
    /// When, on the steady clock.
    pub done_ms: Option<i64>,
    /// Why.
    pub code: Option<String>,
    /// Why, in words.
    pub sentence: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    record: String,
    lane: String,
    seq: i64,
    run: i64,
    attempts: i64,
    received_ms: i64,
}

const CLAIM_SQLITE: &str = "UPDATE commands SET state = 'working', claimed_by = $1 WHERE id IN (
    SELECT c.id FROM commands c WHERE c.state = 'waiting' AND c.priority = $2 AND c.next_at_ms <= $3 AND NOT EXISTS (
        SELECT 1 FROM commands o WHERE o.state IN ('waiting', 'working') AND o.lane = c.lane
            AND (o.state = 'working' OR o.seq < c.seq))
    ORDER BY c.seq LIMIT $4)
    RETURNING id, kind, record, lane, seq, run, attempts, received_ms";
const CLAIM_POSTGRES: &str = "UPDATE commands SET state = 'working', claimed_by = $1 WHERE id IN (
    SELECT c.id FROM commands c WHERE c.state = 'waiting' AND c.priority = $2 AND c.next_at_ms <= $3 AND NOT EXISTS (
        SELECT 1 FROM commands o WHERE o.state IN ('waiting', 'working') AND o.lane = c.lane
            AND (o.state = 'working' OR o.seq < c.seq))
    ORDER BY c.seq LIMIT $4 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, record, lane, seq, run, attempts, received_ms";

impl Tx {
    /// Puts commands into the queue and answers how many of them were not in it, undone, already.
    ///
    /// The numbers that order them come from one row that stays locked until commit, so that no later number can be seen
    /// before an earlier one.
    pub async fn enqueue(&mut self, commands: &[Command], now_ms: i64) -> Result<u64> {
        if commands.is_empty() {
            return Ok(0);
        }
        let count = i64::try_from(commands.len()).unwrap_or(i64::MAX);
        let last = self.take_numbers("commands", count).await?;
        let mut added = 0;
        for (number, command) in (last - count + 1..).zip(commands) {
            added += execute!(
                self,
                "INSERT INTO commands (id, kind, record, lane, seq, state, run, attempts, priority, next_at_ms, received_ms)
                 VALUES ($1, $2, $3, $4, $5, 'waiting', 1, 0, $6, $7, $7)
                 ON CONFLICT (id) DO UPDATE SET state = 'waiting', run = commands.run + 1, attempts = 0, seq = excluded.seq,
                    next_at_ms = excluded.next_at_ms, received_ms = excluded.received_ms, done_ms = NULL, claimed_by = NULL,
                    code = NULL, sentence = NULL, remedy = NULL
                 WHERE commands.state IN ('done', 'dead')",
                command.id.as_str(),
                command.kind.name(),
                command.record.as_str(),
                command.lane.as_str(),
                number,
                command.kind.priority().number(),
                now_ms
            )?;
        }
        Ok(added)
    }

    pub(super) async fn take_numbers(&mut self, counter: &'static str, count: i64) -> Result<i64> {
        let last = fetch_scalar!(
            self,
            i64,
            "UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value",
            count,
            counter
        )?;
        last.ok_or_else(|| Error::Unreadable { what: "no counter", found: counter.to_owned() })
    }

    /// Takes up to `limit` commands, each the oldest undone one of its lane.
    pub async fn claim(&mut self, sidecar: &str, priority: Priority, limit: i64, now_ms: i64) -> Result<Vec<Claimed>> {
        let statement = self.either(CLAIM_SQLITE, CLAIM_POSTGRES);
        let mut rows = fetch_all!(self, Row, statement, sidecar, priority.number(), now_ms, limit)?;
        rows.sort_by_key(|row| row.seq);
        rows.into_iter().map(|row| claimed(row, sidecar)).collect()
    }

    /// Ends a command well. Fails if the claim is no longer ours; then nothing of this transaction may stand.
    pub async fn done(&mut self, sidecar: &str, claimed: &Claimed, now_ms: i64) -> Result<()> {
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'done', claimed_by = NULL, done_ms = $1, code = NULL, sentence = NULL, remedy = NULL
             WHERE id = $2 AND run = $3 AND state = 'working' AND claimed_by = $4",
            now_ms,
            claimed.command.id.as_str(),
            claimed.run,
            sidecar
        )?;
        held(touched, claimed)
    }

    /// The commands whose Payment Errors are over now that this one is done: itself, where it was given up in an earlier
    /// run, and, where the kind brings its record to what it is now, the dead letters about the same record.
    pub async fn errors_over(&mut self, done: &Command, now_ms: i64) -> Result<Vec<String>> {
        let about_now = matches!(done.kind, CommandKind::SyncAccount | CommandKind::ReviewInvoice);
        let over = fetch_all!(
            self,
            (String,),
            "UPDATE commands SET told = 0, done_ms = $1, state = 'done'
             WHERE told = 1 AND record = $2 AND (id = $3 OR (state = 'dead' AND kind = $4)) RETURNING id",
            now_ms,
            done.record.as_str(),
            done.id.as_str(),
            if about_now { done.kind.name() } else { "" }
        )?;
        Ok(over.into_iter().map(|(id,)| id).collect())
    }

    /// Puts a command back to be tried again at `next_at_ms`. `failed` counts the try.
    pub async fn try_again(
        &mut self,
        sidecar: &str,
        claimed: &Claimed,
        trouble: &Trouble,
        next_at_ms: i64,
        failed: bool,
    ) -> Result<()> {
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'waiting', claimed_by = NULL, next_at_ms = $1, attempts = attempts + $2, code = $3,
                sentence = $4, remedy = $5
             WHERE id = $6 AND run = $7 AND state = 'working' AND claimed_by = $8",
            next_at_ms,
            i64::from(failed),
            trouble.code.as_str(),
            trouble.sentence.as_str(),
            trouble.remedy.as_str(),
            claimed.command.id.as_str(),
            claimed.run,
            sidecar
        )?;
        held(touched, claimed)
    }

    /// Gives a command up: it becomes a dead letter. The Payment Error goes into the outbox in the same transaction.
    pub async fn give_up(&mut self, sidecar: &str, claimed: &Claimed, trouble: &Trouble, now_ms: i64) -> Result<()> {
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'dead', claimed_by = NULL, done_ms = $1, attempts = attempts + 1, code = $2,
                sentence = $3, remedy = $4, told = 1
             WHERE id = $5 AND run = $6 AND state = 'working' AND claimed_by = $7",
            now_ms,
            trouble.code.as_str(),
            trouble.sentence.as_str(),
            trouble.remedy.as_str(),
            claimed.command.id.as_str(),
            claimed.run,
            sidecar
        )?;
        held(touched, claimed)
    }

    /// Puts a command straight among the dead letters: what it stands for was tried elsewhere, and in vain.
    pub async fn bury(&mut self, command: &Command, trouble: &Trouble, attempts: i64, now_ms: i64) -> Result<()> {
        let number = self.take_numbers("commands", 1).await?;
        execute!(
            self,
            "INSERT INTO commands (id, kind, record, lane, seq, state, run, attempts, priority, next_at_ms, received_ms, done_ms,
                 code, sentence, remedy)
             VALUES ($1, $2, $3, $4, $5, 'dead', 1, $6, $7, $8, $8, $8, $9, $10, $11)
             ON CONFLICT (id) DO UPDATE SET state = 'dead', attempts = $6, done_ms = $8, code = $9, sentence = $10, remedy = $11
             WHERE commands.state IN ('done', 'dead')",
            command.id.as_str(),
            command.kind.name(),
            command.record.as_str(),
            command.lane.as_str(),
            number,
            attempts,
            command.kind.priority().number(),
            now_ms,
            trouble.code.as_str(),
            trouble.sentence.as_str(),
            trouble.remedy.as_str(),
        )?;
        Ok(())
    }

    /// Hands a claimed command back untried, as when the daemon stops.
    pub async fn hand_back(&mut self, sidecar: &str, claimed: &Claimed) -> Result<()> {
        execute!(
            self,
            "UPDATE commands SET state = 'waiting', claimed_by = NULL
             WHERE id = $1 AND run = $2 AND state = 'working' AND claimed_by = $3",
            claimed.command.id.as_str(),
            claimed.run,
            sidecar
        )?;
        Ok(())
    }

    /// Puts a dead letter back into the queue as a new run. Answers whether there was one; asked twice, it is put back once.
    pub async fn revive(&mut self, id: &str, now_ms: i64) -> Result<bool> {
        let number = self.take_numbers("commands", 1).await?;
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'waiting', run = run + 1, attempts = 0, seq = $1, next_at_ms = $2, received_ms = $2,
                done_ms = NULL
             WHERE id = $3 AND state = 'dead'",
            number,
            now_ms,
            id
        )?;
        Ok(touched > 0)
    }

    /// Runs a command again that ended, well or not: an admin pressed Retry. While it is undone nothing happens.
    pub async fn run_again(&mut self, id: &str, now_ms: i64) -> Result<bool> {
        let number = self.take_numbers("commands", 1).await?;
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'waiting', run = run + 1, attempts = 0, seq = $1, next_at_ms = $2, received_ms = $2,
                done_ms = NULL
             WHERE id = $3 AND state IN ('done', 'dead')",
            number,
            now_ms,
            id
        )?;
        Ok(touched > 0)
    }

    /// When fresh links were asked for an invoice since a moment.
    pub async fn renewals_since(&mut self, invoice: &SalesforceId, since_ms: i64) -> Result<Vec<i64>> {
        let sql = "SELECT received_ms FROM commands WHERE kind = 'renew_link' AND lane = $1 AND received_ms > $2";
        let rows = fetch_all!(self, (i64,), sql, invoice.as_str(), since_ms)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Whether a command of this id is known.
    pub async fn knows_command(&mut self, id: &str) -> Result<bool> {
        Ok(fetch_scalar!(self, String, "SELECT id FROM commands WHERE id = $1", id)?.is_some())
    }

    /// Ends a dead letter for good. Answers whether there was one.
    pub async fn discard(&mut self, id: &str, now_ms: i64) -> Result<bool> {
        let touched = execute!(
            self,
            "UPDATE commands SET state = 'done', done_ms = $1, told = 0 WHERE id = $2 AND state = 'dead'",
            now_ms,
            id
        )?;
        Ok(touched > 0)
    }

    /// The dead letters, the newest first.
    pub async fn dead_letters(&mut self, limit: i64) -> Result<Vec<DeadLetter>> {
        fetch_all!(
            self,
            DeadLetter,
            "SELECT id, kind, record, lane, run, attempts, done_ms, code, sentence, remedy FROM commands
             WHERE state = 'dead' ORDER BY done_ms DESC, id LIMIT $1",
            limit
        )
    }

    /// One dead letter.
    pub async fn dead_letter(&mut self, id: &str) -> Result<Option<DeadLetter>> {
        fetch_optional!(
            self,
            DeadLetter,
            "SELECT id, kind, record, lane, run, attempts, done_ms, code, sentence, remedy FROM commands
             WHERE state = 'dead' AND id = $1",
            id
        )
    }

    /// How many commands wait or are being worked on, of one priority or more urgent.
    pub async fn undone(&mut self, priority: Priority) -> Result<i64> {
        let count = fetch_scalar!(
            self,
            i64,
            "SELECT COUNT(*) FROM commands WHERE state IN ('waiting', 'working') AND priority <= $1",
            priority.number()
        )?;
        Ok(count.unwrap_or(0))
    }

    /// Whether a command of this priority could be worked on before `until_ms`.
    pub async fn in_work(&mut self, priority: Priority, until_ms: i64) -> Result<bool> {
        let one = fetch_scalar!(
            self,
            String,
            "SELECT id FROM commands WHERE priority = $1 AND (state = 'working' OR (state = 'waiting' AND next_at_ms <= $2))
             LIMIT 1",
            priority.number(),
            until_ms
        )?;
        Ok(one.is_some())
    }

    /// Forgets what ended before `before_ms`, and the effects of that time. Dead letters stay.
    pub async fn forget_ended(&mut self, before_ms: i64) -> Result<u64> {
        execute!(self, "DELETE FROM effects WHERE first_tried_ms < $1 AND answered_ms IS NOT NULL", before_ms)?;
        execute!(self, "DELETE FROM commands WHERE state = 'done' AND done_ms < $1", before_ms)
    }
}

fn held(touched: u64, claimed: &Claimed) -> Result<()> {
    if touched == 1 { Ok(()) } else { Err(Error::Lost { what: format!("command {}", claimed.command.id) }) }
}

fn claimed(row: Row, sidecar: &str) -> Result<Claimed> {
    let bad = |what, found: &str| Error::Unreadable { what, found: found.to_owned() };
    Ok(Claimed {
        command: Command {
            id: CommandId::parse(&row.id).map_err(|_| bad("a command id", &row.id))?,
            kind: CommandKind::from_name(&row.kind).ok_or_else(|| bad("a command kind", &row.kind))?,
            record: SalesforceId::parse(&row.record).map_err(|_| bad("a record id", &row.record))?,
            lane: SalesforceId::parse(&row.lane).map_err(|_| bad("a lane", &row.lane))?,
        },
        run: row.run,
        attempts: row.attempts,
        received_ms: row.received_ms,
        by: sidecar.to_owned(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
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
}
