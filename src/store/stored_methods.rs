//! What customers stored with Stripe, as the org was last told of it, and what they agreed to.

use sqlx::FromRow;

use super::{Result, Store, Tx, execute, fetch_all, fetch_optional};

/// A card or bank as the org was last told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct StoredMethod {
    #[sqlx(rename = "method_id")]
    pub id: String,
    pub customer_id: String,
    pub account_id: String,
    /// The fields as last written out.
    pub told: Option<String>,
    pub gone: i64,
    pub consent_text: Option<String>,
    /// Of the wall clock.
    pub consent_ms: Option<i64>,
    pub later_charges: i64,
}

impl Store {
    /// Every customer who has something stored, so that a sweep reads what no event told of.
    pub async fn customers_with_methods(&self) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT customer_id FROM stored_methods WHERE gone = 0
                   UNION SELECT customer_id FROM banks WHERE save = 1 AND state <> 'gone'";
        Ok(fetch_all!(&mut tx, (String,), sql)?.into_iter().map(|(id,)| id).collect())
    }
}

impl Tx {
    pub async fn stored_methods_of(&mut self, customer: &str) -> Result<Vec<StoredMethod>> {
        let sql = "SELECT * FROM stored_methods WHERE customer_id = $1";
        fetch_all!(self, StoredMethod, sql, customer)
    }

    pub async fn stored_method(&mut self, id: &str) -> Result<Option<StoredMethod>> {
        fetch_optional!(self, StoredMethod, "SELECT * FROM stored_methods WHERE method_id = $1", id)
    }

    /// In the transaction that takes the room.
    pub async fn insert_consent(&mut self, attempt: &str, text: &str, given_ms: i64) -> Result<()> {
        let sql = "INSERT INTO consents (attempt_id, text, given_ms) VALUES ($1, $2, $3)";
        execute!(self, sql, attempt, text, given_ms)?;
        Ok(())
    }

    /// The payment was made, so the card is stored: what was agreed to at that attempt is the card's.
    pub async fn consent_is_given(&mut self, attempt: &str, method: &str, customer: &str, account: &str) -> Result<()> {
        let sql =
            "INSERT INTO stored_methods (method_id, customer_id, account_id, consent_text, consent_ms, later_charges)
                   SELECT $2, $3, $4, text, given_ms, 1 FROM consents WHERE attempt_id = $1
                   ON CONFLICT (method_id) DO UPDATE SET consent_text = excluded.consent_text,
                       consent_ms = excluded.consent_ms, later_charges = 1";
        execute!(self, sql, attempt, method, customer, account)?;
        Ok(())
    }

    /// The org is told this of it, in the transaction that queues the write.
    pub async fn method_is_told(&mut self, method: &StoredMethod) -> Result<()> {
        let sql = "INSERT INTO stored_methods (method_id, customer_id, account_id, told, gone) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (method_id) DO UPDATE SET customer_id = excluded.customer_id, account_id = excluded.account_id,
                       told = excluded.told, gone = excluded.gone";
        execute!(
            self,
            sql,
            method.id.as_str(),
            method.customer_id.as_str(),
            method.account_id.as_str(),
            method.told.as_deref(),
            method.gone
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_consent_becomes_the_cards_and_survives_what_the_org_is_told() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            tx.insert_consent("a", "I agree", 10).await.unwrap();
            tx.consent_is_given("a", "pm_1", "cus_1", "001").await.unwrap();
            tx.consent_is_given("no such attempt", "pm_2", "cus_1", "001").await.unwrap();
            let known = tx.stored_methods_of("cus_1").await.unwrap();
            assert_eq!(known.len(), 1, "without a consent there is none");
            let told = StoredMethod { told: Some("{}".into()), ..known[0].clone() };
            tx.method_is_told(&told).await.unwrap();
            assert_eq!(tx.stored_methods_of("cus_1").await.unwrap().first(), Some(&told));
            assert_eq!((told.consent_text.as_deref(), told.later_charges), (Some("I agree"), 1));
            tx.commit().await.unwrap();
            assert_eq!(store.customers_with_methods().await.unwrap(), ["cus_1"]);
            let mut tx = store.begin().await.unwrap();
            tx.method_is_told(&StoredMethod { gone: 1, ..told }).await.unwrap();
            tx.commit().await.unwrap();
            assert!(store.customers_with_methods().await.unwrap().is_empty());
        })
        .await;
    }
}
