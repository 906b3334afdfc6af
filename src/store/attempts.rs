//! Attempts to pay. An attempt's row is its reservation: it is there before Stripe hears of it.

use sqlx::FromRow;

use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional};
use crate::domain::attempt::{MethodKind, Reach};
use crate::domain::payment::IntentStatus;
use crate::domain::{Currency, Money, SalesforceId};

/// Where an attempt stands. The first three hold room on the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    Open,
    Declined,
    Processing,
    Settled,
    /// Canceled at Stripe.
    Canceled,
    /// Given up before anybody could confirm it. It is never confirmed; its intent is canceled when found.
    Closed,
}

impl AttemptState {
    const ALL: [Self; 6] = [Self::Open, Self::Declined, Self::Processing, Self::Settled, Self::Canceled, Self::Closed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Declined => "declined",
            Self::Processing => "processing",
            Self::Settled => "settled",
            Self::Canceled => "canceled",
            Self::Closed => "closed",
        }
    }

    pub fn reserves(self) -> bool {
        matches!(self, Self::Open | Self::Declined | Self::Processing)
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub id: String,
    /// The form's own id.
    pub press: String,
    pub invoice: SalesforceId,
    pub account: SalesforceId,
    pub link: String,
    pub kind: MethodKind,
    pub amount: Money,
    pub save: bool,
    /// A stored method that the payer chose.
    pub method: Option<String>,
    pub customer: String,
    pub intent: Option<String>,
    pub state: AttemptState,
    pub seen: Option<IntentStatus>,
    pub secret_left: bool,
    pub confirm_sent: bool,
    pub confirms: i64,
    pub decline_code: Option<String>,
    pub started_ms: i64,
    pub touched_ms: i64,
}

/// Begins the press of a charge that was asked for in the org; a page's own presses hold no colon.
pub const CHARGE: &str = "charge:";

impl Attempt {
    /// Whether the customer is away.
    pub fn is_charge(&self) -> bool {
        self.press.starts_with(CHARGE)
    }

    pub fn reach(&self) -> Reach {
        Reach { kind: self.kind, secret_left: self.secret_left, confirm_sent: self.confirm_sent }
    }
}

#[derive(FromRow)]
struct Row {
    attempt_id: String,
    press: String,
    invoice_id: String,
    account_id: String,
    link_id: String,
    kind: String,
    amount_minor: i64,
    currency: String,
    save: i64,
    method: Option<String>,
    customer_id: String,
    intent_id: Option<String>,
    state: String,
    seen_status: Option<String>,
    secret_left: i64,
    confirm_sent: i64,
    confirms: i64,
    decline_code: Option<String>,
    started_ms: i64,
    touched_ms: i64,
}

pub(super) fn stored_money(minor: i64, currency: &str) -> Result<Money> {
    let unreadable = |found: String| Error::Unreadable { what: "an amount", found };
    let currency = Currency::from_code(currency).map_err(|error| unreadable(error.to_string()))?;
    Money::from_minor(minor, currency).map_err(|error| unreadable(error.to_string()))
}

pub(super) fn stored_id(text: &str) -> Result<SalesforceId> {
    SalesforceId::parse(text).map_err(|_| Error::Unreadable { what: "a record id", found: text.to_owned() })
}

impl TryFrom<Row> for Attempt {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |what, found: &str| Error::Unreadable { what, found: found.to_owned() };
        let state = AttemptState::ALL.into_iter().find(|state| state.name() == row.state);
        Ok(Self {
            invoice: stored_id(&row.invoice_id)?,
            account: stored_id(&row.account_id)?,
            kind: MethodKind::from_name(&row.kind).ok_or_else(|| unreadable("a kind of method", &row.kind))?,
            amount: stored_money(row.amount_minor, &row.currency)?,
            state: state.ok_or_else(|| unreadable("an attempt's state", &row.state))?,
            seen: row.seen_status.as_deref().and_then(IntentStatus::from_stripe),
            id: row.attempt_id,
            press: row.press,
            link: row.link_id,
            save: row.save != 0,
            method: row.method,
            customer: row.customer_id,
            intent: row.intent_id,
            secret_left: row.secret_left != 0,
            confirm_sent: row.confirm_sent != 0,
            confirms: row.confirms,
            decline_code: row.decline_code,
            started_ms: row.started_ms,
            touched_ms: row.touched_ms,
        })
    }
}

