//! The auditor at the bank: each debit stands in the org on the rung on which it stands at the bank, was agreed to by
//! whoever pressed, and was told of once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::auditor::{Report, list, text};
use super::bank::BROWSER;
use super::{Error, World};

/// A debit that went to the bank.
#[derive(Debug, PartialEq)]
struct Debit {
    intent: String,
    /// As the Payment in the org must say.
    state: &'static str,
    /// Agreed to on the phone, by a company.
    by_phone: bool,
    /// What was agreed to, as Stripe keeps it.
    agreed: Option<Value>,
}

impl World {
    pub(super) async fn audit_banks(&self, stripe: &Value, report: &mut Report) -> Result<(), Error> {
        let debits = debits(stripe, &self.endpoints.salesforce.org_id);
        report.debits = debits.len();
        report.processing = debits.iter().filter(|debit| debit.state == "Processing").count();
        let soql = "SELECT Stripe_Payment_Id__c, State__c, Method__c, Receipt_Number__c FROM Payment__c WHERE Stripe_Payment_Id__c != null";
        let rows = self.query(soql).await?;
        let booked: BTreeMap<&str, &Value> = rows.iter().map(|row| (text(&row["Stripe_Payment_Id__c"]), row)).collect();
        for debit in &debits {
            report.findings.extend(wrong_with(debit, booked.get(debit.intent.as_str()).copied()));
        }
        report.findings.extend(verified(stripe, &self.endpoints.salesforce.org_id));
        let mails = self.mails().await?;
        report.findings.extend(letters(&mails, &debits));
        report.findings.extend(told_twice(&mails, stripe, &self.endpoints.salesforce.org_id));
        Ok(())
    }
}

fn debits(stripe: &Value, org_id: &str) -> Vec<Debit> {
    let charges: BTreeMap<&str, &Value> = list(stripe, "charges").map(|charge| (text(&charge["id"]), charge)).collect();
    let lost = |intent: &str| {
        list(stripe, "disputes")
            .any(|dispute| text(&dispute["payment_intent"]) == intent && dispute["status"] == "lost")
    };
    let ours = list(stripe, "payment_intents").filter(|intent| {
        text(&intent["metadata"]["sf_org_id"]) == org_id && intent["payment_method_types"][0] == "us_bank_account"
    });
    ours.filter_map(|intent| {
        let charge = charges.get(text(&intent["latest_charge"]))?;
        let id = text(&intent["id"]);
        let state = match text(&intent["status"]) {
            "processing" => "Processing",
            "succeeded" if lost(id) => "Returned",
            "succeeded" => "Settled",
            _ => "Failed",
        };
        let mandate = &charge["payment_method_details"]["us_bank_account"]["mandate"];
        let agreed = list(stripe, "mandates").find(|found| &found["id"] == mandate);
        // A private person pressed on the mailed page.
        let company = charge["payment_method_details"]["us_bank_account"]["account_holder_type"] == "company";
        let by_phone = company && intent["metadata"]["q_request_id"].is_string();
        Some(Debit {
            intent: id.to_owned(),
            state,
            by_phone,
            agreed: agreed.map(|found| found["customer_acceptance"].clone()),
        })
    })
    .collect()
}

fn wrong_with(debit: &Debit, booked: Option<&Value>) -> Vec<String> {
    let Debit { intent, state, by_phone, agreed } = debit;
    let mut wrong = Vec::new();
    match booked {
        None => wrong.push(format!("the bank debit {intent} is not in the org; at the bank it is {state}")),
        Some(payment) => {
            if text(&payment["State__c"]) != *state {
                wrong.push(format!("the bank debit {intent} is {} where the bank says {state}", payment["State__c"]));
            }
            if *state == "Processing" && !payment["Receipt_Number__c"].is_null() {
                wrong.push(format!("the bank debit {intent} has a receipt and no money yet"));
            }
            if text(&payment["Method__c"]) != "Bank Account" {
                wrong.push(format!("the bank debit {intent} is booked as {}", payment["Method__c"]));
            }
        }
    }
    if !agreed.as_ref().is_some_and(|acceptance| is_evidence(acceptance, *by_phone)) {
        wrong.push(format!("nobody is known to have agreed to the bank debit {intent}: {agreed:?}"));
    }
    wrong
}

/// A press on the page with its browser and address, or a word on the phone with its time.
fn is_evidence(acceptance: &Value, by_phone: bool) -> bool {
    if by_phone {
        return acceptance["type"] == "offline" && acceptance["accepted_at"].as_i64().is_some_and(|at| at > 0);
    }
    acceptance["type"] == "online"
        && text(&acceptance["online"]["user_agent"]) == BROWSER
        && text(&acceptance["online"]["ip_address"]) == "127.0.0.1"
}

