//! `quittance check`: a doctor that tries each outside system, and goes on after what fails.

use std::process::ExitCode;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::config::{self, Config};
use crate::domain::InvoiceMapping;
use crate::engine::{intake, mapping, notices};
use crate::{plaid, salesforce, stripe};

/// What to print.
#[derive(clap::Args)]
pub struct Args {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, serde::Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    remedy: String,
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, what: &'static str, found: impl Into<String>) {
        self.0.push(Finding { what, verdict: Verdict::Ok, found: found.into(), remedy: String::new() });
    }

    fn warn(&mut self, what: &'static str, found: impl Into<String>, remedy: &str) {
        self.0.push(Finding { what, verdict: Verdict::Warn, found: found.into(), remedy: remedy.into() });
    }

    fn fail(&mut self, what: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { what, verdict: Verdict::Fail, found: found.into(), remedy: remedy.into() });
    }
}

/// The objects and the fields of each that the daemon writes.
const WRITTEN: [(&str, &[&str]); 5] = [
    ("Account", &["Stripe_Customer_Id__c", "Stripe_Synced_Fingerprint__c"]),
    (
        "Payment__c",
        &["Stripe_Payment_Id__c", "Invoice__c", "Amount__c", "State__c", "Settled_Amount__c", "Currency_Code__c"],
    ),
    ("Payment_Request__c", &["State__c", "Sentence__c"]),
    ("Payment_Link__c", &["Link_Id__c", "State__c", "Sent_At__c"]),
    ("Payment_Error__c", &["Command_Id__c", "Sentence__c", "Remedy__c", "State__c"]),
];

/// Checks everything. Exits 1 where something failed.
pub async fn check(config: Result<Config, config::Error>, args: Args) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    match config {
        Err(error) => {
            for problem in error.0 {
                report.fail("configuration", problem.to_string(), "Correct the key and run quittance check again.");
            }
        }
        Ok(config) => {
            report.ok("configuration", "every key is there and has its form");
            database(&config, &mut report).await;
            org(&config, &mut report).await;
            stripe_account(&config, &mut report).await;
            banks(&config, &mut report).await;
            desk(config.desk, &mut report);
            mail(&config, &mut report).await;
            public_url(&config, &mut report).await;
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report.0)?);
    } else {
        for finding in &report.0 {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            println!("{verdict}  {:<22} {}", finding.what, finding.found);
            if !finding.remedy.is_empty() {
                println!("      {:<22} {}", "", finding.remedy);
            }
        }
    }
    let failed = report.0.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn database(config: &Config, report: &mut Report) {
    match super::open_store(config).await {
        Ok(store) => {
            report.ok("database", format!("{} answers and has this version's tables", store.kind()));
            store.close().await;
        }
        Err(error) => {
            report.fail("database", format!("{error:#}"), "Check database.url, the folder's rights, or the server.")
        }
    }
}

async fn org(config: &Config, report: &mut Report) {
    let client = match salesforce::Client::new(super::salesforce_settings(config)) {
        Ok(client) => client,
        Err(error) => return report.fail("Salesforce", error.to_string(), error.remedy()),
    };
    match client.session().await {
        Ok(token) => report.ok("Salesforce login", format!("org {} at {}", token.org_id, token.instance_url)),
        Err(error) => return report.fail("Salesforce login", error.to_string(), error.remedy()),
    }
    organization(&client, config.stripe.is_live(), report).await;
    let mapping = invoice_mapping(&client, report).await;
    for (object, fields) in WRITTEN {
        // Our name for the lookup is not the org's.
        let fields: Vec<&str> = fields
            .iter()
            .map(|field| if *field == "Invoice__c" { mapping.payment_lookup.as_str() } else { field })
            .collect();
        match client.describe(object).await {
            Ok(described) => fields_writable(object, &fields, &described, report),
            Err(error) => report.fail(object_name(object), error.to_string(), error.remedy()),
        }
    }
    for (topic, what, publish) in [(intake::TOPIC, "commands topic", false), (notices::TOPIC, "notices topic", true)] {
        match client.topic(topic).await {
            Ok(found) if publish && !found.can_publish => {
                report.fail(
                    what,
                    "the integration user may not publish",
                    "Assign the permission set Quittance_Integration.",
                );
            }
            Ok(found) if !publish && !found.can_subscribe => {
                report.fail(
                    what,
                    "the integration user may not subscribe",
                    "Assign the permission set Quittance_Integration.",
                );
            }
            Ok(found) => report.ok(what, format!("{} with schema {}", found.name, found.schema_id)),
            Err(error) => report.fail(what, error.to_string(), error.remedy()),
        }
    }
    match client.limits().await {
        Ok(limits) => allocations(&limits, report),
        Err(error) => {
            report.warn("allocations", error.to_string(), "They could not be read; nothing else depends on that.")
        }
    }
}

