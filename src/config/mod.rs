//! The configuration: one TOML file, every key overridable by `QUITTANCE_SECTION__KEY`, secrets also from files by
//! `key_file`. It is read once, and each error names its key, what was found and what is expected.

mod raw;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::providers::{Env, Format, Toml};
use jiff::tz::TimeZone;
use raw::{Raw, Secret};
use secrecy::{ExposeSecret, SecretString};

/// What was wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As salesforce.client_id.
    pub key: String,
    /// What stands there; a secret is not shown.
    pub found: String,
    /// What should.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; expected {}", self.key, self.found, self.expected)
    }
}

/// Why the configuration can't be used: all that is wrong with it, not only the first.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be used:\n{}", .0.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n"))]
pub struct Error(pub Vec<Problem>);

/// All of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// sqlite:// or postgres://; may hold a password.
    pub database_url: SecretString,
    /// The org.
    pub salesforce: Salesforce,
    /// Stripe.
    pub stripe: Stripe,
    /// Plaid; without it customers pay by card alone.
    pub plaid: Option<Plaid>,
    /// Mail.
    pub mail: Mail,
    /// Our own pages.
    pub web: Web,
    /// From which the tokens of mailed links are made.
    pub links_key: SecretString,
    /// Who is owed.
    pub company: Company,
    /// What is logged.
    pub log: Log,
    /// PEM certificates to trust beside the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// The org and how we log in.
#[derive(Clone, Debug)]
pub struct Salesforce {
    /// My Domain, or login.salesforce.com for JWT bearer.
    pub login_url: String,
    /// The flow.
    pub auth: Auth,
    /// Consumer key.
    pub client_id: String,
    /// As https://api.pubsub.salesforce.com:7443.
    pub pubsub_url: String,
    /// Silence in seconds after which the event stream counts as stalled.
    pub watchdog_s: u64,
}

/// An OAuth flow and its secret.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Client credentials.
    ClientCredentials {
        /// Consumer secret.
        client_secret: SecretString,
    },
    /// JWT bearer.
    JwtBearer {
        /// PEM of an RSA key.
        private_key: SecretString,
        /// The integration user.
        username: String,
        /// Who the assertion is for.
        audience: String,
    },
}

/// Stripe.
#[derive(Clone, Debug)]
pub struct Stripe {
    /// https://api.stripe.com, or a stand-in.
    pub api_url: String,
    /// Stripe.js.
    pub js_url: String,
    /// sk_… or rk_….
    pub secret_key: SecretString,
    /// pk_….
    pub publishable_key: String,
    /// whsec_…; two while one is rolled.
    pub webhook_secrets: Vec<SecretString>,
}

impl Stripe {
    /// Whether real money moves.
    pub fn is_live(&self) -> bool {
        is_live(self.secret_key.expose_secret())
    }
}

/// Plaid, by which customers choose their bank account.
#[derive(Clone, Debug)]
pub struct Plaid {
    /// https://production.plaid.com, https://sandbox.plaid.com, or a stand-in.
    pub api_url: String,
    /// Plaid Link's script.
    pub js_url: String,
    /// As in the Plaid Dashboard.
    pub client_id: String,
    /// The secret of that environment.
    pub secret: SecretString,
    /// A customization made in the Plaid Dashboard.
    pub link_customization_name: Option<String>,
}

/// Mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// As smtps://user:password@host:465.
    pub smtp_url: SecretString,
    /// Sender.
    pub from: String,
    /// Where answers go.
    pub reply_to: Option<String>,
}

/// Our pages.
#[derive(Clone, Debug)]
pub struct Web {
    /// Where we listen.
    pub listen: SocketAddr,
    /// Where the world sees us, without a slash at the end.
    pub public_url: String,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<String>,
}

