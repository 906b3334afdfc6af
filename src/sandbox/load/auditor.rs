//! The auditor: reads Stripe's side, the org's records and the mailbox, and nothing of the daemon, and says what does
//! not add up. It has its own arithmetic, because it must be able to see the daemon's mistakes.

use std::collections::BTreeMap;
use std::str::FromStr;

use bigdecimal::{BigDecimal, Zero};
use serde_json::Value;

use super::bank_auditor::is_of_banks;
use super::{Error, World};

/// What the auditor found. Empty `findings` means that every cent is there once.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<String>,
    pub customers: usize,
    pub succeeded: usize,
    pub received_minor: i64,
    pub payments: usize,
    pub invoices: usize,
    pub mails: usize,
    pub repeated_mails: usize,
    /// Debits that went to a bank, and those of them that it has not answered yet.
    pub debits: usize,
    pub processing: usize,
}

/// What Stripe says of one payment, net of what went back.
struct Taken {
    status: String,
    kept_minor: i64,
    currency: String,
    invoice: Option<String>,
}

impl World {
    /// `org_id` limits the audit to what this org's daemon made; objects without it are somebody else's.
    pub async fn audit(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        let stripe = self.stripe_state().await?;
        self.audit_customers(&stripe, &mut report).await?;
        audit_attempts(&stripe, &self.endpoints.salesforce.org_id, &mut report);
        let taken = taken(&stripe, &self.endpoints.salesforce.org_id);
        self.audit_payments(&taken, &mut report).await?;
        self.audit_invoices(&taken, &mut report).await?;
        self.audit_banks(&stripe, &mut report).await?;
        self.audit_requests(&mut report).await?;
        self.audit_mails(&mut report).await?;
        Ok(report)
    }

    async fn audit_customers(&self, stripe: &Value, report: &mut Report) -> Result<(), Error> {
        let mut by_account: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        let mut by_id: BTreeMap<&str, &Value> = BTreeMap::new();
        for customer in list(stripe, "customers") {
            if customer["deleted"] == true
                || text(&customer["metadata"]["sf_org_id"]) != self.endpoints.salesforce.org_id
            {
                continue;
            }
            by_id.insert(text(&customer["id"]), customer);
            by_account.entry(text(&customer["metadata"]["sf_account_id"]).to_owned()).or_default().push(customer);
            report.customers += 1;
        }
        for (account, customers) in by_account.iter().filter(|(_, customers)| customers.len() > 1) {
            report.findings.push(format!("account {account} has {} Customers in Stripe", customers.len()));
        }
        for account in self.query("SELECT Id, Name, Stripe_Customer_Id__c, Stripe_In_Sync__c FROM Account").await? {
            let (id, customer_id) = (text(&account["Id"]), text(&account["Stripe_Customer_Id__c"]));
            let Some(customer) = by_id.get(customer_id) else {
                report
                    .findings
                    .push(format!("account {id} names the Customer {customer_id:?}, which Stripe does not have"));
                continue;
            };
            if text(&customer["metadata"]["sf_account_id"]) != id {
                report.findings.push(format!("account {id} names the Customer {customer_id} of another account"));
            }
            if text(&customer["name"]) != text(&account["Name"]) {
                report.findings.push(format!("account {id} has another name in Stripe"));
            }
            if account["Stripe_In_Sync__c"] != true {
                report.findings.push(format!("account {id} is not in sync"));
            }
        }
        Ok(())
    }

    async fn audit_payments(&self, taken: &BTreeMap<String, Taken>, report: &mut Report) -> Result<(), Error> {
        let soql = "SELECT Id, Stripe_Payment_Id__c, Invoice__c, Settled_Amount__c, State__c, Receipt_Number__c FROM Payment__c WHERE Stripe_Payment_Id__c != null";
        let mut booked: BTreeMap<String, Value> = BTreeMap::new();
        let mut receipts: BTreeMap<String, String> = BTreeMap::new();
        for payment in self.query(soql).await? {
            let intent = text(&payment["Stripe_Payment_Id__c"]).to_owned();
            if !taken.contains_key(&intent) {
                report.findings.push(format!("the org has a payment {intent} that Stripe does not"));
            }
            if let Some(number) = payment["Receipt_Number__c"].as_str()
                && let Some(other) = receipts.insert(number.to_owned(), intent.clone())
            {
                report.findings.push(format!("receipt {number} stands for both {other} and {intent}"));
            }
            if booked.insert(intent.clone(), payment).is_some() {
                report.findings.push(format!("the org has {intent} twice"));
            }
        }
        report.payments = booked.len();
        for (intent, taken) in taken {
            if taken.status != "succeeded" {
                let early = booked.get(intent).filter(|payment| {
                    !number(&payment["Settled_Amount__c"]).is_zero() || !payment["Receipt_Number__c"].is_null()
                });
                if let Some(payment) = early {
                    report.findings.push(format!(
                        "{intent} is booked as {} with receipt {} where Stripe says {}",
                        payment["Settled_Amount__c"], payment["Receipt_Number__c"], taken.status
                    ));
                }
                continue;
            }
            report.succeeded += 1;
            report.received_minor += taken.kept_minor;
            let Some(payment) = booked.get(intent) else {
                report.findings.push(format!("{intent} succeeded at Stripe and is not in the org"));
                continue;
            };
            if number(&payment["Settled_Amount__c"]) != major(taken.kept_minor, &taken.currency) {
                report.findings.push(format!(
                    "{intent} is booked as {} where Stripe kept {}",
                    payment["Settled_Amount__c"], taken.kept_minor
                ));
            }
            if taken.invoice.as_deref().unwrap_or_default() != text(&payment["Invoice__c"]) {
                report.findings.push(format!("{intent} is booked on another invoice"));
            }
            if payment["Receipt_Number__c"].is_null() && taken.invoice.is_some() {
                report.findings.push(format!("{intent} has no receipt number"));
            }
        }
        Ok(())
    }