/// Debits under way, of ours and from elsewhere.
macro_rules! debits {
    () => {
        "SELECT intent_id AS intent, started_ms AS since_ms FROM attempts
         WHERE state = 'processing' AND kind = 'bank_account' AND intent_id IS NOT NULL
         UNION ALL SELECT stripe_id, changed_ms FROM payments
         WHERE state = 'processing' AND kind = 'bank_account' AND attempt_id IS NULL"
    };
}

const OPEN: &str = "SELECT * FROM attempts WHERE invoice_id = $1 AND state IN ('open', 'declined', 'processing')
                    ORDER BY started_ms, attempt_id";

impl Store {
    pub async fn attempt(&self, id: &str) -> Result<Option<Attempt>> {
        let mut tx = self.reading().await?;
        tx.attempt(id).await
    }

    /// What a press began.
    pub async fn attempt_of_press(&self, press: &str) -> Result<Option<Attempt>> {
        let mut tx = self.reading().await?;
        tx.attempt_by_press(press).await
    }

    /// The press that used a payment method first.
    pub async fn press_of_method(&self, method: &str) -> Result<Option<String>> {
        let mut tx = self.reading().await?;
        tx.press_of_method(method).await
    }

    /// The attempts that hold room on an invoice.
    pub async fn open_attempts_of(&self, invoice: &SalesforceId) -> Result<Vec<Attempt>> {
        let mut tx = self.reading().await?;
        tx.open_attempts_of(invoice).await
    }

    /// Attempts that nobody touched since then, and bank debits that failed: nobody can confirm those again. Others of a
    /// bank are left to it once it is at work.
    pub async fn idle_attempts(&self, touched_before_ms: i64, limit: i64) -> Result<Vec<Attempt>> {
        let mut tx = self.reading().await?;
        // The debit of a verified account is ordered by nobody's browser: it waits until Stripe answers.
        let sql = "SELECT * FROM attempts a WHERE (state IN ('open', 'declined') AND touched_ms < $1
                           AND NOT EXISTS (SELECT 1 FROM verifications v
                                           WHERE v.verification_id = a.attempt_id AND v.stage = 'charging'))
                       OR (state = 'declined' AND kind = 'bank_account')
                   ORDER BY touched_ms LIMIT $2";
        fetch_all!(&mut tx, Row, sql, touched_before_ms, limit)?.into_iter().map(Attempt::try_from).collect()
    }

    /// What Stripe said of an intent when it was last read, if the intent is known; the inner `None`: never read yet.
    pub async fn seen_of_intent(&self, intent: &str) -> Result<Option<Option<String>>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT seen_status FROM attempts WHERE intent_id = $1";
        let row = fetch_optional!(&mut tx, (Option<String>,), sql, intent)?;
        Ok(row.map(|row| row.0))
    }

    /// Intents of ours that are not over, which somebody may be waiting for: a sweep reads them again, whatever the events
    /// said. Debits under way are not among them: thousands of them wait for days.
    pub async fn unfinished_intents(&self) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT intent_id FROM attempts WHERE intent_id IS NOT NULL
                   AND (state IN ('open', 'declined') OR (state = 'processing' AND kind <> 'bank_account'))
                   UNION SELECT stripe_id FROM payments WHERE state = 'processing' AND kind <> 'bank_account'";
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// When the oldest debit under way that began at `from_ms` or later did so.
    pub async fn oldest_debit_ms(&self, from_ms: i64) -> Result<Option<i64>> {
        let mut tx = self.reading().await?;
        let sql = concat!("SELECT MIN(since_ms) FROM (", debits!(), ") AS debits WHERE since_ms >= $1");
        Ok(fetch_optional!(&mut tx, (Option<i64>,), sql, from_ms)?.and_then(|row| row.0))
    }

    /// Debits under way that began before `before_ms`.
    pub async fn debits_before(&self, before_ms: i64) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = concat!("SELECT intent FROM (", debits!(), ") AS debits WHERE since_ms < $1");
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql, before_ms)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

