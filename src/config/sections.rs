//! The sections of the file, each checked as a whole.

use std::net::SocketAddr;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use super::builder::Builder;
use super::raw;
use super::settings::{Auth, Company, Desk, Log, Mail, Plaid, Salesforce, Stripe, Web};

impl Builder {
    pub(super) fn salesforce(&mut self, raw: &raw::Salesforce) -> Option<Salesforce> {
        let login_url = self.url("salesforce.login_url", &raw.login_url, None);
        let client_id =
            self.needed("salesforce.client_id", &raw.client_id, "the consumer key of the external client app");
        let pubsub_url =
            self.url("salesforce.pubsub_url", &raw.pubsub_url, Some("https://api.pubsub.salesforce.com:7443"));
        let auth = match raw.auth.text().unwrap_or("client_credentials") {
            "client_credentials" => self
                .secret("salesforce.client_secret", &raw.client_secret)
                .map(|client_secret| Auth::ClientCredentials { client_secret }),
            "jwt_bearer" => {
                let private_key = self.secret("salesforce.private_key", &raw.private_key);
                let username = self.needed("salesforce.username", &raw.username, "the integration user's user name");
                let audience = raw.audience.text().unwrap_or("https://login.salesforce.com").to_owned();
                private_key.zip(username).map(|(private_key, username)| Auth::JwtBearer {
                    private_key,
                    username,
                    audience,
                })
            }
            other => {
                self.wrong("salesforce.auth", format!("{other:?}"), "client_credentials or jwt_bearer");
                None
            }
        };
        let watchdog_s = raw.watchdog_s.unwrap_or(130);
        if !(5..=600).contains(&watchdog_s) {
            self.wrong("salesforce.watchdog_s", watchdog_s, "5 to 600 seconds");
        }
        Some(Salesforce {
            login_url: login_url?,
            auth: auth?,
            client_id: client_id?,
            pubsub_url: pubsub_url?,
            watchdog_s,
        })
    }

    pub(super) fn stripe(&mut self, raw: &raw::Stripe) -> Option<Stripe> {
        let api_url = self.url("stripe.api_url", &raw.api_url, Some("https://api.stripe.com"));
        let js_url = self.url("stripe.js_url", &raw.js_url, Some("https://js.stripe.com/endive/stripe.js"));
        let secret_key = self.secret("stripe.secret_key", &raw.secret_key);
        let publishable_key = self.needed("stripe.publishable_key", &raw.publishable_key, "a key that begins with pk_");
        if let Some(key) = &publishable_key
            && !key.starts_with("pk_")
        {
            self.wrong("stripe.publishable_key", "a text that does not begin with pk_", "a key that begins with pk_");
        }
        if let Some(key) = &secret_key {
            let key = key.expose_secret();
            if !(key.starts_with("sk_") || key.starts_with("rk_")) {
                self.wrong("stripe.secret_key", "a text that begins with neither", "a key that begins with sk_ or rk_");
            }
            let live = is_live(key);
            if live && api_url.as_deref() != Some("https://api.stripe.com") {
                self.wrong("stripe.api_url", "a live key and another host", "https://api.stripe.com, or a test key");
            }
            if publishable_key.as_deref().is_some_and(|public| public.starts_with("pk_live_") != live) {
                self.wrong("stripe.publishable_key", "a key of another mode", "live with live, test with test");
            }
        }
        let mut webhook_secrets: Vec<SecretString> =
            raw.webhook_secrets.items().into_iter().map(SecretString::from).collect();
        if let Some(file) = raw.webhook_secrets_file.text()
            && let Some(content) = self.file("stripe.webhook_secrets_file", file)
        {
            let text = String::from_utf8_lossy(&content).into_owned();
            webhook_secrets.extend(text.split_whitespace().map(|one| SecretString::from(one.to_owned())));
        }
        if webhook_secrets.is_empty() {
            self.wrong("stripe.webhook_secrets", "nothing", "the endpoint's signing secret, as [\"whsec_…\"]");
        }
        if webhook_secrets.iter().any(|one| !one.expose_secret().starts_with("whsec_")) {
            self.wrong(
                "stripe.webhook_secrets",
                "a text that does not begin with whsec_",
                "signing secrets, as [\"whsec_…\"]",
            );
        }
        let sweep_s = self.seconds("stripe.sweep_s", &raw.sweep_s, 900, 1..=3_600);
        let listing_s = self.seconds("stripe.listing_s", &raw.listing_s, 86_400, 1..=86_400);
        Some(Stripe {
            api_url: api_url?,
            js_url: js_url?,
            secret_key: secret_key?,
            publishable_key: publishable_key?,
            webhook_secrets,
            sweep_s: sweep_s?,
            listing_s: listing_s?,
        })
    }

