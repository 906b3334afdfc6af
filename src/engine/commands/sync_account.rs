//! An Account becomes, and stays, a Stripe Customer.

use crate::engine::customers::{self, plain_body};
use crate::engine::house::House;
use crate::engine::work::{Doing, Handler, Outcome, ReadBack, Work};
use crate::store;
use crate::store::effects::{SPENT, numbered};
use crate::store::outbox::Write;
use crate::stripe::{self, Form, Priority};

const FIELDS: [&str; 14] = [
    "Id",
    "PersonEmail",
    "Name",
    "Billing_Email__c",
    "Phone",
    "BillingStreet",
    "BillingCity",
    "BillingState",
    "BillingPostalCode",
    "BillingCountry",
    "Stripe_Customer_Id__c",
    "Stripe_Fingerprint__c",
    "Stripe_Synced_Fingerprint__c",
    "Stripe_In_Sync__c",
];

/// Stripe's limit; Salesforce takes 40 characters, as "+1 503 555 0100 extension 1234".
const LONGEST_PHONE: usize = 20;

/// Makes or updates the Customer and writes back its id and the fingerprint of what Stripe now has.
pub struct SyncAccount {
    house: House,
    stripe: stripe::Client,
    org_id: String,
    fields: Vec<&'static str>,
}

/// Where the account's Customer comes from.
enum Found {
    Ours(String),
    None,
}

impl SyncAccount {
    /// `readable` are the Account's fields that the integration user sees: what an org hides from it, as it may hide a phone
    /// number, is not synced, and a field unknown there would fail the whole read. Unknown (`None`): all but person accounts'.
    pub fn new(house: House, stripe: stripe::Client, org_id: &str, readable: Option<&[String]>) -> Self {
        let sees = |name: &str| readable.map_or(name != "PersonEmail", |names| names.iter().any(|one| one == name));
        let fields = FIELDS.into_iter().filter(|name| name.starts_with("Stripe_") || sees(name)).collect();
        Self { house, stripe, org_id: org_id.to_owned(), fields }
    }

    async fn sync(&self, work: Work) -> Outcome {
        // Deleted or merged away: nothing ever deletes a Stripe Customer.
        if work.record.is_none() {
            return Outcome::nothing();
        }
        match self.try_sync(&work).await {
            Ok(outcome) => outcome,
            Err(customers::Error::Stripe(error)) => error.into(),
            Err(customers::Error::Store(error)) => error.into(),
        }
    }

    async fn try_sync(&self, work: &Work) -> Result<Outcome, customers::Error> {
        let account = work.command.record.as_str();
        let fingerprint = work.text("Stripe_Fingerprint__c");
        let written = work.text("Stripe_Customer_Id__c");
        let known = self.house.store.customer(account).await?;
        let in_sync = fingerprint.is_some() && work.text("Stripe_Synced_Fingerprint__c") == fingerprint;
        if in_sync && written.is_some() && written == known.customer_id.as_deref() {
            return Ok(Outcome::nothing());
        }
        let found = match (written, &known.customer_id) {
            // Somebody typed it, or this database is younger than the org's records.
            (Some(typed), ours) if ours.as_deref() != Some(typed) => {
                match self.check_typed(account, typed, known.customer_id.as_deref()).await? {
                    Ok(found) => found,
                    Err(outcome) => return Ok(outcome),
                }
            }
            (_, Some(ours)) => Found::Ours(ours.clone()),
            (_, None) => Found::None,
        };
        let (customer, has_all) = match found {
            Found::Ours(id) => {
                let up_to_date = fingerprint.is_some()
                    && known.customer_id.as_deref() == Some(&id)
                    && known.fingerprint.as_deref() == fingerprint;
                (id, up_to_date)
            }
            Found::None => self.create(work, account).await?,
        };
        let customer = if has_all { customer } else { self.update(work, account, customer).await? };
        self.house.store.know_customer(account, &customer, fingerprint).await?;
        let mut write = Write::update("Account", account).with("Stripe_Customer_Id__c", customer).in_bulk();
        if let Some(fingerprint) = fingerprint {
            write = write.with("Stripe_Synced_Fingerprint__c", fingerprint);
        }
        Ok(Outcome::Done(vec![write]))
    }

