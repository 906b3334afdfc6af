//! The daemon as systemd would run it: readiness, watchdog, stop and start again.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::house::House;

/// The socket on which a service tells systemd how it is.
struct Manager {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Manager {
    fn new(house: &House, name: &str) -> Manager {
        let path = house.dir().join(name);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        Manager { socket, path }
    }

    fn start(&self, house: &House) -> Daemon {
        let child = Command::new(env!("CARGO_BIN_EXE_quittance"))
            .args(["run", "--config", &house.endpoints.daemon_config])
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon");
        Daemon(child)
    }

    fn hears(&self, word: &str, seconds: u64) -> bool {
        let start = Instant::now();
        let mut buffer = [0; 4096];
        while start.elapsed() < Duration::from_secs(seconds) {
            if let Ok(length) = self.socket.recv(&mut buffer)
                && String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == word)
            {
                return true;
            }
        }
        false
    }
}

/// Ends with the test, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn terminate(child: &Child) {
    let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().expect("kill");
    assert!(asked.success());
}

async fn ended(child: &mut Child, seconds: u64) -> Option<std::process::ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        if let Some(status) = child.try_wait().expect("its status") {
            return Some(status);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

#[tokio::test]
async fn systemd_sees_it_ready_alive_stopping_and_starting_again() {
    let house = House::start_with(&["--no-daemon"], None).await;
    for round in ["first", "second"] {
        let manager = Manager::new(&house, round);
        let mut daemon = manager.start(&house);
        assert!(manager.hears("READY=1", 30), "the {round} start says when it is ready");
        assert!(manager.hears("WATCHDOG=1", 5), "and that it is alive");
        house.is_ready().await;

        house.synced_account(&json!({"Name": format!("Round {round}")})).await;

        terminate(&daemon.0);
        assert!(manager.hears("STOPPING=1", 5), "it says that it stops");
        let status = ended(&mut daemon.0, 25).await.expect("a stop within 25 s");
        assert!(status.success(), "a wanted stop is no failure: {status}");
    }
}

#[tokio::test]
async fn a_second_daemon_on_the_same_file_is_refused_with_a_reason() {
    let house = House::start().await;
    let output = Command::new(env!("CARGO_BIN_EXE_quittance"))
        .args(["run", "--config", &house.endpoints.daemon_config])
        .output()
        .expect("the daemon");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(said.contains("another") || said.contains("already"), "it says why: {said}");
}
