//! The configuration as types: what stands here has been checked.

use std::net::SocketAddr;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use super::sections::is_live;

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
    /// What clerks may do on the page of Take Payment.
    pub desk: Desk,
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
    /// Seconds between two sweeps of Stripe's events.
    pub sweep_s: u64,
    /// Seconds between two listings of the payments themselves.
    pub listing_s: u64,
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

/// What clerks may do on the page of Take Payment. Both are off until an administrator has looked at what they mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// Clerks type callers' card numbers into Stripe's fields, which brings their machines into PCI scope.
    pub take_cards: bool,
    /// Stripe has switched on MOTO for this account: cards charged on the phone are flagged as phone orders.
    pub moto: bool,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// JSON lines rather than text.
    pub json: bool,
    /// As info, or quittance=debug,info.
    pub level: String,
}