/// Who is owed, as pages, mails and receipts say.
#[derive(Clone, Debug)]
pub struct Company {
    /// As on the page.
    pub name: String,
    /// As on the receipt; the name where it is not given.
    pub legal_name: String,
    /// Lines of the address.
    pub address: Vec<String>,
    /// For questions.
    pub phone: Option<String>,
    /// For questions.
    pub email: Option<String>,
    /// PNG or JPEG.
    pub logo: Option<Vec<u8>>,
    /// Red, green, blue.
    pub colour: Option<[u8; 3]>,
    /// In which dates are written.
    pub time_zone: TimeZone,
    /// ISO 3166, two letters.
    pub country: Option<String>,
    /// As on the receipt.
    pub tax_number: Option<String>,
    /// What follows the company's name on a card statement.
    pub statement_descriptor_suffix: Option<String>,
    /// Linked from the page.
    pub privacy_url: Option<String>,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// JSON lines rather than text.
    pub json: bool,
    /// As info, or quittance=debug,info.
    pub level: String,
}

impl Config {
    /// Reads the file, where there is one, and the environment over it.
    pub fn read(file: Option<&Path>) -> Result<Self, Error> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.exists() {
                return Err(Error(vec![problem("--config", file.display(), "a file that exists")]));
            }
            figment = figment.merge(Toml::file(file));
        }
        // Other variables with our prefix, as QUITTANCE_CONFIG, name no section.
        let env = Env::prefixed("QUITTANCE_").filter(|key| key.as_str().contains("__")).split("__");
        Self::from_figment(&figment.merge(env), file.and_then(Path::parent))
    }

    fn from_figment(figment: &Figment, beside: Option<&Path>) -> Result<Self, Error> {
        let raw: Raw = figment.extract().map_err(|error| Error(error.into_iter().map(told).collect()))?;
        Builder { beside: beside.map(Path::to_owned), problems: Vec::new() }.build(raw)
    }
}

fn is_live(key: &str) -> bool {
    key.starts_with("sk_live_") || key.starts_with("rk_live_")
}

fn problem(key: impl Into<String>, found: impl fmt::Display, expected: impl Into<String>) -> Problem {
    Problem { key: key.into(), found: found.to_string(), expected: expected.into() }
}

/// figment's error as ours. Values are shown by type only: a key may be a secret.
fn told(error: figment::Error) -> Problem {
    let path = error.path.join(".");
    // The path of an unknown key may end in it already.
    let inside = |name: &str| error.path.last().is_some_and(|last| last == name);
    let key = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false if inside(name) => path.clone(),
        false => format!("{path}.{name}"),
    };
    match error.kind {
        Kind::MissingField(name) => problem(key(&name), "nothing", "a value"),
        Kind::UnknownField(name, known) => {
            problem(key(&name), "a key that does not exist", format!("one of {}", known.join(", ")))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            problem(path.clone(), kind_of(&found), expected)
        }
        Kind::Message(message) => {
            problem(if path.is_empty() { "the file".into() } else { path }, message, "valid TOML")
        }
        other => problem(if path.is_empty() { "the file".into() } else { path }, other, "valid TOML"),
    }
}

