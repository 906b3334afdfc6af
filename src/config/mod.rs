//! The configuration: one TOML file, every key overridable by `QUITTANCE_SECTION__KEY`, secrets also from files by
//! `key_file`. It is read once, and each error names its key, what was found and what is expected.

mod builder;
mod problem;
mod raw;
mod sections;
mod settings;
#[cfg(test)]
mod tests;

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};

use self::builder::Builder;
pub use self::problem::{Error, Problem};
use self::problem::{problem, told};
use self::raw::Raw;
pub use self::settings::{Auth, Company, Config, Desk, Log, Mail, Plaid, Salesforce, Stripe, Web};

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
