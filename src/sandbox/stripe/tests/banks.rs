//! Bank debits: verification, days of waiting, returns, and what Stripe has switched on by hand.

use serde_json::{Value, json};

use super::House;

const MANDATE: &[(&str, &str)] = &[
    ("mandate_data[customer_acceptance][type]", "online"),
    ("mandate_data[customer_acceptance][online][ip_address]", "203.0.113.7"),
    ("mandate_data[customer_acceptance][online][user_agent]", "test"),
];

#[tokio::test]
async fn a_bank_debit_waits_days_and_can_come_back_after_it_succeeded() {
    let house = House::start().await;
    let (status, body) = house.pay("pm_usBankAccount_success", &[]).await;
    assert_eq!((status, body["error"]["code"].as_str()), (400, Some("payment_intent_mandate_invalid")));
    let (_, intent) = house.pay("pm_usBankAccount_success", MANDATE).await;
    assert_eq!(intent["next_action"]["type"], "verify_with_microdeposits");
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let verify = format!("{path}/verify_microdeposits");
    let (_, wrong) = house.post(&verify, &[("descriptor_code", "SM99ZZ")]).await;
    assert_eq!(wrong["error"]["code"], "payment_method_microdeposit_verification_descriptor_code_mismatch");
    let (_, intent) = house.post(&verify, &[("descriptor_code", "SM11AA")]).await;
    assert_eq!(intent["status"], "processing");
    let charge = format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap());
    assert_eq!(house.get(&charge).await["status"], "pending");
    let (status, refused) = house.post(&format!("{path}/cancel"), &[]).await;
    assert_eq!((status, refused["error"]["code"].as_str()), (400, Some("payment_intent_unexpected_state")));
    house.control("clock", json!({"advance_s": 8 * 86_400})).await;
    assert_eq!(house.get(&path).await["status"], "succeeded");
    let dispute = house.control(&format!("intents/{}/return", intent["id"].as_str().unwrap()), json!({})).await;
    assert_eq!((dispute["status"].as_str(), dispute["reason"].as_str()), (Some("lost"), Some("insufficient_funds")));
    assert_eq!(house.get(&charge).await["disputed"], true);
    assert_eq!(house.get(&path).await["status"], "succeeded", "the intent never says so");
}

#[tokio::test]
async fn a_plaid_token_makes_a_verified_account_once() {
    let house = House::start().await;
    let customer = house.customer().await;
    let token = house.control("bank-tokens", json!({"account_number": "000222222227"})).await;
    let sources = format!("/v1/customers/{customer}/sources");
    let form = [("source", token["id"].as_str().unwrap())];
    let (_, account) = house.post(&sources, &form).await;
    assert_eq!(account["status"], "verified");
    let (status, again) = house.post(&sources, &form).await;
    assert_eq!((status, again["error"]["code"].as_str()), (400, Some("token_already_used")));
    let form = [
        &[
            ("amount", "900"),
            ("currency", "usd"),
            ("customer", &customer),
            ("payment_method", account["id"].as_str().unwrap()),
            ("allowed_payment_method_types[]", "us_bank_account"),
            ("confirm", "true"),
        ],
        MANDATE,
    ]
    .concat();
    let (_, intent) = house.post("/v1/payment_intents", &form).await;
    assert_eq!(intent["status"], "processing", "{intent}");
    house.control("clock", json!({"advance_s": 6 * 86_400})).await;
    let intent = house.get(&format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap())).await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "insufficient_funds");
}

impl House {
    /// A verified account of a customer, as Plaid hands it over: customer and account.
    async fn account(&self, number: &str) -> (String, String) {
        let customer = self.customer().await;
        let token = self.control("bank-tokens", json!({"account_number": number})).await;
        let form = [("source", token["id"].as_str().unwrap())];
        let (status, account) = self.post(&format!("/v1/customers/{customer}/sources"), &form).await;
        assert_eq!(status, 200, "{account}");
        (customer, account["id"].as_str().unwrap().to_owned())
    }

    async fn debit(&self, customer: &str, account: &str, mandate: &[(&str, &str)]) -> (u16, Value) {
        let form = [
            ("amount", "900"),
            ("currency", "usd"),
            ("customer", customer),
            ("payment_method", account),
            ("allowed_payment_method_types[]", "us_bank_account"),
        ];
        let (_, intent) = self.post("/v1/payment_intents", &form).await;
        self.post(&format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap()), mandate).await
    }

    async fn method(&self, customer: &str, account: &str) -> Value {
        self.get(&format!("/v1/customers/{customer}/payment_methods/{account}")).await
    }
}

