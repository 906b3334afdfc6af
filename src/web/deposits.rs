//! What stands on the customer's statement, entered by a clerk or by the customer.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::states::Said;
use crate::domain::verification::{Way, read_code, read_deposit};
use crate::engine::payments::{Values, tries_left};
use crate::store::verifications::Verification;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Read {
    #[serde(default)]
    pub csrf: String,
    #[serde(default)]
    pub press: String,
    #[serde(default)]
    first: String,
    #[serde(default)]
    second: String,
    #[serde(default)]
    code: String,
}

/// Who enters them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Clerk,
    Customer,
}

/// The values, where they can be any.
pub fn values(one: &Verification, read: &Read) -> Result<Values, Box<Said>> {
    let said = |heading: &str, to_do: &str, field: &'static str| {
        Box::new(Said::new(422, heading, "No try was used up. Nothing was charged.", to_do).at(field))
    };
    match one.way {
        Some(Way::Code) => read_code(&read.code).map(Values::Code).ok_or_else(|| {
            said("That is no such code", "Enter the six characters beside the deposit; they begin with SM", "code")
        }),
        _ => {
            let cents = |text: &str, field| {
                read_deposit(text).ok_or_else(|| {
                    said("A deposit is between $0.01 and $0.99", "Enter both amounts, as 0.32 and 0.45", field)
                })
            };
            Ok(Values::Amounts(cents(&read.first, "first")?, cents(&read.second, "second")?))
        }
    }
}

/// They were not those of the deposits.
pub fn wrong(one: &Verification, left: i64, who: Who) -> Said {
    let (what, field) = match one.way {
        Some(Way::Code) => ("The code is not the one beside the deposit", "code"),
        _ => ("The amounts are not those of the deposits", "first"),
    };
    let to_do = match who {
        Who::Clerk => "Have the customer look at the statement again",
        Who::Customer => "Look at your statement again",
    };
    Said::new(422, what, format!("Nothing was charged. {}", tries_left(left)), to_do).at(field)
}

/// Whether the try counted is not known.
pub fn not_known() -> Said {
    Said::new(
        503,
        "Stripe does not answer",
        "It is not known yet whether this try was counted. Nothing was charged.",
        "Press again in a minute; the same press is the same try.",
    )
}

/// The form, with what was refused at its fields.
pub fn form(action: &str, csrf: &str, one: &Verification, said: Option<&Said>, read: &Read, who: Who) -> Markup {
    // Where it isn't known whether a try was counted, the next press is the same one.
    let unknown = said.is_some_and(|said| said.status == StatusCode::SERVICE_UNAVAILABLE);
    let press = if unknown { read.press.clone() } else { uuid::Uuid::new_v4().to_string() };
    html! {
        form method="post" action=(action) novalidate {
            input type="hidden" name="csrf" value=(csrf);
            input type="hidden" name="press" value=(press);
            fieldset {
                legend {
                    @match who {
                        Who::Clerk => "What the customer reads on the statement",
                        Who::Customer => "What your statement shows",
                    }
                }
                @if one.way == Some(Way::Code) {
                    (field("code", "Code beside the deposit of $0.01", "Six characters that begin with SM", &read.code, said))
                } @else {
                    (field("first", "First deposit", "In dollars, as 0.32", &read.first, said))
                    (field("second", "Second deposit", "In dollars, as 0.45", &read.second, said))
                }
                @if let Some(left) = one.tries_left { p { (tries_left(left)) } }
            }
            button type="submit" class="primary" id="tell" { "Verify the account" }
        }
    }
}

fn field(id: &'static str, name: &str, hint: &str, value: &str, said: Option<&Said>) -> Markup {
    let error = said.filter(|said| said.field == Some(id));
    html! {
        div class="field" {
            label for=(id) { (name) }
            p class="quiet" id={ (id) "-hint" } { (hint) }
            @if let Some(said) = error { p class="field-error" id={ (id) "-error" } { (said.to_do) } }
            input type="text" id=(id) name=(id) value=(value) autocomplete="off" spellcheck="false" dir="ltr" maxlength="20"
                inputmode=(if id == "code" { "text" } else { "decimal" })
                aria-invalid=[error.map(|_| "true")]
                aria-describedby=(if error.is_some() { format!("{id}-hint {id}-error") } else { format!("{id}-hint") });
        }
    }
}
