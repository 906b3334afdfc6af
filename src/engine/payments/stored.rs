//! The cards and banks that customers stored, as Salesforce sees them: `Stored_Payment_Method__c`.
//!
//! One reading of a customer decides about all that he has. Whatever moved is a hint at the customer, and hints of one customer are
//! followed one after another, so an older reading never overwrites a newer one.

use serde_json::{Map, Value, json};

use super::owner::Owner;
use super::{Error, Payments, time_text};
use crate::domain::SalesforceId;
use crate::domain::bank::BankState;
use crate::domain::mandate::covers_absence;
use crate::store::banks::Bank;
use crate::store::mandates::Mandate;
use crate::store::outbox::{Write, cut};
use crate::store::stored_methods::StoredMethod;
use crate::stripe::{Customer, PaymentMethod, Priority};

/// One method as it stands.
struct Found {
    id: String,
    fields: Map<String, Value>,
}

/// What a customer agreed to.
struct Consent<'a> {
    text: &'a str,
    given_ms: i64,
    later_charges: bool,
}

impl Payments {
    /// Reads what the customer has stored, and tells the org what it doesn't know yet.
    pub(super) async fn mirror_methods(&self, customer: &str) -> Result<(), Error> {
        let priority = Priority::Background;
        let read = match self.stripe().customer(customer, priority).await {
            Ok(read) if !read.deleted => Some(read),
            Ok(_) => None,
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error.into()),
        };
        let mut found = Vec::new();
        let mut account = None;
        if let Some(read) = &read {
            let Owner::Us { account: Some(ours) } = self.owner(&read.metadata, Some(customer), priority).await? else {
                return Ok(());
            };
            found = self.methods_at_stripe(read).await?;
            account = Some(ours);
        }
        self.tell_of_methods(customer, account.as_ref(), found).await
    }

    async fn methods_at_stripe(&self, customer: &Customer) -> Result<Vec<Found>, Error> {
        let priority = Priority::Background;
        let default = customer.default_method();
        let cards = self.stripe().cards_of(&customer.id, priority).await?;
        let banks = self.stripe().bank_methods_of(&customer.id, priority).await?;
        let sources = self.stripe().bank_sources(&customer.id, priority).await?;
        let ours = self.store().banks_of(&customer.id).await?;
        let mut found: Vec<Found> = cards.iter().filter_map(|card| of_card(card, default)).collect();
        for bank in ours {
            // One that nobody asked to keep, or that is on its way out, is nothing stored.
            let is_kept = bank.save && bank.state != BankState::Leaving;
            if is_kept && sources.iter().any(|source| source.id == bank.id) {
                let mandate = match &bank.mandate {
                    Some(attempt) => self.store().mandate(attempt).await?,
                    None => None,
                };
                found.push(of_bank(&bank, mandate.as_ref(), default));
            }
        }
        // Stored in another way than by this daemon's pages.
        let is_source = |id: &str| sources.iter().any(|source| source.id == id);
        // Typed in on the phone for one debit: nobody asked to keep it.
        let once = self.store().methods_for_one_debit(&customer.id).await?;
        let elsewhere = banks.iter().filter(|bank| !is_source(&bank.id) && !once.contains(&bank.id));
        found.extend(elsewhere.filter_map(|bank| of_elsewhere(bank, default)));
        Ok(found)
    }

    async fn tell_of_methods(
        &self,
        customer: &str,
        account: Option<&SalesforceId>,
        found: Vec<Found>,
    ) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&format!("methods:{customer}")).await?;
        let known = tx.stored_methods_of(customer).await?;
        for known in &known {
            if known.gone == 0 && known.told.is_some() && !found.iter().any(|one| one.id == known.id) {
                let mut fields = Map::new();
                fields.insert("Recorded_State__c".into(), json!("Removed"));
                fields.insert("Is_Default__c".into(), json!(false));
                fields.insert("Later_Charges__c".into(), json!(false));
                tx.write_out(&write(&known.id, fields.clone()), now_ms).await?;
                let told = Some(Value::Object(fields).to_string());
                tx.method_is_told(&StoredMethod { told, gone: 1, ..known.clone() }).await?;
            }
        }
        if let Some(account) = account {
            for Found { id, mut fields } in found {
                let before = known.iter().find(|known| known.id == id);
                if let Some(StoredMethod {
                    consent_text: Some(text), consent_ms: Some(given_ms), later_charges, ..
                }) = before
                {
                    let consent = Consent { text, given_ms: *given_ms, later_charges: *later_charges != 0 };
                    agreed(&mut fields, &consent);
                }
                fields.insert("Account__c".into(), json!(account.as_str()));
                let told = Value::Object(fields.clone()).to_string();
                if before.is_some_and(|before| before.gone == 0 && before.told.as_ref() == Some(&told)) {
                    continue;
                }
                tx.write_out(&write(&id, fields), now_ms).await?;
                let method = StoredMethod {
                    id,
                    customer_id: customer.to_owned(),
                    account_id: account.as_str().to_owned(),
                    told: Some(told),
                    ..StoredMethod::default()
                };
                tx.method_is_told(&method).await?;
            }
        }
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }
}

