//! Receipts: what they say is fixed when the payment settles; mailing and filing come after, and may take several tries.

use sqlx::FromRow;

use super::{Result, Store, Tx, execute, fetch_all, fetch_optional};

/// One receipt.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Receipt {
    pub number: String,
    pub stripe_id: String,
    /// JSON of the engine's.
    pub facts: String,
    /// Recorded before the mail goes.
    pub message_id: String,
    pub mail_to: Option<String>,
    pub mailed_ms: Option<i64>,
    pub filed_ms: Option<i64>,
    pub attempts: i64,
}

/// What the database knows of a mail by its Message-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTrace {
    None,
    /// It was about to go, and no answer of the mail server was noted: somebody may have it.
    InDoubt,
    HandedOver,
}

impl Store {
    pub async fn receipt(&self, number: &str) -> Result<Option<Receipt>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT number, stripe_id, facts, message_id, mail_to, mailed_ms, filed_ms, attempts FROM receipts
                   WHERE number = $1";
        fetch_optional!(&mut tx, Receipt, sql, number)
    }

    /// Takes receipts that are to be mailed or filed, and puts them off, so that another sidecar takes others. If this
    /// sidecar dies, they are due again as soon as that is known, and at the latest at `again_ms`.
    pub async fn take_receipts(&self, sidecar: &str, limit: i64, now_ms: i64, again_ms: i64) -> Result<Vec<Receipt>> {
        let mut tx = self.begin().await?;
        let sql = tx.either(
            "UPDATE receipts SET next_at_ms = $3, claimed_by = $4 WHERE number IN
                 (SELECT number FROM receipts WHERE (mailed_ms IS NULL OR filed_ms IS NULL) AND next_at_ms <= $1
                  ORDER BY next_at_ms LIMIT $2)
             RETURNING number, stripe_id, facts, message_id, mail_to, mailed_ms, filed_ms, attempts",
            "UPDATE receipts SET next_at_ms = $3, claimed_by = $4 WHERE number IN
                 (SELECT number FROM receipts WHERE (mailed_ms IS NULL OR filed_ms IS NULL) AND next_at_ms <= $1
                  ORDER BY next_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING number, stripe_id, facts, message_id, mail_to, mailed_ms, filed_ms, attempts",
        );
        let due = fetch_all!(&mut tx, Receipt, sql, now_ms, limit, again_ms, sidecar)?;
        tx.commit().await?;
        Ok(due)
    }

    /// The mail was handed over, or there is nobody to mail it to.
    pub async fn receipt_mailed(&self, number: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE receipts SET mailed_ms = $2 WHERE number = $1 AND mailed_ms IS NULL";
        execute!(&mut tx, sql, number, now_ms)?;
        tx.commit().await
    }

    /// It failed; the next try. A try that a dying sidecar left behind is no failure, and makes nobody wait longer.
    pub async fn receipt_again(&self, number: &str, at_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "UPDATE receipts SET next_at_ms = $2, attempts = attempts + 1, claimed_by = NULL WHERE number = $1",
            number,
            at_ms
        )?;
        tx.commit().await
    }

    /// What an earlier try left behind of a mail.
    pub async fn mail_trace(&self, message_id: &str) -> Result<MailTrace> {
        let mut tx = self.reading().await?;
        let sql = "SELECT sent_ms FROM mails WHERE message_id = $1";
        Ok(match fetch_optional!(&mut tx, (Option<i64>,), sql, message_id)? {
            None => MailTrace::None,
            Some((None,)) => MailTrace::InDoubt,
            Some((Some(_),)) => MailTrace::HandedOver,
        })
    }

    /// Records a mail before it goes. Answers whether it was already handed over.
    pub async fn record_mail(&self, message_id: &str, kind: &str, now_ms: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO mails (message_id, kind, recorded_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        execute!(&mut tx, sql, message_id, kind, now_ms)?;
        let sql = "SELECT sent_ms FROM mails WHERE message_id = $1";
        let row = fetch_optional!(&mut tx, (Option<i64>,), sql, message_id)?;
        tx.commit().await?;
        Ok(row.is_some_and(|row| row.0.is_some()))
    }

    /// The mail server said no, and no earlier try is in doubt: nobody has this letter.
    pub async fn mail_not_taken(&self, message_id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "DELETE FROM mails WHERE message_id = $1 AND sent_ms IS NULL", message_id)?;
        tx.commit().await
    }

    /// The mail server took it.
    pub async fn mail_sent(&self, message_id: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "UPDATE mails SET sent_ms = $2 WHERE message_id = $1", message_id, now_ms)?;
        tx.commit().await
    }
}

