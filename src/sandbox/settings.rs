//! The daemon's configuration file, as an operator would write it for this sandbox.

use std::path::Path;

use super::load::Endpoints;

/// `database` is SQLite in `dir` where `None`; `auth` is `client_credentials` or `jwt`.
pub(super) fn daemon_config(endpoints: &Endpoints, dir: &Path, database: Option<&str>, auth: &str) -> String {
    let salesforce = &endpoints.salesforce;
    let stripe = &endpoints.stripe;
    let database =
        database.map(str::to_owned).unwrap_or_else(|| format!("sqlite://{}", dir.join("quittance.db").display()));
    let listen = endpoints.page_url.trim_start_matches("http://");
    let sign_in = if auth == "jwt" {
        format!("private_key_file = {:?}\nusername = {:?}", salesforce.private_key_file, salesforce.username)
    } else {
        format!("client_secret = {:?}", salesforce.client_secret)
    };
    format!(
        r#"# Written by `quittance sandbox`; every key is documented in quittance.toml.example.
[database]
url = {database:?}

[salesforce]
auth = {auth:?}
login_url = {login:?}
pubsub_url = "https://{pubsub}"
client_id = {client:?}
{sign_in}

[stripe]
api_url = {api:?}
js_url = {js:?}
secret_key = {secret:?}
publishable_key = {publishable:?}
webhook_secrets = [{webhook:?}]

[plaid]
api_url = {plaid_api:?}
js_url = {plaid_js:?}
client_id = {plaid_id:?}
secret = {plaid_secret:?}

[mail]
smtp_url = "smtp://{smtp_host}:{smtp_port}"
from = "Larkspur Supply Billing <billing@larkspur.example>"
reply_to = "billing@larkspur.example"

[web]
listen = {listen:?}
public_url = {page:?}

[links]
key = "c2FuZGJveC1saW5rLWtleS1vZi10aGlydHktdHdvLWJ5dGVz"

[company]
name = "Larkspur Supply"
legal_name = "Larkspur Supply Company, Inc."
address = ["88 Foundry Lane", "Portland, OR 97209", "United States"]
phone = "+1 503 555 0100"
email = "billing@larkspur.example"
colour = "\#1f5f5b"
time_zone = "America/Los_Angeles"
country = "US"
tax_number = "EIN 00-0000000"

[tls]
ca_file = {ca:?}
"#,
        auth = if auth == "jwt" { "jwt_bearer" } else { auth },
        login = salesforce.login_url,
        pubsub = salesforce.pubsub,
        client = salesforce.client_id,
        api = stripe.api_url,
        js = stripe.js_url,
        secret = stripe.secret_key,
        publishable = stripe.publishable_key,
        webhook = stripe.webhook_secret,
        plaid_api = endpoints.plaid.api_url,
        plaid_js = endpoints.plaid.js_url,
        plaid_id = endpoints.plaid.client_id,
        plaid_secret = endpoints.plaid.secret,
        smtp_host = endpoints.smtp.host,
        smtp_port = endpoints.smtp.port,
        page = endpoints.page_url,
        ca = endpoints.ca_file,
    )
    .replace("\\#", "#")
}
