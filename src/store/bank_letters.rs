//! Letters about bank payments: fixed in the transaction that books the step, mailed afterwards.

use sqlx::FromRow;

use super::{Result, Store, Tx, execute, fetch_all};

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct BankLetter {
    /// Recorded before the mail goes.
    pub message_id: String,
    pub kind: String,
    pub stripe_id: String,
    /// JSON of the engine's.
    pub facts: String,
    pub mail_to: String,
    pub attempts: i64,
}

impl Store {
    /// Takes letters that are due, and puts them off until `again_ms`, so that another sidecar takes others.
    pub async fn take_bank_letters(
        &self,
        sidecar: &str,
        limit: i64,
        now_ms: i64,
        again_ms: i64,
    ) -> Result<Vec<BankLetter>> {
        let mut tx = self.begin().await?;
        let sql = tx.either(
            "UPDATE bank_letters SET next_at_ms = $3, claimed_by = $4 WHERE message_id IN
                 (SELECT message_id FROM bank_letters WHERE mailed_ms IS NULL AND next_at_ms <= $1
                  ORDER BY next_at_ms LIMIT $2)
             RETURNING message_id, kind, stripe_id, facts, mail_to, attempts",
            "UPDATE bank_letters SET next_at_ms = $3, claimed_by = $4 WHERE message_id IN
                 (SELECT message_id FROM bank_letters WHERE mailed_ms IS NULL AND next_at_ms <= $1
                  ORDER BY next_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING message_id, kind, stripe_id, facts, mail_to, attempts",
        );
        let due = fetch_all!(&mut tx, BankLetter, sql, now_ms, limit, again_ms, sidecar)?;
        tx.commit().await?;
        Ok(due)
    }

    pub async fn bank_letter_mailed(&self, message_id: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "UPDATE bank_letters SET mailed_ms = $2 WHERE message_id = $1", message_id, now_ms)?;
        tx.commit().await
    }

    /// A try failed. One that a dying sidecar left behind is no failure, and makes nobody wait longer.
    pub async fn bank_letter_again(&self, message_id: &str, at_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE bank_letters SET next_at_ms = $2, attempts = attempts + 1, claimed_by = NULL WHERE message_id = $1";
        execute!(&mut tx, sql, message_id, at_ms)?;
        tx.commit().await
    }
}

impl Tx {
    /// Whether such a letter to this address is still to go out; it is due now.
    pub async fn bank_letter_waits(&mut self, kind: &str, stripe_id: &str, mail_to: &str, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE bank_letters SET next_at_ms = CASE WHEN claimed_by IS NULL THEN $4 ELSE next_at_ms END
                   WHERE kind = $1 AND stripe_id = $2 AND mail_to = $3 AND mailed_ms IS NULL";
        Ok(execute!(self, sql, kind, stripe_id, mail_to, now_ms)? > 0)
    }

    /// Once a step: the same step booked again writes no second letter. Answers whether it is a new one.
    pub async fn insert_bank_letter(&mut self, letter: &BankLetter, now_ms: i64) -> Result<bool> {
        let inserted = execute!(
            self,
            "INSERT INTO bank_letters (message_id, kind, stripe_id, facts, mail_to, attempts, next_at_ms)
             VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT DO NOTHING",
            letter.message_id.as_str(),
            letter.kind.as_str(),
            letter.stripe_id.as_str(),
            letter.facts.as_str(),
            letter.mail_to.as_str(),
            now_ms,
        )?;
        Ok(inserted > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_letter_is_written_once_and_due_until_it_is_mailed() {
        on_both(async |store| {
            let letter = BankLetter {
                message_id: "<a@x>".into(),
                kind: "started".into(),
                stripe_id: "pi_1".into(),
                facts: "{}".into(),
                mail_to: "jane@customers.example".into(),
                attempts: 0,
            };
            let mut tx = store.begin().await.unwrap();
            assert!(tx.insert_bank_letter(&letter, 10).await.unwrap());
            assert!(!tx.insert_bank_letter(&letter, 11).await.unwrap());
            let to = letter.mail_to.as_str();
            assert!(tx.bank_letter_waits("started", "pi_1", to, 10).await.unwrap());
            assert!(!tx.bank_letter_waits("failed", "pi_1", to, 10).await.unwrap());
            assert!(!tx.bank_letter_waits("started", "pi_1", "june@customers.example", 10).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(store.take_bank_letters("me", 10, 10, 1_000).await.unwrap().len(), 1);
            assert_eq!(store.take_bank_letters("me", 10, 20, 1_000).await.unwrap().len(), 0, "it is taken");
            assert_eq!(store.take_bank_letters("me", 10, 1_000, 2_000).await.unwrap().len(), 1, "its sender died");
            if matches!(store.db, crate::store::database::Db::Sqlite { .. }) {
                store.release_foreign().await.unwrap();
                let freed = store.take_bank_letters("me", 10, 1_001, 9_000).await.unwrap();
                assert_eq!(
                    (freed.len(), freed[0].attempts),
                    (1, 0),
                    "a restart waits for nobody, and a death is no failed try"
                );
            }
            store.bank_letter_again("<a@x>", 1_200).await.unwrap();
            assert_eq!(store.take_bank_letters("me", 10, 1_200, 9_000).await.unwrap()[0].attempts, 1);
            store.bank_letter_mailed("<a@x>", 1_500).await.unwrap();
            assert_eq!(store.take_bank_letters("me", 10, 9_000, 9_999).await.unwrap().len(), 0);
        })
        .await;
    }
}
