//! The connection to the mail server.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::compose::message;
use super::error::from_smtp;
use super::letter::Contact;
use super::{Error, Letter};

/// For the whole of one letter: connecting, greeting, and the server's last word after the data. RFC 5321 would wait
/// ten minutes for that word; nobody who pressed a button does.
const LIMIT: Duration = Duration::from_secs(60);

/// For each single answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// In whose name letters go out.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The name that customers know; it stands in subjects and greetings.
    pub company: String,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub contact: Contact,
    /// Red, green, blue of the button.
    pub color: Option<[u8; 3]>,
}

impl Sender {
    /// `from` and `reply_to` are written as `Acme Billing <billing@acme.example>` or as an address alone.
    pub fn new(company: impl Into<String>, from: &str, reply_to: Option<&str>) -> Result<Sender, Error> {
        let company = company.into();
        let mailbox = |what: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| {
                Error::settings(format!(
                    "{what} is {text:?}, which is no mail address ({error}); write it as `Acme Billing <billing@acme.example>`"
                ))
            })
        };
        let mut from = mailbox("the sender", from)?;
        // The inbox shows who is owed, not an address.
        from.name.get_or_insert_with(|| company.clone());
        let reply_to = reply_to.map(|text| mailbox("the reply address", text)).transpose()?;
        Ok(Sender { company, from, reply_to, contact: Contact::default(), color: None })
    }
}

/// Hands letters to one SMTP server. Keeps a few connections open; cloning shares them.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
}

impl Mailer {
    /// `url` is one of
    /// `smtps://user:password@host` (TLS from the first byte, port 465),
    /// `smtp://user:password@host?tls=required` or `starttls://user:password@host` (STARTTLS, port 587),
    /// `smtp://host` (no encryption, port 25), which takes no password unless the host is this machine.
    /// A path names us in EHLO: `smtps://host/our-name.example`.
    pub fn new(url: &SecretString, sender: Sender) -> Result<Mailer, Error> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&connection_url(url.expose_secret())?)
            .map_err(|error| Error::Configuration { reason: format!("the SMTP address: {error}"), source: None })?
            .timeout(Some(ANSWER_LIMIT))
            .pool_config(PoolConfig::new().max_size(4).idle_timeout(Duration::from_secs(30)))
            .build();
        Ok(Mailer { transport, sender })
    }

    /// Hands one letter over. `Ok` means that the server has taken it, not that anyone has read it.
    pub async fn send(&self, letter: &Letter) -> Result<(), Error> {
        let message = message(letter, &self.sender)?;
        match tokio::time::timeout(LIMIT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(from_smtp(error)),
            Err(_) => Err(Error::too_slow(LIMIT)),
        }
    }

    /// The letter as it would go out, for a preview and for tests.
    pub fn compose(&self, letter: &Letter) -> Result<Vec<u8>, Error> {
        Ok(message(letter, &self.sender)?.formatted())
    }

    /// Connects, greets and signs in, and sends nothing: for `quittance check`.
    pub async fn check(&self) -> Result<(), Error> {
        match tokio::time::timeout(ANSWER_LIMIT, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Error::TryLater { answer: "the server ended the talk".to_owned(), source: None }),
            Ok(Err(error)) => Err(from_smtp(error)),
            Err(_) => Err(Error::too_slow(ANSWER_LIMIT)),
        }
    }
}

/// Reads our forms into the one that the transport knows, and keeps passwords off open wires.
fn connection_url(given: &str) -> Result<String, Error> {
    let rewritten = match given.strip_prefix("starttls://") {
        Some(rest) => format!("smtp://{rest}"),
        None => given.to_owned(),
    };
    // The address may hold a password: no message repeats it.
    let mut url = reqwest::Url::parse(&rewritten)
        .map_err(|error| Error::settings(format!("the SMTP address can't be read: {error}")))?;
    if given.starts_with("starttls://") {
        url.set_query(Some("tls=required"));
    }
    let encrypted =
        url.scheme() == "smtps" || url.query_pairs().any(|(key, value)| key == "tls" && value == "required");
    let host = url.host_str().unwrap_or_default();
    let here = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "smtp" | "smtps" if host.is_empty() => Err(Error::settings("the SMTP address names no host")),
        "smtp" | "smtps" if url.password().is_some() && !encrypted && !here => Err(Error::settings(
            "the SMTP address would send its password unencrypted: begin it with smtps:// or starttls://",
        )),
        "smtp" | "smtps" => Ok(url.into()),
        other => Err(Error::settings(format!(
            "the SMTP address begins with {other}://; expected smtps://, starttls:// or smtp://"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_address_are_understood() {
        let read = |url| connection_url(url).map_err(|error| error.to_string());
        assert_eq!(read("smtps://u:p@mail.example").as_deref(), Ok("smtps://u:p@mail.example"));
        assert_eq!(
            read("starttls://u:p@mail.example:2525").as_deref(),
            Ok("smtp://u:p@mail.example:2525?tls=required")
        );
        assert_eq!(read("smtp://127.0.0.1:1025").as_deref(), Ok("smtp://127.0.0.1:1025"));
        assert_eq!(read("smtp://u:p@localhost:1025").as_deref(), Ok("smtp://u:p@localhost:1025"));
    }

    #[test]
    fn a_password_never_goes_over_an_open_wire_nor_into_an_error() {
        for url in [
            "smtp://u:hunter2@mail.example",
            "smtp://u:hunter2@mail.example?tls=opportunistic",
            "http://u:hunter2@x",
            "u:hunter2",
        ] {
            let error = connection_url(url).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_sender_without_a_name_is_called_like_the_company() {
        let sender = Sender::new("Acme", "billing@acme.example", None).unwrap();
        assert_eq!(sender.from.to_string(), "Acme <billing@acme.example>");
        let error = Sender::new("Acme", "billing at acme", None).unwrap_err().to_string();
        assert!(error.contains("Acme Billing <billing@acme.example>"), "{error}");
    }
}
