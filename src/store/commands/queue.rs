//! Commands that are to be done: taken, done, put off.

use super::{Trouble, held};
use crate::domain::{Command, CommandId, CommandKind, Priority, SalesforceId};
use crate::store::{Error, Result, Tx, execute, fetch_all, fetch_scalar};

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
    pub(in crate::store) async fn take_numbers(&mut self, counter: &'static str, count: i64) -> Result<i64> {
        let last = fetch_scalar!(
            self,
            i64,
            "UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value",
            count,
            counter
        )?;
        last.ok_or_else(|| Error::Unreadable { what: "no counter", found: counter.to_owned() })
    }

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
