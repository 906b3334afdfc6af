//! Which method and path does what.

use serde_json::Value;

use super::ledger::Kind;
use super::objects::{
    account, balance, charges, customer_sessions, customers, debits, disputes, endings, events, payment_intents,
    payment_methods, refunds, setup_intents, sources, webhook_endpoints,
};
use super::refusal::{Answer, Refusal};
use super::wire::params::Params;
use super::world::{World, text};

/// Does what one request asks. `path` is what follows `/v1/`.
pub fn act(world: &mut World, method: &str, path: &[&str], mut params: Params) -> Answer {
    if world.caller.publishable {
        return act_for_browser(world, method, path, params);
    }
    // Servers too may read an intent as its client secret shows it; the secret must fit.
    if let Some(secret) = params.filled("client_secret")? {
        check_secret(world, path, &secret)?;
    }
    match (method, path) {
        ("POST", ["customers"]) => customers::create(world, params),
        ("GET", ["customers"]) => customers::list(world, params),
        ("GET", ["customers", "search"]) => customers::search(world, params),
        ("GET", ["customers", id]) => done(params).and_then(|()| customers::retrieve(world, id)),
        ("POST", ["customers", id]) => customers::update(world, id, params),
        ("DELETE", ["customers", id]) => done(params).and_then(|()| customers::delete(world, id)),
        ("GET", ["customers", id, "payment_methods"]) => payment_methods::list(world, Some(id), params),
        ("GET", ["customers", id, "payment_methods", pm]) => {
            done(params).and_then(|()| payment_methods::retrieve_of_customer(world, id, pm))
        }
        ("POST", ["customers", id, "sources"]) => sources::create(world, id, params),
        ("GET", ["customers", id, "sources"]) => sources::list(world, id, params),
        ("GET", ["customers", id, "sources", source]) => {
            done(params).and_then(|()| sources::retrieve(world, id, source))
        }
        ("DELETE", ["customers", id, "sources", source]) => {
            done(params).and_then(|()| sources::delete(world, id, source))
        }
        ("POST", ["customers", id, "sources", source, "verify"]) => sources::verify(world, id, source, params),

        ("GET", ["tokens", id]) => done(params).and_then(|()| sources::token(world, id)),

        ("POST", ["payment_methods"]) => payment_methods::create(world, params),
        ("GET", ["payment_methods"]) => payment_methods::list(world, None, params),
        ("GET", ["payment_methods", id]) => done(params).and_then(|()| payment_methods::retrieve(world, id)),
        ("POST", ["payment_methods", id]) => payment_methods::update(world, id, params),
        ("POST", ["payment_methods", id, "attach"]) => payment_methods::attach(world, id, params),
        ("POST", ["payment_methods", id, "detach"]) => payment_methods::detach(world, id, params),
        ("POST", ["customer_sessions"]) => customer_sessions::create(world, params),

        ("POST", ["payment_intents"]) => payment_intents::create(world, params),
        ("GET", ["payment_intents"]) => payment_intents::list(world, params),
        ("GET", ["payment_intents", "search"]) => payment_intents::search(world, params),
        ("GET", ["payment_intents", id]) => one(world, Kind::PaymentIntent, id, params),
        ("POST", ["payment_intents", id]) => payment_intents::update(world, id, params),
        ("POST", ["payment_intents", id, "confirm"]) => payment_intents::confirm(world, id, params),
        ("POST", ["payment_intents", id, "cancel"]) => endings::cancel(world, id, params),
        ("POST", ["payment_intents", id, "capture"]) => endings::capture(world, id, params),
        ("POST", ["payment_intents", id, "verify_microdeposits"]) => debits::verify_microdeposits(world, id, params),

        ("POST", ["setup_intents"]) => setup_intents::create(world, params),
        ("GET", ["setup_intents"]) => setup_intents::list(world, params),
        ("GET", ["setup_intents", id]) => one(world, Kind::SetupIntent, id, params),
        ("POST", ["setup_intents", id]) => setup_intents::update(world, id, params),
        ("POST", ["setup_intents", id, "confirm"]) => setup_intents::confirm(world, id, params),
        ("POST", ["setup_intents", id, "cancel"]) => setup_intents::cancel(world, id, params),
        ("POST", ["setup_intents", id, "verify_microdeposits"]) => {
            setup_intents::verify_microdeposits(world, id, params)
        }

        ("GET", ["charges"]) => charges::list(world, params),
        ("GET", ["charges", id]) => one(world, Kind::Charge, id, params),
        ("POST", ["charges", id]) => charges::update(world, id, params),
        ("POST", ["refunds"]) => refunds::create(world, params),
        ("GET", ["refunds"]) => refunds::list(world, params),
        ("GET", ["refunds", id]) => one(world, Kind::Refund, id, params),
        ("POST", ["refunds", id]) => refunds::update(world, id, params),
        ("POST", ["refunds", id, "cancel"]) => refunds::cancel(world, id, params),
        ("GET", ["disputes"]) => disputes::list(world, params),
        ("GET", ["disputes", id]) => one(world, Kind::Dispute, id, params),
        ("POST", ["disputes", id]) => disputes::update(world, id, params),
        ("POST", ["disputes", id, "close"]) => done(params).and_then(|()| disputes::close(world, id, "lost")),
        ("GET", ["mandates", id]) => one(world, Kind::Mandate, id, params),
        ("GET", ["balance"]) => balance::total(world, params),
        ("GET", ["balance_transactions"]) => balance::list(world, params),
        ("GET", ["balance_transactions", id]) => one(world, Kind::BalanceTransaction, id, params),
        ("GET", ["events"]) => events::list(world, params),
        ("GET", ["events", id]) => one(world, Kind::Event, id, params),
        ("POST", ["webhook_endpoints"]) => webhook_endpoints::create(world, params),
        ("GET", ["webhook_endpoints"]) => webhook_endpoints::list(world, params),
        ("GET", ["webhook_endpoints", id]) => one(world, Kind::WebhookEndpoint, id, params),
        ("POST", ["webhook_endpoints", id]) => webhook_endpoints::update(world, id, params),
        ("DELETE", ["webhook_endpoints", id]) => done(params).and_then(|()| webhook_endpoints::delete(world, id)),
        ("GET", ["account"]) => account::retrieve(world, params),
        _ => Err(Refusal::no_route(method, &format!("/v1/{}", path.join("/")))),
    }
}

