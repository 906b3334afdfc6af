//! Turns what was read into the configuration, and gathers all that is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::problem::{Error, Problem, problem};
use super::raw::{self, Raw, Secret};
use super::settings::{Config, Stripe};

pub(super) struct Builder {
    /// The folder that relative paths begin at.
    pub(super) beside: Option<PathBuf>,
    /// So far.
    pub(super) problems: Vec<Problem>,
}

impl Builder {
    pub(super) fn build(mut self, raw: Raw) -> Result<Config, Error> {
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
        let desk = self.desk(&raw.desk);
        let log = self.log(&raw.log);
        let ca_pem = raw.tls.ca_file.text().and_then(|file| self.file("tls.ca_file", file));
        match (database_url, salesforce, stripe, mail, web, links_key, company, desk, log) {
            (
                Some(database_url),
                Some(salesforce),
                Some(stripe),
                Some(mail),
                Some(web),
                Some(links_key),
                Some(company),
                Some(desk),
                Some(log),
            ) if self.problems.is_empty() => {
                Ok(Config { database_url, salesforce, stripe, plaid, mail, web, links_key, company, desk, log, ca_pem })
            }
            _ => Err(Error(self.problems)),
        }
    }

    pub(super) fn wrong(&mut self, key: &str, found: impl fmt::Display, expected: &str) {
        self.problems.push(problem(key, found, expected));
    }

    pub(super) fn needed(&mut self, key: &str, text: &raw::Text, expected: &str) -> Option<String> {
        match text.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong(key, "nothing", expected);
                None
            }
        }
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        let path = Path::new(file);
        match &self.beside {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path.to_owned(),
        }
    }

    pub(super) fn file(&mut self, key: &str, file: &str) -> Option<Vec<u8>> {
        let path = self.path(file);
        match std::fs::read(&path) {
            Ok(content) => Some(content),
            Err(error) => {
                self.wrong(key, format!("{} ({error})", path.display()), "a file that can be read");
                None
            }
        }
    }

    pub(super) fn optional_secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
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

    pub(super) fn secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        let before = self.problems.len();
        let found = self.optional_secret(key, secret);
        if found.is_none() && self.problems.len() == before {
            let section = key.replace('.', "__").to_uppercase();
            self.wrong(key, "nothing", &format!("the secret, or {key}_file, or the variable QUITTANCE_{section}"));
        }
        found
    }

    pub(super) fn url(&mut self, key: &str, text: &raw::Text, default: Option<&str>) -> Option<String> {
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
}
