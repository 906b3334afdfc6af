//! Commands that were given up, until somebody has them tried again or puts them away.

use super::{Claimed, held};
use crate::domain::{Command, CommandKind};
use crate::store::{Result, Tx, execute, fetch_all, fetch_optional};

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

impl Tx {
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
}