fn write(id: &str, fields: Map<String, Value>) -> Write {
    let mut write = Write::upsert("Stored_Payment_Method__c", "Stripe_Payment_Method_Id__c", id);
    write.fields = fields;
    write
}

fn fields(id: &str, kind: &str, brand: &str, last4: &str, state: &str, default: Option<&str>) -> Map<String, Value> {
    let words = if last4.is_empty() { brand.to_owned() } else { format!("{brand} ending {last4}") };
    let fields = json!({
        "Name": cut(&words, 80),
        "Kind__c": kind,
        "Brand__c": cut(brand, 80),
        "Last_Four__c": cut(last4, 4),
        "Recorded_State__c": state,
        "Is_Default__c": default == Some(id),
        // The words of a consent that has ended stay as they were; what it allowed doesn't.
        "Later_Charges__c": false,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn agreed(fields: &mut Map<String, Value>, consent: &Consent<'_>) {
    fields.insert("Consent_Text__c".into(), json!(cut(consent.text, 4_000)));
    fields.insert("Consent_Time__c".into(), json!(time_text(consent.given_ms.div_euclid(1_000))));
    fields.insert("Later_Charges__c".into(), json!(consent.later_charges));
}

fn of_card(method: &PaymentMethod, default: Option<&str>) -> Option<Found> {
    let card = method.card.as_ref()?;
    let brand = crate::stripe::brand_name(&card.brand);
    let mut fields = fields(&method.id, "Card", &brand, &card.last4, "Ready", default);
    fields.insert("Expiry_Month__c".into(), json!(card.exp_month));
    fields.insert("Expiry_Year__c".into(), json!(card.exp_year));
    Some(Found { id: method.id.clone(), fields })
}

fn of_bank(bank: &Bank, mandate: Option<&Mandate>, default: Option<&str>) -> Found {
    let state = match bank.state {
        BankState::NeedsLogin => "Needs Login",
        BankState::Blocked => "Blocked",
        BankState::Ready if mandate.is_some_and(in_force) => "Ready",
        // A debit without a mandate in force is nobody's to make.
        BankState::Ready | BankState::NeedsAuthorisation => "Needs Authorisation",
        BankState::Leaving | BankState::Gone => "Removed",
    };
    let mut fields = fields(&bank.id, "Bank Account", &bank.institution, &bank.last4, state, default);
    if let Some(mandate) = mandate {
        let later_charges = in_force(mandate) && covers_absence(&mandate.version);
        agreed(&mut fields, &Consent { text: &mandate.text, given_ms: mandate.accepted_ms, later_charges });
    }
    Found { id: bank.id.clone(), fields }
}

fn in_force(mandate: &Mandate) -> bool {
    mandate.standing != 0 && mandate.ended_ms.is_none()
}

fn of_elsewhere(method: &PaymentMethod, default: Option<&str>) -> Option<Found> {
    let bank = method.us_bank_account.as_ref()?;
    let state = if bank.is_blocked() { "Blocked" } else { "Ready" };
    let name = bank.bank_name.as_deref().unwrap_or("Bank account");
    let last4 = bank.last4.as_deref().unwrap_or_default();
    Some(Found { id: method.id.clone(), fields: fields(&method.id, "Bank Account", name, last4, state, default) })
}