impl Tx {
    pub async fn attempt(&mut self, id: &str) -> Result<Option<Attempt>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM attempts WHERE attempt_id = $1", id)?;
        row.map(Attempt::try_from).transpose()
    }

    pub async fn attempt_by_press(&mut self, press: &str) -> Result<Option<Attempt>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM attempts WHERE press = $1", press)?;
        row.map(Attempt::try_from).transpose()
    }

    pub async fn attempt_by_intent(&mut self, intent: &str) -> Result<Option<Attempt>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM attempts WHERE intent_id = $1", intent)?;
        row.map(Attempt::try_from).transpose()
    }

    pub async fn press_of_method(&mut self, method: &str) -> Result<Option<String>> {
        let sql = "SELECT press FROM attempts WHERE method = $1 ORDER BY started_ms, attempt_id LIMIT 1";
        Ok(fetch_optional!(self, (String,), sql, method)?.map(|row| row.0))
    }

    pub async fn open_attempts_of(&mut self, invoice: &SalesforceId) -> Result<Vec<Attempt>> {
        fetch_all!(self, Row, OPEN, invoice.as_str())?.into_iter().map(Attempt::try_from).collect()
    }

    /// Takes the room. Called with the invoice locked and the amount admitted.
    pub async fn insert_attempt(&mut self, attempt: &Attempt) -> Result<()> {
        execute!(
            self,
            "INSERT INTO attempts (attempt_id, press, invoice_id, account_id, link_id, kind, amount_minor, currency, save,
                 method, customer_id, intent_id, state, secret_left, confirm_sent, confirms, started_ms, touched_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            attempt.id.as_str(),
            attempt.press.as_str(),
            attempt.invoice.as_str(),
            attempt.account.as_str(),
            attempt.link.as_str(),
            attempt.kind.name(),
            attempt.amount.minor(),
            attempt.amount.currency().code(),
            i64::from(attempt.save),
            attempt.method.as_deref(),
            attempt.customer.as_str(),
            attempt.intent.as_deref(),
            attempt.state.name(),
            i64::from(attempt.secret_left),
            i64::from(attempt.confirm_sent),
            attempt.confirms,
            attempt.started_ms,
            attempt.touched_ms,
        )?;
        Ok(())
    }

    /// Stores the intent's id. Answers false where the attempt was closed meanwhile: then the intent must go.
    pub async fn attempt_has_intent(&mut self, id: &str, intent: &str, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE attempts SET intent_id = $2, touched_ms = $3 WHERE attempt_id = $1";
        execute!(self, sql, id, intent, now_ms)?;
        Ok(self.attempt(id).await?.is_some_and(|attempt| attempt.state.reserves()))
    }

    /// The client secret is about to leave. Answers false where the attempt is over: then it must not.
    pub async fn secret_leaves(&mut self, id: &str, now_ms: i64) -> Result<bool> {
        let sql = "UPDATE attempts SET secret_left = 1, touched_ms = $2
                   WHERE attempt_id = $1 AND state IN ('open', 'declined')";
        Ok(execute!(self, sql, id, now_ms)? > 0)
    }

    /// A confirm is about to be sent. Answers its number, or none where the attempt is over.
    pub async fn confirm_leaves(&mut self, id: &str, now_ms: i64) -> Result<Option<i64>> {
        let sql = "UPDATE attempts SET confirm_sent = 1, confirms = confirms + 1, touched_ms = $2
                   WHERE attempt_id = $1 AND state IN ('open', 'declined') RETURNING confirms";
        super::fetch_scalar!(self, i64, sql, id, now_ms)
    }

    /// The payer did something with it.
    pub async fn touch_attempt(&mut self, id: &str, now_ms: i64) -> Result<()> {
        execute!(self, "UPDATE attempts SET touched_ms = $2 WHERE attempt_id = $1", id, now_ms)?;
        Ok(())
    }

    /// What Stripe's reading made of it.
    pub async fn set_attempt(
        &mut self,
        id: &str,
        state: AttemptState,
        seen_status: &str,
        decline_code: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE attempts SET state = $2, seen_status = $3, decline_code = $4 WHERE attempt_id = $1";
        execute!(self, sql, id, state.name(), seen_status, decline_code)?;
        Ok(())
    }

    /// Frees the room of an attempt that nobody can confirm. Answers false where it has gone further meanwhile.
    pub async fn close_attempt(&mut self, id: &str) -> Result<bool> {
        let sql = "UPDATE attempts SET state = 'closed'
                   WHERE attempt_id = $1 AND state IN ('open', 'declined') AND secret_left = 0 AND confirm_sent = 0";
        Ok(execute!(self, sql, id)? > 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn the_press_that_used_a_method_first_is_known() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, started_ms) in [("b", 20), ("a", 10)] {
                let one = Attempt { method: Some("pm_1".into()), started_ms, ..attempt(id, 500) };
                tx.insert_attempt(&one).await.unwrap();
            }
            tx.commit().await.unwrap();
            assert_eq!(store.press_of_method("pm_1").await.unwrap().as_deref(), Some("press of a"));
            assert_eq!(store.press_of_method("pm_2").await.unwrap(), None);
        })
        .await;
    }

    pub fn attempt(id: &str, minor: i64) -> Attempt {
        Attempt {
            id: id.into(),
            press: format!("press of {id}"),
            invoice: SalesforceId::parse("a00D000000IqhSL").unwrap(),
            account: SalesforceId::parse("001D000000IqhSL").unwrap(),
            link: "link-1".into(),
            kind: MethodKind::Card,
            amount: Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap(),
            save: false,
            method: None,
            customer: "cus_1".into(),
            intent: None,
            state: AttemptState::Open,
            seen: None,
            secret_left: false,
            confirm_sent: false,
            confirms: 0,
            decline_code: None,
            started_ms: 1_000,
            touched_ms: 1_000,
        }
    }

    #[tokio::test]
    async fn a_closed_attempt_hands_out_no_secret_and_one_that_did_is_not_closed() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            tx.insert_attempt(&attempt("a", 500)).await.unwrap();
            tx.insert_attempt(&attempt("b", 500)).await.unwrap();
            assert!(tx.close_attempt("a").await.unwrap());
            assert!(!tx.secret_leaves("a", 2_000).await.unwrap());
            assert_eq!(tx.confirm_leaves("a", 2_000).await.unwrap(), None);
            assert!(!tx.attempt_has_intent("a", "pi_a", 2_000).await.unwrap());
            assert!(tx.secret_leaves("b", 2_000).await.unwrap());
            assert!(!tx.close_attempt("b").await.unwrap());
            tx.commit().await.unwrap();
            let open = store.open_attempts_of(&attempt("b", 500).invoice).await.unwrap();
            assert_eq!(open.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
        })
        .await;
    }

    #[tokio::test]
    async fn every_confirm_has_its_own_number_and_one_press_is_one_attempt() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            tx.insert_attempt(&attempt("a", 500)).await.unwrap();
            assert_eq!(tx.confirm_leaves("a", 2_000).await.unwrap(), Some(1));
            assert_eq!(tx.confirm_leaves("a", 3_000).await.unwrap(), Some(2));
            let stored = tx.attempt_by_press("press of a").await.unwrap().unwrap();
            assert_eq!((stored.confirms, stored.confirm_sent, stored.touched_ms), (2, true, 3_000));
            tx.commit().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            let twin = Attempt { id: "c".into(), ..attempt("a", 500) };
            assert!(tx.insert_attempt(&twin).await.is_err());
        })
        .await;
    }

    #[tokio::test]
    async fn a_debit_under_way_is_listed_by_its_age_and_not_among_what_is_read_at_each_sweep() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, kind, state, started_ms) in [
                ("old-debit", MethodKind::BankAccount, AttemptState::Processing, 1_000),
                ("debit", MethodKind::BankAccount, AttemptState::Processing, 5_000),
                ("ended-debit", MethodKind::BankAccount, AttemptState::Settled, 4_000),
                ("debit-to-confirm", MethodKind::BankAccount, AttemptState::Open, 4_500),
                ("card", MethodKind::Card, AttemptState::Processing, 2_000),
            ] {
                let one = Attempt { kind, state, started_ms, intent: Some(format!("pi_{id}")), ..attempt(id, 500) };
                tx.insert_attempt(&one).await.unwrap();
            }
            tx.commit().await.unwrap();
            let mut read = store.unfinished_intents().await.unwrap();
            read.sort();
            assert_eq!(read, ["pi_card", "pi_debit-to-confirm"]);
            assert_eq!(store.oldest_debit_ms(0).await.unwrap(), Some(1_000));
            assert_eq!(store.oldest_debit_ms(1_001).await.unwrap(), Some(5_000));
            assert_eq!(store.oldest_debit_ms(5_001).await.unwrap(), None);
            assert_eq!(store.debits_before(5_000).await.unwrap(), ["pi_old-debit"]);
        })
        .await;
    }
}
