//! `endpoints.json`: where everything in a running sandbox is. The shape is documented in `docs/architecture.md`.

use serde::{Deserialize, Serialize};

use super::Error;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoints {
    pub version: u32,
    pub salesforce: Salesforce,
    pub stripe: Stripe,
    pub plaid: Plaid,
    pub smtp: Smtp,
    pub ca_file: String,
    pub page_url: String,
    pub console_url: String,
    /// The configuration file with which the sandbox started the daemon.
    pub daemon_config: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Salesforce {
    pub login_url: String,
    pub instance_url: String,
    /// Host and port, without a scheme.
    pub pubsub: String,
    pub org_id: String,
    pub username: String,
    pub client_id: String,
    pub client_secret: String,
    pub private_key_file: String,
    pub api_version: String,
    /// A session of a system administrator.
    pub admin_token: String,
    /// A session of a billing clerk.
    pub clerk_token: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stripe {
    pub api_url: String,
    pub js_url: String,
    pub secret_key: String,
    pub publishable_key: String,
    pub webhook_secret: String,
    pub control_url: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plaid {
    pub api_url: String,
    /// The script that takes the place of Plaid's own.
    pub js_url: String,
    pub client_id: String,
    pub secret: String,
    pub control_url: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub mailbox_url: String,
}

impl Endpoints {
    pub fn read(path: &std::path::Path) -> Result<Endpoints, Error> {
        let file = |why: String| Error::File { path: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| file(error.to_string()))
    }

    /// Writes the file whole or not at all, so that a reader never sees half of it.
    pub fn write(&self, path: &std::path::Path) -> Result<(), Error> {
        let file = |why: String| Error::File { path: path.display().to_string(), why };
        let text = serde_json::to_string_pretty(self).map_err(|error| file(error.to_string()))?;
        let fresh = path.with_extension("json.new");
        std::fs::write(&fresh, text).map_err(|error| file(error.to_string()))?;
        std::fs::rename(&fresh, path).map_err(|error| file(error.to_string()))
    }
}