#[tokio::test]
async fn each_test_account_does_what_its_number_says() {
    let house = House::start().await;
    for (number, at_once, later, code) in [
        ("000123456789", "processing", "succeeded", Value::Null),
        ("000111111113", "processing", "requires_payment_method", json!("account_closed")),
        ("000111111116", "processing", "requires_payment_method", json!("no_account")),
        ("000222222227", "processing", "requires_payment_method", json!("insufficient_funds")),
        ("000333333335", "processing", "requires_payment_method", json!("debit_not_authorized")),
        ("000444444440", "processing", "requires_payment_method", json!("invalid_currency")),
        ("000555555559", "processing", "succeeded", Value::Null),
        ("000777777771", "requires_payment_method", "requires_payment_method", json!("charge_exceeds_weekly_limit")),
        ("000888888885", "processing", "requires_payment_method", json!("tokenized_account_number_deactivated")),
        ("000000004954", "requires_payment_method", "requires_payment_method", json!("fraudulent")),
        ("000000000009", "processing", "processing", Value::Null),
    ] {
        let (customer, account) = house.account(number).await;
        let (_, body) = house.debit(&customer, &account, MANDATE).await;
        let intent = if body["error"].is_null() { &body } else { &body["error"]["payment_intent"] };
        assert_eq!(intent["status"], at_once, "{number}");
        house.control("clock", json!({"advance_days": 12})).await;
        let intent = house.get(&format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap())).await;
        assert_eq!((&intent["status"], &intent["last_payment_error"]["code"]), (&json!(later), &code), "{number}");
        let charge = house.get(&format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap())).await;
        assert_eq!(charge["disputed"], number == "000555555559", "{number}");
        if number == "000000004954" {
            assert_eq!(charge["outcome"]["type"], "blocked");
        }
    }
}

#[tokio::test]
async fn a_return_that_closes_the_account_blocks_it_and_the_next_debit_says_so() {
    let house = House::start().await;
    let (customer, account) = house.account("000111111113").await;
    house.debit(&customer, &account, MANDATE).await;
    house.control("clock", json!({"advance_days": 6})).await;
    let method = house.method(&customer, &account).await;
    let blocked = json!({"network_code": "R02", "reason": "bank_account_closed"});
    assert_eq!(method["us_bank_account"]["status_details"]["blocked"], blocked);
    let (status, body) = house.debit(&customer, &account, MANDATE).await;
    assert_eq!((status, body["error"]["code"].as_str()), (400, Some("payment_method_bank_account_blocked")));
}

#[tokio::test]
async fn a_return_by_code_fails_a_waiting_debit_and_disputes_a_settled_one() {
    let house = House::start().await;
    let (customer, account) = house.account("000123456789").await;
    let (_, first) = house.debit(&customer, &account, MANDATE).await;
    let back = |intent: &Value| format!("intents/{}/return", intent["id"].as_str().unwrap());
    let failed = house.control(&back(&first), json!({"code": "R01"})).await;
    assert_eq!(failed["last_payment_error"]["code"], "insufficient_funds");
    let unknown = house.control(&back(&first), json!({"code": "R99"})).await;
    assert_eq!(unknown["error"]["param"], "code");
    for again in [false, true] {
        let (status, intent) = house.debit(&customer, &account, MANDATE).await;
        assert_eq!((status, intent["status"].as_str()), (200, Some("processing")));
        house.control(&format!("intents/{}/settle", intent["id"].as_str().unwrap()), json!({})).await;
        let dispute = house.control(&back(&intent), json!({"code": "R01"})).await;
        assert_eq!((&dispute["reason"], &dispute["status"]), (&json!("insufficient_funds"), &json!("lost")));
        // The mandate is over with the first return, the account with the second.
        let (_, without) = house.debit(&customer, &account, &[]).await;
        let code = if again { "payment_method_bank_account_blocked" } else { "payment_intent_mandate_invalid" };
        assert_eq!(without["error"]["code"], code);
    }
    let types = house.event_types().await;
    for kind in ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed", "mandate.updated"]
    {
        assert_eq!(types.iter().filter(|seen| *seen == kind).count(), 2, "{kind}");
    }
}