fn kind_of(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

struct Builder {
    beside: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl Builder {
    fn build(mut self, raw: Raw) -> Result<Config, Error> {
        let database_url = self.secret("database.url", &raw.database.url);
        if let Some(url) = &database_url {
            let url = url.expose_secret();
            if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
                self.wrong("database.url", "another scheme", "sqlite://path/to/file.db or postgres://user@host/name");
            }
        }
        let salesforce = self.salesforce(&raw.salesforce);
        let stripe = self.stripe(&raw.stripe);
        let live = stripe.as_ref().is_some_and(Stripe::is_live);
        let plaid = if raw.plaid.is_absent() { None } else { self.plaid(&raw.plaid, live) };
        let mail = self.mail(&raw.mail);
        let web = self.web(&raw.web, live);
        let links_key = self.secret("links.key", &raw.links.key);
        if links_key.as_ref().is_some_and(|key| key.expose_secret().len() < 32) {
            self.wrong(
                "links.key",
                "fewer than 32 characters",
                "32 random characters or more, as openssl rand -hex 32 prints",
            );
        }
        let company = self.company(&raw.company);
        let log = self.log(&raw.log);
        let ca_pem = raw.tls.ca_file.text().and_then(|file| self.file("tls.ca_file", file));
        match (database_url, salesforce, stripe, mail, web, links_key, company, log) {
            (
                Some(database_url),
                Some(salesforce),
                Some(stripe),
                Some(mail),
                Some(web),
                Some(links_key),
                Some(company),
                Some(log),
            ) if self.problems.is_empty() => {
                Ok(Config { database_url, salesforce, stripe, plaid, mail, web, links_key, company, log, ca_pem })
            }
            _ => Err(Error(self.problems)),
        }
    }

    fn wrong(&mut self, key: &str, found: impl fmt::Display, expected: &str) {
        self.problems.push(problem(key, found, expected));
    }

    fn needed(&mut self, key: &str, text: &raw::Text, expected: &str) -> Option<String> {
        match text.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong(key, "nothing", expected);
                None
            }
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        let path = Path::new(file);
        match &self.beside {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path.to_owned(),
        }
    }

    fn file(&mut self, key: &str, file: &str) -> Option<Vec<u8>> {
        let path = self.path(file);
        match std::fs::read(&path) {
            Ok(content) => Some(content),
            Err(error) => {
                self.wrong(key, format!("{} ({error})", path.display()), "a file that can be read");
                None
            }
        }
    }

    fn optional_secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        match (secret.value.text(), secret.file.text()) {
            (Some(_), Some(_)) => {
                self.wrong(key, format!("{key} and {key}_file"), "one of the two");
                None
            }
            (Some(value), None) => Some(SecretString::from(value.to_owned())),
            (None, Some(file)) => {
                let content = self.file(&format!("{key}_file"), file)?;
                match String::from_utf8(content) {
                    Ok(text) if !text.trim().is_empty() => Some(SecretString::from(text.trim().to_owned())),
                    _ => {
                        self.wrong(&format!("{key}_file"), "an empty or unreadable file", "the secret as text");
                        None
                    }
                }
            }
            (None, None) => None,
        }
    }

    fn secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        let before = self.problems.len();
        let found = self.optional_secret(key, secret);
        if found.is_none() && self.problems.len() == before {
            let section = key.replace('.', "__").to_uppercase();
            self.wrong(key, "nothing", &format!("the secret, or {key}_file, or the variable QUITTANCE_{section}"));
        }
        found
    }

    fn url(&mut self, key: &str, text: &raw::Text, default: Option<&str>) -> Option<String> {
        let url = text.text().or(default).unwrap_or_default();
        let parsed =
            reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        match parsed {
            Some(_) => Some(url.trim_end_matches('/').to_owned()),
            None => {
                let found = if url.is_empty() { "nothing".to_owned() } else { format!("{url:?}") };
                self.wrong(key, found, "an address that begins with https://");
                None
            }
        }
    }

    fn salesforce(&mut self, raw: &raw::Salesforce) -> Option<Salesforce> {
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

    fn stripe(&mut self, raw: &raw::Stripe) -> Option<Stripe> {
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
        Some(Stripe {
            api_url: api_url?,
            js_url: js_url?,
            secret_key: secret_key?,
            publishable_key: publishable_key?,
            webhook_secrets,
        })
    }

    fn plaid(&mut self, raw: &raw::Plaid, live: bool) -> Option<Plaid> {
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

    fn mail(&mut self, raw: &raw::Mail) -> Option<Mail> {
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

    fn web(&mut self, raw: &raw::Web, live: bool) -> Option<Web> {
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

    fn company(&mut self, raw: &raw::Company) -> Option<Company> {
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

    fn log(&mut self, raw: &raw::Log) -> Option<Log> {
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

#[cfg(test)]
mod tests;
