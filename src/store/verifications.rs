//! Bank accounts that are verified before they are debited.

use sqlx::FromRow;

use super::attempts::{stored_id, stored_money};
use super::{Error, Result, Store, Tx, execute, fetch_all, fetch_optional};
use crate::domain::verification::{AGREE_MS, Mail, Stage, Way};
use crate::domain::{Money, SalesforceId};

/// One account on its way to be verified, with what was authorised.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    pub id: String,
    pub press: String,
    /// The clerk's page on which it began.
    pub link: String,
    /// The request's record, which says how far it is.
    pub record: String,
    pub invoice: SalesforceId,
    pub invoice_number: String,
    pub account: SalesforceId,
    pub customer: String,
    pub amount: Money,
    /// Stripe's payment method.
    pub method: String,
    pub bank: String,
    pub last4: String,
    pub routing: Option<String>,
    pub holder: String,
    pub holder_type: String,
    /// Where the customer's page went, or goes.
    pub mail_to: Option<String>,
    pub mail: Option<Mail>,
    pub token_hash: Option<String>,
    pub version: String,
    pub text: String,
    pub text_hash: String,
    pub accepted_ms: Option<i64>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub setup: Option<String>,
    pub mandate: Option<String>,
    pub way: Option<Way>,
    pub hosted_url: Option<String>,
    pub arrives_s: Option<i64>,
    pub tries_left: Option<i64>,
    pub stage: Stage,
    pub reason: Option<String>,
    pub made_ms: i64,
}

impl Verification {
    /// As "First Bank ending 6789".
    pub fn words(&self) -> String {
        format!("{} ending {}", self.bank, self.last4)
    }
}

#[derive(FromRow)]
struct Row {
    verification_id: String,
    press: String,
    link_id: String,
    record_id: String,
    invoice_id: String,
    invoice_number: String,
    account_id: String,
    customer_id: String,
    amount_minor: i64,
    currency: String,
    method_id: String,
    bank: String,
    last4: String,
    routing: Option<String>,
    holder: String,
    holder_type: String,
    mail_to: Option<String>,
    mail_state: Option<String>,
    token_hash: Option<String>,
    version: String,
    text: String,
    text_hash: String,
    accepted_ms: Option<i64>,
    address: Option<String>,
    user_agent: Option<String>,
    setup_id: Option<String>,
    mandate_id: Option<String>,
    way: Option<String>,
    hosted_url: Option<String>,
    arrives_s: Option<i64>,
    tries_left: Option<i64>,
    stage: String,
    reason: Option<String>,
    made_ms: i64,
}

impl TryFrom<Row> for Verification {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let stage = Stage::from_name(&row.stage)
            .ok_or_else(|| Error::Unreadable { what: "a verification's stage", found: row.stage.clone() })?;
        Ok(Self {
            invoice: stored_id(&row.invoice_id)?,
            account: stored_id(&row.account_id)?,
            amount: stored_money(row.amount_minor, &row.currency)?,
            id: row.verification_id,
            press: row.press,
            link: row.link_id,
            record: row.record_id,
            invoice_number: row.invoice_number,
            customer: row.customer_id,
            method: row.method_id,
            bank: row.bank,
            last4: row.last4,
            routing: row.routing,
            holder: row.holder,
            holder_type: row.holder_type,
            mail_to: row.mail_to,
            mail: row.mail_state.as_deref().and_then(Mail::from_name),
            token_hash: row.token_hash,
            version: row.version,
            text: row.text,
            text_hash: row.text_hash,
            accepted_ms: row.accepted_ms,
            address: row.address,
            user_agent: row.user_agent,
            setup: row.setup_id,
            mandate: row.mandate_id,
            way: row.way.as_deref().and_then(Way::from_name),
            hosted_url: row.hosted_url,
            arrives_s: row.arrives_s,
            tries_left: row.tries_left,
            stage,
            reason: row.reason,
            made_ms: row.made_ms,
        })
    }
}

impl Store {
    pub async fn verification(&self, id: &str) -> Result<Option<Verification>> {
        let mut tx = self.reading().await?;
        tx.verification(id).await
    }

