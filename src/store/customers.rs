//! Which Stripe Customer belongs to which Account, known before Salesforce has been told.

use super::{Result, Store, execute, fetch_optional};

/// An Account's Customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownCustomer {
    /// The Customer, once made.
    pub customer_id: Option<String>,
    /// The fingerprint of what Stripe has.
    pub fingerprint: Option<String>,
    /// Part of the key under which it is made: one more after a refusal or a deletion, so that a new one can be made.
    pub generation: i64,
}

impl Store {
    /// What is known of an Account's Customer.
    pub async fn customer(&self, account_id: &str) -> Result<KnownCustomer> {
        let mut tx = self.reading().await?;
        let known = fetch_optional!(
            &mut tx,
            KnownCustomer,
            "SELECT customer_id, fingerprint, generation FROM customers WHERE account_id = $1",
            account_id
        )?;
        Ok(known.unwrap_or_default())
    }

    /// Notes the Customer of an Account.
    pub async fn know_customer(&self, account_id: &str, customer_id: &str, fingerprint: Option<&str>) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "INSERT INTO customers (account_id, customer_id, fingerprint, generation) VALUES ($1, $2, $3, 0)
             ON CONFLICT (account_id) DO UPDATE SET customer_id = excluded.customer_id, fingerprint = excluded.fingerprint",
            account_id,
            customer_id,
            fingerprint
        )?;
        tx.commit().await
    }

    /// Makes room for a new Customer, where the generation is still the one that was seen.
    pub async fn next_generation(&self, account_id: &str, seen: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "INSERT INTO customers (account_id, generation) VALUES ($1, $2)
             ON CONFLICT (account_id) DO UPDATE SET customer_id = NULL, fingerprint = NULL, generation = excluded.generation
             WHERE customers.generation = $3",
            account_id,
            seen + 1,
            seen
        )?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn a_generation_moves_once_for_those_who_saw_the_same() {
        on_both(async |store| {
            store.know_customer("001", "cus_1", Some("f")).await.unwrap();
            store.next_generation("001", 0).await.unwrap();
            store.next_generation("001", 0).await.unwrap();
            let known = store.customer("001").await.unwrap();
            assert_eq!(known, KnownCustomer { customer_id: None, fingerprint: None, generation: 1 });
        })
        .await;
    }
}
