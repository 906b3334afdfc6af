//! Making a Stripe Customer once for an Account, whoever asks for it and however often we are killed in between.

use crate::engine::house::House;
use crate::store;
use crate::store::customers::KnownCustomer;
use crate::stripe::{self, Created, Form, Priority};

/// An hour's slack for the clocks, and a day's for one that was set back.
const CLOCK_SLACK_S: i64 = 25 * 3_600;
/// After so many failed tries we look whether the Customer is there before we try again.
const LOOK_AFTER: i64 = 3;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stripe.
    #[error(transparent)]
    Stripe(#[from] stripe::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The key under which an Account's Customer is made. Whoever makes one uses this key, so that two who do it at once make one.
pub fn creation_key(account_id: &str, generation: i64) -> String {
    format!("customer-for-payment:{account_id}:{generation}")
}

/// Makes the Customer, or finds the one that an earlier try made. Answers its id and whether Stripe has `body`'s data:
/// a repeated try sends the first try's bytes.
pub async fn create(
    house: &House,
    stripe: &stripe::Client,
    account_id: &str,
    known: &KnownCustomer,
    body: &str,
    attempts: i64,
    priority: Priority,
) -> Result<(String, bool), Error> {
    let mut generation = known.generation;
    loop {
        let key = creation_key(account_id, generation);
        let now_ms = house.now_ms();
        let effect = house.store.effect_begin(&key, "POST", "/v1/customers", body, now_ms).await?;
        let fresh = effect.body == body;
        if let Some(id) = effect.answer.filter(|answer| answer.starts_with("cus_")) {
            house.store.know_customer(account_id, &id, None).await?;
            return Ok((id, fresh));
        }
        let stale = now_ms - effect.first_tried_ms > store::effects::KEY_LIFE_MS;
        if (stale || attempts >= LOOK_AFTER)
            && let Some(id) = find(house, stripe, account_id, effect.first_tried_ms, priority).await?
        {
            house.store.effect_done(&key, &id, now_ms).await?;
            house.store.know_customer(account_id, &id, None).await?;
            return Ok((id, false));
        }
        if stale {
            // Stripe may have forgotten the key, and the list shows that nothing came of it: a new key is safe.
            house.store.next_generation(account_id, generation).await?;
            generation = house.store.customer(account_id).await?.generation;
            continue;
        }
        match stripe.create_customer(&key, &effect.body, priority).await {
            Ok(customer) => {
                house.store.effect_done(&key, &customer.id, house.now_ms()).await?;
                house.store.know_customer(account_id, &customer.id, None).await?;
                return Ok((customer.id, fresh));
            }
            Err(error @ stripe::Error::Refused { .. }) => {
                // Stripe keeps the refusal under the key: the next try, with other data, needs another.
                house.store.effect_done(&key, "refused", house.now_ms()).await?;
                house.store.next_generation(account_id, generation).await?;
                return Err(error.into());
            }
            Err(error) if error.is_kept() => {
                // The first call has ended and its key is spent. The list is consistent: what it lacks was not made.
                if let Some(id) = find(house, stripe, account_id, effect.first_tried_ms, priority).await? {
                    house.store.effect_done(&key, &id, house.now_ms()).await?;
                    house.store.know_customer(account_id, &id, None).await?;
                    return Ok((id, false));
                }
                house.store.effect_done(&key, "failed", house.now_ms()).await?;
                house.store.next_generation(account_id, generation).await?;
                generation = house.store.customer(account_id).await?.generation;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Finds an Account's Customer by our metadata. The list is consistent; the search lags. A person who waits looks alone; a
/// backlog looks together.
async fn find(
    house: &House,
    stripe: &stripe::Client,
    account_id: &str,
    since_ms: i64,
    priority: Priority,
) -> Result<Option<String>, stripe::Error> {
    let org = house.salesforce.session().await.ok().map(|token| token.org_id.to_string());
    let since_s = since_ms / 1_000 - CLOCK_SLACK_S;
    if priority == Priority::Background {
        return house.customer_list.find(stripe, account_id, org.as_deref(), since_s).await;
    }
    let customers = stripe.customers_created(Created::since(since_s), priority).await?;
    let ours = customers.into_iter().find(|customer| {
        !customer.deleted
            && customer.metadata.get("sf_account_id").is_some_and(|id| id == account_id)
            && org.as_ref().is_none_or(|org| customer.metadata.get("sf_org_id").is_some_and(|id| id == org))
    });
    Ok(ours.map(|customer| customer.id))
}

/// The body with only what Stripe can't refuse.
pub fn plain_body(name: &str, org_id: &str, account_id: &str) -> String {
    Form::new()
        .with("name", name.chars().take(256).collect::<String>())
        .metadata("sf_org_id", org_id)
        .metadata("sf_account_id", account_id)
        .into_body()
}