async fn organization(client: &salesforce::Client, live: bool, report: &mut Report) {
    match super::run::is_play_org(client).await {
        Ok(Some(kind)) if live => {
            report.fail(
                "org and Stripe mode",
                format!("a live Stripe key and a {kind}"),
                "Use a test key with this org.",
            );
        }
        Ok(Some(kind)) => report.ok("org and Stripe mode", format!("a {kind} and a test key")),
        Ok(None) if live => report.ok("org and Stripe mode", "a production org and a live key"),
        Ok(None) => report.warn(
            "org and Stripe mode",
            "a production org and a test key",
            "No money moves until a live key is set.",
        ),
        Err(error) => report.warn("org and Stripe mode", error.to_string(), error.remedy()),
    }
}

fn object_name(object: &'static str) -> &'static str {
    object
}

fn fields_writable(object: &'static str, wanted: &[&str], described: &Value, report: &mut Report) {
    let empty = Vec::new();
    let fields = described.get("fields").and_then(Value::as_array).unwrap_or(&empty);
    let usable = |name: &str| {
        fields.iter().any(|field| {
            let is = |key: &str| field.get(key).and_then(Value::as_bool) == Some(true);
            field.get("name").and_then(Value::as_str) == Some(name) && (is("updateable") || is("createable"))
        })
    };
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !usable(name)).collect();
    if missing.is_empty() {
        report.ok(object, "its fields can be written");
    } else {
        report.fail(
            object,
            format!("these fields are missing or may not be written: {}", missing.join(", ")),
            "Deploy the newest package and assign the permission set Quittance_Integration.",
        );
    }
}

fn allocations(limits: &Value, report: &mut Report) {
    for (name, what) in [("DailyApiRequests", "API calls today"), ("DailyDeliveredPlatformEvents", "event deliveries")]
    {
        let figure = |part: &str| limits.pointer(&format!("/{name}/{part}")).and_then(Value::as_i64);
        let (Some(most), Some(left)) = (figure("Max"), figure("Remaining")) else { continue };
        let found = format!("{left} of {most} left");
        if left * 5 < most {
            report.warn(what, found, "Less than a fifth is left; find out who uses them in Setup, System Overview.");
        } else {
            report.ok(what, found);
        }
    }
}

/// Which object is the invoice, and whether the integration user can read what the mapping names.
async fn invoice_mapping(client: &salesforce::Client, report: &mut Report) -> InvoiceMapping {
    let mapping = match mapping::read(client).await {
        Ok(mapping) => mapping,
        Err(error) => {
            report.fail(
                "invoice mapping",
                error.to_string(),
                "Correct the record Default in Setup, Custom Metadata Types, Invoice Mapping; the Setup page of the app names each mistake.",
            );
            return InvoiceMapping::default();
        }
    };
    match client.describe(&mapping.object).await {
        Ok(described) => fields_readable(&mapping, &described, report),
        Err(error) => report.fail(
            "invoice mapping",
            format!("{} can't be read: {error}", mapping.object),
            "Give the integration user Read and View All on it with a permission set.",
        ),
    }
    mapping
}

