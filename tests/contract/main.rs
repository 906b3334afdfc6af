//! One contract between the Salesforce package and the daemon, `proto/schemas` with its cases in `proto/examples`, held from both
//! sides: the package's Apex runs on the sandbox's org and must publish what the daemon parses, and the org must give and take
//! what the daemon's source names. Renaming a field, a word or a command on one side alone turns this red.

mod org;
mod published;
mod records;
mod source;

use serde_json::Value as Json;

/// One file of `proto/examples`.
fn cases(name: &str) -> Json {
    let path = root().join("proto/examples").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The checkout; `CONTRACT_ROOT` names another, as `scripts/mutants` does for its copy.
fn root() -> std::path::PathBuf {
    std::env::var_os("CONTRACT_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), Into::into)
}