    async fn create(&self, work: &Work, account: &str) -> Result<(String, bool), customers::Error> {
        let body = self.body(work, account, false);
        let known = self.house.store.customer(account).await?;
        let make = |known, body: String| async move {
            customers::create(&self.house, &self.stripe, account, &known, &body, work.attempts, Priority::Background)
                .await
        };
        match make(known, body).await {
            // Stripe doesn't like an e-mail or a phone number: the Customer is made all the same, without them.
            Err(customers::Error::Stripe(stripe::Error::Refused { code, param, .. })) => {
                // Not its message: that may quote the address.
                tracing::warn!(command.id = %work.command.id, code, param, "Stripe refused the account's data; name and metadata only");
                let known = self.house.store.customer(account).await?;
                let plain = plain_body(work.text("Name").unwrap_or("Unnamed"), &self.org_id, account);
                make(known, plain).await
            }
            made => made,
        }
    }

    /// Brings the Customer up to date; one that is gone is made anew.
    async fn update(&self, work: &Work, account: &str, customer: String) -> Result<String, customers::Error> {
        let fingerprint = work.text("Stripe_Fingerprint__c").unwrap_or("none");
        let key = format!("customer-update:{customer}:{fingerprint}:{}", work.run);
        match self.send_update(&customer, &key, &self.body(work, account, true)).await {
            Ok(false) => Ok(customer),
            Ok(true) => self.anew(work, account).await,
            Err(customers::Error::Stripe(error)) if error.is_missing() => self.anew(work, account).await,
            Err(customers::Error::Stripe(stripe::Error::Refused { code, param, .. })) => {
                tracing::warn!(command.id = %work.command.id, code, param, "Stripe refused the account's data; name and metadata only");
                let plain = plain_body(work.text("Name").unwrap_or("Unnamed"), &self.org_id, account);
                self.send_update(&customer, &format!("{key}:plain"), &plain).await?;
                Ok(customer)
            }
            Err(error) => Err(error),
        }
    }

