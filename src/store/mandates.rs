//! Evidence of what customers agreed to before a bank account was debited.

use sqlx::FromRow;

use super::{Result, Store, Tx, execute, fetch_optional};

/// What was agreed to, by whom, when, and from where.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Mandate {
    pub attempt_id: String,
    pub bank_id: String,
    pub version: String,
    pub text: String,
    pub text_hash: String,
    pub standing: i64,
    /// Of the wall clock.
    pub accepted_ms: i64,
    pub address: String,
    pub user_agent: String,
    pub ended_ms: Option<i64>,
    pub ended_why: Option<String>,
    pub forget_ms: i64,
}

const ONE: &str =
    "SELECT attempt_id, bank_id, version, text, text_hash, standing, accepted_ms, address, user_agent, ended_ms,
                       ended_why, forget_ms FROM mandates WHERE attempt_id = $1";

impl Store {
    pub async fn mandate(&self, attempt: &str) -> Result<Option<Mandate>> {
        let mut tx = self.reading().await?;
        tx.mandate(attempt).await
    }

    /// What has been kept for long enough. Answers how many.
    pub async fn forget_mandates(&self, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let forgotten = execute!(&mut tx, "DELETE FROM mandates WHERE forget_ms < $1", now_ms)?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

impl Tx {
    pub async fn mandate(&mut self, attempt: &str) -> Result<Option<Mandate>> {
        fetch_optional!(self, Mandate, ONE, attempt)
    }

    /// In the transaction that takes the room.
    pub async fn insert_mandate(&mut self, mandate: &Mandate) -> Result<()> {
        execute!(
            self,
            "INSERT INTO mandates (attempt_id, bank_id, version, text, text_hash, standing, accepted_ms, address, user_agent,
                 forget_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            mandate.attempt_id.as_str(),
            mandate.bank_id.as_str(),
            mandate.version.as_str(),
            mandate.text.as_str(),
            mandate.text_hash.as_str(),
            mandate.standing,
            mandate.accepted_ms,
            mandate.address.as_str(),
            mandate.user_agent.as_str(),
            mandate.forget_ms,
        )?;
        Ok(())
    }

    /// A debit was made under it: its two years begin anew.
    pub async fn keep_mandate(&mut self, attempt: &str, forget_ms: i64) -> Result<()> {
        let sql = "UPDATE mandates SET forget_ms = $2 WHERE attempt_id = $1 AND forget_ms < $2";
        execute!(self, sql, attempt, forget_ms)?;
        Ok(())
    }

    /// All that is in force for the bank ends.
    pub async fn end_mandates(&mut self, bank: &str, why: &str, now_ms: i64) -> Result<()> {
        let sql = "UPDATE mandates SET ended_ms = $2, ended_why = $3 WHERE bank_id = $1 AND ended_ms IS NULL";
        execute!(self, sql, bank, now_ms, why)?;
        execute!(self, "UPDATE banks SET mandate = NULL WHERE bank_id = $1", bank)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn evidence_is_kept_two_years_after_the_last_debit_and_then_forgotten() {
        on_both(async |store| {
            let mandate = Mandate {
                attempt_id: "a".into(),
                bank_id: "ba_1".into(),
                version: "web-1".into(),
                text: "I authorise".into(),
                text_hash: "h".into(),
                standing: 1,
                accepted_ms: 5,
                address: "203.0.113.7".into(),
                user_agent: "Mozilla".into(),
                ended_ms: None,
                ended_why: None,
                forget_ms: 1_000,
            };
            let mut tx = store.begin().await.unwrap();
            tx.insert_mandate(&mandate).await.unwrap();
            tx.keep_mandate("a", 2_000).await.unwrap();
            tx.keep_mandate("a", 1_500).await.unwrap();
            tx.end_mandates("ba_1", "insufficient_funds", 50).await.unwrap();
            tx.end_mandates("ba_1", "another", 60).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.forget_mandates(1_999).await.unwrap(), 0);
            let kept = store.mandate("a").await.unwrap().unwrap();
            assert_eq!((kept.ended_ms, kept.ended_why.as_deref()), (Some(50), Some("insufficient_funds")));
            assert_eq!(store.forget_mandates(2_001).await.unwrap(), 1);
        })
        .await;
    }
}