    async fn audit_invoices(&self, taken: &BTreeMap<String, Taken>, report: &mut Report) -> Result<(), Error> {
        for invoice in
            self.query("SELECT Id, Name, Total__c, Settled__c, In_Flight__c, Status__c FROM Invoice__c").await?
        {
            report.invoices += 1;
            let (id, name) = (text(&invoice["Id"]), text(&invoice["Name"]));
            let here = || taken.values().filter(|taken| taken.invoice.as_deref() == Some(id));
            let sum = |status: &str| {
                here()
                    .filter(|taken| taken.status == status)
                    .fold(BigDecimal::zero(), |sum, taken| sum + major(taken.kept_minor, &taken.currency))
            };
            let by_hand = self.by_hand(id).await?;
            let (total, settled) = (number(&invoice["Total__c"]), sum("succeeded") + by_hand);
            if number(&invoice["Settled__c"]) != settled {
                report
                    .findings
                    .push(format!("{name}: settled is {} where the money says {settled}", invoice["Settled__c"]));
            }
            if number(&invoice["In_Flight__c"]) != sum("processing") {
                report.findings.push(format!(
                    "{name}: in flight is {} where the money says {}",
                    invoice["In_Flight__c"],
                    sum("processing")
                ));
            }
            if settled > total {
                report.findings.push(format!("{name}: {settled} was taken for a total of {total}"));
            }
            let status = text(&invoice["Status__c"]);
            let expected = match () {
                () if status == "Draft" || status == "Cancelled" => status,
                () if !total.is_zero() && settled >= total => "Paid",
                () if settled > BigDecimal::zero() => "Partly Paid",
                () => "Open",
            };
            if status != expected {
                report.findings.push(format!("{name} is {status} where the figures say {expected}"));
            }
        }
        Ok(())
    }

    async fn by_hand(&self, invoice: &str) -> Result<BigDecimal, Error> {
        let soql = format!(
            "SELECT Settled_Amount__c FROM Payment__c WHERE Stripe_Payment_Id__c = null AND Invoice__c = '{invoice}'"
        );
        Ok(self
            .query(&soql)
            .await?
            .iter()
            .fold(BigDecimal::zero(), |sum, payment| sum + number(&payment["Settled_Amount__c"])))
    }

    async fn audit_requests(&self, report: &mut Report) -> Result<(), Error> {
        for request in self
            .query("SELECT Name, Kind__c, State__c, Sentence__c FROM Payment_Request__c WHERE State__c IN ('Waiting', 'Working')")
            .await?
        {
            // A clerk's page that nobody went on with, because its address got lost, stays ready until its time is over.
            if request["Kind__c"] == "Take Payment" && text(&request["Sentence__c"]).starts_with("The payment page is ready") {
                continue;
            }
            report.findings.push(format!(
                "{} ({}) is still {}: {}",
                text(&request["Name"]),
                text(&request["Kind__c"]),
                text(&request["State__c"]),
                text(&request["Sentence__c"])
            ));
        }
        for error in self.query("SELECT Name, Command_Id__c, Sentence__c FROM Payment_Error__c WHERE State__c IN ('Open', 'Retry Requested')").await? {
            report.findings.push(format!("{} is open: {} ({})", text(&error["Name"]), text(&error["Sentence__c"]), text(&error["Command_Id__c"])));
        }
        Ok(())
    }

