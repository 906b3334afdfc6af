//! The sandbox's web console: the org's records with the quick action's buttons, the mailbox, Stripe's side, faults, and
//! a button that kills the sidecar.
//!
//! It reads the stand-ins over HTTP as any tool would, so what it shows is what they tell. All pages work without
//! script, which only keeps them fresh; but for those below `/lightning`, which are the package's own components.

mod bank;
mod faults;
mod frame;
mod guard;
mod home;
mod lightning;
mod live;
mod mail;
mod org;
mod plaid;
mod record;
mod stripe;
mod views;
mod world;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use lightning::{Lightning, Person};
pub use world::World;
use world::{Desk, Problem};

/// The console with the mailbox's API under `/mailbox/api`. To be served on loopback only.
pub fn router(world: World) -> Router {
    routes(Arc::new(Desk::from(world)))
}

fn routes(world: Arc<Desk>) -> Router {
    let mailbox = super::mailbox::router(world.mailbox.clone());
    Router::new()
        .route("/", get(home::page))
        .route("/org", get(org::first))
        .route("/org/{tab}", get(org::tab))
        .route("/org/sync", post(org::sync))
        .route("/org/record/{object}/{id}", get(record::page))
        .route("/org/invoice/{id}/send", post(record::send))
        .route("/org/invoice/{id}/copy", post(record::copy))
        .route("/org/invoice/{id}/revoke/{link}", post(record::revoke))
        .route("/org/file/{version}", get(record::file))
        .route("/mailbox", get(mail::list))
        .route("/mailbox/clear", post(mail::clear))
        .route("/mailbox/{id}", get(mail::one))
        .route("/stripe", get(stripe::first))
        .route("/stripe/bank", get(bank::page))
        .route("/stripe/bank/clock", post(bank::leap))
        .route("/stripe/bank/account", post(bank::enable))
        .route("/stripe/bank/{id}/{act}", post(bank::answer))
        .route("/stripe/{tab}", get(stripe::tab))
        .route("/plaid", get(plaid::page))
        .route("/plaid/{id}/{act}", post(plaid::act))
        .route("/faults", get(faults::page))
        .route("/faults/{name}", post(faults::set))
        .route("/sidecar/{act}", post(faults::sidecar))
        .route("/live", get(live::stream))
        .route("/lightning", get(lightning::first))
        .route("/lightning/{*path}", get(lightning::shell))
        .route("/lightning/assets/{*path}", get(lightning::asset))
        .route("/lightning/file/{document}", get(lightning::file))
        .route("/lightning/api/{who}/me", get(lightning::me))
        .route("/lightning/api/{who}/events", get(lightning::events))
        .route("/lightning/api/{who}/apex/{class}/{method}", post(lightning::apex))
        .route("/lightning/api/{who}/data/{*path}", get(lightning::data))
        .route("/assets/console.css", get(frame::style))
        .route("/assets/console.js", get(frame::script))
        .fallback(frame::missing)
        .with_state(world)
        .nest("/mailbox", mailbox)
        .layer(axum::middleware::from_fn(guard::check))
}

#[cfg(test)]
mod tests;
