//! The requests behind agents' pages: a token that is used up once, and the record to answer.

use sqlx::FromRow;

use super::{Result, Store, Tx, execute, fetch_optional};
use crate::domain::LinkId;

/// One request to take a payment.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct DeskRequest {
    pub record_id: String,
    pub token_expires_ms: i64,
    pub used_ms: Option<i64>,
    pub done_ms: Option<i64>,
}

impl Store {
    pub async fn desk_request(&self, link: &LinkId) -> Result<Option<DeskRequest>> {
        let mut tx = self.reading().await?;
        tx.desk_request(link.as_str()).await
    }
}

impl Tx {
    pub async fn desk_request(&mut self, link: &str) -> Result<Option<DeskRequest>> {
        let sql = "SELECT record_id, token_expires_ms, used_ms, done_ms FROM desk_requests WHERE link_id = $1";
        fetch_optional!(self, DeskRequest, sql, link)
    }

    /// The same request twice is one.
    pub async fn record_desk_request_once(&mut self, link: &LinkId, record: &str, token_expires_ms: i64) -> Result<()> {
        let sql = "INSERT INTO desk_requests (link_id, record_id, token_expires_ms) VALUES ($1, $2, $3)
                   ON CONFLICT DO NOTHING";
        execute!(self, sql, link.as_str(), record, token_expires_ms)?;
        Ok(())
    }

    /// Uses the token up. Answers whether it was still good: of two presses one gets in.
    pub async fn use_desk_token(&mut self, link: &LinkId, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE desk_requests SET used_ms = $2
                   WHERE link_id = $1 AND used_ms IS NULL AND token_expires_ms > $2";
        Ok(execute!(self, sql, link.as_str(), now_ms)? > 0)
    }

    pub async fn desk_request_done(&mut self, link: &str, now_ms: i64) -> Result<()> {
        execute!(self, "UPDATE desk_requests SET done_ms = $2 WHERE link_id = $1 AND done_ms IS NULL", link, now_ms)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_token_gets_in_once_and_not_after_its_time() {
        on_both(async |store| {
            let (one, late) = (LinkId::parse("take-1").unwrap(), LinkId::parse("take-2").unwrap());
            let mut tx = store.begin().await.unwrap();
            tx.record_desk_request_once(&one, "a02D000000IqhSL", 5_000).await.unwrap();
            tx.record_desk_request_once(&late, "a02D000000IqhSM", 5_000).await.unwrap();
            assert!(tx.use_desk_token(&one, 4_999).await.unwrap());
            assert!(!tx.use_desk_token(&one, 4_999).await.unwrap(), "it is used up");
            tx.record_desk_request_once(&one, "a02D000000IqhSL", 9_000).await.unwrap();
            assert!(!tx.use_desk_token(&one, 4_999).await.unwrap(), "the request again makes no new token");
            assert!(!tx.use_desk_token(&late, 5_000).await.unwrap(), "its time is over");
            assert!(!tx.use_desk_token(&LinkId::parse("take-3").unwrap(), 1).await.unwrap(), "nobody knows it");
            tx.desk_request_done("take-1", 7_000).await.unwrap();
            tx.commit().await.unwrap();
            let read = store.desk_request(&one).await.unwrap().unwrap();
            assert_eq!((read.used_ms, read.done_ms), (Some(4_999), Some(7_000)));
        })
        .await;
    }
}
