//! The keys as they are written, before anything is checked.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A text; a number or a truth value in the environment is one too.
#[derive(Clone, Debug, Default)]
pub(super) struct Text(Option<String>);

impl Text {
    /// Blank is nothing.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
        }
        from.deserialize_any(Any)
    }
}

/// A list, or one text that stands for one.
#[derive(Clone, Debug, Default)]
pub(super) struct List(Vec<String>);

impl List {
    /// One text has commas between them.
    pub(super) fn items(&self) -> Vec<String> {
        self.split(',')
    }

    /// One text has line breaks between them: a line of an address may have commas in it.
    pub(super) fn lines(&self) -> Vec<String> {
        self.split('\n')
    }

    fn split(&self, mark: char) -> Vec<String> {
        match self.0.as_slice() {
            [text] => text.split(mark).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            list => list.to_vec(),
        }
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = List;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of texts")
            }
            fn visit_str<E>(self, text: &str) -> Result<List, E> {
                Ok(List(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut list = Vec::new();
                while let Some(text) = seq.next_element::<Text>()? {
                    list.extend(text.text().map(str::to_owned));
                }
                Ok(List(list))
            }
        }
        from.deserialize_any(Any)
    }
}

/// A secret: written in place, or the file that it stands in.
#[derive(Clone, Default)]
pub(super) struct Secret {
    pub(super) value: Text,
    pub(super) file: Text,
}

/// Sections. Each secret has two keys, `x` and `x_file`.
macro_rules! sections {
    ($($name:ident { $($field:ident),* $(,)? } secrets { $($secret:ident / $secret_file:ident),* $(,)? } lists { $($list:ident),* $(,)? })+) => {$(
        #[derive(Clone, Default)]
        pub(super) struct $name {
            $(pub(super) $field: Text,)*
            $(pub(super) $secret: Secret,)*
            $(pub(super) $list: List,)*
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields, default)]
                #[derive(Default)]
                struct Keys {
                    $($field: Text,)*
                    $($secret: Text, $secret_file: Text,)*
                    $($list: List,)*
                }
                let keys = Keys::deserialize(from)?;
                Ok(Self {
                    $($field: keys.$field,)*
                    $($secret: Secret { value: keys.$secret, file: keys.$secret_file },)*
                    $($list: keys.$list,)*
                })
            }
        }
    )+};
}

sections! {
    Database {} secrets { url / url_file } lists {}
    Stripe { api_url, js_url, publishable_key, webhook_secrets_file, sweep_s, listing_s } secrets { secret_key / secret_key_file } lists { webhook_secrets }
    Plaid { api_url, js_url, client_id, link_customization_name } secrets { secret / secret_file } lists {}
    Mail { from, reply_to } secrets { smtp_url / smtp_url_file } lists {}
    Web { listen, public_url } secrets {} lists { trusted_proxies }
    Links {} secrets { key / key_file } lists {}
    Company {
        name, legal_name, phone, email, logo_file, colour, time_zone, country, tax_number, statement_descriptor_suffix, privacy_url,
    } secrets {} lists { address }
    Desk { take_cards, moto } secrets {} lists {}
    Log { format, level } secrets {} lists {}
    Tls { ca_file } secrets {} lists {}
    SalesforceTexts { login_url, auth, client_id, username, audience, pubsub_url, watchdog_s }
        secrets { client_secret / client_secret_file, private_key / private_key_file } lists {}
}

impl Plaid {
    /// The section is left out where customers pay by card alone.
    pub(super) fn is_absent(&self) -> bool {
        let texts = [&self.api_url, &self.js_url, &self.client_id, &self.link_customization_name];
        let secrets = [&self.secret.value, &self.secret.file];
        texts.into_iter().chain(secrets).all(|text| text.text().is_none())
    }
}

/// The org's section, whose one number is read as such.
#[derive(Clone, Default)]
pub(super) struct Salesforce {
    pub(super) login_url: Text,
    pub(super) auth: Text,
    pub(super) client_id: Text,
    pub(super) username: Text,
    pub(super) audience: Text,
    pub(super) pubsub_url: Text,
    pub(super) watchdog_s: Option<u64>,
    pub(super) client_secret: Secret,
    pub(super) private_key: Secret,
}

impl<'de> Deserialize<'de> for Salesforce {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let texts = SalesforceTexts::deserialize(from)?;
        let watchdog_s = match texts.watchdog_s.text() {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| serde::de::Error::custom("watchdog_s is not a number of seconds"))?)
            }
        };
        Ok(Self {
            login_url: texts.login_url,
            auth: texts.auth,
            client_id: texts.client_id,
            username: texts.username,
            audience: texts.audience,
            pubsub_url: texts.pubsub_url,
            watchdog_s,
            client_secret: texts.client_secret,
            private_key: texts.private_key,
        })
    }
}

/// All sections.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) database: Database,
    pub(super) salesforce: Salesforce,
    pub(super) stripe: Stripe,
    pub(super) plaid: Plaid,
    pub(super) mail: Mail,
    pub(super) web: Web,
    pub(super) links: Links,
    pub(super) company: Company,
    pub(super) desk: Desk,
    pub(super) log: Log,
    pub(super) tls: Tls,
}