    pub async fn verification_of_press(&self, press: &str) -> Result<Option<Verification>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(&mut tx, Row, "SELECT * FROM verifications WHERE press = $1", press)?;
        row.map(Verification::try_from).transpose()
    }

    pub async fn verification_of_method(&self, method: &str) -> Result<Option<Verification>> {
        let mut tx = self.reading().await?;
        tx.verification_of_method(method).await
    }

    pub async fn verification_of_setup(&self, setup: &str) -> Result<Option<Verification>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(&mut tx, Row, "SELECT * FROM verifications WHERE setup_id = $1", setup)?;
        row.map(Verification::try_from).transpose()
    }

    /// The one whose mailed page has this token.
    pub async fn verification_by_token(&self, token_hash: &str) -> Result<Option<Verification>> {
        let mut tx = self.reading().await?;
        let row = fetch_optional!(&mut tx, Row, "SELECT * FROM verifications WHERE token_hash = $1", token_hash)?;
        row.map(Verification::try_from).transpose()
    }

    /// Those that a customer had a day to accept, and did not.
    pub async fn verifications_not_accepted(&self, now_ms: i64) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT verification_id FROM verifications WHERE stage = 'agreeing' AND made_ms <= $1";
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql, now_ms - AGREE_MS)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// All of an invoice, the newest first.
    pub async fn verifications_of(&self, invoice: &SalesforceId) -> Result<Vec<Verification>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT * FROM verifications WHERE invoice_id = $1 ORDER BY made_ms DESC, verification_id";
        fetch_all!(&mut tx, Row, sql, invoice.as_str())?.into_iter().map(Verification::try_from).collect()
    }

    /// Whether any began under a clerk's page, however it ended.
    pub async fn has_verification_under(&self, link: &str) -> Result<bool> {
        let mut tx = self.reading().await?;
        let sql = "SELECT verification_id FROM verifications WHERE link_id = $1 LIMIT 1";
        Ok(fetch_optional!(&mut tx, (String,), sql, link)?.is_some())
    }

    /// The methods of a customer that were typed in on the phone: they are for one debit, and are nothing stored.
    pub async fn methods_for_one_debit(&self, customer: &str) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT method_id FROM verifications WHERE customer_id = $1";
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql, customer)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Those that have not ended by themselves: what a sweep looks at again.
    pub async fn verifications_under_way(&self) -> Result<Vec<String>> {
        let mut tx = self.reading().await?;
        let sql = "SELECT verification_id FROM verifications
                   WHERE stage IN ('agreeing', 'starting', 'waiting', 'verified', 'charging') AND accepted_ms IS NOT NULL";
        let rows: Vec<(String,)> = fetch_all!(&mut tx, (String,), sql)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

impl Tx {
    pub async fn verification(&mut self, id: &str) -> Result<Option<Verification>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM verifications WHERE verification_id = $1", id)?;
        row.map(Verification::try_from).transpose()
    }

    pub async fn verification_of_method(&mut self, method: &str) -> Result<Option<Verification>> {
        let row = fetch_optional!(self, Row, "SELECT * FROM verifications WHERE method_id = $1", method)?;
        row.map(Verification::try_from).transpose()
    }

    /// The one that a clerk's page waits for.
    pub async fn verification_under(&mut self, link: &str) -> Result<Option<Verification>> {
        let sql = "SELECT * FROM verifications WHERE link_id = $1 ORDER BY made_ms DESC, verification_id";
        let rows = fetch_all!(self, Row, sql, link)?;
        let rows = rows.into_iter().map(Verification::try_from).collect::<Result<Vec<_>>>()?;
        Ok(rows.into_iter().find(|one| one.stage.is_under_way()))
    }

    /// Answers false where the same press, or the same payment method, was there before.
    pub async fn insert_verification_once(&mut self, one: &Verification) -> Result<bool> {
        let inserted = execute!(
            self,
            "INSERT INTO verifications (verification_id, press, link_id, record_id, invoice_id, invoice_number, account_id,
                 customer_id, amount_minor, currency, method_id, bank, last4, routing, holder, holder_type, mail_to, token_hash,
                 version, text, text_hash, accepted_ms, address, user_agent, stage, made_ms, mail_state, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                 $24, $25, $26, $27, $26) ON CONFLICT DO NOTHING",
            one.id.as_str(),
            one.press.as_str(),
            one.link.as_str(),
            one.record.as_str(),
            one.invoice.as_str(),
            one.invoice_number.as_str(),
            one.account.as_str(),
            one.customer.as_str(),
            one.amount.minor(),
            one.amount.currency().code(),
            one.method.as_str(),
            one.bank.as_str(),
            one.last4.as_str(),
            one.routing.as_deref(),
            one.holder.as_str(),
            one.holder_type.as_str(),
            one.mail_to.as_deref(),
            one.token_hash.as_deref(),
            one.version.as_str(),
            one.text.as_str(),
            one.text_hash.as_str(),
            one.accepted_ms,
            one.address.as_deref(),
            one.user_agent.as_deref(),
            one.stage.name(),
            one.made_ms,
            one.mail.map(Mail::name),
        )?;
        Ok(inserted > 0)
    }

    /// Writes what a reading of Stripe, or a decision of ours, made of it. The caller holds its lock.
    pub async fn set_verification(&mut self, one: &Verification, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "UPDATE verifications SET accepted_ms = $2, address = $3, user_agent = $4, setup_id = $5, mandate_id = $6, way = $7,
                 hosted_url = $8, arrives_s = $9, tries_left = $10, stage = $11, reason = $12, changed_ms = $13, version = $14,
                 text = $15, text_hash = $16, mail_to = $17, mail_state = $18, token_hash = $19
             WHERE verification_id = $1",
            one.id.as_str(),
            one.accepted_ms,
            one.address.as_deref(),
            one.user_agent.as_deref(),
            one.setup.as_deref(),
            one.mandate.as_deref(),
            one.way.map(Way::name),
            one.hosted_url.as_deref(),
            one.arrives_s,
            one.tries_left,
            one.stage.name(),
            one.reason.as_deref(),
            now_ms,
            one.version.as_str(),
            one.text.as_str(),
            one.text_hash.as_str(),
            one.mail_to.as_deref(),
            one.mail.map(Mail::name),
            one.token_hash.as_deref(),
        )?;
        Ok(())
    }

    /// A bank that came to us by its numbers, in the transaction that takes the room for its one debit.
    pub async fn insert_bank_for_one_debit(&mut self, one: &Verification, now_ms: i64) -> Result<()> {
        execute!(
            self,
            "INSERT INTO banks (bank_id, customer_id, account_id, fingerprint, institution, last4, routing, holder, save, state,
                 made_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 'ready', $9, $9) ON CONFLICT DO NOTHING",
            one.method.as_str(),
            one.customer.as_str(),
            one.account.as_str(),
            one.method.as_str(),
            one.bank.as_str(),
            one.last4.as_str(),
            one.routing.as_deref(),
            one.holder.as_str(),
            now_ms,
        )?;
        Ok(())
    }
}

