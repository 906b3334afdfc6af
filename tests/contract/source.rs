//! The daemon's source names what stands in `records.json`, and nothing else of the org.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{cases, root};

/// The daemon's source without comments, without the tests beside the code and without the sandbox, which knows no name of ours.
fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    collect(&root().join("src"), &mut found);
    assert!(found.len() > 100, "the source is where it was");
    found
}

fn collect(dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["sandbox", "tests"].contains(&name.as_str()) {
                collect(&path, found);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = std::fs::read_to_string(&path).expect("a source");
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.insert(path, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Words that end as a custom name does.
fn custom_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| ["__c", "__r", "__e"].iter().any(|end| word.len() > end.len() && word.ends_with(end))).collect()
}

/// Every custom name of the contract.
fn of_contract() -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        ["Payment_Command__e", "Payment_Notice__e", "Commands__c"].map(str::to_owned).into();
    let (records, notices) = (cases("records.json").to_string(), cases("notices.json").to_string());
    names.extend([&records, &notices].into_iter().flat_map(|text| custom_names(text)).map(str::to_owned));
    names
}

#[test]
fn the_daemon_names_the_fields_of_the_contract_and_no_others() {
    let sources = sources();
    let contract = of_contract();
    let mut named: BTreeMap<&str, &Path> = BTreeMap::new();
    for (path, text) in &sources {
        named.extend(custom_names(text).into_iter().map(|name| (name, path.as_path())));
    }
    let unknown: Vec<String> = named
        .iter()
        .filter(|(name, _)| !contract.contains(**name))
        .map(|(name, path)| format!("{name} in {}", path.display()))
        .collect();
    assert!(unknown.is_empty(), "not in proto/examples: {}", unknown.join(", "));
    // A lookup is written through its external id, as `Payment_Link__r`.
    let is_named = |name: &str| {
        named.contains_key(name)
            || name.strip_suffix("__c").is_some_and(|start| named.contains_key(format!("{start}__r").as_str()))
    };
    let unused: Vec<&String> = contract.iter().filter(|name| !is_named(name)).collect();
    assert!(unused.is_empty(), "in proto/examples and nowhere in the daemon's source: {unused:?}");
}

#[test]
fn the_daemon_says_every_word_of_the_contract() {
    let sources = sources();
    let says = |word: &str| {
        let literal = format!("\"{word}\"");
        sources.values().any(|text| text.contains(&literal))
    };
    let mut words: BTreeSet<String> = BTreeSet::new();
    let records = cases("records.json");
    for object in records["writes"].as_object().expect("objects").values() {
        for field in object["fields"].as_object().expect("fields").values() {
            words.extend(field["words"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned));
        }
    }
    for notice in cases("notices.json")["notices"].as_array().expect("a list") {
        words.extend(notice["State__c"].as_str().map(str::to_owned));
    }
    for request in cases("requests.json")["requests"].as_array().expect("a list") {
        words.extend(["kind", "type"].iter().filter_map(|name| request[*name].as_str()).map(str::to_owned));
    }
    let silent: Vec<&String> = words.iter().filter(|word| !says(word)).collect();
    assert!(silent.is_empty(), "no such text in the daemon's source: {silent:?}");
}