    fn seconds(
        &mut self,
        key: &'static str,
        raw: &raw::Text,
        default: u64,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(text) = raw.text() else { return Some(default) };
        let found = text.parse().ok().filter(|seconds| allowed.contains(seconds));
        if found.is_none() {
            self.wrong(key, format!("{text:?}"), &format!("{} to {} seconds", allowed.start(), allowed.end()));
        }
        found
    }

    pub(super) fn plaid(&mut self, raw: &raw::Plaid, live: bool) -> Option<Plaid> {
        const PRODUCTION: &str = "https://production.plaid.com";
        const SANDBOX: &str = "https://sandbox.plaid.com";
        let api_url = self.url("plaid.api_url", &raw.api_url, Some(if live { PRODUCTION } else { SANDBOX }));
        // Plaid's play banks with real debits, or real banks with debits that never happen.
        if api_url.as_deref().is_some_and(|url| (url == PRODUCTION) != live) {
            let expected = if live { PRODUCTION } else { "https://sandbox.plaid.com with a test key of Stripe" };
            self.wrong("plaid.api_url", "an environment that does not go with stripe.secret_key", expected);
        }
        let script = "https://cdn.plaid.com/link/v2/stable/link-initialize.js";
        let js_url = self.url("plaid.js_url", &raw.js_url, Some(script));
        if live && js_url.as_deref() != Some(script) {
            self.wrong("plaid.js_url", "another script with a live key", script);
        }
        let client_id =
            self.needed("plaid.client_id", &raw.client_id, "the client_id of the Plaid Dashboard, Developers, Keys");
        let secret = self.secret("plaid.secret", &raw.secret);
        Some(Plaid {
            api_url: api_url?,
            js_url: js_url?,
            client_id: client_id?,
            secret: secret?,
            link_customization_name: raw.link_customization_name.text().map(str::to_owned),
        })
    }

    pub(super) fn mail(&mut self, raw: &raw::Mail) -> Option<Mail> {
        let smtp_url = self.secret("mail.smtp_url", &raw.smtp_url);
        if let Some(url) = &smtp_url {
            let url = url.expose_secret();
            if !(url.starts_with("smtp://") || url.starts_with("smtps://")) {
                self.wrong("mail.smtp_url", "another scheme", "smtps://user:password@host:465 or smtp://host:25");
            }
        }
        let from = self.needed("mail.from", &raw.from, "a sender, as Acme Billing <billing@acme.example>");
        if from.as_deref().is_some_and(|from| !from.contains('@')) {
            self.wrong("mail.from", "a text without @", "a sender, as Acme Billing <billing@acme.example>");
        }
        Some(Mail { smtp_url: smtp_url?, from: from?, reply_to: raw.reply_to.text().map(str::to_owned) })
    }

    pub(super) fn web(&mut self, raw: &raw::Web, live: bool) -> Option<Web> {
        let listen = raw.listen.text().unwrap_or("127.0.0.1:8080");
        let address: Option<SocketAddr> = listen.parse().ok();
        if address.is_none() {
            self.wrong("web.listen", format!("{listen:?}"), "an address and a port, as 127.0.0.1:8080");
        }
        let public_url = self.url("web.public_url", &raw.public_url, None);
        if live && public_url.as_deref().is_some_and(|url| !url.starts_with("https://")) {
            self.wrong("web.public_url", "http:// with a live Stripe key", "an address that begins with https://");
        }
        let trusted_proxies = raw.trusted_proxies.items();
        // One that is passed over in silence would make every payer the proxy.
        for text in trusted_proxies.iter().filter(|text| !is_network(text)) {
            self.wrong("web.trusted_proxies", format!("{text:?}"), "addresses or networks, as 10.0.0.0/8");
        }
        Some(Web { listen: address?, public_url: public_url?, trusted_proxies })
    }

