//! What takes payments, put together from the configuration: links, receipts, and the pages.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::domain::{CommandKind, OrgId};
use crate::engine::banks::Banks;
use crate::engine::commands::{
    BookPayment, ChargeStored, CopyLink, LinkInstead, RenewLink, ReviewInvoice, RevokeLink, SendLink, SyncNow,
    TakePayment,
};
use crate::engine::house::House;
use crate::engine::links::Links;
use crate::engine::payments::{Desk, Payments, Settings};
use crate::engine::receipts::Receipts;
use crate::engine::work::Registry;
use crate::{mail, plaid, receipt, stripe, web};

/// The parts that take payments.
pub struct Pay {
    /// Taking and booking.
    pub payments: Payments,
    /// Links and their mails.
    pub links: Links,
    /// Receipts.
    pub receipts: Receipts,
}

impl Pay {
    /// Puts them together.
    pub fn new(config: &Config, house: &House, stripe: stripe::Client, org: OrgId) -> anyhow::Result<Self> {
        let company = &config.company;
        let mut sender = mail::Sender::new(company.name.as_str(), &config.mail.from, config.mail.reply_to.as_deref())?;
        sender.contact = mail::Contact {
            phone: company.phone.clone(),
            email: company.email.clone(),
            postal: (!company.address.is_empty()).then(|| company.address.join(", ")),
        };
        sender.color = company.colour;
        let mailer = mail::Mailer::new(&config.mail.smtp_url, sender)?;
        let contact = [&company.phone, &company.email].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        let contact = if contact.is_empty() { config.mail.from.clone() } else { contact };
        let settings = Settings {
            org,
            public_url: config.web.public_url.clone(),
            mail_domain: mail_domain(&config.mail.from),
            test: !config.stripe.is_live(),
            statement_descriptor_suffix: company.statement_descriptor_suffix.clone(),
            sweep_every: Duration::from_secs(config.stripe.sweep_s),
            listing_every: Duration::from_secs(config.stripe.listing_s),
            company: company.name.clone(),
            legal_name: company.legal_name.clone(),
            contact: contact.clone(),
            desk: Desk { take_cards: config.desk.take_cards, moto: config.desk.moto },
            zone: company.time_zone.clone(),
        };
        let payments = Payments::new(house.clone(), stripe, settings);
        if let Some(plaid) = super::plaid_settings(config) {
            let name = config.plaid.as_ref().and_then(|plaid| plaid.link_customization_name.as_deref());
            let client = plaid::Client::new(&plaid)?;
            payments.offer_banks(Banks::new(client, &config.links_key, &company.legal_name, &contact, name));
        }
        let zone = company.time_zone.clone();
        let links = Links::new(payments.clone(), mailer.clone(), config.links_key.clone(), zone.clone());
        let receipts = Receipts::new(payments.clone(), mailer, on_receipts(company)?, zone);
        Ok(Self { payments, links, receipts })
    }

    /// Adds the commands that it does.
    pub fn handlers(&self, registry: Registry) -> Registry {
        registry
            .with(CommandKind::SendLink, SendLink(self.links.clone()))
            .with(CommandKind::CopyLink, CopyLink(self.links.clone()))
            .with(CommandKind::TakePayment, TakePayment(self.links.clone()))
            .with(CommandKind::RevokeLink, RevokeLink(self.links.clone()))
            .with(CommandKind::ChargeStored, ChargeStored(self.links.clone()))
            .with(CommandKind::SyncNow, SyncNow(self.links.clone()))
            .with(CommandKind::ReviewInvoice, ReviewInvoice(self.payments.clone()))
            .with(CommandKind::BookPayment, BookPayment(self.payments.clone()))
            .with(CommandKind::RenewLink, RenewLink(self.links.clone()))
            .with(CommandKind::LinkInstead, LinkInstead(self.links.clone()))
    }

    /// The pages, with what `/metrics` and `/readyz` answer.
    pub fn app(&self, config: &Config, metrics: impl Fn() -> String + Send + Sync + 'static) -> web::App {
        let payments = self.payments.clone();
        let not_ready =
            move || (!payments.is_open()).then(|| "the first sweep of Stripe since the start has not ended".to_owned());
        web::App::new(self.links.clone(), self.receipts.clone(), on_pages(config), metrics, not_ready)
    }
}

/// Listens; done before the daemon says that it is ready.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let at = config.web.listen;
    TcpListener::bind(at).await.with_context(|| format!("web.listen: {at} can't be listened on"))
}

/// Serves the pages until the daemon stops; requests under way are answered.
pub async fn serve(app: web::App, listener: TcpListener, stop: CancellationToken) {
    let service = web::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await }).await;
    if let Err(error) = served {
        tracing::error!(%error, "the pages are no longer served; quittance stops");
        stop.cancel();
    }
}

fn mail_domain(from: &str) -> String {
    let after = from.rsplit('@').next().unwrap_or_default();
    after.trim_end_matches(['>', ' ']).to_owned()
}

fn on_receipts(company: &config::Company) -> anyhow::Result<receipt::Company> {
    let logo = company.logo.clone().map(|bytes| receipt::Logo::new(bytes, company.name.as_str())).transpose();
    Ok(receipt::Company {
        name: company.name.clone(),
        legal_name: (company.legal_name != company.name).then(|| company.legal_name.clone()),
        address: company.address.clone(),
        country: company.country.clone(),
        phone: company.phone.clone(),
        email: company.email.clone(),
        tax_number: company.tax_number.clone(),
        logo: logo.context("company.logo_file")?,
        color: company.colour,
        ..receipt::Company::default()
    })
}

fn on_pages(config: &Config) -> web::Settings {
    let company = &config.company;
    web::Settings {
        company: web::Company {
            name: company.name.clone(),
            phone: company.phone.clone(),
            email: company.email.clone(),
            privacy_url: company.privacy_url.clone(),
            logo: company.logo.clone(),
            color: company.colour,
        },
        stripe_js_url: config.stripe.js_url.clone(),
        publishable_key: config.stripe.publishable_key.clone(),
        webhook_secrets: config.stripe.webhook_secrets.clone(),
        trusted_proxies: config.web.trusted_proxies.clone(),
        test: !config.stripe.is_live(),
        zone: company.time_zone.clone(),
        stripe_hosts: stand_ins(&config.stripe),
        banks: config.plaid.as_ref().map(bank_page),
    }
}

/// Plaid's own hosts: its script's, whose frames Link opens, and the one that it asks.
fn bank_page(plaid: &config::Plaid) -> web::Banks {
    let hosts = [&plaid.js_url, &plaid.api_url].into_iter().filter_map(|url| reqwest::Url::parse(url).ok());
    let mut hosts: Vec<String> = hosts.map(|url| url.origin().ascii_serialization()).collect();
    hosts.dedup();
    web::Banks { js_url: plaid.js_url.clone(), hosts }
}

/// The origins of Stripe's addresses where they are not Stripe's own.
fn stand_ins(stripe: &config::Stripe) -> Vec<String> {
    let mut origins: Vec<String> = [&stripe.js_url, &stripe.api_url]
        .into_iter()
        .filter_map(|url| reqwest::Url::parse(url).ok())
        .filter(|url| !url.host_str().is_some_and(|host| host == "stripe.com" || host.ends_with(".stripe.com")))
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_of_message_ids_is_the_senders() {
        assert_eq!(mail_domain("Acme Billing <billing@acme.example>"), "acme.example");
        assert_eq!(mail_domain("billing@acme.example"), "acme.example");
    }
}