fn fields_readable(mapping: &InvoiceMapping, described: &Value, report: &mut Report) {
    let known = described.get("fields").and_then(Value::as_array);
    let is_known = |field: &&str| {
        known
            .into_iter()
            .flatten()
            .any(|own| own.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(field)))
    };
    let missing: Vec<&str> = mapping.own_fields().into_iter().filter(|field| !is_known(field)).collect();
    if missing.is_empty() {
        return report.ok("invoice mapping", format!("{} with all its fields", mapping.object));
    }
    report.fail(
        "invoice mapping",
        format!("{} shows no {}", mapping.object, missing.join(", ")),
        "Correct the name in the mapping, or give the integration user Read on the field with a permission set.",
    );
}

async fn stripe_account(config: &Config, report: &mut Report) {
    let client = match stripe::Client::new(&super::stripe_settings(config)) {
        Ok(client) => client,
        Err(error) => return report.fail("Stripe", error.to_string(), "Correct the stripe section."),
    };
    let mode = if client.is_live() { "live" } else { "test" };
    match client.account().await {
        Ok(account) if !account.charges_enabled && client.is_live() => {
            report.fail("Stripe", format!("{} may not charge yet", account.id), "Finish the account's activation in the Stripe Dashboard.");
        }
        Ok(account) => report.ok("Stripe", format!("{} with a {mode} key", account.id)),
        Err(error) => report.fail(
            "Stripe",
            error.to_string(),
            "Check stripe.secret_key. A restricted key needs Customers, PaymentIntents, PaymentMethods, SetupIntents, Refunds: write; Charges, \
             Disputes, Events: read.",
        ),
    }
    report.ok("webhook secrets", format!("{} set", config.stripe.webhook_secrets.len()));
}

async fn banks(config: &Config, report: &mut Report) {
    let Some(settings) = super::plaid_settings(config) else {
        return report.ok("Plaid", "no section: customers pay by card alone");
    };
    let client = match plaid::Client::new(&settings) {
        Ok(client) => client,
        Err(error) => return report.fail("Plaid", error.to_string(), "Correct the plaid section."),
    };
    match client.check_keys().await {
        Ok(()) => report.ok("Plaid", format!("{} takes our keys", settings.api_url)),
        Err(error) if error.passes() => {
            report.warn("Plaid", error.to_string(), "Customers see cards alone until Plaid answers.");
        }
        Err(error) => report.fail("Plaid", error.to_string(), "Correct the plaid section, or leave it out."),
    }
    if config.web.public_url.starts_with("https://") {
        report.ok(
            "Plaid redirect",
            format!("{}/bank/return has to be registered in the Plaid Dashboard", config.web.public_url),
        );
    } else {
        report.warn(
            "Plaid redirect",
            "web.public_url is not https://",
            "Banks that sign in on their own pages (OAuth) are not offered.",
        );
    }
}

/// What clerks may do on the phone, and what that means for whoever answers for card data.
fn desk(desk: config::Desk, report: &mut Report) {
    if desk.take_cards {
        report.warn(
            "cards on the phone",
            "on: clerks type callers' card numbers, into Stripe's fields",
            "Payment links keep SAQ A, but clerks' machines and network come into PCI scope (usually SAQ C-VT): ask your \
             assessor. Recordings of calls must not hold card numbers. desk.take_cards = false turns it off.",
        );
    } else {
        report.ok("cards on the phone", "off: customers type their cards on the page of a link (usually SAQ A)");
    }
    match (desk.moto, desk.take_cards) {
        (true, _) => report.ok(
            "phone orders (MOTO)",
            "cards charged on the phone are flagged; if Stripe has not switched that on, the first payment says so",
        ),
        (false, true) => report.ok(
            "phone orders (MOTO)",
            "not flagged: a card whose bank asks for 3-D Secure becomes a link to the customer",
        ),
        (false, false) => {}
    }
}