/// One that tests change: a company's, agreed to on the phone.
#[cfg(test)]
pub fn sample(id: &str) -> Verification {
    Verification {
        id: id.into(),
        press: format!("press of {id}"),
        link: "link-1".into(),
        record: "a02D000000IqhSL".into(),
        invoice: SalesforceId::parse("a00D000000IqhSL").unwrap(),
        invoice_number: "INV-1".into(),
        account: SalesforceId::parse("001D000000IqhSL").unwrap(),
        customer: "cus_1".into(),
        amount: Money::from_minor(2_500, crate::domain::Currency::from_code("USD").unwrap()).unwrap(),
        method: format!("pm_{id}"),
        bank: "First Bank".into(),
        last4: "6789".into(),
        routing: None,
        holder: "Larkspur".into(),
        holder_type: "company".into(),
        mail_to: None,
        mail: None,
        token_hash: None,
        version: "phone-1".into(),
        text: "You authorise".into(),
        text_hash: "h".into(),
        accepted_ms: Some(5),
        address: None,
        user_agent: None,
        setup: None,
        mandate: None,
        way: None,
        hosted_url: None,
        arrives_s: None,
        tries_left: None,
        stage: Stage::Starting,
        reason: None,
        made_ms: 10,
    }
}

#[cfg(test)]
mod tests {
    use super::sample as verification;
    use super::*;
    use crate::store::harness::on_both;

