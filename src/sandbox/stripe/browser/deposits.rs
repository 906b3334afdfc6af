//! Stripe's own page for a customer whose bank account is verified: what does the statement say?

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::titled;
use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::objects::{debits, setup_intents};
use crate::sandbox::stripe::refusal::Refusal;
use crate::sandbox::stripe::server::{Stripe, lock};
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::text;

#[derive(Deserialize)]
pub struct Deposits {
    #[serde(default)]
    first: String,
    #[serde(default)]
    second: String,
    #[serde(default)]
    code: String,
}

/// The intent, where it waits for its deposits.
fn waiting(stripe: &Stripe, id: &str) -> Option<Value> {
    let world = lock(&stripe.world);
    let intent = world.ledger.get(Kind::of_id(id)?, id)?;
    (intent["next_action"]["type"] == "verify_with_microdeposits").then(|| intent.clone())
}

pub async fn asked(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    match waiting(&stripe, &id) {
        Some(intent) => form(&intent, None),
        None => over(),
    }
}

pub async fn told(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    Form(deposits): Form<Deposits>,
) -> Response {
    let Some(intent) = waiting(&stripe, &id) else { return over() };
    let fields = if is_code(&intent) {
        vec![("descriptor_code", deposits.code.trim().to_uppercase())]
    } else {
        vec![("amounts[]", cents(&deposits.first)), ("amounts[]", cents(&deposits.second))]
    };
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let result = Params::parse(&body).and_then(|params| {
        stripe.change(|world| match Kind::of_id(&id) {
            Some(Kind::SetupIntent) => setup_intents::verify_microdeposits(world, &id, params),
            _ => debits::verify_microdeposits(world, &id, params),
        })
    });
    match (result, waiting(&stripe, &id)) {
        (Ok(_), _) => page(true, html! { h1 { "Your bank account is verified" } p { "You can close this page." } }),
        (Err(refusal), Some(intent)) => form(&intent, Some(&refusal)),
        (Err(refusal), None) => {
            page(true, html! { h1 { "Your bank account could not be verified" } p { (refusal.message) } })
        }
    }
}

fn is_code(intent: &Value) -> bool {
    text(&intent["next_action"]["verify_with_microdeposits"], "microdeposit_type") == Some("descriptor_code")
}

/// "0.32", ".32" and "32" are thirty-two cents.
fn cents(typed: &str) -> String {
    typed.trim().trim_start_matches('$').trim_start_matches('0').trim_start_matches('.').to_owned()
}

fn form(intent: &Value, refusal: Option<&Refusal>) -> Response {
    let field = |name: &str, label: &str| -> Markup {
        html! { p { label for=(name) { (label) } " " input type="text" id=(name) name=(name) autocomplete="off" maxlength="10"; } }
    };
    page(
        false,
        html! {
            h1 { "Verify your bank account" }
            @if let Some(refusal) = refusal { p role="alert" { (refusal.message) } }
            form method="post" {
                @if is_code(intent) {
                    (field("code", "The six characters beside the deposit of $0.01"))
                } @else {
                    (field("first", "First deposit, in dollars"))
                    (field("second", "Second deposit, in dollars"))
                }
                button { "Verify" }
            }
        },
    )
}

fn over() -> Response {
    page(true, html! { h1 { "Nothing is to be verified here" } p { "It is done, or its time is over." } })
}

fn page(over: bool, body: Markup) -> Response {
    titled("Verify your bank account", over, body)
}

#[cfg(test)]
mod tests {
    use super::cents;

    #[test]
    fn dollars_as_people_write_them_are_cents() {
        for typed in ["0.32", ".32", "32", " $0.32 "] {
            assert_eq!(cents(typed), "32");
        }
    }
}