    pub(super) fn company(&mut self, raw: &raw::Company) -> Option<Company> {
        let name = self.needed("company.name", &raw.name, "the name that customers know");
        let colour = match raw.colour.text() {
            None => None,
            Some(text) => {
                let parsed = colour(text);
                if parsed.is_none() {
                    self.wrong("company.colour", format!("{text:?}"), "a colour as #0a5fd6");
                }
                parsed
            }
        };
        let zone = raw.time_zone.text().unwrap_or("UTC");
        let time_zone = TimeZone::get(zone).ok();
        if time_zone.is_none() {
            self.wrong("company.time_zone", format!("{zone:?}"), "a time zone, as Europe/Zurich");
        }
        let suffix = raw.statement_descriptor_suffix.text();
        if suffix.is_some_and(|text| !is_descriptor(text)) {
            self.wrong(
                "company.statement_descriptor_suffix",
                "a text that card statements refuse",
                "up to 20 letters, figures and spaces, with a letter among them",
            );
        }
        let logo = raw.logo_file.text().and_then(|file| self.file("company.logo_file", file));
        let privacy_url = raw.privacy_url.text().and_then(|_| self.url("company.privacy_url", &raw.privacy_url, None));
        let own = |text: &raw::Text| text.text().map(str::to_owned);
        let name = name?;
        Some(Company {
            legal_name: own(&raw.legal_name).unwrap_or_else(|| name.clone()),
            name,
            address: raw.address.lines(),
            phone: own(&raw.phone),
            email: own(&raw.email),
            logo,
            colour,
            time_zone: time_zone?,
            country: own(&raw.country),
            tax_number: own(&raw.tax_number),
            statement_descriptor_suffix: suffix.map(str::to_owned),
            privacy_url,
        })
    }

    pub(super) fn desk(&mut self, raw: &raw::Desk) -> Option<Desk> {
        let take_cards = self.truth("desk.take_cards", &raw.take_cards);
        let moto = self.truth("desk.moto", &raw.moto);
        Some(Desk { take_cards: take_cards?, moto: moto? })
    }

    /// Off where nothing stands.
    fn truth(&mut self, key: &'static str, raw: &raw::Text) -> Option<bool> {
        match raw.text() {
            None | Some("false") => Some(false),
            Some("true") => Some(true),
            Some(other) => {
                self.wrong(key, format!("{other:?}"), "true or false");
                None
            }
        }
    }

    pub(super) fn log(&mut self, raw: &raw::Log) -> Option<Log> {
        let json = match raw.format.text().unwrap_or("text") {
            "text" => false,
            "json" => true,
            other => {
                self.wrong("log.format", format!("{other:?}"), "text or json");
                return None;
            }
        };
        Some(Log { json, level: raw.level.text().unwrap_or("info").to_owned() })
    }
}

pub(super) fn is_live(key: &str) -> bool {
    key.starts_with("sk_live_") || key.starts_with("rk_live_")
}

/// An address, or a network with the number of its leading bits.
fn is_network(text: &str) -> bool {
    let (base, bits) = text.split_once('/').map_or((text, None), |(base, bits)| (base, Some(bits)));
    let Ok(base) = base.parse::<std::net::IpAddr>() else { return false };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= if base.is_ipv4() { 32 } else { 128 }))
}

/// 22 characters are what a statement holds, of which the account's prefix takes at least two with the sign between.
fn is_descriptor(text: &str) -> bool {
    let plain = |one: char| one.is_ascii_graphic() && !matches!(one, '<' | '>' | '\'' | '"' | '*' | '\\');
    text.len() <= 20
        && text.chars().all(|one| one == ' ' || plain(one))
        && text.chars().any(|one| one.is_ascii_alphabetic())
}

fn colour(text: &str) -> Option<[u8; 3]> {
    let bytes = hex::decode(text.strip_prefix('#')?).ok()?;
    bytes.try_into().ok()
}
