//! Apex publishes exactly what Rust parses, and the notices of Rust are what the org's event can carry.

use std::collections::BTreeMap;

use quittance::domain::command::{Command, CommandKind, unpack};
use quittance::sandbox::org::host::{Host, SaveOp, Value};
use quittance::sandbox::org::{ADMINISTRATOR, CLERK, INTEGRATION};
use serde_json::Value as Json;

use super::cases;
use super::org::{Package, id, record, text, word};

/// The commands of the events since the last call, each parsed by the daemon's own code.
fn commands(package: &Package) -> Vec<Command> {
    let mut all = Vec::new();
    for event in package.heard() {
        assert_eq!(event.object, "Payment_Command__e");
        let written = text(&event, "Commands__c");
        let (commands, bad) = unpack(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(bad, [], "{written}");
        let raw: Json = serde_json::from_str(written).expect("JSON");
        for command in raw["commands"].as_array().expect("commands") {
            let fields: Vec<&str> = command.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(fields, ["id", "type", "record", "lane"], "a command carries ids and no data: {command}");
        }
        all.extend(commands);
    }
    all
}

/// The one command that the act published.
fn one(package: &Package, kind: CommandKind) -> Command {
    let mut found: Vec<Command> = commands(package).into_iter().filter(|command| command.kind == kind).collect();
    assert_eq!(found.len(), 1, "one {kind} should have been published: {found:?}");
    found.remove(0)
}

/// The shape of a command's id as the examples have it: letters and digits of ids, digests and numbers told by their length.
fn shape(id: &str) -> Vec<String> {
    let hex = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.split(':')
        .map(|part| match part.len() {
            64 if hex(part) => "digest".to_owned(),
            36 if part.matches('-').count() == 4 => "uuid".to_owned(),
            18 if part.bytes().all(|byte| byte.is_ascii_alphanumeric()) => "record".to_owned(),
            _ if part.bytes().all(|byte| byte.is_ascii_digit()) => "number".to_owned(),
            _ => part.to_owned(),
        })
        .collect()
}

#[test]
fn the_package_publishes_every_command_as_the_daemon_parses_it() {
    let package = Package::deployed();
    let mut seen: BTreeMap<&str, Command> = BTreeMap::new();
    let mut note = |command: Command| {
        seen.insert(command.kind.name(), command);
    };

    let fields = [("Name", word("Harbour Coffee")), ("Billing_Email__c", word("books@harbour.example"))];
    let account = package.insert(ADMINISTRATOR, record("Account", &fields));
    let synced = one(&package, CommandKind::SyncAccount);
    assert_eq!((synced.record.as_str(), synced.lane.as_str()), (account.as_str(), account.as_str()));
    note(synced);

    let total = |amount: &str| Value::Number(amount.parse().expect("a number"));
    let fields = [
        ("Name", word("INV-1")),
        ("Account__c", id(&account)),
        ("Total__c", total("100")),
        ("Status__c", word("Open")),
    ];
    let invoice = package.insert(ADMINISTRATOR, record("Invoice__c", &fields));
    let fields = [("Link_Id__c", word(&"l".repeat(36))), ("Invoice__c", id(&invoice)), ("State__c", word("Open"))];
    let link = package.insert(INTEGRATION, record("Payment_Link__c", &fields));
    let fields = [
        ("Name", word("Visa ending 4242")),
        ("Account__c", id(&account)),
        ("Kind__c", word("Card")),
        ("Recorded_State__c", word("Ready")),
        ("Consent_Text__c", word("I agree that you charge this card later.")),
        ("Consent_Time__c", Value::DateTime("2026-11-20T09:30:00Z".parse().expect("a time"))),
        ("Later_Charges__c", Value::Bool(true)),
    ];
    let method = package.insert(INTEGRATION, record("Stored_Payment_Method__c", &fields));
    package.heard();

    for request in cases("requests.json")["requests"].as_array().expect("a list") {
        let (kind, prefix) = (request["kind"].as_str().expect("kind"), request["prefix"].as_str().expect("prefix"));
        let mut made = record("Payment_Request__c", &[("Kind__c", word(kind))]);
        for field in request["needs"].as_array().expect("fields") {
            let (field, value) = match field.as_str().expect("a name") {
                field @ "Invoice__c" => (field, id(&invoice)),
                field @ "Payment_Link__c" => (field, id(&link)),
                field @ "Stored_Payment_Method__c" => (field, id(&method)),
                field @ "Amount__c" => (field, total("40")),
                field @ "Email__c" => (field, word("books@harbour.example")),
                field @ "Note__c" => (field, word("Due on Friday")),
                field @ "Token_Hash__c" => (field, word(&hex::encode(&prefix.as_bytes()[..1]).repeat(32))),
                other => panic!("{kind} needs {other}, which this test has no value for"),
            };
            made.fields.insert(field.to_owned(), value);
        }
        let made = package.insert_by_apex(CLERK, made);
        let kind = CommandKind::from_name(request["type"].as_str().expect("type")).expect("a type the daemon knows");
        let command = one(&package, kind);
        assert_eq!(command.record.as_str(), made);
        let soql = format!("SELECT Request_Id__c FROM Payment_Request__c WHERE Id = '{made}'");
        let read = package.query(INTEGRATION, &soql).expect("the daemon reads it back");
        assert_eq!(command.id.as_str(), format!("{prefix}{}", text(&read[0], "Request_Id__c")));
        note(command);
    }

    let fields = [("Id", id(&invoice)), ("Total__c", total("80"))];
    package.save(ADMINISTRATOR, SaveOp::Update, None, record("Invoice__c", &fields)).expect("saved");
    note(one(&package, CommandKind::ReviewInvoice));

    let fields = [("Command_Id__c", word("send:1")), ("Invoice__c", id(&invoice)), ("State__c", word("Open"))];
    let error = package.insert(INTEGRATION, record("Payment_Error__c", &fields));
    let fields = [("Id", id(&error)), ("State__c", word("Retry Requested"))];
    package.save(CLERK, SaveOp::Update, None, record("Payment_Error__c", &fields)).expect("saved");
    note(one(&package, CommandKind::RetryError));

    let examples = cases("commands.json");
    for example in examples["commands"].as_array().expect("a list") {
        let kind = example["type"].as_str().expect("a type");
        let published = seen.get(kind).unwrap_or_else(|| panic!("the package publishes no {kind}"));
        assert_eq!(shape(published.id.as_str()), shape(example["id"].as_str().expect("an id")), "{kind}");
    }
    let known: Vec<&str> =
        CommandKind::ALL.iter().filter(|kind| kind.from_salesforce()).map(|kind| kind.name()).collect();
    let mut published: Vec<&str> = seen.keys().copied().collect();
    published.sort_by_key(|name| known.iter().position(|known| known == name));
    assert_eq!(published, known, "what the daemon understands is what the package publishes");
}

#[test]
fn the_org_carries_every_notice_of_the_daemon() {
    let package = Package::deployed();
    let integration = package.org.user(INTEGRATION).expect("the daemon's user");
    assert!(package.org.object_access(&integration, "Payment_Notice__e").create, "the daemon may publish notices");
    assert!(package.org.object_access(&integration, "Payment_Command__e").read, "the daemon may hear commands");
    let notices = cases("notices.json");
    for notice in notices["notices"].as_array().expect("a list") {
        let fields: Vec<(&str, Value)> = notice
            .as_object()
            .expect("fields")
            .iter()
            .map(|(name, value)| (name.as_str(), word(value.as_str().expect("text"))))
            .collect();
        let event = record("Payment_Notice__e", &fields);
        let results = package.org.run(&integration, |transaction| Ok(transaction.publish(vec![event]))).expect("runs");
        assert!(results[0].success, "{notice}: {:?}", results[0].errors);
        let heard = package.heard();
        for (name, value) in &fields {
            assert_eq!(heard[0].fields.get(*name), Some(value), "{notice}");
        }
    }
}
