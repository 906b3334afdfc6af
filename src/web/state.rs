//! What every handler may use.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::address::Network;
use super::limits::Limits;
use crate::engine::links::Links;
use crate::engine::payments::Payments;
use crate::engine::receipts::Receipts;

/// The company that is owed, as the pages show it.
#[derive(Clone, Debug, Default)]
pub struct Company {
    pub name: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub privacy_url: Option<String>,
    /// PNG or JPEG, served from our own origin.
    pub logo: Option<Vec<u8>>,
    /// Red, green, blue of buttons and links.
    pub color: Option<[u8; 3]>,
}

/// Plain values from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    pub company: Company,
    /// Stripe.js, as `https://js.stripe.com/endive/stripe.js`.
    pub stripe_js_url: String,
    pub publishable_key: String,
    /// More than one is right while a secret is rolled.
    pub webhook_secrets: Vec<SecretString>,
    /// Whose `X-Forwarded-For` is believed: addresses or networks as `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    /// A test key: every page says so.
    pub test: bool,
    pub zone: TimeZone,
    /// More hosts that scripts, frames and requests of the page may reach, beside Stripe's own (the sandbox's stand-in).
    pub stripe_hosts: Vec<String>,
    /// Where customers may pay by bank.
    pub banks: Option<Banks>,
}

/// What Plaid Link needs of the page.
#[derive(Clone, Debug)]
pub struct Banks {
    /// Plaid Link's script, as `https://cdn.plaid.com/link/v2/stable/link-initialize.js`.
    pub js_url: String,
    /// What it opens frames of, and asks.
    pub hosts: Vec<String>,
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub links: Links,
    pub receipts: Receipts,
    pub settings: Settings,
    pub(super) limits: Limits,
    pub(super) proxies: Vec<Network>,
    pub(super) csp: String,
    pub(super) css: super::assets::Sheet,
    /// Answers `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Answers `/readyz`: what is not ready.
    pub not_ready: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// `metrics` renders the Prometheus text; `not_ready` names what a load balancer should wait for.
    pub fn new(
        links: Links,
        receipts: Receipts,
        settings: Settings,
        metrics: impl Fn() -> String + Send + Sync + 'static,
        not_ready: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let proxies = settings.trusted_proxies.iter().filter_map(|text| Network::parse(text)).collect();
        Self(Arc::new(Inner {
            csp: super::security::policy(&settings),
            css: super::assets::sheet(settings.company.color),
            limits: Limits::default(),
            proxies,
            links,
            receipts,
            settings,
            metrics: Box::new(metrics),
            not_ready: Box::new(not_ready),
        }))
    }

    pub fn payments(&self) -> &Payments {
        self.links.payments()
    }

    /// The payer's address: the peer's, or what the nearest trusted proxy says.
    pub(super) fn client(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        super::address::client(peer, forwarded, &self.proxies)
    }
}