    #[tokio::test]
    async fn one_press_and_one_method_are_one_verification() {
        on_both(async |store| {
            let first = verification("a");
            let mut tx = store.begin().await.unwrap();
            assert!(tx.insert_verification_once(&first).await.unwrap());
            let same_press = Verification { press: first.press.clone(), ..verification("b") };
            assert!(!tx.insert_verification_once(&same_press).await.unwrap());
            let same_method = Verification { method: first.method.clone(), ..verification("c") };
            assert!(!tx.insert_verification_once(&same_method).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(store.verification("a").await.unwrap(), Some(first.clone()));
            assert_eq!(store.verifications_of(&first.invoice).await.unwrap(), [first]);
            assert_eq!(store.methods_for_one_debit("cus_1").await.unwrap(), ["pm_a"]);
            assert!(store.has_verification_under("link-1").await.unwrap());
            assert!(!store.has_verification_under("link-2").await.unwrap());
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_reading_made_of_it_is_kept_and_what_is_over_waits_for_nothing() {
        on_both(async |store| {
            let mut one = verification("a");
            let mut tx = store.begin().await.unwrap();
            tx.insert_verification_once(&one).await.unwrap();
            assert!(tx.verification_under("link-1").await.unwrap().is_some());
            one.setup = Some("seti_1".into());
            one.way = Some(Way::Code);
            one.tries_left = Some(9);
            one.stage = Stage::Waiting;
            tx.set_verification(&one, 20).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.verification_of_setup("seti_1").await.unwrap(), Some(one.clone()));
            assert_eq!(store.verifications_under_way().await.unwrap(), ["a"]);
            one.stage = Stage::Failed;
            let mut tx = store.begin().await.unwrap();
            tx.set_verification(&one, 30).await.unwrap();
            assert_eq!(tx.verification_under("link-1").await.unwrap(), None);
            tx.commit().await.unwrap();
            assert!(store.verifications_under_way().await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn a_mailed_page_is_found_by_its_token_and_over_after_a_day() {
        on_both(async |store| {
            let one = Verification {
                mail_to: Some("jane@customers.example".into()),
                mail: Some(Mail::Sending),
                token_hash: Some("t1".into()),
                accepted_ms: None,
                stage: Stage::Agreeing,
                ..verification("a")
            };
            let mut tx = store.begin().await.unwrap();
            tx.insert_verification_once(&one).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.verification_by_token("t1").await.unwrap(), Some(one.clone()));
            assert_eq!(store.verification_by_token("t2").await.unwrap(), None);
            assert!(store.verifications_not_accepted(one.made_ms + AGREE_MS - 1).await.unwrap().is_empty());
            assert_eq!(store.verifications_not_accepted(one.made_ms + AGREE_MS).await.unwrap(), ["a"]);
            let accepted = Verification {
                stage: Stage::Starting,
                accepted_ms: Some(77),
                address: Some("203.0.113.7".into()),
                user_agent: Some("Payer/1.0".into()),
                version: "page-1".into(),
                text: "I authorise".into(),
                text_hash: "h2".into(),
                mail_to: Some("june@customers.example".into()),
                mail: Some(Mail::Sent),
                token_hash: Some("t2".into()),
                ..one.clone()
            };
            let mut tx = store.begin().await.unwrap();
            tx.set_verification(&accepted, 20).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.verification_by_token("t1").await.unwrap(), None, "mailed to somebody else meanwhile");
            assert_eq!(store.verification_by_token("t2").await.unwrap(), Some(accepted));
            assert!(store.verifications_not_accepted(one.made_ms + AGREE_MS).await.unwrap().is_empty());
        })
        .await;
    }
}
