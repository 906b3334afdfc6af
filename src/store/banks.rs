//! Bank accounts, and what customers chose in Plaid Link.

use sqlx::FromRow;

use super::attempts::stored_id;
use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional};
use crate::domain::SalesforceId;
use crate::domain::bank::BankState;

/// A bank account as Stripe has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bank {
    pub id: String,
    pub customer: String,
    pub account: SalesforceId,
    pub fingerprint: String,
    pub institution: String,
    pub last4: String,
    pub routing: Option<String>,
    pub holder: Option<String>,
    /// The customer wants it kept for the next payment.
    pub save: bool,
    pub state: BankState,
    pub reason: Option<String>,
    /// The attempt whose standing mandate is in force.
    pub mandate: Option<String>,
}

impl Bank {
    /// As "First Bank ending 6789".
    pub fn words(&self) -> String {
        format!("{} ending {}", self.institution, self.last4)
    }
}

#[derive(FromRow)]
struct Row {
    bank_id: String,
    customer_id: String,
    account_id: String,
    fingerprint: String,
    institution: String,
    last4: String,
    routing: Option<String>,
    holder: Option<String>,
    save: i64,
    state: String,
    reason: Option<String>,
    mandate: Option<String>,
}

impl TryFrom<Row> for Bank {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let state = BankState::from_name(&row.state)
            .ok_or_else(|| Error::Unreadable { what: "a bank's state", found: row.state.clone() })?;
        Ok(Self {
            account: stored_id(&row.account_id)?,
            id: row.bank_id,
            customer: row.customer_id,
            fingerprint: row.fingerprint,
            institution: row.institution,
            last4: row.last4,
            routing: row.routing,
            holder: row.holder,
            save: row.save != 0,
            state,
            reason: row.reason,
            mandate: row.mandate,
        })
    }
}

/// A choice made in Plaid Link.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Choice {
    #[sqlx(rename = "choice_id")]
    pub id: String,
    pub public_token_hash: String,
    pub session_hash: String,
    pub link_id: String,
    pub account_id: String,
    pub customer_id: String,
    pub item_id: String,
    /// Sealed.
    pub access_token: String,
    pub plaid_account: String,
    pub institution: Option<String>,
    pub save: i64,
    pub bank_id: Option<String>,
    pub state: String,
}

const CHOICE: &str = "SELECT choice_id, public_token_hash, session_hash, link_id, account_id, customer_id, item_id, access_token,
                          plaid_account, institution, save, bank_id, state FROM bank_choices WHERE public_token_hash = $1";

impl Store {
    pub async fn bank(&self, id: &str) -> Result<Option<Bank>> {
        let mut tx = self.reading().await?;
        tx.bank(id).await
    }