#[tokio::test]
async fn a_clerks_bank_account_waits_for_its_micro_deposits_with_an_offline_mandate() {
    let house = House::start().await;
    let offline = [
        ("mandate_data[customer_acceptance][type]", "offline"),
        ("mandate_data[customer_acceptance][accepted_at]", "1800000000"),
    ];
    // A checking account is told a code and has ten tries, a savings account two amounts and three.
    for (kind, way, wrong, tries) in [
        ("checking", "descriptor_code", [("descriptor_code", "SM99ZZ"), ("", "")], 10),
        ("savings", "amounts", [("amounts[]", "1"), ("amounts[]", "2")], 3),
    ] {
        let customer = house.customer().await;
        let typed = [
            ("key", "pk_test_quittance_sandbox"),
            ("type", "us_bank_account"),
            ("us_bank_account[routing_number]", "110000000"),
            ("us_bank_account[account_number]", "000123456789"),
            ("us_bank_account[account_holder_type]", "company"),
            ("us_bank_account[account_type]", kind),
            ("billing_details[name]", "Larkspur"),
        ];
        let request = house.client.post(house.url("/v1/payment_methods")).form(&typed);
        let method: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        let id = method["id"].as_str().unwrap();
        let form = [
            ("customer", customer.as_str()),
            ("payment_method", id),
            ("allowed_payment_method_types[]", "us_bank_account"),
            ("payment_method_options[us_bank_account][verification_method]", "microdeposits"),
            ("confirm", "true"),
        ];
        let (_, setup) = house.post("/v1/setup_intents", &[&form[..], &offline[..]].concat()).await;
        assert_eq!(setup["next_action"]["verify_with_microdeposits"]["microdeposit_type"], way);
        let mandate = house.get(&format!("/v1/mandates/{}", setup["mandate"].as_str().unwrap())).await;
        let acceptance = json!({"type": "offline", "accepted_at": 1_800_000_000, "offline": {}});
        assert_eq!(mandate["customer_acceptance"], acceptance);
        let verify = format!("/v1/setup_intents/{}/verify_microdeposits", setup["id"].as_str().unwrap());
        let wrong: Vec<_> = wrong.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        for left in (1..tries).rev() {
            let (_, body) = house.post(&verify, &wrong).await;
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains(&format!("{left} attempts left")), "{message}");
        }
        let (_, over) = house.post(&verify, &wrong).await;
        assert_eq!(over["error"]["code"], "payment_method_microdeposit_verification_attempts_exceeded");
        let (_, never) = house.post("/v1/setup_intents", &[&form[..], &offline[..]].concat()).await;
        assert_eq!(never["error"]["param"], "payment_method", "the account is never asked again");
    }
}

#[tokio::test]
async fn micro_deposits_that_nobody_tells_end_after_ten_days() {
    let house = House::start().await;
    let (_, intent) = house.pay("pm_usBankAccount_success", MANDATE).await;
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    house.control("clock", json!({"advance_hours": 10 * 24 - 1})).await;
    assert_eq!(house.get(&path).await["status"], "requires_action");
    house.control("clock", json!({"advance_hours": 1})).await;
    let intent = house.get(&path).await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "payment_method_microdeposit_verification_timeout");
}

#[tokio::test]
async fn what_stripe_switches_on_by_hand_decides_over_phone_orders_and_plaids_tokens() {
    let house = House::start().await;
    let moto = [("payment_method_options[card][moto]", "true")];
    let (_, off) = house.pay("pm_card_authenticationRequired", &moto).await;
    assert_eq!(off["error"]["code"], "parameter_unknown");
    house.control("account", json!({"moto": true})).await;
    let (_, on) = house.pay("pm_card_authenticationRequired", &moto).await;
    assert_eq!(on["status"], "succeeded");
    let unconfirmed = [("amount", "500"), ("currency", "usd"), moto[0]];
    let (status, early) = house.post("/v1/payment_intents", &unconfirmed).await;
    assert_eq!((status, early["error"]["code"].as_str()), (400, Some("parameter_invalid")), "{early}");

    let (customer, account) = house.account("000123456789").await;
    house.control("account", json!({"plaid_tokens": "refused"})).await;
    let (_, refused) = house.debit(&customer, &account, MANDATE).await;
    assert_eq!(refused["error"]["code"], "bank_account_unverified");
    for (tokens, kind) in [("legacy", "ach_debit"), ("enabled", "us_bank_account")] {
        house.control("account", json!({"plaid_tokens": tokens})).await;
        let (_, intent) = house.debit(&customer, &account, MANDATE).await;
        let charge = house.get(&format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap())).await;
        assert_eq!(charge["payment_method_details"]["type"], kind);
    }
}

#[tokio::test]
async fn the_banks_clock_stands_unless_the_sandbox_was_started_with_it() {
    let house = House::with(super::Options::default()).await;
    let refused = house.control("clock", json!({"advance_days": 1})).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("--clock"), "{refused}");
    assert_eq!(house.get("/_sandbox/clock").await["movable"], false);
}