/// An account that was taken down is verified once at Stripe, and debited once if it was verified.
fn verified(stripe: &Value, org_id: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    for setup in list(stripe, "setup_intents").filter(|setup| text(&setup["metadata"]["sf_org_id"]) == org_id) {
        let (id, verification) = (text(&setup["id"]), text(&setup["metadata"]["q_verification_id"]));
        if let Some(other) = seen.insert(verification, id) {
            wrong.push(format!("the account {verification} is verified twice: {other} and {id}"));
        }
        let debits = list(stripe, "payment_intents")
            .filter(|intent| {
                text(&intent["metadata"]["q_attempt_id"]) == verification && !intent["latest_charge"].is_null()
            })
            .count();
        let wanted = usize::from(setup["status"] == "succeeded");
        if debits != wanted {
            wrong.push(format!("{id} is {} and the account was debited {debits} times", setup["status"]));
        }
    }
    wrong
}

/// At most one letter about its deposits goes out for an account; none where they were told before it could.
fn told_twice(mails: &[Value], stripe: &Value, org_id: &str) -> Option<String> {
    let about = |mail: &&Value| text(&mail["subject"]).contains(DEPOSITS);
    let letters: BTreeSet<&str> = mails.iter().filter(about).map(|mail| text(&mail["message_id"])).collect();
    let accounts =
        list(stripe, "setup_intents").filter(|setup| text(&setup["metadata"]["sf_org_id"]) == org_id).count();
    (letters.len() > accounts).then(|| format!("{} letters are about deposits of {accounts} accounts", letters.len()))
}

/// Each debit is told of when it starts, and again when it failed or came back; a letter that comes twice counts once.
fn letters(mails: &[Value], debits: &[Debit]) -> Vec<String> {
    let mut subjects: BTreeMap<&str, &str> = BTreeMap::new();
    for mail in mails {
        subjects.insert(text(&mail["message_id"]), text(&mail["subject"]));
    }
    let told = |words: &str| subjects.values().filter(|subject| is_about(subject, words)).count();
    let back = debits.iter().filter(|debit| matches!(debit.state, "Failed" | "Returned")).count();
    let mut wrong = Vec::new();
    for (words, wanted) in [(STARTED, debits.len()), (CAME_BACK, back)] {
        if told(words) != wanted {
            wrong.push(format!("{} different letters say {words:?} for {wanted} bank debits", told(words)));
        }
    }
    wrong
}

/// Begins the subject of the letter that leads to the page of an authorisation.
const AUTHORISE: &str = "Authorise $";
/// Begins that of the one for small deposits.
const DEPOSITS: &str = "Verify your bank account";
const STARTED: &str = " has started";
const CAME_BACK: &str = " came back: ";

fn is_about(subject: &str, words: &str) -> bool {
    subject.contains("ank payment") && subject.contains(words)
}