    /// The customer's banks, newest first.
    pub async fn banks_of(&self, customer: &str) -> Result<Vec<Bank>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT * FROM banks WHERE customer_id = $1 AND state <> 'gone' ORDER BY made_ms DESC, bank_id";
        fetch_all!(&mut tx, Row, sql, customer)?.into_iter().map(Bank::try_from).collect()
    }

    /// Whether this browser chose the bank itself, so that it may pay with it before any code.
    pub async fn chose_bank(&self, session_hash: &str, bank: &str) -> Result<bool> {
        let mut tx = self.reading().await?;
        let sql = "SELECT choice_id FROM bank_choices WHERE session_hash = $1 AND bank_id = $2";
        Ok(fetch_optional!(&mut tx, (String,), sql, session_hash, bank)?.is_some())
    }

    pub async fn choice_by_token(&self, public_token_hash: &str) -> Result<Option<Choice>> {
        let mut tx = self.reading().await?;
        fetch_optional!(&mut tx, Choice, CHOICE, public_token_hash)
    }

    /// The login that a bank is kept by.
    pub async fn choice_of_bank(&self, bank: &str) -> Result<Option<Choice>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT choice_id, public_token_hash, session_hash, link_id, account_id, customer_id, item_id, access_token,
                       plaid_account, institution, save, bank_id, state FROM bank_choices
                   WHERE bank_id = $1 AND state = 'kept' ORDER BY made_ms DESC";
        fetch_optional!(&mut tx, Choice, sql, bank)
    }

    /// Notes a choice. Answers the one that stands: an earlier one of the same token wins.
    pub async fn note_choice(&self, choice: &Choice, now_ms: i64) -> Result<Choice> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "INSERT INTO bank_choices (choice_id, public_token_hash, session_hash, link_id, account_id, customer_id, item_id,
                 access_token, plaid_account, institution, save, state, made_ms, next_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $12, $12) ON CONFLICT DO NOTHING",
            choice.id.as_str(),
            choice.public_token_hash.as_str(),
            choice.session_hash.as_str(),
            choice.link_id.as_str(),
            choice.account_id.as_str(),
            choice.customer_id.as_str(),
            choice.item_id.as_str(),
            choice.access_token.as_str(),
            choice.plaid_account.as_str(),
            choice.institution.as_deref(),
            choice.save,
            now_ms,
        )?;
        let stands = fetch_optional!(&mut tx, Choice, CHOICE, choice.public_token_hash.as_str())?;
        tx.commit().await?;
        stands.ok_or_else(|| Error::Lost { what: "a bank choice".into() })
    }

    /// The bank is at Stripe. A new one is written; one that was stored already stays the one that it is, and the login by
    /// which it was chosen this time leaves again, unless the older one is of no use.
    pub async fn attach_choice(&self, choice: &Choice, bank: &Bank, now_ms: i64) -> Result<Bank> {
        let mut tx = self.begin().await?;
        tx.lock(&format!("bank:{}", bank.id)).await?;
        let known = tx.bank(&bank.id).await?;
        let keeps_old = match &known {
            Some(old) => {
                let revived = match old.state {
                    BankState::Ready | BankState::NeedsAuthorisation => old.state,
                    // Chosen again and verified again; a mandate is asked for where none is in force.
                    _ => BankState::NeedsAuthorisation,
                };
                let sql = "UPDATE banks SET state = $2, save = CASE WHEN save = 1 THEN 1 ELSE $3 END, institution = $4,
                               changed_ms = $5 WHERE bank_id = $1";
                execute!(
                    &mut tx,
                    sql,
                    bank.id.as_str(),
                    revived.name(),
                    i64::from(bank.save),
                    bank.institution.as_str(),
                    now_ms
                )?;
                old.state.may_pay()
            }
            None => {
                execute!(
                    &mut tx,
                    "INSERT INTO banks (bank_id, customer_id, account_id, fingerprint, institution, last4, routing, holder, save,
                         state, made_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
                    bank.id.as_str(),
                    bank.customer.as_str(),
                    bank.account.as_str(),
                    bank.fingerprint.as_str(),
                    bank.institution.as_str(),
                    bank.last4.as_str(),
                    bank.routing.as_deref(),
                    bank.holder.as_deref(),
                    i64::from(bank.save),
                    bank.state.name(),
                    now_ms,
                )?;
                false
            }
        };
        let others = "UPDATE bank_choices SET state = 'leaving', next_at_ms = $3
                      WHERE bank_id = $1 AND choice_id <> $2 AND state = 'kept'";
        let own = "UPDATE bank_choices SET bank_id = $1, state = $3 WHERE choice_id = $2 AND state = 'open'";
        let has_old = fetch_optional!(
            &mut tx,
            (String,),
            "SELECT choice_id FROM bank_choices WHERE bank_id = $1 AND choice_id <> $2 AND state = 'kept'",
            bank.id.as_str(),
            choice.id.as_str()
        )?
        .is_some();
        tx.hint(&bank.customer, now_ms).await?;
        if keeps_old && has_old {
            execute!(&mut tx, own, bank.id.as_str(), choice.id.as_str(), "leaving")?;
        } else {
            execute!(&mut tx, others, bank.id.as_str(), choice.id.as_str(), now_ms)?;
            execute!(&mut tx, own, bank.id.as_str(), choice.id.as_str(), "kept")?;
        }
        let stands = tx.bank(&bank.id).await?;
        tx.commit().await?;
        stands.ok_or_else(|| Error::Lost { what: "a bank".into() })
    }

    /// News of a login, from Plaid. Answers how many banks it touched.
    pub async fn note_item(&self, item: &str, state: BankState, reason: Option<&str>, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        // What is worse already, or on its way out, stays.
        let sql = "UPDATE banks SET state = $2, reason = $3, changed_ms = $4 WHERE state IN ('ready', 'needs_login')
                   AND bank_id IN (SELECT bank_id FROM bank_choices WHERE item_id = $1 AND state = 'kept')";
        let touched = execute!(&mut tx, sql, item, state.name(), reason, now_ms)?;
        let owners = "SELECT DISTINCT b.customer_id FROM banks b JOIN bank_choices c ON c.bank_id = b.bank_id WHERE c.item_id = $1";
        for (customer,) in fetch_all!(&mut tx, (String,), owners, item)? {
            tx.hint(&customer, now_ms).await?;
        }
        tx.commit().await?;
        Ok(touched)
    }

    /// The customer wants it removed. It goes once nothing is under way from it.
    pub async fn bank_leaves(&self, bank: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE banks SET state = 'leaving', save = 0, changed_ms = $2 WHERE bank_id = $1 AND state <> 'gone'";
        execute!(&mut tx, sql, bank, now_ms)?;
        tx.bank_changed(bank, now_ms).await?;
        tx.commit().await
    }

    /// Banks to take away at Stripe: those that leave, and those that nobody asked to keep, once no debit of them is open.
    pub async fn banks_to_remove(&self, untouched_since_ms: i64, limit: i64) -> Result<Vec<Bank>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT * FROM banks b WHERE (b.state = 'leaving' OR (b.save = 0 AND b.state <> 'gone' AND b.changed_ms < $1))
                   AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.method = b.bank_id
                                   AND a.state IN ('open', 'declined', 'processing'))
                   ORDER BY b.changed_ms LIMIT $2";
        fetch_all!(&mut tx, Row, sql, untouched_since_ms, limit)?.into_iter().map(Bank::try_from).collect()
    }

    /// It is gone at Stripe; its login at Plaid leaves too.
    pub async fn bank_gone(&self, bank: &str, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            &mut tx,
            "UPDATE banks SET state = 'gone', mandate = NULL, changed_ms = $2 WHERE bank_id = $1",
            bank,
            now_ms
        )?;
        let sql = "UPDATE bank_choices SET state = 'leaving', next_at_ms = $2 WHERE bank_id = $1 AND state = 'kept'";
        execute!(&mut tx, sql, bank, now_ms)?;
        let sql = "UPDATE mandates SET ended_ms = $2, ended_why = 'removed' WHERE bank_id = $1 AND ended_ms IS NULL";
        execute!(&mut tx, sql, bank, now_ms)?;
        tx.bank_changed(bank, now_ms).await?;
        tx.commit().await
    }

    /// Logins to end at Plaid: those that leave, and choices that never came as far as Stripe.
    pub async fn logins_to_end(&self, open_before_ms: i64, now_ms: i64, limit: i64) -> Result<Vec<Choice>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT choice_id, public_token_hash, session_hash, link_id, account_id, customer_id, item_id, access_token,
                       plaid_account, institution, save, bank_id, state FROM bank_choices
                   WHERE (state = 'leaving' AND next_at_ms <= $2) OR (state = 'open' AND made_ms < $1 AND next_at_ms <= $2)
                   ORDER BY next_at_ms LIMIT $3";
        fetch_all!(&mut tx, Choice, sql, open_before_ms, now_ms, limit)
    }

    /// The login is ended, and what could open it is forgotten.
    pub async fn login_ended(&self, choice: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE bank_choices SET state = 'removed', access_token = '' WHERE choice_id = $1";
        execute!(&mut tx, sql, choice)?;
        tx.commit().await
    }

    pub async fn login_again(&self, choice: &str, at_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(&mut tx, "UPDATE bank_choices SET next_at_ms = $2 WHERE choice_id = $1", choice, at_ms)?;
        tx.commit().await
    }
}

