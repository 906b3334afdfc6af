//! Several daemons on one PostgreSQL.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::house::{House, Postgres};

/// One daemon with its own address and log.
struct Sidecar {
    child: Child,
    log: std::path::PathBuf,
}

impl Sidecar {
    fn start(house: &House, name: &str) -> Sidecar {
        let log = house.dir().join(name);
        let file = std::fs::File::create(&log).expect("a log file");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let child = Command::new(env!("CARGO_BIN_EXE_quittance"))
            .args(["run", "--config", &house.endpoints.daemon_config])
            .env("QUITTANCE_WEB__LISTEN", format!("127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the daemon");
        Sidecar { child, log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn listens(&self) -> bool {
        self.log().contains("listening for commands")
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn import(house: &House, name: &str) {
    let rows: Vec<Value> = (0..60).map(|row| json!({"Name": format!("{name} {row}")})).collect();
    house.insert_many("Account", &rows).await.expect("import");
}

#[tokio::test]
async fn one_of_two_daemons_holds_the_stream_and_when_it_is_killed_the_other_goes_on() {
    let house = House::start_with(&["--no-daemon"], Some(Postgres::start())).await;
    let first = Sidecar::start(&house, "first.log");
    house
        .eventually("the first to listen", 30, || async { Ok(if first.listens() { Ok(()) } else { Err(first.log()) }) })
        .await;
    let second = Sidecar::start(&house, "second.log");
    import(&house, "Both").await;
    house.all_synced(60).await;
    assert!(!second.listens(), "one alone holds the subscription");

    import(&house, "Killed").await;
    drop(first); // kill -9, with claims in hand
    house.all_synced(75).await;
    assert!(second.listens(), "the other took the subscription over");
    assert_eq!(house.customers().await.len(), 120, "nothing was done twice");
    assert_eq!(house.payment_errors().await, 0);
    // Two: a sidecar is only buried, and its claims freed, by one that saw its counter stand still.
    assert!(second.log().contains("token=2"), "under a higher fencing token");
}
