//! Clients that others wrote, against this org alone. They need npm's and PyPI's packages installed beside their scripts:
//! `npm ci` in `tests/clients/node`, `pip install -r requirements.txt` for `tests/clients/python`.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::house::House;
use crate::sandbox::org::INTEGRATION;
use crate::sandbox::org::wire::oauth::SANDBOX_PRIVATE_KEY;

async fn walk(program: &'static str, script: &str) {
    let house = House::start().await;
    let folder = house.folder.path();
    let (key, endpoints) = (folder.join("client.key"), folder.join("endpoints.json"));
    std::fs::write(&key, SANDBOX_PRIVATE_KEY).unwrap();
    let text = json!({
        "version": 1,
        "salesforce": {
            "login_url": house.served.url,
            "instance_url": house.served.url,
            "pubsub": format!("localhost:{}", house.served.pubsub_addr.port()),
            "org_id": house.org.org_id(),
            "username": INTEGRATION,
            "client_id": "sandbox",
            "client_secret": "s3cret",
            "private_key_file": key,
            "api_version": "66.0",
            "admin_token": house.admin,
        },
        "ca_file": folder.join("tls/ca.pem"),
    });
    std::fs::write(&endpoints, text.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let walked = tokio::task::spawn_blocking(move || {
        Command::new(program).arg(script).env("QUITTANCE_ENDPOINTS", endpoints).output().unwrap()
    });
    let output = walked.await.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
    print!("{}", said(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the packages of tests/clients/node"]
async fn the_clients_of_npm_are_content() {
    walk("node", "node/salesforce.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the packages of tests/clients/python"]
async fn simple_salesforce_is_content() {
    walk("python3", "python/salesforce.py").await;
}
