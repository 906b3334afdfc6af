//! The sandbox's web console: the org's records with the quick action's buttons, the mailbox, Stripe's side, faults, and
//! a button that kills the sidecar.
//!
//! It reads the stand-ins over HTTP as any tool would, so what it shows is what they tell. All pages work without
//! script; the script only keeps them fresh.

mod faults;
mod frame;
mod guard;
mod home;
mod live;
mod mail;
mod org;
mod record;
mod stripe;
mod views;
mod world;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use world::{Problem, Sidecar, World};

/// The console with the mailbox's API under `/mailbox/api`. To be served on loopback only.
pub fn router(world: Arc<World>) -> Router {
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
        .route("/stripe/{tab}", get(stripe::tab))
        .route("/faults", get(faults::page))
        .route("/faults/{name}", post(faults::set))
        .route("/sidecar/{act}", post(faults::sidecar))
        .route("/live", get(live::stream))
        .route("/assets/console.css", get(frame::style))
        .route("/assets/console.js", get(frame::script))
        .fallback(frame::missing)
        .with_state(world)
        .nest("/mailbox", mailbox)
        .layer(axum::middleware::from_fn(guard::check))
}

#[cfg(test)]
mod tests;