impl Tx {
    pub async fn bank(&mut self, id: &str) -> Result<Option<Bank>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM banks WHERE bank_id = $1", id)?;
        row.map(Bank::try_from).transpose()
    }

    pub async fn set_bank_state(
        &mut self,
        id: &str,
        state: BankState,
        reason: Option<&str>,
        now_ms: i64,
    ) -> Result<()> {
        let sql = "UPDATE banks SET state = $2, reason = $3, changed_ms = $4 WHERE bank_id = $1";
        execute!(self, sql, id, state.name(), reason, now_ms)?;
        self.bank_changed(id, now_ms).await
    }

    /// What the org knows of its customer's banks is to be looked at again.
    async fn bank_changed(&mut self, id: &str, now_ms: i64) -> Result<()> {
        match self.bank(id).await? {
            Some(bank) => self.hint(&bank.customer, now_ms).await,
            None => Ok(()),
        }
    }

    /// A debit of it is under way or settled under this mandate: from now on the mandate is in force.
    pub async fn mandate_in_force(&mut self, bank: &str, attempt: &str, now_ms: i64) -> Result<()> {
        let sql = "UPDATE banks SET state = CASE WHEN state = 'needs_authorisation' THEN 'ready' ELSE state END, mandate = $2,
                       changed_ms = $3 WHERE bank_id = $1";
        execute!(self, sql, bank, attempt, now_ms)?;
        self.bank_changed(bank, now_ms).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;

    fn choice(id: &str) -> Choice {
        Choice {
            id: id.into(),
            public_token_hash: format!("hash of {id}"),
            session_hash: "s".into(),
            link_id: "link-1".into(),
            account_id: "001D000000IqhSL".into(),
            customer_id: "cus_1".into(),
            item_id: format!("item-{id}"),
            access_token: "sealed".into(),
            plaid_account: "acc".into(),
            institution: Some("First Bank".into()),
            save: 1,
            bank_id: None,
            state: "open".into(),
        }
    }

    fn bank() -> Bank {
        Bank {
            id: "ba_1".into(),
            customer: "cus_1".into(),
            account: SalesforceId::parse("001D000000IqhSL").unwrap(),
            fingerprint: "f".into(),
            institution: "First Bank".into(),
            last4: "6789".into(),
            routing: None,
            holder: None,
            save: true,
            state: BankState::Ready,
            reason: None,
            mandate: None,
        }
    }

    #[tokio::test]
    async fn a_token_twice_is_one_choice_and_a_bank_twice_is_one_bank() {
        on_both(async |store| {
            let first = store.note_choice(&choice("a"), 10).await.unwrap();
            let twin = Choice { id: "b".into(), ..choice("a") };
            assert_eq!(store.note_choice(&twin, 11).await.unwrap(), first);
            store.attach_choice(&first, &bank(), 12).await.unwrap();
            assert!(store.chose_bank("s", "ba_1").await.unwrap());
            assert!(!store.chose_bank("another browser", "ba_1").await.unwrap());
            let again = store.note_choice(&choice("c"), 13).await.unwrap();
            store.attach_choice(&again, &bank(), 14).await.unwrap();
            assert_eq!(store.banks_of("cus_1").await.unwrap(), [bank()]);
            // The second login to the same account is not kept beside the first.
            let leaving = store.logins_to_end(0, 100, 10).await.unwrap();
            assert_eq!(leaving.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["c"]);
            assert_eq!(store.choice_of_bank("ba_1").await.unwrap().unwrap().id, "a");
        })
        .await;
    }

    #[tokio::test]
    async fn a_bank_leaves_only_when_nothing_is_under_way_from_it() {
        on_both(async |store| {
            let first = store.note_choice(&choice("a"), 10).await.unwrap();
            store.attach_choice(&first, &bank(), 12).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            let attempt = crate::store::attempts::Attempt {
                method: Some("ba_1".into()),
                ..crate::store::attempts::tests::attempt("p", 500)
            };
            tx.insert_attempt(&attempt).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.banks_to_remove(0, 10).await.unwrap().len(), 0, "it is kept");
            store.bank_leaves("ba_1", 20).await.unwrap();
            assert_eq!(store.banks_to_remove(0, 10).await.unwrap().len(), 0, "a debit is under way");
            let mut tx = store.begin().await.unwrap();
            assert!(tx.close_attempt("p").await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(store.banks_to_remove(0, 10).await.unwrap().len(), 1);
            store.bank_gone("ba_1", 30).await.unwrap();
            assert_eq!(store.banks_of("cus_1").await.unwrap().len(), 0);
            let leaving = store.logins_to_end(0, 100, 10).await.unwrap();
            assert_eq!(leaving.len(), 1);
            store.login_ended(&leaving[0].id).await.unwrap();
            assert_eq!(store.logins_to_end(0, 100, 10).await.unwrap().len(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn news_of_a_login_reaches_its_bank_and_never_mends_a_blocked_one() {
        on_both(async |store| {
            let first = store.note_choice(&choice("a"), 10).await.unwrap();
            store.attach_choice(&first, &bank(), 12).await.unwrap();
            let note = async |state| store.note_item("item-a", state, Some("x"), 20).await.unwrap();
            assert_eq!(note(BankState::NeedsLogin).await, 1);
            assert_eq!(store.bank("ba_1").await.unwrap().unwrap().state, BankState::NeedsLogin);
            assert_eq!(note(BankState::Ready).await, 1);
            let mut tx = store.begin().await.unwrap();
            tx.set_bank_state("ba_1", BankState::Blocked, Some("R02"), 30).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(note(BankState::Ready).await, 0);
        })
        .await;
    }
}
