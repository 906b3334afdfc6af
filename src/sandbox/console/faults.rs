//! "Break something": faults with one sentence each, and the sidecar's kill button.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::Problem;
use super::frame::{self, Place};
use super::world::Desk;

/// How long a started sidecar may take until it is ready, in seconds.
const READY_S: u64 = 30;

/// Shares of occasions on which a fault strikes, and their names.
const RATES: &[(f64, &str)] = &[(0.0, "Off"), (0.1, "1 in 10"), (0.5, "Half"), (1.0, "Always")];

pub(super) async fn page(State(world): State<Arc<Desk>>) -> Markup {
    let pid = world.daemon.id().await;
    let body = html! {
        h1 { "Break something" }
        section aria-labelledby="sidecar" {
            h2 id="sidecar" { "The sidecar" }
            div id="sidecar-live" data-live {
                @match pid {
                    Some(pid) => {
                        p { span class="state good" { "Running" } " as process " (pid) "." }
                        p.quiet { "Kill it in the middle of a payment: when it is back, it looks at Stripe and finishes what it had begun. "
                            "Nothing is charged twice and nothing is lost." }
                        form method="post" action="/sidecar/kill" { button.danger { "Kill the sidecar" } }
                    }
                    None => {
                        p { span class="state bad" { "Stopped" } " The payment page does not answer; the org and Stripe go on without it." }
                        form method="post" action="/sidecar/start" { button.main { "Start the sidecar" } }
                    }
                }
            }
        }
        section aria-labelledby="faults" {
            h2 id="faults" { "Faults" }
            p.quiet { "They strike by dice with the seed that the sandbox was started with, so a run can be repeated." }
            ul.faults id="faults-live" data-live {
                @for (name, what, rate, struck) in world.faults.list() {
                    li {
                        h3 id=(format!("fault-{name}")) { (name.replace('_', " ")) }
                        p { (what) "." @if struck > 0 { " " strong { "Struck " (struck) @if struck == 1 { " time." } @else { " times." } } } }
                        form method="post" action=(format!("/faults/{name}")) {
                            div.line role="group" aria-labelledby=(format!("fault-{name}")) {
                                @for (value, words) in RATES {
                                    button name="rate" value=(value) aria-pressed=((rate - value).abs() < 1e-9) { (words) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    frame::page(Place::Faults, "Break something", &body)
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    rate: f64,
}

pub(super) async fn set(
    State(world): State<Arc<Desk>>,
    Path(name): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    match world.faults.set(&name, wanted.rate) {
        Ok(()) => Redirect::to(&format!("/faults#fault-{name}")).into_response(),
        Err(error) => frame::problem_page(Place::Faults, &Problem::Said(error.to_string()), "/faults"),
    }
}

pub(super) async fn sidecar(State(world): State<Arc<Desk>>, Path(act): Path<String>) -> Response {
    let outcome = match act.as_str() {
        "kill" => {
            world.daemon.kill().await;
            Ok(())
        }
        "start" => match world.daemon.start().await {
            Ok(()) => world.daemon.ready(READY_S).await,
            Err(error) => Err(error),
        },
        _ => return frame::missing().await,
    };
    match outcome {
        Ok(()) => Redirect::to("/faults").into_response(),
        Err(error) => frame::problem_page(Place::Faults, &Problem::Said(error.to_string()), "/faults"),
    }
}