impl Tx {
    /// In the transaction that settles the payment.
    pub async fn insert_receipt(&mut self, receipt: &Receipt, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "INSERT INTO receipts (number, stripe_id, facts, message_id, mail_to, attempts, next_at_ms)
             VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT DO NOTHING",
            receipt.number.as_str(),
            receipt.stripe_id.as_str(),
            receipt.facts.as_str(),
            receipt.message_id.as_str(),
            receipt.mail_to.as_deref(),
            now_ms,
        )?;
        Ok(())
    }

    /// The file is in the queue of uploads, in the same transaction.
    pub async fn receipt_filed(&mut self, number: &str, now_ms: i64) -> Result<()> {
        execute!(self, "UPDATE receipts SET filed_ms = $2 WHERE number = $1 AND filed_ms IS NULL", number, now_ms)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_receipt_is_due_until_it_is_mailed_and_filed() {
        on_both(async |store| {
            let receipt = Receipt {
                number: "R-000001".into(),
                stripe_id: "pi_1".into(),
                facts: "{}".into(),
                message_id: "<r@x>".into(),
                mail_to: None,
                mailed_ms: None,
                filed_ms: None,
                attempts: 0,
            };
            let mut tx = store.begin().await.unwrap();
            tx.insert_receipt(&receipt, 10).await.unwrap();
            tx.insert_receipt(&receipt, 10).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.take_receipts("me", 10, 10, 1_000).await.unwrap().len(), 1);
            assert_eq!(store.take_receipts("me", 10, 20, 1_000).await.unwrap().len(), 0, "it is taken");
            store.receipt_mailed("R-000001", 30).await.unwrap();
            let again = store.take_receipts("me", 10, 1_000, 2_000).await.unwrap();
            assert_eq!(
                again.iter().map(|one| one.attempts).collect::<Vec<_>>(),
                [0],
                "not filed yet, and nothing failed"
            );
            store.receipt_again("R-000001", 2_500).await.unwrap();
            let again = store.take_receipts("me", 10, 2_500, 3_000).await.unwrap();
            assert_eq!(again.iter().map(|one| one.attempts).collect::<Vec<_>>(), [1]);
            let mut tx = store.begin().await.unwrap();
            tx.receipt_filed("R-000001", 40).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.take_receipts("me", 10, 9_000, 10_000).await.unwrap().len(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_mail_is_known_as_sent_only_after_it_was() {
        on_both(async |store| {
            assert_eq!(store.mail_trace("<a@x>").await.unwrap(), MailTrace::None);
            assert!(!store.record_mail("<a@x>", "request", 1).await.unwrap());
            assert_eq!(store.mail_trace("<a@x>").await.unwrap(), MailTrace::InDoubt);
            store.mail_not_taken("<a@x>").await.unwrap();
            assert_eq!(store.mail_trace("<a@x>").await.unwrap(), MailTrace::None);
            assert!(!store.record_mail("<a@x>", "request", 1).await.unwrap());
            assert!(!store.record_mail("<a@x>", "request", 2).await.unwrap());
            store.mail_sent("<a@x>", 3).await.unwrap();
            store.mail_not_taken("<a@x>").await.unwrap();
            assert_eq!(store.mail_trace("<a@x>").await.unwrap(), MailTrace::HandedOver);
            assert!(store.record_mail("<a@x>", "request", 4).await.unwrap());
        })
        .await;
    }
}