fn done(params: Params) -> Result<(), Refusal> {
    params.finish()
}

fn one(world: &World, kind: Kind, id: &str, params: Params) -> Answer {
    done(params)?;
    world.show(kind, id)
}

/// What a browser may do: make a method, and go on with the intent whose client secret it holds.
fn act_for_browser(world: &mut World, method: &str, path: &[&str], mut params: Params) -> Answer {
    if let ("POST", ["payment_methods"]) = (method, path) {
        return payment_methods::create(world, params);
    }
    let secret = params.filled("client_secret")?;
    let (kind, id, verb) = match path {
        ["payment_intents", id, rest @ ..] => (Kind::PaymentIntent, *id, rest.first().copied()),
        ["setup_intents", id, rest @ ..] => (Kind::SetupIntent, *id, rest.first().copied()),
        _ => {
            let message = "This API call cannot be made with a publishable API key. Use a secret API key instead.";
            return Err(Refusal::forbidden(message).code("secret_key_required"));
        }
    };
    check_secret(world, path, secret.as_deref().ok_or_else(|| Refusal::missing("client_secret"))?)?;
    let answer = match (method, kind, verb) {
        ("GET", _, None) => one(world, kind, id, params),
        ("POST", Kind::PaymentIntent, Some("confirm")) => payment_intents::confirm(world, id, params),
        ("POST", Kind::SetupIntent, Some("confirm")) => setup_intents::confirm(world, id, params),
        ("POST", Kind::PaymentIntent, Some("verify_microdeposits")) => debits::verify_microdeposits(world, id, params),
        ("POST", Kind::SetupIntent, Some("verify_microdeposits")) => {
            setup_intents::verify_microdeposits(world, id, params)
        }
        _ => {
            Err(Refusal::forbidden("This API call cannot be made with a publishable API key.")
                .code("secret_key_required"))
        }
    };
    match answer {
        Ok(intent) => Ok(endings::for_browser(&intent)),
        Err(mut refusal) => {
            for name in ["payment_intent", "setup_intent"] {
                if let Some(intent) = refusal.with.get_mut(name) {
                    *intent = endings::for_browser(intent);
                }
            }
            Err(refusal)
        }
    }
}

fn check_secret(world: &World, path: &[&str], secret: &str) -> Result<(), Refusal> {
    let object: Option<&Value> = path.get(1).and_then(|id| world.ledger.get(Kind::of_id(id)?, id));
    match object {
        Some(object) if text(object, "client_secret") == Some(secret) => Ok(()),
        Some(_) => {
            let message = "The client_secret provided does not match the client_secret of the intent.";
            Err(Refusal::parameter("resource_missing", "client_secret", message))
        }
        None => Err(Refusal::no_such("intent", path.get(1).copied().unwrap_or_default())),
    }
}
