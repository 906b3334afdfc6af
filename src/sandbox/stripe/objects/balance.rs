//! `/v1/balance` and `/v1/balance_transactions`: what moved the merchant's money.

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::Answer;
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::World;

const CATEGORY: &[(&str, &str)] = &[
    ("charge", "charge"),
    ("payment", "charge"),
    ("refund", "refund"),
    ("payment_refund", "refund"),
    ("refund_failure", "refund_failure"),
    ("payment_failure_refund", "charge_failure"),
    ("adjustment", "dispute"),
];

/// Records a movement and answers its id. The stand-in settles in the currency of the charge.
pub fn record(world: &mut World, kind: &str, source: &str, amount: i64, fee: i64, currency: &str) -> String {
    let id = world.new_id(Kind::BalanceTransaction);
    let category = CATEGORY.iter().find(|(name, _)| *name == kind).map_or("other_adjustment", |(_, category)| category);
    let category = if kind == "adjustment" && amount > 0 { "dispute_reversal" } else { category };
    let fee_kind = if kind == "adjustment" { "Dispute fee" } else { "Stripe processing fees" };
    let fee_details = if fee == 0 {
        json!([])
    } else {
        json!([{"amount": fee, "application": null, "currency": currency, "description": fee_kind, "type": "stripe_fee"}])
    };
    let transaction = json!({
        "id": id, "object": "balance_transaction", "amount": amount, "available_on": world.now_s() + 2 * 86_400,
        "balance_type": "payments", "created": world.now_s(), "currency": currency, "description": null,
        "exchange_rate": null, "fee": fee, "fee_details": fee_details, "net": amount - fee,
        "reporting_category": category, "source": source, "status": "pending", "type": kind,
    });
    world.put(Kind::BalanceTransaction, transaction);
    id
}

/// Stripe's fee: 2.9 % and 30 for cards, 0.8 % up to 500 for bank debits.
pub fn fee(amount: i64, card: bool) -> i64 {
    if card { (amount * 29 + 500) / 1000 + 30 } else { ((amount * 8 + 500) / 1000).min(500) }
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    let kind = params.filled("type")?;
    let currency = params.filled("currency")?;
    let source = params.filled("source")?;
    params.finish()?;
    let matches = |transaction: &Value| {
        let is =
            |field: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| transaction[field] == *wanted);
        is("type", &kind) && is("currency", &currency) && is("source", &source)
    };
    let all = world.ledger.newest_first(Kind::BalanceTransaction).filter(|transaction| matches(transaction));
    page.of(world, Kind::BalanceTransaction, "/v1/balance_transactions", all)
}

pub fn total(world: &World, params: Params) -> Answer {
    params.finish()?;
    let mut sums: std::collections::BTreeMap<&str, i64> = std::collections::BTreeMap::from([("usd", 0)]);
    for transaction in world.ledger.newest_first(Kind::BalanceTransaction) {
        let currency = transaction["currency"].as_str().unwrap_or("usd");
        *sums.entry(currency).or_default() += transaction["net"].as_i64().unwrap_or_default();
    }
    let money = |sums: &dyn Fn(i64) -> i64, all: &std::collections::BTreeMap<&str, i64>| -> Vec<Value> {
        let one = |(currency, sum): (&&str, &i64)| json!({"amount": sums(*sum), "currency": currency, "source_types": {"card": sums(*sum)}});
        all.iter().map(one).collect()
    };
    Ok(json!({
        "object": "balance", "livemode": false,
        "available": money(&|_| 0, &sums),
        "pending": money(&|sum| sum, &sums),
    }))
}