async fn mail(config: &Config, report: &mut Report) {
    let url = reqwest::Url::parse(config.mail.smtp_url.expose_secret());
    let Some((host, port)) = url.ok().and_then(|url| {
        let port = url.port().unwrap_or(if url.scheme() == "smtps" { 465 } else { 587 });
        Some((url.host_str()?.to_owned(), port))
    }) else {
        return report.fail("mail", "mail.smtp_url has no host", "Write it as smtps://user:password@host:465.");
    };
    let connected =
        tokio::time::timeout(Duration::from_secs(10), tokio::net::TcpStream::connect((host.as_str(), port))).await;
    match connected {
        Ok(Ok(_)) => report.ok("mail", format!("{host}:{port} answers")),
        Ok(Err(error)) => {
            report.fail("mail", format!("{host}:{port}: {error}"), "Check mail.smtp_url and the firewall.")
        }
        Err(_) => {
            report.fail("mail", format!("{host}:{port} gives no answer"), "Check mail.smtp_url and the firewall.")
        }
    }
}

async fn public_url(config: &Config, report: &mut Report) {
    let url = format!("{}/healthz", config.web.public_url);
    let mut builder = reqwest::Client::builder().timeout(Duration::from_secs(10));
    if let Some(certificates) = config.ca_pem.as_ref().and_then(|pem| reqwest::Certificate::from_pem_bundle(pem).ok()) {
        builder = builder.tls_certs_merge(certificates);
    }
    let answer = match builder.build() {
        Ok(client) => client.get(&url).send().await,
        Err(error) => return report.fail("public address", error.to_string(), "Check tls.ca_file."),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => report.ok("public address", format!("{url} answers")),
        Ok(answer) => report.warn(
            "public address",
            format!("{url} answers {}", answer.status()),
            "Point the reverse proxy at web.listen, and start the daemon.",
        ),
        Err(error) => report.warn(
            "public address",
            format!("{} can't be reached: {}", config.web.public_url, error.without_url()),
            "Start the daemon, and check DNS, certificate and reverse proxy. From inside, some networks can't see their own address.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_of_the_mapping_that_can_not_be_read_is_named() {
        let mut report = Report::default();
        let described = json!({"fields": [{"name": "Name"}, {"name": "total__c"}]});
        fields_readable(&InvoiceMapping::default(), &described, &mut report);
        assert_eq!(report.0[0].verdict, Verdict::Fail);
        assert!(report.0[0].found.contains("Account__c, Billing_Email__c"), "{}", report.0[0].found);
        assert!(!report.0[0].found.contains("Total__c"), "names are the same in any case");
    }

    #[test]
    fn whoever_turns_card_numbers_on_reads_what_it_means() {
        let said = |take_cards, moto| {
            let mut report = Report::default();
            desk(config::Desk { take_cards, moto }, &mut report);
            report.0
        };
        let off = said(false, false);
        assert_eq!((off.len(), off[0].verdict), (1, Verdict::Ok));
        assert!(off[0].found.contains("SAQ A"), "{}", off[0].found);
        let on = said(true, false);
        assert_eq!(on[0].verdict, Verdict::Warn);
        for part in ["SAQ C-VT", "assessor", "Recordings of calls", "desk.take_cards = false"] {
            assert!(on[0].remedy.contains(part), "{part}");
        }
        assert!(on[1].found.contains("becomes a link to the customer"), "{}", on[1].found);
        assert!(said(true, true)[1].found.contains("are flagged"));
    }

    #[test]
    fn a_field_that_may_not_be_written_is_named() {
        let mut report = Report::default();
        let described = json!({"fields": [
            {"name": "State__c", "updateable": true, "createable": true},
            {"name": "Sentence__c", "updateable": false, "createable": false}]});
        fields_writable("Payment_Request__c", &["State__c", "Sentence__c", "Gone__c"], &described, &mut report);
        assert_eq!(report.0[0].verdict, Verdict::Fail);
        assert!(report.0[0].found.ends_with("Sentence__c, Gone__c"), "{}", report.0[0].found);
    }
}
