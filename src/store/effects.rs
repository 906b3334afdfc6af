//! Every write to Stripe, noted with its key and exact body before it is sent.

use super::{Result, Store, Tx, execute, fetch_one};

/// A write that was, or is about to be, sent.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Effect {
    /// Stripe's Idempotency-Key.
    pub key: String,
    /// POST or DELETE.
    pub method: String,
    /// As /v1/customers.
    pub path: String,
    /// The exact form body.
    pub body: String,
    /// When it was first noted, on the steady clock.
    pub first_tried_ms: i64,
    /// When the answer was noted.
    pub answered_ms: Option<i64>,
    /// What was answered, as far as we need it again: an id, or a refusal's code.
    pub answer: Option<String>,
}

/// Stripe keeps keys for at least 24 hours; after 23 we look before we try again.
pub const KEY_LIFE_MS: i64 = 23 * 3_600_000;

/// The answer of an effect whose key Stripe has spent on a failure that it keeps.
pub const SPENT: &str = "spent";

/// The key of a further try of what may be done twice without harm; the first has no number.
pub fn numbered(key: String, number: u32) -> String {
    if number == 0 { key } else { format!("{key}:{number}") }
}

impl Effect {
    /// Whether Stripe may have forgotten the key, so that sending it again could do it twice.
    pub fn is_stale(&self, now_ms: i64) -> bool {
        now_ms - self.first_tried_ms > KEY_LIFE_MS
    }
}

impl Store {
    /// Notes a write before it is sent. If the key was noted before, what was noted then is answered, and that is what must
    /// be sent: Stripe refuses the same key with another body.
    pub async fn effect_begin(&self, key: &str, method: &str, path: &str, body: &str, now_ms: i64) -> Result<Effect> {
        let mut tx = self.begin().await?;
        let effect = tx.effect_begin(key, method, path, body, now_ms).await?;
        tx.commit().await?;
        Ok(effect)
    }

    /// Notes the answer.
    pub async fn effect_done(&self, key: &str, answer: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.effect_done(key, answer, now_ms).await?;
        tx.commit().await
    }
}

impl Tx {
    /// [`Store::effect_begin`] together with other writes.
    pub async fn effect_begin(
        &mut self,
        key: &str,
        method: &str,
        path: &str,
        body: &str,
        now_ms: i64,
    ) -> Result<Effect> {
        execute!(
            self,
            "INSERT INTO effects (key, method, path, body, first_tried_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO NOTHING",
            key,
            method,
            path,
            body,
            now_ms
        )?;
        fetch_one!(
            self,
            Effect,
            "SELECT key, method, path, body, first_tried_ms, answered_ms, answer FROM effects WHERE key = $1",
            key
        )
    }

    /// [`Store::effect_done`] together with other writes.
    pub async fn effect_done(&mut self, key: &str, answer: &str, now_ms: i64) -> Result<()> {
        execute!(self, "UPDATE effects SET answered_ms = $1, answer = $2 WHERE key = $3", now_ms, answer, key)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn the_first_body_under_a_key_is_the_one_that_is_sent() {
        on_both(async |store| {
            let first = store.effect_begin("k", "POST", "/v1/customers", "name=a", 5).await.unwrap();
            let again = store.effect_begin("k", "POST", "/v1/customers", "name=b", 9).await.unwrap();
            assert_eq!(first, again);
            assert_eq!(again.body, "name=a");
            assert!(!again.is_stale(5 + KEY_LIFE_MS));
            assert!(again.is_stale(6 + KEY_LIFE_MS));
            store.effect_done("k", "cus_1", 12).await.unwrap();
            let done = store.effect_begin("k", "POST", "/v1/customers", "name=c", 20).await.unwrap();
            assert_eq!((done.answer.as_deref(), done.answered_ms), (Some("cus_1"), Some(12)));
        })
        .await;
    }
}