    /// A mail may come twice only as the same letter; a receipt stands for one payment, a request for one press of Send.
    async fn audit_mails(&self, report: &mut Report) -> Result<(), Error> {
        let mut letters: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for mail in self.mails().await? {
            report.mails += 1;
            let entry =
                letters.entry(text(&mail["message_id"]).to_owned()).or_insert((0, text(&mail["subject"]).to_owned()));
            entry.0 += 1;
        }
        report.repeated_mails = letters.values().map(|(times, _)| times - 1).sum();
        let receipts = letters.values().filter(|(_, subject)| subject.contains("Receipt")).count();
        let settled = self
            .query("SELECT Id FROM Payment__c WHERE Receipt_Number__c != null AND Source__c IN ('Payment Link', 'Take Payment')")
            .await?
            .len();
        if receipts != settled {
            report.findings.push(format!("{receipts} different receipts were mailed for {settled} payments"));
        }
        let of_banks = letters.values().filter(|(_, subject)| is_of_banks(subject)).count();
        let links = letters.len() - receipts - of_banks;
        let sent = self
            .query("SELECT Id FROM Payment_Request__c WHERE Kind__c = 'Send Payment Link' AND State__c = 'Sent'")
            .await?
            .len();
        if links != sent {
            report.findings.push(format!("{links} different links were mailed for {sent} presses of Send"));
        }
        Ok(())
    }
}

/// One press of Pay is one attempt, and an attempt has one intent, whatever became of it.
fn audit_attempts(stripe: &Value, org_id: &str, report: &mut Report) {
    let mut intents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for intent in list(stripe, "payment_intents") {
        let metadata = &intent["metadata"];
        if text(&metadata["sf_org_id"]) == org_id && metadata["q_attempt_id"].is_string() {
            intents.entry(text(&metadata["q_attempt_id"])).or_default().push(text(&intent["id"]));
        }
    }
    for (attempt, intents) in intents.iter().filter(|(_, intents)| intents.len() > 1) {
        report.findings.push(format!("attempt {attempt} has {} intents: {}", intents.len(), intents.join(", ")));
    }
}

fn taken(stripe: &Value, org_id: &str) -> BTreeMap<String, Taken> {
    let mut taken = BTreeMap::new();
    for intent in list(stripe, "payment_intents") {
        if text(&intent["metadata"]["sf_org_id"]) != org_id {
            continue;
        }
        let id = text(&intent["id"]);
        let back: i64 = list(stripe, "refunds")
            .filter(|refund| text(&refund["payment_intent"]) == id && text(&refund["status"]) == "succeeded")
            .chain(
                list(stripe, "disputes")
                    .filter(|dispute| text(&dispute["payment_intent"]) == id && text(&dispute["status"]) == "lost"),
            )
            .filter_map(|object| object["amount"].as_i64())
            .sum();
        let status = text(&intent["status"]).to_owned();
        let field = if status == "succeeded" { "amount_received" } else { "amount" };
        let gross = intent[field].as_i64().unwrap_or_default();
        taken.insert(
            id.to_owned(),
            Taken {
                status,
                kept_minor: (gross - back).max(0),
                currency: text(&intent["currency"]).to_uppercase(),
                invoice: intent["metadata"]["sf_invoice_id"].as_str().map(str::to_owned),
            },
        );
    }
    taken
}

pub(super) fn list<'a>(state: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    state[name].as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> BigDecimal {
    match value {
        Value::Number(number) => BigDecimal::from_str(&number.to_string()).unwrap_or_default(),
        _ => BigDecimal::zero(),
    }
}

/// Stripe's minor units in the org's major ones; the exponents are Stripe's own list.
fn major(minor: i64, currency: &str) -> BigDecimal {
    let exponent = match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV" | "XAF"
        | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    BigDecimal::new(minor.into(), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cent_is_a_hundredth_of_a_dollar_and_a_yen_is_a_yen() {
        assert_eq!(major(12_345, "USD"), BigDecimal::from_str("123.45").unwrap());
        assert_eq!(major(500, "JPY"), BigDecimal::from(500));
        assert_eq!(major(5_120, "KWD"), BigDecimal::from_str("5.120").unwrap());
    }

    #[test]
    fn two_intents_of_one_attempt_are_found() {
        let intent = |id: &str, attempt: &str| serde_json::json!({"id": id, "metadata": {"sf_org_id": "00D", "q_attempt_id": attempt}});
        let state =
            serde_json::json!({"payment_intents": [intent("pi_1", "a"), intent("pi_2", "b"), intent("pi_3", "a")]});
        let mut report = Report::default();
        audit_attempts(&state, "00D", &mut report);
        assert_eq!(report.findings, ["attempt a has 2 intents: pi_1, pi_3"]);
    }

    #[test]
    fn a_lost_dispute_and_a_refund_are_both_taken_off() {
        let state = serde_json::json!({
            "payment_intents": [{"id": "pi_1", "status": "succeeded", "amount": 1000, "amount_received": 1000, "currency": "usd",
                "metadata": {"sf_org_id": "00D", "sf_invoice_id": "a01"}}],
            "refunds": [{"payment_intent": "pi_1", "status": "succeeded", "amount": 200}, {"payment_intent": "pi_1", "status": "failed", "amount": 50}],
            "disputes": [{"payment_intent": "pi_1", "status": "lost", "amount": 300}]
        });
        assert_eq!(taken(&state, "00D")["pi_1"].kept_minor, 500);
    }
}
