//! What happens by itself once its time has come: bank debits settle, refunds arrive, disputes open.

use serde_json::Value;

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::world::{World, text};

use super::{debits, disputes, refunds, setup_intents};

/// Runs everything that is due, in the order of its time. Answers how many ran.
pub fn run_due(world: &mut World) -> usize {
    let now = world.now_s();
    let mut due: Vec<Value> = world
        .ledger
        .oldest_first(Kind::Timer)
        .filter(|timer| timer["at_s"].as_i64().is_some_and(|at| at <= now))
        .cloned()
        .collect();
    due.sort_by_key(|timer| timer["at_s"].as_i64());
    for timer in &due {
        world.ledger.remove(Kind::Timer, text(timer, "id").unwrap_or_default());
        run(world, timer);
    }
    due.len()
}

fn run(world: &mut World, timer: &Value) {
    let object = text(timer, "object").unwrap_or_default();
    let detail = text(timer, "detail").unwrap_or_default();
    // Whatever was decided by hand in the meantime wins: then the object refuses, and nothing happens here.
    let _ = match text(timer, "what").unwrap_or_default() {
        "debit_succeeds" => debits::debit_succeeds(world, object),
        "debit_fails" => debits::debit_fails(world, object, detail),
        "debit_returns" => {
            let charge =
                world.ledger.get(Kind::PaymentIntent, object).and_then(|intent| intent["latest_charge"].as_str());
            match charge.map(str::to_owned) {
                Some(charge) => disputes::bank_return(world, &charge, detail),
                None => return,
            }
        }
        "dispute" => disputes::open(world, object, None, detail),
        "refund_succeeds" => refunds::succeed(world, object),
        "refund_fails" => refunds::fail(world, object, detail),
        what @ ("microdeposits_fail" | "microdeposits_time_out") => {
            let (code, message) = if what == "microdeposits_fail" {
                ("payment_method_microdeposit_failed", "The micro-deposits could not be sent to the bank account.")
            } else {
                ("payment_method_microdeposit_verification_timeout", "The time to verify the micro-deposits is over.")
            };
            if detail == Kind::SetupIntent.name() {
                setup_intents::microdeposits_over(world, object, code, message);
            } else {
                debits::microdeposits_over(world, object, code, message);
            }
            return;
        }
        _ => return,
    };
}
