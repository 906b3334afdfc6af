//! Whose an object at Stripe is: several orgs, and the Dashboard, may make payments on one Stripe account.

use super::{Error, Payments};
use crate::domain::SalesforceId;
use crate::stripe::Priority;

/// Whose an object at Stripe is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This org's, for this account if it is known.
    Us { account: Option<SalesforceId> },
    /// Another org's on the same Stripe account: acknowledged, skipped and counted.
    AnotherOrg,
    /// Nobody says: counted and listed, not booked.
    Nobody,
}

impl Payments {
    /// Its own `sf_org_id`, else its customer's; a customer without one is ours if the org knows its id.
    pub(super) async fn owner(
        &self,
        metadata: &std::collections::HashMap<String, String>,
        customer: Option<&str>,
        priority: Priority,
    ) -> Result<Owner, Error> {
        let account_in = |metadata: &std::collections::HashMap<String, String>| {
            metadata.get("sf_account_id").and_then(|id| SalesforceId::parse(id).ok())
        };
        let is_us = |org: &str| SalesforceId::parse(org).is_ok_and(|org| org == self.settings().org);
        if let Some(org) = metadata.get("sf_org_id") {
            return Ok(if is_us(org) { Owner::Us { account: account_in(metadata) } } else { Owner::AnotherOrg });
        }
        let Some(customer) = customer else { return Ok(Owner::Nobody) };
        match self.stripe().customer(customer, priority).await {
            Ok(found) => {
                if let Some(org) = found.metadata.get("sf_org_id") {
                    let account = account_in(&found.metadata);
                    return Ok(if is_us(org) { Owner::Us { account } } else { Owner::AnotherOrg });
                }
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
        // An id that somebody typed into the Account.
        let soql =
            format!("SELECT Id FROM Account WHERE Stripe_Customer_Id__c = {} LIMIT 1", super::org::quoted(customer));
        let accounts = self.org().query(&soql, std::time::Duration::from_secs(20)).await?;
        let account = accounts.first().and_then(|record| super::org::text(record, "Id"));
        Ok(match account.and_then(|id| SalesforceId::parse(&id).ok()) {
            Some(account) => Owner::Us { account: Some(account) },
            None => Owner::Nobody,
        })
    }

    /// Counts a reading. Money that nobody owns is kept for `status` to list.
    pub(super) async fn count(&self, owner: &Owner, stripe_id: &str, money: bool) -> Result<(), Error> {
        let name = match owner {
            Owner::Us { .. } => "us",
            Owner::AnotherOrg => "another_org",
            Owner::Nobody => "nobody",
        };
        metrics::counter!("quittance_stripe_objects_read_total", "owner" => name).increment(1);
        match owner {
            Owner::Nobody if money => self.store().note_ownerless(stripe_id, self.now_ms()).await?,
            Owner::Nobody => {}
            Owner::Us { .. } | Owner::AnotherOrg => self.store().has_owner(stripe_id).await?,
        }
        Ok(())
    }
}
