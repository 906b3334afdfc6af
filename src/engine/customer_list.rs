//! Stripe's Customers, listed for everybody who looks for theirs at the same time: after a long outage thousands do.
//!
//! Who looks must see a list that was begun after the look was wanted, for what it lacks is then made. So nobody joins a
//! list under way; all who come meanwhile share the next one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::stripe::{self, Created, Customer, Priority};

/// The last list, and who waits for the next.
#[derive(Default)]
pub struct CustomerList {
    asked: AtomicU64,
    /// The earliest moment that anybody who waits wants to see; 0 is none.
    oldest_s: AtomicI64,
    last: Mutex<Option<Last>>,
}

struct Last {
    /// Askers up to this one came before it was begun.
    serves: u64,
    since_s: i64,
    /// By account and org; `None` where Stripe did not answer.
    found: Option<HashMap<(String, String), String>>,
}

impl CustomerList {
    /// The Customer of an account that was made since a moment, by our metadata.
    pub async fn find(
        &self,
        stripe: &stripe::Client,
        account: &str,
        org: Option<&str>,
        since_s: i64,
    ) -> Result<Option<String>, stripe::Error> {
        let me = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let earlier = |oldest| (oldest == 0 || since_s < oldest).then_some(since_s);
        let _ = self.oldest_s.fetch_update(Ordering::SeqCst, Ordering::SeqCst, earlier);
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.serves >= me && last.since_s <= since_s) {
            return match &last.found {
                Some(found) => Ok(pick(found, account, org)),
                // It failed a moment ago for those who waited with us; the next try looks again.
                None => Err(stripe::Error::Busy { call: "GET /v1/customers" }),
            };
        }
        let serves = self.asked.load(Ordering::SeqCst);
        let since_s = match self.oldest_s.swap(0, Ordering::SeqCst) {
            0 => since_s,
            oldest => oldest.min(since_s),
        };
        let listed = stripe.customers_created(Created::since(since_s), Priority::Background).await;
        let (found, error) = match listed {
            Ok(customers) => (Some(by_account(customers)), None),
            Err(error) => (None, Some(error)),
        };
        let mine = found.as_ref().and_then(|found| pick(found, account, org));
        *last = Some(Last { serves, since_s, found });
        error.map_or(Ok(mine), Err)
    }
}

fn by_account(customers: Vec<Customer>) -> HashMap<(String, String), String> {
    let mut found = HashMap::new();
    for mut customer in customers {
        let (account, org) = (customer.metadata.remove("sf_account_id"), customer.metadata.remove("sf_org_id"));
        if let (false, Some(account)) = (customer.deleted, account) {
            // The list begins with the newest; that one is meant, as where one looks alone.
            found.entry((account, org.unwrap_or_default())).or_insert(customer.id);
        }
    }
    found
}

/// Without an org (Salesforce gave no session) whichever org's it is.
fn pick(found: &HashMap<(String, String), String>, account: &str, org: Option<&str>) -> Option<String> {
    match org {
        Some(org) => found.get(&(account.to_owned(), org.to_owned())).cloned(),
        None => found.iter().find(|((of, _), _)| of == account).map(|(_, id)| id.clone()),
    }
}
