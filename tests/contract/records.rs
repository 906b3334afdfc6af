//! What the daemon reads and writes are fields that exist, that its permission set lets it read and write, and that hold what it
//! may write at the longest.

use std::collections::BTreeMap;

use quittance::sandbox::org::host::{Record, SaveOp, Value};
use quittance::sandbox::org::{ADMINISTRATOR, CLERK, INTEGRATION};
use serde_json::Value as Json;

use super::cases;
use super::org::{Package, id, record, word};

#[test]
fn the_daemon_can_read_what_it_asks_for() {
    let package = Package::deployed();
    let records = cases("records.json");
    for (object, fields) in records["reads"].as_object().expect("objects") {
        let names: Vec<&str> =
            fields.as_array().expect("fields").iter().map(|name| name.as_str().expect("a name")).collect();
        let soql = format!("SELECT {} FROM {object}", names.join(", "));
        if let Err(fault) = package.query(INTEGRATION, &soql) {
            panic!("{soql}\n{}: {}", fault.exception, fault.message);
        }
    }
}

/// One record of each kind that the daemon's own records point to.
fn parents(package: &Package) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    let account = package.insert(ADMINISTRATOR, record("Account", &[("Name", word("Harbour Coffee"))]));
    let invoice = [
        ("Name", word("INV-1")),
        ("Account__c", id(&account)),
        ("Currency_Code__c", word("KWD")),
        ("Total__c", Value::Number("999999999999.999".parse().expect("a number"))),
        ("Status__c", word("Open")),
    ];
    let invoice = package.insert(ADMINISTRATOR, record("Invoice__c", &invoice));
    let request =
        [("Kind__c", word("Send Payment Link")), ("Invoice__c", id(&invoice)), ("Email__c", word("a@b.example"))];
    made.insert("Payment_Request__c".to_owned(), package.insert(CLERK, record("Payment_Request__c", &request)));
    made.insert("Account".to_owned(), account);
    made.insert("Invoice__c".to_owned(), invoice);
    made
}

fn value(field: &str, case: &Json, parents: &BTreeMap<String, String>) -> Value {
    let (kind, given) = case.as_object().and_then(|case| case.iter().next()).expect("one entry");
    match (kind.as_str(), given) {
        ("longest", Json::Number(most)) if field == "Currency_Code__c" && most.as_u64() == Some(3) => word("KWD"),
        ("longest", Json::Number(most)) => word(&"x".repeat(most.as_u64().expect("a length") as usize)),
        ("words", Json::Array(words)) => word(words[0].as_str().expect("a word")),
        ("largest", number) => Value::Number(number.to_string().parse().expect("a number")),
        ("time", Json::String(time)) => Value::DateTime(time.parse().expect("a time")),
        ("flag", Json::Bool(flag)) => Value::Bool(*flag),
        ("email", Json::String(address)) => word(address),
        ("record", Json::String(object)) => {
            id(parents.get(object).unwrap_or_else(|| panic!("{field} points to {object}, of which there is none yet")))
        }
        _ => panic!("{field}: {case}"),
    }
}

#[test]
fn the_daemon_can_write_what_it_writes_back() {
    let package = Package::deployed();
    let mut parents = parents(&package);
    let records = cases("records.json");
    let writes = records["writes"].as_object().expect("objects");
    // Links before payments, payments before errors: those point to these.
    for object in [
        "Account",
        "Stored_Payment_Method__c",
        "Payment_Request__c",
        "Payment_Link__c",
        "Payment__c",
        "Payment_Error__c",
        "Sidecar_Status__c",
    ] {
        let written = &writes[object];
        let key = written["key"].as_str().expect("a key");
        let fields = written["fields"].as_object().expect("fields");
        let mut row = record(object, &[]);
        let op = if key == "Id" { SaveOp::Update } else { SaveOp::Upsert };
        let own = if key == "Id" { id(&parents[object]) } else { word("0b8f7e6c-1111-4222-8333-444455556666") };
        row.fields.insert(key.to_owned(), own);
        for (field, case) in fields {
            row.fields.insert(field.clone(), value(field, case, &parents));
        }
        write(&package, op, key, &row, "all at once").map(|made| parents.insert(object.to_owned(), made));
        // Every word of each picklist, on the same record.
        for (field, case) in fields {
            for one in case["words"].as_array().into_iter().flatten() {
                row.fields.insert(field.clone(), word(one.as_str().expect("a word")));
                write(&package, op, key, &row, &format!("{field} = {one}"));
            }
        }
    }
    assert_eq!(writes.len(), 7, "every object that is written stands in the order above");
}

fn write(package: &Package, op: SaveOp, key: &str, row: &Record, what: &str) -> Option<String> {
    match package.save(INTEGRATION, op, Some(key), row.clone()) {
        Ok(saved) => saved.id,
        Err(fault) => panic!("{}, {what}: {}", row.object, fault.message),
    }
}