    /// Answers whether Stripe says that it was deleted.
    async fn send_update(&self, customer: &str, key: &str, body: &str) -> Result<bool, customers::Error> {
        let path = format!("/v1/customers/{customer}");
        // An update may be sent again at any age and under another key: it sets the same values.
        for number in 0.. {
            let key = numbered(key.to_owned(), number);
            let effect = self.house.store.effect_begin(&key, "POST", &path, body, self.house.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            if effect.answered_ms.is_some() {
                return Ok(false);
            }
            let updated = match self.stripe.update_customer(customer, &key, &effect.body, Priority::Background).await {
                Ok(updated) => updated,
                Err(error) => {
                    if error.is_kept() {
                        self.house.store.effect_done(&key, SPENT, self.house.now_ms()).await?;
                    }
                    return Err(error.into());
                }
            };
            if !updated.deleted {
                self.house.store.effect_done(&key, &updated.id, self.house.now_ms()).await?;
            }
            return Ok(updated.deleted);
        }
        Ok(false)
    }

    async fn anew(&self, work: &Work, account: &str) -> Result<String, customers::Error> {
        tracing::info!(command.id = %work.command.id, "the Customer was deleted at Stripe; a new one is made");
        let known = self.house.store.customer(account).await?;
        self.house.store.next_generation(account, known.generation).await?;
        self.create(work, account).await.map(|(customer, _)| customer)
    }

    /// An id that is not the one we know: is it there, and is it ours?
    async fn check_typed(
        &self,
        account: &str,
        typed: &str,
        ours: Option<&str>,
    ) -> Result<Result<Found, Outcome>, customers::Error> {
        let customer = match self.stripe.customer(typed, Priority::Background).await {
            // Ours is newer than what stands in the org: our own write is still under way.
            Ok(stripe::Customer { deleted: true, .. }) if ours.is_some() => {
                return Ok(Ok(Found::Ours(ours.unwrap_or_default().to_owned())));
            }
            Ok(customer) if customer.deleted => {
                self.house.store.next_generation(account, self.house.store.customer(account).await?.generation).await?;
                return Ok(Ok(Found::None));
            }
            Ok(customer) => customer,
            Err(error) if error.is_missing() => {
                return Ok(Err(Outcome::give_up(
                    "customer_unknown",
                    format!("Stripe does not know the Customer {typed} that stands on the account."),
                    "Clear Stripe Customer Id on the account, or enter one of this Stripe account, then press Retry.",
                )));
            }
            Err(error) => return Err(error.into()),
        };
        let (org, owner) = (customer.metadata.get("sf_org_id"), customer.metadata.get("sf_account_id"));
        if org.is_some_and(|org| *org != self.org_id) {
            return Ok(Err(Outcome::give_up(
                "customer_of_another_org",
                format!("The Customer {typed} that stands on the account belongs to another Salesforce org."),
                "Clear Stripe Customer Id on the account, then press Retry; a Customer of its own is made.",
            )));
        }
        // A merge leaves the loser's Customer on the survivor, or the other way round: the name in it moves with the update.
        if owner.is_some_and(|owner| owner != account) {
            tracing::info!(account, "the account takes over another account's Customer");
        }
        self.house.store.know_customer(account, typed, None).await?;
        Ok(Ok(Found::Ours(typed.to_owned())))
    }

    /// What Stripe gets. For an update, what is blank is cleared.
    fn body(&self, work: &Work, account: &str, update: bool) -> String {
        let email = work.text("Billing_Email__c").or_else(|| work.text("PersonEmail"));
        let mut form =
            Form::new().with("name", work.text("Name").unwrap_or("Unnamed").chars().take(256).collect::<String>());
        // One field that Stripe is known to refuse should not cost the others.
        let phone = work.text("Phone").filter(|phone| phone.chars().count() <= LONGEST_PHONE);
        for (field, value) in [("email", email), ("phone", phone)] {
            if let Some(value) = value.or(update.then_some("")) {
                form = form.with(field, value);
            }
        }
        let street =
            work.text("BillingStreet").map(|street| street.split_once('\n').map_or((street, ""), |lines| lines));
        let parts = [
            ("address[line1]", street.map(|(first, _)| first.trim())),
            ("address[line2]", street.map(|(_, rest)| rest.trim()).filter(|rest| !rest.is_empty())),
            ("address[city]", work.text("BillingCity")),
            ("address[state]", work.text("BillingState")),
            ("address[postal_code]", work.text("BillingPostalCode")),
            ("address[country]", work.text("BillingCountry")),
        ];
        if parts.iter().any(|(_, value)| value.is_some()) {
            for (field, value) in parts {
                if let Some(value) = value.or(update.then_some("")) {
                    form = form.with(field, value.replace('\n', ", "));
                }
            }
        } else if update {
            form = form.with("address", "");
        }
        form.metadata("sf_org_id", &self.org_id).metadata("sf_account_id", account).into_body()
    }
}

impl Handler for SyncAccount {
    fn read_back(&self) -> Option<ReadBack> {
        Some(ReadBack { object: "Account", fields: self.fields.clone() })
    }

    fn run(&self, work: Work) -> Doing<'_> {
        Box::pin(self.sync(work))
    }
}

impl From<customers::Error> for Outcome {
    fn from(error: customers::Error) -> Self {
        match error {
            customers::Error::Stripe(error) => error.into(),
            customers::Error::Store(error) => store::Error::into(error),
        }
    }
}
