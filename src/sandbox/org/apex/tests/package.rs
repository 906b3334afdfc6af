//! The package that ships with this repository: every class and trigger loads, and its own tests pass in the org.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sandbox::org::apex::Runtime;
use crate::sandbox::org::host::{Fault, Record};
use crate::sandbox::org::{ADMINISTRATOR, EventSink, Org, OrgOptions};

struct Nowhere;

impl EventSink for Nowhere {
    fn publish(&self, _event: Record) {}
}

#[test]
fn every_test_of_the_package_passes_in_the_org() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("force-app");
    let dirs = [package];
    let runtime = Arc::new(Runtime::load(&dirs).unwrap_or_else(|error| panic!("{error}")));
    let org = Org::open(&dirs, runtime.clone(), Arc::new(Nowhere), OrgOptions::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let user = org.user(ADMINISTRATOR).expect("the org has its administrator");
    let tests = runtime.tests();
    assert!(!tests.is_empty(), "the package has tests");
    let mut failed = Vec::new();
    for (class, method) in &tests {
        let mut outcome = Ok(());
        // Failing on purpose undoes what the test wrote.
        let undo: Result<(), Fault> = org.run(&user, |transaction| {
            outcome = runtime.run_test(transaction, class, method);
            Err(Fault {
                exception: "Undo".to_owned(),
                message: String::new(),
                rows: Vec::new(),
                stack: Vec::new(),
                uncatchable: true,
            })
        });
        assert!(undo.is_err());
        if let Err(fault) = outcome {
            failed.push(format!(
                "{class}.{method}: {}: {}\n    {}",
                fault.exception,
                fault.message,
                fault.stack.join("\n    ")
            ));
        }
    }
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), tests.len(), failed.join("\n"));
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The sandbox's org is an org like any other: what it does comes from the package's own files.
#[test]
fn the_org_knows_no_name_of_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut package, mut sources) = (Vec::new(), Vec::new());
    files(&root.join("force-app"), &mut package);
    files(&root.join("src/sandbox/org"), &mut sources);
    let kinds = [".cls", ".trigger", ".object-meta.xml", ".field-meta.xml", ".permissionset-meta.xml"];
    let names: BTreeSet<String> = package
        .iter()
        .filter_map(|path| {
            let file = path.file_name()?.to_str()?;
            kinds.iter().find_map(|kind| file.strip_suffix(kind)).map(str::to_owned)
        })
        // Standard objects that the package only adds fields to are the platform's.
        .filter(|name| name.contains("__") || !["Account", "Contact"].contains(&name.as_str()))
        .collect();
    assert!(names.len() > 50 && names.iter().any(|name| name.ends_with("__c")), "{names:?}");
    let mut known = Vec::new();
    for path in sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let place = path.strip_prefix(root).expect("beneath the root");
        // The tests beside the code invent what they like.
        if place.components().any(|part| ["tests", "tests.rs", "bench.rs"].iter().any(|name| part.as_os_str() == *name))
        {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a source");
        let text = text.split("mod tests {").next().unwrap_or_default();
        let text: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let own = names.iter().filter(|name| words.contains(name.as_str()));
        known.extend(own.map(|name| format!("{}: {name}", place.display())));
    }
    assert!(known.is_empty(), "{}", known.join("\n"));
}
