//! The package that ships with this repository: every class and trigger loads, and its own tests pass in the org.

use std::path::Path;
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