/// A letter that neither brings a payment link nor a receipt.
pub(super) fn is_of_banks(subject: &str) -> bool {
    is_about(subject, STARTED)
        || is_about(subject, CAME_BACK)
        || subject.contains(" code for ")
        || subject.contains(AUTHORISE)
        || subject.contains(DEPOSITS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn debit(state: &'static str) -> Debit {
        let agreed = json!({"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": BROWSER}});
        Debit { intent: "pi_1".to_owned(), state, by_phone: false, agreed: Some(agreed) }
    }

    #[test]
    fn a_debit_that_is_said_to_be_paid_too_early_is_found() {
        let row = |state: &str, receipt: Value| json!({"State__c": state, "Method__c": "Bank Account", "Receipt_Number__c": receipt});
        assert_eq!(wrong_with(&debit("Processing"), Some(&row("Processing", Value::Null))), Vec::<String>::new());
        assert_eq!(
            wrong_with(&debit("Processing"), Some(&row("Settled", json!("R-1")))),
            [
                "the bank debit pi_1 is \"Settled\" where the bank says Processing",
                "the bank debit pi_1 has a receipt and no money yet"
            ]
        );
        assert_eq!(wrong_with(&debit("Returned"), None).len(), 1);
    }

    #[test]
    fn a_debit_that_nobody_agreed_to_and_a_letter_too_many_are_found() {
        let row = json!({"State__c": "Settled", "Method__c": "Bank Account", "Receipt_Number__c": "R-1"});
        let without = Debit { agreed: None, ..debit("Settled") };
        assert_eq!(wrong_with(&without, Some(&row)).len(), 1);
        let mail =
            |id: &str, words: &str| json!({"message_id": id, "subject": format!("Bank payment of $5.00 to X{words}")});
        let all = [mail("a", STARTED), mail("a", STARTED), mail("b", CAME_BACK)];
        assert_eq!(letters(&all, &[debit("Returned")]), Vec::<String>::new());
        assert_eq!(letters(&all, &[debit("Settled")]).len(), 1);
    }

    #[test]
    fn a_companys_word_on_the_phone_has_its_time_and_no_browser() {
        let row = json!({"State__c": "Settled", "Method__c": "Bank Account", "Receipt_Number__c": "R-1"});
        let said = Some(json!({"type": "offline", "accepted_at": 1_700_000_000, "offline": {}}));
        let by_phone = Debit { by_phone: true, agreed: said.clone(), ..debit("Settled") };
        assert_eq!(wrong_with(&by_phone, Some(&row)), Vec::<String>::new());
        let a_clerks_press = Debit { by_phone: true, ..debit("Settled") };
        assert_eq!(wrong_with(&a_clerks_press, Some(&row)).len(), 1);
        assert_eq!(wrong_with(&Debit { agreed: said, ..debit("Settled") }, Some(&row)).len(), 1);
    }

    #[test]
    fn more_letters_about_deposits_than_accounts_are_found() {
        let mail = |id: &str| json!({"message_id": id, "subject": format!("[TEST] {DEPOSITS} for L-1 from X")});
        let stripe = json!({"setup_intents": [{"id": "seti_1", "metadata": {"sf_org_id": "00D"}}]});
        assert_eq!(told_twice(&[mail("a"), mail("a")], &stripe, "00D"), None);
        assert!(told_twice(&[mail("a"), mail("b")], &stripe, "00D").is_some());
        assert!(is_of_banks("[TEST] Authorise $5.00 USD to X for L-1") && !is_of_banks("Invoice L-1 from X: $5.00"));
    }

    #[test]
    fn an_account_verified_or_debited_twice_or_forgotten_is_found() {
        let setup = |id: &str, status: &str| json!({"id": id, "status": status, "metadata": {"sf_org_id": "00D", "q_verification_id": "v"}});
        let debit = |id: &str| json!({"id": id, "latest_charge": "py_1", "metadata": {"q_attempt_id": "v"}});
        let found = |setups: Vec<Value>, debits: Vec<Value>| {
            verified(&json!({"setup_intents": setups, "payment_intents": debits}), "00D")
        };
        let done = || setup("seti_1", "succeeded");
        assert_eq!(found(vec![done()], vec![debit("pi_1")]), Vec::<String>::new());
        assert_eq!(found(vec![setup("seti_1", "requires_action")], vec![]), Vec::<String>::new());
        assert_eq!(found(vec![done()], vec![]), ["seti_1 is \"succeeded\" and the account was debited 0 times"]);
        assert_eq!(found(vec![done()], vec![debit("pi_1"), debit("pi_2")]).len(), 1);
        assert_eq!(found(vec![setup("seti_1", "canceled")], vec![debit("pi_1")]).len(), 1);
        assert_eq!(found(vec![done(), setup("seti_2", "canceled")], vec![debit("pi_1")]).len(), 2);
    }

    #[test]
    fn the_rung_of_a_debit_follows_from_the_intent_and_its_disputes() {
        let intent = |id: &str, status: &str| {
            json!({"id": id, "status": status, "latest_charge": format!("ch_{id}"), "payment_method_types": ["us_bank_account"],
                "metadata": {"sf_org_id": "00D"}})
        };
        let charge = |id: &str| json!({"id": format!("ch_{id}"), "payment_method_details": {"us_bank_account": {"mandate": "m"}}});
        let state = json!({
            "payment_intents": [intent("a", "processing"), intent("b", "succeeded"), intent("c", "succeeded"),
                intent("d", "canceled"), {"id": "e", "status": "canceled", "latest_charge": null,
                "payment_method_types": ["us_bank_account"], "metadata": {"sf_org_id": "00D"}}],
            "charges": [charge("a"), charge("b"), charge("c"), charge("d")],
            "disputes": [{"payment_intent": "c", "status": "lost", "amount": 5}],
            "mandates": [{"id": "m", "customer_acceptance": {"type": "online"}}],
        });
        let found: Vec<_> = debits(&state, "00D").into_iter().map(|debit| (debit.intent, debit.state)).collect();
        let expected = [("a", "Processing"), ("b", "Settled"), ("c", "Returned"), ("d", "Failed")];
        assert_eq!(found, expected.map(|(id, state)| (id.to_owned(), state)));
    }
}
